"""Edits as text: made all at once, followed there and back, joined over two rounds, shown as a patch that git takes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shapewright.model import Span
from shapewright.reason.patches import applied, applied_all, back, composed, diff, forward, line_starts, offset, point
from shapewright.report import Edit

FILE = "/home/me/model.py"
LETTERS = "ab\n\nü漢😀\t\x0c\u2028 "
texts = st.text(LETTERS, max_size=24)
news = st.text("XY\n", max_size=4)
fast = settings(max_examples=300, deadline=None)


def span(text: str, start: int, end: int, file: str = FILE) -> Span:
    starts = line_starts(text)
    return Span(file, *point(starts, start), *point(starts, end))


def stretch(text: str, place: Span) -> tuple[int, int]:
    starts = line_starts(text)
    return offset(text, starts, place.line, place.column), offset(text, starts, place.end_line, place.end_column)


def edit(text: str, start: int, end: int, new: str) -> Edit:
    return Edit(span(text, start, end), new)


@st.composite
def rounds(draw: st.DrawFn, text: str) -> list[tuple[int, int, str]]:
    """Changes of a text that do not overlap, some of them at one place, in any order of the places."""
    places = sorted(draw(st.lists(st.integers(0, len(text)), max_size=8)))
    changes = []
    for start, end in zip(places[::2], places[1::2], strict=False):
        if draw(st.booleans()):
            changes.append((start, start, draw(news)))
        if start < end:
            changes.append((start, end, draw(news)))
    order = draw(st.permutations(range(len(changes))))
    return [changes[i] for i in order]


@st.composite
def edited_texts(draw: st.DrawFn) -> tuple[str, list[tuple[int, int, str]]]:
    text = draw(texts)
    return text, draw(rounds(text))


def by_hand(text: str, changes: list[tuple[int, int, str]]) -> str:
    """What all changes at once make of the text, letter by letter."""
    result = ""
    for at in range(len(text) + 1):
        result += "".join(new for start, end, new in changes if start == end == at)
        result += "".join(new for start, end, new in changes if start == at < end)
        if at < len(text) and not any(start <= at < end for start, end, _ in changes):
            result += text[at]
    return result


@fast
@given(edited_texts())
def test_all_edits_are_made_at_once(case: tuple[str, list[tuple[int, int, str]]]) -> None:
    text, changes = case
    assert applied(text, [edit(text, *change) for change in changes]) == by_hand(text, changes)


def test_insertions_at_one_place_stand_in_the_given_order() -> None:
    assert applied("xy", [edit("xy", 1, 1, "a"), edit("xy", 1, 2, "Y"), edit("xy", 1, 1, "b"), edit("xy", 0, 1, "X")]) == "XabY"


def test_a_replacement_given_twice_counts_once_and_an_insertion_twice() -> None:
    text = "one two"
    assert applied(text, [edit(text, 0, 3, "1"), edit(text, 0, 3, "1")]) == "1 two"
    assert applied(text, [edit(text, 3, 3, "!"), edit(text, 3, 3, "!")]) == "one!! two"


@pytest.mark.parametrize(("one", "other"), [((0, 3), (2, 4)), ((0, 3), (0, 3)), ((1, 3), (2, 2)), ((0, 4), (1, 2))])
def test_overlapping_edits_are_refused(one: tuple[int, int], other: tuple[int, int]) -> None:
    for pair in ((one, other), (other, one)):
        with pytest.raises(ValueError, match="overlap"):
            applied("abcdef", [edit("abcdef", *place, new) for place, new in zip(pair, "XY", strict=True)])


@pytest.mark.parametrize("place", [(0, 1, 1, 1), (1, 0, 1, 1), (1, 1, 1, 5), (1, 1, 3, 1), (1, 3, 1, 2), (1, 5, 2, 1)])
def test_a_place_that_is_not_there_is_refused(place: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match=r"line|column|overlap"):
        applied("abc\nde", [Edit(Span(FILE, *place), "X")])


def test_several_files() -> None:
    sources = {"/a.py": "a\n", "/b.py": "b\n", "/c.py": "c\n"}
    edits = [Edit(span("a\n", 0, 1, "/a.py"), "A"), Edit(span("c\n", 0, 1, "/c.py"), "c"), Edit(span("a\n", 1, 1, "/a.py"), "!")]
    assert applied_all(sources, edits) == {"/a.py": "A!\n"}
    with pytest.raises(ValueError, match="not among the sources"):
        applied_all({}, edits)


@fast
@given(edited_texts(), st.data())
def test_a_kept_stretch_is_followed_there_and_back(case: tuple[str, list[tuple[int, int, str]]], data: st.DataObject) -> None:
    text, changes = case
    edits = [edit(text, *change) for change in changes]
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    if start == end or any(a < end and start < b for a, b, _ in changes):
        return
    after = applied(text, edits)
    there = forward(span(text, start, end), edits)
    if all(not (start < a < end) for a, _, _ in changes):
        a, b = stretch(after, there)
        assert after[a:b] == text[start:end]
    assert back(there, edits) == span(text, start, end)


@fast
@given(edited_texts())
def test_a_replaced_stretch_becomes_what_replaces_it(case: tuple[str, list[tuple[int, int, str]]]) -> None:
    text, changes = case
    edits = [edit(text, *change) for change in changes]
    after = applied(text, edits)
    for start, end, new in changes:
        if start < end:
            for inner in [(start, end), (start, start + 1), (end - 1, end)]:
                a, b = stretch(after, forward(span(text, *inner), edits))
                assert after[a:b] == new
                if new:
                    for c, d in [(a, b), (a, a + 1), (b - 1, b)]:
                        assert back(span(after, c, d), edits) == span(text, start, end)


def test_new_text_leads_back_to_where_it_was_put() -> None:
    text = "x = y\n"
    edits = [edit(text, 4, 4, "f("), edit(text, 5, 5, ",\n 1)")]
    after = applied(text, edits)
    assert after == "x = f(y,\n 1)\n"
    assert back(span(after, 4, 5), edits) == span(text, 4, 4)
    assert back(span(after, 10, 11), edits) == span(text, 5, 5)
    assert back(span(after, 4, 12), edits) == back(span(after, 6, 7), edits) == span(text, 4, 5)
    assert forward(span(text, 4, 5), edits) == span(after, 6, 7)


def test_other_files_stay_where_they_are() -> None:
    place = Span("/other.py", 3, 1, 3, 5)
    edits = [edit("a", 0, 0, "\n\n")]
    assert forward(place, edits) == back(place, edits) == place


@st.composite
def two_rounds(draw: st.DrawFn) -> tuple[str, list[Edit], list[Edit]]:
    text, changes = draw(edited_texts())
    first = [edit(text, *change) for change in changes]
    middle = applied(text, first)
    return text, first, [edit(middle, *change) for change in draw(rounds(middle))]


@settings(max_examples=1500, deadline=None)
@given(two_rounds())
@example(("abcdef", [edit("abcdef", 2, 4, "")], [edit("abef", 1, 3, "N")]))
@example(("ab", [edit("ab", 1, 1, "X")], [edit("aXb", 1, 1, "N")]))
def test_two_rounds_are_one(case: tuple[str, list[Edit], list[Edit]]) -> None:
    text, first, second = case
    result = composed({FILE: text}, first, second)
    if result is not None:
        assert applied(text, [*first, *result]) == applied(applied(text, first), second)
    else:  # then a letter that the first round brought in was touched
        assert not all(apart(text, first, change) for change in second)


@settings(max_examples=1500, deadline=None)
@given(two_rounds())
def test_rounds_apart_from_each_other_are_always_one(case: tuple[str, list[Edit], list[Edit]]) -> None:
    text, first, second = case
    assert composed({FILE: text}, first, [change for change in second if apart(text, first, change)]) is not None


def apart(text: str, first: list[Edit], change: Edit) -> bool:
    """Whether a change of the second round touches only letters that were there before the first."""
    kept = by_hand("+" * len(text), [(*stretch(text, one.span), "-" * len(one.new)) for one in first])
    start, end = stretch(applied(text, first), change.span)
    return "-" not in kept[max(start - 1, 0) : end + 1]


@pytest.mark.parametrize(
    ("first", "second", "result"),
    [
        ("x = [f(|]y[|, 1)]", ("y", "g(y)"), "x = f(g(y), 1)"),
        ("x = [f(|]y[|, 1)]", ("f(y, 1)", "z"), None),
        ("x = y[|.a()]", ("|.a()", ".b()"), "x = y.b().a()"),
        ("x = y[|.a()]", (".a()|", ".b()"), "x = y.a().b()"),
        ("[|import torch\n]x = y", ("|import", "import os\n"), None),
    ],
)
def test_a_second_round_beside_the_first(first: str, second: tuple[str, str], result: str | None) -> None:
    """`[…|new]` in the first round is an insertion; a bar in the second marks the place of one."""
    text, edits = "", []
    for number, part in enumerate(first.replace("]", "[").split("[")):
        if number % 2:
            edits.append((len(text), part.replace("|", "")))
        else:
            text += part
    one = [edit(text, at, at, new) for at, new in edits]
    middle = applied(text, one)
    marked, new = second
    at = middle.index(marked.replace("|", "")) + (marked.index("|") if "|" in marked else 0)
    two = [edit(middle, at, at if "|" in marked else at + len(marked), new)]
    found = composed({FILE: text}, one, two)
    assert (applied(text, [*one, *found]) if found is not None else None) == result


def test_rounds_of_several_files() -> None:
    sources = {"/a.py": "a = 1\n", "/b.py": "b = 1\n"}
    first = [Edit(span("a = 1\n", 0, 0, "/a.py"), "import os\n")]
    second = [Edit(Span("/a.py", 2, 5, 2, 6), "2"), Edit(Span("/b.py", 1, 5, 1, 6), "3")]
    result = composed(sources, first, second)
    assert result is not None
    assert applied_all(sources, [*first, *result]) == {"/a.py": "import os\na = 2\n", "/b.py": "b = 3\n"}
    assert composed(sources, first, [Edit(Span("/c.py", 1, 1, 1, 1), "x")]) is None


def patched(folder: Path, name: str, before: str, after: str) -> str:
    """The file after `git apply`, outside of any repository."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(before.encode())
    done = subprocess.run(
        ["git", "apply", "--whitespace=nowarn", "-"],
        input=diff(name, before, after).encode(),
        cwd=folder,
        capture_output=True,
        env={"GIT_CEILING_DIRECTORIES": str(folder.parent), "PATH": "/usr/bin:/bin:/usr/local/bin"},
    )
    assert done.returncode == 0, done.stderr.decode()
    return path.read_bytes().decode()


