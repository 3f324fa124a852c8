"""What other tools write is read as it is meant, and judged by the same rules for all."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
peers = pytest.importorskip("bench.peers", reason="the measurements run on Linux only")

from bench.peers_ask import Heard  # noqa: E402
from bench.peers_judge import Judgement, judge, without  # noqa: E402
from bench.peers_programs import EXAMPLES, FAILS, RIGHT, SILENT, Program, cases, examples, of_folder  # noqa: E402
from bench.peers_read import Finding, Said, applied, read  # noqa: E402

PROGRAM = Program(
    FAILS,
    "linear/net",
    "net.py",
    "width = 8\nlayer = make(width)\nlayer(x)\n",
    wrong=True,
    line=3,
    causes=frozenset({1}),
    numbers=(8, 32),
    first_edit=frozenset({1}),
    edits=frozenset({1, 2}),
    accepted=("width = 32\nlayer = make(width)\nlayer(x)\n",),
    refused=("width = 8\nlayer = make(width)\nlayer(x[:8])\n",),
)
TRACEBACK = """\
Traceback (most recent call last):
  File "/net.py", line 1, in <module>
    width = 8
  File "/net.py", line 3, in forward
    layer(x)
  File "/lib/torch/nn/modules/linear.py", line 134, in forward
    return F.linear(input, self.weight, self.bias)
