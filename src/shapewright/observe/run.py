"""One dry run in this process: the user's program, from loading to its end, as a `Trace`.

Small programs run for real, large ones on fake tensors; which of the two shows while running, so a run may end in `TooLarge` and be
started again (in a fresh process) on fakes.
"""

from __future__ import annotations

import ast
import gc
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn

from shapewright.model import Probe, Span, Stop, TensorInfo, Trace
from shapewright.observe import calls, given, guard, hooks, load, ops, pairs, probe, standins, threads
from shapewright.observe.finish import Finisher, weighed
from shapewright.observe.instrument import Instrumented
from shapewright.observe.load import CannotStart, Loader
from shapewright.observe.loops import LoopWatch
from shapewright.observe.measure import tensors_in
from shapewright.observe.record import Recorder, TimeUp, TooLarge
from shapewright.observe.request import CallAgain, Request
from shapewright.observe.stretch import stretched
from shapewright.source import Sources, utf8_column

# Real tensors while the program stays below these; beyond, fake ones are quicker and need no memory.
MOST_EAGER_BYTES = 400 << 20  # of parameters and other tensors made from sizes alone
LARGEST_EAGER_TENSOR = 256 << 20
MOST_EAGER_SECONDS = 4.0  # in torch's own calls; what a program takes beside them no fake tensor saves
QUICK_SECONDS = 0.3  # so long one thread does: to start more takes longer than a small model, and they hinder each other on a busy machine
LONGEST_PROBE = 10.0  # seconds; a model that hangs on another batch is not waited for any longer
# No machine holds a tensor of this size; a program that asks for one has lost a factor somewhere.
LARGEST_TENSOR = 64 << 30


_VALUES = "a size depends on values, which the fake tensors of a large program do not have"
_BRANCH = "what it does depends on values, which the fake tensors of a large program do not have"


class Unbounded(BaseException):
    """One tensor of more bytes than any machine has."""


def observe(request: Request, private: Path) -> Trace:
    """Run the target dry. Raises TooLarge when it must be run again with `how="fake"`."""
    sources = Sources(_roots(request), request.overlay)
    recorder = Recorder(sources)
    instrumented = Instrumented(sources.loop_heads)
    watch = LoopWatch(recorder, instrumented, request.whole_loops, request.turns)
    loader = Loader(sources, instrumented)
    how: Literal["eager", "fake"] = "fake" if request.how == "fake" else "eager"
    finisher = Finisher(recorder)
    stop: Stop | None = None
    uncaught: BaseException | None = None
    inputs: tuple[str, ...] = ()
    probes: list[tuple[Any, Probe]] = []
    began = time.monotonic()
    if request.probe:
        recorder.model_calls = calls.ModelCalls(recorder)
    with ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        stack.enter_context(guard.answers(private, recorder.assume))
        stack.enter_context(standins.installed(recorder.assume))
        stack.enter_context(load.importing(loader))
        stack.enter_context(hooks.listening(recorder))
        recorder.before = standins.devices.to_cpu
        fakes = None
        if how == "fake":
            from shapewright.observe.fakes import FakeRun

            fakes = FakeRun(recorder)
            stack.enter_context(fakes.running())
            recorder.after = _refuse_unbounded
        elif request.how == "auto":
            recorder.after = _Budget(recorder)
            recorder.on_failure = _too_large_for_real
        stack.enter_context(watch.loaders_shortened())
        stack.callback(instrumented.remove)
        join = stack.enter_context(
            threads.entering(lambda: [_recording(recorder), *([fakes.mode] if fakes else [])], recorder.thread_errors.append)
        )
        instrumented.install(watch.over, watch.condition, watch.enumerate)
        load.prepare(request)
        try:
            with _time_limit(request.time_limit), _recording(recorder):
                inputs = _run(request, loader, recorder)
                join()
        except TooLarge:
            raise
        except BaseException as error:
            uncaught = error
            stop = _stop(error, recorder, request)
        if recorder.model_calls is not None and stop is None and not finisher.went_wrong(uncaught):
            left = request.time_limit - (time.monotonic() - began)
            with suppress(TimeUp), _time_limit(max(1.0, min(left, LONGEST_PROBE))), _recording(recorder):
                finisher.tried = pairs.feed(recorder.model_calls, recorder)
            with suppress(TimeUp), _time_limit(max(1.0, min(left, LONGEST_PROBE))), recorder.aside(), _recording(recorder):
                probe.ask(recorder.model_calls, recorder, probes, fake=how == "fake", sizes=request.probe_sizes)
    if recorder.guessed_sizes and (uncaught is not None or any(event.failure for event in recorder.events)):
        # what went wrong may hang on a number that was only assumed: nothing is said, and the run repeated on real tensors where it can be
        stop, uncaught = Stop(_VALUES, stop.span if stop is not None else None, "values"), None
        _forget(recorder)
    elif recorder.guessed_values and stop is not None and stop.kind == "exception" and not _refused_by_torch(recorder):
        stop, uncaught = Stop(_BRANCH, stop.span, "values"), None  # `if labels.max() >= classes: raise …`, `1 / x.item()`, perhaps
    trace = finisher.trace(how, stop, uncaught, watch.cut, request.all_events)
    outer = stretched(recorder.events, sources) if request.probe else ()
    return replace(trace, inputs=inputs or recorder.first_inputs, calls=finisher.calls(), probes=finisher.probes(probes), stretched=outer)


