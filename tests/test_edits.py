"""Edits of Python source. In the tables «…» marks the span; the rest of the text must come out as it went in."""

from __future__ import annotations

import ast
import gc
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shapewright.model import Span
from shapewright.reason import tree
from shapewright.reason.edits import Code
from shapewright.reason.patches import applied, forward, line_starts, offset, point
from shapewright.report import Edit

FILE = "/home/me/model.py"
HERE = Path(__file__).parent
PROGRAMS = sorted((HERE / "scripts").glob("*.py")) + sorted((HERE.parent / "src" / "shapewright").rglob("*.py"))


def marked(source: str) -> tuple[Code, Span]:
    """The code of a marked source, and the marked span."""
    start = source.index("«")
    end = source.index("»") - 1
    text = source.replace("«", "").replace("»", "")
    code = Code.of(FILE, text)
    assert code is not None
    starts = line_starts(text)
    return code, Span(FILE, *point(starts, start), *point(starts, end))


def after(code: Code, edits: tuple[Edit, ...]) -> str | None:
    """The text after the edits, None when there are none. What comes out must be Python."""
    if not edits:
        return None
    text = applied(code.text, edits)
    ast.parse(text)
    return text


def result(source: str, method: str, *words: object, **named: object) -> str | None:
    code, span = marked(source)
    return after(code, getattr(code, method)(span, *words, **named))


def seen(source: str, method: str, *words: object) -> str | None:
    """What stands at the span that a method gives."""
    code, span = marked(source)
    found = getattr(code, method)(span, *words)
    return code.text_at(found) if found is not None else None


@pytest.mark.parametrize(
    ("source", "new", "expected"),
    [
        ("a * «b»", "c + d", "a * (c + d)"),
        ("a + «b»", "c + d", "a + (c + d)"),
        ("«a» + b", "c + d", "c + d + b"),
        ("«a» * b", "c + d", "(c + d) * b"),
        ("a - «b»", "c", "a - c"),
        ("a * («b»)", "c + d", "a * (c + d)"),
        ("a * «(b)»", "c", "a * c"),
        ("a * «(b)»", "c + d", "a * (c + d)"),
        ("a ** «b»", "-c", "a ** -c"),
        ("«a» ** b", "-c", "(-c) ** b"),
        ("«a» ** b", "c ** d", "(c ** d) ** b"),
        ("-«a»", "b ** c", "-b ** c"),
        ("-«a»", "b * c", "-(b * c)"),
        ("not «a»", "b == c", "not b == c"),
        ("a == «b»", "not c", "a == (not c)"),
        ("a < «b» < c", "d or e", "a < (d or e) < c"),
        ("a and «b»", "c or d", "a and (c or d)"),
        ("«a».b", "c + d", "(c + d).b"),
        ("«a».b", "1", "(1).b"),
        ("«a».b", "c.d(e)", "c.d(e).b"),
        ("a.«view»(b)", "reshape", "a.reshape(b)"),
        ("«a»[0]", "b if c else d", "(b if c else d)[0]"),
        ("a[«0»]", "1, 2", "a[1, 2]"),
        ("a[«0», 1]", "1, 2", "a[(1, 2), 1]"),
        ("a[«0»:1]", "b if c else d", "a[(b if c else d):1]"),
        ("f(«a»)", "b if c else d", "f(b if c else d)"),
        ("f(«a»)", "1, 2", "f((1, 2))"),
        ("f(«a»)", "b := c", "f((b := c))"),
        ("f(«a»)", "b for b in c", "f((b for b in c))"),
        ("f(k=«a»)", "b,", "f(k=(b,))"),
        ("f«(x for x in y)»", "z", "f(z)"),
        ("a = «b»", "c, d", "a = c, d"),
        ("a = «b»", "b\n+ c", "a = (b\n+ c)"),
        ("a = «b»", "f(\n    b\n)", "a = f(\n    b\n)"),
        ("for a in «b»: pass", "c, d", "for a in c, d: pass"),
        ("[a for a in «b» if c]", "d if e else f", "[a for a in (d if e else f) if c]"),
        ("return«[a]»", "b", "return b"),
        ("a = «(1)»if b else c", "d", "a = d if b else c"),
        ("a = «1, 2»", "b", "a = b"),
        ("a = «(1, 2)»", "b", "a = b"),
        ("a = f(«(1, 2)») * 2", "b + c", "a = f(b + c) * 2"),
        ("lambda a=«1»: «».join(a)".replace("«».", "a."), "2", "lambda a=2: a.join(a)"),
        ("def f(a: int = «64», *b): pass", "32 * 2", "def f(a: int = 32 * 2, *b): pass"),
        ("@f(«1»)\nclass A:\n    pass", "2", "@f(2)\nclass A:\n    pass"),
        ("class A:\n    @f(«1»)\n    def g(self): pass", "2", "class A:\n    @f(2)\n    def g(self): pass"),
        ("é = '漢😀'; a = f('😀', «b»)", "c", "é = '漢😀'; a = f('😀', c)"),
        ("a = f'ü{«b»!r:>{w}} {c}'", "d + 1", "a = f'ü{d + 1!r:>{w}} {c}'"),
        ("if a:\n\tb = (c +  # why\n\t     «d»)\n", "e", "if a:\n\tb = (c +  # why\n\t     e)\n"),
        ("with f(«a») as b, c: pass", "d", "with f(d) as b, c: pass"),
        ("match a:\n    case 1 if «b»: pass", "c", "match a:\n    case 1 if c: pass"),
        ("«a» = 1", "b", "b = 1"),
        ("def f():\n    x = yield «a»", "b + c", "def f():\n    x = yield b + c"),
    ],
)
def test_replace(source: str, new: str, expected: str) -> None:
    assert result(source, "replace", new) == expected


