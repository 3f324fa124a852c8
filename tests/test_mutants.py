"""The measurement with mutants: which numbers it changes, how it judges a report, and what plain PyTorch is said to do."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # `bench` lies beside `tests`

from bench import mutant_judge as judge
from bench import mutants as bench_mutants
from bench.mutant_models import as_user
from bench.mutant_programs import Program
from bench.mutant_records import Kept, Record
from bench.mutant_slips import DIM, KINDS, LAYER, LINE, SWAPPED, other_slips
from bench.mutation import Mutant, Place, mutants, places, shares, slips
from bench.plain import Outcome, Plain

from shapewright.model import Event, ModuleInfo, Number, Origin, Span, TensorInfo, Trace
from shapewright.observe.client import Worker
from shapewright.observe.request import Request, Target

NET = """
import argparse
import torch
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--hidden-size", type=int, default=24)
parser.add_argument("--epochs", type=int, default=90)
args = parser.parse_args()
WIDTHS = [16, "M", 32]
SIZE_OF_A_FONT = 11

def block(cin, cout=8, stride=1):
    return nn.Sequential(nn.Conv2d(cin, cout, 3, stride, padding=(1, 1)), nn.Dropout(5), nn.Softmax(dim=-7))

class Net(nn.Module):
    expansion = 4
    def __init__(self, classes=10, seed=77):
        super().__init__()
        self.ä, self.fc = block(3, 16), nn.Linear(16 * 7 * WIDTHS[0], -99 + classes)
        self.big = range(55)

    def forward(self, x, scale=66):
        return self.fc(self.ä(x).view(-1, 33)) if scale else other(x)

def other(x, scale=44):
    return x
