"""The few turns of phrase that all rules share: names, shapes, marked dims.

Shapes go in, pieces of sentences come out. Nothing here knows a rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from shapewright.model import ModuleInfo, TensorInfo
from shapewright.reason.scene import Scene

LONGEST_NAME = 24  # a longer expression says less than "the input"


def layer(scene: Scene, *settings: str) -> str:
    """What the headline calls the layer: `fc1` when the call is that of a layer with one of these settings, else the op."""
    module = scene.module
    if module is None or (settings and not any(name in module.settings for name in settings)):
        return scene.event.op
    return module_name(module)


def module_name(module: ModuleInfo) -> str:
    """The path, and of a long one the last part that is a name, with the numbers behind it: "decoder.0"; the class for a root."""
    if module.path and len(module.path) <= LONGEST_NAME and not module.path[0].isdigit():
        return module.path
    parts = module.path.split(".") if module.path else []
    for i in range(len(parts) - 1, -1, -1):
        if not parts[i].isdigit():
            return ".".join(parts[i:])
    return f"{module.type} {module.path}" if parts else module.type


def name(scene: Scene, info: TensorInfo, fallback: str) -> str:
    """What the source calls a tensor; the fallback when that is unknown or too long."""
    for i, candidate in enumerate(scene.event.tensors()):
        if candidate is info:
            written = scene.names[i] if i < len(scene.names) else ""
            written = written or (info.name if info.kind != "activation" else "")
            if written and len(written) <= LONGEST_NAME and "\n" not in written:
                return written
            break
    return fallback


def ticked(written: str, fallback: str) -> str:
    """A name of the source in backticks; a fallback such as "the input" stays plain."""
    return fallback if written == fallback else f"`{written}`"


def pair(scene: Scene, one: TensorInfo, other: TensorInfo) -> tuple[str, str]:
    """Two tensors' names for a label, told apart by their place when the source does not name them."""
    fallback = ("left", "right") if scene.event.call == "operator" else ("first", "second")
    names = name(scene, one, fallback[0]), name(scene, other, fallback[1])
    return fallback if names[0] == names[1] else names


def both(scene: Scene, one: TensorInfo, other: TensorInfo) -> str:
    """ "`x` and `skip`", or "two tensors" when the source does not name them."""
    first, second = pair(scene, one, other)
    if {first, second} & {"left", "right", "first", "second"}:
        return "two tensors"
    return f"`{first}` and `{second}`"


def marked(info: TensorInfo, *dims: int) -> str:
    """`f32[1, →8192←]`."""
    hit = {dim % info.rank for dim in dims} if info.rank else set()
    inner = ", ".join(f"→{size}←" if i in hit else str(size) for i, size in enumerate(info.shape))
    return f"{str(info).partition('[')[0]}[{inner}]"


def sizes(shape: Iterable[int | str]) -> str:
    """`[1, 512, 7, 7]`."""
    return f"[{', '.join(map(str, shape))}]"


def by(shape: Sequence[int]) -> str:
    """`3×3`; the length alone when there is one dim."""
    return "×".join(map(str, shape))


def count(number: int, noun: str) -> str:
    """`1 channel`, `3 channels`."""
    plural = noun + ("es" if noun.endswith(("s", "ss", "ch")) else "s")
    return f"{number} {noun if number == 1 else plural}"


def which(dim: int, *, same_rank: bool, rank: int) -> str:
    """A dim that counts from the end, as users would say it: "dim 1", or "the last dim" when the ranks differ."""
    if same_rank:
        return f"dim {dim + rank}"
    return "the last dim" if dim == -1 else f"dim {dim}"


def listed(words: Sequence[str]) -> str:
    """`a, b and c`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
