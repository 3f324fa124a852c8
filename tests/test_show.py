"""The renderers: whole outputs at a fixed width and without colours, from reports made by hand."""

from __future__ import annotations

import io
import json as standard_json
import os
import re
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from rich.cells import cell_len

from shapewright.model import Assumption, Event, ModuleInfo, Span, Stop, Trace
from shapewright.report import Finding, Fix, Label, Refused, Report, TargetReport
from shapewright.show import calls, concise, github, json, table, terminal
from shapewright.show.patch import changes
from shapewright.show.paths import relative
from shapewright.show.progress import progress, sign_of_life
from show_samples import CNN, FAILING, FAILING_COSTS, FC1, FITTING, FITTING_COSTS, event, report, row, span, tensor


def shown(what: Report, *, width: int = 100, verbose: bool = False, unicode: bool = True, colour: bool = False) -> str:
    return terminal.render(what, width=width, colour=colour, verbose=verbose, unicode=unicode)


def snippet_of(source: str, *labels: Label, width: int = 100, unicode: bool = True) -> str:
    """What stands between the position of a finding and its end."""
    finding = Finding("other-shape-error", "error", "it fails", labels[0].span, labels=labels)
    text = shown(report(finding, source=source), width=width, unicode=unicode)
    return text.split("\n\n")[0].split("\n", 2)[2] + "\n"


# -------------------------------------------------------------------------------------------------------- a usual finding

USUAL = """\
error[linear-in-features]: `fc1` expects 2048 input features but receives 8192
  --> model.py:19:20   in SmallCNN.forward, module fc1 (Linear)
   |
12 |         self.fc1 = nn.Linear(32 * 8 * 8, 128)
   |                              ---------- fc1 is built for 32·8·8 = 2048: 32 channels of 8×8
   ⋮
18 |         x = torch.flatten(x, 1)
   |             ------------------- 32·16·16 = 8192: 32 channels of 16×16
19 |         x = F.relu(self.fc1(x))
   |                    ^^^^^^^^^^^ x is f32[1, →8192←], fc1 takes [*, →2048←]
   |
   input            f32[1, 3, 64, 64]
   l.16 conv1, pool f32[1, 16, 32, 32]
   l.17 conv2, pool f32[1, 32, 16, 16]      fc1 assumes 8×8 here
   l.18 flatten     f32[1, 8192]
   = note: with 32×32 images fc1 would fit (32 to 35 pixels do); this run used 64×64
   = note: PyTorch says: mat1 and mat2 shapes cannot be multiplied (1x8192 and 2048x128)

help: build fc1 for 64×64 images   [runs for batch 1, 2, 3 → [B, 10]; parameters 0.27 M → 1.06 M]
   12 -         self.fc1 = nn.Linear(32 * 8 * 8, 128)
   12 +         self.fc1 = nn.Linear(32 * 16 * 16, 128)
help: or pool to 8×8 before flatten   [runs for batch 1, 2, 3, and for 32×32; parameters unchanged]
   18 +         x = F.adaptive_avg_pool2d(x, 8)
help: or feed 32×32 images   [runs → [1, 10]; no change in the model]
   3 more edits run too; 1 was refused: `x.view(-1, 2048)` runs, but turns a batch of 1 into 4
"""
STATUS = "\nerror  model.py   7 torch calls checked, run for real (f32[1, 3, 64, 64])\n"


def test_a_usual_finding_is_shown_as_designed():
    assert shown(report(FC1)) == USUAL + STATUS
    assert USUAL.count("\n") == 25


