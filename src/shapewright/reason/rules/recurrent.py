"""A recurrent layer is given features or a hidden state that it was not built for.

What happened. `nn.LSTM`, `nn.GRU` and `nn.RNN` take `[time, batch, features]`, with `batch_first=True` `[batch, time,
features]`, and without a batch `[time, features]`. Features must be `input_size`; a hidden state is `[layers ·
directions, batch, hidden_size]`, whatever `batch_first` says (`recurrent-input-size`).

Why. The embedding or the convolution before has another width; the features do not stand in the last dim; the hidden
state was made for a fixed batch size, or for one direction; a feature vector per sample was given without its time
dim.

How to tell which fix is right. If the layer before decides on the width, build the recurrent layer for it. If dims
are in another order, `permute`. Hidden states are made from the input (`x.size(0)`), or left out: torch starts with
zeros by itself.

Example. Embeddings of 128 into `nn.LSTM(100, …)`:

    `lstm` expects 100 input features but receives 128
"""

from __future__ import annotations

from shapewright.model import Clash, ModuleInfo, TensorInfo, Value
from shapewright.reason.rules import say
from shapewright.reason.rules.sizes import at, setting, tensor, whole
from shapewright.reason.scene import Scene

SLUGS = ("recurrent-input-size",)
SLUG = "recurrent-input-size"


def demand(scene: Scene) -> Clash | None:
    """Rank, features and hidden state of a recurrent layer or cell."""
    event, module = scene.event, scene.module
    if event.op not in ("lstm", "gru", "rnn", "lstmcell", "grucell", "rnncell") or module is None:
        return None
    cell = event.op.endswith("cell")
    x = tensor(event, 0, "input")
    packed = event.argument(0, "input")
    if x is None and isinstance(packed, tuple) and packed and isinstance(packed[0], TensorInfo):
        return _features(scene, module, packed[0])  # a PackedSequence: its first part is [steps, features]
    if x is None:
        return None
    ranks = (1, 2) if cell else (2, 3)
    if x.rank not in ranks:
        return _rank(scene, module, x, cell=cell)
    return _features(scene, module, x) or (_cell_state if cell else _hidden)(scene, module, x, event.argument(1, "hx"))


def _rank(scene: Scene, module: ModuleInfo, x: TensorInfo, *, cell: bool) -> Clash:
    layer, called = say.module_name(module), say.name(scene, x, "the input")
    form = "[batch, features]" if cell else say.sizes((*_order(module), "features"))
    headline = f"`{layer}` expects {form} but receives {say.count(x.rank, 'dim')}: {say.sizes(x.shape)}"
    return Clash(SLUG, headline, f"{called} is {x}, {layer} takes {form}", whole(x, x.rank))


def _order(module: ModuleInfo) -> tuple[str, str]:
    return ("batch", "time") if module.settings.get("batch_first") is True else ("time", "batch")


def _features(scene: Scene, module: ModuleInfo, x: TensorInfo) -> Clash | None:
    size = module.number("input_size")
    if size is None or not x.rank or x.shape[-1] == size.value:
        return None
    layer, called = say.module_name(module), say.name(scene, x, "the input")
    headline = f"`{layer}` expects {say.count(size.value, 'input feature')} but receives {x.shape[-1]}"
    label = f"{called} is {say.marked(x, -1)}, {layer} takes [*, →{size.value}←]"
    notes: list[str] = []
    if size.value in x.shape[:-1]:
        notes.append(f"dim {x.shape.index(size.value)} of {called} is {size.value}; `{layer}` takes the features in the last dim")
    elif size.value == 1:
        notes.append(f"one feature per step has a dim of its own: {say.sizes((*x.shape, 1))}")
    return Clash(SLUG, headline, label, at(x, -1), setting(scene, "input_size", size.value), tuple(notes))


def _hidden(scene: Scene, module: ModuleInfo, x: TensorInfo, hx: Value) -> Clash | None:
    layers, hidden = module.number("num_layers"), module.number("hidden_size")
    if layers is None or hidden is None or hx is None:
        return None
    rows = layers.value * (2 if module.settings.get("bidirectional") is True else 1)
    projected = module.number("proj_size")
    out = projected.value if projected is not None and projected.value > 0 else hidden.value
    batch_dim = 0 if module.settings.get("batch_first") is True else 1
    middle = (x.shape[batch_dim],) if x.rank == 3 else ()
    states = hx if isinstance(hx, tuple) else (hx,)
    for state, width in zip(states, (out, hidden.value), strict=False):
        wanted = (rows, *middle, width)
        if isinstance(state, TensorInfo) and state.shape != wanted:
            return _state(scene, module, x, state, wanted, batch_dim)
    return None


def _state(scene: Scene, module: ModuleInfo, x: TensorInfo, state: TensorInfo, wanted: tuple[int, ...], batch_dim: int) -> Clash:
    layer, called = say.module_name(module), say.name(scene, state, "the hidden state")
    headline = f"`{layer}` expects a hidden state {say.sizes(wanted)} but receives {say.sizes(state.shape)}"
    form = "[layers, batch, hidden]" if len(wanted) == 3 else "[layers, hidden]"
    if state.rank != len(wanted):
        reads = "a batch" if x.rank == 3 else "one sample without batch"
        notes: tuple[str, ...] = (f"an input of {x.rank} dims is read as {reads}: its hidden state is {form}",)
        return Clash(SLUG, headline, f"{called} is {state}, {layer} takes {say.sizes(wanted)}", whole(state, state.rank), notes=notes)
    hits = [i for i in range(state.rank) if state.shape[i] != wanted[i]]
    takes = say.sizes(f"→{size}←" if i in hits else str(size) for i, size in enumerate(wanted))
    label = f"{called} is {say.marked(state, *hits)}, {layer} takes {takes}"
    i = hits[0]
    if len(wanted) == 3 and i == 1:
        want = at(x, batch_dim)
        name = say.name(scene, x, "the input")
        first = "True" if batch_dim == 0 else "False"
        notes = (f"with batch_first={first} the batch of {name} is dim {batch_dim}: {x.shape[batch_dim]}",)
        return Clash(SLUG, headline, label, at(state, i), want, notes)
    key = "num_layers" if i == 0 else "proj_size" if setting(scene, "proj_size", wanted[-1]) else "hidden_size"
    notes = ("two directions have a row for each layer and direction",) if i == 0 and module.settings.get("bidirectional") is True else ()
    return Clash(SLUG, headline, label, at(state, i), setting(scene, key, wanted[i]), notes)


def _cell_state(scene: Scene, module: ModuleInfo, x: TensorInfo, hx: Value) -> Clash | None:
    hidden = module.number("hidden_size")
    if hidden is None:
        return None
    wanted = (*x.shape[:-1], hidden.value)
    layer = say.module_name(module)
    for state in hx if isinstance(hx, tuple) else (hx,):
        if not isinstance(state, TensorInfo) or state.shape == wanted:
            continue
        called = say.name(scene, state, "the hidden state")
        headline = f"`{layer}` expects a hidden state {say.sizes(wanted)} but receives {say.sizes(state.shape)}"
        if state.rank != len(wanted):
            return Clash(SLUG, headline, f"{called} is {state}, {layer} takes {say.sizes(wanted)}", whole(state, state.rank))
        hits = [i for i in range(state.rank) if state.shape[i] != wanted[i]]
        want = at(x, 0) if hits[0] == 0 and len(wanted) == 2 else setting(scene, "hidden_size", hidden.value)
        return Clash(SLUG, headline, f"{called} is {say.marked(state, *hits)}", at(state, hits[0]), want)
    return None