def _refused_by_torch(recorder: Recorder) -> bool:
    """Whether a call failed for what it was given; to divide by an assumed number is no such failure."""
    return any(event.failure is not None and not isinstance(event.failure.error, ZeroDivisionError) for event in recorder.events)


@contextmanager
def _recording(recorder: Recorder) -> Iterator[None]:
    """The recorder's mode, taken off by counting: torch takes a mode off while it handles a call, and there the time limit may strike."""
    depth = torch._C._len_torch_function_stack()
    torch._C._push_on_torch_function_stack(recorder)
    try:
        yield
    finally:
        while torch._C._len_torch_function_stack() > depth:
            torch._C._pop_torch_function_stack()


def _roots(request: Request) -> list[str]:
    target = request.target
    roots = [request.cwd]
    if target.file:
        roots.append(str(load.package_root(Path(target.file))))
    return roots


def _run(request: Request, loader: Loader, recorder: Recorder) -> tuple[str, ...]:
    if not request.target.name:
        if request.call is not None:
            return _run_and_call(request.call, request, loader, recorder)
        load.run_program(request, loader)
        if not request.inputs:
            return ()
        models = _models_of_script(recorder)
        if not models:
            raise CannotStart("the script calls no model that --input could go to", "name one: FILE.py:Name --input …")
        _forget(recorder)
        for model in models:
            _call(model, request, recorder)
    else:
        found = load.load_object(request, loader)
        _forget(recorder)
        if request.call is not None:
            return _call_again(load.build(found, request, loader), request.call, recorder)
        if not request.inputs and _needs_inputs(found):
            raise CannotStart(f"{request.target.name} needs an input", "give its shape with --input, such as --input 1,3,224,224", "input")
        _call(load.build(found, request, loader), request, recorder)
    return tuple(_described(spec.shape, spec.dtype) for spec in request.inputs)


def _run_and_call(again: CallAgain, request: Request, loader: Loader, recorder: Recorder) -> tuple[str, ...]:
    """Run the program as far as it goes, and call its model once more as a real run had called it when it failed."""
    ended: Exception | None = None
    try:
        load.run_program(request, loader)
    except Exception as error:
        if any(event.failure is not None for event in recorder.events):
            raise
        ended = error
    model = _same_model(again, recorder)
    if model is None:
        raise ended or CannotStart(f"the program has no {again.model} of the same parameters when it is run dry")
    return _call_again(model, again, recorder)