def test_colours_add_nothing_but_escape_codes(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")  # the caller has decided already
    text = shown(report(FC1), colour=True)
    assert "\x1b[1;31merror[linear-in-features]: \x1b[0m" in text
    assert "\x1b[1;31m→8192←\x1b[0m" in text
    assert re.sub(r"\x1b\[[\d;]*m", "", text) == USUAL + STATUS


def test_plain_ascii():
    text = shown(report(FC1), unicode=False)
    assert text.isascii()
    assert "\n   ...\n18 |" in text
    assert "x is f32[1, >8192<], fc1 takes [*, >2048<]" in text
    assert "fc1 is built for 32*8*8 = 2048: 32 channels of 8x8" in text
    assert "[runs for batch 1, 2, 3 -> [B, 10]; parameters 0.27 M -> 1.06 M]" in text


def test_a_narrow_terminal():
    text = shown(report(FC1), width=40)
    assert max(cell_len(line) for line in text.splitlines() if " + " not in line) <= 40
    assert text.startswith(
        """\
error[linear-in-features]: `fc1` expects
  2048 input features but receives 8192
  --> model.py:19:20   in
      SmallCNN.forward, module fc1
      (Linear)
   |
12 | ….fc1 = nn.Linear(32 * 8 * 8, 128)
   |                   ----------
   | fc1 is built for 32·8·8 = 2048: 32
   | channels of 8×8
   ⋮
18 |         x = torch.flatten(x, 1)
   |             -------------------
   | 32·16·16 = 8192: 32 channels of
   | 16×16
19 |         x = F.relu(self.fc1(x))
   |                    ^^^^^^^^^^^
   | x is f32[1, →8192←], fc1 takes
   | [*, →2048←]
   |
   input            f32[1, 3, 64, 64]
   l.16 conv1, pool f32[1, 16, 32, 32]
   l.17 conv2, pool f32[1, 32, 16, 16]
     fc1 assumes 8×8 here
   l.18 flatten     f32[1, 8192]
"""
    )
    assert text.endswith(
        """\
help: or feed 32×32 images
   [runs → [1, 10]; no change in the
    model]
   3 more edits run too; 1 was refused:
   `x.view(-1, 2048)` runs, but turns a
   batch of 1 into 4

error  model.py   7 torch calls checked,
  run for real (f32[1, 3, 64, 64])
"""
    )


@pytest.mark.parametrize("width", [1, 20, 36, 60, 80, 300])
@pytest.mark.parametrize("unicode", [True, False])
def test_any_width_works(width, unicode):
    text = shown(report(FC1), width=width, unicode=unicode, verbose=True)
    assert "8192" in text
    assert width < 36 or max(cell_len(line) for line in text.splitlines() if " + " not in line) <= width


def test_a_line_to_be_copied_is_whole():
    code = "x = torch.cat([" + "a, " * 80 + "b])"
    diff = f"--- a/model.py\n+++ b/model.py\n@@ -1 +1 @@\n-{code}\n+{code.replace('b', 'c')}\n"
    text = shown(report(replace(FC1, fixes=(Fix("long", (), diff=diff),))), width=60)
    assert f"+ {code.replace('b', 'c')}\n" in text
    assert code not in text


# ---------------------------------------------------------------------------------------------------- source and its labels


def test_labels_on_one_line_beside_and_inside_each_other():
    source = "y = f(a, x.view(-1, 2000))\n"
    text = snippet_of(
        source,
        Label(span(1, 10, 26), "8192 elements", primary=True),
        Label(span(1, 21, 25), "2000 is no divisor"),
        Label(span(1, 5, 6), "called here"),
    )
    assert text == (
        """\
  |
1 | y = f(a, x.view(-1, 2000))
  |     - called here
  |          ^^^^^^^^^^^^^^^^ 8192 elements
  |                     ---- 2000 is no divisor
  |
"""
    )


def test_a_stretch_over_several_lines_is_marked_to_the_end_of_its_first():
    source = "z = torch.cat(\n    [a, b],\n    dim=1,\n)\n"
    assert snippet_of(source, Label(span(1, 5, 2, end_line=4), "joined", primary=True)) == (
        """\
  |
1 | z = torch.cat(
  |     ^^^^^^^^^^ joined (goes on to line 4)
  |
"""
    )


def test_tabs_and_wide_characters_keep_the_marks_in_place():
    source = 'if a:\n\tb = "日本語 😀"; x = a @ b\n'
    assert snippet_of(source, Label(span(2, 6, 13), "text"), Label(span(2, 19, 24), "product", primary=True)) == (
        """\
  |
2 |     b = "日本語 😀"; x = a @ b
  |         ----------- text
  |                          ^^^^^ product
  |
"""
    )
    assert '2 |     b = "?????? ??"; x = a @ b\n' in snippet_of(source, Label(span(2, 19, 24), "product", primary=True), unicode=False)


def test_tabs_go_to_the_next_stop():
    assert "1 | if a:   b   = c\n  |         ^ here\n" in snippet_of("if a:\tb\t= c\n", Label(span(1, 7, 8), "here", primary=True))


def test_a_stretch_longer_than_the_page_begins_where_it_begins():
    source = "prefix " * 20 + "wide(" + "a, " * 40 + ")\n"
    line, marks = snippet_of(source, Label(span(1, 141, 266), "", primary=True), width=60).splitlines()[1:3]
    assert line.startswith("1 | …wide(a, a, ")
    assert marks.index("^") == line.index("wide") and cell_len(marks) <= cell_len(line) <= 60


def test_a_long_line_is_cut_around_what_is_marked():
    source = f"x = f({', '.join(f'a{i}' for i in range(40))}) + wrong  # {'and so on ' * 20}\n"
    start = source.index("wrong") + 1
    text = snippet_of(source, Label(span(1, start, start + 5), "this", primary=True), width=60)
    line, marks = text.splitlines()[1:3]
    assert cell_len(line) <= 60
    assert line[4] == line[-1] == "…"
    assert line[marks.index("^") : marks.rindex("^") + 1] == "wrong"


def test_labels_too_far_apart_for_one_line_get_a_line_each():
    source = f"first({', '.join(f'a{i}' for i in range(40))}, last)\n"
    start = source.index("last") + 1
    text = snippet_of(source, Label(span(1, 1, 6), "here"), Label(span(1, start, start + 4), "and here", primary=True), width=60)
    numbered = [line for line in text.splitlines() if line.startswith("1 |")]
    assert [("first" in line, "last" in line) for line in numbered] == [(True, False), (False, True)]


def test_a_form_feed_is_no_line_end():
    assert "2 | x = 1\n" in snippet_of("a = 0  # \x0c\nx = 1\n", Label(span(2, 1, 2), "here", primary=True))


def test_escape_codes_in_a_source_cannot_reach_the_terminal():
    text = snippet_of("x = '\x1b[31m\u202e'\n", Label(span(1, 1, 2), "a\x1b[0m", primary=True))
    assert "\x1b" not in text and "\u202e" not in text
    assert "1 | x = '�[31m�'\n" in text


def test_several_files_and_one_that_nobody_has():
    finding = replace(
        FC1,
        labels=(Label(span(2, 1, 5, "sizes.py"), "set here"), Label(span(12, 5, 9, "gone.py"), "read there"), FC1.labels[2]),
        story=(),
        fixes=(),
        refused=(),
        more_fixes=0,
        notes=(),
        torch_message=None,
        swallowed=True,
    )
    what = report(finding)
    target = replace(what.targets[0], sources={"model.py": CNN, "sizes.py": "# sizes\nWIDE = 2048\n"})
    assert shown(Report((target,))) == (
        """\
error[linear-in-features]: `fc1` expects 2048 input features but receives 8192
  --> model.py:19:20   in SmallCNN.forward, module fc1 (Linear)
   |
19 |         x = F.relu(self.fc1(x))
   |                    ^^^^^^^^^^^ x is f32[1, →8192←], fc1 takes [*, →2048←]
   |
  ::: sizes.py:2:1
   |
 2 | WIDE = 2048
   | ---- set here
   |
  ::: gone.py:12:5   read there
   = note: the program catches this exception itself and goes on
"""
        + STATUS
    )


# --------------------------------------------------------------------------------------------------- story, fixes, refusals


def long_story(steps: int) -> tuple:
    return (row(None, "input", "", "f32[1]"), *(row(30 + i, "linear", f"layers.{i}", f"f32[{i}]") for i in range(steps)))


def test_a_long_story_keeps_its_first_and_its_last_rows():
    plain = replace(FC1, story=long_story(20), fixes=(), refused=(), more_fixes=0)
    block = shown(report(plain)).split("   |\n   input")[1].split("   = note")[0]
    assert block.splitlines() == [
        "          f32[1]",
        "   … 14 more",
        *(f"   l.{30 + i} layers.{i} f32[{i}]" for i in range(14, 20)),
    ]
    assert "… 14 more" not in shown(report(plain), verbose=True)
    assert "layers.3 " in shown(report(plain), verbose=True)


def test_the_story_gives_way_to_keep_a_finding_short():
    text = shown(report(replace(FC1, story=long_story(20))))
    assert "   input          f32[1]\n   … 18 more\n   l.48 layers.18 f32[18]\n   l.49 layers.19 f32[19]\n" in text
    assert text.split("\n\nerror  ")[0].count("\n") + 1 == 25


def test_rows_of_another_file_say_so():
    rows = (row(3, "conv2d", "a", "f32[1]", file="pkg/blocks.py"), row(3, "conv2d", "b", "f32[2]", file="model.py"))
    text = shown(report(replace(FC1, story=rows)))
    assert "   blocks.py l.3 a f32[1]\n   l.3 b           f32[2]\n" in text


def test_a_remark_stays_with_its_step():
    rows = (row(3, "conv2d", "a", "f32[1]", "here it shrinks"), row(3, "conv2d", "b", "f32[2]"), row(3, "relu", "", "f32[2]"))
    assert "   l.3 a       f32[1]      here it shrinks\n   l.3 b, relu f32[2]\n" in shown(report(replace(FC1, story=rows)))


def test_more_fixes_are_counted_and_shown_when_asked_for():
    fixes = tuple(Fix(f"fix {i}", (), diff="", consequence="") for i in range(5))
    finding = replace(FC1, fixes=fixes, more_fixes=0, refused=(Refused("a", "is slow"), Refused("`b`", "drops data")))
    text = shown(report(finding))
    assert (
        "help: fix 0\nhelp: or fix 1\nhelp: or fix 2\n   2 more edits run too; 2 were refused, the first of them: `a` runs, but is slow\n"
        in text
    )
    text = shown(report(finding), verbose=True)
    assert "help: or fix 4\n   2 edits were refused\n   refused: `a` runs, but is slow\n   refused: `b` runs, but drops data\n" in text


def test_a_very_long_sentence_of_torch_is_cut():
    finding = replace(FC1, torch_message="Error(s) in loading state_dict:\n\t" + "size mismatch for layer.weight; " * 60)
    text = shown(report(finding))
    assert "   = note: PyTorch says: Error(s) in loading state_dict: size mismatch" in text
    assert text.count("size mismatch") < 12
    assert shown(report(finding), verbose=True).count("layer.weight;") == 60


def test_a_diff_over_two_files_and_a_long_one():
    diff = (
        "--- a/model.py\n+++ b/model.py\n@@ -9 +9,2 @@\n-a\n+b\n+c\n"
        "--- a/sizes.py\t2024\n+++ b/sizes.py\t2024\n@@ -2,3 +2,3 @@\n x\n y\n"
        "--- y\n\\ No newline at end of file\n+++ z\n\\ No newline at end of file\n"
    )
    assert [(change.file, change.number, change.sign, change.text) for change in changes(diff)] == [
        ("model.py", 9, "-", "a"), ("model.py", 9, "+", "b"), ("model.py", 10, "+", "c"),
        ("sizes.py", 4, "-", "-- y"), ("sizes.py", 4, "+", "++ z"),
    ]  # fmt: skip
    text = shown(report(replace(FC1, fixes=(Fix("both", (), diff=diff),))))
    assert "help: both\n    9 - a\n    9 + b\n   10 + c\n   ::: sizes.py\n    4 - -- y\n    4 + ++ z\n" in text
    many = "--- a/model.py\n+++ b/model.py\n@@ -0,0 +1,9 @@\n" + "+x\n" * 9
    assert "   6 + x\n   … 3 more changed lines\n" in shown(report(replace(FC1, fixes=(Fix("many", (), diff=many),))))


def test_a_finding_with_nothing_known_but_its_name():
    bare = Finding("other-shape-error", "error", "a call fails", None)
    assert shown(report(bare)) == "error[other-shape-error]: a call fails\n --> model.py\n" + STATUS
    here = Finding("other-shape-error", "error", "a call fails", span(1, 1, 7))
    assert "1 | import torch\n  | ^^^^^^\n" in shown(report(here))


# ------------------------------------------------------------------------------------------------------------------ targets

CLEAN = TargetReport("train.py", "clean", inputs=("f32[1, 3, 64, 64]",), events=61)
STOPPED = TargetReport(
    "read.py", "not-analysed", reason="FileNotFoundError: there is no data.csv", advice="give the file",
    reason_at=span(12, 1, 9, "read.py"), events=5,
)  # fmt: skip
NOTE = Finding("batch-dim-missing", "note", "the image is read as a batch", span(18, 13, 32), labels=())


def test_several_targets_end_in_a_summary():
    fakes = replace(
        CLEAN, target="large.py", how="fake", events=1, inputs=(), findings=(NOTE,),
        assumed=(Assumption("the weights are not needed", 30, "large.py"), Assumption("mnist has 8 images")),
    )  # fmt: skip
    assert shown(Report((CLEAN, fakes, STOPPED, replace(STOPPED, reason_at=None, events=0, advice="")))) == (
        """\
clean  train.py   61 torch calls checked, run for real (f32[1, 3, 64, 64])
clean  large.py   1 torch call checked, run on fake tensors
  assumed: 2 things (shown with --verbose)
  1 note (shown with --verbose)
not analysed  read.py:12: FileNotFoundError: there is no data.csv
  seen until then: 5 torch calls, run for real
  help: give the file
not analysed  read.py: FileNotFoundError: there is no data.csv

4 checked: 2 clean, 2 not analysed
"""
    )
    text = shown(Report((fakes,)), verbose=True)
    assert text.startswith("note[batch-dim-missing]: the image is read as a batch\n")
    assert text.endswith("  assumed: the weights are not needed (large.py:30)\n  assumed: mnist has 8 images\n")


def test_what_was_not_analysed_is_never_called_clean():
    for render in (shown, concise.render, github.render, json.render):
        assert "clean" not in render(Report((STOPPED,)))


def test_where_it_stopped_in_another_file():
    elsewhere = replace(STOPPED, target="model.py:Net", reason_at=span(3, 1, 2, "data.py"), advice="", events=0)
    assert shown(Report((elsewhere,))) == "not analysed  model.py:Net: FileNotFoundError: there is no data.csv (data.py:3)\n"
    assert concise.render(Report((elsewhere,))) == "model.py:Net: not analysed: FileNotFoundError: there is no data.csv (data.py:3)\n"


def test_files_are_named_from_the_working_directory(tmp_path, monkeypatch):
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path)
    assert relative(str(tmp_path / "sub" / "model.py")) == "sub/model.py"
    assert relative("sub/../model.py") == "model.py"
    assert relative("<cell 3>") == "<cell 3>"
    monkeypatch.chdir(tmp_path / "sub")
    assert relative(str(tmp_path / "model.py")) == "../model.py"
    try:
        (tmp_path / "link").symlink_to(tmp_path / "sub", target_is_directory=True)
    except OSError:
        return
    assert relative(str(tmp_path / "link" / "model.py")) == "model.py"


