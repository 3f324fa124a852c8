"""The shapes of a call do not go together, in a way that has no page of its own.

What happened. PyTorch refused the call for the shapes it was given (`other-shape-error`): a dim that does not exist,
an index that does not fit, one number asked of a tensor that holds many, channels that cannot be divided. The
headline says what was asked and what was there; where that is not known for sure it only names the call and the
shapes.

Why. Usually the tensor has another rank or size than the line was written for: a dim got lost or came in on the way,
or a size changed before.

How to tell which fix is right. Follow the table of shapes from the input to the failing line, and find the first row
that is not what you had in mind. That row, not the failing one, is the place to mend.

Example. A loss that was not reduced to one number:

    `item` needs one element but receives 32: [32]
"""

from __future__ import annotations

from shapewright.model import Clash, Number, Size, TensorInfo
from shapewright.reason.rules import say
from shapewright.reason.rules.sizes import at, integer, numbers, tensor, whole
from shapewright.reason.scene import Scene

SLUGS = ("other-shape-error",)
SLUG = "other-shape-error"

# How torch reports a shape that does not fit; whatever else a call raises is about something else.
SHAPE_EXCEPTIONS = ("RuntimeError", "ValueError", "IndexError", "AssertionError")
# Calls whose failures are never about the shapes they were given.
NEVER_SHAPES = frozenset(
    """backward numpy requires_grad requires_grad_ load save to cuda cpu type float half double long int bfloat16 bool_ detach clone tolist
    contiguous data_ptr register_hook retain_grad grad is_contiguous pin_memory share_memory manual_seed step zero_grad tensor from_numpy
    __array__ dtype device""".split()  # noqa: SIM905
)
# Calls of which the other rules know every demand, or that take any shape: when those found nothing, the reason is another one.
FULLY_KNOWN = frozenset(
    """add sub mul div true_divide floor_divide remainder pow eq ne lt le gt ge maximum minimum where masked_fill lerp addcmul addcdiv clamp
    linear matmul mm bmm mv dot cat concat concatenate stack softmax log_softmax sum mean std var relu sigmoid tanh gelu silu elu selu
    leaky_relu softplus exp log sqrt abs neg dropout sin cos round floor ceil sign zeros_like ones_like squeeze unsqueeze transpose permute
    reshape flatten logical_and logical_or logical_not logical_xor erf rsqrt reciprocal square isnan isinf embedding t""".split()  # noqa: SIM905
)
INTERPOLATED = {"linear": (3,), "bilinear": (4,), "bicubic": (4,), "trilinear": (5,), "nearest": (3, 4, 5), "nearest-exact": (3, 4, 5),
                "area": (3, 4, 5)}  # fmt: skip


def demand(scene: Scene) -> Clash | None:
    """Single demands of single calls."""
    event = scene.event
    x = tensor(event, 0, "input")
    if x is None:
        return None
    match event.op:
        case "item" | "bool" | "__bool__" | "float_" | "int_":
            return _one_element(scene, x)
        case "pixel_shuffle" | "pixel_unshuffle":
            return _shuffle(scene, x)
        case "glu":
            return _glu(scene, x)
        case "interpolate" | "upsample":
            return _interpolate(scene, x)
        case "pad":
            return _pad(scene, x)
        case "prelu":
            return _prelu(scene, x)
        case "one_hot":
            return _one_hot(scene, x)
        case "cdist":
            return _cdist(scene, x)
        case "TensorDataset":
            return _samples(scene, x)
    return None


def _one_element(scene: Scene, x: TensorInfo) -> Clash | None:
    if x.numel == 1:
        return None
    op = scene.event.op.strip("_")
    needs = "`if` needs one truth value" if op == "bool" else f"`{op}` needs one element"
    headline = f"{needs} but receives {x.numel}: {say.sizes(x.shape)}"
    return Clash(SLUG, headline, f"{say.name(scene, x, 'the tensor')} is {x}", whole(x, x.numel))


