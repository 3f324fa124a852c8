"""`shapewright.check` and `trace` from Python: live models are left exactly as found; what they give prints, and writes its fixes."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import random
import subprocess
import sys
import warnings
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations
from torch.utils import _device
from torch.utils._python_dispatch import _get_current_dispatch_mode_stack

import shapewright
from shapewright.apply import CannotApply
from shapewright.model import Trace
from shapewright.observe import hooks, live
from shapewright.observe.live import LiveSources
from shapewright.observe.record import Recorder
from shapewright.report import Report

# ------------------------------------------------------------------------------------------------- the state of a live model


class Same:
    """Equal only to the very same object."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and other.value is self.value

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"{type(self.value).__name__}@{id(self.value)}"


def bits(tensor: torch.Tensor) -> Any:
    if nn.parameter.is_lazy(tensor):
        return "lazy"
    dense = tensor.detach().contiguous().reshape(-1)
    return bytes(dense.view(torch.uint8).tolist()) if dense.numel() else b""


def state_of_tensor(tensor: torch.Tensor) -> Any:
    if nn.parameter.is_lazy(tensor):
        return Same(tensor), type(tensor), tensor.requires_grad
    return (
        Same(tensor),
        type(tensor),
        bits(tensor),
        tensor.shape,
        tensor.stride(),
        tensor.dtype,
        tensor.data_ptr(),
        tensor.requires_grad,
        tensor.is_leaf,
        None if tensor.is_inference() else tensor._version,
        Same(tensor.grad_fn),
        state_of_tensor(tensor.grad) if tensor.is_leaf and tensor.grad is not None else None,
        {key: Same(hook) for key, hook in (tensor._backward_hooks or {}).items()},
    )


def state_of(value: Any, depth: int = 0) -> Any:
    if isinstance(value, torch.Tensor):
        return state_of_tensor(value)
    if isinstance(value, torch.Generator):
        return bits(value.get_state())
    if isinstance(value, nn.Module) or depth > 4:
        return Same(value)
    if isinstance(value, dict):
        return Same(value), [(name, state_of(item, depth + 1)) for name, item in value.items()]
    if isinstance(value, list | tuple | deque):
        return Same(value), [state_of(item, depth + 1) for item in value]
    if type(value).__module__ == __name__:
        return Same(value), state_of(vars(value), depth + 1)
    return Same(value)


def optimizers(kind: Any = torch.optim.Optimizer) -> Iterator[Any]:
    yield kind
    for child in kind.__subclasses__():
        yield from optimizers(child)


def plain(owner: Any) -> Any:
    return {name: Same(value) for name, value in vars(owner).items() if name not in ("__doc__", "__abstractmethods__")}


def surroundings() -> dict[str, Any]:
    hooks = {name: value for name, value in vars(nn.modules.module).items() if name.startswith("_global_")}
    unhooked = [getattr(value, "__wrapped__", None) for value in vars(torch.optim.Optimizer).values()]
    return {
        "torch's random numbers": bits(torch.get_rng_state()),
        "python's random numbers": random.getstate(),
        "numpy's random numbers": [part.tobytes() if isinstance(part, np.ndarray) else part for part in np.random.get_state()],
        "modes": (torch.is_grad_enabled(), torch.is_inference_mode_enabled(), torch.get_default_dtype(), torch.get_default_device()),
        "device": (Same(_device.CURRENT_DEVICE), Same(getattr(torch._GLOBAL_DEVICE_CONTEXT, "device_context", None))),
        "autocast": (torch.is_autocast_enabled("cpu"), torch.get_autocast_dtype("cpu"), torch.is_autocast_cache_enabled()),
        "flags": (
            torch.are_deterministic_algorithms_enabled(),
            torch.is_deterministic_algorithms_warn_only_enabled(),
            torch.is_anomaly_enabled(),
            torch.get_num_threads(),
            torch.get_float32_matmul_precision(),
            torch.backends.cudnn.benchmark,
            torch.backends.cudnn.deterministic,
        ),
        "function modes": [Same(torch._C._get_function_stack_at(n)) for n in range(torch._C._len_torch_function_stack())],
        "dispatch modes": [Same(mode) for mode in _get_current_dispatch_mode_stack()],
        "warnings": (list(warnings.filters), Same(warnings.filters), Same(warnings.showwarning)),
        "hooks on all modules": [state_of(value) for value in hooks.values()],
        "nn.Module": plain(nn.Module),
        "nn.Parameter": plain(nn.Parameter),
        "optimizers": [(kind, Same(vars(kind).get("step")), plain(kind)) for kind in optimizers()],
        "left to the compiler": [dict(vars(one)) for one in unhooked if one is not None],
        # the program may import the compiler, and then it stays; what must not stay is something in its place
        "compiler": getattr(sys.modules.get("torch._dynamo", torch), "__file__", "a stand-in") == "a stand-in",
    }


