"""What was seen of each model, as data; and the same as lines of JSON, so that a long measurement can be made in parts."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from bench.models_shapes import Compared


@dataclass(frozen=True, slots=True)
class Took:
    """What one way of looking at a model took."""

    cpu: float = 0.0  # seconds
    memory: int = 0  # bytes; see where it is measured
    error: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """One model."""

    group: str
    name: str
    verdict: str  # of `check` on the script
    how: str = "eager"
    reason: str = ""  # why it was not analysed
    findings: tuple[str, ...] = ()  # warnings and errors, as they are told
    notes: tuple[str, ...] = ()
    seconds: float = 0.0  # of the check, wall
    live: dict[str, Took] = field(default_factory=dict)  # forward, torchinfo, trace: on the same live model, once each
    alone: dict[str, Took] = field(default_factory=dict)  # the same as whole commands; only the sample's
    compared: Compared | None = None
    real_error: str = ""  # why there is nothing to compare with

    @property
    def agrees(self) -> bool:
        """Everything in the trace that does not rest on an assumption is as in the real run."""
        return self.compared is not None and not self.compared.different and not self.compared.missed and self.compared.output


def save(seen: Seen, path: Path) -> None:
    """Add a line to the file."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(dataclasses.asdict(seen)) + "\n")


def load(paths: Iterable[Path]) -> list[Seen]:
    """All lines of the files; of a model that was seen twice the last."""
    found: dict[tuple[str, str], Seen] = {}
    for path in paths:
        for line in path.read_text(encoding="utf-8").splitlines():
            seen = _read(json.loads(line))
            found[seen.group, seen.name] = seen
    return list(found.values())


def _read(told: dict[str, object]) -> Seen:
    made: dict[str, object] = dict(told)
    for name in ("findings", "notes"):
        made[name] = tuple(told[name])  # type: ignore[arg-type]
    for name in ("live", "alone"):
        made[name] = {way: Took(**took) for way, took in told[name].items()}  # type: ignore[attr-defined]
    compared = told["compared"]
    if isinstance(compared, dict):
        lists = {name: tuple(compared[name]) for name in ("different", "missed")}
        made["compared"] = Compared(**{**compared, **lists})
    return Seen(**made)  # type: ignore[arg-type]
