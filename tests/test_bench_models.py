"""The measurement of real models: which are chosen, how a trace is compared with a real run, and what counts as kept."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from shapewright.model import Event, ModelCall, ModuleInfo, TensorInfo, Trace

sys.path.insert(0, str(Path(__file__).parents[1]))
catalogue = pytest.importorskip("bench.models_catalogue", reason="the measurements run on Linux only")
results = pytest.importorskip("bench.models_results")
shapes = pytest.importorskip("bench.models_shapes")
told = pytest.importorskip("bench.models_told")


def trace(*events: Event, output: tuple[int, ...] = (1, 5), first: int = 0) -> Trace:
    modules = (
        ModuleInfo(0, "", "Net"),
        ModuleInfo(1, "fc", "Linear", parent=0),
        ModuleInfo(2, "attention", "MultiheadAttention", parent=0),
    )
    call = ModelCall(0, outputs=(TensorInfo(output),), first=first, end=len(events))
    return Trace(events=events, modules=modules, calls=(call,))


def event(
    index: int, op: str, *output: tuple[int, ...], module: int = 1, number: int = 1, assumed: bool = False, call: str = "function"
) -> Event:
    made = tuple(TensorInfo(shape, assumed=assumed) for shape in output)
    return Event(index, op, output=made, module=module, call_number=number, call=call)  # type: ignore[arg-type]


END = ["", 1, "module Net", [[1, 5]]]
LINEAR = ["fc", 1, "linear", [[1, 5]]]


def test_equal_calls_agree() -> None:
    seen = shapes.compared(trace(event(0, "linear", (1, 5))), [LINEAR, ["fc", 1, "module Linear", [[1, 5]]], END])
    assert (seen.calls, seen.equal, seen.different, seen.missed, seen.output) == (1, 1, (), (), True)


def test_another_shape_is_told() -> None:
    seen = shapes.compared(trace(event(0, "linear", (1, 6)), output=(1, 6)), [LINEAR, END])
    assert (seen.calls, seen.equal) == (1, 0)
    assert seen.different == ("fc (call 1), linear: [1, 6] in the trace, [1, 5] for real",)
    assert not seen.output


@pytest.mark.parametrize(("ours", "real"), [((), [LINEAR, END]), ((event(0, "linear", (1, 5)),), [END])])
def test_a_call_that_only_one_side_has_is_told(ours: tuple[Event, ...], real: list[list[object]]) -> None:
    assert len(shapes.compared(trace(*ours), real).missed) == 1


def test_a_size_that_rests_on_an_assumption_is_not_compared() -> None:
    seen = shapes.compared(trace(event(0, "linear", (9, 5), assumed=True)), [LINEAR, END])
    assert (seen.calls, seen.assumed, seen.different, seen.missed) == (0, 1, (), ())


def test_an_attention_module_is_compared_by_what_it_gives() -> None:
    ours = event(0, "multiheadattention", (2, 7), module=2, call="module")
    real = [
        ["attention", 1, "bmm", [[3]]],
        ["attention.out", 1, "linear", [[2, 7]]],
        ["attention", 1, "module MultiheadAttention", [[2, 7]]],
        END,
    ]
    seen = shapes.compared(trace(ours), real)
    assert (seen.equal, seen.missed) == (1, ())


def test_calls_before_the_last_one_of_the_model_do_not_count() -> None:
    ours = (event(0, "linear", (1, 5)), event(1, "linear", (1, 5), number=2))
    assert shapes.compared(trace(*ours, first=1), [LINEAR, END]).missed == ()


def test_the_smallest_of_each_module_are_taken_in_turn() -> None:
    made = [("a", "net_224", 1), ("a", "net_384", 2), ("a", "wide", 3), ("b", "test_b", 1), ("b", "b_small", 9), ("b", "b_large", 10)]
    counted = [catalogue.Counted(module, name, number, (224, 224)) for module, name, number in made]
    assert [one.name for one in catalogue.smallest(counted, 3)] == ["net_224", "wide", "b_small"]
    assert [one.name for one in catalogue.smallest(counted, 9)] == ["net_224", "wide", "b_small", "b_large"]


def test_every_model_is_a_program_and_timm_has_three_hundred(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "package", lambda name: Path())
    models = list(catalogue.timm())
    for model in models:
        ast.parse(model.program)
    assert len({model.name for model in models}) == len(models) >= 300
    assert len({model.family for model in models}) > 30
    assert len(catalogue.spread(models)) == catalogue.SAMPLE


def seen(verdict: str = "clean", **more: object) -> object:
    return results.Seen("timm", "net", verdict, **more)


def test_only_clean_models_that_agree_are_good() -> None:
    assert told.good(seen(compared=shapes.Compared(3, 3)))
    assert told.good(seen(real_error="not here"))
    assert not told.good(seen("warning"))
    assert not told.good(seen(compared=shapes.Compared(3, 2, different=("a",))))
    assert not told.told([], [])[1]
    assert not told.told([seen()], ["timm is not installed"])[1]


def test_results_survive_the_file(tmp_path: Path) -> None:
    one = seen(live={"trace": results.Took(1.0, 2)}, compared=shapes.Compared(3, 2, different=("a",)), notes=("b",))
    results.save(seen("error"), tmp_path / "saved")
    results.save(one, tmp_path / "saved")
    assert results.load([tmp_path / "saved"]) == [one]


def test_ratios_leave_out_what_failed_and_small_memory() -> None:
    took = {"trace": results.Took(3.0, 40 << 20), "torchinfo": results.Took(2.0, 1 << 20), "forward": results.Took(error="no")}
    models = [seen(live=took)]
    assert told.ratios(models, told._of_live, "cpu", "trace", "torchinfo") == [(1.5, "net")]
    assert told.ratios(models, told._of_live, "memory", "trace", "torchinfo") == [(10.0, "net")]
    assert told.ratios(models, told._of_live, "cpu", "trace", "forward") == []
