"""What a check costs, measured: one file a measurement, `python -m bench` lists them."""
