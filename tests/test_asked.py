"""What the program does with a shape: found wrong exactly where Python refuses it, and the program goes on as it does without a check."""

from __future__ import annotations

import contextlib
import io

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import Checker
from shapewright.observe.asked import Asked
from shapewright.source import Sources

_FORMS = [
    "a, b = x.shape", "a, b, c = x.size()", "[a, b, c, d] = x.shape", "a, *b = x.shape", "a, *b, c, d = x.size()", "*a, = x.shape",
    "s = a, b = x.shape", "a = x.shape[2]", "a = x.size()[-3]", "a = x.size(2)", "a = x.shape[-1:]", "a, b = x.shape[:2]",
    "a = [x.shape[k] for k in range(2)]", "a = len(x.shape)", "k = -1; a = x.shape[k]", "a = x.shape[1] * x.size()[0]", "a = x.shape[True]",
]  # fmt: skip

# Python refuses these as well, but reads the shape from a slice or with a name, which nobody foresees
_UNFORESEEN = ("a, b = x.shape[:2]", "a = [x.shape[k] for k in range(2)]", "k = -1; a = x.shape[k]", "a = x.shape[True]")


@pytest.mark.parametrize("form", _FORMS)
@pytest.mark.parametrize("rank", range(6))
def test_the_verdict_is_that_of_python(form: str, rank: int, check: Checker) -> None:
    program = f"import torch\nx = torch.rand({', '.join(['2'] * rank) or '()'})\n{form}\nprint('went on')\n"
    refused = ""
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compile(program, "program.py", "exec"), {})
    except Exception as error:
        refused = type(error).__name__
    report = check.source(program, mend=False)
    if refused and form in _UNFORESEEN:
        assert (report.verdict, report.findings) == ("not-analysed", ())
    else:
        assert report.verdict == ("error" if refused else "clean")
        assert [one.where.line for one in report.findings if one.where is not None and one.severity == "error"] == [3] * bool(refused)


@given(st.integers(0, 5), st.integers(1, 6), st.booleans())
@settings(max_examples=60, deadline=None)
def test_the_exception_is_that_of_python(rank: int, names: int, starred: bool) -> None:
    written = ", ".join([*(f"n{number}" for number in range(names)), *(["*rest"] if starred else [])])
    text = f"{written}, = x.shape\n"
    code = compile(text, "/made/up.py", "exec")
    x, said = torch.rand([1] * rank), None
    try:
        exec(code, {"x": x})
    except ValueError as error:
        said = str(error)
    at = next(number for number, place in enumerate(code.co_positions()) if place[2] == text.index("x.shape") and place[3] == len(text) - 1)
    refused = Asked(Sources(["/made"], {"/made/up.py": text})).refused(code, 2 * at, x.shape)
    assert (str(refused[3]) if refused is not None else None) == said


def test_a_handler_that_hides_it_is_told(check: Checker) -> None:
    program = "import torch\nx = torch.rand(3, 4)\ntry:\n    b, c, h, w = x.shape\nexcept ValueError as error:\n    print(error)\n"
    report = check.source(program, mend=False)
    assert report.verdict == "error" and report.findings[0].swallowed


def test_a_tensor_of_no_program_is_let_be(check: Checker) -> None:
    own = "class Own:\n    shape = (1, 2)\n\n\ntry:\n    a, b, c = Own().shape\nexcept ValueError:\n    pass\n"
    program = f"{own}import torch\ntorch.rand(2).sum()\n"
    assert check.source(program, mend=False).verdict == "clean"
