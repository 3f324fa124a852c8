"""torchvision's compiled operators in Python, for plain runs beside a torch for which they do not load.

Detection models call two of them, `nms` and `roi_align`; both are exact here: the first is the greedy loop, the second is the function that
torchvision itself falls back to, uncompiled. shapewright's own stand-ins have no part in it. Call `declare` before torchvision is imported.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

_AT_ONCE = 32  # regions
_kept: list[Any] = []  # a declared operator lives as long as its library object

_SCHEMAS = {
    "nms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "roi_align": "(Tensor input, Tensor rois, float spatial_scale, int pooled_height, int pooled_width, int sampling_ratio, bool aligned) "
    "-> Tensor",
}


def declare() -> None:
    """Make torchvision importable and its detection models runnable, where its own operators cannot be loaded."""
    import torch

    try:
        importlib.import_module("torchvision")
        return
    except RuntimeError as error:
        if "torchvision::" not in str(error):
            raise
    library = torch.library.Library("torchvision", "FRAGMENT")
    for name, schema in _SCHEMAS.items():
        library.define(name + schema)
    library.impl("nms", _nms, "CPU")
    library.impl("roi_align", _roi_align, "CPU")
    _kept.append(library)
    extension = _import_without_fakes()
    extension._assert_has_ops = lambda: None
    for name in ("boxes", "roi_align"):
        module = importlib.import_module(f"torchvision.ops.{name}")
        for asks, answer in (("_assert_has_ops", None), ("_has_ops", True)):
            if hasattr(module, asks):
                setattr(module, asks, lambda answer=answer: answer)


def _import_without_fakes() -> Any:
    """torchvision registers what its operators do on fake tensors; here nobody asks for it, and not all of them are there."""
    import torch

    register = torch.library.register_fake

    def only_known(op: Any, *args: Any, **kwargs: Any) -> Any:
        foreign = str(op).startswith("torchvision::")
        return (lambda function: function) if foreign else register(op, *args, **kwargs)

    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        del sys.modules[name]  # the half that the failed import has left
    torch.library.register_fake = only_known
    try:
        importlib.import_module("torchvision")
    finally:
        torch.library.register_fake = register
    return importlib.import_module("torchvision.extension")


def _nms(boxes: Any, scores: Any, iou_threshold: float) -> Any:
    import torch

    order = scores.argsort(descending=True, stable=True)
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    kept = []
    while order.numel():
        best, order = order[0], order[1:]
        kept.append(int(best))
        low = torch.maximum(boxes[order, :2], boxes[best, :2])
        high = torch.minimum(boxes[order, 2:], boxes[best, 2:])
        shared = (high - low).clamp(min=0).prod(dim=1)
        order = order[shared <= iou_threshold * (area[order] + area[best] - shared)]
    return torch.tensor(kept, dtype=torch.int64)


def _roi_align(x: Any, rois: Any, scale: float, height: int, width: int, sampling: int, aligned: bool) -> Any:
    """A few regions at a time: all at once would take gigabytes."""
    import torch

    exact = importlib.import_module("torchvision.ops.roi_align")._roi_align.__wrapped__  # without the compiler around it
    parts = [exact(x, some, scale, height, width, sampling, aligned) for some in rois.split(_AT_ONCE)]
    return torch.cat(parts) if len(rois) else x.new_zeros((0, x.shape[1], height, width))