def _call_again(model: Callable[..., Any], again: CallAgain, recorder: Recorder) -> tuple[str, ...]:
    with recorder.pause():
        args, kwargs = given.unpack(again.arguments)
    if isinstance(model, nn.Module):
        model.train(again.training)
    inputs = tuple(recorder.described(tensor) for tensor in tensors_in((args, kwargs)))
    _call_from(again.site, recorder)(model, args, kwargs)
    return inputs


def _call_from(site: Span | None, recorder: Recorder) -> Callable[..., Any]:
    """A function that calls another one from a place in the user's source, so that what fails is told to be called there."""
    if site is None:
        return lambda function, args, kwargs: function(*args, **kwargs)
    tree = ast.parse("lambda function, args, kwargs: function(*args, **kwargs)", mode="eval")
    lines = recorder.sources.lines(site.file)
    for node in ast.walk(tree):
        if isinstance(node, ast.expr | ast.keyword | ast.arg):
            node.lineno, node.end_lineno = site.line, site.end_line
            node.col_offset = utf8_column(lines, site.line, site.column)
            node.end_col_offset = utf8_column(lines, site.end_line, site.end_column)
    made: Callable[..., Any] = eval(compile(tree, site.file, "eval"))
    return made


def _same_model(again: CallAgain, recorder: Recorder) -> nn.Module | None:
    """The program's model of this class with parameters of these names and shapes; one that it has called goes first."""
    live = [*recorder.models.values(), *(one for one in gc.get_objects() if isinstance(one, nn.Module))]
    named = [one for one in live if type(one).__name__ == again.model]
    return next((one for one in named if weighed([one])[1] == again.weights), named[0] if len({id(one) for one in named}) == 1 else None)


def _needs_inputs(found: Any) -> bool:
    """Whether calling it without tensors can't work: a forward with required parameters."""
    kind = found if isinstance(found, type) else type(found)
    if isinstance(kind, type) and issubclass(kind, nn.Module):
        return bool(load._required(kind.forward)[1:])
    return False


def _models_of_script(recorder: Recorder) -> list[nn.Module]:
    """The distinct models that the script itself called, losses and other library modules left out."""
    found: list[nn.Module] = []
    for module in recorder.root_calls:
        if not any(module is known for known in found) and not ops.is_torch_module(module):
            found.append(module)
    return found or [m for m in recorder.root_calls[:1] if not type(m).__module__.endswith("loss")]


def _forget(recorder: Recorder) -> None:
    """What happened while the file was loaded is not the question that was asked."""
    for event in recorder.events:
        event.failure = None
    recorder.root_calls.clear()
    recorder.models.clear()
    recorder.first_inputs = ()
    if recorder.model_calls is not None:
        recorder.model_calls.forget()


def _call(model: Callable[..., Any], request: Request, recorder: Recorder) -> None:
    if isinstance(recorder.after, _Budget) and any(prod(spec.shape) * 4 > LARGEST_EAGER_TENSOR for spec in request.inputs):
        raise TooLarge
    with recorder.pause():
        args, kwargs = load.make_inputs(request.inputs)
    if isinstance(model, nn.Module):
        try:
            recorder.gave(model(*args, **kwargs))
        except TypeError as error:
            if error.__traceback__ is not None and not recorder.user_frames_of(error):
                raise CannotStart(f"{type(model).__name__} cannot be called with {len(args) + len(kwargs)} inputs: {error}") from None
            raise
    else:
        done = recorder.model_calls.begin(model, args, kwargs, None) if recorder.model_calls is not None else None
        result = model(*args, **kwargs)
        recorder.gave(result)
        if done is not None:
            done(result)


def _described(shape: tuple[int, ...], dtype: str) -> str:
    return str(TensorInfo(shape, dtype))