@settings(max_examples=60, deadline=None)
@given(before=texts, after=texts)
def test_git_applies_any_diff(tmp_path_factory: pytest.TempPathFactory, before: str, after: str) -> None:
    if before != after:
        assert patched(tmp_path_factory.mktemp("git"), "model.py", before, after) == after


@pytest.mark.parametrize("before", ["", "a", "a\n", "a\nb\nc", "one\n" * 30])
@pytest.mark.parametrize("after", ["", "x", "x\n", "a\nb\nc\n", "one\n" * 15 + "two\n" + "one\n" * 14])
@pytest.mark.parametrize("name", ["model.py", "src/my model.py", "modèle.py", 'a"b.py'])
def test_git_applies_the_diff_of_odd_names_and_ends(tmp_path: Path, name: str, before: str, after: str) -> None:
    if before != after:
        assert patched(tmp_path, name, before, after) == after


def test_a_diff_reads_as_usual() -> None:
    before = "a\nb\nc\nd\ne\nf\ng\nh\n"
    assert diff("net.py", before, before.replace("e\n", "E\n")) == (
        "--- a/net.py\n+++ b/net.py\n@@ -2,7 +2,7 @@\n b\n c\n d\n-e\n+E\n f\n g\n h\n"
    )
    assert diff("net.py", before, before) == ""