def snapshot(model: Any, *inputs: Any) -> dict[str, Any]:
    """Everything that a check must leave as it was: comparable, and by identity where a copy would be another thing."""
    modules = list(model.modules()) if isinstance(model, nn.Module) else []
    kinds = {base for module in modules for base in type(module).__mro__ if base.__module__ == __name__}
    return {
        **surroundings(),
        "modules": [(Same(module), type(module), module.training) for module in modules],
        "attributes": [state_of(module.__dict__) for module in modules],
        "classes": [plain(kind) for kind in kinds],
        "inputs": [state_of(value) for value in inputs],
    }


# ------------------------------------------------------------------------------------------------------------------- models


class Net(nn.Module):
    """Builds `head` for `width` features, where 8 come."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.head = nn.Linear(width, 2)


class Cnn(Net):
    def __init__(self, width: int) -> None:
        super().__init__(width)
        self.conv, self.bn, self.drop = nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Dropout(0.5)
        self.bn.eval()  # modes differ among the modules

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.train()
        x = self.drop(self.bn(self.conv(x))).mean((2, 3))
        return self.head(x)


class Recurrent(Net):
    def __init__(self, width: int, kind: Any = nn.LSTM, **settings: Any) -> None:
        super().__init__(width)
        self.rnn = kind(5, 8 // (2 if settings else 1), batch_first=True, **settings)
        self.hidden: Any = None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out, self.hidden = self.rnn(x)
        return self.head(out[:, -1])


class Encoder(Net):
    def __init__(self, width: int) -> None:
        super().__init__(width)
        self.encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.encoder(x).mean(1))


class Attention(Net):
    def __init__(self, width: int) -> None:
        super().__init__(width)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x, self.weights = self.attention(x, x, x)
        return self.head(x[:, 0])


class Normed(Net):
    """Spectral and weight norm, as parametrizations and as the older hooks."""

    def __init__(self, width: int) -> None:
        super().__init__(width)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.layers = nn.Sequential(
                parametrizations.spectral_norm(nn.Linear(8, 8)),
                parametrizations.weight_norm(nn.Linear(8, 8)),
                nn.utils.spectral_norm(nn.Linear(8, 8)),
                nn.utils.weight_norm(nn.Linear(8, 8)),
            )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.layers(x))


class Lazy(Net):
    def __init__(self, width: int) -> None:
        super().__init__(width)
        self.first, self.bn = nn.LazyLinear(8), nn.LazyBatchNorm1d()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.bn(self.first(x)))


class Vae(Net):
    def __init__(self, width: int) -> None:
        super().__init__(width)
        self.mean = nn.Linear(8, 8)
        self.generator = torch.Generator().manual_seed(3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        noise = torch.randn(x.shape) + torch.randn(8, generator=self.generator) + random.random() + np.random.rand()
        return self.head(self.mean(x) + noise.float())


def _halved(module: nn.Module, args: Any, output: torch.Tensor) -> torch.Tensor:
    return output / 2


class Hooked(Net):
    """Has hooks, and a forward that registers more of them, on itself, on a parameter and on all modules."""

    def __init__(self, width: int) -> None:
        super().__init__(width)
        self.body = nn.Linear(8, 8)
        self.body.register_forward_hook(_halved)
        self.body.weight.register_hook(lambda grad: grad)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.body.register_forward_pre_hook(lambda module, args: None)
        self.body.register_full_backward_hook(lambda module, given, got: None)
        self.head.weight.register_hook(lambda grad: grad * 2)
        self.body.weight.register_hook(lambda grad: grad * 2)
        nn.modules.module.register_module_forward_hook(lambda module, args, output: None)
        self._register_state_dict_hook(lambda *args: None)
        return self.head(self.body(x))


class Tally:
    def __init__(self) -> None:
        self.rows = 0
        self.seen: list[torch.Tensor] = []


class Counting(Net):
    """Counters, caches and a class attribute that a forward writes to."""

    calls = 0
    shared: list[int] = []  # noqa: RUF012

    def __init__(self, width: int) -> None:
        super().__init__(width)
        self.step, self.cache, self.window, self.tally = 0, [], deque([1], maxlen=3), Tally()
        self.by_name: dict[str, list[Any]] = {"x": []}
        self.memory = torch.zeros(4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.step += 1
        self.cache.append(x)
        self.window.append(2)
        self.by_name["x"].append(x)
        self.by_name["new"] = []
        self.tally.rows += len(x)
        self.tally.seen.append(x)
        self.memory[0] = self.step
        self.last = x
        Counting.calls += 1
        Counting.shared.append(1)
        return self.head(x)


class Gan(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.generator = nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 8))
        self.discriminator = nn.Sequential(nn.Linear(width, 16), nn.LeakyReLU(inplace=True), nn.Linear(16, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.generator.eval()
        for parameter in self.discriminator.parameters():
            parameter.requires_grad_(False)
        return self.discriminator(self.generator(x))


class Ema(Net):
    """A buffer that becomes part of the graph, and weights that are clipped and moved to other memory."""

    def __init__(self, width: int) -> None:
        super().__init__(width)
        self.body = nn.Linear(8, 8)
        self.register_buffer("mean", torch.zeros(8))
        self.register_buffer("broken", torch.tensor([float("nan"), -0.0]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.body(x)
        self.mean.mul_(0.9).add_(0.1 * x.mean(0))
        self.broken.mul_(-1)
        self.body.weight.data = self.body.weight.data.clamp(-0.1, 0.1)
        self.head.bias.data.add_(1)
        return self.head(x)


class Penalty(Net):
    """Calls autograd itself: gradients of its inputs, and a backward and a step of an optimizer within forward."""

    def __init__(self, width: int) -> None:
        super().__init__(width)
        self.body = nn.Linear(8, 8)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x.detach().requires_grad_()
        (slope,) = torch.autograd.grad(self.body(x).sum(), x, create_graph=True)
        (slope.norm(2, 1) - 1).square().mean().backward()
        torch.optim.Adagrad(self.body.parameters()).step()
        self.body.zero_grad()
        return self.head(self.body(x))


class Careless(Net):
    """Changes its inputs and torch's own state, and puts nothing back."""

    def forward(self, x: torch.Tensor, extra: dict[str, Any]) -> torch.Tensor:
        x.add_(1)
        extra.pop("mask").zero_()
        extra["list"].append(x)
        torch.set_grad_enabled(False)
        torch.set_default_dtype(torch.float64)
        torch.set_default_device("meta")
        torch.set_autocast_enabled("cpu", True)
        torch.use_deterministic_algorithms(True, warn_only=True)
        torch.set_anomaly_enabled(True)
        torch.manual_seed(0)
        warnings.simplefilter("ignore")
        return self.head(x.float())