def _shuffle(scene: Scene, x: TensorInfo) -> Clash | None:
    op = scene.event.op
    key = "upscale_factor" if op == "pixel_shuffle" else "downscale_factor"
    factor = scene.event.argument(1, key)
    if not isinstance(factor, Number) or factor.value < 1:
        return None
    layer, called = say.layer(scene, key), say.name(scene, x, "the input")
    if x.rank < 3:
        headline = f"`{layer}` expects [*, C, H, W] but receives {say.count(x.rank, 'dim')}: {say.sizes(x.shape)}"
        return Clash(SLUG, headline, f"{called} is {x}", whole(x, x.rank))
    n = factor.value
    if op == "pixel_shuffle" and x.shape[-3] % (n * n):
        headline = f"`{layer}` expects channels in multiples of {n}·{n} = {n * n} but receives {x.shape[-3]}"
        return Clash(SLUG, headline, f"{called} is {say.marked(x, -3)}", at(x, -3), Size(n, number=factor))
    odd = next((dim for dim in (-2, -1) if x.shape[dim] % n), None) if op == "pixel_unshuffle" else None
    if odd is None:
        return None
    headline = f"`{layer}` expects height and width in multiples of {n} but receives {x.shape[odd]}"
    return Clash(SLUG, headline, f"{called} is {say.marked(x, odd)}", at(x, odd), Size(n, number=factor))


def _glu(scene: Scene, x: TensorInfo) -> Clash | None:
    dim = integer(scene.event.argument(1, "dim", Number(-1)))
    if dim is None or not x.rank or not -x.rank <= dim < x.rank or x.shape[dim] % 2 == 0:
        return None
    headline = f"`{say.layer(scene, 'dim')}` halves dim {dim % x.rank}, which has an odd size: {x.shape[dim]}"
    return Clash(SLUG, headline, f"{say.name(scene, x, 'the input')} is {say.marked(x, dim)}", at(x, dim))


def _interpolate(scene: Scene, x: TensorInfo) -> Clash | None:
    event = scene.event
    mode = event.argument(3, "mode", "nearest")
    ranks = INTERPOLATED.get(mode) if isinstance(mode, str) else None
    if ranks is None:
        return None
    layer, called = say.layer(scene, "mode"), say.name(scene, x, "the input")
    if x.rank not in ranks:
        wanted = "3 to 5" if len(ranks) > 1 else str(ranks[0])
        headline = f"`{layer}` with mode '{mode}' expects {wanted} dims but receives {x.rank}: {say.sizes(x.shape)}"
        return Clash(SLUG, headline, f"{called} is {x}", whole(x, x.rank))
    for position, key in ((1, "size"), (2, "scale_factor")):
        given = event.argument(position, key)
        if isinstance(given, tuple) and len(given) != x.rank - 2:
            headline = f"`{layer}` is given {say.count(len(given), 'number')} as {key} for {say.count(x.rank - 2, 'dim')}"
            return Clash(SLUG, headline, f"{called} is {x}", whole(x, x.rank - 2))
    return None


def _pad(scene: Scene, x: TensorInfo) -> Clash | None:
    event = scene.event
    widths = numbers((event.argument(1, "pad"),))
    mode = event.argument(2, "mode", "constant")
    if widths is None or len(widths) % 2:
        return None
    called = say.name(scene, x, "the input")
    n = len(widths) // 2
    layer = say.layer(scene, "padding")
    if n > x.rank:
        headline = f"`{layer}` has widths for {say.count(n, 'dim')} but receives {x.rank}: {say.sizes(x.shape)}"
        return Clash(SLUG, headline, f"{called} is {x}", whole(x, x.rank))
    if mode in ("reflect", "circular", "replicate") and x.rank not in (n + 1, n + 2):
        headline = f"`{layer}` with mode '{mode}' and {2 * n} widths expects {n + 2} dims but receives {x.rank}"
        return Clash(SLUG, headline, f"{called} is {x}", whole(x, x.rank))
    for i in range(n):
        dim, size = x.rank - 1 - i, x.shape[-1 - i]
        for width in widths[2 * i : 2 * i + 2]:
            if (mode == "reflect" and width.value >= size) or (mode == "circular" and width.value > size):
                headline = f"`{layer}` with mode '{mode}' cannot add {width.value} to dim {dim} of size {size}"
                return Clash(SLUG, headline, f"{called} is {say.marked(x, dim)}", at(x, dim), Size(width.value, number=width))
        if size + sum(min(width.value, 0) for width in widths[2 * i : 2 * i + 2]) < 0:
            headline = f"`{layer}` takes more off dim {dim} than its size {size}"
            return Clash(SLUG, headline, f"{called} is {say.marked(x, dim)}", at(x, dim))
    return None


