"""One model in plain PyTorch: what its forward really does, and what a forward, torchinfo and `shapewright.trace` cost on the live model.

The process imports everything once and answers a line of JSON with a line of JSON. Each model is built in a child, and each thing that is
measured is done in a child of that one, so that all begin with the same untouched model and the same memory. Seconds are the processor's,
with one thread; memory is what the child's peak lies above what it held when it began.

torchinfo is taken from this environment, or from the folder that SHAPEWRIGHT_TORCHINFO names.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from bench.models_catalogue import Model
from bench.processes import ROOT

WAYS = ("forward", "torchinfo", "trace", "record")
SECONDS = 240  # for one model
TORCHINFO = os.environ.get("SHAPEWRIGHT_TORCHINFO", "")


@dataclass(frozen=True, slots=True)
class Way:
    """What one way of looking at the model took, or why it could not."""

    cpu: float = 0.0  # seconds
    memory: int = 0  # bytes
    error: str = ""
    result: Any = None


class Real:
    """A running process that answers."""

    def __init__(self) -> None:
        environment = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
        words = [sys.executable, "-W", "ignore", "-m", "bench.models_real"]
        self._process = subprocess.Popen(
            words, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )

    def run(self, model: Model, ways: tuple[str, ...] = WAYS) -> dict[str, Way]:
        """The model in these ways. Raises `RuntimeError` when the process is lost."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps({"build": model.build, "inputs": model.inputs, "ways": ways}) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError("the process that runs plain PyTorch ended")
        told = json.loads(answer)
        return {name: Way(**told.get(name, {"error": told.get("error", "no answer")})) for name in ways}

    def __enter__(self) -> Real:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()


# --- the other side ------------------------------------------------------------------------------------------------------------


def summarized(model: Any, inputs: tuple[Any, ...]) -> None:
    """torchinfo's table, with its own defaults."""
    import torchinfo  # type: ignore[import-not-found]

    str(torchinfo.summary(model, input_data=inputs, verbose=0))


def traced(model: Any, inputs: tuple[Any, ...]) -> None:
    """shapewright's table."""
    import shapewright

    seen = shapewright.trace(model, *inputs)
    if seen.stop is not None or seen.failures:
        raise RuntimeError(f"not traced to its end: {seen.stop}")
    str(seen)


def forward(model: Any, inputs: tuple[Any, ...]) -> None:
    """The bare call."""
    model(*inputs)


class Record:
    """What a real forward did: each torch call and module call in order, with module, number of its call, name and the result's shapes."""

    def __init__(self, model: Any) -> None:
        self.paths = {id(module): path for path, module in model.named_modules()}
        self.numbers: dict[str, int] = {}
        self.open: list[tuple[str, int]] = []
        self.calls: list[tuple[str, int, str, list[list[int]]]] = []

    def listen(self, model: Any) -> contextlib.ExitStack:
        """Hooks on all modules, and a mode for the calls; closing the stack ends it."""
        from torch.nn.modules import module as hooks
        from torch.overrides import TorchFunctionMode

        from shapewright.observe import ops  # only for what a call is called

        record = self

        class Mode(TorchFunctionMode):
            def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
                result = func(*args, **(kwargs or {}))
                given = list(shapes(result))
                if given and record.open:
                    record.calls.append((*record.open[-1], ops.describe(func).name, given))
                return result

        stack = contextlib.ExitStack()
        stack.callback(hooks.register_module_forward_pre_hook(self._enter).remove)
        stack.callback(hooks.register_module_forward_hook(self._leave, always_call=True).remove)
        stack.enter_context(Mode())
        return stack

    def _enter(self, module: Any, inputs: Any) -> None:
        path = self.paths.get(id(module), "?")
        self.numbers[path] = self.numbers.get(path, 0) + 1
        self.open.append((path, self.numbers[path]))

    def _leave(self, module: Any, inputs: Any, output: Any) -> None:
        path, number = self.open.pop()
        self.calls.append((path, number, f"module {type(module).__name__}", list(shapes(output))))


def shapes(value: Any) -> Iterator[list[int]]:
    """The shapes of all tensors in a result, in order."""
    if hasattr(value, "shape") and hasattr(value, "dtype") and hasattr(value, "dim"):
        yield [int(size) for size in value.shape]
    elif isinstance(value, tuple | list):
        for part in value:
            yield from shapes(part)
    elif isinstance(value, dict):
        yield from shapes(list(value.values()))
    elif hasattr(value, "tensors") and hasattr(value, "image_sizes"):  # torchvision's batch of images of several sizes
        yield from shapes(value.tensors)


def recorded(model: Any, inputs: tuple[Any, ...]) -> list[Any]:
    """What a real forward does, as `Record` notes it."""
    record = Record(model)
    with record.listen(model):
        model(*inputs)
    return record.calls


_DOES: dict[str, Callable[[Any, tuple[Any, ...]], Any]] = {
    "forward": forward,
    "torchinfo": summarized,
    "trace": traced,
    "record": recorded,
}


def built(job: dict[str, Any]) -> tuple[Any, tuple[Any, ...]]:
    """The model in evaluation mode, and its inputs."""
    import torch

    names: dict[str, Any] = {"torch": torch}
    exec(job["build"], names)
    model = names["model"].eval()
    return model, eval(f"({job['inputs']},)", names)


def memory(name: str) -> int:
    """`VmRSS` (now) or `VmHWM` (peak) of this process, in bytes."""
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    return 0


def measured(way: str, model: Any, inputs: tuple[Any, ...]) -> dict[str, Any]:
    """One way, in this process."""
    import torch

    before, began = memory("VmRSS"), time.process_time()
    try:
        with torch.no_grad():
            result = _DOES[way](model, inputs)
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"[:300]}
    return {"cpu": time.process_time() - began, "memory": max(memory("VmHWM") - before, 0), "result": result}


def _in_child(do: Callable[[], Any]) -> Any:
    """What `do` gives as JSON can hold it, from a child; None when the child is lost."""
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder, "answer.json")
        child = os.fork()
        if child == 0:
            try:
                with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    told = json.dumps(do())
                answer.write_text(told, encoding="utf-8")
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        return json.loads(answer.read_text(encoding="utf-8")) if answer.exists() else None


def _model(job: dict[str, Any]) -> dict[str, Any]:
    signal.alarm(SECONDS)
    try:
        model, inputs = built(job)
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"[:300]}

    def one(way: str) -> Any:
        signal.alarm(SECONDS)
        return measured(way, model, inputs)

    return {way: _in_child(lambda way=way: one(way)) or {"error": "no answer"} for way in job["ways"]}  # type: ignore[misc]


def prepare() -> None:
    """Import and do once what every child would do anew: an ordinary first call belongs to no model."""
    from bench import models_ops

    if TORCHINFO:
        sys.path.append(TORCHINFO)
    models_ops.declare()
    import torch
    from torch import nn

    torch.set_num_threads(1)
    with contextlib.suppress(ModuleNotFoundError):
        import timm  # noqa: F401
    small = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 5)).eval()
    for way in WAYS:
        measured(way, small, (torch.rand(1, 3, 8, 8),))


def main() -> None:
    """Answer until the input ends."""
    prepare()
    for line in sys.stdin:
        job = json.loads(line)
        print(json.dumps(_in_child(lambda job=job: _model(job)) or {"error": "no answer"}), flush=True)  # type: ignore[misc]


if __name__ == "__main__":
    main()
