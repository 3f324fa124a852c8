"""Loaders that are drawn from side by side: each ends with a smaller batch, and the two are not of one size."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from shapewright.model import Event, Size, Span
from shapewright.reason.places import parsed, span_of
from shapewright.reason.problem import Candidate, Problem
from shapewright.reason.silent import carry
from shapewright.reason.ways import setter

_NAME = re.compile(r"[^\W\d]\w*")


def propose(problem: Problem) -> Iterator[Candidate]:
    """`drop_last=True` for all of them at once: with one alone the batches still differ."""
    collections = [_collection(problem, size) for size in (problem.clash.got, problem.clash.want)]
    if not all(collections):
        return
    calls = [(span, call) for span, call in _calls(problem)]
    drawn = [_drawn_from(problem, event, calls) for event in collections if event is not None]
    chosen = dict.fromkeys(sum(drawn, ())) if all(drawn) else dict.fromkeys(span for span, _ in calls)
    if len(chosen) != 2:
        return
    edits = []
    for span in chosen:
        code = problem.code(span)
        if code is None or "drop_last" in {keyword for keyword, _ in code.arguments(span)}:
            return
        edits.append(code.set_argument(span, "drop_last", "True"))
    if all(edits):
        yield Candidate("drop-last", "leave out the smaller last batch of both loaders", sum(edits, ()))


def _collection(problem: Problem, size: Size | None) -> Event | None:
    """The call in which a loader laid as many samples side by side as the size says."""
    if size is None or size.tensor is None or size.dim is None or not size.tensor.rank:
        return None
    found = setter(problem.trace, size.tensor, size.dim % size.tensor.rank)
    if found is None or carry.collated(found[0]) != found[1] or not carry.by_loader(problem.trace, found[0]):
        return None
    return found[0]


def _calls(problem: Problem) -> Iterator[tuple[Span, str]]:
    """The `DataLoader(…)` calls of the program, each with the name that its value is given, "" for none."""
    for file, text in problem.trace.sources.items():
        tree, lines = parsed(text), text.split("\n")
        named = {
            id(node.value): node.targets[0].id if isinstance(node.targets[0], ast.Name) else getattr(node.targets[0], "attr", "")
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and _NAME.findall(ast.unparse(node.func))[-1:] == ["DataLoader"]:
                yield span_of(node, file, lines), named.get(id(node), "")


def _drawn_from(problem: Problem, event: Event, calls: list[tuple[Span, str]]) -> tuple[Span, ...]:
    """The loaders that are named where a batch is asked for: in the head of the loop, or where its iterator was made."""
    for place in (event.span, *event.stack):
        words = set(_NAME.findall(problem.text(place))) if place is not None else set()
        if place is not None:
            words |= _behind(problem.trace.sources.get(place.file, ""), words)
        found = tuple(span for span, name in calls if name in words)
        if found:
            return found
    return ()


def _behind(text: str, names: set[str]) -> set[str]:
    """The names in `iter(loader)` and the like, of iterators that have one of the names."""
    found: set[str] = set()
    for node in ast.walk(parsed(text)):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and names & {ast.unparse(target) for target in node.targets}:
            found |= {one.id for one in ast.walk(node.value) if isinstance(one, ast.Name)}
    return found
