"""A generator makes samples that the discriminator cannot take.

What happened. The program builds a generator and a discriminator and tries each with an input of its own: noise for the
one, an image for the other. Both run. The program does not give what the generator makes to the discriminator, and the
first step of the training would fail there: images of 64×64 for a discriminator whose last layer was built for 28×28.

Why. The size of a generated image follows from the map that the generator starts with and from each of its strides. The
discriminator's last layer is built for a map of one size. Nothing ties the two together until they meet. So the
discriminator was called once more after the run, with a tensor of the shape that the generator gave.

How to tell which fix is right. The images of the data set decide: both have to work with their size. If the discriminator
takes them, the generator has to make that size, by another start or another stride; if the generator makes them, the
discriminator's last layer has to be built for it, or to be put behind a pool to a fixed size.

Example. A generator of 64×64 pixels and a discriminator that was tried with 28×28:

    `Discriminator` cannot take what `Generator` makes: [1, 3, 64, 64]
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from shapewright.model import Clash, Event, TensorInfo, Trace
from shapewright.reason import rules
from shapewright.reason.names import operand_names
from shapewright.reason.rules import say
from shapewright.reason.scene import Scene
from shapewright.reason.silent import flow, purpose

SLUGS = ("generator-discriminator",)

_NOTE = "the program does not give one to the other; they were tried together after the run"


def faults(trace: Trace) -> Iterator[tuple[Event, Clash]]:
    """What a discriminator clashes over that was given what a generator made. It is mended as that clash is mended anywhere."""
    for index in trace.tried:
        event = trace.events[index]
        module = trace.modules[event.module] if event.module is not None else None
        clash = rules.diagnose(Scene(event, module, operand_names(trace, event)))
        made = _made(trace, event)
        if clash is None or made is None or (event.failure is not None and event.failure.dtype_only):
            continue
        maker, tensor = made
        headline = f"{_judge(trace, event)} cannot take what {maker} makes: {say.sizes(tensor.shape)}"
        yield event, replace(clash, headline=headline, notes=(_NOTE, *clash.notes), severity="warning", shown_as=SLUGS[0])


def _made(trace: Trace, event: Event) -> tuple[str, TensorInfo] | None:
    """The last of the program's models that the failed call's operands were made by, and what it gave."""
    before = flow.ancestors(trace, event.tensors())
    for call in sorted(trace.calls, key=lambda call: -call.end):
        outputs = [tensor for tensor in call.outputs if tensor.source in before and tensor.is_floating]
        if outputs:
            names = purpose.of_model(trace, trace.modules[call.module], call.span)
            return next((f"`{name}`" for name in names if name), "the generator"), outputs[0]
    return None


def _judge(trace: Trace, event: Event) -> str:
    """The model in which the call failed."""
    index = event.module
    while index is not None and trace.modules[index].parent is not None:
        index = trace.modules[index].parent
    if index is None:
        return "the discriminator"
    call = next((call for call in trace.calls if call.module == index), None)
    names = purpose.of_model(trace, trace.modules[index], call.span if call is not None else None)
    return next((f"`{name}`" for name in names if name), "the discriminator")
