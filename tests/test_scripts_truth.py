"""What plain PyTorch really does with the training scripts of `tests/scripts` and with each slip of `slips.toml`.

The scripts are written for data, weights and packages that are not here. So this file has two sides: pytest's, which
asks, and a process of its own (`python test_scripts_truth.py`), which puts tiny random data in the place of
torchvision's data sets and then runs every job as a user would run it, in a child and a folder of its own. shapewright
itself has no part in it: what is proven here is what the tool is measured against.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.machinery
import io
import json
import linecache
import os
import random
import signal
import subprocess
import sys
import tempfile
import tomllib
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SCRIPTS = Path(__file__).parent / "scripts"
TABLE: dict[str, Any] = tomllib.loads((SCRIPTS / "slips.toml").read_text(encoding="utf-8"))
SLUGS = {
    "linear-in-features", "missing-flatten", "conv-in-channels", "conv-kernel-too-large", "reshape-numel", "broadcast-mismatch",
    "concat-mismatch", "matmul-inner-dim", "norm-features", "recurrent-input-size", "embedding-dim", "attention-dim",
    "loss-target-shape", "loss-batch-mismatch", "loss-broadcast", "batch-mixed", "batch-dim-missing", "reconstruction-shape",
    "last-batch", "checkpoint-shape", "other-shape-error",
}  # fmt: skip
SHAPE_ERRORS = {"RuntimeError", "ValueError", "IndexError", "AssertionError"}
JOB_SECONDS = 120


# The other process: stand-ins, and one child for every job.


def declare_torchvision_ops() -> None:
    """Make `import torchvision` work beside a torch without its compiled operators."""
    import torch

    library = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    declare_torchvision_ops.library = library  # type: ignore[attr-defined]  # it must not be collected
    register_fake = torch.library.register_fake

    def quiet(op: Any, *args: Any, **kwargs: Any) -> Any:
        if str(op).startswith("torchvision::"):
            return lambda function: function
        return register_fake(op, *args, **kwargs)

    torch.library.register_fake = quiet  # type: ignore[assignment]


def stand_in_data() -> None:
    """Put random images of the real size, mode and label range in the place of torchvision's data sets and weights."""
    import numpy as np
    import torch
    from PIL import Image
    from torchvision import datasets, models

    def dataset(mode: str, height: int, width: int, classes: int, several_sizes: bool = False) -> type:
        class Random(torch.utils.data.Dataset[Any]):
            def __init__(self, root: object, *args: Any, train: bool = True, transform: Any = None, **kwargs: Any) -> None:
                rng = np.random.default_rng(0)
                n = 11 if several_sizes else (37 if train else 21)
                channels = () if mode == "L" else (3,)
                self.transform = transform
                self.data: Any = rng.integers(0, 256, (n, height, width, *channels), dtype=np.uint8)
                self.targets: Any = rng.integers(0, classes, n).tolist()
                self.images = [Image.fromarray(image) for image in self.data]
                if several_sizes:
                    self.images = [image.resize((width + 9 * i, height + 5 * i)) for i, image in enumerate(self.images)]
                if mode == "L":  # MNIST keeps tensors, CIFAR an array and a list
                    self.data, self.targets = torch.from_numpy(self.data), torch.tensor(self.targets)
                self.classes = [f"class{i}" for i in range(classes)]
                self.class_to_idx = {name: i for i, name in enumerate(self.classes)}

            def __len__(self) -> int:
                return len(self.images)

            def __getitem__(self, index: int) -> tuple[Any, int]:
                image: Any = self.images[index]
                return (self.transform(image) if self.transform else image), int(self.targets[index])

        return Random

    for name, data in {
        "MNIST": dataset("L", 28, 28, 10),
        "FashionMNIST": dataset("L", 28, 28, 10),
        "CIFAR10": dataset("RGB", 32, 32, 10),
        "CIFAR100": dataset("RGB", 32, 32, 100),
        "ImageFolder": dataset("RGB", 60, 75, 3, several_sizes=True),
    }.items():
        setattr(datasets, name, data)

    def without_weights(build: Callable[..., Any]) -> Callable[..., Any]:
        return lambda pretrained=False, weights=None, **options: build(weights=None, **options)

    models.vgg16 = without_weights(functools.partial(models.vgg16, init_weights=False))  # its own first weights take a second
    models.resnet18 = without_weights(models.resnet18)


