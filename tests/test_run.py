"""`shapewright run`: every program behaves as under plain python, to the byte; the diagnosis comes last and changes nothing."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from plain_programs import PROGRAMS, PYTHON, STDIN

OURS = ("-m", "shapewright", "run")
# What the `shapewright` command is: an installed script that calls `main`.
COMMAND = "import sys\nfrom shapewright.front.main import main\nif __name__ == '__main__':\n    sys.exit(main())\n"


def spawn(words: list[str], folder: Path, stdin: str = "", *, merged: bool = False) -> tuple[int, str, str]:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}  # it would hide what is flushed when
    done = subprocess.run(
        [sys.executable, *words], cwd=folder, input=stdin.encode(), stdout=subprocess.PIPE, timeout=60, env=environment,
        stderr=subprocess.STDOUT if merged else subprocess.PIPE,
    )  # fmt: skip
    # Addresses; and what counts the frames of this command, which lie below the program on the stack.
    unlike = r"0x[0-9a-f]+|(?<=line repeated )\d+|(?<=refcount : )\d+"
    texts = (re.sub(unlike, "N", text.decode(errors="backslashreplace")) for text in (done.stdout, done.stderr or b""))
    return done.returncode, *texts


def same(words: list[str], folder: Path, stdin: str = "", python: tuple[str, ...] = ()) -> tuple[int, str, str]:
    """What plain python does with the words, once it is known that ours does so, too."""
    plain = spawn([*python, *words], folder, stdin)
    assert spawn([*python, *OURS, *words], folder, stdin) == plain
    return plain


def write(folder: Path, text: str, name: str = "prog.py") -> str:
    lines = text.split("\n")
    margin = len(lines[0]) - len(lines[0].lstrip())
    folder.joinpath(name).write_text("\n".join(line[margin:] for line in lines), encoding="utf-8")
    return name


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_runs_as_under_python(name: str, tmp_path: Path) -> None:
    if name in ("processes", "fork-raises") and not hasattr(sys, "abiflags"):
        pytest.skip("no fork")
    write(tmp_path, "x = 1\ny = __name__\n", "other.py")
    word = write(tmp_path, PROGRAMS[name])
    words = ["a", "--help", "-m", "--", "b"] if name == "main-module" else []
    same([word, *words], tmp_path, STDIN.get(name, ""), tuple(PYTHON.get(name, ())))


def test_the_programs_are_told_apart(tmp_path: Path) -> None:
    word = write(tmp_path, "import sys\nprint(len(sys.orig_argv))")  # what really differs
    with pytest.raises(AssertionError):
        same([word], tmp_path)


def test_what_the_programs_show(tmp_path: Path) -> None:
    """The comparison alone would hold for two failures to start."""
    assert spawn([*OURS, write(tmp_path, PROGRAMS["raises"])], tmp_path)[:2] == (1, "before\n")
    code, out, _ = spawn([*OURS, write(tmp_path, PROGRAMS["modules"])], tmp_path)
    assert (code, out) == (0, "[]\nNone None True True\n")
    assert spawn([*OURS, write(tmp_path, PROGRAMS["interrupt"])], tmp_path)[0] == -2
    assert spawn([*OURS, write(tmp_path, PROGRAMS["exit-3"])], tmp_path)[0] == 3


@pytest.mark.parametrize("name", ["main-module", "raises", "interrupt", "exit-text", "broken-pipe-late", "atexit", "chained"])
def test_the_installed_command_does_the_same(name: str, tmp_path: Path) -> None:
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    write(bin_, COMMAND, "shapewright")
    word = write(tmp_path, PROGRAMS[name])
    assert spawn([str(bin_ / "shapewright"), "run", word, "a"], tmp_path) == spawn([word, "a"], tmp_path)


@pytest.mark.parametrize("name", ["raises", "exit-text", "atexit", "threads", "written-at-exit"])
def test_what_is_printed_keeps_its_order(name: str, tmp_path: Path) -> None:
    word = write(tmp_path, PROGRAMS[name])
    assert spawn([*OURS, word], tmp_path, merged=True) == spawn([word], tmp_path, merged=True)


WHO = """\
import sys
print(__name__, __file__, __spec__ and __spec__.name, __package__, sys.argv, sys.path[0], sorted(globals()), __cached__)
from {near} import value
print(value)
raise ValueError("v")
"""


def test_modules_folders_and_archives(tmp_path: Path) -> None:
    package = tmp_path / "package"
    package.mkdir()
    write(package, "print('package', __name__)", "__init__.py")
    write(package, "value = __name__", "near.py")
    write(package, WHO.format(near=".near"), "train.py")
    write(package, WHO.format(near=".near"), "__main__.py")
    assert "value" not in same(["-m", "package.train", "--epochs", "3"], tmp_path)[2].replace("import value", "")
    assert same(["-mpackage.train", "x"], tmp_path)[0] == 1
    same(["-m", "package"], tmp_path)
    for name in ("folder", "no-main"):
        tmp_path.joinpath(name).mkdir()
    write(tmp_path / "folder", "value = __name__", "near.py")
    write(tmp_path / "folder", WHO.format(near="near"), "__main__.py")
    assert "near" in same(["folder", "a"], tmp_path)[1]
    same(["./folder/"], tmp_path, python=("-P",))
    with zipfile.ZipFile(tmp_path / "archive", "w") as archive:
        for name in ("near.py", "__main__.py"):
            archive.write(tmp_path / "folder" / name, name)
    assert "near" in same(["archive", "a"], tmp_path)[1]
    assert same(["no-main"], tmp_path)[0] == 1
    assert same(["-m", "not_there"], tmp_path)[0] == 1
    assert same(["-m", "package.not_there"], tmp_path)[0] == 1


def test_odd_names_places_and_encodings(tmp_path: Path) -> None:
    below = tmp_path / "below"
    below.mkdir()
    write(tmp_path, "print('found')", "beside.py")
    write(tmp_path, "import sys\nprint(__file__, sys.argv, sys.path[0])\nimport beside\n", "no suffix")
    below.joinpath("link.py").symlink_to("../no suffix")
    for word in ("no suffix", "./no suffix", "below/../no suffix", "below/link.py", str(tmp_path / "no suffix")):
        assert same([word], tmp_path)[0] == 0
    assert same(["../no suffix"], below)[0] == 0
    assert same(["no suffix"], tmp_path, python=("-P",))[0] == 1
    tmp_path.joinpath("latin.py").write_bytes(b"# -*- coding: latin-1 -*-\nprint(ascii('\xe9'))\nraise ValueError('\xe9')")
    tmp_path.joinpath("bom.py").write_bytes(b"\xef\xbb\xbfprint(ascii('\xc3\xa9'))\r\n1/0\r\n")
    tmp_path.joinpath("empty.py").write_bytes(b"")
    for word in ("latin.py", "bom.py", "empty.py"):
        same([word], tmp_path)
    subprocess.run([sys.executable, "-c", "import py_compile; py_compile.compile('beside.py', 'beside.pyc')"], cwd=tmp_path, check=True)
    assert same(["beside.pyc"], tmp_path)[1] == "found\n"


def test_what_cannot_be_run_is_said_in_a_sentence(tmp_path: Path) -> None:
    assert spawn([*OURS, "nope.py"], tmp_path) == (2, "", "shapewright: cannot open 'nope.py': No such file or directory\n")
    for words in (["-O", "x.py"], ["-m"], ["-"], [""], ["--"], ["-c", "1"]):
        code, out, err = spawn([*OURS, *words], tmp_path)
        assert (code, out) == (2, "") and err.startswith("shapewright: run takes a script") and err.count("\n") == 1
    write(tmp_path, "no bytecode", "bad.pyc")
    code, _, err = spawn([*OURS, "bad.pyc"], tmp_path)
    assert code == 2 and err.startswith("shapewright: cannot run") and err.count("\n") == 1
    assert spawn([*OURS, "--", write(tmp_path, "print(1)")], tmp_path) == (0, "1\n", "")


def test_help() -> None:
    for word in ("-h", "--help"):
        code, out, _ = spawn([*OURS, word], Path.cwd())
        assert code == 0 and "as python does" in out
    assert "run " in spawn(["-m", "shapewright", "--help"], Path.cwd())[1]
    assert spawn([*OURS], Path.cwd())[0] == 2


def test_a_debugger_that_steps_beyond_the_end_stays_in_the_program(tmp_path: Path) -> None:
    word = write(tmp_path, "import atexit\natexit.register(print, 'end')\nbreakpoint()\ny = 1\n")
    code, out, _ = spawn([*OURS, word], tmp_path, "n\nn\nn\nn\n")
    assert code == 0 and out.endswith("end\n") and "--Return--" in out and "run.py" not in out


def test_loader_workers(tmp_path: Path) -> None:
    word = write(tmp_path, """\
        import torch
        from torch.utils.data import DataLoader, Dataset
        class Data(Dataset):
            def __len__(self): return 4
            def __getitem__(self, i): return torch.tensor([float(i)])
        if __name__ == "__main__":
            for method in ("fork", "spawn"):
                for batch in DataLoader(Data(), batch_size=2, num_workers=1, multiprocessing_context=method):
                    print(method, batch.tolist())
    """)  # fmt: skip
    assert spawn([*OURS, word], tmp_path) == (0, "".join(f"{m} [[{i}.0], [{i + 1}.0]]\n" for m in ("fork", "spawn") for i in (0, 2)), "")


# -- the diagnosis ------------------------------------------------------------------------------------------------------------------

FAKE = """
import os, sys, time, types
from shapewright.front import aftermath
def program(cwd):
    return (cwd, list(sys.argv))