"""


def at(line: int, column: int, text: str = "64", parameter: str = "out_channels") -> Place:
    return Place(line, column, column + len(text), text, parameter, (line, line))


def edit(line: int, column: int, end: int, new: str) -> dict[str, object]:
    return {"file": "a.py", "start": {"line": line, "column": column}, "end": {"line": line, "column": end}, "new": new}


# --- making mutants ------------------------------------------------------------------------------------------------------------


def test_places_are_the_numbers_of_layers() -> None:
    found = [(place.parameter, place.text) for place in places(NET)]
    assert found == [
        ("--hidden-size", "24"),
        ("WIDTHS", "16"),
        ("WIDTHS", "32"),
        ("cout", "8"),
        ("stride", "1"),
        ("kernel_size", "3"),
        ("padding", "1"),
        ("padding", "1"),
        ("expansion", "4"),
        ("classes", "10"),
        ("cin", "3"),
        ("cout", "16"),
        ("in_features", "16"),
        ("in_features", "7"),
    ]


def test_columns_are_code_points() -> None:
    place = next(place for place in places(NET) if place.parameter == "cin")
    assert Mutant(place, "double", "6").apply(NET) == NET.replace("block(3, 16)", "block(6, 16)")
    with pytest.raises(ValueError, match="does not have 3"):
        Mutant(place, "double", "6").apply(NET.replace("self.ä, ", "self.a,  "))


def test_a_slip_is_what_a_person_may_write() -> None:
    assert slips(at(1, 1, "64"), 32) == {
        "double": 128, "half": 32, "one more": 65, "one less": 63, "neighbour": 32, "digit missing": 6, "digit twice": 644,
    }  # fmt: skip
    assert slips(at(1, 1, "1", "kernel_size"), None) == {"double": 2, "one more": 2, "digit twice": 11}
    assert slips(at(1, 1, "1", "padding"), 1) == {"double": 2, "one more": 2, "one less": 0, "digit twice": 11}
    assert slips(at(1, 1, "0", "padding"), None) == {"one more": 1}


def test_the_same_words_give_the_same_mutants() -> None:
    one = mutants(NET, 12, seed="a")
    assert one == mutants(NET, 12, seed="a") != mutants(NET, 12, seed="b")
    assert len(one) == len({(mutant.place, mutant.new) for mutant in one}) == 12
    for mutant in one:
        changed = mutant.apply(NET)
        compile(changed, "net.py", "exec")
        assert sum(old != new for old, new in zip(NET.splitlines(), changed.splitlines(), strict=True)) == 1


def test_mutants_are_spread() -> None:
    chosen = mutants(NET, 14, seed="a")
    assert len({mutant.place for mutant in chosen}) == 14
    assert len({mutant.slip for mutant in chosen}) == 7
    every = mutants(NET, 1000, seed="a")
    assert max(sum(mutant.place == place for mutant in every) for place in places(NET)) == 2


def test_only_what_runs_is_changed() -> None:
    lines = NET.splitlines()
    inside = lines.index("    return nn.Sequential(nn.Conv2d(cin, cout, 3, stride, padding=(1, 1)), nn.Dropout(5), nn.Softmax(dim=-7))") + 1
    ran = {inside}
    assert {mutant.place.parameter for mutant in mutants(NET, 99, seed="a", ran=ran)} == {"cout", "stride", "kernel_size", "padding"}
    assert {mutant.place.line for mutant in mutants(NET, 99, seed="a", ran=ran, without=("kernel_size", "padding"))} == {inside - 1}
    assert not mutants(NET, 99, seed="a", last_line=6)


def test_shares_are_even_and_together_the_total() -> None:
    assert shares([10, 2, 10], 12) == [5, 2, 5]
    assert shares([1, 1], 12) == [1, 1]
    assert shares([9, 9, 9], 4) == [2, 1, 1]


def test_a_file_of_torchvision_stands_alone() -> None:
    source = (
        "from ..utils import _log\nfrom ._api import register_model, Weights\nimport torch\n"
        '@register_model()\n@handle_legacy_interface(\n    weights=("pretrained", None),\n)\ndef net():\n    pass\n'
        "@staticmethod\ndef kept():\n    pass\n"
    )
    changed = as_user(source)
    assert changed.startswith(
        "from torchvision.utils import _log\nfrom torchvision.models._api import register_model, Weights\nimport torch\n\n"
    )
    assert "legacy" not in changed and "@staticmethod\ndef kept" in changed
    assert changed.splitlines().index("def net():") == source.splitlines().index("def net():")


def test_a_file_of_timm_stands_alone() -> None:
    source = (
        "from ._builder import build_model_with_cfg\nfrom .. import layers\nfrom timm.layers import Mlp\n"
        "@register_model\ndef net():\n    pass\nregister_model_deprecations(__name__, {\n    'a': 'b',\n})\n"
    )
    changed = as_user(source, "timm.models")
    assert changed.startswith(
        "from timm.models._builder import build_model_with_cfg\nfrom timm import layers\nfrom timm.layers import Mlp\n\ndef"
    )
    assert "register" not in changed and changed.count("\n") == source.count("\n")


FORWARD = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Linear(4, 4))

    def forward(self, x):
        x = self.body(x)
        x = torch.flatten(x, 1)
        y = x.unsqueeze(-2).transpose(0, 1)
        x = self.flatten(y)
        return torch.cat([x, y], dim=0)
"""


def test_other_slips_are_one_place_each() -> None:
    ran = range(1, 13)
    made = other_slips(FORWARD, 99, seed="a", last_line=99, ran=ran)
    assert made == other_slips(FORWARD, 99, seed="a", last_line=99, ran=ran)
    assert {one.slip for one in made} == set(KINDS)
    lines = FORWARD.splitlines()
    changed = {(one.slip, one.apply(FORWARD).splitlines()[one.place.line - 1].strip()) for one in made}
    assert (LAYER, "") in changed and (LINE, "") in changed
    assert (SWAPPED, "self.body = nn.Sequential(nn.Conv2d(8, 3, 3), nn.ReLU(), nn.Linear(4, 4))") in changed
    assert (LAYER, "self.body = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Linear(4, 4))") in changed
    assert (LINE, "y = x.transpose(0, 1)") in changed or (LINE, "y = x.unsqueeze(-2)") in changed
    assert (LINE, "x = y") in changed
    assert (DIM, "return torch.cat([x, y], dim=1)") in changed
    for one in made:
        compile(one.apply(FORWARD), "net.py", "exec")
        others = [line for line in one.apply(FORWARD).splitlines() if line in lines]
        assert len(others) == len(lines) - 1
    assert len(other_slips(FORWARD, 2, seed="a", last_line=99, ran=ran)) == 2
    assert not other_slips(FORWARD, 99, seed="a", last_line=99, ran=())


