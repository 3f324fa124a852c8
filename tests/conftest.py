"""Shared by the tests: one warm worker, as the command line has one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shapewright import session
from shapewright.observe.client import Worker
from shapewright.observe.request import Request, parse_input, parse_target
from shapewright.report import TargetReport


@pytest.fixture(scope="session")
def worker() -> Iterator[Worker]:
    with Worker() as running:
        yield running


class Checker:
    """Checks programs through the session's worker."""

    def __init__(self, running: Worker, folder: Path) -> None:
        self.worker = running
        self.folder = folder

    def request(self, target: str, *inputs: str, **options: object) -> Request:
        return Request(
            target=parse_target(target, self.folder),
            cwd=str(self.folder),
            inputs=tuple(parse_input(text) for text in inputs),
            **options,  # type: ignore[arg-type]
        )

    def __call__(self, target: str, *inputs: str, mend: bool = True, **options: object) -> TargetReport:
        return session.check(self.request(target, *inputs, **options), self.worker.observe, mend=mend)

    def source(
        self, text: str, *inputs: str, name: str = "program.py", target: str = "", mend: bool = True, **options: object
    ) -> TargetReport:
        (self.folder / name).write_text(text, encoding="utf-8")
        return self(f"{name}:{target}" if target else name, *inputs, mend=mend, **options)


@pytest.fixture
def check(worker: Worker, tmp_path: Path) -> Checker:
    return Checker(worker, tmp_path)