# ---------------------------------------------------------------------------------------------------------- concise, GitHub


def test_concise():
    warning = replace(FC1, severity="warning", fixes=FC1.fixes[:1], where=None)
    assert concise.render(Report((*report(FC1, warning).targets, CLEAN, STOPPED))) == (
        """\
model.py:19:20 error[linear-in-features] fc1 expects 2048 input features but receives 8192 (3 verified fixes)
model.py: warning[linear-in-features] fc1 expects 2048 input features but receives 8192 (1 verified fix)
train.py: clean
read.py:12: not analysed: FileNotFoundError: there is no data.csv
"""
    )


def test_github():
    tricky = replace(
        FC1, severity="warning", headline="100% of a, b: no", where=Span("a,b:c.py", 3, 5, 4, 2), labels=(), fixes=()
    )  # fmt: skip
    assert github.render(Report((*report(FC1, tricky, NOTE).targets, CLEAN, replace(STOPPED, reason="a\r\nb")))) == (
        """\
::error file=model.py,line=19,endLine=19,col=20,endColumn=31,title=linear-in-features::`fc1` expects 2048 input features but receives 8192\
%0Ax is f32[1, →8192←], fc1 takes [*, →2048←]%0Ahelp: build fc1 for 64×64 images
::warning file=a%2Cb%3Ac.py,line=3,endLine=4,title=linear-in-features::100%25 of a, b: no
::notice file=model.py,line=18,endLine=18,col=13,endColumn=32,title=batch-dim-missing::the image is read as a batch
train.py: clean
::warning file=read.py,line=12,endLine=12,col=1,endColumn=9,title=not analysed::a%0D%0Ab%0Ahelp: give the file
"""
    )
    nowhere = replace(STOPPED, target="model.py:Net", reason_at=None, advice="")
    assert github.render(Report((nowhere,))) == "::warning file=model.py,title=not analysed::FileNotFoundError: there is no data.csv\n"


