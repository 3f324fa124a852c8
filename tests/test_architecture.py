"""The house: imports run one way, importing the package is light, files stay small."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

import shapewright

ROOT = Path(shapewright.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
# What each part may import of the others. Nothing imports a way in.
MAY = {
    "model": set(),
    "report": {"model"},
    "source": {"model"},
    "roles": set(),
    "slugs": set(),
    "shapes": {"model"},
    "sizes": {"shapes"},
    "observe": {"model", "source", "wire", "roles", "shapes"},
    "wire": {"model", "report", "observe.request"},
    "reason": {"model", "report", "source", "slugs", "observe.request", "__init__"},
    "show": {"model", "report", "messages", "slugs", "__init__"},
    "messages": set(),
    "pairing": {"model", "report", "roles", "reason", "observe.request"},
    "session": {"model", "report", "pairing", "reason", "observe.request"},
    "apply": {"model", "report", "source", "reason"},
    "assertion": {"shapes", "sizes", "observe"},
    "postmortem": {"model", "report", "source", "session", "observe"},
    "likeness": {"model", "observe"},
    "library": {"model", "report", "session", "postmortem", "observe"},
    "front": {
        "model",
        "report",
        "source",
        "session",
        "postmortem",
        "likeness",
        "apply",
        "observe.request",
        "observe.client",
        "reason",
        "show",
        "messages",
        "__init__",
        "assertion",
    },
    "__init__": {"assertion", "library", "model", "report", "front.explaining"},
    "__main__": {"front"},
}
# Data that prints and writes itself: what a method of it may import when it is called, and never at the top of the file.
DOORS = {
    "model": {"show", "reason.cost"},
    "report": {"show", "apply"},
}


def part(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imported(nodes: Iterable[ast.AST]) -> set[str]:
    """Dotted names below the package that some nodes of a syntax tree import."""
    found = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names if alias.name.startswith("shapewright")}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("shapewright"):
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                below = ROOT.joinpath(*whole.split(".")[1:])
                found.add(whole if below.is_dir() or below.with_suffix(".py").is_file() else str(node.module))
    return {name.partition(".")[2] or "__init__" for name in found}


def wrong_way(own: str, tree: ast.AST) -> set[str]:
    """What a file of a part imports and may not: at its top, and in its functions."""
    within = {id(node) for function in ast.walk(tree) if isinstance(function, ast.FunctionDef) for node in ast.walk(function)}
    nodes = list(ast.walk(tree))
    top, inner = imported(node for node in nodes if id(node) not in within), imported(node for node in nodes if id(node) in within)
    allowed = MAY[own] | {own}
    return _outside(top, allowed) | _outside(inner, allowed | DOORS.get(own, set()))


def _outside(names: set[str], allowed: set[str]) -> set[str]:
    return {name for name in names if not any(name == right or name.startswith(f"{right}.") for right in allowed)}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_run_one_way(path: Path) -> None:
    assert wrong_way(part(path), ast.parse(path.read_text(encoding="utf-8"))) == set()


def test_a_wrong_import_is_seen() -> None:
    tree = ast.parse("def f():\n    from shapewright.front import cli\n    import shapewright.observe.run")
    assert wrong_way("reason", tree) == {"front.cli", "observe.run"}


def test_a_door_is_in_a_method_only() -> None:
    inside = "def f():\n    from shapewright.show import printed\n    from shapewright import session"
    assert wrong_way("report", ast.parse(inside)) == {"session"}
    assert wrong_way("report", ast.parse("from shapewright.show import printed")) == {"show.printed"}
    assert wrong_way("source", ast.parse(inside)) == {"session", "show.printed"}
    for own, doors in DOORS.items():
        tree = ast.parse((ROOT / f"{own}.py").read_text(encoding="utf-8"))
        assert not _outside(doors, imported(ast.walk(tree)) | {"show"}), "a door that nobody uses"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_stay_small(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 410


def loaded_by(statement: str) -> set[str]:
    code = f"import sys; {statement}; print(*sys.modules)"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


def test_importing_the_package_is_light() -> None:
    assert not {"torch", "rich", "click", "libcst"} & loaded_by("import shapewright")
    assert not {"torch"} & loaded_by("import shapewright.front.cli, shapewright.session, shapewright.library")


def test_a_heavy_import_is_seen() -> None:
    assert "rich" in loaded_by("import shapewright, rich")


def test_torch_alone_is_enough() -> None:
    loaded = loaded_by("sys.modules['numpy'] = sys.modules['torchvision'] = None; import shapewright.observe.run")
    assert "torch" in loaded
    assert "shapewright.observe.standins.datasets" not in loaded


def test_public_names() -> None:
    assert sorted(shapewright.__all__) == shapewright.__all__
    for name in shapewright.__all__:
        assert getattr(shapewright, name) is not None
    with pytest.raises(AttributeError):
        _ = shapewright.nothing  # type: ignore[attr-defined]
