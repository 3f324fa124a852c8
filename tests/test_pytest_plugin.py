"""The pytest plugin: what stands under which failures, and how little it loads. Each session is a process of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "pytest.md"
NAME, MODULE = "shapewright", "shapewright.front.pytest_plugin"
# In the place of the diagnosis, which takes seconds and has its own tests: who was asked about what.
ANSWERS = """
import pytest
from shapewright.front import aftermath

def of_test(error, nodeid, rootdir, worker):
    return "" if "nothing" in str(error) else f"asked {type(error).__name__} {nodeid}"

aftermath.of_test = of_test
"""
# Most of the tests are about when something is asked, which is as true with an empty module for torch.
FAIL = """
import pytest, sys, types, unittest
sys.modules["torch"] = types.ModuleType("torch")
def fail(n=9):
    raise RuntimeError(f"cannot multiply {n}")
"""
NET = """
import torch
class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = torch.nn.Linear(8, 2)
    def forward(self, x):
        return self.fc(x)
def fail(n=9):
    Net()(torch.zeros(2, n))
"""


def test_the_entry_point_is_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["entry-points"]["pytest11"] == {NAME: MODULE}


@pytest.fixture
def session(tmp_path: Path):  # type: ignore[no-untyped-def]
    """Runs pytest on one file of tests, with the plugin found through its entry point."""
    installed = tmp_path / "installed" / "plugin-0.dist-info"
    installed.mkdir(parents=True)
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: plugin\nVersion: 0\n")
    (installed / "entry_points.txt").write_text(f"[pytest11]\n{NAME} = {MODULE}\n")
    folder = tmp_path / "project"
    folder.mkdir()

    def run(tests: str, *options: str, conftest: str = ANSWERS, ini: str = "", name: str = "test_it.py") -> str:
        (folder / "pytest.ini").write_text(f"[pytest]\n{ini}\n")
        (folder / "conftest.py").write_text(conftest)
        (folder / name).write_text(tests)
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--tb=short", *options, name]
        path = os.pathsep.join([str(installed.parent), os.environ.get("PYTHONPATH", "")])
        done = subprocess.run(
            command, cwd=folder, env={**os.environ, "PYTHONPATH": path, "COLUMNS": "100"}, capture_output=True, text=True, check=False
        )
        return done.stdout + done.stderr

    return run


def asked(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith(("asked ", "as in ", "no time"))]


def test_failures_of_every_phase_are_explained(session) -> None:  # type: ignore[no-untyped-def]
    tests = FAIL + (
        "@pytest.fixture\n"
        "def before(): fail(10)\n"
        "@pytest.fixture\n"
        "def after():\n"
        "    yield\n"
        "    fail(11)\n"
        "def test_call(): fail(12)\n"
        "def test_setup(before): pass\n"
        "def test_teardown(after): pass\n"
        "class TestCase(unittest.TestCase):\n"
        "    def test_unit(self): fail(13)\n"
        "@pytest.mark.parametrize('n', [14, 15])\n"
        "def test_each(n): fail(n)\n"
        "@pytest.mark.anyio\n"
        "async def test_async(): fail(16)\n"
    )
    text = session(tests)
    expected = {"test_call", "test_setup", "test_teardown", "TestCase::test_unit", "test_each[14]", "test_each[15]"}
    found = {line.partition("::")[2] for line in asked(text)}
    assert expected <= found
    assert text.count("- shapewright -") == len(asked(text))


def test_what_is_no_failure_is_left_alone(session) -> None:  # type: ignore[no-untyped-def]
    tests = FAIL + (
        "@pytest.mark.xfail\n"
        "def test_expected(): fail()\n"
        "def test_raises():\n"
        "    with pytest.raises(RuntimeError): fail()\n"
        "def test_skipped(): pytest.skip('nothing here')\n"
        "def test_assertion(): assert (2, 2) == (2, 3)\n"
        "def test_failed(): pytest.fail('no')\n"
        "def test_name(): missing\n"
        "def test_exit(): raise SystemExit(3)\n"
        "def test_unknown(): raise RuntimeError('nothing to say')\n"
    )
    text = session(tests)
    assert "- shapewright -" not in text
    assert "5 failed, 1 passed, 1 skipped, 1 xfailed" in text


def test_a_place_is_explained_once(session) -> None:  # type: ignore[no-untyped-def]
    tests = FAIL + (
        "def test_one(): fail()\n"
        "def test_two(): fail()\n"
        "def test_other(): fail(10)\n"
        "@pytest.fixture\n"
        "def before(): fail()\n"
        "def test_fixture(before): pass\n"
    )
    assert asked(session(tests)) == [
        "as in test_it.py::test_one below",
        "asked RuntimeError test_it.py::test_one",
        "as in test_it.py::test_one above",
        "asked RuntimeError test_it.py::test_other",
    ]


def test_the_seconds_of_a_session_end(session) -> None:  # type: ignore[no-untyped-def]
    slow = ANSWERS.replace("    return", "    import time; time.sleep(0.3)\n    return")
    tests = FAIL + "def test_one(): fail()\ndef test_two(): fail(10)\n"
    assert asked(session(tests, conftest=slow, ini="shapewright_seconds = 0.1")) == [
        "asked RuntimeError test_it.py::test_one",
        "no time was left to explain this one: 0.1 s are spent (shapewright_seconds)",
    ]
    for wrong in ("soon", "-1", "nan"):
        assert f"must be a number of seconds, 0 or more, not '{wrong}'" in session(tests, ini=f"shapewright_seconds = {wrong}")


@pytest.mark.parametrize("options", [("--no-shapewright",), ("-p", "no:shapewright"), ("-o", "shapewright=false")])
def test_it_can_be_turned_off(session, options: tuple[str, ...]) -> None:  # type: ignore[no-untyped-def]
    text = session(FAIL + "def test_one(): fail()\n", *options)
    assert asked(text) == [] and "1 failed" in text


def test_failures_alike_but_for_the_batch_share_one(session) -> None:  # type: ignore[no-untyped-def]
    tests = NET + (
        "import pytest\n"
        "@pytest.mark.parametrize('batch, width', [(1, 9), (3, 9), (8, 9), (3, 10), (2, 11), (2, 12), (5, 10)])\n"
        "def test_one(batch, width): Net()(torch.zeros(batch, width))\n"
    )
    assert asked(session(tests)) == [
        "asked RuntimeError test_it.py::test_one[1-9]",
        "as in test_it.py::test_one[1-9] above, with another batch",
        "as in test_it.py::test_one[1-9] above, with another batch",
        "asked RuntimeError test_it.py::test_one[3-10]",
        "asked RuntimeError test_it.py::test_one[2-11]",
        "as in test_it.py::test_one[1-9] above, with other sizes",
        "as in test_it.py::test_one[3-10] above, with another batch",
    ]


def test_one_process_serves_all_diagnoses(session) -> None:  # type: ignore[no-untyped-def]
    counting = """