def test_formats_for_programs_do_not_load_rich():
    modules = "shapewright.show.json, shapewright.show.concise, shapewright.show.github"
    code = f"import sys, {modules}; print('rich' in sys.modules, 'torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60).stdout == "False False\n"
    code = "import sys, shapewright.show.terminal; print('rich' in sys.modules)"  # so that the test above can fail
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60).stdout == "True\n"


# --------------------------------------------------------------------------------------------------------------------- JSON

# A dict stands for exactly these keys, a list for any number of such items, a tuple for one of several, a function for a test of its own.
STRETCH = {"file": str, "line": int, "column": int, "end_line": int, "end_column": int}
POINT = {"line": int, "column": int}
NOTHING = type(None)
TOOL = {"name": str, "version": str, "python": str, "torch": (str, NOTHING)}
SCHEMA = {
    "schema": int,
    "tool": TOOL,
    "targets": [
        {
            "target": str,
            "verdict": lambda value: value in ("clean", "warning", "error", "not-analysed"),
            "reason": (str, NOTHING),
            "ran": {
                "how": lambda value: value in ("eager", "fake"),
                "inputs": [str],
                "events": int,
                "assumed": [{"line": (int, NOTHING), "what": str}],
            },
            "findings": [
                {
                    "slug": str,
                    "severity": lambda value: value in ("error", "warning", "note"),
                    "headline": str,
                    "torch_message": (str, NOTHING),
                    "swallowed": bool,
                    "where": ({**STRETCH, "function": (str, NOTHING), "module": (str, NOTHING), "module_type": (str, NOTHING)}, NOTHING),
                    "demand": ({**STRETCH, "text": str, "value": int}, NOTHING),
                    "supply": ({**STRETCH, "value": int, "formula": (str, NOTHING)}, NOTHING),
                    "story": [{"line": (int, NOTHING), "op": str, "module": (str, NOTHING), "inputs": [str], "output": (str, NOTHING)}],
                    "fixes": [
                        {
                            "title": str,
                            "applicability": lambda value: value in ("safe", "suggested", "idea"),
                            "edits": [{"file": str, "start": POINT, "end": POINT, "new": str}],
                            "diff": str,
                            "verdict": lambda value: value in ("fixed", "advances"),
                            "verified": {"how": str, "batches": [int], "outputs": [str]},
                            "parameters": ({"before": int, "after": int}, NOTHING),
                            "keeps_checkpoint": (bool, NOTHING),
                        }
                    ],
                    "refused": [{"title": str, "why": str}],
                }
            ],
        }
    ],
}


