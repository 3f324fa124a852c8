"""A gradient of another shape than what it is the gradient of.

What happened. `torch.autograd.grad(outputs, inputs, grad_outputs)` or `y.backward(gradient)` was given gradients that differ in
shape from the outputs (`other-shape-error`).

Why. Mostly `torch.ones(batch)` stands beside scores of `[batch, 1]`.

How to tell which fix is right. The gradient always has the shape of the output; `torch.ones_like(output)` cannot be wrong.

Example. The gradient penalty of a Wasserstein GAN with 17 scores:

    `grad` expects a gradient of shape [17, 1] but receives [17]
"""

from __future__ import annotations

from shapewright.model import Clash, Size, TensorInfo, Value
from shapewright.reason.rules import say
from shapewright.reason.scene import Scene

SLUGS: tuple[str, ...] = ()  # those of `other`


def demand(scene: Scene) -> Clash | None:
    """Outputs and their gradients pairwise of one shape."""
    event = scene.event
    if event.op == "grad":
        outputs, gradients = _listed(event.argument(0, "outputs")), _listed(event.argument(2, "grad_outputs"))
    elif event.op == "backward":
        outputs, gradients = _listed(event.argument(0, "self")), _listed(event.argument(1, "gradient"))
    else:
        return None
    for output, gradient in zip(outputs, gradients, strict=False):
        if output.shape != gradient.shape:
            names = say.name(scene, output, "the output"), say.name(scene, gradient, "its gradient")
            return Clash(
                "other-shape-error",
                f"`{event.op}` expects a gradient of shape {say.sizes(output.shape)} but receives {say.sizes(gradient.shape)}",
                f"{names[0]} is {output}, {names[1]} is {gradient}",
                got=Size(None, tensor=output),
                want=Size(None, tensor=gradient),
            )
    return None


def _listed(value: Value) -> list[TensorInfo]:
    return [item for item in (value if isinstance(value, tuple) else (value,)) if isinstance(item, TensorInfo)]
