"""Training scripts as they stand on the web: clean without their data, and with one slip each, found at the right line."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

HERE = Path(__file__).with_name("scripts")
TABLE = tomllib.loads((HERE / "slips.toml").read_text(encoding="utf-8"))
ARGS = {row["script"]: row.get("args", []) for row in TABLE["script"]}
SLIPS = [slip for slip in TABLE["slip"] if not slip.get("silent")]


@pytest.mark.parametrize("script", sorted(ARGS))
def test_clean(script: str, check) -> None:  # type: ignore[no-untyped-def]
    report = check.source((HERE / script).read_text(encoding="utf-8"), name=script, argv=tuple(ARGS[script]))
    assert report.verdict == "clean", (report.reason, report.findings)
    assert not list(check.folder.glob("*/")), "the script wrote something"


@pytest.mark.parametrize("slip", SLIPS, ids=lambda slip: f"{slip['script']}:{slip['line']}:{slip['new'][:24]}")
def test_slip(slip: dict, check) -> None:  # type: ignore[no-untyped-def,type-arg]
    lines = (HERE / slip["script"]).read_text(encoding="utf-8").splitlines(keepends=True)
    assert slip["old"] in lines[slip["line"] - 1]
    lines[slip["line"] - 1] = lines[slip["line"] - 1].replace(slip["old"], slip["new"], 1)
    report = check.source("".join(lines), name=slip["script"], argv=tuple(slip.get("args", ARGS[slip["script"]])), mend=False)
    assert report.verdict == "error", report.reason
    first = report.findings[0]
    assert first.where is not None
    assert first.where.line == slip["raises_at"], first.headline
    assert first.slug in {slip["slug"], *slip.get("also", [])}, first.headline
