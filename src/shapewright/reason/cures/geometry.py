"""A kernel, stride or padding away from sizes that meet: each layer on the way is tried, not only the last one.

The recorded run is replayed with one setting of one layer changed; a value is proposed when the failed call would go through then. What
the layer's siblings have speaks for a value, since the odd one out is the likely slip; what nobody writes on purpose speaks against it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from shapewright.model import Event, ModuleInfo, Number, Span, Value
from shapewright.reason import maps, rules, solve
from shapewright.reason.problem import Candidate, Problem
from shapewright.reason.replay import Change, Step, module_with, numbers, replayed
from shapewright.reason.rules import say
from shapewright.reason.scene import Scene
from shapewright.reason.shapes import newly_one, shape_of
from shapewright.report import Edit

MOST = 8
_LONGEST = 40_000  # settings × calls; a longer way would take too long to replay

# Where the constructors take what can be changed, from 0; the functions take it one place later, behind their input.
_PLACES: dict[str, dict[str, int | None]] = {
    "conv_transpose": {"kernel_size": 2, "stride": 3, "padding": 4, "output_padding": 5},
    "conv": {"kernel_size": 2, "stride": 3, "padding": 4, "dilation": 5},
    "max_pool": {"kernel_size": 0, "stride": 1, "padding": 2, "ceil_mode": None},
    "avg_pool": {"kernel_size": 0, "stride": 1, "padding": 2, "ceil_mode": None},
    "adaptive_": {"output_size": 0},
    "interpolate": {"scale_factor": 1},
    "pad": {"padding": 0},
}
_WIDEST, _STRIDES = 11, 4  # kernels and strides that people write
_DEFAULTS = {"output_padding": 0, "ceil_mode": False}


@dataclass(frozen=True, slots=True)
class Knob:
    """One setting of a layer or of a function call, and how its value is written anew."""

    step: Step
    name: str
    now: int | bool
    origin: Number | None  # where the number is written, when it is
    call: Span  # the constructor call or the function call
    position: int | None = None  # of a pair whose numbers are written one by one, which of them

    @property
    def kind(self) -> str:
        return maps.family(self.step.event.op)


@dataclass(frozen=True, slots=True)
class _Option:
    knob: Knob
    value: int | bool
    edits: tuple[Edit, ...]
    evidence: int


def propose(problem: Problem, least: int | None = None) -> Iterator[Candidate]:
    """One setting of one layer, such that the sizes meet where the call failed; `least` is what must speak for it."""
    steps = problem.steps()
    turned = knobs(problem, steps)
    if not turned or goes_through(problem, problem.event, Change()) is not False:
        return
    # A width that comes out by chance is no reason: there something else has to speak for the number.
    if least is None:
        least = 1 if problem.clash.slug == "linear-in-features" else -2
    found: list[_Option] = []
    written: list[tuple[Edit, ...]] = []
    for knob in turned:
        for value in _values(problem, knob):
            made = edit(problem, knob, value)
            if made is None or made[0] in written:
                continue
            edits, change = made
            new = replayed(steps, change)
            if new is not None and goes_through(problem, new, change):
                written.append(edits)
                speaks = _evidence(problem, knob, value)
                if speaks >= least and not _mostly_padding(problem, knob, value):
                    found.append(_Option(knob, value, edits, _in_its_place(problem, speaks)))
    later = {id(knob): number for number, knob in enumerate(reversed(turned))}
    found.sort(key=lambda one: (-one.evidence, _far(one.knob.now, one.value), later[id(one.knob)]))
    for one in found[:MOST]:
        yield Candidate("geometry", _title(one), one.edits, one.evidence)


def goes_through(problem: Problem, new: Event, change: Change) -> bool | None:
    """Whether the failed call goes through with its new sizes; None when nobody knows."""
    if newly_one(new, problem.event):
        return False
    if maps.family(new.op) or new.op in ("linear", "view", "reshape", "cat", "concat", "unflatten"):
        shape = shape_of(new, problem.event)
        return shape is not None and _keeps_batch(new, shape)
    module = module_with(problem.module, change) if problem.module is not None else None
    return rules.demand(Scene(replace(new, failure=None), module)) is None


def _keeps_batch(new: Event, shape: maps.Shape) -> bool:
    """A reshape that comes out by taking rows from the batch has not come out."""
    operand = next(new.tensors())
    return new.op not in ("view", "reshape") or not shape or not operand.rank or -1 not in _given(new)[:1] or shape[0] == operand.shape[0]


def _given(event: Event) -> list[int]:
    return [number.value for value in event.args[1:] for number in numbers(value)]


# ------------------------------------------------------------------------------------------------------------- what can be changed


def knobs(problem: Problem, steps: tuple[Step, ...]) -> list[Knob]:
    """All settings of the layers and calls on the way, each place in the source once, in the order of the calls."""
    found: list[Knob] = []
    seen: set[tuple[Span, str]] = set()
    for step in steps:
        if step.place is None or not (step.trusted or step.event.index == problem.event.index):
            continue
        for name in _PLACES.get(maps.family(step.event.op), {}):
            if (step.place, name) in seen:
                continue
            seen.add((step.place, name))
            value = setting(step, name)
            if value is not None:
                found.append(Knob(step, name, value[0], value[1], step.place))
            each = list(numbers(_given_value(step, name)))
            if len({number.origin.span for number in each if number.origin is not None}) == len(each) > 1:
                found += [Knob(step, name, number.value, number, step.place, at) for at, number in enumerate(each)]
    return found if len(found) * len(steps) < _LONGEST else []


def _given_value(step: Step, name: str) -> Value:
    if step.module is not None and name in step.module.settings:
        return step.module.settings[name]
    if name == "kernel_size" and step.event.op.startswith("conv"):
        return None  # a function takes it from its weight
    return maps.argument(step.event, "pad" if maps.family(step.event.op) == "pad" and name == "padding" else name)


def setting(step: Step, name: str, position: int | None = None) -> tuple[int | bool, Number | None] | None:
    """What a setting is, and its number where it has one; None when its dims differ or it is no number."""
    value = _given_value(step, name)
    if name == "ceil_mode":
        return value is True, None
    if isinstance(value, float) and value == int(value):
        return int(value), None
    if value is None and name in ("padding", "output_padding"):
        return 0, None
    if value is None and name in ("stride", "dilation"):
        return (1, None) if step.event.op.startswith("conv") else setting(step, "kernel_size", position)
    each = list(numbers(value))
    if isinstance(value, tuple) and len(each) != len(value):
        return None
    if position is not None and len(each) > position:
        return each[position].value, each[position]
    return (each[0].value, each[0]) if len({number.value for number in each}) == 1 else None


def _values(problem: Problem, knob: Knob) -> list[int | bool]:
    """The values to try: small ones, those around the present one, and those that the layer's siblings have."""
    now = knob.now
    if knob.name == "ceil_mode":
        return [not now]
    stride, kernel = (setting(knob.step, name, knob.position) for name in ("stride", "kernel_size"))
    common: dict[str, set[int | bool]] = {
        "output_padding": set(range(max(stride[0] if stride is not None else 1, 1))),
        "padding": {*range(4), (kernel[0] if kernel is not None else 1) // 2, *({4, 5} if knob.kind == "pad" else ())},
        "dilation": {1, 2},
        "stride": {1, 2, 3, 4},
        "scale_factor": {2, 3, 4, 8},
    }
    values = common.get(knob.name, {*range(1, 9), *range(max(now - 2, 1), now + 3)})
    return sorted({*values, *_siblings(problem, knob), *_other_dims(knob)} - {now}, key=lambda value: abs(value - now))


def _other_dims(knob: Knob) -> list[int]:
    """The numbers of the other dims where each dim has its own."""
    each = [number.value for number in numbers(_given_value(knob.step, knob.name))]
    return [value for at, value in enumerate(each) if at != knob.position] if knob.position is not None else []


def _siblings(problem: Problem, knob: Knob) -> list[int]:
    """What other layers of the class have, each place in the source once."""
    own = knob.step.module
    if own is None:
        return []
    places: dict[object, int] = {}
    for module in problem.trace.modules:
        number = module.number(knob.name)
        if module.type != own.type or number is None or module.built == own.built or not _uniform(module, knob.name):
            continue
        span = number.origin.span if number.origin is not None else None
        if span is None or knob.origin is None or knob.origin.origin is None or span != knob.origin.origin.span:
            places.setdefault((module.built, span), number.value)
    return list(places.values())


def _uniform(module: ModuleInfo, name: str) -> bool:
    return len({number.value for number in numbers(module.settings.get(name))}) == 1


# ---------------------------------------------------------------------------------------------------------------- how it is written


def edit(problem: Problem, knob: Knob, value: int | bool) -> tuple[tuple[Edit, ...], Change] | None:
    """The edits for a value, and what they change in the run; None where the source does not say the number."""
    code = problem.code(knob.call)
    if code is None:
        return None
    place = _PLACES[knob.kind][knob.name]
    if place is not None and knob.step.module is None:
        place += 1
    name = "pad" if knob.kind == "pad" and knob.step.module is None else knob.name
    given = code.argument(knob.call, name, place)
    by_name = any(keyword == name for keyword, _ in code.arguments(knob.call))
    own = Change(settings={(knob.call, knob.name): value})
    if knob.position is not None:
        return _literals(knob.origin, int(value)) if knob.origin is not None else None
    if given is None:
        if knob.origin is not None and knob.origin.origin is not None and not _is_default(knob):
            return _literals(knob.origin, int(value))  # it came in a starred argument, say
        if not code.arguments(knob.call):
            return None
        return _made(code.set_argument(knob.call, name, str(value)), own)
    if knob.name in _DEFAULTS and value == _DEFAULTS[knob.name] and by_name:
        return _made(code.drop_argument(knob.call, name), own)
    if knob.origin is not None and knob.origin.origin is not None and (literal := _literals(knob.origin, int(value))) is not None:
        both = [number for number in _all(knob) if number.origin is not None and number.origin.span != knob.origin.origin.span]
        if not both:
            return literal
        return _made(code.set_argument(knob.call, name, f"({', '.join([str(value)] * (len(both) + 1))})", place), own)
    return _made(code.set_argument(knob.call, name, str(value), place), own)


def _all(knob: Knob) -> list[Number]:
    settings = knob.step.module.settings if knob.step.module is not None else {}
    return list(numbers(settings.get(knob.name)))


def _is_default(knob: Knob) -> bool:
    """A pool's stride that is its kernel, for want of one."""
    return knob.name == "stride" and "pool" in knob.step.event.op


def _literals(number: Number, value: int) -> tuple[tuple[Edit, ...], Change] | None:
    if number.origin is None or value < 0:
        return None
    origin = number.origin
    settings: tuple[solve.Setting, ...] | None
    if value == 0:  # no product becomes 0 by a natural slip, so only the number itself
        settings = ((origin, 0),) if not origin.parts and origin.span is not None else None
    else:
        settings = next(solve.solutions(number.origin, value), None)
    if settings is None:
        return None
    edits = solve.edits(settings)
    return (edits, Change(literals={leaf.span: new for leaf, new in settings if leaf.span is not None})) if edits else None


def _made(edits: tuple[Edit, ...], change: Change) -> tuple[tuple[Edit, ...], Change] | None:
    return (edits, change) if edits else None


def _far(now: int, value: int) -> int:
    """How far a value is from the one that stands there; a key that was pressed twice is no way at all."""
    return 0 if str(now) == 2 * str(value) else abs(value - now)


def _title(option: _Option) -> str:
    knob = option.knob
    layer = say.module_name(knob.step.module) if knob.step.module is not None else knob.step.event.op
    if knob.name == "ceil_mode":
        return f"let `{layer}` round {'up' if option.value else 'down'}"
    if knob.name == "output_padding" and not option.value:
        return f"drop the output_padding of `{layer}`"
    which = f" in dim {knob.position - len(list(numbers(_given_value(knob.step, knob.name))))}" if knob.position is not None else ""
    return f"set {knob.name} of `{layer}` to {option.value}{which}"


# ------------------------------------------------------------------------------------------------------------------ what speaks for it


def _evidence(problem: Problem, knob: Knob, value: int | bool) -> int:
    """From -3 to 3: siblings that have the value, and whether kernel, stride and padding still go together."""
    siblings, others = _siblings(problem, knob), _other_dims(knob)
    alike, other = siblings.count(int(value)), siblings.count(int(knob.now))
    speaks = 0
    if (others and set(others) == {value}) or (alike == len(siblings) > 1):
        speaks = 3
    elif 2 * alike > len(siblings):
        speaks = 2 if alike == len(siblings) else 1
    elif other > alike:
        speaks = -1
    speaks += _usual(knob, value) - _usual(knob, knob.now)
    if knob.name == "kernel_size" and siblings and value % 2 == 0 and not any(size % 2 == 0 for size in siblings):
        speaks -= 2
    if knob.name == "output_padding" and not value and knob.step.event.index == problem.event.index:
        speaks -= 1  # the layer refuses it, but somebody has written it for a stride
    if knob.name == "stride" and (knob.origin is None or knob.origin.origin is None):
        speaks -= 2  # nobody has written it, so nobody wrote it wrongly
    return max(-3, min(3, speaks))


def _mostly_padding(problem: Problem, knob: Knob, value: int | bool) -> bool:
    """What runs and sees hardly anything: windows on padding alone, pools of one pixel, padding that only makes a tiny map large enough."""
    kernel, padding = (setting(knob.step, name, knob.position) for name in ("kernel_size", "padding"))
    now = {"kernel_size": kernel[0] if kernel is not None else 0, "padding": padding[0] if padding is not None else 0, knob.name: value}
    if knob.kind not in ("conv", "max_pool", "avg_pool") or not now["kernel_size"]:
        return False
    if now["padding"] >= now["kernel_size"] or ("pool" in knob.kind and now["kernel_size"] == 1):
        return True
    if problem.clash.slug != "conv-kernel-too-large" or knob.name != "padding":
        return False
    pixels = min(next(knob.step.event.tensors()).shape[2:], default=0)
    return "pool" in knob.kind or 2 * pixels < now["kernel_size"]


def _in_its_place(problem: Problem, evidence: int) -> int:
    """A map that is too small asks for a larger image or a stage less first, unless the number is the odd one out."""
    return evidence if problem.clash.slug != "conv-kernel-too-large" or evidence >= 2 else evidence - 3


def _usual(knob: Knob, value: int | bool) -> int:
    """0 for what users write: padding that keeps the size, a pool or an upsampling that goes in whole steps; less for all else."""
    if knob.name == "ceil_mode" or knob.kind in ("pad", "interpolate", "adaptive_"):
        return 0
    names = ("kernel_size", "stride", "padding", "dilation", "output_padding")
    now = {name: int(found[0]) for name in names if (found := setting(knob.step, name, knob.position)) is not None}
    if knob.name == "kernel_size" and "pool" in knob.kind and now.get("kernel_size") == now.get("stride"):
        now["stride"] = int(value)  # which goes with the kernel
    now[knob.name] = int(value)
    kernel, stride, padding, more = (now.get(name, 0) for name in ("kernel_size", "stride", "padding", "output_padding"))
    dilation = now.get("dilation", 1)
    far = -1 if kernel > _WIDEST or stride > _STRIDES else 0
    if kernel < 1 or padding > kernel // 2 * dilation or stride > kernel > 1:
        return -3
    if "pool" in knob.kind:
        return -2 if kernel == 1 or stride == 1 else -1 if stride < kernel and 2 * padding != kernel - 1 else 0
    if knob.kind == "conv_transpose":
        times = kernel - 2 * padding  # n becomes n·s, or n·s - 1 and more
        return far if (times == stride and not more) or times == stride - 1 else far - 1
    whole = 2 * padding in (dilation * (kernel - 1), kernel - stride) or not padding
    return far - (0 if whole else 1) - (1 if dilation > 1 else 0) - (1 if padding and kernel == 1 else 0)