def check(value: object, schema: object, path: str = "$") -> list[str]:
    """Where the value is not as the schema says."""
    if isinstance(schema, dict):
        if not isinstance(value, dict) or set(value) != set(schema):
            return [f"{path}: keys {sorted(value) if isinstance(value, dict) else value!r}"]
        return [fault for key in schema for fault in check(value[key], schema[key], f"{path}.{key}")]
    if isinstance(schema, list):
        if not isinstance(value, list):
            return [f"{path}: {value!r} is no list"]
        return [fault for i, item in enumerate(value) for fault in check(item, schema[0], f"{path}[{i}]")]
    if isinstance(schema, tuple):
        faults = [check(value, one, path) for one in schema]
        return [] if [] in faults else faults[0]
    if isinstance(schema, type):
        return [] if type(value) is schema else [f"{path}: {value!r} is no {schema.__name__}"]
    return [] if schema(value) else [f"{path}: {value!r}"]


def test_json_keeps_to_the_contract():
    bare = Finding("other-shape-error", "error", "a call fails", None)
    what = Report((*report(FC1, bare, NOTE).targets, replace(CLEAN, assumed=(Assumption("a", 3), Assumption("b"))), STOPPED), "2.13.0+cpu")
    text = json.render(what)
    assert text.isascii() and text.endswith("}\n")
    document = standard_json.loads(text)
    assert check(document, SCHEMA) == []
    assert document["schema"] == 1
    assert document["tool"]["torch"] == "2.13.0+cpu"
    finding = document["targets"][0]["findings"][0]
    assert finding["where"] == {
        "file": "model.py", "line": 19, "column": 20, "end_line": 19, "end_column": 31,
        "function": "SmallCNN.forward", "module": "fc1", "module_type": "Linear",
    }  # fmt: skip
    assert finding["demand"] == {
        "file": "model.py",
        "line": 12,
        "column": 30,
        "end_line": 12,
        "end_column": 40,
        "text": "32 * 8 * 8",
        "value": 2048,
    }
    assert finding["supply"]["formula"] == "32 * (H // 4) * (W // 4)"
    assert finding["story"][1] == {"line": 16, "op": "conv2d", "module": "conv1", "inputs": [], "output": "f32[1, 16, 64, 64]"}
    assert finding["fixes"][0]["edits"] == [
        {"file": "model.py", "start": {"line": 12, "column": 30}, "end": {"line": 12, "column": 40}, "new": "32 * 16 * 16"}
    ]
    assert finding["fixes"][0]["parameters"] == {"before": 268650, "after": 1055082}
    assert finding["fixes"][0]["keeps_checkpoint"] is False
    assert (finding["fixes"][1]["parameters"], finding["fixes"][1]["keeps_checkpoint"]) == (None, None)
    assert document["targets"][0]["findings"][1]["where"] is None
    assert document["targets"][0]["findings"][2]["where"]["function"] is None
    assert document["targets"][2]["reason"] == "FileNotFoundError: there is no data.csv"


