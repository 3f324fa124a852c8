"""What was seen of each mutant, one line of JSON each, written as it is done, so that an interrupted measurement goes on where it was."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from bench import mutant_judge as judge
from bench.mutant_slips import KINDS
from bench.mutation import Mutant, Place

_NOT_JUDGED = judge.Judgement(located=False)


@dataclass(frozen=True, slots=True)
class Record:
    """One mutant. `ends`: fails, runs, refused (the program's own `raise`), lost (no answer in time), or memory."""

    mutant: Mutant
    ends: str
    line: int = 0
    error: str = ""
    said: str = ""  # the first headline, or why there is none
    titles: tuple[str, ...] = ()  # the first fix of each finding
    edits: tuple[judge.Edit, ...] = ()
    seconds: float = 0.0  # of the check
    judgement: judge.Judgement = _NOT_JUDGED

    @property
    def number(self) -> bool:
        """Whether a number was changed, and not something else."""
        return self.mutant.slip not in KINDS


class Kept:
    """The records of a file, if one is named: those of an earlier run, and each new one at its end."""

    def __init__(self, file: str | None) -> None:
        self._file, self._lock = Path(file) if file else None, Lock()
        self._known: dict[tuple[object, ...], Record] = {}
        if self._file is not None and self._file.exists():
            for line in self._file.read_text(encoding="utf-8").splitlines():
                told = json.loads(line)
                program, record = told.pop("program"), _read(told)
                self._known[_key(program, record.mutant)] = record

    def get(self, program: str, mutant: Mutant) -> Record | None:
        """What an earlier run saw of it."""
        return self._known.get(_key(program, mutant))

    def add(self, program: str, record: Record) -> Record:
        """Keep it; returns it."""
        if self._file is not None:
            line = json.dumps({"program": program, **asdict(record)}) + "\n"
            with self._lock, self._file.open("ab", buffering=0) as out:  # one write: other parts may write to the same file
                out.write(line.encode())
        return record


def _key(program: str, mutant: Mutant) -> tuple[object, ...]:
    place = mutant.place
    return program, place.line, place.column, place.text, mutant.slip, mutant.new


def _read(told: dict[str, Any]) -> Record:
    mutant = told["mutant"]
    place = Place(**{**mutant["place"], "runs": tuple(mutant["place"]["runs"])})
    own = {"mutant": Mutant(place, mutant["slip"], mutant["new"]), "judgement": judge.Judgement(**told["judgement"])}
    return Record(**{**told, **own, "titles": tuple(told["titles"]), "edits": tuple(told["edits"])})
