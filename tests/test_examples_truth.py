"""What plain PyTorch really does with the programs of `examples/`, as `examples/manifest.toml` says it.

The programs run in the process of `test_scripts_truth.py`, which knows how to do without data and weights; shapewright
has no part in it.
"""

from __future__ import annotations

import functools
import tomllib
from pathlib import Path
from typing import Any

import pytest

from test_scripts_truth import really

EXAMPLES = Path(__file__).parents[1] / "examples"
MANIFEST: dict[str, Any] = tomllib.loads((EXAMPLES / "manifest.toml").read_text(encoding="utf-8"))
PROGRAMS: list[dict[str, Any]] = MANIFEST["program"]
TRAINS = "right/digits_"  # these run for some seconds, and do so in test_examples_train.py
BROKEN = [program for program in PROGRAMS if program["verdict"] != "clean"]


def source_of(file: str) -> str:
    return (EXAMPLES / file).read_text(encoding="utf-8")


def mended(file: str) -> list[tuple[dict[str, Any], str]]:
    """Every mend of a program with the source after it and all before it."""
    lines, steps = source_of(file).split("\n"), []
    for mend in MANIFEST["mend"]:
        if mend["file"] == file:
            line = lines[mend["line"] - 1]
            assert line.count(mend["old"]) == 1, f"{file}:{mend['line']} has not one {mend['old']!r}: {line!r}"
            lines[mend["line"] - 1] = line.replace(mend["old"], mend["new"])
            steps.append((mend, "\n".join(lines)))
    return steps


def called(call: dict[str, Any]) -> str:
    """The program's source, with its class called once more in a last line."""
    guarded = source_of(call["file"]).replace('if __name__ == "__main__":', "if False:")
    return f"{guarded}\n{call['name']}()(torch.zeros({call['input']}))\n"


@functools.cache
def results() -> dict[tuple[str, str], dict[str, Any]]:
    """All programs, mends and calls in one process, by file and source."""
    jobs = [(p["file"], source_of(p["file"]) + (f"\nassert {p['holds']}\n" if "holds" in p else "")) for p in PROGRAMS]
    jobs += [(p["file"], source) for p in BROKEN for _, source in mended(p["file"])]
    trained = {source_of(file) for file, _ in jobs if file.startswith(TRAINS)}
    jobs = [(file, source) for file, source in jobs if source not in trained]
    jobs += [(call["file"], called(call)) for call in MANIFEST["call"]]
    named = [{"name": str(EXAMPLES / name), "source": source, "args": []} for name, source in jobs]
    return dict(zip(jobs, really(named), strict=True))


def result_of(file: str, source: str) -> dict[str, Any]:
    return results()[(file, source)]


@pytest.mark.parametrize("program", [one for one in PROGRAMS if not one["file"].startswith(TRAINS)], ids=lambda one: str(one["file"]))
def test_program_does_what_the_manifest_says(program: dict[str, Any]) -> None:
    source = source_of(program["file"]) + (f"\nassert {program['holds']}\n" if "holds" in program else "")
    result = result_of(program["file"], source)
    if program["verdict"] == "error":
        assert result["first"]["line"] == program["line"], result
        assert (result["raised"] is None) == program.get("swallowed", False)
    else:
        assert result == {"raised": None, "first": None}


@pytest.mark.parametrize("program", BROKEN, ids=lambda program: str(program["file"]))
def test_mends_lead_from_fault_to_fault_until_it_runs(program: dict[str, Any]) -> None:
    steps = mended(program["file"])
    assert steps[0][0]["line"] in program["demand"]
    for mend, source in steps:
        if (program["file"], source) not in results():
            assert source == source_of(f"right/{program['file']}") and mend is steps[-1][0]
            continue
        first = result_of(program["file"], source)["first"]
        assert (first and first["line"]) == mend.get("then_at"), (mend, first)
    assert "then_at" not in steps[-1][0]


@pytest.mark.parametrize("call", MANIFEST["call"], ids=lambda call: f"{call['name']}-{'x'.join(map(str, call['input']))}")
def test_class_takes_or_refuses_the_input(call: dict[str, Any]) -> None:
    first = result_of(call["file"], called(call))["first"]
    assert (first and first["line"]) == call.get("fails_at"), first


def test_every_program_is_listed_and_every_broken_one_has_a_right_twin() -> None:
    files = {path.relative_to(EXAMPLES).as_posix() for path in EXAMPLES.rglob("*.py")}
    assert {program["file"] for program in PROGRAMS} == files
    for program in BROKEN:
        assert f"right/{program['file']}" in files
        changed = zip(source_of(program["file"]).split("\n"), source_of(f"right/{program['file']}").split("\n"), strict=False)
        assert any(old != new for old, new in changed)
    readme = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    for file in files - {f"right/{program['file']}" for program in BROKEN}:
        assert Path(file).name in readme, file


def test_the_flagship_stands_as_the_documentation_quotes_it() -> None:
    lines = source_of("cnn_64px.py").split("\n")
    assert lines[11] == "        self.fc1 = nn.Linear(32 * 8 * 8, 128)"
    assert lines[17] == "        x = torch.flatten(x, 1)"
    assert lines[18] == "        x = F.relu(self.fc1(x))"