@pytest.mark.parametrize(
    ("source", "new"),
    [
        ("a = «b»", "c) + (d"),
        ("a = «b»", "c), (d"),
        ("a = «b»", "c # d"),
        ("a = «b»", "c; d"),
        ("a = «b»", ""),
        ("a = «b»", "def"),
        ("a = «b»", "*c"),
        ("«a» = 1", "f(x)"),
        ("a.«b»", "c.d"),
        ("a.«b»", "class"),
        ("a = b «+» c", "-"),
        ("a = «b +» c", "d"),
        ("a = «'b'» 'c'", "d"),
        ("a = f'{«b»}'", "c['d']"),
        ("a = f'{«b»}'", "{1: 2}"),
        ("f(«*a»)", "b"),
        ("f(«a=1»)", "b"),
        ("«a = 1»", "b"),
    ],
)
def test_replace_only_an_expression_by_an_expression(source: str, new: str) -> None:
    assert result(source, "replace", new) is None


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a = «b»", "a = torch.flatten(b, 1)"),
        ("a = «b + c» * 2".replace("«b + c»", "(«b + c»)"), "a = (torch.flatten(b + c, 1)) * 2"),
        ("a = «(b + c)» * 2", "a = torch.flatten((b + c), 1) * 2"),
        ("a = «b + c»", "a = torch.flatten(b + c, 1)"),
        ("return«(b)»", "return torch.flatten((b), 1)"),
        ("a = «b, c»", "a = torch.flatten((b, c), 1)"),
        ("a = «(b, c)»", "a = torch.flatten((b, c), 1)"),
        ("a = («b, c»)", "a = torch.flatten((b, c), 1)"),
        ("a = («b := c»)", "a = torch.flatten((b := c), 1)"),
        ("if «b := c»: pass", "if torch.flatten((b := c), 1): pass"),
        ("a = sum(«b for b in c»)", "a = sum(torch.flatten((b for b in c), 1))"),
        ("a = sum«(b for b in c)»", "a = sum(torch.flatten((b for b in c), 1))"),
        ("a = «yield b»", "a = torch.flatten((yield b), 1)"),
        ("a = «lambda: b»", "a = torch.flatten(lambda: b, 1)"),
        ("a = «*b, c»", "a = torch.flatten((*b, c), 1)"),
        ("a = f(b,\n      «c\n      .d()»)", "a = f(b,\n      torch.flatten(c\n      .d(), 1))"),
        ("a = not«(b)»", "a = not torch.flatten((b), 1)"),
    ],
)
def test_wrap(source: str, expected: str) -> None:
    assert result(source, "wrap", "torch.flatten(", ", 1)") == expected


@pytest.mark.parametrize(
    ("source", "before", "after", "expected"),
    [
        ("a = «b»", "2 * ", "", "a = 2 * b"),
        ("a = «b + c»", "2 * ", "", "a = 2 * (b + c)"),
        ("a = «b» ** 2", "-", "", "a = (-b) ** 2"),
        ("a = «b».c", "d + ", "", "a = (d + b).c"),
        ("a = «b»", "x, ", "", "a = x, b"),
        ("f(«b»)", "x, ", "", "f((x, b))"),
        ("a = «b»", "f(", "", None),
        ("«a» = b", "f(", ")", None),
        ("for «a» in b: pass", "f(", ")", None),
        ("a.«b»", "f(", ")", None),
        ("f(«*b»)", "f(", ")", None),
        ("f(«b»=1)", "f(", ")", None),
        ("import «a»", "f(", ")", None),
    ],
)
def test_wrap_in_anything(source: str, before: str, after: str, expected: str | None) -> None:
    assert result(source, "wrap", before, after) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a = «b»", "a = b.flatten(1)"),
        ("a = «b + c»", "a = (b + c).flatten(1)"),
        ("a = («b + c»)", "a = (b + c).flatten(1)"),
        ("a = «(b + c)»", "a = (b + c).flatten(1)"),
        ("a = («b»)", "a = (b.flatten(1))"),
        ("a = d * («b + c») * e", "a = d * (b + c).flatten(1) * e"),
        ("a = «-b»", "a = (-b).flatten(1)"),
        ("a = -«b»", "a = -b.flatten(1)"),
        ("a = «lambda: b»", "a = (lambda: b).flatten(1)"),
        ("async def f():\n    a = «await b»", "async def f():\n    a = (await b).flatten(1)"),
        ("a = «1»", "a = (1).flatten(1)"),
        ("a = «1.5»", "a = (1.5).flatten(1)"),
        ("a = «b if c else d»", "a = (b if c else d).flatten(1)"),
        ("a = «b, c»", "a = (b, c).flatten(1)"),
        ("a = «f(b)[0].c»", "a = f(b)[0].c.flatten(1)"),
        ("a = «'b' 'c'»", "a = 'b' 'c'.flatten(1)"),
        ("a = «f(\n    b,\n)»  # c", "a = f(\n    b,\n).flatten(1)  # c"),
        ("a = (\n    «b\n    .c()»\n)", "a = (\n    b\n    .c().flatten(1)\n)"),
        ("return«(b)»", "return(b).flatten(1)"),
        ("a = b if«(c)»else d", "a = b if(c).flatten(1)else d"),
        ("a = f'{«b»}'", "a = f'{b.flatten(1)}'"),
    ],
)
def test_append(source: str, expected: str) -> None:
    assert result(source, "append", ".flatten(1)") == expected


@pytest.mark.parametrize(
    ("source", "suffix", "expected"),
    [
        ("a = «b»", "[:, None]", "a = b[:, None]"),
        ("a = «b + c»", "[:, None]", "a = (b + c)[:, None]"),
        ("a = f('😀', «é + b»)", "[0]", "a = f('😀', (é + b)[0])"),
        ("a = «b»", " * 2", "a = b * 2"),
        ("a = «b + c»", " * 2", "a = (b + c) * 2"),
        ("a = «b * c»", " * 2", "a = b * c * 2"),
        ("a = d ** «b»", " * 2", "a = d ** (b * 2)"),
        ("a = «b ** c»", " ** 2", "a = (b ** c) ** 2"),
        ("a = «b»", ".c)(", None),
        ("a = «b»", " = c", None),
        ("«a» = b", "[0]", None),
        ("a, [«b», c] = d", "[0]", None),
        ("«a»[0] = b", "[0]", "a[0][0] = b"),
        ("def f(«a»): pass", "[0]", None),
        ("a = f'{«b»}'", "['c']", None),
        ("for a in b:\n    «c»\n", ".d()", "for a in b:\n    c.d()\n"),
    ],
)
def test_append_anything(source: str, suffix: str, expected: str | None) -> None:
    assert result(source, "append", suffix) == expected


