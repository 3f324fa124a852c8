"""shapewright finds tensor-shape errors in PyTorch programs by running them dry, and explains them.

>>> import shapewright                                # doctest: +SKIP
>>> shapewright.check("train.py").exit_code()         # doctest: +SKIP
>>> shapewright.check(model, torch.randn(1, 3, 64, 64)).targets[0].findings    # doctest: +SKIP
>>> with shapewright.explaining(): train(model)       # doctest: +SKIP

Importing it loads neither torch nor rich.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["Finding", "Report", "Trace", "assert_shapes", "check", "explaining", "install", "trace"]

if TYPE_CHECKING:
    from shapewright.assertion import assert_shapes
    from shapewright.front.explaining import explaining, install
    from shapewright.library import check, trace
    from shapewright.model import Trace
    from shapewright.report import Finding, Report


def __getattr__(name: str) -> Any:
    if name in ("check", "trace"):
        from shapewright import library

        return getattr(library, name)
    if name == "assert_shapes":
        from shapewright.assertion import assert_shapes

        return assert_shapes
    if name in ("Finding", "Report", "Trace"):
        from shapewright import model, report

        return getattr(model if name == "Trace" else report, name)
    if name in ("explaining", "install"):
        from shapewright.front import explaining

        return getattr(explaining, name)
    raise AttributeError(f"module 'shapewright' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