def _prelu(scene: Scene, x: TensorInfo) -> Clash | None:
    weight = tensor(scene.event, 1, "weight")
    if weight is None or weight.numel == 1:
        return None
    channels = x.shape[1] if x.rank > 1 else 1
    if weight.numel == channels:
        return None
    layer, called = say.layer(scene, "num_parameters"), say.name(scene, x, "the input")
    headline = f"`{layer}` has {weight.numel} slopes but receives {say.count(channels, 'channel')}"
    return Clash(
        SLUG, headline, f"{called} is {say.marked(x, *([1] if x.rank > 1 else []))}", at(x, 1) if x.rank > 1 else whole(x), at(weight, 0)
    )


def _one_hot(scene: Scene, x: TensorInfo) -> Clash | None:
    classes = scene.event.argument(1, "num_classes")
    if not isinstance(classes, Number) or classes.value < 1 or x.highest is None or x.highest < classes.value:
        return None
    headline = f"`one_hot` has {classes.value} classes (0 to {classes.value - 1}) but receives {x.highest}"
    label = f"{say.name(scene, x, 'the input')} is {x}, its highest number →{x.highest}←"
    return Clash(SLUG, headline, label, Size(x.highest, tensor=x), Size(classes.value, number=classes))


def _cdist(scene: Scene, x: TensorInfo) -> Clash | None:
    other = tensor(scene.event, 1, "x2")
    if other is None or not x.rank or not other.rank or x.shape[-1] == other.shape[-1]:
        return None
    first, second = say.pair(scene, x, other)
    headline = f"`cdist` needs points of one width but has {x.shape[-1]} and {other.shape[-1]}"
    return Clash(SLUG, headline, f"{first} is {say.marked(x, -1)}, {second} is {say.marked(other, -1)}", at(x, -1), at(other, -1))


def _samples(scene: Scene, x: TensorInfo) -> Clash | None:
    other = next((one for one in scene.event.tensors() if x.rank and one.rank and one.shape[0] != x.shape[0]), None)
    if other is None:
        return None
    first, second = say.pair(scene, x, other)
    headline = f"`TensorDataset` needs tensors of as many samples but has {x.shape[0]} and {other.shape[0]}"
    return Clash(SLUG, headline, f"{first} is {say.marked(x, 0)}, {second} is {say.marked(other, 0)}", at(x, 0), at(other, 0))


def neutral(scene: Scene) -> Clash | None:
    """A failed call of which no rule knows the reason: the call and its shapes, or None when shapes are plainly not the matter."""
    event = scene.event
    failure = event.failure
    shapes = list(event.tensors())
    if failure is None or failure.dtype_only or failure.type not in SHAPE_EXCEPTIONS or not shapes:
        return None
    if event.training or event.op in NEVER_SHAPES or event.op in FULLY_KNOWN:
        return None
    if any(info.is_floating for info in shapes[1:]) and event.op in ("gather", "index_select", "take_along_dim"):
        return None  # an index of floats
    kinds = say.listed([say.sizes(info.shape) for info in shapes[:3]]) + (" …" if len(shapes) > 3 else "")
    headline = f"`{say.module_name(scene.module) if event.call == 'module' and scene.module else event.op}` does not accept {kinds}"
    label = ", ".join(f"{say.name(scene, info, f'input {i + 1}')} is {info}" for i, info in enumerate(shapes[:3]))
    return Clash(SLUG, headline, label, got=whole(shapes[0]))
