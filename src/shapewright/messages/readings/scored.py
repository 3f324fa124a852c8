"""Causes with scores: how a reading collects its hypotheses and brings them in order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from shapewright.messages.template import Cause

LIKELY = 0.5

Scored = tuple[float, Cause]


def weigh(score: float, name: str, why: str, *tries: str, guess: str = "", **facts: object) -> Scored:
    """A cause with the score that orders it among the others; then what to do about it, and by name its facts."""
    return score, Cause(name, why, facts=facts, tries=tries, guess=guess)


def ranked(scored: Iterable[Scored]) -> tuple[Cause, ...]:
    """The causes in order, each name once (guesses may say several things); those with a fair score that are not far behind the first
    are likely."""
    best: dict[str, Scored] = {}
    for score, cause in sorted(scored, key=lambda one: -one[0]):
        best.setdefault(cause.why if cause.guess else cause.name, (score, cause))
    limit = max(LIKELY, top(list(best.values())) - 0.25)
    return tuple(cause._replace(likely=score >= limit) for score, cause in best.values())


def top(scored: Sequence[Scored]) -> float:
    """The best score, 0 where there is none."""
    return max((score for score, _ in scored), default=0.0)


def clear(scored: Sequence[Scored]) -> list[Scored]:
    """Without the faint ones, where one is clear."""
    best = top(scored)
    return [one for one in scored if one[0] >= 0.4 or best < 0.7]


def count(number: int, noun: str) -> str:
    """`1 step`, `2 steps`, `2 classes`, `2 entries`."""
    if number == 1:
        return f"1 {noun}"
    return f"{number} {noun[:-1]}ies" if noun.endswith("y") else f"{number} {noun}{'es' if noun.endswith('s') else 's'}"


def usual_batch(size: int) -> bool:
    """Whether a size is one that batches are given: a power of two, or a multiple of ten."""
    return size > 0 and (size & (size - 1) == 0 or size % 10 == 0)
