"""The rules against torch itself: for shapes drawn at random a rule objects exactly when torch does.

Every call is really made, on tiny CPU tensors. A call that torch takes must draw no word from the rules; one that torch
refuses must get a specific diagnosis, not the neutral one.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from torch import nn

from shapewright.model import Clash, Event, Failure, ModuleInfo, Number, TensorInfo, Value
from shapewright.reason.rules import demand, diagnose
from shapewright.reason.scene import Scene

pytestmark = pytest.mark.filterwarnings("ignore")  # torch warns of much that it takes

# The same few examples every time; with RULES_EXAMPLES=2000 that many others.
EXAMPLES = int(os.environ.get("RULES_EXAMPLES", "80"))
quick = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize="RULES_EXAMPLES" not in os.environ,
    database=None,
    suppress_health_check=[HealthCheck.filter_too_much],
)

sizes = st.sampled_from([1, 2, 3, 4, 6])
small = st.integers(1, 3)


def shapes(low: int, high: int) -> st.SearchStrategy[tuple[int, ...]]:
    return st.lists(sizes, min_size=low, max_size=high).map(tuple)


def zeros(*shape: int) -> torch.Tensor:
    return torch.zeros(shape)


def plain(value: Any) -> Value:
    """An argument of a torch call as the recorder would write it down."""
    if isinstance(value, torch.Tensor):
        whole = not value.is_floating_point() and value.dtype != torch.bool and value.numel() > 0
        bounds = (int(value.max()), int(value.min())) if whole else (None, None)
        dtype = str(value.dtype).removeprefix("torch.")
        return TensorInfo(tuple(value.shape), dtype, contiguous=value.is_contiguous(), highest=bounds[0], lowest=bounds[1])
    if isinstance(value, bool | float | str) or value is None:
        return value
    if isinstance(value, int):
        return Number(value)
    if isinstance(value, tuple | list):
        return tuple(plain(item) for item in value)
    return str(value)


def as_module(module: nn.Module) -> ModuleInfo:
    """A layer with its settings."""
    own = {key: plain(value) for key, value in vars(module).items() if not key.startswith("_") and isinstance(value, int | tuple | bool)}
    return ModuleInfo(0, "layer", type(module).__name__, own)


def watch(op: str, run: Callable[..., Any], *args: Any, module: nn.Module | None = None, inplace: bool = False, **kwargs: Any) -> Scene:
    """Make the call for real and write down what happened."""
    before = tuple(plain(value) for value in args), {key: plain(value) for key, value in kwargs.items()}
    failure = None
    try:
        run(*args, **kwargs)
    except Exception as error:
        failure = Failure(type(error).__name__, str(error), dtype_only=_runs_with_one_dtype(run, args, kwargs))
    call = "module" if module is not None else "function"
    return Scene(
        Event(0, op, *before, failure=failure, inplace=inplace, call=call),  # type: ignore[arg-type]
        as_module(module) if module is not None else None,
    )


def _runs_with_one_dtype(run: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    same = [value.float() if isinstance(value, torch.Tensor) else value for value in args]
    try:
        run(*same, **kwargs)
    except Exception:
        return False
    return True


def _brief(value: Value) -> str:
    if isinstance(value, tuple):
        return f"({', '.join(map(_brief, value))})"
    return str(value.value if isinstance(value, Number) else value)


def agrees(scene: Scene, *slugs: str) -> Clash | None:
    """The heart of the matter: rules and torch say the same."""
    clash = demand(scene)
    if scene.event.failure is None:
        assert diagnose(scene) is None, f"torch takes {scene.event.op} {_brief(scene.event.args)}, the rules say {clash}"
    else:
        assert clash is not None, f"torch refuses {scene.event.op} {_brief(scene.event.args)}: {scene.event.failure.message}"
        assert not slugs or clash.slug in slugs, clash
        for side in (clash.got, clash.want):
            if side is not None and side.tensor is not None and side.dim is not None:
                assert side.tensor.shape[side.dim] == side.value
    return clash


@quick
@given(shapes(0, 4), st.tuples(sizes, sizes), st.none() | sizes)
def test_linear(x, weight, bias):
    args = (zeros(*x), zeros(*weight)) if bias is None else (zeros(*x), zeros(*weight), zeros(bias))
    agrees(watch("linear", F.linear, *args), "linear-in-features", "missing-flatten", "other-shape-error")


@quick
@given(shapes(1, 3), shapes(1, 3), st.tuples(sizes, sizes, sizes))
def test_bilinear(one, other, weight):
    agrees(watch("bilinear", F.bilinear, zeros(*one), zeros(*other), zeros(*weight)))


@quick
@given(st.data(), st.sampled_from([1, 2, 3]), st.booleans())
def test_conv(data, n, transposed):
    x = data.draw(shapes(n, n + 3))
    groups = data.draw(st.sampled_from([1, 1, 2]))
    weight = (data.draw(sizes), data.draw(sizes), *data.draw(st.tuples(*[small] * n)))
    stride, padding, dilation = data.draw(small), data.draw(st.integers(0, 2)), data.draw(st.integers(1, 2))
    assume(all(size > 0 for size in x))
    if transposed:
        run = getattr(F, f"conv_transpose{n}d")
        extra = data.draw(st.integers(0, 2))
        scene = watch(f"conv_transpose{n}d", run, zeros(*x), zeros(*weight), None, stride, padding, extra, groups, dilation)
    else:
        given_padding = data.draw(st.sampled_from([padding, padding, "valid", "same"]))
        assume(given_padding != "same" or stride == 1)
        scene = watch(f"conv{n}d", getattr(F, f"conv{n}d"), zeros(*x), zeros(*weight), None, stride, given_padding, dilation, groups)
    agrees(scene, "conv-in-channels", "conv-kernel-too-large", "batch-dim-missing", "other-shape-error")


@quick
@given(st.data(), st.sampled_from([1, 2, 3]), st.sampled_from(["max", "avg"]), st.booleans())
def test_pool(data, n, kind, ceil):
    x = data.draw(shapes(n - 1, n + 3))
    kernel, stride = data.draw(st.integers(1, 4)), data.draw(st.none() | small)
    padding, dilation = data.draw(st.integers(0, 2)), data.draw(st.integers(1, 2))
    name = f"{kind}_pool{n}d"
    run = getattr(F, name)
    if kind == "max":
        scene = watch(name, run, zeros(*x), kernel, stride, padding, dilation, ceil_mode=ceil)
    else:
        scene = watch(name, run, zeros(*x), kernel, stride, padding, ceil)
    agrees(scene, "conv-kernel-too-large", "other-shape-error")


@quick
@given(st.data(), st.sampled_from([1, 2, 3]), st.sampled_from(["max", "avg"]))
def test_adaptive_pool(data, n, kind):
    x = data.draw(shapes(1, n + 3))
    size = data.draw(small)
    name = f"adaptive_{kind}_pool{n}d"
    agrees(watch(name, getattr(F, name), zeros(*x), size), "other-shape-error")


@quick
@given(shapes(0, 4), st.lists(st.sampled_from([-1, 1, 2, 3, 4, 6, 12]), min_size=1, max_size=4), st.sampled_from(["view", "reshape"]))
def test_reshape(x, asked, op):
    agrees(watch(op, getattr(torch.Tensor, op), zeros(*x), *asked), "reshape-numel", "other-shape-error")


@quick
@given(shapes(1, 3), st.integers(-3, 2), st.lists(st.sampled_from([-1, 1, 2, 3]), min_size=1, max_size=3))
def test_unflatten(x, dim, asked):
    agrees(watch("unflatten", torch.unflatten, zeros(*x), dim, tuple(asked)), "reshape-numel", "other-shape-error")


@quick
@given(shapes(2, 3), st.permutations([0, 1, 2]), st.data())
def test_view_of_rearranged(x, order, data):
    moved = zeros(*x).permute([i for i in order if i < len(x)])
    asked = data.draw(st.sampled_from([(-1,), (moved.shape[0], -1), tuple(moved.shape)]))
    scene = watch("view", torch.Tensor.view, moved, *asked)
    clash = diagnose(scene)
    assert (clash is None) == (scene.event.failure is None)
    assert demand(scene) is None  # the shapes alone are no reason


DIM_OPS = {
    "softmax": F.softmax, "log_softmax": F.log_softmax, "squeeze": torch.squeeze, "unsqueeze": torch.unsqueeze, "sum": torch.sum,
    "mean": torch.mean, "argmax": torch.argmax, "cumsum": torch.cumsum, "unbind": torch.unbind, "logsumexp": torch.logsumexp,
    "sort": torch.sort, "flatten": torch.flatten, "max": torch.max, "size": torch.Tensor.size, "flip": lambda x, d: torch.flip(x, (d,)),
}  # fmt: skip


@quick
@given(shapes(0, 3), st.integers(-4, 4), st.sampled_from(sorted(DIM_OPS)))
def test_dims(x, dim, op):
    agrees(watch(op, DIM_OPS[op], zeros(*x), dim), "other-shape-error")


@quick
@given(shapes(0, 3), st.integers(-4, 3), st.integers(-4, 3), st.sampled_from(["transpose", "flatten"]))
def test_two_dims(x, one, other, op):
    agrees(watch(op, getattr(torch, op), zeros(*x), one, other), "other-shape-error")


@quick
@given(shapes(0, 3), st.lists(st.integers(-3, 3), max_size=4))
def test_permute(x, order):
    agrees(watch("permute", torch.permute, zeros(*x), tuple(order)), "other-shape-error")


@quick
@given(shapes(1, 3), st.lists(st.integers(1, 3), min_size=1, max_size=3), st.integers(-3, 2), st.integers(1, 4))
def test_parts(x, parts, dim, k):
    agrees(watch("split", torch.split, zeros(*x), parts, dim), "other-shape-error")
    agrees(watch("topk", torch.topk, zeros(*x), k, dim), "other-shape-error")
    agrees(watch("select", torch.select, zeros(*x), dim, k), "other-shape-error")
    agrees(watch("repeat", torch.Tensor.repeat, zeros(*x), *parts), "other-shape-error")


@quick
@given(shapes(0, 3), shapes(0, 3), st.sampled_from(["add", "sub", "mul", "div", "pow", "eq", "lt", "maximum"]), st.booleans())
def test_broadcast(one, other, op, inplace):
    inplace = inplace and op != "maximum"
    run = getattr(torch.Tensor, f"{op}_" if inplace else op)
    agrees(watch(op, run, zeros(*one), zeros(*other), inplace=inplace), "broadcast-mismatch")


@quick
@given(shapes(0, 3), shapes(0, 3), shapes(0, 3))
def test_broadcast_of_three(one, two, three):
    agrees(watch("where", torch.where, zeros(*one).bool(), zeros(*two), zeros(*three)), "broadcast-mismatch")
    agrees(watch("addcmul", torch.addcmul, zeros(*one), zeros(*two), zeros(*three)), "broadcast-mismatch")
    agrees(watch("masked_fill", torch.masked_fill, zeros(*one), zeros(*two).bool(), 0.0), "broadcast-mismatch")
    agrees(watch("masked_fill", torch.Tensor.masked_fill_, zeros(*one), zeros(*two).bool(), 0.0, inplace=True), "broadcast-mismatch")
    agrees(watch("copy", torch.Tensor.copy_, zeros(*one), zeros(*two), inplace=True), "broadcast-mismatch")
    agrees(watch("expand_as", torch.Tensor.expand_as, zeros(*one), zeros(*two)), "broadcast-mismatch")


@quick
@given(shapes(0, 3), st.lists(st.sampled_from([-1, 1, 2, 3, 4]), min_size=1, max_size=4))
def test_expand(x, asked):
    agrees(watch("expand", torch.Tensor.expand, zeros(*x), *asked), "broadcast-mismatch")


@quick
@given(st.lists(shapes(0, 3) | st.just((0,)), min_size=1, max_size=3), st.integers(-3, 2))
def test_cat(parts, dim):
    agrees(watch("cat", torch.cat, [zeros(*part) for part in parts], dim), "concat-mismatch", "other-shape-error")


@quick
@given(sizes, st.data(), st.integers(-3, 3))
def test_cat_of_like_shapes(first, data, dim):
    rank = data.draw(small)
    shape = [first, *data.draw(st.lists(sizes, min_size=rank, max_size=rank))]
    other = [data.draw(sizes) if data.draw(st.integers(0, 3)) == 0 else size for size in shape]
    agrees(watch("cat", torch.cat, [zeros(*shape), zeros(*other)], dim), "concat-mismatch", "other-shape-error")
    agrees(watch("stack", torch.stack, [zeros(*shape), zeros(*other)], dim), "concat-mismatch", "other-shape-error")


@quick
@given(st.lists(shapes(0, 3), min_size=1, max_size=2), st.sampled_from(["hstack", "vstack", "dstack", "column_stack"]))
def test_stacks(parts, op):
    agrees(watch(op, getattr(torch, op), [zeros(*part) for part in parts]), "concat-mismatch")


@quick
@given(st.lists(st.tuples(shapes(0, 2), shapes(0, 1)), min_size=1, max_size=3))
def test_collate(samples):
    from torch.utils.data import default_collate

    batch = [(zeros(*image), zeros(*label)) for image, label in samples]
    agrees(watch("default_collate", default_collate, batch), "concat-mismatch")
    agrees(watch("default_collate", default_collate, [image for image, _ in batch]), "concat-mismatch")


@quick
@given(st.recursive(st.integers(0, 3), lambda inner: st.lists(inner, min_size=1, max_size=3), max_leaves=6))
def test_rows(data):
    agrees(watch("tensor", torch.tensor, data), "concat-mismatch")


tiny = st.sampled_from([1, 2, 3])


@quick
@given(st.lists(tiny, max_size=4), st.lists(tiny, max_size=4), st.sampled_from(["matmul", "matmul", "mm", "bmm", "mv", "dot", "inner"]))
def test_matmul(a, b, op):
    agrees(watch(op, getattr(torch, op), zeros(*a), zeros(*b)), "matmul-inner-dim", "broadcast-mismatch", "other-shape-error")


@quick
@given(st.lists(tiny, min_size=3, max_size=3), st.lists(tiny, min_size=3, max_size=3), st.lists(tiny, max_size=3))
def test_added_products(a, b, added):
    slugs = ("matmul-inner-dim", "broadcast-mismatch", "other-shape-error")
    agrees(watch("bmm", torch.bmm, zeros(*a), zeros(*b)), *slugs)
    agrees(watch("baddbmm", torch.baddbmm, zeros(*added), zeros(*a), zeros(*b)), *slugs)
    agrees(watch("addbmm", torch.addbmm, zeros(*added), zeros(*a), zeros(*b)), *slugs)
    agrees(watch("addmm", torch.addmm, zeros(*added), zeros(*a[1:]), zeros(*b[1:])), *slugs)
    agrees(watch("addmv", torch.addmv, zeros(*added), zeros(*a[1:]), zeros(b[0])), *slugs)


EQUATIONS = ["ij,jk->ik", "bij,bjk->bik", "bhqd,bhkd->bhqk", "ii->i", "...ij,...jk->...ik", "bi,bj->bij", "i,i->", "b...d,d->b..."]


@quick
@given(st.sampled_from(EQUATIONS), st.data())
def test_einsum(equation, data):
    terms = equation.partition("->")[0].split(",")
    ranks = [len(term.replace("...", "")) + (data.draw(st.integers(0, 2)) if "." in term else 0) for term in terms]
    parts = [data.draw(st.lists(tiny, min_size=max(rank - 1, 0) if data.draw(st.booleans()) else rank, max_size=rank)) for rank in ranks]
    agrees(watch("einsum", torch.einsum, equation, *(zeros(*part) for part in parts)), "matmul-inner-dim", "broadcast-mismatch")


@quick
@given(shapes(2, 4), sizes, st.booleans())
def test_batch_norm(x, features, training):
    kept = [zeros(features) for _ in range(4)]
    agrees(watch("batch_norm", F.batch_norm, zeros(*x), *kept, training), "norm-features", "last-batch")


@quick
@given(
    shapes(1, 5), sizes, st.sampled_from(["BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "InstanceNorm1d", "InstanceNorm2d"]), st.booleans()
)
def test_norm_modules(x, features, name, affine):
    module = getattr(nn, name)(features, affine=affine).eval()
    scene = watch(name.lower(), module, zeros(*x), module=module)
    if scene.event.failure is not None and name.startswith("Batch"):
        # the layer looks at the rank alone; the features are batch_norm's matter
        n = int(name[-2])
        if len(x) == n + 2 or (n == 1 and len(x) == 2):
            return
    if scene.event.failure is None or not name.startswith("Instance") or affine or len(x) not in (int(name[-2]) + 1, int(name[-2]) + 2):
        clash = demand(scene)
        spatial = x[-int(name[-2]) :] if name.startswith("Instance") else ()
        if scene.event.failure is not None and clash is None and spatial and all(size == 1 for size in spatial):
            return  # one value per channel: instance_norm's matter
        agrees(scene, "norm-features", "batch-dim-missing")


@quick
@given(shapes(1, 4), st.lists(sizes, min_size=1, max_size=2), st.sampled_from(["layer_norm", "rms_norm"]))
def test_last_dims_norm(x, shape, op):
    agrees(watch(op, getattr(F, op), zeros(*x), tuple(shape), zeros(*shape)), "norm-features")


@quick
@given(shapes(1, 4), small, st.none() | sizes)
def test_group_norm(x, groups, channels):
    kept = () if channels is None else (zeros(channels), zeros(channels))
    agrees(watch("group_norm", F.group_norm, zeros(*x), groups, *kept), "norm-features", "last-batch")


@quick
@given(shapes(0, 2), st.integers(-2, 5), sizes)
def test_embedding(x, value, rows):
    index = torch.full(x, value)
    agrees(watch("embedding", F.embedding, index, zeros(rows, 2)), "embedding-dim")


@quick
@given(shapes(0, 3), st.integers(-3, 2), shapes(0, 3), st.integers(-1, 3))
def test_gather(x, dim, index, value):
    picked = torch.full(index, value)
    agrees(watch("gather", torch.gather, zeros(*x), dim, picked), "other-shape-error")
    agrees(watch("scatter", torch.scatter, zeros(*x), dim, picked, zeros(*index)), "other-shape-error")
    agrees(watch("index_select", torch.index_select, zeros(*x), dim, picked), "other-shape-error")


@quick
@given(shapes(1, 3), st.data())
def test_getitem(x, data):
    part = st.integers(-3, 3) | st.builds(lambda n, v: torch.full((n,), v), small, st.integers(-2, 3))
    part = part | shapes(1, 2).map(lambda shape: torch.ones(shape, dtype=torch.bool))
    part = part | st.just(slice(None)) | st.none()
    parts = tuple(data.draw(st.lists(part, min_size=1, max_size=3)))
    masks = [item for item in parts if isinstance(item, torch.Tensor) and item.dtype == torch.bool]
    assume(len(masks) == 0 or sum(isinstance(item, torch.Tensor) for item in parts) == 1)
    agrees(watch("getitem", torch.Tensor.__getitem__, zeros(*x), parts), "other-shape-error")


@quick
@given(
    shapes(1, 4), st.none() | shapes(1, 3), st.sampled_from(["LSTM", "GRU", "RNN"]), st.booleans(), st.booleans(), st.sampled_from([1, 2])
)
def test_recurrent(x, hidden, name, first, both, layers):
    module = getattr(nn, name)(3, 2, layers, batch_first=first, bidirectional=both)
    state = None if hidden is None else zeros(*hidden)
    if state is not None and name == "LSTM":
        state = (state, state)
    agrees(watch(name.lower(), module, zeros(*x), state, module=module), "recurrent-input-size")


@quick
@given(shapes(2, 3), st.sampled_from([1, 2]), st.booleans(), st.sampled_from([(0, 0, 0), (0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)]))
def test_hidden_states_that_nearly_fit(x, layers, first, off):
    module = nn.GRU(3, 2, layers, batch_first=first)
    x = (*x[:-1], 3)
    wanted = (layers, x[0 if first else 1], 2) if len(x) == 3 else (layers, 2)
    state = zeros(*(size + more for size, more in zip(wanted, off, strict=False)))
    agrees(watch("gru", module, zeros(*x), state, module=module), "recurrent-input-size")


@quick
@given(shapes(1, 3), st.none() | shapes(1, 2), st.sampled_from(["LSTMCell", "GRUCell", "RNNCell"]))
def test_cells(x, hidden, name):
    assume(hidden is None or len(hidden) == len(x))  # with a state of 2 dims for one sample torch 2.13 can crash altogether
    module = getattr(nn, name)(3, 2)
    state = None if hidden is None else zeros(*hidden)
    if state is not None and name == "LSTMCell":
        state = (state, state)
    agrees(watch(name.lower(), module, zeros(*x), state, module=module), "recurrent-input-size")


@quick
@given(st.data(), st.booleans(), st.booleans())
def test_multihead_attention(data, first, separate):
    module = nn.MultiheadAttention(4, 2, batch_first=first, kdim=3 if separate else None)
    width = st.sampled_from([4, 4, 4, 3])
    batch, length = data.draw(small), data.draw(small)
    sides = [(data.draw(st.sampled_from([batch, batch, 2])), data.draw(st.sampled_from([length, length, 3]))) for _ in range(2)]
    query, key = ((*side, data.draw(width)) if first else (*side[::-1], data.draw(width)) for side in sides)
    value = (*key[:2], data.draw(width)) if data.draw(st.integers(0, 3)) else query
    rows, columns = sides[0][1], sides[1][1]
    masks = st.none() | st.sampled_from([(rows, columns), (columns, columns), (batch * 2, rows, columns)])
    mask = data.draw(masks)
    padding = data.draw(st.none() | st.sampled_from([(batch, columns), (columns, batch)]))
    scene = watch(
        "multiheadattention", module, zeros(*query), zeros(*key), zeros(*value), module=module,
        key_padding_mask=None if padding is None else zeros(*padding), attn_mask=None if mask is None else zeros(*mask),
    )  # fmt: skip
    agrees(scene, "attention-dim")


@quick
@given(st.lists(tiny, min_size=1, max_size=4), st.lists(tiny, min_size=1, max_size=4), st.none() | st.lists(tiny, min_size=2, max_size=4))
def test_plain_attention(query, key, mask):
    scene = watch(
        "scaled_dot_product_attention", F.scaled_dot_product_attention, zeros(*query), zeros(*key), zeros(*key),
        None if mask is None else zeros(*mask),
    )  # fmt: skip
    agrees(scene, "attention-dim")


@quick
@given(shapes(1, 4), shapes(0, 4), st.integers(-1, 4), st.booleans(), st.sampled_from(["cross_entropy", "nll_loss"]), st.data())
def test_class_losses(x, target, value, whole, op, data):
    if data.draw(st.integers(0, 2)) and len(x) > 1:
        target = (x[0], *x[2:])  # most often the right form
    labels = torch.full(target, value) if whole else zeros(*target)
    agrees(watch(op, getattr(F, op), zeros(*x), labels), "loss-target-shape", "loss-batch-mismatch")


@quick
@given(shapes(0, 3), st.data(), st.booleans(), st.sampled_from(["binary_cross_entropy", "binary_cross_entropy_with_logits"]))
def test_equal_losses(x, data, whole, op):
    target = data.draw(st.sampled_from([x, x[:-1], (*x, 1), x[::-1]]) | shapes(0, 3))
    labels = torch.full(target, 1) if whole else zeros(*target)
    agrees(watch(op, getattr(F, op), zeros(*x), labels), "loss-target-shape", "loss-batch-mismatch")


PLACE_BY_PLACE = [
    "mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "kl_div", "poisson_nll_loss", "soft_margin_loss", "hinge_embedding_loss",
    "multilabel_soft_margin_loss",
]  # fmt: skip


@quick
@given(shapes(0, 3), shapes(0, 3), st.sampled_from(PLACE_BY_PLACE))
def test_losses_place_by_place(x, target, op):
    assume(op != "multilabel_soft_margin_loss" or x)
    agrees(watch(op, getattr(F, op), zeros(*x), zeros(*target)), "loss-target-shape", "loss-batch-mismatch")


@quick
@given(st.lists(shapes(1, 2), min_size=3, max_size=3), st.sampled_from(["margin_ranking_loss", "triplet_margin_loss"]))
def test_losses_of_three(sides, op):
    agrees(watch(op, getattr(F, op), *(zeros(*side) for side in sides)), "loss-target-shape", "loss-batch-mismatch")


@quick
@given(shapes(2, 2), shapes(2, 2), shapes(0, 2))
def test_cosine_loss(one, other, target):
    agrees(watch("cosine_embedding_loss", F.cosine_embedding_loss, zeros(*one), zeros(*other), zeros(*target)))


@quick
@given(shapes(0, 2))
def test_one_element(x):
    agrees(watch("item", torch.Tensor.item, zeros(*x)), "other-shape-error")
    agrees(watch("bool", bool, zeros(*x)), "other-shape-error")


@quick
@given(shapes(2, 4), small, st.integers(-3, 2))
def test_single_calls(x, factor, dim):
    agrees(watch("pixel_shuffle", F.pixel_shuffle, zeros(*x), factor), "other-shape-error")
    agrees(watch("pixel_unshuffle", F.pixel_unshuffle, zeros(*x), factor), "other-shape-error")
    agrees(watch("glu", F.glu, zeros(*x), dim), "other-shape-error")
    agrees(watch("prelu", F.prelu, zeros(*x), zeros(factor)), "other-shape-error")
    agrees(watch("cdist", torch.cdist, zeros(*x[-2:]), zeros(2, factor)), "other-shape-error")


@quick
@given(shapes(1, 5), st.sampled_from(["nearest", "bilinear", "bicubic", "linear", "trilinear"]), st.lists(small, min_size=1, max_size=3))
def test_interpolate(x, mode, size):
    agrees(watch("interpolate", F.interpolate, zeros(*x), tuple(size), None, mode), "other-shape-error")


@quick
@given(
    shapes(1, 4),
    st.lists(st.tuples(st.integers(-2, 3), st.integers(0, 3)), min_size=1, max_size=2),
    st.sampled_from(["constant", "reflect"]),
)
def test_pad(x, widths, mode):
    assume(mode == "constant" or all(width >= 0 for pair in widths for width in pair))
    agrees(watch("pad", F.pad, zeros(*x), tuple(width for pair in widths for width in pair), mode), "other-shape-error")


@pytest.mark.parametrize("run", [lambda x: x.backward(), lambda x: torch.linalg.inv(x)])
def test_failures_that_are_no_matter_of_shapes(run):
    op = "backward" if "backward" in run.__code__.co_names else "inv"
    assert diagnose(watch(op, run, zeros(2, 2) if op == "inv" else torch.zeros(()))) is None