def test_the_check_of_the_contract_can_fail():
    document = json.document(report(FC1))
    document["targets"][0]["findings"][0]["where"].pop("module")
    document["targets"][0]["verdict"] = "fine"
    assert [fault.split(":")[0] for fault in check(document, SCHEMA)] == ["$.targets[0].verdict", "$.targets[0].findings[0].where"]


TRACE_SCHEMA = {
    "schema": int,
    "tool": TOOL,
    "target": str,
    "how": str,
    "inputs": [str],
    "events": [
        {
            "index": int, "line": (int, NOTHING), "file": (str, NOTHING), "op": str, "module": (str, NOTHING),
            "module_type": (str, NOTHING),
            "inputs": [str], "output": (str, NOTHING), "parameters": int, "multiply_adds": int,
        }
    ],
    "output": (str, NOTHING),
    "parameters": int,
    "size_mb": float,
    "multiply_adds": int,
    "failure": (
        {
            "index": int, "line": (int, NOTHING), "file": (str, NOTHING), "op": str, "module": (str, NOTHING), "inputs": [str],
            "type": str, "message": str, "swallowed": bool,
        },
        NOTHING,
    ),
    "stop": ({"reason": str, "kind": str, "line": (int, NOTHING), "file": (str, NOTHING)}, NOTHING),
}  # fmt: skip


def test_a_trace_as_json():
    document = json.trace_document(FITTING, "model.py:SmallCNN", FITTING_COSTS)
    assert check(document, TRACE_SCHEMA) == []
    assert document["events"][0] == {
        "index": 0, "line": 16, "file": "model.py", "op": "conv2d", "module": "conv1", "module_type": "Conv2d",
        "inputs": ["f32[1, 3, 64, 64]"], "output": "f32[1, 16, 64, 64]", "parameters": 448, "multiply_adds": 1769472,
    }  # fmt: skip
    assert (document["output"], document["parameters"], document["failure"]) == ("f32[1, 128]", 279_232, None)
    assert sum(one["parameters"] for one in document["events"]) == 279_232
    failed = json.trace_document(replace(FAILING, stop=Stop("it ended", None)), "model.py", FAILING_COSTS)
    assert check(failed, TRACE_SCHEMA) == []
    assert (failed["failure"]["index"], failed["failure"]["module"], failed["failure"]["inputs"]) == (3, "head.0", ["f32[1, 16384]"])
    assert failed["output"] is None


