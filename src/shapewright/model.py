"""The data that flows through shapewright: frozen, plain, and free of torch.

Everything here is made once and never changed. A run of the user's program gives a `Trace`; the rules
turn a failing `Event` into a `Clash`. What is made of these for the user stands in `report.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

SHORT_DTYPES = {
    "float64": "f64", "float32": "f32", "float16": "f16", "bfloat16": "bf16", "complex64": "c64", "complex128": "c128",
    "int64": "i64", "int32": "i32", "int16": "i16", "int8": "i8", "uint8": "u8", "bool": "b8",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of source. Lines and columns count from 1, columns in code points, the end is exclusive."""

    file: str
    line: int
    column: int
    end_line: int
    end_column: int


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a number comes from: a literal, an arithmetic expression of others, or a dim of a tensor.

    `span` is exact for a literal and for an expression written in one place; an expression that was put
    together over several places (`hidden * 2` with `hidden = 64` elsewhere) has no span, only parts.
    """

    value: int
    span: Span | None = None
    text: str = ""
    op: str = ""  # "" for a literal or a dim, else one of + - * // % **
    parts: tuple[Origin, ...] = ()
    event: int | None = None  # for a dim: the event that made the tensor
    dim: int | None = None

    def literals(self) -> Iterator[Origin]:
        """The literals below this number, left to right."""
        if self.parts:
            for part in self.parts:
                yield from part.literals()
        elif self.span is not None:
            yield self


@dataclass(frozen=True, slots=True)
class Number:
    """An integer argument or setting, with its origin when the run could follow it."""

    value: int
    origin: Origin | None = None


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """A tensor as one call saw it: shape, dtype ("float32"), who made it, what it is called."""

    shape: tuple[int, ...]
    dtype: str = "float32"
    source: int | None = None  # index of the event that made it; None: it came from outside the recorded calls
    name: str = ""  # "fc1.weight" for parameters and buffers, "input" for what the target was called with
    kind: Literal["activation", "parameter", "buffer", "input"] = "activation"
    contiguous: bool = True
    assumed: bool = False  # its size rests on an assumption (a boolean mask on fake tensors, say)
    highest: int | None = None  # for integer operands of an indexing call that failed: the values' bounds
    lowest: int | None = None

    @property
    def rank(self) -> int:
        return len(self.shape)

    @property
    def numel(self) -> int:
        n = 1
        for size in self.shape:
            n *= size
        return n

    @property
    def is_floating(self) -> bool:
        return self.dtype.startswith(("float", "bfloat", "complex"))

    def __str__(self) -> str:
        return f"{SHORT_DTYPES.get(self.dtype, self.dtype)}[{', '.join(map(str, self.shape))}]"


# What stands in a call's arguments or a module's settings. Anything else is kept as its guarded text.
Value: TypeAlias = "TensorInfo | Number | float | bool | str | tuple[Value, ...] | None"


@dataclass(frozen=True, slots=True)
class Failure:
    """The exception of a failed call. `message` is quoted to the user, never read to decide anything."""

    type: str
    message: str
    swallowed: bool = False  # the program caught it itself
    answered: bool = False  # …and its handler went another way with further torch calls
    dtype_only: bool = False  # the same call runs once the operands' dtypes are made equal (measured by calling it)


@dataclass(frozen=True, slots=True)
class Event:
    """One torch call that the user wrote (or that a module the user called made for it).

    `op` is the plain name: `linear`, `conv2d`, `view`, `add`, `cat`, `matmul`, `cross_entropy`; operators, methods and
    functions of one meaning share it (`a + b`, `a.add_(b)`, `torch.add(a, b)` are `add`). When a library module refuses its
    input before any torch call is made, and for recurrent and attention modules always, the module's call itself is the event:
    `call` is "module" and `op` the class name in lower case (`lstm`, `gru`, `multiheadattention`, `batchnorm2d`); `args` are
    then those of its forward.
    """

    index: int
    op: str
    args: tuple[Value, ...] = ()
    kwargs: Mapping[str, Value] = field(default_factory=dict)
    output: tuple[TensorInfo, ...] = ()
    span: Span | None = None  # the user's expression
    function: str = ""  # "SmallCNN.forward"
    stack: tuple[Span, ...] = ()  # the user's further frames, from the inner to the outer
    module: int | None = None  # index into Trace.modules: the module whose forward made the call
    call_number: int = 1  # the how-many-th call of that module
    call: Literal["function", "method", "operator", "module"] = "function"
    inplace: bool = False
    failure: Failure | None = None
    training: bool = False  # `backward` or an optimizer step

    def argument(self, position: int, name: str, default: Value = None) -> Value:
        """The argument at `position`, or the one called `name`, or the default."""
        if position < len(self.args):
            return self.args[position]
        return self.kwargs.get(name, default)

    @property
    def of_python(self) -> bool:
        """Whether Python refused a shape that torch had given: `b, c = x.shape`, `x.shape[2]`."""
        return self.call == "operator" and self.op in ("unpack", "size")

    def tensors(self) -> Iterator[TensorInfo]:
        """All tensor operands, also those inside lists, in order."""
        yield from _tensors(self.args)
        yield from _tensors(tuple(self.kwargs.values()))


def _tensors(value: Value) -> Iterator[TensorInfo]:
    if isinstance(value, TensorInfo):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from _tensors(item)


@dataclass(frozen=True, slots=True)
class ModuleInfo:
    """One module of the program: its path below the root (`decoder.0`), class, settings, and where it was built."""

    index: int
    path: str
    type: str  # "Linear"
    settings: Mapping[str, Value] = field(default_factory=dict)  # in_features, kernel_size …, with origins
    parameters: Mapping[str, tuple[int, ...]] = field(default_factory=dict)  # its own ones, name → shape
    built: Span | None = None  # the constructor call, on the user's side
    built_stack: tuple[Span, ...] = ()  # the user's calls around that one, from the inner to the outer
    library: bool = True  # the class is not the user's
    parent: int | None = None
    called: bool = True  # it, or a module around it that is one event
    unused: tuple[str, ...] = ()  # its own parameters that no call of the run worked with
    ungraded: tuple[str, ...] = ()  # its own parameters that should learn and got no gradient, although `backward` ran

    def number(self, setting: str, position: int = 0) -> Number | None:
        """The setting as one number; of a pair such as kernel_size the one at `position`."""
        value = self.settings.get(setting)
        if isinstance(value, tuple) and position < len(value):
            value = value[position]
        return value if isinstance(value, Number) else None


@dataclass(frozen=True, slots=True)
class Assumption:
    """Something the dry run took as given: a value, a branch, a size, a stand-in for data."""

    what: str
    line: int | None = None
    file: str | None = None


@dataclass(frozen=True, slots=True)
class Stop:
    """Why a run did not reach the program's end, when the reason is no shape."""

    reason: str
    span: Span | None = None
    kind: str = "exception"  # exception | missing-file | missing-module | time | memory | crash | exit | …
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Probe:
    """How one model that the program called takes other inputs; asked after a run that went well.

    `sizes` holds, for each batch that was tried (1, 2, 3), the size of every output tensor in the batch dim (None: it has no such dim),
    or None when that call failed. A batch for which there was no time is not in it.
    """

    module: str  # its class name
    inputs: tuple[str, ...] = ()  # "f32[1, 3, 64, 64]", as the program called it first
    outputs: tuple[str, ...] = ()  # what that call gave
    batch: int | None = None  # size of the batch dim in that call
    batch_dim: int | None = None  # 0 or 1, of the first input; None when there is none that other sizes can be tried on
    sizes: tuple[tuple[int, tuple[int | None, ...] | None], ...] = ()
    mixes: bool | None = None  # another sample in the batch changes a sample's own output; None: not tried
    accepts: tuple[tuple[int, ...], ...] = ()  # of the further image sizes that were asked for, those that run
    output_dim: int | None = None  # where the batch stands in the outputs: that of (time, batch, features) may come out in dim 0
    model: int | None = None  # index into Trace.modules; None for a function
    mixed: tuple[int, ...] = ()  # the events in which the samples along dim 0 first met, also where dim 1 was then taken for the batch


