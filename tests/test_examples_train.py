"""The complete programs of `examples/` learn: run as a user would run them, each prints figures that get better by a clear margin.

So do their broken twins once they are mended, by the manifest's edits or by `shapewright check --fix`.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from test_examples_truth import EXAMPLES, mended, source_of

pytest.importorskip("sklearn")

# What each figure may be before and after the training. The bounds leave room for other machines, seeds and versions of torch,
# and none of them holds for a network that has not learnt: an untrained one does not even come near the second.
FIGURES = {
    "digits_cnn.py": {"accuracy": ((0.0, 0.3), (0.9, 1.0))},
    "digits_autoencoder.py": {
        "digits PSNR dB at 8:1": ((4.0, 10.0), (14.0, 40.0)),
        "photo PSNR dB at 8:1": ((4.0, 15.0), (22.0, 50.0)),
    },
    "digits_gan.py": {
        # The losses need not fall, the two networks work against each other; but neither of them may win.
        "discriminator loss": ((0.3, 1.6), (0.3, 1.6)),
        "generator loss": ((0.4, 4.0), (0.4, 4.0)),
        "distance to the real digits": ((0.6, 1.5), (0.0, 0.5)),
    },
    "digits_vgg.py": {
        "all layers on the digits 0-4: accuracy": ((0.0, 0.45), (0.9, 1.0)),
        "a new head on the digits 5-9: accuracy": ((0.0, 0.45), (0.85, 1.0)),
    },
}
FIGURE = re.compile(r"^(\S.*?) (\d+\.\d+) -> (\d+\.\d+)(.*)$", re.MULTILINE)
each_program = pytest.mark.parametrize("file", FIGURES)


def python(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """One thread a process: the networks are small, and other tests run next to this one."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    return subprocess.run([sys.executable, *map(str, words)], capture_output=True, text=True, timeout=300, env=environment)


def figures(program: Path) -> dict[str, tuple[float, float]]:
    """Run a program; what it prints as `name BEFORE -> AFTER unit`, by name and unit."""
    ran = python(program)
    assert ran.returncode == 0, ran.stderr[-2000:]
    return {name + unit: (float(before), float(after)) for name, before, after, unit in FIGURE.findall(ran.stdout)}


def assert_learns(program: Path, file: str) -> None:
    found = figures(program)
    assert found.keys() == FIGURES[file].keys()
    for name, bounds in FIGURES[file].items():
        for value, (low, high) in zip(found[name], bounds, strict=True):
            assert low <= value <= high, f"{name}: {found[name]} is not within {bounds}"


@each_program
def test_right_program_learns(file: str) -> None:
    assert_learns(EXAMPLES / "right" / file, file)


@each_program
def test_broken_program_learns_after_fix(file: str, tmp_path: Path) -> None:
    copy = Path(shutil.copy(EXAMPLES / file, tmp_path))
    fixed = python("-m", "shapewright", "check", copy, "--fix", "--yes")
    assert copy.read_text(encoding="utf-8") != source_of(file), fixed.stdout + fixed.stderr
    if copy.read_text(encoding="utf-8") != source_of(f"right/{file}"):  # which learns above
        assert_learns(copy, file)


@each_program
def test_broken_program_learns_after_the_mends_of_the_manifest(file: str) -> None:
    """They lead to the right program itself, letter by letter, which is the one that learns above: no need to train it twice."""
    assert mended(file)[-1][1] == source_of(f"right/{file}")
