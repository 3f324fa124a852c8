"""The process around a run: whatever the program does, there is an answer, and nothing of the user's has changed."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from shapewright import session
from shapewright.observe.client import SPAWN, Worker
from shapewright.observe.request import Request, parse_target

BROKEN = "import torch\nfrom torch import nn\nnet = nn.Linear(3, 4)\nnet(torch.randn(2, 5))\n"


@pytest.mark.parametrize(
    ("program", "kind", "words"),
    [
        ("while True:\n    pass\n", "time", "did not end within"),
        ("while True:\n    try:\n        while True: pass\n    except BaseException: pass\n", "time", "did not end within"),
        ("import os\nos._exit(3)\n", "exit", "os._exit(3)"),
        ("import ctypes\nctypes.string_at(0)\n", "crash", "crashed the interpreter"),
        ("def f(): return f()\nf()\n", "recursion", "calls itself without end"),
        ("x = bytearray(10**11)\n", "memory", "more memory"),
        ("x = torch.empty(10**11, dtype=torch.uint8)\n", "memory", "100,000,000,000 bytes"),
        ("x = torch.zeros(10**6, 10**6)\n", "memory", "4,000,000,000,000 bytes"),
        ("import sys\nsys.exit('no data')\n", "exit", "no data"),
        ("import nowhere_to_be_found\n", "missing-module", "nowhere_to_be_found"),
        ("open('train.csv')\n", "missing-file", "train.csv"),
        ("torch.load('weights.pt')\n", "missing-file", "weights.pt"),
        ("raise ValueError('mine')\n", "exception", "ValueError: mine"),
        ("import argparse\np = argparse.ArgumentParser()\np.add_argument('data')\np.parse_args()\n", "exit", "exit code 2"),
        ("def f(:\n", "exception", "SyntaxError"),
    ],
    ids=lambda value: value[:24].replace("\n", "·") if isinstance(value, str) else "",
)
def test_not_analysed(check, program: str, kind: str, words: str) -> None:  # type: ignore[no-untyped-def]
    limit = 3.0 if kind == "time" else 30.0
    report = check.source(f"import torch\n{program}", time_limit=limit)
    assert report.verdict == "not-analysed"
    assert words in report.reason


def test_nothing_that_ran_is_not_clean(check) -> None:  # type: ignore[no-untyped-def]
    report = check.source("import torch\nfrom torch import nn\nclass Net(nn.Module):\n    def __init__(self):\n"
                          "        super().__init__()\n        self.conv = nn.Conv2d(1, 2, 3)\n")  # fmt: skip
    assert report.verdict == "not-analysed"
    assert "program.py:Net --input 1,1,224,224" in report.advice


def test_failure_before_an_endless_loop_is_reported(check) -> None:  # type: ignore[no-untyped-def]
    caught = BROKEN.replace("net(torch", "try:\n    net(torch") + "except Exception as e:\n    print(e)\nwhile True: pass\n"
    report = check.source(caught, time_limit=3.0)
    assert report.verdict == "error"
    assert report.findings[0].swallowed


def test_fork_and_spawn_give_the_same(check, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    forked = check.source(BROKEN)
    monkeypatch.setenv(SPAWN, "1")
    with Worker() as spawning:
        spawned = session.check(check.request("program.py"), spawning.observe)
    assert forked.findings == spawned.findings
    assert forked.verdict == "error"


def test_spawn_ends_what_does_not_end(check, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv(SPAWN, "1")
    (check.folder / "endless.py").write_text("while True: pass\n")
    with Worker() as spawning:
        report = session.check(check.request("endless.py", time_limit=2.0), spawning.observe)
    assert "did not end" in (report.reason or "")


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="processes cannot be halted here")
def test_a_halted_worker_goes_on(tmp_path: Path) -> None:
    """Ctrl-Z and `fg` while it writes an answer that is longer than a pipe holds."""
    source = "import torch\nfrom torch import nn\nnet = nn.Sequential(*[nn.Linear(4, 4) for _ in range(2000)])\nnet(torch.randn(2, 4))\n"
    (tmp_path / "deep.py").write_text(source)
    request = Request(parse_target("deep.py", tmp_path), cwd=str(tmp_path), all_events=True)
    ended = threading.Event()
    with Worker() as worker:

        def halt() -> None:
            while not ended.wait(0.0005):
                worker._process.send_signal(signal.SIGSTOP)
                worker._process.send_signal(signal.SIGCONT)

        worker.observe(request)
        thread = threading.Thread(target=halt)
        answer: list[int] = []
        asking = threading.Thread(target=lambda: answer.append(len(worker.observe(request).events)), daemon=True)
        thread.start()
        asking.start()
        asking.join(60)
        ended.set()
        thread.join()
        if not answer:
            worker._process.kill()
    assert answer == [2001]


def test_a_script_leaves_no_trace(check) -> None:  # type: ignore[no-untyped-def]
    (check.folder / "kept.txt").write_text("mine")
    program = (
        "import os, shutil, sqlite3, logging, subprocess, torch\nfrom torch import nn\n"
        "logging.basicConfig(filename='train.log'); logging.warning('x')\n"
        "os.makedirs('runs/a', exist_ok=True); open('runs/a/log.txt', 'w').write('x')\n"
        "assert open('runs/a/log.txt').read() == 'x'\n"
        "os.remove('kept.txt'); shutil.rmtree('runs'); assert not os.path.exists('kept.txt')\n"
        "sqlite3.connect('data.db').execute('create table t (a)')\n"
        "subprocess.run(['touch', 'made-by-child'])\nos.system('touch made-by-shell')\n"
        "torch.save(nn.Linear(2, 2).state_dict(), 'model.pt'); net = nn.Linear(2, 2); net.load_state_dict(torch.load('model.pt'))\n"
        "net(torch.randn(1, 3))\n"
    )
    report = check.source(program)
    assert [finding.slug for finding in report.findings] == ["linear-in-features"], report.reason
    assert sorted(path.name for path in check.folder.iterdir()) == ["kept.txt", "program.py"]
    assert (check.folder / "kept.txt").read_text() == "mine"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["check", "nothing.py"], 2, "there is no file"),
        (["check"], 2, "Missing argument"),
        (["check", "broken.py", "--input", "1,a"], 2, "is no shape"),
        (["check", "broken.py", "--input", "1,2:float99"], 2, "unknown dtype"),
        (["check", "broken.py:Net", "--init", "a b"], 2, "is not a list of arguments"),
        (["check", "broken.py", "--format", "concise"], 1, "broken.py:4:1 error[linear-in-features]"),
        (["check", "right.py", "--format", "github"], 0, ""),
        (["check", "right.py"], 0, "clean  right.py"),
        (["check", "."], 1, "2 checked"),
        (["check", "right.py", "--", "--epochs", "3"], 0, "clean"),
        (["trace", "right.py"], 0, "multiply-adds"),
        (["trace", "broken.py", "--format", "json"], 1, '"schema": 1'),
        (["--version"], 0, "shapewright"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_command(tmp_path: Path, words: list[str], code: int, said: str) -> None:
    (tmp_path / "broken.py").write_text(BROKEN)
    (tmp_path / "right.py").write_text(BROKEN.replace("2, 5", "2, 3"))
    done = subprocess.run([sys.executable, "-m", "shapewright", *words], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    assert said in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