@dataclass(frozen=True, slots=True)
class ModelCall:
    """One of the program's own calls of a model: a module that it called from outside of all others. Each way of calling it once."""

    module: int  # index into Trace.modules
    inputs: tuple[TensorInfo, ...] = ()
    outputs: tuple[TensorInfo, ...] = ()
    first: int = 0  # its events are those from `first` up to `end`
    end: int = 0
    span: Span | None = None  # the user's call
    training: bool = False  # the module was in training mode


@dataclass(frozen=True, slots=True, repr=False)
class Trace:
    """All events of one run, in order. `failures` are indexes into `events`, in the order in which they occurred.

    Prints as the table of `shapewright trace`; a notebook shows it in colours.
    """

    events: tuple[Event, ...] = ()
    modules: tuple[ModuleInfo, ...] = ()
    failures: tuple[int, ...] = ()
    stop: Stop | None = None
    how: Literal["eager", "fake"] = "eager"
    inputs: tuple[str, ...] = ()
    output: tuple[TensorInfo, ...] = ()
    total_events: int = 0  # `events` may hold only those that matter to a failure
    assumed: tuple[Assumption, ...] = ()
    cut_loops: tuple[Span, ...] = ()
    torch_version: str = ""
    sources: Mapping[str, str] = field(default_factory=dict)  # file → text, as it was run
    probes: tuple[Probe, ...] = ()
    calls: tuple[ModelCall, ...] = ()  # asked for with probes, as are all events that differ in place, operands or result
    tried: tuple[int, ...] = ()  # failures of calls that the program does not make itself: a discriminator given what a generator gave
    stretched: tuple[Span, ...] = ()  # calls in which each of two operands is stretched along a dim of the other; asked for with probes
    parameters: int | None = None  # elements of all parameters of the models that the program called
    weights: str = ""  # a digest of names and shapes a model, in the order of their first calls: equal where a checkpoint still loads
    target: str = ""  # what was run, as the user named it; "" where nobody asks for it

    def to_dict(self) -> dict[str, Any]:
        """The document of `shapewright trace --format json` as plain dicts and lists."""
        from shapewright.reason import cost
        from shapewright.show import json

        return json.trace_document(self, self.target, cost.costs(self))

    def to_json(self) -> str:
        """The document of `shapewright trace --format json`."""
        from shapewright.show import document

        return document.dumps(self.to_dict())

    def __str__(self) -> str:
        from shapewright.reason import cost
        from shapewright.show import printed

        return printed.trace(self, cost.costs(self))

    def __repr__(self) -> str:
        ends = ", ".join(map(str, self.output)) or "nothing"
        if self.failures:
            ends = f"fails at {self.events[self.failures[-1]].op}"
        elif self.stop is not None:
            ends = f"stops: {self.stop.reason}"
        name = f" of {self.target}" if self.target else ""
        return f"<Trace{name}: {', '.join(self.inputs) or 'no inputs'} → {ends}, torch calls: {self.total_events}>"

    def _repr_html_(self) -> str:
        from shapewright.reason import cost
        from shapewright.show import printed

        return printed.trace_html(self, cost.costs(self))


@dataclass(frozen=True, slots=True)
class Size:
    """One of the two numbers of a clash, and where in the call it stands: exactly one of the three places is given.

    `tensor` with `dim`: a dim of an operand (`dim` None: the operand's shape or rank as a whole).
    `setting` (with `position` for pairs): a setting of the event's module, such as `in_features`.
    `number`: a number the user wrote into the call itself, such as the 2000 of `x.view(-1, 2000)`.
    """

    value: int | None
    tensor: TensorInfo | None = None
    dim: int | None = None
    setting: str = ""
    position: int = 0
    number: Number | None = None


@dataclass(frozen=True, slots=True)
class Clash:
    """What a rule says of a failed call: which demand was not met, in words without blame."""

    slug: str
    headline: str  # one clause; a layer *expects*, `+` and `cat` *disagree*; no cure
    label: str  # under the failing expression: both shapes, the clashing dim in arrows
    got: Size | None = None
    want: Size | None = None
    notes: tuple[str, ...] = ()
    severity: Literal["error", "warning", "note"] = "error"
    at: Span | None = None  # where it shows, when that is not the event's own expression
    shown_as: str = ""  # the slug that the user is told, when what fails is only how the fault shows