class Anything:
    """Takes every call and every attribute; for packages that draw or log and give nothing back."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        pass

    def __getattr__(self, name: str) -> Anything:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __call__(self, *args: Any, **kwargs: Any) -> Anything:
        return self


class Bar(Anything):
    """tqdm without a bar."""

    def __init__(self, items: Any = (), *args: Any, **kwargs: Any) -> None:
        self.items = items

    def __iter__(self) -> Any:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)


def stand_in_packages() -> None:
    """Answer the imports of packages that training scripts like to use and that no shape depends on."""

    def module(name: str, **members: Any) -> types.ModuleType:
        made = types.ModuleType(name)
        made.__spec__ = importlib.machinery.ModuleSpec(name, None)
        made.__dict__.update(members)
        sys.modules[name] = made
        return made

    def anything(name: str) -> Anything:
        return Anything()

    def subplots(rows: int = 1, **kwargs: Any) -> tuple[Anything, Any]:
        return Anything(), Anything() if rows == 1 else tuple(Anything() for _ in range(rows))

    pyplot = module("matplotlib.pyplot", __getattr__=anything, subplots=subplots)
    module("matplotlib", __getattr__=anything, __path__=[], pyplot=pyplot)
    module("tqdm", tqdm=Bar, trange=lambda n, *a, **k: Bar(range(n)))
    module("torch.utils.tensorboard", SummaryWriter=Anything)


def run_job(job: dict[str, Any]) -> dict[str, Any]:
    """Run one program as `__main__`: {"raised": None or the uncaught exception, "first": the first one seen anywhere}.

    An exception is `{"type", "message", "line"}`; its line is that of the innermost frame in the program's own file.
    """
    import numpy as np
    import torch

    name = str(Path(job["name"]).resolve())
    torch.set_num_threads(1)
    for seed in (torch.manual_seed, random.seed, np.random.seed):
        seed(0)
    seen: dict[int, dict[str, Any]] = {}
    kept = []  # so that no two exceptions share an id

    def local(frame: types.FrameType, event: str, value: Any) -> Any:
        if event == "exception" and isinstance(value[1], Exception) and not isinstance(value[1], StopIteration):
            kept.append(value[1])
            seen.setdefault(id(value[1]), {"type": value[0].__name__, "message": str(value[1]), "line": frame.f_lineno})
        return local

    def watch(frame: types.FrameType, event: str, value: Any) -> Any:
        if frame.f_code.co_filename != name:
            return None
        frame.f_trace_lines = False
        return local

    linecache.cache[name] = (len(job["source"]), None, job["source"].splitlines(keepends=True), name)
    main = types.ModuleType("__main__")
    main.__file__ = name
    sys.modules["__main__"] = main
    sys.argv = [name, *job["args"]]
    sys.path.insert(0, os.path.dirname(name))
    code = compile(job["source"], name, "exec")
    raised = None
    sys.settrace(watch)
    try:
        exec(code, main.__dict__)
    except SystemExit as stop:
        if stop.code not in (0, None):
            raised = {"type": "SystemExit", "message": str(stop.code), "line": 0}
    except Exception as error:
        raised = seen.get(id(error)) or {"type": type(error).__name__, "message": str(error), "line": 0}
    finally:
        sys.settrace(None)
    return {"raised": raised, "first": next(iter(seen.values()), None)}


def run_in_child(job: dict[str, Any]) -> dict[str, Any]:
    """Run a job in a fork, in an empty folder, within its time; what it prints goes nowhere."""
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder, "answer.json")
        child = os.fork()
        if child == 0:
            code = 1
            try:
                signal.alarm(JOB_SECONDS)
                inner = Path(folder, "cwd")
                inner.mkdir()
                os.chdir(inner)
                with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                    result = run_job(job)
                answer.write_text(json.dumps(result), encoding="utf-8")
                code = 0
            finally:
                os._exit(code)
        _, status = os.waitpid(child, 0)
        if not answer.exists():
            return {"raised": {"type": "NoAnswer", "message": f"the process ended with status {status}", "line": 0}, "first": None}
        done: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
        return done


def serve() -> None:
    """Each line that comes in is a list of jobs (`name`, `source`, `args`) as JSON; their results go out as one line."""
    # Once, before the forks: optimizers import the compiler at their first step, and some examples sklearn.
    import torch._dynamo  # noqa: F401

    with contextlib.suppress(ImportError):
        importlib.import_module("sklearn.datasets")

    declare_torchvision_ops()
    stand_in_data()
    stand_in_packages()
    for line in sys.stdin:
        print(json.dumps([run_in_child(job) for job in json.loads(line)]), flush=True)


# pytest's side.


@functools.cache
def server() -> subprocess.Popen[str]:
    """The other process, which lives as long as this one: it sees the end of its input."""
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}  # a pool of threads does not outlive a fork
    command = [sys.executable, "-W", "ignore", __file__]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)


def really(jobs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What plain PyTorch does with each job."""
    process = server()
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(json.dumps(jobs) + "\n")
    process.stdin.flush()
    results: list[dict[str, Any]] = json.loads(process.stdout.readline())
    return results