def test_insertions_are_of_no_width() -> None:
    for method, words in (("wrap", ("f(", ", 1)")), ("append", (".f(1)",))):
        code, span = marked("a = «b + c»")
        for edit in getattr(code, method)(span, *words):
            assert (edit.span.line, edit.span.column) == (edit.span.end_line, edit.span.end_column)


CALL = "nn.Conv2d(3, (16), *more, kernel_size=(3), **rest)"


def test_arguments() -> None:
    code, span = marked("a = «nn.Conv2d(3, (16), kernel_size=(3, 3), bias=(b), **rest, c=1)»")
    given = [(name, code.text_at(place)) for name, place in code.arguments(span)]
    assert given == [(None, "3"), (None, "16"), ("kernel_size", "(3, 3)"), ("bias", "b")]
    assert code.arguments(Span(FILE, 1, 1, 1, 2)) == ()


@pytest.mark.parametrize(
    ("name", "position", "expected"),
    [
        ("kernel_size", None, "3"),
        ("kernel_size", 0, "3"),
        (None, 0, "3"),
        (None, 1, "16"),
        ("bias", 1, "16"),
        (None, 2, None),
        (None, 3, None),
        (None, -1, None),
        (None, 9, None),
        ("rest", None, None),
        ("bias", None, None),
        (None, None, None),
    ],
)
def test_argument(name: str | None, position: int | None, expected: str | None) -> None:
    assert seen(f"x = «{CALL}»", "argument", name, position) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("«f(a, dim=(1))»", "f(a, dim=(1 + 1))"),
        ("«f(a, dim=1)»", "f(a, dim=1 + 1)"),
        ("«f()»", "f(dim=1 + 1)"),
        ("«f(  # why\n)»", "f(dim=1 + 1  # why\n)"),
        ("«f(a)»", "f(a, dim=1 + 1)"),
        ("«f(a,)»", "f(a, dim=1 + 1,)"),
        ("«f(a, **b)»", "f(a, dim=1 + 1, **b)"),
        ("«f(*a, **b)»", "f(*a, dim=1 + 1, **b)"),
        ("«f(**b, c=1)»", "f(**b, c=1, dim=1 + 1)"),
        ("«f(x for x in y)»", "f((x for x in y), dim=1 + 1)"),
        ("«(f)(a)»", "(f)(a, dim=1 + 1)"),
        ("«f (a)»", "f (a, dim=1 + 1)"),
        ("«f('(', *a)»", "f('(', *a, dim=1 + 1)"),
        ("«f(\n    a,\n)»", "f(\n    a,\n    dim=1 + 1,\n)"),
        ("«f(\n    a\n)»", "f(\n    a,\n    dim=1 + 1\n)"),
        ("«f(\n    a,  # why\n    b=2,  # so, yes\n)»", "f(\n    a,  # why\n    b=2,  # so, yes\n    dim=1 + 1,\n)"),
        ("«f(\n    a,  # why\n    b=2  # so\n)»", "f(\n    a,  # why\n    b=2,  # so\n    dim=1 + 1\n)"),
        ("«f(\n\ta,\n\tb)»", "f(\n\ta,\n\tb,\n\tdim=1 + 1)"),
        ("«f(a,\n  b)»", "f(a,\n  b,\n  dim=1 + 1)"),
        ("«f(\n    a, b,\n    c,\n)»", "f(\n    a, b,\n    c, dim=1 + 1,\n)"),
        ("«f(\n    a,\n    **b,\n)»", "f(\n    a,\n    dim=1 + 1,\n    **b,\n)"),
        ("«f(\n    g(\n        a\n    ),\n)»", "f(\n    g(\n        a\n    ),\n    dim=1 + 1,\n)"),
        ("«f(\n    a\n    , b\n    ,\n)»", "f(\n    a\n    , b, dim=1 + 1\n    ,\n)"),
    ],
)
def test_set_argument(source: str, expected: str) -> None:
    assert result(source, "set_argument", "dim", "1 + 1", 7) == expected


def test_set_argument_by_position() -> None:
    assert result("«f(a, 1, b=2)»", "set_argument", "dim", "1 + 1", 1) == "f(a, 1 + 1, b=2)"
    assert result("«f(a, 1, b=2)»", "set_argument", "dim", "1 + 1", 2) == "f(a, 1, b=2, dim=1 + 1)"
    assert result("«f(*a, 1)»", "set_argument", "dim", "1 + 1", 1) == "f(*a, 1, dim=1 + 1)"