# -------------------------------------------------------------------------------------------------------------------- table

TOTALS = """
  parameters     279,232 (1.12 MB)
  multiply-adds  2,064,384
  9 torch calls, run for real (f32[1, 3, 64, 64])
"""


def tabled(trace: Trace, costs, *, width: int = 100, depth: int | None = None, unicode: bool = True) -> str:
    return table.render(trace, costs=costs, width=width, colour=False, depth=depth, unicode=unicode)


def test_the_table_of_a_trace():
    assert tabled(FITTING, FITTING_COSTS) == (
        """\
  line  call                 inputs              output              parameters  multiply-adds
    16  conv1 Conv2d         f32[1, 3, 64, 64]   f32[1, 16, 64, 64]         448      1,769,472
    16  pool MaxPool2d       f32[1, 16, 64, 64]  f32[1, 16, 32, 32]
    17  adaptive_avg_pool2d  f32[1, 16, 32, 32]  f32[1, 16, 8, 16]
    18  flatten              f32[1, 16, 8, 16]   f32[1, 2048]
    19  head.0 Linear        f32[1, 2048]        f32[1, 128]            262,272        262,144
    19  head.1 ReLU          f32[1, 128]         f32[1, 128]
    19  head.2 Linear        f32[1, 128]         f32[1, 128]             16,512         16,384
    20  head.2 Linear        f32[1, 128]         f32[1, 128]            (again)         16,384
    20  add                  f32[1, 128]         f32[1, 128]
                             f32[1, 128]
"""
        + TOTALS
    )


def test_deeper_modules_are_put_together():
    text = tabled(FITTING, FITTING_COSTS, depth=1)
    assert "    19  head Sequential      f32[1, 2048]        f32[1, 128]            278,784        294,912\n" in text
    assert "head.0" not in text
    assert text.endswith(TOTALS)
    assert tabled(FITTING, FITTING_COSTS, depth=0) == (
        """\
  line  call      inputs             output       parameters  multiply-adds
    16  SmallCNN  f32[1, 3, 64, 64]  f32[1, 128]     279,232      2,064,384
"""
        + TOTALS
    )


def test_a_module_called_twice_in_a_row_has_two_rows():
    head = FITTING.events[4:7]
    twice = replace(FITTING, events=(*head, *(replace(one, call_number=2) for one in head)))
    text = tabled(twice, (1, 2, 3, 4, 5, 6), depth=1)
    assert [line.split()[-1] for line in text.splitlines() if "Sequential" in line] == ["6", "15"]
    assert text.count("(again)") == 1


def test_a_narrow_table_does_without_columns():
    text = tabled(FITTING, FITTING_COSTS, width=60)
    assert text.startswith("  line  call                 output              parameters\n")
    text = tabled(FITTING, FITTING_COSTS, width=40)
    assert text.startswith(
        "  line  call          output\n    16  conv1 Conv2d  f32[1, 16, 64, 64]\n    16  pool MaxPoo…  f32[1, 16, 32, 32]\n"
    )
    assert max(map(cell_len, text.splitlines())) <= 40
    assert tabled(FITTING, FITTING_COSTS, width=40, unicode=False).isascii()


def test_the_table_of_a_failed_run_goes_up_to_the_failure():
    assert tabled(FAILING, FAILING_COSTS) == (
        """\
  line  call            inputs              output              parameters  multiply-adds
    16  conv1 Conv2d    f32[1, 3, 64, 64]   f32[1, 16, 64, 64]         448      1,769,472
    16  pool MaxPool2d  f32[1, 16, 64, 64]  f32[1, 16, 32, 32]
    18  flatten         f32[1, 16, 32, 32]  f32[1, 16384]
>   19  head.0 Linear   f32[1, 16384]       fails                  262,272

  line 19: head.0 (Linear) fails with f32[1, 16384], head.0.weight f32[128, 2048], head.0.bias
    f32[128]
  PyTorch says: mat1 and mat2 shapes cannot be multiplied (1x16384 and 2048x128)

  parameters     279,232 (1.12 MB, 16,512 of them in layers that were not called)
  multiply-adds  1,769,472
  4 torch calls, run for real (f32[1, 3, 64, 64])
  assumed: 1 thing (shown with --verbose)
"""
    )


def test_an_empty_trace_and_one_that_stopped():
    stopped = Trace(stop=Stop("a file is missing", span(3, 1, 2), advice="give it"), how="fake")
    assert tabled(stopped, ()) == (
        """\

  stopped: a file is missing (model.py:3)
  help: give it

  parameters     0
  multiply-adds  0
  0 torch calls, run on fake tensors
"""
    )


def test_calls_of_functions_are_named_with_the_module_they_stand_in():
    inside = replace(FITTING, events=(event(0, "add", 5, (tensor(2), tensor(2), tensor(2), tensor(2)), tensor(2), 3),))
    assert """\
     5  head: add  f32[2]    f32[2]
                   f32[2]
                   … 2 more
""" in tabled(inside, (0,))


