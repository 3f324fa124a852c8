"""A gradient of another shape than what it is the gradient of, or a loss of many numbers.

What happened. `torch.autograd.grad(outputs, inputs, grad_outputs)` or `y.backward(gradient)` was given gradients that differ in
shape from the outputs; or `loss.backward()` was called on a loss that holds more than one number (`other-shape-error`).

Why. Mostly `torch.ones(batch)` stands beside scores of `[batch, 1]`. A loss of many numbers was not reduced: `reduction='none'`, a
sum over one dim only, a loss by hand without `.mean()`.

How to tell which fix is right. The gradient always has the shape of the output; `torch.ones_like(output)` cannot be wrong. A loss
becomes one number by `.mean()` (or `.sum()`, whose gradients grow with the batch).

Example. The gradient penalty of a Wasserstein GAN with 17 scores:

    `grad` expects a gradient of shape [17, 1] but receives [17]
"""

from __future__ import annotations

from shapewright.model import Clash, Size, TensorInfo, Value
from shapewright.reason.rules import say
from shapewright.reason.rules.sizes import numbers
from shapewright.reason.scene import Scene

SLUGS: tuple[str, ...] = ()  # those of `other`


def demand(scene: Scene) -> Clash | None:
    """Outputs and their gradients pairwise of one shape; without gradients outputs of one number."""
    event = scene.event
    if event.op == "grad":
        outputs, given = _listed(event.argument(0, "outputs")), event.argument(2, "grad_outputs")
    elif event.op == "backward":
        outputs, given = _listed(event.argument(0, "self")), event.argument(1, "gradient")
    elif event.op == "own_gradient":
        return _own(scene)
    else:
        return None
    many = next((output for output in outputs if output.numel != 1), None)
    if given is None and many is not None:
        headline = f"`{event.op}` needs one number but receives {many.numel}: {say.sizes(many.shape)}"
        return Clash("other-shape-error", headline, f"{say.name(scene, many, 'the output')} is {many}", Size(many.numel, tensor=many))
    gradients = _listed(given)
    for output, gradient in zip(outputs, gradients, strict=False):
        if output.shape != gradient.shape:
            names = say.name(scene, output, "the output"), say.name(scene, gradient, "its gradient")
            got, want = _sides(output, gradient)
            return Clash(
                "other-shape-error",
                f"`{event.op}` expects a gradient of shape {say.sizes(output.shape)} but receives {say.sizes(gradient.shape)}",
                f"{names[0]} is {output}, {names[1]} is {gradient}",
                got=got,
                want=want,
            )
    return None


def _sides(output: TensorInfo, gradient: TensorInfo) -> tuple[Size, Size]:
    """The two sizes that differ, where it is one dim only, or else the two shapes."""
    differ = [dim for dim, (one, other) in enumerate(zip(output.shape, gradient.shape, strict=False)) if one != other]
    if output.rank != gradient.rank or len(differ) != 1:
        return Size(None, tensor=output), Size(None, tensor=gradient)
    dim = differ[0]
    return Size(output.shape[dim], tensor=output, dim=dim), Size(gradient.shape[dim], tensor=gradient, dim=dim)


def _own(scene: Scene) -> Clash | None:
    """What the `backward` of an own `autograd.Function` returned, and the shape of what it is the gradient of."""
    gradient, wanted = scene.event.args if len(scene.event.args) == 2 else (None, None)
    sizes = numbers((wanted,))
    if not isinstance(gradient, TensorInfo) or sizes is None:
        return None
    shape = say.sizes(size.value for size in sizes)
    headline = f"`backward` of an own function returns a gradient of shape {say.sizes(gradient.shape)} for an input of {shape}"
    return Clash("other-shape-error", headline, f"the gradient is {gradient}, the input {shape}", got=Size(None, tensor=gradient))


def _listed(value: Value) -> list[TensorInfo]:
    return [item for item in (value if isinstance(value, tuple) else (value,)) if isinstance(item, TensorInfo)]