def test_set_argument_refuses_what_is_no_argument() -> None:
    assert result("«f»(a)", "set_argument", "dim", "1") is None
    assert result("«f(a)»", "set_argument", "lambda", "1") is None
    assert result("«f(a)»", "set_argument", "dim", "1, 2") == "f(a, dim=(1, 2))"
    assert result("«f(a)»", "set_argument", "dim", "1)(2") is None


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("«f(a, dim=1)»", "f(a)"),
        ("«f(dim=1)»", "f()"),
        ("«f(dim=1, )»", "f( )"),
        ("«f(dim=1, b=2)»", "f(b=2)"),
        ("«f(a, dim=1, b=2)»", "f(a, b=2)"),
        ("«f(a, dim=1,)»", "f(a,)"),
        ("«f(a, 1)»", "f(a)"),
        ("«f(a, 1, b=2)»", "f(a, b=2)"),
        ("«f(a, 1, 2)»", None),
        ("«f(a, 1, *b)»", None),
        ("«f(a)»", None),
        ("«f(a, *b, dim=1)»", "f(a, *b)"),
        ("«f(\n    a,\n    dim=1,  # why\n    b=2,\n)»", "f(\n    a,\n    b=2,\n)"),
        ("«f(\n    a,\n    dim=1,\n)»", "f(\n    a,\n)"),
        ("«f(\n    a,  # why\n    dim=1\n)»", "f(\n    a  # why\n)"),
        ("«f(a,  # why\n  dim=1)»", "f(a,  # why\n  )"),
        ("«f(a,\n  dim=1)»", "f(a)"),
        ("«f(dim=1,\n  b=2)»", "f(b=2)"),
        ("«f(dim=1,  # why\n  b=2)»", "f(  # why\n  b=2)"),
        ("«f(a,\n  dim=1, b=2)»", "f(a,\n  b=2)"),
        ("«f(\n    dim=1,\n)»", "f(\n)"),
    ],
)
def test_drop_argument(source: str, expected: str | None) -> None:
    assert result(source, "drop_argument", "dim", 1) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("«nn.BatchNorm2d(3)»", "BatchNorm2d"),
        ("«f(3)»", "f"),
        ("a = «self.net[0].conv(3)»", "conv"),
        ("«f()(3)»", None),
        ("«f»(3)", None),
        ("«a[0](3)»", None),
        ("«(f)(3)»", "f"),
    ],
)
def test_callee(source: str, expected: str | None) -> None:
    assert seen(source, "callee") == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("f(g(«a»), b)", "g(a)"),
        ("f(g(a), k=«b + 1»)", "f(g(a), k=b + 1)"),
        ("f(«(a)»)", "f((a))"),
        ("f(«a» + b)", None),
        ("f([«a»])", None),
        ("f(*«a»)", None),
        ("class A(«b»): pass", None),
        ("@f(«a»)\ndef g(): pass", "f(a)"),
        ("f«(x for x in y)»", "f(x for x in y)"),
    ],
)
def test_enclosing_call(source: str, expected: str | None) -> None:
    assert seen(source, "enclosing_call") == expected


@pytest.mark.parametrize(
    ("source", "before", "behind"),
    [
        ("s(a, «b»)", "s(a, NEW, b)", "s(a, b, NEW)"),
        ("s(«a», b)", "s(NEW, a, b)", "s(a, NEW, b)"),
        ("s(a, «b»,)", "s(a, NEW, b,)", "s(a, b, NEW,)"),
        ("[«a»]", "[NEW, a]", "[a, NEW]"),
        ("(«a»,)", "(NEW, a,)", "(a, NEW,)"),
        ("x = «a», b", "x = NEW, a, b", "x = a, NEW, b"),
        ("{«a»}", "{NEW, a}", "{a, NEW}"),
        ("[*«a»]", None, None),
        ("[«*a»]", "[NEW, *a]", "[*a, NEW]"),
        ("[(«a»), b]", "[NEW, (a), b]", "[(a), NEW, b]"),
        ("s(k=«a»)", "s(NEW, k=a)", None),
        ("s(«x for x in y»)", "s(NEW, (x for x in y))", "s((x for x in y), NEW)"),
        ("s(\n    a,\n    «b»,\n)", "s(\n    a,\n    NEW,\n    b,\n)", "s(\n    a,\n    b,\n    NEW,\n)"),
        ("s(\n    «a»,  # one\n    b\n)", "s(\n    NEW,\n    a,  # one\n    b\n)", "s(\n    a,  # one\n    NEW,\n    b\n)"),
        ("s(\n\ta,\n\t«b»  # two\n)", "s(\n\ta,\n\tNEW,\n\tb  # two\n)", "s(\n\ta,\n\tb,  # two\n\tNEW\n)"),
        ("s(«a»,\n  b)", "s(NEW,\n  a,\n  b)", "s(a,\n  NEW,\n  b)"),
        ("s(\n    a, «b»,\n    c)", "s(\n    a, NEW, b,\n    c)", "s(\n    a, b, NEW,\n    c)"),
        ("a[«b», c]", None, None),
        ("{«a»: b}", None, None),
        ("«a» + b", None, None),
        ("class A(«b»): pass", None, None),
        ("s(«k»=a)", None, None),
        ("s(a + «b»)", None, None),
    ],
)
def test_insert_element(source: str, before: str | None, behind: str | None) -> None:
    assert result(source, "insert_element", "NEW") == before
    assert result(source, "insert_element", "NEW", after=True) == behind


def test_a_tuple_stays_one_element() -> None:
    assert result("[a, «b»]", "insert_element", "1, 2") == "[a, (1, 2), b]"
    assert result("f(a, «b»)", "insert_element", "k=2", after=True) == "f(a, b, k=2)"
    assert result("f(a, «b»)", "insert_element", "k=2") is None


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("s(a, «b», c)", "s(a, c)"),
        ("s(«a», b)", "s(b)"),
        ("s(a, «b»)", "s(a)"),
        ("s(«a»)", "s()"),
        ("[a, «b»,]", "[a,]"),
        ("s(a, k=«b»)", "s(a)"),
        ("(a, «b»)", "(a,)"),
        ("(«a», b)", "(b,)"),
        ("(a, «b»,)", "(a,)"),
        ("(«a», b,)", "(b,)"),
        ("(a, «b», c)", "(a, c)"),
        ("x = a, «b»", "x = a,"),
        ("[\n    a,\n    «b»,  # two\n    c,\n]", "[\n    a,\n    c,\n]"),
        ("[\n    a,\n    «b»\n]", "[\n    a\n]"),
        ("(\n    a,\n    «b»\n)", "(\n    a,\n)"),
        ("[\n    «a», b,\n    c,\n]", "[\n    b,\n    c,\n]"),
        ("[\n    a, «b»,\n    c,\n]", "[\n    a,\n    c,\n]"),
        ("[a, «*b»]", "[a]"),
        ("a + «b»", None),
        ("[a, f(\n    «b»,\n    c\n)]", "[a, f(\n    c\n)]"),
        ("[a,\n «(b,\n   c)»,\n d]", "[a,\n d]"),
    ],
)
def test_remove_element(source: str, expected: str | None) -> None:
    assert result(source, "remove_element") == expected