RuntimeError: mat1 and mat2 shapes cannot be multiplied (1x32 and 8x10)
"""


def heard(out: str = "", err: str = "", code: int | None = 0) -> Heard:
    return Heard(code, out, err, 1.0, 1.0)


def test_a_traceback_is_at_its_innermost_line_of_the_program() -> None:
    (finding,) = read("plain PyTorch", PROGRAM, heard(err=TRACEBACK, code=1)).findings
    assert (finding.at, finding.named) == ({3}, {1, 3})
    assert finding.text.startswith("RuntimeError: mat1")
    assert read("plain PyTorch", PROGRAM, heard(err=TRACEBACK)).findings == (finding,)  # the program caught it and printed it
    assert read("plain PyTorch", PROGRAM, heard(out="step skipped")).findings == ()


def test_of_chained_exceptions_the_first_tells_the_line() -> None:
    second = TRACEBACK.replace("line 3, in forward", "line 2, in look").replace("mat1 and mat2", "Failed to run torchinfo")
    chained = f"{TRACEBACK}\nThe above exception was the direct cause of the following exception:\n\n{second}"
    (finding,) = read("torchinfo", PROGRAM, heard("1 summaries\n", chained, 1)).findings
    assert (finding.at, finding.named) == ({3}, {1, 2, 3})
    assert "The above" not in finding.text
    assert not read("torchinfo", PROGRAM, heard("0 summaries\n")).analysed


def test_pytorchs_own_warnings_about_sizes_count() -> None:
    warning = "/net.py:3: UserWarning: Using a target size (torch.Size([4])) that is different to the input size (torch.Size([4, 1])).\n"
    (finding,) = read("jaxtyping", PROGRAM, heard(err=warning)).findings
    assert finding.at == {3}
    assert read("jaxtyping", PROGRAM, heard(err=warning.replace("/net.py", "/lib/loss.py"))).findings[0].at == frozenset()
    assert read("jaxtyping", PROGRAM, heard(err="/net.py:3: UserWarning: this function is deprecated\n")).findings == ()


def test_torchtyc_counts_lines_from_zero() -> None:
    found = {
        "severity": "error", "rule": "run-error", "line": 2, "end_line": 2, "message": "a and b must have same reduction dim",
        "expected": None, "got": "x (1, 32)", "hint": "raised further down, at line 9", "note": None, "suggestion": None,
        "via": "<module> (line 1)",
    }  # fmt: skip
    told = {"diagnostics": [found], "run_status": [{"state": "error"}], "checked_functions": 0}
    said = read("torchtyc run", PROGRAM, heard(json.dumps(told), code=1))
    assert (said.findings[0].at, said.findings[0].named, said.analysed) == ({3}, {1, 3, 9}, True)
    assert not read("torchtyc check", PROGRAM, heard(json.dumps(told | {"diagnostics": []}))).analysed  # nothing is annotated
    stopped = told | {"diagnostics": [found | {"severity": "info", "rule": "run-stopped"}], "run_status": [{"state": "stopped"}]}
    said = read("torchtyc run", PROGRAM, heard(json.dumps(stopped)))
    assert (said.findings, said.analysed) == ((), False)
    assert said.others
    broken = told | {"diagnostics": [found | {"rule": "worker-error"}]}
    assert read("torchtyc run", PROGRAM, heard(json.dumps(broken), code=2)).findings == ()


@pytest.mark.parametrize("tool", ["shapewright check", "torchtyc run", "pyrefly"])
def test_what_cannot_be_read_is_not_analysed(tool: str) -> None:
    assert not read(tool, PROGRAM, heard("", "it broke\n", 2)).analysed
    assert not read(tool, PROGRAM, heard(code=None)).analysed


def test_of_a_type_checkers_errors_those_about_shapes_count() -> None:
    error = {
        "line": 2,
        "stop_line": 3,
        "description": "Argument `Tensor[[1, 32]]` …\n  Shape dimension mismatch: expected Int[8], got Int[32]",
    }
    other = {"line": 1, "stop_line": 1, "description": "Object of class `tuple` has no attribute `images`"}
    said = read("pyrefly", PROGRAM, heard(json.dumps({"errors": [error, other]}), code=1))
    assert [finding.at for finding in said.findings] == [{2, 3}]
    assert said.others == ("line 1: Object of class `tuple` has no attribute `images`",)


def test_the_first_fixes_of_all_findings_are_applied_together() -> None:
    def edit(line: int, start: int, end: int, new: str) -> dict[str, object]:
        return {"start": {"line": line, "column": start}, "end": {"line": line, "column": end}, "new": new}

    assert applied(PROGRAM.source, [edit(1, 9, 10, "32"), edit(3, 1, 1, "y = ")]) == PROGRAM.accepted[0].replace("layer(x)", "y = layer(x)")
    place = {"line": 3, "value": 32}
    finding = {
        "severity": "error", "headline": "`layer` expects 8 …", "torch_message": None, "where": {"line": 3},
        "demand": {"line": 1, "value": 8},
        "supply": place, "story": [{"line": 2}],
        "fixes": [{"edits": [edit(1, 9, 10, "32")], "verdict": "fixed", "verified": {"how": "eager"}}],
    }  # fmt: skip
    report = {"targets": [{"verdict": "error", "reason": None, "findings": [finding, finding | {"severity": "note", "fixes": []}]}]}
    said = read("shapewright check", PROGRAM, heard(json.dumps(report), code=1))
    assert said.edited == PROGRAM.accepted[0]
    assert said.verified
    assert [one.named for one in said.findings] == [{1, 2, 3}]
    judged = judge(PROGRAM, said, None)
    assert judged == Judgement(True, False, True, True, True, True, offered=True, mends=True, verified=True)


def test_rules() -> None:
    def judged(*findings: Finding, program: Program = PROGRAM) -> Judgement:
        return judge(program, Said(findings), None)

    at_use = Finding(frozenset({3}), frozenset({3}), "(1x32 and 8x10)")
    assert judged(at_use) == Judgement(detected=True, right_line=True, first_edit=False, any_edit=False, explained=False)
    both = Finding(frozenset({3}), frozenset({1, 3}), "(1x32 and 8x10)")
    assert judged(both).explained
    assert not judged(Finding(both.at, both.named, "(1x320 and 18x10)")).explained
    elsewhere = Finding(frozenset({7}), frozenset({7}), "(1x32 and 8x10)")
    assert judged(elsewhere) == Judgement(astray=True, right_line=False, first_edit=False, any_edit=False, explained=False)
    assert judged(Finding(frozenset(), frozenset(), "sizes differ")).detected
    assert judged(elsewhere, at_use) == judged(at_use)
    assert without(Said((at_use, both)), Said((both,))).findings == ()  # the same words
    assert without(Said((at_use, elsewhere)), Said((Finding(at_use.at, at_use.named, "another"),))).findings == (at_use, elsewhere)
    assert PROGRAM.mended is not None
    assert PROGRAM.mended.source == PROGRAM.accepted[0]
    used = Program(FAILS, "net", "net.py", PROGRAM.source, wrong=True, line=3, causes=frozenset({1, 3}), numbers=(8, 32))
    assert (judged(at_use, program=used).explained, judged(both, program=used).explained) == (False, True)
    right = Program(RIGHT, "net", "net.py", "", wrong=False)
    assert judged(at_use, program=right).alarm
    assert not judged(program=right).alarm
    refused = Said((at_use,), offered=True, edited=PROGRAM.refused[0])
    assert (judge(PROGRAM, refused, None).offered, judge(PROGRAM, refused, None).mends) == (True, False)


def test_what_another_tool_does_better_is_told_first() -> None:
    found, missed = Judgement(detected=True), Judgement()
    rows = [peers.Row(tool, PROGRAM, heard(), Said(), one) for tool, one in ((peers.OURS, missed), ("torchtyc run", found))]
    assert "- detected: torchtyc run, cases that fail/linear/net" in peers.behind(rows)
    assert "- nothing" in peers.behind([peers.Row(peers.OURS, PROGRAM, heard(), Said(), found), rows[1]])


def test_every_wrong_program_says_where_its_fault_is(tmp_path: Path) -> None:
    programs = [*examples(), *cases()]
    assert len({program.id for program in programs}) == len(programs)
    for program in programs:
        assert program.wrong == (max(program.places) > 0)
        assert max(program.places) <= len(program.source.splitlines())
        compile(program.script, program.file, "exec")
    assert all(program.numbers for program in programs if program.wrong and program.group == EXAMPLES)
    assert {program.runs for program in programs if program.group == SILENT} == {True}
    (tmp_path / "manifest.toml").write_text('[[program]]\nfile = "net.py"\nverdict = "clean"\n')
    (tmp_path / "net.py").write_text("pass\n")
    assert [program.group for program in of_folder(tmp_path)] == [RIGHT]


def test_a_class_is_called_behind_the_program() -> None:
    program = Program(FAILS, "net", "net.py", "class Net: ...\n", wrong=True, target="Net", inputs=("x=2,16:int64", "1,3"), init="width=4")
    assert program.script.startswith(program.source)
    assert "    Net(width=4)(x=torch.zeros((2,16,), dtype=torch.int64), torch.randn(1,3))\n" in program.script