def test_a_shared_parameter_counts_once_and_knows_its_size():
    tied = replace(
        FITTING,
        modules=(*FITTING.modules, replace(FITTING.modules[6], index=7, path="tied", parameters={"weight": (128, 128)})),
        events=(
            *FITTING.events,
            event(9, "linear", 21, (tensor(1, 128), tensor(128, 128, name="head.2.weight", dtype="float16")), tensor(1, 128), 7),
        ),
    )
    assert calls.parameters(tied) == 279_232
    assert calls.megabytes(tied) == pytest.approx((279_232 * 4 - 128 * 128 * 2) / 1e6)


def test_calls_through_which_nothing_flows_have_no_row():
    weight = tensor(16, name="conv1.bias")
    noise = (event(0, "zero", 7, (weight,), weight, None, inplace=True), Event(1, "not-recorded"))
    trace = replace(FITTING, events=(*noise, *FITTING.events), total_events=11)
    assert tabled(trace, (0, 0, *FITTING_COSTS)) == tabled(FITTING, FITTING_COSTS)
    assert json.trace_document(trace, "", (0, 0, *FITTING_COSTS))["events"] == json.trace_document(FITTING, "", FITTING_COSTS)["events"]


def test_a_layer_whose_call_is_one_event_has_the_parameters_below_it():
    modules = (
        *FITTING.modules[:1],
        ModuleInfo(1, "att", "MultiheadAttention", parameters={"in_proj_weight": (24, 8)}, parent=0),
        ModuleInfo(2, "att.out_proj", "Linear", parameters={"weight": (8, 8)}, parent=1),
    )
    attention = event(0, "multiheadattention", 5, (tensor(1, 4, 8),), tensor(1, 4, 8), 1, call="module")
    text = tabled(replace(FITTING, events=(attention,), modules=modules), (7,))
    assert "     5  att MultiheadAttention  f32[1, 4, 8]  f32[1, 4, 8]         256              7\n" in text
    assert "not called" not in text


def test_a_run_that_a_failure_ended_says_so_once():
    stopped = replace(FAILING, stop=Stop("RuntimeError: mat1 and mat2 …", span(19, 1, 2)))
    assert tabled(stopped, FAILING_COSTS) == tabled(FAILING, FAILING_COSTS)
    swallowed = replace(FAILING.events[3], failure=replace(FAILING.events[3].failure, swallowed=True))
    text = tabled(replace(stopped, events=(*FAILING.events[:3], swallowed), total_events=9), FAILING_COSTS)
    assert "  stopped: RuntimeError: mat1 and mat2 … (model.py:19)\n" in text
    assert "  the program catches this exception itself and goes on\n" in text
    assert "\n  4 of 9 torch calls, run for real" in text


# ------------------------------------------------------------------------------------------------------------------ progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_shown_on_a_terminal_and_erased(monkeypatch):
    monkeypatch.setattr("shapewright.show.progress.get_terminal_size", lambda: os.terminal_size((30, 20)))
    stream = Terminal()
    with progress(12, stream, after=0) as step:
        step("train.py")
        assert stream.getvalue() == "\rchecking 1/12 train.py"
        step("a.py")
        assert stream.getvalue().endswith("\rchecking 2/12 a.py    ")
        step("a/very/long/way/to/the/model.py")
        assert cell_len(stream.getvalue().rpartition("\r")[2]) == 29
    assert stream.getvalue().endswith("\r" + " " * 29 + "\r")


def test_a_single_target_that_takes_long_is_shown_too():
    stream = Terminal()
    with progress(1, stream, after=0.01) as step:
        step("train.py")
        for _ in range(1000):
            if stream.getvalue():
                break
            time.sleep(0.01)
    assert stream.getvalue() == "\rchecking train.py\r                 \r"


def test_no_progress_for_short_checks_and_where_nobody_looks_on():
    stream, file = Terminal(), io.StringIO()
    for where, after in ((stream, 3600.0), (file, 0.0)):
        with progress(3, where, after=after) as step:
            step("train.py")
    assert stream.getvalue() == file.getvalue() == ""


def test_one_line_says_that_a_log_is_waited_for():
    for after, seconds, said in ((0.01, 0.3, "looking\nnothing\n"), (3600.0, 0.0, "")):
        file = io.StringIO()
        with sign_of_life(file, "looking", after=after) as end:
            time.sleep(seconds)
            end("nothing")
        assert file.getvalue() == said


def test_only_the_terminal_side_knows_rich():
    import shapewright.show

    using = {
        path.name
        for path in Path(shapewright.show.__file__).parent.glob("*.py")
        if re.search(r"^\s*(from|import) rich", path.read_text("utf-8"), re.M)
    }
    assert using == {"paint.py", "terminal.py", "table.py", "progress.py"}