@pytest.mark.parametrize(
    ("source", "before", "behind"),
    [
        ("«x»", "NEW\nx", "x\nNEW"),
        ("x = f(«y»)  # why\nz\n", "NEW\nx = f(y)  # why\nz\n", "x = f(y)  # why\nNEW\nz\n"),
        (
            "def f():\n\tif a:\n\t\tx = «y»\n\tz\n",
            "def f():\n\tif a:\n\t\tNEW\n\t\tx = y\n\tz\n",
            "def f():\n\tif a:\n\t\tx = y\n\t\tNEW\n\tz\n",
        ),
        ("x = f(\n  «y»,\n)\nz\n", "NEW\nx = f(\n  y,\n)\nz\n", "x = f(\n  y,\n)\nNEW\nz\n"),
        ("x = '''\n  «»\n'''".replace("«»", "").replace("x", "«x»"), "NEW\nx = '''\n  \n'''", "x = '''\n  \n'''\nNEW"),
        ("x = «y»;\nz\n", "NEW\nx = y;\nz\n", "x = y;\nNEW\nz\n"),
        ("x = 1; y = «2»\n", None, None),
        ("if x: y = «2»\n", None, None),
        ("def f(): return «2»\n", None, None),
        ("if «x»:\n    y\n", "NEW\nif x:\n    y\n", None),
        ("if x:\n    y\nelif «z»:\n    y\n", None, None),
        ("for x in «y»:\n    z\n", "NEW\nfor x in y:\n    z\n", None),
        ("«for x in y:\n    z»\na\n", "NEW\nfor x in y:\n    z\na\n", "for x in y:\n    z\nNEW\na\n"),
        ("try:\n    x\nexcept «y»:\n    z\n", None, None),
        ("match x:\n    case 1 if «y»:\n        z\n", None, None),
        ("with «x» as y:\n    z\n", "NEW\nwith x as y:\n    z\n", None),
        ("@a\n@b(«1»)\ndef f():\n    x\n", "NEW\n@a\n@b(1)\ndef f():\n    x\n", None),
        ("class A:\n    @a\n    def f(self, b=«1»):\n        x\n", "class A:\n    NEW\n    @a\n    def f(self, b=1):\n        x\n", None),
        ("x = [y for y in «z»]\n", "NEW\nx = [y for y in z]\n", "x = [y for y in z]\nNEW\n"),
        ("x = lambda: «z»\n", "NEW\nx = lambda: z\n", "x = lambda: z\nNEW\n"),
        ("if a:\n    «x\n    y»\n", None, None),
        ("x = '漢😀', «y»\n", "NEW\nx = '漢😀', y\n", "x = '漢😀', y\nNEW\n"),
        (
            "if a:\n    # one\n    «x»  # two\n    # three\n",
            "if a:\n    # one\n    NEW\n    x  # two\n    # three\n",
            "if a:\n    # one\n    x  # two\n    NEW\n    # three\n",
        ),
    ],
)
def test_insert_lines(source: str, before: str | None, behind: str | None) -> None:
    assert result(source, "insert_before", "NEW") == before
    assert result(source, "insert_after", "NEW") == behind


def test_inserted_lines_must_be_python_and_are_all_indented() -> None:
    assert result("if a:\n    «x»\n", "insert_after", "y = (") is None
    assert result("if a:\n    «x»\n", "insert_before", "y = (") is None
    assert result("if a:\n\t«x»\n", "insert_before", "if b:\n\ty") == "if a:\n\tif b:\n\t\ty\n\tx\n"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("«x.view(1)»\n", "x = x.view(1)\n"),
        ("if a:\n\t«x.view(1)»  # why\n", "if a:\n\tx = x.view(1)  # why\n"),
        ("«(x.view(1))»\n", "x = (x.view(1))\n"),
        ("(«x.view(1)»)\n", "x = (x.view(1))\n"),
        ("a; «x.view(1)»\n", "a; x = x.view(1)\n"),
        ("y = «x.view(1)»\n", None),
        ("f(«x.view(1)»)\n", None),
        ("if a: «x.view(1)»\n", "if a: x = x.view(1)\n"),
        ("return «x»", None),
        ("lambda: «x»", None),
    ],
)
def test_assign(source: str, expected: str | None) -> None:
    assert result(source, "assign", "x") == expected
    code, span = marked(source)
    assert code.is_statement(span) is (expected is not None)


def test_assign_wants_a_target() -> None:
    assert result("«x.view(1)»\n", "assign", "f(x)") is None
    assert result("«x.view(1)»\n", "assign", "self.x") == "self.x = x.view(1)\n"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("x = f(«y»)", ("x",)),
        ("a, b = «y»", ("a", "b")),
        ("(a, [b, *c]), d.e, f[g] = «y»", ("a", "b", "c")),
        ("a = b = «c»", ("a", "b")),
        ("«a» = b", ("a",)),
        ("a: int = «b»", ("a",)),
        ("a += «b»", ("a",)),
        ("f(«a»)", ()),
        ("self.a = «b»", ()),
        ("for a in «b»:\n    c = 1", ()),
        ("if x:\n    y = lambda z: (w := «z»)", ("y",)),
    ],
)
def test_assigned_names(source: str, expected: tuple[str, ...]) -> None:
    code, span = marked(source)
    assert code.assigned_names(span) == expected


CLASSES = """\
class Net(Base):
    def forward(self, x, size=[1]):
        def inner(y):
            return y

        x = f(lambda: x)
        return inner(x)

    def forward(self, z): a; b

    class Part:
        def step(self):
            with x:
                y
                z
"""