class _Budget:
    """Ends a run on real tensors that grows too large for it, and lets one that is not small have its threads."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.made = 0
        self.threads = torch.get_num_threads()
        torch.set_num_threads(1)

    def __call__(self, op: ops.Op, result: Any) -> None:
        if isinstance(result, torch.Tensor):
            size = result.numel() * result.element_size()
            if op.factory:
                self.made += size
            if size > LARGEST_EAGER_TENSOR or self.made > MOST_EAGER_BYTES:
                raise TooLarge
        seconds = self.recorder.seconds
        if seconds > QUICK_SECONDS and self.threads > 1:
            torch.set_num_threads(self.threads)
            self.threads = 1
        if seconds > MOST_EAGER_SECONDS:
            raise TooLarge


def _refuse_unbounded(op: ops.Op, result: Any) -> None:
    for tensor in tensors_in(result):
        size = tensor.numel() * tensor.element_size()
        if size > LARGEST_TENSOR:
            raise Unbounded(f"the program asks for a tensor of {size:,} bytes ({op.name})")


def _too_large_for_real(func: Any, args: Any, kwargs: Any, error: BaseException) -> None:
    """A tensor made from sizes alone that could not be made was too large for the memory limit, if its sizes say so."""
    if any(True for _ in tensors_in((args, kwargs))) or not isinstance(error, RuntimeError | MemoryError):
        return
    elements = 1
    for size in args[0] if args and isinstance(args[0], tuple | list) else args:
        elements *= size if isinstance(size, int) and size > 0 else 1
    if elements * 4 > LARGEST_EAGER_TENSOR:
        raise TooLarge from None


@contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """Raise TimeUp in the program when the time has passed, again and again, since a bare `except` would catch it once."""
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield  # the process around the run keeps the time
        return

    def up(number: int, frame: Any) -> None:
        raise TimeUp

    before = signal.signal(signal.SIGALRM, up)
    signal.setitimer(signal.ITIMER_REAL, seconds, 0.5)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _stop(error: BaseException, recorder: Recorder, request: Request) -> Stop | None:
    """Why the program ended early; None when it ended well."""
    span = recorder.span_of(error)
    if isinstance(error, TimeUp):
        return Stop(f"it did not end within {request.time_limit:g} seconds", span, "time", "raise --time-limit, or name one of its Modules")
    if isinstance(error, Unbounded):
        return Stop(str(error), span, "memory")
    if isinstance(error, guard.Exited):
        code = error.args[0] if error.args else 0
        return Stop(f"the program ended itself with os._exit({code})", span, "exit")
    if isinstance(error, SystemExit):
        return None if error.code in (None, 0) else Stop(_exit_reason(error), span, "exit", _argument_advice(error))
    if isinstance(error, CannotStart):
        return Stop(str(error), None, error.kind, error.advice)
    if isinstance(error, standins.Unavailable):
        return Stop(error.reason, span, "unavailable", error.advice)
    if isinstance(error, ModuleNotFoundError):
        return Stop(
            f"the package '{error.name}' is not installed here",
            span,
            "missing-module",
            f"install {error.name}, or name a Module of this file",
        )
    if isinstance(error, FileNotFoundError):
        return Stop(f"the file '{error.filename}' is not here" if error.filename else _sentence(error), span, "missing-file")
    if type(error).__module__ == "torch._subclasses.fake_tensor" or type(error).__name__ == "GuardOnDataDependentSymNode":
        return Stop(_VALUES, span, "values")
    if isinstance(error, MemoryError):
        return Stop("the program asks for more memory than it may have", span, "memory")
    if isinstance(error, RecursionError):
        return Stop("the program calls itself without end (RecursionError)", span, "recursion")
    made = hooks.library_constructor(error)
    if made is not None:
        module, arguments = made
        recorder.failed_constructor(module, arguments, error)
    return Stop(_sentence(error), span, "exception")


def _sentence(error: BaseException) -> str:
    try:
        text = str(error).strip().split("\n")[0]
    except Exception:
        text = ""
    name = type(error).__name__
    return f"{name}: {text}"[:300] if text else name


def _exit_reason(error: SystemExit) -> str:
    if isinstance(error.code, str):
        return f"the program ended itself: {error.code}"[:300]
    return f"the program ended itself with exit code {error.code}"


def _argument_advice(error: SystemExit) -> str:
    return "words for the script go after --: shapewright check FILE -- WORDS" if error.code == 2 and "argparse" in sys.modules else ""
