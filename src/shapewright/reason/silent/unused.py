"""A layer or parameter is built and has no part in what the model computes.

What happened. `__init__` builds a layer, and no call of the whole run reaches it: `forward` never names it, or it calls the layer and
throws the result away (`self.norm(x)` as a statement, or `x = self.conv1(a)` followed by `x = self.conv2(a)`). The program runs, the
parameters are counted and saved, and they stay as they were initialised.

Why. A line of `forward` was forgotten or lost, a name was written twice (`self.fc2` built, `self.fc1` called again), a result was not
assigned, or a new head was given to a ready-made model under a name that its `forward` does not know. Often it is only a leftover.

How to tell which fix is right. If the layer belongs to the model, call it where its sizes fit and assign the result. If it is a leftover,
remove the line that builds it: the outputs stay the same, the checkpoint loses its entries. A layer whose name is read somewhere, in
a branch or a method that this run did not take, may be meant so, and is a note only.

Example. Two batch norms are built, and `forward` calls one of them:

    `bn2` is built and never used: no call of this run reaches its 32 parameters
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

from shapewright.model import Clash, Event, ModuleInfo, Span, Trace
from shapewright.reason.silent import discarded, flow, reads
from shapewright.source import contains

SLUGS = ("unused-layer",)

# What may be asked of a new head without its being called.
_ASKED = {"parameters", "named_parameters", "in_features", "out_features", "weight", "bias"}
_ENTRIES = ("ModuleList", "ModuleDict", "Sequential", "ParameterList", "ParameterDict")


@dataclass(frozen=True, slots=True)
class Idle:
    """A layer or parameter that no call reached: all of it, and it is the largest such part."""

    owner: ModuleInfo
    name: str  # the owner's attribute
    elements: int
    module: ModuleInfo | None = None  # None for a parameter


def faults(trace: Trace) -> Iterator[tuple[Event, Clash]]:
    """Layers and parameters that no call reached, and layers whose results are thrown away."""
    event = next((event for event in trace.events if event.module is None), trace.events[0] if trace.events else None)
    if event is not None:  # what is missing is no event: any one stands for the run
        yield from ((event, clash) for clash in _unreached(trace))
        yield from ((event, clash) for clash in discarded.faults(trace, SLUGS[0]))


def idles(trace: Trace) -> list[Idle]:
    """What lies idle below the modules that took part in the run."""
    dead = _dead(trace)
    found: list[Idle] = []
    for module in trace.modules:
        parent = trace.modules[module.parent] if module.parent is not None else None
        if module.index in dead and parent is not None and parent.index not in dead:
            elements = _elements(trace, module)
            found += [Idle(parent, module.path.rpartition(".")[2], elements, module)] if elements else []
        elif module.index not in dead:
            found += [Idle(module, name, prod(module.parameters[name])) for name in module.unused]
    swapped = _swapped(trace)
    return [idle for idle in found if _root(trace, idle.owner) not in swapped]


def _dead(trace: Trace) -> set[int]:
    """The modules that no call reached, with all that is below them."""
    alive: set[int] = set()
    for module in reversed(trace.modules):  # children stand behind their parents
        if module.called or len(module.unused) < len(module.parameters) or module.index in alive:
            alive.update((module.index, module.parent if module.parent is not None else module.index))
    return {module.index for module in trace.modules} - alive


def _swapped(trace: Trace) -> set[int]:
    """The models that were called with other parameters than their own (`functional_call`): of these nothing is known."""
    return {
        _root(trace, module)
        for module in trace.modules
        if module.called and module.library and module.parameters and len(module.unused) == len(module.parameters)
    }


def _root(trace: Trace, module: ModuleInfo) -> int:
    while module.parent is not None:
        module = trace.modules[module.parent]
    return module.index


def _elements(trace: Trace, module: ModuleInfo) -> int:
    return sum(prod(shape) for one in flow.below(trace, module.index) for shape in one.parameters.values())


def _unreached(trace: Trace) -> Iterator[Clash]:
    found = idles(trace)
    used = _used(trace) if found else set()
    seen: set[object] = set()
    for idle in found:
        owner = idle.owner
        entry = owner.library and owner.type in _ENTRIES
        key = owner.index if entry else (owner.type, owner.library, idle.name)
        if key in seen:
            continue  # each block of a row of blocks has one
        seen.add(key)
        if entry:
            yield from _entry(trace, [one for one in found if one.owner.index == owner.index])
        elif (owner.type, idle.name) not in used:  # else the class knows when to call it
            yield from _judged(trace, idle)


def _used(trace: Trace) -> set[tuple[str, str]]:
    """(class, attribute) of all that some object of the class works with."""
    dead = _dead(trace)
    alive = [one for one in trace.modules if one.index not in dead]
    layers = {(trace.modules[one.parent].type, one.path.rpartition(".")[2]) for one in alive if one.parent is not None}
    return layers | {(one.type, name) for one in alive for name in one.parameters if name not in one.unused}


def _judged(trace: Trace, idle: Idle) -> Iterator[Clash]:
    owner = idle.owner
    sibling, outside = replaced(trace, idle), _outside(trace, idle)
    if outside is not None and sibling is not None:
        sure = all(_only_asked(node, around) for node, around in reads.reads(trace, idle.name))
        headline = f"`{idle.name}` is added to the {owner.type} and never used: `{sibling}` still takes its place"
        yield _clash(headline, idle, outside.value, "warning" if sure else "note")
    elif not owner.library:
        setting = setting_of(trace, idle)
        if setting is not None:
            name = f"`{idle.name}`" if idle.module is not None else f"the parameter `{idle.name}`"
            what = f"its {idle.elements:,} parameters" if idle.module is not None else "it"
            if reads.is_read(trace, owner.type, idle.name):
                yield _clash(f"{name} has no part in this run: no call reaches {what}", idle, setting.value, "note")
            else:
                yield _clash(f"{name} is built and never used: no call reaches {what}", idle, setting.value, "warning")


def _clash(headline: str, idle: Idle, at: Span, severity: str) -> Clash:
    label = f"{idle.module.type if idle.module is not None else 'it'} stays as it was initialised"
    return Clash(SLUGS[0], headline, label, severity="warning" if severity == "warning" else "note", at=at)


def setting_of(trace: Trace, idle: Idle) -> reads.Setting | None:
    """The statement that gave the owner the attribute: in its class, else from outside."""
    found = reads.settings(trace, idle.owner.type, idle.name)
    built = _built(idle)
    return next((one for one in found if any(contains(one.value, span) for span in built)), found[0] if found else _outside(trace, idle))


def _outside(trace: Trace, idle: Idle) -> reads.Setting | None:
    built = _built(idle)
    return next((one for one in reads.settings_outside(trace, idle.name) if any(contains(one.value, span) for span in built)), None)


def _built(idle: Idle) -> tuple[Span, ...]:
    module = idle.module
    return (module.built, *module.built_stack) if module is not None and module.built is not None else ()


def _entry(trace: Trace, others: list[Idle]) -> Iterator[Clash]:
    """Of a list some were called: perhaps by another task or depth. One note for a list."""
    idle, owner = others[0], others[0].owner
    around = trace.modules[owner.parent] if owner.parent is not None else None
    built = idle.module.built if idle.module is not None else None
    if around is None or around.library or built is None:
        return
    entries = sum(1 for one in trace.modules if one.parent == owner.index) or len(owner.parameters)
    name = owner.path.rpartition(".")[2]
    headline = f"{len(others)} of the {entries} in `{name}` {'have' if len(others) > 1 else 'has'} no part in this run"
    yield Clash(SLUGS[0], headline, f"built here, first `{name}[{idle.name}]`", severity="note", at=built)


def replaced(trace: Trace, idle: Idle) -> str | None:
    """The layer of a finished model that one added later was to replace: it takes as many features, and is still called."""
    if idle.module is None or _outside(trace, idle) is None:
        return None
    wanted = _takes(trace, idle.module)
    dead = _dead(trace)
    others = [one for one in trace.modules if one.parent == idle.owner.index and one.index not in dead]
    last = others[-1] if others else None
    return last.path.rpartition(".")[2] if last is not None and wanted is not None and _takes(trace, last) == wanted else None


def _takes(trace: Trace, module: ModuleInfo) -> int | None:
    numbers = [one.number("in_features") for one in flow.below(trace, module.index)]
    return next((number.value for number in numbers if number is not None), None)


def _only_asked(node: ast.AST, around: tuple[ast.AST, ...]) -> bool:
    """Whether a place that names the layer only asks for its parameters or sizes."""
    return isinstance(node, ast.Attribute) and bool(around) and isinstance(around[-1], ast.Attribute) and around[-1].attr in _ASKED
