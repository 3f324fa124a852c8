"""torchvision beside a torch for which its compiled operators do not load.

In: a torchvision that is being imported. Out: when its operators are missing, declarations of them with answers in Python, made
just before torchvision looks for them, so that models build and run. Shapes are exact and gradients flow; pooled values are means.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import torch
import torch.fx

from shapewright.observe.standins.patches import Patches

_libraries: list[torch.library.Library] = []  # a declared operator lives as long as its library object

_ROIS = "Tensor input, Tensor rois, float spatial_scale, int pooled_height, int pooled_width"
_GEOMETRY = "int stride_h, int stride_w, int pad_h, int pad_w, int dilation_h, int dilation_w, int groups, int offset_groups, bool use_mask"
_SCHEMAS = {
    "nms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "roi_align": f"({_ROIS}, int sampling_ratio, bool aligned) -> Tensor",
    "roi_pool": f"({_ROIS}) -> (Tensor, Tensor)",
    "ps_roi_align": f"({_ROIS}, int sampling_ratio) -> (Tensor, Tensor)",
    "ps_roi_pool": f"({_ROIS}) -> (Tensor, Tensor)",
    "deform_conv2d": f"(Tensor input, Tensor weight, Tensor offset, Tensor mask, Tensor bias, {_GEOMETRY}) -> Tensor",
}


def install(patches: Patches) -> None:
    """Be there when torchvision looks for its operators."""
    patches.after_import("torchvision.extension", _declare)
    patches.around_import("torchvision.ops.roi_align", _without_compiler)
    patches.after_import("torchvision", _use_declared)


@contextlib.contextmanager
def _without_compiler() -> Iterator[None]:
    """torchvision asks torch's compiler one question, for which importing it costs as much as everything else together."""
    names = ("torch._dynamo", "torch._dynamo.utils")
    if names[0] in sys.modules:
        yield
        return
    for name in names:
        sys.modules[name] = ModuleType(name)
    sys.modules[names[1]].is_compile_supported = lambda device: False  # type: ignore[attr-defined]
    try:
        yield
    finally:
        for name in names:
            del sys.modules[name]


def _declare(extension: ModuleType) -> None:
    if extension._has_ops() or _libraries:
        return
    library = torch.library.Library("torchvision", "FRAGMENT")
    for name, schema in _SCHEMAS.items():
        library.define(name + schema)
    library.impl("nms", _nms, "CPU")
    library.impl("roi_align", _roi_align, "CompositeImplicitAutograd")
    library.impl("roi_pool", _roi_pool, "CompositeImplicitAutograd")
    library.impl("ps_roi_align", _ps_roi_align, "CompositeImplicitAutograd")
    library.impl("ps_roi_pool", _roi_pool_by_position, "CompositeImplicitAutograd")
    library.impl("deform_conv2d", _deform_conv2d, "CompositeImplicitAutograd")
    _libraries.append(library)
    # torchvision's own modules import this check by name, and it would stop them.
    extension._assert_has_ops = lambda: None  # type: ignore[attr-defined]


def _use_declared(torchvision: ModuleType) -> None:
    # Without its operators roi_align would compile a slow replacement on first use.
    module = sys.modules.get("torchvision.ops.roi_align")
    if _libraries and module is not None and hasattr(module, "_has_ops"):
        module._has_ops = lambda: True  # type: ignore[attr-defined]


def _nms(boxes: torch.Tensor, scores: torch.Tensor, iou_threshold: float) -> torch.Tensor:
    """Greedy suppression, as the operator does it."""
    import numpy as np

    with torch._C.DisableTorchFunction():
        left, top, right, bottom = boxes.detach().float().numpy().T
        order = scores.detach().sort(stable=True, descending=True).indices.numpy()  # of equal scores the first goes first
    area = (right - left) * (bottom - top)
    if not area.any():  # the boxes of a run on fakes: empty ones overlap nothing, and there may be a hundred thousand of them
        with torch._C.DisableTorchFunction():
            return torch.from_numpy(order)
    keep = []
    while order.size:
        best, order = order[0], order[1:]
        keep.append(int(best))
        width = (np.minimum(right[order], right[best]) - np.maximum(left[order], left[best])).clip(0)
        height = (np.minimum(bottom[order], bottom[best]) - np.maximum(top[order], top[best])).clip(0)
        overlap = width * height
        order = order[overlap <= iou_threshold * (area[order] + area[best] - overlap)]
    with torch._C.DisableTorchFunction():
        return torch.tensor(keep, dtype=torch.int64)


def _pooled(x: torch.Tensor, rois: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """For each region the mean of its image's channels, in the pooled size."""
    means = x.mean((2, 3))[rois[:, 0].long()]
    return means[:, :, None, None].expand(-1, -1, height, width).clone()


def _roi_align(x: torch.Tensor, rois: torch.Tensor, scale: float, height: int, width: int, sampling: int, aligned: bool) -> torch.Tensor:
    return _pooled(x, rois, height, width)


def _with_places(pooled: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return pooled, torch.zeros(pooled.shape, dtype=torch.int32)


def _roi_pool(x: torch.Tensor, rois: torch.Tensor, scale: float, height: int, width: int) -> tuple[torch.Tensor, torch.Tensor]:
    return _with_places(_pooled(x, rois, height, width))


def _roi_pool_by_position(x: torch.Tensor, rois: torch.Tensor, scale: float, height: int, width: int) -> tuple[torch.Tensor, torch.Tensor]:
    if x.shape[1] % (height * width):
        raise RuntimeError("input channels must be a multiple of pooling height * pooling width")
    return _with_places(_pooled(x[:, :: height * width], rois, height, width))


def _ps_roi_align(
    x: torch.Tensor, rois: torch.Tensor, scale: float, height: int, width: int, sampling: int
) -> tuple[torch.Tensor, torch.Tensor]:
    return _roi_pool_by_position(x, rois, scale, height, width)


def _deform_conv2d(
    x: torch.Tensor, weight: torch.Tensor, offset: torch.Tensor, mask: torch.Tensor, bias: torch.Tensor, *geometry: Any
) -> torch.Tensor:
    """The convolution without its deformation: the same demands on channels, and the output's size."""
    stride, padding, dilation = geometry[0:2], geometry[2:4], geometry[4:6]
    y = torch.nn.functional.conv2d(x, weight, bias, stride, padding, dilation, geometry[6])
    if y.shape[-2:] != offset.shape[-2:]:
        raise RuntimeError(
            f"offset output dims: ({offset.shape[-2]}, {offset.shape[-1]}) - computed output dims: ({y.shape[-2]}, {y.shape[-1]})"
        )
    return y