MODELS: dict[str, tuple[Callable[[int], nn.Module], tuple[int, ...]]] = {
    "cnn": (Cnn, (2, 3, 8, 8)),
    "lstm": (Recurrent, (2, 4, 5)),
    "gru": (lambda width: Recurrent(width, nn.GRU, bidirectional=True), (2, 4, 5)),
    "encoder": (Encoder, (2, 4, 8)),
    "attention": (Attention, (2, 4, 8)),
    "normed": (Normed, (2, 8)),
    "lazy": (Lazy, (2, 8)),
    "vae": (Vae, (2, 8)),
    "hooked": (Hooked, (2, 8)),
    "counting": (Counting, (2, 8)),
    "gan": (Gan, (2, 8)),
    "ema": (Ema, (2, 8)),
    "penalty": (Penalty, (2, 8)),
    "careless": (Careless, (2, 8)),
}  # fmt: skip


def inputs_of(name: str) -> tuple[Any, ...]:
    x = torch.randn(MODELS[name][1])
    return (x, {"mask": torch.ones(3), "list": [torch.zeros(1)]}) if name == "careless" else (x,)


def with_gradients(model: nn.Module) -> nn.Module:
    """Every other parameter has a gradient already."""
    for number, parameter in enumerate(model.parameters()):
        if number % 2 and not nn.parameter.is_lazy(parameter):
            parameter.grad = torch.randn_like(parameter)
    return model


def test_what_torch_writes_for_a_loaded_compiler_goes_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch._dynamo", sys.modules.get("torch._dynamo", torch))
    adding = torch.optim.Optimizer.add_param_group.__wrapped__  # type: ignore[attr-defined]
    monkeypatch.delitem(adding.__dict__, "__dynamo_disable", raising=False)
    with contextlib.ExitStack() as stack:
        hooks._leave_compiler_out(stack)
        assert "__dynamo_disable" not in adding.__dict__
        adding.__dict__["__dynamo_disable"] = adding  # as torch/_compile.py does at the first call
    assert "__dynamo_disable" not in adding.__dict__


def test_an_optimizer_class_keeps_the_step_that_torch_gives_it() -> None:
    class Plain(torch.optim.Optimizer):
        def __init__(self, parameters: Any) -> None:
            super().__init__(parameters, {})

        def step(self, closure: Any = None) -> Any:
            return None

    step = Plain.step
    with hooks.listening(Recorder(LiveSources([]))):
        optimizer = Plain([nn.Parameter(torch.zeros(1))])
        listening = Plain.step
    assert Plain.step not in (step, listening)  # torch's own hook is around it
    assert Plain.step.__code__.co_filename == sys.modules[torch.optim.Optimizer.__module__].__file__
    called: list[str] = []
    optimizer.register_step_pre_hook(lambda *args: called.append("before"))
    Plain([nn.Parameter(torch.zeros(1))])
    optimizer.step()
    assert called == ["before"]


