"""The commands that change files: what is written, what is refused, what is said."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """import torch
from torch import nn

net = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8 * 7 * 7, 10))  # the head
print(net(torch.randn(4, 3, 32, 32)).shape)
"""


def shapewright(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "shapewright", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "net.py"
    path.write_bytes(PROGRAM.replace("\n", "\r\n").encode())
    return path


def test_the_best_fix_is_written_and_the_rest_stays(program: Path) -> None:
    done = shapewright("check", "net.py", "--fix", "--yes", folder=program.parent)
    assert done.returncode == 0, done.stdout + done.stderr
    assert program.read_bytes() == PROGRAM.replace("8 * 7 * 7", "8 * 16 * 16").replace("\n", "\r\n").encode()
    assert subprocess.run([sys.executable, str(program)], capture_output=True, check=False).returncode == 0
    again = shapewright("check", "net.py", "--diff", folder=program.parent)
    assert (again.returncode, again.stdout) == (0, "")


def test_nothing_is_written_without_a_yes(program: Path) -> None:
    before = program.read_bytes()
    done = shapewright("check", "net.py", "--fix", folder=program.parent)
    assert done.returncode == 2
    assert "--yes" in done.stderr
    assert program.read_bytes() == before


def test_a_diff_is_taken_by_git(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(PROGRAM)
    patch = shapewright("check", "net.py", "--diff", folder=tmp_path)
    assert patch.returncode == 1
    assert subprocess.run(["git", "apply"], cwd=tmp_path, input=patch.stdout, text=True, check=False).returncode == 0
    assert "8 * 16 * 16" in (tmp_path / "net.py").read_text()


def test_another_fix_can_be_picked(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(PROGRAM)
    done = shapewright("check", "net.py", "--fix", "--yes", "--pick", "2", folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "8 * 7 * 7" in (tmp_path / "net.py").read_text()
    far = shapewright("check", "net.py", "--fix", "--yes", "--pick", "9", folder=tmp_path)
    assert far.returncode == 0  # it is clean by now
