"""An embedding is asked for a row that it does not have.

What happened. `nn.Embedding(num_embeddings, embedding_dim)` is a table with the rows 0 … num_embeddings - 1; an index
in the input lies outside (`embedding-dim`).

Why. The vocabulary has more entries than the table (a padding or unknown token was added later; indices start at 1),
a sequence is longer than the table of positions, or something else than indices is fed, such as class labels of
another set.

How to tell which fix is right. The table needs `highest index + 1` rows: `len(vocab)`, counted after all special
tokens are in it. For positions, either a longer table or shorter sequences. Negative indices are always a mistake in
the data.

Example. Token 100 in a table of 100 rows:

    `embed` expects indices below 100 but receives 100
"""

from __future__ import annotations

from shapewright.model import Clash, Size, TensorInfo
from shapewright.reason.rules import say
from shapewright.reason.rules.sizes import at, setting, tensor, whole
from shapewright.reason.scene import Scene

SLUGS = ("embedding-dim",)


def demand(scene: Scene) -> Clash | None:
    """Every index is a row of the table."""
    if scene.event.op not in ("embedding", "embedding_bag"):
        return None
    x, weight = tensor(scene.event, 0, "input"), tensor(scene.event, 1, "weight")
    if x is None or weight is None or x.is_floating:
        return None
    layer, called = say.layer(scene, "num_embeddings"), say.name(scene, x, "the input")
    if weight.rank != 2:
        headline = f"`{layer}` expects a table [rows, width] but its weight is {say.sizes(weight.shape)}"
        return Clash("embedding-dim", headline, f"the weight is {weight}", whole(weight, weight.rank))
    rows = weight.shape[0]
    want = setting(scene, "num_embeddings", rows) or at(weight, 0)
    if x.lowest is not None and x.lowest < 0:
        headline = f"`{layer}` expects indices from 0 but receives {x.lowest}"
        return Clash("embedding-dim", headline, f"{called} is {x}, its lowest index →{x.lowest}←", Size(x.lowest, tensor=x), want)
    if x.highest is not None and x.highest >= rows:
        return _beyond(layer, called, x, rows, want)
    return _bag(scene, x, layer, called)


def _beyond(layer: str, called: str, x: TensorInfo, rows: int, want: Size) -> Clash:
    headline = f"`{layer}` expects indices below {rows} but receives {x.highest}"
    label = f"{called} is {x}, its highest index →{x.highest}←; {layer} has →{rows}← rows"
    notes = ("indices count from 0: the last row is " + str(rows - 1),) if x.highest == rows else ()
    return Clash("embedding-dim", headline, label, Size(x.highest, tensor=x), want, notes)


def _bag(scene: Scene, x: TensorInfo, layer: str, called: str) -> Clash | None:
    if scene.event.op != "embedding_bag":
        return None
    offsets = tensor(scene.event, 2, "offsets")
    if (x.rank, offsets is None) in ((2, True), (1, False)):
        return None
    headline = f"`{layer}` expects [N, L] without offsets or [L] with them; it receives {say.sizes(x.shape)}"
    return Clash("embedding-dim", headline, f"{called} is {x}", whole(x, x.rank))
