"""shapewright finds tensor-shape errors in PyTorch programs and explains them."""

__version__ = "0.1.0"