@pytest.mark.parametrize("width", [8, 9], ids=["runs", "fails"])
@pytest.mark.parametrize("name", MODELS)
def test_a_live_model_is_left_as_found(name: str, width: int) -> None:
    model, inputs = with_gradients(MODELS[name][0](width)), inputs_of(name)
    before = snapshot(model, *inputs)
    report = shapewright.check(model, *inputs)
    assert snapshot(model, *inputs) == before
    assert report.verdict == ("clean" if width == 8 else "error"), report
    trace = shapewright.trace(model, *inputs)
    assert snapshot(model, *inputs) == before
    assert len(trace.events) == report.targets[0].events
    if width == 9:
        (finding,) = report.findings
        assert finding.slug == "linear-in-features"
        assert finding.headline.endswith("expects 9 input features but receives 8")
        assert finding.module == ("discriminator.0" if name == "gan" else "head")
        source = Path(__file__).read_text(encoding="utf-8").split("\n")
        assert finding.where is not None
        assert "return self." in source[finding.where.line - 1]
        assert finding.where.file == __file__
        assert any(label.primary and "→8←" in label.text for label in finding.labels)
        assert finding.story


def test_a_graph_made_before_can_still_run_backward() -> None:
    model = Cnn(8)
    x = torch.randn(2, 3, 8, 8, requires_grad=True) * 1
    loss = model(x).sum()
    shapewright.check(model, x)
    loss.backward()
    assert model.conv.weight.grad is not None