def diagnosis(error, program, *, stream=None):
    {body}
aftermath.program, aftermath.diagnosis = program, diagnosis
sys.modules["torch"] = types.ModuleType("torch")
from shapewright.front.main import main
main(["run", *sys.argv[1:]])
"""
TELL = 'return f"diagnosis of {error!r} {program[1]} {stream is sys.stderr}\\n"'


def told(folder: Path, word: str, body: str = TELL, *, merged: bool = True) -> tuple[int, str, str]:
    return spawn(["-c", FAKE.format(body=body), word, "--word"], folder, merged=merged)


def test_the_diagnosis_follows_the_traceback(tmp_path: Path) -> None:
    word = write(tmp_path, "import atexit, os, sys\nprint('out')\nsys.argv.clear()\nos.chdir('/')\natexit.register(print, 'end')\n1 / 0")
    code, plain, _ = spawn([word], tmp_path, merged=True)
    assert plain.endswith("division by zero\nend\n")
    said = "\ndiagnosis of ZeroDivisionError('division by zero') ['prog.py', '--word'] True\n"
    assert told(tmp_path, word) == (code, plain.removesuffix("end\n") + said + "end\n", "")


@pytest.mark.parametrize("name", ["exit-3", "exit-text", "interrupt", "interrupt-caught", "threads"])
def test_no_diagnosis_without_a_failure(name: str, tmp_path: Path) -> None:
    word = write(tmp_path, PROGRAMS[name])
    assert told(tmp_path, word) == spawn([word, "--word"], tmp_path, merged=True)


def test_the_diagnosis_follows_the_programs_own_hook(tmp_path: Path) -> None:
    for end in ("", "; sys.exit(5)"):
        code, out, _ = told(tmp_path, write(tmp_path, f"import sys\ndef hook(*a): print('hook'){end}\nsys.excepthook = hook\n1 / 0"))
        assert code == (5 if end else 1) and out.startswith("hook\n\ndiagnosis of ZeroDivisionError") and out.count("diagnosis") == 1


def test_a_thread_is_diagnosed(tmp_path: Path) -> None:
    text = "import threading\ndef f(): 1 / 0\nt = threading.Thread(target=f, name='t'); t.start(); t.join()\nprint('goes on')"
    code, out, _ = told(tmp_path, write(tmp_path, text))
    assert code == 0 and re.search(r"Exception in thread t:\n(?s:.*)\n\ndiagnosis of Zero.*\ngoes on\n$", out)


@pytest.mark.parametrize(
    "body",
    [
        "1 / 0",
        "raise KeyboardInterrupt",
        "return ''",
        # a shell starts what runs in the background deaf to Ctrl-C
        "import signal; signal.signal(2, signal.default_int_handler); os.kill(os.getpid(), 2); time.sleep(9); return 'slept to its end'",
        "del sys.stderr",
        "return None",
    ],
)
def test_a_diagnosis_that_fails_is_silent(body: str, tmp_path: Path) -> None:
    word = write(tmp_path, PROGRAMS["raises"])
    assert told(tmp_path, word, body, merged=False) == spawn([word], tmp_path)


def test_a_reader_that_has_gone_changes_nothing(tmp_path: Path) -> None:
    word = write(tmp_path, "import os\nr, w = os.pipe(); os.dup2(w, 2); os.close(r); os.close(w)\n1 / 0")
    assert told(tmp_path, word, merged=False) == spawn([word], tmp_path)


def test_a_dry_run_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    word = write(tmp_path, PROGRAMS["raises"])
    monkeypatch.setenv("SHAPEWRIGHT_DRY", "1")
    assert told(tmp_path, word) == spawn([word], tmp_path, merged=True)


def test_a_program_that_installs_it_too_is_told_once(tmp_path: Path) -> None:
    code, out, _ = told(tmp_path, write(tmp_path, "import shapewright\nshapewright.install()\n1 / 0"))
    assert code == 1 and out.count("diagnosis of") == 1
    code, out, _ = told(tmp_path, write(tmp_path, "import shapewright\nwith shapewright.explaining():\n    1 / 0"))
    assert code == 1 and out.count("diagnosis of") == 1 and out.endswith("zero\n\ndiagnosis of ZeroDivisionError('division by zero')"
        " ['prog.py', '--word'] False\n")  # fmt: skip
