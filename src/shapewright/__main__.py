"""`python -m shapewright` is the `shapewright` command."""

from shapewright.front.main import main

main()