from shapewright.observe import client
class Counted(client.Worker):
    made = []
    def __init__(self):
        super().__init__()
        self.made.append(self._process)
client.Worker = Counted
def pytest_unconfigure():
    print("processes", len(Counted.made), "still running", sum(one.poll() is None for one in Counted.made))
"""
    text = session(NET + "def test_one(): fail()\ndef test_two(): fail(10)\n", conftest=counting)
    assert "build `fc` for 9" in text and "build `fc` for 10" in text
    assert "processes 1 still running 0" in text


@pytest.mark.parametrize("options", [(), ("--tb=no",), ("--show-capture=no",), ("-n", "1")])
def test_it_stands_in_the_junit_report(session, options: tuple[str, ...], tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    session(FAIL + "def test_one(): fail()\n", "--junitxml=report.xml", *options)
    failure = ElementTree.parse(tmp_path / "project" / "report.xml").find(".//failure")
    assert failure is not None and failure.text is not None
    assert re.search(r"- shapewright -+\nasked RuntimeError test_it.py::test_one$", failure.text.rstrip())


@pytest.mark.parametrize("options", [("--tb=no",), ("--tb=line",)])
def test_nothing_is_asked_that_would_not_be_shown(session, options: tuple[str, ...]) -> None:  # type: ignore[no-untyped-def]
    loud = ANSWERS.replace("    return", "    open('asked', 'w').close()\n    return")
    assert "1 failed" in session(
        FAIL + "def test_one(): fail()\ndef test_file():\n    import os; assert not os.path.exists('asked')\n", *options, conftest=loud
    )


@pytest.mark.parametrize("options", [("-s",), ("-x",), ("-n", "2"), ("--tb=long",), ("--tb=native",), ("--show-capture=no",)])
def test_it_goes_with_other_options(session, options: tuple[str, ...]) -> None:  # type: ignore[no-untyped-def]
    assert asked(session(FAIL + "def test_one(): fail()\n", *options)) == ["asked RuntimeError test_it.py::test_one"]


def test_a_promise_is_explained_when_the_model_raised(session) -> None:  # type: ignore[no-untyped-def]
    tests = NET + (
        "def test_kept(assert_shapes): assert_shapes(Net(), 'B 8', 'B 2')\n"
        "def test_broken(assert_shapes): assert_shapes(Net(), 'B 8', 'B 3')\n"
        "def test_raised(assert_shapes): assert_shapes(Net(), 'B 9', 'B 3')\n"
    )
    text = session(tests)
    assert asked(text) == ["asked RuntimeError test_it.py::test_raised"]
    assert "came      f32[2, →2←]" in text and "2 failed, 1 passed" in text


def test_what_explaining_has_said_is_not_said_again(session) -> None:  # type: ignore[no-untyped-def]
    tests = FAIL + (
        "def test_one():\n"
        "    try: fail()\n"
        "    except RuntimeError as error:\n"
        "        error.__shapewright__ = 'said'\n"
        "        raise ValueError('wrapped') from error\n"
    )
    text = session(tests)
    assert asked(text) == [] and "1 failed" in text


def test_a_mistake_of_ours_changes_no_result(session) -> None:  # type: ignore[no-untyped-def]
    broken = ANSWERS.replace("    return", "    raise KeyError('ours')\n    return")
    text = session(FAIL + "def test_one(): fail()\n", conftest=broken)
    assert "1 failed" in text and "KeyError" not in text and "INTERNALERROR" not in text


def test_the_diagnosis_itself_stands_there(session) -> None:  # type: ignore[no-untyped-def]
    text = session(NET + "def test_one(): fail()\n", conftest="")
    assert "`fc` expects 8 input features but receives 9" in text
    assert "build `fc` for 9 input features" in text


def test_loading_it_is_light(session) -> None:  # type: ignore[no-untyped-def]
    heavy = ("torch", "rich", "click", "libcst", "shapewright.assertion", "shapewright.front.aftermath")
    tests = (
        "import sys\n"
        "def test_one():\n"
        f"    assert {MODULE!r} in sys.modules\n"
        f"    assert not [one for one in {heavy} if one in sys.modules]\n"
    )
    assert "1 passed" in session(tests, conftest="")
    assert "1 failed" in session("import click\n" + tests, conftest="")


def test_the_page_says_what_happens(session) -> None:  # type: ignore[no-untyped-def]
    """The first block is run, the second is the section under its failure. `UPDATE_DOCS=1` writes the page."""
    page = PAGE.read_text(encoding="utf-8")
    tests = re.findall(r"```python\n(.*?)```\n", page, flags=re.S)
    shown = session(tests[0], conftest="", name="test_net.py")
    section = re.search(r"^-+ shapewright -+$.*?(?=^=+ short test summary)", shown, flags=re.S | re.M)
    assert section is not None, shown
    written = re.sub(r"(```text\n).*?(```\n)", lambda block: block[1] + section[0] + block[2], page, count=1, flags=re.S)
    if os.environ.get("UPDATE_DOCS"):
        PAGE.write_text(written, encoding="utf-8")
    assert written == PAGE.read_text(encoding="utf-8")
    assert "1 passed" in session(tests[0].partition("def test_batch")[0] + tests[1], conftest="", name="test_net.py")
