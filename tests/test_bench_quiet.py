"""The measurements of silent faults: what counts as kept, and that the programs are there. Nothing is run here."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
learning = pytest.importorskip("bench.learning", reason="the measurements run on Linux only")
quiet = pytest.importorskip("bench.quiet")
libraries = pytest.importorskip("bench.quiet_libraries")
programs = pytest.importorskip("bench.quiet_programs")

FAULT = learning.Fault("a fault", "a.py", "loss-broadcast", "error")


def seen(verdict: str, **more: object) -> object:
    return quiet.Seen(programs.Program("models", "net", "net.py", ""), verdict, **more)


def test_only_clean_programs_keep_the_limit() -> None:
    assert quiet.kept([seen("clean", notes=("line 3, note[last-batch]: …",))], [])
    for verdict in ("warning", "error", "not-analysed"):
        assert not quiet.kept([seen("clean"), seen(verdict)], [])
    assert not quiet.kept([seen("clean")], ["timm is not installed"])
    assert not quiet.kept([], [])


def test_all_that_is_not_clean_is_listed_with_its_reason() -> None:
    lines = quiet.listed([seen("clean"), seen("not-analysed", reason="no file"), seen("clean", notes=("line 3, a note",))])
    assert "- models, net: not-analysed. no file" in lines
    assert "- models, net: line 3, a note" in lines
    assert quiet.listed([seen("clean")]) == []


@pytest.mark.parametrize("source", quiet.SOURCES, ids=lambda source: source.__name__)
def test_every_program_is_python_and_has_a_name_of_its_own(source, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(libraries, "package", lambda name: Path())
    try:
        made = list(source())
    except ModuleNotFoundError as error:
        pytest.skip(str(error))
    for program in made:
        ast.parse(program.source)
    assert made
    assert len({(program.group, program.name) for program in made}) == len(made)


def test_models_of_torchvision_are_read_from_its_source(tmp_path: Path) -> None:
    registered = "@register_model()\n@handle_legacy_interface()\ndef small_net(): ...\n\ndef _helper(): ...\n\nclass Net: ...\n"
    (tmp_path / "net.py").write_text(registered, encoding="utf-8")
    assert programs._registered(tmp_path) == ["small_net"]


def test_a_fix_must_halve_the_error_for_every_seed() -> None:
    before = ((0.9, 0.8), (0.9, 0.9))
    assert learning.kept(learning.Measured(FAULT, "fix", before, ((0.5, 0.1), (0.5, 0.3))))
    assert not learning.kept(learning.Measured(FAULT, "fix", before, ((0.5, 0.5), (0.5, 0.5))))  # not by half
    assert not learning.kept(learning.Measured(FAULT, "fix", ((0.9, 0.9), (0.9, 0.2)), ((0.5, 0.1), (0.5, 0.3))))  # one seed is worse
    assert not learning.kept(learning.Measured(FAULT, "no fix", before, ()))


@pytest.mark.parametrize("fault", learning.FAULTS, ids=lambda fault: fault.name)
def test_the_programs_that_are_trained_say_their_error(fault) -> None:  # type: ignore[no-untyped-def]
    source = (learning.ROOT / "bench" / "programs" / fault.program).read_text(encoding="utf-8")
    assert 'print(f"epoch {epoch} error {' in source