def test_functions_and_classes() -> None:
    def around(word: str, method: str) -> str | None:
        found = seen(CLASSES.replace(word, f"«{word}»", 1), method)
        return found.partition("\n")[0] if found is not None else None

    assert around("return y", "enclosing_function") == "def inner(y):"
    assert around("lambda: x", "enclosing_function") == "def forward(self, x, size=[1]):"
    assert around("[1]", "enclosing_function") is None
    assert around("[1]", "enclosing_class") == "class Net(Base):"
    assert around("Base", "enclosing_class") is None
    assert around("with x", "enclosing_class") == "class Part:"
    code, span = marked(f"«{CLASSES.rstrip()}»\n")
    forward = code.function_named(span, "forward")
    assert forward is not None
    assert code.text_at(forward) == "def forward(self, z): a; b"
    last = code.last_statement(forward)
    assert last is not None
    assert code.text_at(last) == "b"
    assert code.enclosing_class(forward) == span
    assert code.function_named(span, "step") is None
    part = code.last_statement(span)
    assert part is not None
    step = code.function_named(part, "step")
    assert step is not None
    assert code.text_at(code.last_statement(step) or step).startswith("with x")
    assert code.last_statement(Span(FILE, 6, 9, 6, 24)) is None


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("x = f(«y»)", "x = f(y)"),
        ("if a:\n    b = «c»; d = e\n", "b = c"),
        ("if «a»:\n    b\n", "if a:\n    b"),
        ("if a: «b»", "b"),
        ("@f(«a»)\ndef g():\n    pass\n", "def g():\n    pass"),
        ("if a:\n    b\nelif «c»:\n    d\n", "elif c:\n    d"),
        ("# a «b» c\nd", None),
    ],
)
def test_statement(source: str, expected: str | None) -> None:
    assert seen(source, "statement") == expected


@pytest.mark.parametrize(
    ("imports", "names"),
    [
        ("import torch\n", ("torch", "torch.nn", "torch.nn.functional")),
        ("import torch as th\n", ("th", "th.nn", "th.nn.functional")),
        ("import torch.nn.functional\n", ("torch", "torch.nn", "torch.nn.functional")),
        ("import torch\nfrom torch import nn\n", ("torch", "nn", "nn.functional")),
        ("import torch\nimport torch.nn as nn, torch.nn.functional as F\n", ("torch", "nn", "F")),
        ("import torch\nfrom torch.nn import functional, Linear as L\n", ("torch", "torch.nn", "functional")),
        ("import torch\nimport torch.nn as nn\nnn = 3\n", ("torch", "torch.nn", "torch.nn.functional")),
        ("import torch\nimport torch.nn as nn\ndef f(nn): pass\n", ("torch", "torch.nn", "torch.nn.functional")),
        ("import torch\nimport torch.nn.functional as F\ndef f():\n    import torch.nn.functional as F\n", ("torch", "torch.nn", "F")),
        ("import torch\nfrom . import nn\nfrom torch.nn import *\n", ("torch", "torch.nn", "torch.nn.functional")),
    ],
)
def test_name_of(imports: str, names: tuple[str, str, str]) -> None:
    code = Code.of(FILE, imports)
    assert code is not None
    assert tuple(code.name_of(dotted) for dotted in ("torch", "torch.nn", "torch.nn.functional")) == tuple((name, ()) for name in names)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("x = 1\n", "import torch\n\nx = 1\n"),
        (
            "#!/usr/bin/python\n# -*- coding: utf-8 -*-\n@f\ndef g(): pass\n",
            "#!/usr/bin/python\n# -*- coding: utf-8 -*-\nimport torch\n\n@f\ndef g(): pass\n",
        ),
        ('"""Doc."""\nx = 1\n', '"""Doc."""\n\nimport torch\nx = 1\n'),
        ('"""Doc."""', '"""Doc."""\n\nimport torch'),
        ("from __future__ import annotations\n\nx = 1\n", "from __future__ import annotations\n\nimport torch\n\nx = 1\n"),
        ("import os\nimport sys  # why\n\nx = 1\nimport re\n", "import os\nimport sys  # why\nimport torch\n\nx = 1\nimport re\n"),
        ("import os\nfrom torch import nn\n", "import os\nimport torch\nfrom torch import nn\n"),
        ("import os; from torch import nn\nx = 1\n", "import os; from torch import nn\nimport torch\nx = 1\n"),
        ("from os import (\n    path,\n)\nx = 1\n", "from os import (\n    path,\n)\nimport torch\nx = 1\n"),
        (
            "from __future__ import annotations; import os; x = 1\ny = 2\n",
            "from __future__ import annotations; import os; x = 1\nimport torch\ny = 2\n",
        ),
        ("", "import torch\n"),
        ("# nothing", "# nothing\nimport torch"),
        ("def f():\n    import torch\n", "import torch\n\ndef f():\n    import torch\n"),
    ],
)
def test_an_import_is_added_where_none_serves(source: str, expected: str) -> None:
    code = Code.of(FILE, source)
    assert code is not None
    name, edits = code.name_of("torch")
    assert (name, after(code, edits)) == ("torch", expected)
    again = Code.of(FILE, expected)
    assert again is not None
    assert again.name_of("torch") == ("torch", ())


def test_names_in() -> None:
    code, span = marked("x = «self.fc(y, dim=z)[i] + f'{w}' + (lambda a=b: a)(**k)» + q")
    assert code.names_in(span) == {"self", "y", "z", "i", "w", "a", "b", "k"}
    code, span = marked("if a:\n    «b = c\n    d(e)»\n    g")
    assert code.names_in(span) == {"b", "c", "d", "e"}
    code, span = marked("a.«b»")
    assert code.names_in(span) == frozenset()


def test_what_is_no_python_has_no_code() -> None:
    for text in ("a = (", "a b", "\x00", "if a:\nb", "(" * 3000):
        assert Code.of(FILE, text) is None


