"""A checkpoint's tensors have other sizes than the model's.

What happened. `load_state_dict` copies parameter by parameter; some have another shape in the file than in the model
that was built (`checkpoint-shape`). `strict=False` lets names be missing, not sizes differ.

Why. The model was built with other settings than the saved one: another number of classes, another vocabulary, width
or depth; or the file belongs to another model.

How to tell which fix is right. If the saved model is what you want, build the model with its settings. If only the
last layer differs because you have other classes, build the model with the saved number, load, and then replace that
layer.

Example. A classifier of 1000 classes loaded into one of 10:

    `fc.weight` is [10, 512] in the model but [1000, 512] in the checkpoint
"""

from __future__ import annotations

from shapewright.model import Clash, Number, Size, Value
from shapewright.reason.rules import say
from shapewright.reason.rules.sizes import numbers
from shapewright.reason.scene import Scene

SLUGS = ("checkpoint-shape",)


def demand(scene: Scene) -> Clash | None:
    """Every tensor of the file has the shape of its namesake in the model."""
    event = scene.event
    if event.op != "load_state_dict":
        return None
    differing = [entry for entry in map(_entry, _tuple(event.argument(0, "sizes"))) if entry is not None]
    if not differing:
        return None
    key, saved, built = differing[0]
    hits = [i for i in range(len(saved)) if len(saved) == len(built) and saved[i].value != built[i].value]
    file, model = (say.sizes(number.value for number in shape) for shape in (saved, built))
    headline = f"`{key}` is {model} in the model but {file} in the checkpoint"
    got = Size(saved[hits[0]].value, number=saved[hits[0]]) if hits else None
    want = Size(built[hits[0]].value, number=built[hits[0]]) if hits else None
    label = f"{key}: the checkpoint has {_arrows(saved, hits)}, the model {_arrows(built, hits)}"
    return Clash("checkpoint-shape", headline, label, got, want, _notes(event.args, [entry[0] for entry in differing[1:]]))


def _tuple(value: Value) -> tuple[Value, ...]:
    return value if isinstance(value, tuple) else ()


def _entry(value: Value) -> tuple[str, list[Number], list[Number]] | None:
    if not isinstance(value, tuple) or len(value) != 3 or not isinstance(value[0], str):
        return None
    saved, built = numbers(_tuple(value[1])), numbers(_tuple(value[2]))
    return (value[0], saved, built) if saved is not None and built is not None else None


def _arrows(shape: list[Number], hits: list[int]) -> str:
    return say.sizes(f"→{number.value}←" if i in hits else str(number.value) for i, number in enumerate(shape))


def _notes(args: tuple[Value, ...], others: list[str]) -> tuple[str, ...]:
    notes = []
    if others:
        more = f" and {len(others) - 3} more" if len(others) > 3 else ""
        notes.append(f"{', '.join(others[:3])}{more} {'differs' if len(others) == 1 else 'differ'}, too")
    missing, unexpected = (len(_tuple(args[i])) if i < len(args) else 0 for i in (1, 2))
    if missing or unexpected:
        notes.append(f"names only in the model: {missing}; only in the checkpoint: {unexpected}")
    return tuple(notes)