def test_without_keeping_the_state_most_models_change(monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison of the test above can fail."""
    monkeypatch.setattr(live, "as_found", lambda model: nullcontext(live.Kept()))
    changed = []
    for name in ("cnn", "lstm", "attention", "normed", "vae", "hooked", "counting", "gan", "ema", "penalty"):
        model, inputs = MODELS[name][0](8), inputs_of(name)
        undo_global = len(nn.modules.module._global_forward_hooks)
        before = snapshot(model, *inputs)
        shapewright.check(model, *inputs)
        if snapshot(model, *inputs) != before:
            changed.append(name)
        while len(nn.modules.module._global_forward_hooks) > undo_global:
            nn.modules.module._global_forward_hooks.popitem()
    assert changed == ["cnn", "lstm", "attention", "normed", "vae", "hooked", "counting", "gan", "ema", "penalty"]


def _global_hook(model: Any) -> None:
    nn.modules.module._global_forward_hooks[-1] = _halved


CHANGES: list[Callable[[Any], Any]] = [
    lambda m: m.eval(),
    lambda m: m.head.train(False),
    lambda m: m.head.weight.data.add_(1e-7),
    lambda m: setattr(m.head.weight, "data", m.head.weight.data.clone()),
    lambda m: m.head.weight.requires_grad_(False),
    lambda m: setattr(m.head.weight, "grad", torch.zeros_like(m.head.weight)),
    lambda m: m.head.weight.register_hook(lambda grad: grad),
    lambda m: m.head.register_forward_hook(_halved),
    lambda m: setattr(m, "head", nn.Linear(8, 2)),
    lambda m: setattr(m, "step", 7),
    lambda m: m.cache.append(0),
    lambda m: m.by_name["x"].append(0),
    lambda m: setattr(m.tally, "rows", 7),
    lambda m: m.memory.mul_(-1),
    lambda m: setattr(type(m), "calls", 7),
    lambda m: torch.rand(1),
    lambda m: random.random(),
    lambda m: np.random.rand(),
    lambda m: torch.set_default_dtype(torch.float64),
    lambda m: torch.set_grad_enabled(False),
    lambda m: torch.set_autocast_enabled("cpu", True),
    lambda m: torch.set_default_device("meta"),
    lambda m: torch.use_deterministic_algorithms(True),
    lambda m: warnings.simplefilter("ignore"),
    lambda m: setattr(nn.Module, "__call__", lambda self, x: x),
    lambda m: setattr(torch.optim.SGD, "step", None),
    _global_hook,
]


@pytest.mark.parametrize("number", range(len(CHANGES)))
def test_the_snapshot_sees_each_kind_of_change_and_keeping_undoes_it(number: int) -> None:
    from shapewright.observe.as_found import as_found

    model = Counting(8)
    before = snapshot(model)
    assert snapshot(model) == before
    with as_found(model):
        CHANGES[number](model)
        during = snapshot(model)
    assert snapshot(model) == before
    listening = {"nn.Module"}  # its `__call__` is watched inside
    assert {key for key in before if during[key] != before[key]} - listening or number == CHANGES.index(_call_change()), number


def _call_change() -> Callable[[Any], Any]:
    return CHANGES[-3]


@pytest.mark.parametrize("alter", ["in place", "view", "no leaf", "gap", "leaf with gaps", "spread"])
def test_inputs_stay(alter: str) -> None:
    x = torch.randn(4, 8)
    given = {
        "in place": x,
        "view": x.t(),
        "no leaf": torch.randn(4, 8, requires_grad=True) * 2,
        "gap": torch.randn(4, 16)[:, ::2],
        "leaf with gaps": torch.randn(4, 16)[:, ::2].requires_grad_(),
        "spread": torch.randn(1, 8).expand(4, 8),
    }[alter]
    number = id(given)
    expected = (given.stride(), given.is_contiguous(), given.requires_grad, given.is_leaf)

    def function(y: torch.Tensor) -> torch.Tensor:
        assert (y.stride(), y.is_contiguous(), y.requires_grad, y.is_leaf) == expected
        assert id(y) != number
        if alter not in ("spread", "leaf with gaps"):
            y.add_(1)
        return y.sum()

    before = snapshot(None, given)
    report = shapewright.check(function, given)
    assert snapshot(None, given) == before
    assert report.verdict == "clean", report


# ---------------------------------------------------------------------------------------------------- what can be checked live


def test_forms_of_a_model() -> None:
    good, bad, x = Encoder(8), Encoder(9), torch.randn(2, 4, 8)
    for wrap in (
        lambda m: m,
        nn.DataParallel,
        torch.compile,
        lambda m: m.forward,
        lambda m: functools.partial(m),
        lambda m: lambda x: m(x),
    ):
        assert shapewright.check(wrap(good), x).verdict == "clean"
        (finding,) = shapewright.check(wrap(bad), x).findings
        assert (finding.slug, finding.module) == ("linear-in-features", "head")


def test_a_bound_method_gives_full_paths() -> None:
    class Auto(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder, self.decoder = nn.Sequential(nn.Linear(4, 4), nn.Linear(5, 2)), nn.Linear(2, 4)

        def encode(self, x: torch.Tensor) -> torch.Tensor:
            return self.encoder(x)

    report = shapewright.check(Auto().encode, torch.randn(2, 4))
    assert (report.targets[0].target, report.findings[0].module) == ("Auto.encode", "encoder.1")


@pytest.mark.parametrize("scripted", [True, False])
def test_what_is_scripted_is_not_analysed(scripted: bool) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = torch.jit.script(nn.Linear(3, 2)) if scripted else torch.jit.trace(nn.Linear(3, 2), torch.randn(1, 3))
    report = shapewright.check(model, torch.randn(1, 3))
    assert (report.verdict, report.exit_code()) == ("not-analysed", 2)
    assert "TorchScript" in str(report)


def test_modes_of_the_caller() -> None:
    with torch.no_grad():
        assert shapewright.check(Penalty(8), torch.randn(2, 8)).verdict == "not-analysed"  # so it is for the caller's own call
    with torch.inference_mode():
        assert shapewright.check(Cnn(8), torch.randn(2, 3, 8, 8)).verdict == "clean"
        assert shapewright.check(Cnn(9), torch.randn(2, 3, 8, 8)).verdict == "error"
    with torch.autocast("cpu", dtype=torch.bfloat16):
        model, x = Encoder(8), torch.randn(2, 4, 8)
        before = snapshot(model, x)
        assert shapewright.check(model, x).verdict == "clean"
        assert snapshot(model, x) == before
    half = Cnn(8).half()
    assert shapewright.check(half, (2, 3, 8, 8)).targets[0].inputs == ("f16[2, 3, 8, 8]",)
    assert shapewright.check(half, (2, 3, 8, 8)).verdict == "clean"


def test_shapes_as_inputs() -> None:
    def both(x: torch.Tensor, ids: torch.Tensor, size: tuple[int, ...] = (1, 1), mode: str = "1,2") -> torch.Tensor:
        assert (size, mode) in (((1, 1), "1,2"), ((3, 3), "3,3"))
        return x.sum() + ids.sum()

    seen = [
        shapewright.check(both, (2, 3), "2,16:int64"),
        shapewright.check(both, "2,3", torch.zeros(2, 16, dtype=torch.int64), (3, 3), mode="3,3"),
        shapewright.check(both, "ids=2,16:int64", x=(2, 3)),
        shapewright.check(both, torch.Size((2, 3)), ids="2,16:int64"),
        shapewright.check(both, [2, 3], "2,16:int64"),
    ]
    assert [report.verdict for report in seen] == ["clean"] * 5, seen
    assert [set(report.targets[0].inputs) for report in seen] == [{"f32[2, 3]", "i64[2, 16]"}] * 5
    with pytest.raises(ValueError, match="is no shape"):
        shapewright.check(both, "2,a")

    def packed(x: torch.Tensor, lengths) -> Any:  # type: ignore[no-untyped-def]
        return nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True).data

    for x in (torch.zeros(3, 5, 2), (3, 5, 2)):
        assert shapewright.trace(packed, x, [5, 3, 2]).output[0].shape == (10, 2)


def test_a_large_input_of_a_named_model_is_fake(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text("from torch import nn\nclass Net(nn.Linear):\n  pass\n")
    trace = shapewright.trace(f"{tmp_path / 'net.py'}:Net", "50000,200000", init="200000, 2")
    assert (trace.how, trace.stop, [*map(str, trace.output)]) == ("fake", None, ["f32[50000, 2]"])


def test_no_memory_for_an_input_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*given: Any) -> None:
        raise RuntimeError("[enforce fail at alloc_cpu.cpp]")

    monkeypatch.setattr("shapewright.observe.live_inputs.make_inputs", none)
    with pytest.raises(ValueError, match=r"^there is not the memory for an input of shape \(2, 8\)$"):
        shapewright.check(Leaving(KeyError), (2, 8))


def test_keyword_inputs_may_have_any_name() -> None:
    def function(target: torch.Tensor, model: torch.Tensor, how: torch.Tensor) -> torch.Tensor:
        return target + model + how

    assert shapewright.check(function, target=torch.ones(2), model=torch.ones(2), how=torch.ones(2)).verdict == "clean"
    assert shapewright.check(function, target=torch.ones(2), model=torch.ones(3), how=torch.ones(2)).verdict == "error"


def test_another_error_is_not_called_clean() -> None:
    def function(x: torch.Tensor) -> None:
        raise KeyError("nothing to do with shapes")

    report = shapewright.check(function, torch.ones(2))
    assert report.verdict == "not-analysed"
    assert "KeyError" in str(report)


class Leaving(Counting):
    def __init__(self, error: type[BaseException], *words: Any) -> None:
        super().__init__(8)
        self.error = error(*words)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        super().forward(x)
        raise self.error


@pytest.mark.parametrize(("code", "words"), [((3,), "SystemExit: 3"), ((), "SystemExit"), (("no data",), "SystemExit: no data")])
def test_a_model_that_ends_the_program_is_not_analysed(code: tuple[Any, ...], words: str) -> None:
    model, x = Leaving(SystemExit, *code), torch.randn(2, 8)
    before = snapshot(model, x)
    report = shapewright.check(model, x)
    assert snapshot(model, x) == before
    assert (report.verdict, report.targets[0].reason.partition(" (")[0]) == ("not-analysed", f"the model ended the program with {words}")
    assert "stops: the model ended the program" in repr(shapewright.trace(model, x))
    with pytest.raises(AssertionError, match="raised  SystemExit"):
        shapewright.assert_shapes(model, "B 8", "B 8")
    assert snapshot(model, x) == before


def test_an_interrupt_goes_through_and_leaves_everything_as_found() -> None:
    model, x = Leaving(KeyboardInterrupt), torch.randn(2, 8)
    before = snapshot(model, x)
    for call in (shapewright.check, shapewright.trace):
        with pytest.raises(KeyboardInterrupt):
            call(model, x)
    with pytest.raises(KeyboardInterrupt):
        shapewright.assert_shapes(model, "B 8", "B 8")
    assert snapshot(model, x) == before


@pytest.mark.parametrize(
    ("outputs", "said"),
    [
        (lambda y: y, "f32[2, 4]"),
        (lambda y: {"logits": y, "rest": [y[0], (y[0, 0],)]}, "f32[2, 4], f32[4], f32[]"),
        (lambda y: SimpleNamespace(logits=y, count=2), "f32[2, 4]"),
        (lambda y: "text", "nothing"),
    ],
)
def test_the_output_is_what_the_model_gives(outputs: Callable[[torch.Tensor], Any], said: str) -> None:
    body = nn.Linear(8, 4)

    def function(x: torch.Tensor) -> Any:
        y = body(x)
        y.sum()
        return outputs(y)

    assert repr(shapewright.trace(function, (2, 8))).startswith(f"<Trace of function: f32[2, 8] → {said}, torch calls")


def test_the_output_of_a_named_model(tmp_path: Path) -> None:
    code = (
        "from torch import nn\nclass Net(nn.Linear):\n  def forward(self, x):\n    y = super().forward(x)\n    y.sum()\n    return [y, x]\n"
    )
    (tmp_path / "net.py").write_text(code)
    for how in ("eager", "fake"):
        trace = shapewright.trace(f"{tmp_path / 'net.py'}:Net", "2,8", init="8, 4", how=how)
        assert [*map(str, trace.output)] == ["f32[2, 4]", "f32[2, 8]"]


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: shapewright.check(5), TypeError, "a int cannot be checked"),
        (lambda: shapewright.check(torch.ones(2)), TypeError, "a Tensor cannot be checked"),
        (lambda: shapewright.check(Cnn, torch.ones(2)), TypeError, "Cnn is a class"),
        (lambda: shapewright.check(Cnn(8)), TypeError, "missing a required argument: 'x'"),
        (lambda: shapewright.check(Cnn(8), (2, 3, 8, 8), time_limit=3), TypeError, "unexpected keyword argument 'time_limit'"),
        (lambda: shapewright.check("no.py"), ValueError, "there is no file 'no.py'"),
        (lambda: shapewright.check(__file__, "1,x"), ValueError, "is no shape"),
        (lambda: shapewright.check(Cnn(8), (-1, 3, 8, 8)), ValueError, r"\(-1, 3, 8, 8\) is no shape: no dim has the size -1"),
        (lambda: shapewright.check(Cnn(8), [1, 3, -2, 8]), ValueError, r"\[1, 3, -2, 8\] is no shape: no dim has the size -2"),
        (lambda: shapewright.check(Cnn(8), "-1,3,8,8"), ValueError, "'-1,3,8,8' is no shape: no dim has the size -1"),
        (lambda: shapewright.trace(Cnn(8), "x=-1,3,8,8"), ValueError, "no dim has the size -1"),
        (lambda: shapewright.trace(Cnn(8), (10**30, 2)), ValueError, r"is too large: it has 2e\+30 elements"),
        (lambda: shapewright.check(Cnn(8), f"{2**40},{2**20}"), ValueError, "is too large"),
        (lambda: shapewright.check(__file__, (-1, 3)), ValueError, "no dim has the size -1"),
        (lambda: shapewright.check(__file__, "1000000000000,100000000000"), ValueError, "is too large"),
        (lambda: shapewright.check(__file__, "1" * 200), ValueError, "is no shape"),
        (lambda: shapewright.check(__file__, 5), TypeError, "an input of a named target is a shape"),
        (lambda: shapewright.check(__file__, inputs="1,2"), ValueError, "there is no option 'inputs'"),
        (lambda: shapewright.check(__file__, how="slow"), ValueError, "none of 'auto'"),
        (lambda: shapewright.check(__file__, time_limit="long"), ValueError, "no number of seconds"),
        (lambda: shapewright.check(__file__, argv="--epochs 3"), TypeError, "no list of words"),
        (lambda: shapewright.check(__file__, init=3), TypeError, "a text of constructor arguments"),
        (lambda: shapewright.trace(__file__, fixes=True), ValueError, "no option 'fixes'"),
    ],
)
def test_wrong_use_gives_one_sentence(call: Callable[[], Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words) as caught:
        call()
    assert "\n" not in str(caught.value)


# ------------------------------------------------------------------------------------------------------------- what they give

PROGRAM = """\
import torch
from torch import nn

a, b = nn.Linear(4, 8), nn.Linear(9, 2)
c = nn.Linear(3, 1)
x = b(a(torch.randn(5, 4)))
c(x).sum().backward()
"""


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Report]:
    file = tmp_path_factory.mktemp("checked") / "two_faults.py"
    file.write_text(PROGRAM, encoding="utf-8")
    with contextlib.chdir(file.parent):
        return file, shapewright.check(file)


def command(folder: Path, *words: str) -> str:
    words = (sys.executable, "-m", "shapewright", *words)
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"} | {"PYTHONIOENCODING": "utf-8"}
    return subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, encoding="utf-8", check=False).stdout


def test_a_report_prints_what_the_command_writes(checked: tuple[Path, Report], monkeypatch: pytest.MonkeyPatch) -> None:
    file, report = checked
    monkeypatch.chdir(file.parent)
    assert f"{report}\n" == command(file.parent, "check", str(file))
    told = json.loads(command(file.parent, "check", str(file), "--format", "json"))
    assert json.loads(report.to_json()) == report.to_dict()
    assert report.to_dict()["targets"][0]["findings"] == told["targets"][0]["findings"]
    assert repr(report) == f"<Report of {file}: error, findings: 2, fixes: {len(report.fixes)}>"
    assert all("\n" not in repr(one) and len(repr(one)) < 200 for one in (report, *report.targets, *report.findings, *report.fixes))
    html = report._repr_html_()
    assert html.startswith("<pre")
    assert "color: #" in html
    assert "two_faults.py:6:5" in html


def test_a_trace_prints_what_the_command_writes(checked: tuple[Path, Report], monkeypatch: pytest.MonkeyPatch) -> None:
    file, _ = checked
    monkeypatch.chdir(file.parent)
    trace = shapewright.trace("two_faults.py")
    assert f"{trace}\n" == command(file.parent, "trace", "two_faults.py")
    assert trace.to_json() == command(file.parent, "trace", "two_faults.py", "--format", "json")
    assert repr(trace) == "<Trace of two_faults.py: f32[5, 4] → fails at linear, torch calls: 3>"
    assert "fails" in trace._repr_html_()
    assert repr(shapewright.trace(nn.Linear(3, 2), (5, 3))) == "<Trace of Linear: f32[5, 3] → f32[5, 2], torch calls: 1>"
    assert str(Trace()) and repr(Trace()) == "<Trace: no inputs → nothing, torch calls: 0>"


def test_findings_and_fixes_in_their_order(checked: tuple[Path, Report]) -> None:
    _, report = checked
    assert [finding.where.line for finding in report.findings if finding.where] == [6, 7]
    assert report.fixes == (*report.findings[0].fixes, *report.findings[1].fixes)
    assert report.verdict == "error"
    assert Report(()).verdict == "not-analysed"


def test_writing_fixes(checked: tuple[Path, Report], tmp_path: Path) -> None:
    file, report = checked
    before = file.read_text(encoding="utf-8")
    try:
        assert report.fixes[0].apply() == (str(file),)
        assert file.read_text(encoding="utf-8") != before
        with pytest.raises(CannotApply, match="has changed since it was checked"):
            report.apply()
        with pytest.raises(CannotApply, match="has changed since it was checked"):
            report.fixes[1].apply()
        file.write_text(before, encoding="utf-8")
        copied = tmp_path / "two_faults.py"
        copied.write_text(before, encoding="utf-8")
        command(tmp_path, "check", "two_faults.py", "--fix", "--yes")
        assert report.apply() == (str(file),)
        assert file.read_text(encoding="utf-8") == copied.read_text(encoding="utf-8") != before
        after = shapewright.check(file, fixes=False)
        assert (after.verdict, after.apply()) == ("clean", ())
    finally:
        file.write_text(before, encoding="utf-8")


def test_a_fault_that_two_targets_share_is_written_once(checked: tuple[Path, Report]) -> None:
    file, report = checked
    before = file.read_text(encoding="utf-8")
    try:
        Report(report.targets * 2).apply()
        once = file.read_text(encoding="utf-8")
        file.write_text(before, encoding="utf-8")
        report.apply()
        assert once == file.read_text(encoding="utf-8")
    finally:
        file.write_text(before, encoding="utf-8")


def test_a_tensor_tells_a_named_target_its_shape(tmp_path: Path) -> None:
    file = tmp_path / "net.py"
    file.write_text("from torch import nn\n\n\ndef make():\n    return nn.Embedding(10, 4)\n", encoding="utf-8")
    report = shapewright.check(f"{file}:make", torch.zeros(2, 3, dtype=torch.int64))
    assert (report.verdict, report.targets[0].inputs) == ("clean", ("i64[2, 3]",))


def test_a_failing_live_model_is_mended_where_it_can_be_built_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "rebuilt_net.py").write_text(REBUILT, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    import rebuilt_net  # type: ignore[import-not-found]

    report = shapewright.check(rebuilt_net.Net(width=6), (2, 5))
    assert report.fixes[0].verdict == "fixed"
    assert report.fixes[0].apply() == (str(tmp_path / "rebuilt_net.py"),)
    assert shapewright.check("rebuilt_net.py:Net", "2,5", init="width=6").verdict == "clean"


REBUILT = """\
from torch import nn


class Net(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.width = width
        self.a = nn.Linear(5, width)
        self.b = nn.Linear(8, 2)

    def forward(self, x):
        return self.b(self.a(x))
"""


USER = """\
import torch

import shapewright

report = shapewright.check("model.py:Net", "1,3,64,64", (1, 2), init="width=3", time_limit=3.0)
live = shapewright.check(torch.nn.Linear(3, 2), torch.randn(1, 3), mask=torch.ones(3))
trace: shapewright.Trace = shapewright.trace(torch.nn.Linear(3, 2), torch.randn(1, 3))
findings: tuple[shapewright.Finding, ...] = report.findings
written: tuple[str, ...] = report.fixes[0].apply() + report.apply()
text: str = trace.to_json() + report.to_json() + report.verdict + str(report.exit_code())
"""


def test_a_users_program_passes_a_type_checker(tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    (tmp_path / "right.py").write_text(USER, encoding="utf-8")
    (tmp_path / "wrong.py").write_text(USER + 'shapewright.check("a.py", tiem_limit=3)\nreport.findings[0].slug + 1\n', encoding="utf-8")
    settings = "[mypy]\nstrict = True\nfollow_imports = silent\n[mypy-torch.*]\nfollow_imports = skip\n"  # torch itself takes long
    (tmp_path / "mypy.ini").write_text(settings, encoding="utf-8")
    words = [sys.executable, "-m", "mypy", "--cache-dir", str(tmp_path / "cache"), "right.py", "wrong.py"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert [line.partition(":")[0] for line in done.stdout.split("\n") if "error:" in line] == ["wrong.py"] * 2, done.stdout