METHODS: dict[str, tuple[object, ...]] = {
    "replace": ("a",), "wrap": ("a(", ")"), "append": (".a",), "insert_before": ("a",), "insert_after": ("a",), "assign": ("a",),
    "insert_element": ("a",), "remove_element": (), "set_argument": ("a", "1"), "drop_argument": ("a",),
}  # fmt: skip
QUESTIONS: dict[str, tuple[object, ...]] = {
    "argument": ("a", 0), "callee": (), "enclosing_call": (), "statement": (), "enclosing_function": (), "enclosing_class": (),
    "function_named": ("a",), "last_statement": (),
}  # fmt: skip


@pytest.mark.parametrize("place", [(0, 0, 0, 0), (1, 1, 9, 9), (1, 3, 1, 2), (1, 99, 1, 100), (9, 1, 9, 1), (-1, -1, 1, 1)])
def test_a_place_that_is_not_there_gives_nothing(place: tuple[int, int, int, int]) -> None:
    code = Code.of(FILE, "x = 1\n")
    assert code is not None
    for span in (Span(FILE, *place), Span("/other.py", 1, 5, 1, 6)):
        assert [getattr(code, method)(span, *words) for method, words in METHODS.items()] == [()] * len(METHODS)
        assert [getattr(code, method)(span, *words) for method, words in QUESTIONS.items()] == [None] * len(QUESTIONS)
        assert (code.text_at(span), code.arguments(span), code.assigned_names(span)) == ("", (), ())
        assert (code.names_in(span), code.is_statement(span)) == (frozenset(), False)


# Laws, over the programs that are here and over made-up expressions


def spans_of(text: str) -> list[tuple[ast.AST, Span]]:
    """All expressions and statements of a program with their spans, as Python's own tree has them."""
    lines = text.split("\n")

    def column(line: int, byte: int) -> int:
        return len(lines[line - 1].encode()[:byte].decode()) + 1

    whole = ast.parse(text)
    inside = {below for node in ast.walk(whole) if isinstance(node, ast.JoinedStr) for below in ast.walk(node) if below is not node}
    unlike = {node.slice for node in ast.walk(whole) if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Tuple)}
    return [
        (node, Span(FILE, node.lineno, column(node.lineno, node.col_offset), node.end_lineno, column(node.end_lineno, node.end_col_offset)))
        for node in ast.walk(whole)
        if isinstance(node, (ast.expr, ast.stmt)) and node.end_lineno and node.end_col_offset is not None
        if node not in inside and node not in unlike
    ]


LONG = [path for path in PROGRAMS if path.stat().st_size > 2000]  # with enough in them to edit