def test_an_interrupted_measurement_goes_on(tmp_path: Path) -> None:
    file = str(tmp_path / "records.jsonl")
    one = Record(
        Mutant(at(3, 5), "double", "128"), "fails", 7, titles=("t",), edits=(edit(1, 2, 3, "4"),), judgement=judge.Judgement(True, "other")
    )
    assert Kept(None).add("a.py", one) == one
    assert Kept(file).get("a.py", one.mutant) is None
    Kept(file).add("a.py", one)
    assert Kept(file).get("a.py", one.mutant) == one
    assert Kept(file).get("b.py", one.mutant) is None and Kept(file).get("a.py", Mutant(at(3, 6), "double", "128")) is None


# --- judging -------------------------------------------------------------------------------------------------------------------


def finding(line: int = 4, fixes: tuple[list[dict[str, object]], ...] = (), severity: str = "error") -> judge.Finding:
    where = {"file": "a.py", "line": line}
    return {"severity": severity, "where": where, "fixes": [{"title": "t", "edits": edits} for edits in fixes]}


def test_the_first_error_must_stand_at_the_line() -> None:
    file = Path("a.py")
    assert judge.located([finding(4), finding(9)], file, 4)
    assert judge.located([finding(2, severity="note"), finding(4)], file, 4)
    assert not judge.located([finding(9), finding(4)], file, 4)
    assert not judge.located([finding(4)], Path("b.py"), 4)
    assert not judge.located([{**finding(), "where": None}], file, 4)
    assert not judge.located([], file, 4)


def test_the_first_fixes_of_all_findings_go_together() -> None:
    one, two, three = edit(1, 1, 2, "a"), edit(2, 1, 2, "b"), edit(3, 1, 2, "c")
    assert judge.first_edits([finding(fixes=([one], [three])), finding(), finding(fixes=([one, two],))]) == [one, two]


def test_what_a_report_promises() -> None:
    def fixed(verdict: str) -> judge.Finding:
        return {**finding(), "fixes": [{"verdict": verdict, "edits": []}]}

    assert judge.promised([fixed("advances"), fixed("fixed"), finding(severity="warning")])
    assert not judge.promised([fixed("advances"), finding()])
    assert not judge.promised([fixed("advances")])
    assert not judge.promised([])


def test_edits_are_applied_at_once() -> None:
    source = "ä = Linear(3, 4)\ny = Linear(5, 6)\n"
    edits = [edit(2, 12, 13, "55"), edit(1, 12, 13, "33"), edit(1, 15, 16, ""), edit(2, 16, 16, ", bias=False")]
    assert judge.applied(source, edits) == "ä = Linear(33, )\ny = Linear(55, 6, bias=False)\n"
    with pytest.raises(ValueError, match="overlap"):
        judge.applied(source, [edit(1, 12, 16, "1"), edit(1, 15, 16, "2")])


def test_only_numbers_of_the_right_lines() -> None:
    source = "a = Conv(3, 4)\nb = x.view(2)\n"
    assert judge.only_numbers(source, [edit(1, 10, 11, "2 * hidden")], {1})
    assert judge.only_numbers(source, [edit(1, 13, 13, ", padding=(1, 1)"), edit(1, 10, 11, "8")], {1})
    assert judge.only_numbers(source, [edit(1, 11, 11, " * 4"), edit(1, 10, 10, "2 * ")], {1})
    assert not judge.only_numbers(source, [edit(1, 11, 11, "x.size(")], {1})
    assert not judge.only_numbers(source, [edit(1, 10, 11, "8"), edit(2, 12, 13, "8")], {1})
    assert not judge.only_numbers(source, [edit(2, 5, 14, "x.flatten(1)")], {1, 2})
    assert not judge.only_numbers(source, [edit(2, 1, 1, "x = pool(x)\n")], {1, 2})


