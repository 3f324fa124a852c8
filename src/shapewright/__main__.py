"""`python -m shapewright` is the `shapewright` command."""

from shapewright.front.cli import main

main()