def slipped(source: str, slip: dict[str, Any]) -> str:
    """The source with the slip's replacement made on its line."""
    lines = source.split("\n")
    line = lines[slip["line"] - 1]
    assert line.count(slip["old"]) == 1, f"line {slip['line']} has not one {slip['old']!r}: {line!r}"
    lines[slip["line"] - 1] = line.replace(slip["old"], slip["new"])
    return "\n".join(lines)


def slips_of(script: str) -> list[dict[str, Any]]:
    return [slip for slip in TABLE["slip"] if slip["script"] == script]


@pytest.mark.parametrize("entry", TABLE["script"], ids=lambda entry: str(entry["script"]))
def test_script_runs_and_each_slip_raises_where_the_table_says(entry: dict[str, Any]) -> None:
    path = SCRIPTS / entry["script"]
    source = path.read_text(encoding="utf-8")
    slips = slips_of(entry["script"])
    jobs = [{"name": str(path), "source": source, "args": entry["args"]}]
    jobs += [{"name": str(path), "source": slipped(source, slip), "args": slip.get("args", entry["args"])} for slip in slips]
    clean, *results = really(jobs)

    assert clean == {"raised": None, "first": None}
    wrong = []
    for slip, result in zip(slips, results, strict=True):
        raised = result["raised"]
        if slip.get("silent"):
            if result["first"] is not None:
                wrong.append(f"{slip['line']} {slip['new']!r} should run, but {result['first']}")
        elif raised is None or raised["line"] != slip["raises_at"] or raised["type"] not in SHAPE_ERRORS:
            wrong.append(f"{slip['line']} {slip['new']!r} should raise at {slip['raises_at']}, but {raised}")
    assert not wrong, "\n".join(wrong)


def test_every_script_has_its_slips_and_every_slip_a_known_slug() -> None:
    scripts = {path.name for path in SCRIPTS.glob("*.py")}
    assert {entry["script"] for entry in TABLE["script"]} == scripts
    for script in scripts:
        assert len(slips_of(script)) >= 3, script
    for slip in TABLE["slip"]:
        assert {slip["slug"], *slip.get("also", [])} <= SLUGS
        assert slip["demand"], slip


if __name__ == "__main__":
    serve()