def test_what_kind_of_fix_it_is() -> None:
    right = Outcome(outputs=(("Net", ((1, 10),)),))
    other = Outcome(outputs=(("Net", ((1, 9),)),))
    broken = Outcome(line=3, error="RuntimeError: no", by="torch")
    same, differs = Outcome(outputs=right.outputs, values=("1.5",)), Outcome(outputs=right.outputs, values=("1.6",))
    assert judge.verdict_of_form("a = 1", "a = 2", same, same) == "equivalent"
    assert judge.verdict_of_form("a = 1", "a = 2", same, differs) == "other"
    assert judge.verdict_of_form("a = 1", "a = 1", same, differs) == "restored"
    original = "Linear(8, 4)  # in, out\n"
    assert judge.verdict(original, "Linear(8,4)", right, right, numbers_only=True) == "restored"
    assert judge.verdict(original, "Linear(8, 4)", right, broken, numbers_only=True) == "broken"
    assert judge.verdict(original, "Linear(8, 5)", right, right, numbers_only=True) == "equivalent"
    assert judge.verdict(original, "Linear(8, 5)", right, right, numbers_only=False) == "other"
    assert judge.verdict(original, "Linear(8, 5)", right, other, numbers_only=True) == "other"


def trace_of_a_chain() -> Trace:
    """randn (line 20) → conv a (10) → norm (11) → conv b (12) → conv c (13), called on lines 30 to 33."""

    def span(line: int, column: int = 1, end: int = 90) -> Span:
        return Span("a.py", line, column, line, end)

    def layer(index: int, line: int, weight: tuple[int, ...]) -> ModuleInfo:
        settings = {"size": (Number(4, Origin(4, span(line + 40, 5, 7))),)}
        return ModuleInfo(index, f"m{index}", "Layer", settings, {"weight": weight}, built=span(line))

    modules = (layer(0, 10, (4, 4, 3, 3)), layer(1, 11, (4,)), layer(2, 12, (4, 4, 3, 3)), layer(3, 13, (4, 4, 3, 3)))
    events = [Event(0, "randn", span=span(20))]
    for index in range(4):
        events.append(Event(index + 1, "call", (TensorInfo((1,), source=index),), span=span(30 + index), module=index))
    return Trace(tuple(events), modules)


def test_lines_connected_with_the_slip() -> None:
    trace = trace_of_a_chain()
    # a's number stands on line 50: over the norm its neighbour is b, and before it the input is made
    assert judge.connected_lines(trace, at(50, 5, "64"), 30, "m0") == {10, 11, 12, 20, 30, 50, 51, 52}
    # c fails: b is its only neighbour
    assert judge.connected_lines(trace, at(13, 40, "64"), 33, "m3") == {12, 13, 33, 52, 53}
    assert judge.connected_lines(trace, at(13, 40, "64"), 30, "m3") == {12, 13, 30, 52, 53}, "a line may hold several calls"
    # the failure counts by its line where there is no module
    assert judge.connected_lines(trace, at(99, 1, "64"), 33, None) == {12, 33, 52, 99}


# --- plain PyTorch and the whole -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def plain() -> Iterator[Plain]:
    with Plain() as running:
        yield running


LINEAR = "import torch\nfrom torch import nn\ndef call(x):\n    return nn.Linear(3, 4)(x)\n"


@pytest.mark.parametrize(
    ("program", "line", "by"),
    [
        ("call(torch.ones(2, 3))\n", 0, ""),
        ("call(torch.ones(2, 5))\n", 4, "torch"),
        ("try:\n    call(torch.ones(2, 5))\nexcept RuntimeError:\n    pass\n", 4, "torch"),
        ("nn.Conv2d(3, 4, 1, groups=2)\n", 5, "torch"),
        ("raise RuntimeError('no')\n", 5, "program"),
        ("{}['a']\n", 5, "program"),
        ("import sys\nsys.exit(3)\n", 0, "program"),
        ("import os\nos._exit(0)\n", 0, "program"),
    ],
)
def test_what_plain_pytorch_does(plain: Plain, program: str, line: int, by: str) -> None:
    outcome = plain.run("a.py", LINEAR + program)
    assert (outcome.line, outcome.by, outcome.runs) == (line, by, not by), outcome
    assert outcome.answered == ("_exit" not in program)