@pytest.mark.parametrize("path", LONG[::11], ids=lambda path: path.stem)
def test_every_expression_and_statement_is_found(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    code = Code.of(FILE, text)
    assert code is not None
    for node, span in spans_of(text):
        spot = code.tree.at(span)
        assert spot is not None, (ast.dump(node), span)
        if not isinstance(node, ast.GeneratorExp):
            assert code.tree.span_of(spot.node) == span
        if isinstance(node, ast.stmt):
            assert code.statement(span) == span
        if isinstance(node, ast.Call):
            plain = [name for name in node.args if not isinstance(name, ast.Starred)]
            if len(plain) == len(node.args) and all(name.arg for name in node.keywords):
                assert len(code.arguments(span)) == len(node.args) + len(node.keywords)


LONG = [path for path in PROGRAMS if path.stat().st_size > 2000]  # with enough in them to edit


@pytest.mark.parametrize("path", LONG[::11], ids=lambda path: path.stem)
def test_places_are_those_of_the_public_provider(path: Path) -> None:
    parsed = tree.parsed(FILE, path.read_text(encoding="utf-8"))
    assert parsed is not None
    public = tree.places_by_provider(parsed.module)
    assert {node: place for node, place in parsed.places.items() if node is not parsed.module} == {
        node: place for node, place in public.items() if node is not parsed.module
    }


LEAVES = ["a", "é", "1", "'漢'", "f(a)", "a.b", "a[0]", "(a, b)", "[a]", "{a: b}", "(yield)", "f(x for x in y)", "f'{a}'"]
OPERATIONS = [
    "{} + {}", "{} - {}", "{}*{}", "{} ** {}", "{} @ {}", "-{}", "not {}", "{} and {}", "{} or {}", "{} < {} == {}", "{} if {} else {}",
    "lambda x=1: {}", "f({}, k={})", "f(*{}, **{})", "{}.b", "{}[{}:{}, {}]", "[{}, *{}]", "({}, {})", "[{} for x in {} if {}]",
    "({} for x in {})", "{{{}: {}}}", "(z := {})", "({})", "f(\n    {},  # why\n    {},\n)", "await {}", "{} | {}", "{} in {}", "{} << {}",
    "(\n {}\n)",
]  # fmt: skip


@st.composite
def expressions(draw: st.DrawFn, depth: int = 3) -> str:
    """An expression with parentheses around all its operands, or bare ones where that is an expression too."""
    if depth == 0 or draw(st.integers(0, 3)) == 0:
        return draw(st.sampled_from(LEAVES))
    form = draw(st.sampled_from(OPERATIONS))
    parts = [draw(expressions(depth - 1)) for _ in range(form.replace("{{", "").count("{"))]
    bare = form.format(*parts)
    try:
        ast.parse(bare, mode="eval")
    except SyntaxError:
        return form.format(*(f"({part})" for part in parts))
    return bare


FRAMES = [
    "y = {}\n",
    "return {}\n",
    "f({}, 1)\n",
    "for x in {}:\n    pass\n",
    "if {}:\n    pass\n",
    "{}\n",
    "y[{}] = 1\n",
    "'😀'; y = {}  # ü\n",
    "with {} as c: pass\n",
]


@st.composite
def places(draw: st.DrawFn) -> tuple[str, ast.expr, Span]:
    """A program and one of its expressions, that is not assigned to."""
    text = draw(st.sampled_from(FRAMES)).format(draw(expressions()))
    found = [
        (node, span)
        for node, span in spans_of(text)
        if isinstance(node, ast.expr)
        and not isinstance(node, (ast.Starred, ast.Slice))
        and isinstance(getattr(node, "ctx", ast.Load()), ast.Load)
    ]
    node, span = draw(st.sampled_from(found))
    return text, node, span


def swapped(text: str, old: ast.expr, new: ast.expr) -> str:
    """The tree of a program in which one expression stands for another."""
    here = (old.lineno, old.col_offset, old.end_lineno, old.end_col_offset, type(old))

    class Swap(ast.NodeTransformer):
        def generic_visit(self, node: ast.AST) -> ast.AST:
            if isinstance(node, ast.expr) and (node.lineno, node.col_offset, node.end_lineno, node.end_col_offset, type(node)) == here:
                return new
            return super().generic_visit(node)

    return dumped(Swap().visit(ast.parse(text)))


def dumped(whole: ast.AST) -> str:
    """The tree as text, `(a and b) and c` like `a and b and c`, which mean the same."""

    class Flat(ast.NodeTransformer):
        def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
            self.generic_visit(node)
            groups = [part.values if isinstance(part, ast.BoolOp) and type(part.op) is type(node.op) else [part] for part in node.values]
            return ast.BoolOp(node.op, [part for group in groups for part in group])

    return ast.dump(Flat().visit(whole))


@settings(max_examples=400, deadline=None)
@given(places(), expressions(depth=2))
def test_replacing_changes_the_tree_at_that_place_alone(place: tuple[str, ast.expr, Span], new: str) -> None:
    text, node, span = place
    code = Code.of(FILE, text)
    assert code is not None
    edits = code.replace(span, new)
    assert edits, "any expression can stand for any other"
    assert dumped(ast.parse(applied(text, edits))) == swapped(text, node, ast.parse(f"({new})", mode="eval").body)


@settings(max_examples=400, deadline=None)
@given(
    places(), st.sampled_from([("f(", ", 1)"), ("", ".f(1)"), ("", "[0]"), ("", " * 2"), ("-", ""), ("2 ** ", ""), ("", " if c else d")])
)
def test_wrapping_takes_the_whole_expression(place: tuple[str, ast.expr, Span], around: tuple[str, str]) -> None:
    text, node, span = place
    code = Code.of(FILE, text)
    assert code is not None
    edits = code.wrap(span, *around)
    assert edits
    here = ast.parse(f"{around[0]}(({code.text_at(span)})){around[1]}", mode="eval").body
    assert dumped(ast.parse(applied(text, edits))) == swapped(text, node, here)
    assert applied(text, [Edit(edit.span, "") for edit in edits]) == text
    if not isinstance(node, ast.GeneratorExp):  # whose span may be that of a call's parentheses
        new = Code.of(FILE, applied(text, edits))
        assert new is not None
        assert new.text_at(forward(span, edits)).strip("()") == code.text_at(span).strip("()")


LONG = [path for path in PROGRAMS if path.stat().st_size > 2000]  # with enough in them to edit


@pytest.mark.parametrize("path", LONG[::11], ids=lambda path: path.stem)
def test_every_edit_of_a_real_program_parses_and_keeps_the_rest(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    code = Code.of(FILE, text)
    assert code is not None
    starts = line_starts(text)
    made = 0
    nodes = spans_of(text)
    for number, (node, span) in enumerate(nodes):
        if number % (len(nodes) // 60 + 1):
            continue
        for method, words in METHODS.items():
            edits = getattr(code, method)(span, *words)
            if edits:
                made += 1
                ast.parse(applied(text, edits))
                low, high = (offset(text, starts, *place) for place in _reach(code, span, method))
                for edit in edits:
                    assert low <= offset(text, starts, edit.span.line, edit.span.column), (method, ast.dump(node))
                    assert offset(text, starts, edit.span.end_line, edit.span.end_column) <= high, (method, ast.dump(node))
    assert made > 20


def _reach(code: Code, span: Span, method: str) -> tuple[tuple[int, int], tuple[int, int]]:
    """How far around a span a method may write: the lines of the statement for those that insert lines or take out an element."""
    lines = code.text.split("\n")
    if method in ("insert_before", "insert_after", "remove_element", "drop_argument"):
        first = span.line
        whole = code.statement(span) or span
        last = max(whole.end_line, span.end_line)
        return (min(whole.line, first, _decorated(code, whole)), 1), (min(last + 1, len(lines)), len(lines[min(last, len(lines) - 1)]) + 1)
    start, end = (span.line, span.column), (span.end_line, span.end_column)
    spot = code.tree.at(span)
    if spot is not None:  # parentheses of its own belong to an expression
        a, b = code.tree.whole(spot.node)
        starts = line_starts(code.text)
        start, end = min(start, point(starts, a)), max(end, point(starts, b))
    if method == "insert_element":
        start = (start[0], 1)
    return start, end


def _decorated(code: Code, statement: Span) -> int:
    spot = code.tree.at(statement)
    return point(line_starts(code.text), code.tree.extent(spot.node)[0])[0] if spot is not None else statement.line


def test_importing_edits_is_light() -> None:
    import subprocess

    code = "import sys, shapewright.reason.edits; print('libcst' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "False"


def test_a_file_of_a_hundred_lines_is_read_at_once() -> None:
    text = "\n".join((HERE / "scripts" / "mnist_classifier.py").read_text(encoding="utf-8").split("\n")[:100])
    while True:
        try:
            ast.parse(text)
            break
        except SyntaxError:
            text = text.rpartition("\n")[0]
    tree.parsed(FILE, "import torch\n")
    took = []
    gc.disable()
    try:
        for _ in range(5):
            start = time.process_time()
            assert tree.parsed(FILE, text) is not None
            took.append(time.process_time() - start)
    finally:
        gc.enable()
    assert min(took) <= 0.03