def test_outputs_are_those_of_the_outer_modules(plain: Plain) -> None:
    program = "net = nn.Sequential(nn.Linear(3, 4), nn.GRU(4, 5))\nnet[0](torch.ones(2, 3))\nnet(torch.ones(7, 3))\nif 0:\n    call(0)\n"
    outcome = plain.run("a.py", LINEAR + program, lines=True)
    assert outcome.outputs == (("Sequential", ((7, 5), (1, 5))),)
    assert outcome.lines == {1, 2, 3, 5, 6, 7, 8}


def test_the_table(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    source = (
        "import torch\nfrom torch import nn\nnet = nn.Sequential(\n    nn.Conv2d(3, 6, 3),\n    nn.ReLU(),\n    nn.Conv2d(6, 2, 3),\n)\n"
        "print(net(torch.randn(2, 3, 9, 9)).shape)\n"
    )
    monkeypatch.setenv("SHAPEWRIGHT_MUTANTS_OUT", str(tmp_path / "out.jsonl"))
    monkeypatch.setenv("SHAPEWRIGHT_DESKS", "1")
    fails = Program("broken.py", "broken.py", source.replace("6, 2", "7, 2"), 8)
    table, _ = bench_mutants.measure(8, [Program("tiny.py", "tiny.py", source, 8), fails])
    assert "| tiny.py | 8 |" in table
    failing = int(table.split("| tiny.py | 8 | ")[1].split(" ")[0])
    assert 2 <= failing <= 7
    assert f"| all with one number changed | 8 | {failing} | 100.0 % |" in table
    assert "| all with another slip | 1 |" in table
    assert "broken.py is not used: RuntimeError" in capsys.readouterr().err
    kept = (tmp_path / "out.jsonl").read_text()
    assert kept.count('"program": "tiny.py"') == 9
    monkeypatch.setattr(bench_mutants, "_record", None)  # a second run takes all from the file
    assert bench_mutants.measure(8, [Program("tiny.py", "tiny.py", source, 8), fails])[0] == table
    assert (tmp_path / "out.jsonl").read_text() == kept


def test_a_check_that_goes_down_has_found_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def down(*words: object) -> None:
        raise KeyError("x")

    monkeypatch.setattr(bench_mutants.session, "report", down)
    told = bench_mutants._told(Request(Target("a.py"), cwd="."), Worker.__new__(Worker))
    assert (told["verdict"], told["reason"], told["findings"]) == ("crashed", "KeyError: 'x'", [])


def record(fix: str, located: bool = True, ends: str = "fails", slip: str = "double") -> bench_mutants.Record:
    mutant = Mutant(at(3, 5), slip, "128")
    return bench_mutants.Record(mutant, ends, 7, said="said", titles=("title",), judgement=judge.Judgement(located, fix))


def test_limits_and_misses() -> None:
    good = [record("restored")] * 80 + [record("equivalent")] * 6 + [record("other")] * 10 + [record("none")] * 3
    others = [record("none", located=False, slip=LINE)] * 20
    assert bench_mutants.kept([*good, record("further"), *[record("none", located=False, ends="runs")] * 20, *others])
    assert not bench_mutants.kept([*good, record("broken")]), "a false promise"
    assert not bench_mutants.kept([*good, record("broken", slip=LINE)])
    assert not bench_mutants.kept([record("none", ends="runs")])
    assert not bench_mutants.kept([*good[2:], record("other"), record("other"), record("none")]), "84 mended of 100"
    assert not bench_mutants.kept([*good, record("none"), record("none"), record("none")]), "94 fixed"
    assert not bench_mutants.kept([*good, *[record("restored", located=False)] * 3]), "97 located"
    told = bench_mutants.misses(
        {"a.py": [record("none", slip=LINE), record("restored"), record("other"), record("restored", located=False)]}
    )
    assert told.splitlines() == [
        "- a.py, line 3, out_channels 64 → 128: other. said; title",
        "- a.py, line 3, out_channels 64 → 128: not at line 7, restored. said; title",
        "- a.py, line 3, out_channels 64 → 128: none. said; title",
    ]
