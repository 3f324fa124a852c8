"""The guard: programs that try hard to leave a trace go on, and leave none."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from shapewright.observe import guard_landlock

HARNESS = """
import json, os, sys
from pathlib import Path
from shapewright.observe import guard, guard_landlock

private, layers, preload = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
for name in preload.split():
    __import__(name)
source, sys.argv = sys.stdin.read(), ["script.py"]
notes, walls, ended = [], (), "end"
if "answers" in layers:
    around = guard.answers(private, notes.append)
    around.__enter__()
if "walls" in layers:
    walls = guard.enforce(private, memory=guard.MEMORY_DEFAULT)
if "landlock" in layers:
    walls = guard_landlock.enclose(str(private))
try:
    exec(compile(source, "script.py", "exec"), {"__name__": "__main__", "PRIVATE": str(private)})
except guard.Exited as exited:
    ended = f"exited {exited.code}"
except BaseException as error:
    import traceback
    traceback.print_exc()
    ended = f"{type(error).__name__}: {error}"
if "answers" in layers:
    around.__exit__(None, None, None)
print("\\n" + json.dumps({"notes": notes, "walls": walls, "ended": ended}), flush=True)
os._exit(0)
"""

needs_landlock = pytest.mark.skipif(guard_landlock.version() == 0, reason="this system has no Landlock")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder of the user's, and beside it a private one."""
    home = tmp_path / "home"
    (home / "data" / "train").mkdir(parents=True)
    (home / "log.txt").write_text("first\n")
    (home / "numbers.csv").write_text("a,b\n1,2\n")
    (home / "blob.bin").write_bytes(bytes(range(256)))
    for n in range(3):
        (home / "data" / "train" / f"{n}.txt").write_text(str(n))
    (home / "latest").symlink_to("data")
    (tmp_path / "private").mkdir()
    return home


def everything(folder: Path) -> dict[str, object]:
    """All that could change in a folder, byte for byte, rights and times included."""
    found: dict[str, object] = {}
    for path in sorted([folder, *folder.rglob("*")]):
        stat = path.lstat()
        content = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else None
        found[str(path)] = (content, stat.st_mode, stat.st_mtime_ns, stat.st_uid, stat.st_nlink)
    return found


def run(home: Path, source: str, layers: str = "answers walls", preload: str = "") -> dict[str, object]:
    """Run the source in a process of its own in `home`, with these layers; nothing may have changed afterwards."""
    before = everything(home)
    done = subprocess.run(
        [sys.executable, "-c", HARNESS, str(home.parent / "private"), layers, preload],
        input=textwrap.dedent(source),
        cwd=home,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.stdout.strip(), done.stderr
    assert everything(home) == before, "the user's folder changed"
    result: dict[str, object] = json.loads(done.stdout.strip().splitlines()[-1])
    return {**result, "stderr": done.stderr}


# Each must run to its end: its asserts say what the script has to see.
PROGRAMS = {
    "makedirs and read back": """
        import os
        os.makedirs("runs/a/b", exist_ok=True)
        os.makedirs("runs/a/b", exist_ok=True)
        with open("runs/a/b/x.txt", "w") as f:
            assert f.name == "runs/a/b/x.txt"
            f.write("hello")
        assert open("runs/a/b/x.txt").read() == "hello"
        assert os.path.getsize("runs/a/b/x.txt") == 5 and os.listdir("runs/a") == ["b"]
        assert sorted(os.listdir()) == ["blob.bin", "data", "latest", "log.txt", "numbers.csv", "runs"]
    """,
    "rmtree of everything": """
        import os, shutil
        home = os.getcwd()
        shutil.rmtree(home)
        assert not os.path.exists(home) and not os.path.exists(home + "/data/train/0.txt")
        os.mkdir(home)
        assert os.listdir(home) == []
        open(home + "/data", "w").close()
        assert os.path.isfile(home + "/data")
    """,
    "replace": """
        import os
        with open("log.tmp", "w") as f: f.write("new")
        os.replace("log.tmp", "log.txt")
        assert open("log.txt").read() == "new" and not os.path.exists("log.tmp")
        os.rename("numbers.csv", "moved.csv")
        assert open("moved.csv").read() == "a,b\\n1,2\\n" and not os.path.isfile("numbers.csv")
    """,
    "rename folders": """
        import os, shutil
        os.rename("data", "old")
        assert sorted(os.listdir("old/train")) == ["0.txt", "1.txt", "2.txt"] and not os.path.exists("data")
        shutil.move("old", "new")
        assert open("new/train/2.txt").read() == "2"
    """,
    "append": """
        with open("log.txt", "a") as f: f.write("second\\n")
        with open("log.txt", "a+") as f:
            f.seek(0)
            assert f.read() == "first\\nsecond\\n"
        assert open("log.txt").readlines() == ["first\\n", "second\\n"]
    """,
    "change in place": """
        import os
        with open("blob.bin", "r+b") as f:
            f.seek(10); f.write(b"XY")
        data = open("blob.bin", "rb").read()
        assert data[10:12] == b"XY" and len(data) == 256 and data[12] == 12
        os.truncate("blob.bin", 5)
        assert os.stat("blob.bin").st_size == 5
    """,
    "exclusive": """
        try:
            open("log.txt", "x")
            raise SystemExit("opened")
        except FileExistsError as error:
            assert error.filename == "log.txt"
        open("fresh.txt", "x").close()
        try:
            open("fresh.txt", "x")
            raise SystemExit("opened")
        except FileExistsError:
            pass
    """,
    "os.open": """
        import os
        fd = os.open("raw.bin", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.write(fd, b"123"); os.close(fd)
        fd = os.open("raw.bin", os.O_RDONLY)
        assert os.read(fd, 9) == b"123"
        try:
            os.open("no.bin", os.O_RDWR)
            raise SystemExit("opened")
        except FileNotFoundError as error:
            assert error.filename == "no.bin"
    """,
    "remove and see": """
        import os, glob
        os.remove("data/train/1.txt"); os.unlink("log.txt")
        assert not os.path.exists("log.txt") and not os.access("log.txt", os.R_OK)
        assert sorted(glob.glob("data/train/*.txt")) == ["data/train/0.txt", "data/train/2.txt"]
        assert sorted(e.path for e in os.scandir("data/train")) == ["data/train/0.txt", "data/train/2.txt"]
        for missing in ("log.txt", "nothing"):
            try:
                os.remove(missing)
                raise SystemExit("removed")
            except FileNotFoundError as error:
                assert error.filename == missing, error
    """,
    "rmdir": """
        import os
        try:
            os.rmdir("data/train")
            raise SystemExit("removed")
        except OSError as error:
            import errno
            assert error.errno == errno.ENOTEMPTY
        for name in os.listdir("data/train"): os.remove(os.path.join("data/train", name))
        os.removedirs("data/train")
        assert not os.path.isdir("data")
    """,
    "walk": """
        import os
        os.makedirs("out/deep"); open("out/deep/a", "w").close(); open("data/train/3.txt", "w").close()
        assert [(t, sorted(d), sorted(f)) for t, d, f in os.walk("out")] == [("out", ["deep"], []), ("out/deep", [], ["a"])]
        assert sorted(list(os.walk("data"))[1][2]) == ["0.txt", "1.txt", "2.txt", "3.txt"]
        assert sorted(list(os.fwalk("data"))[1][2]) == ["0.txt", "1.txt", "2.txt", "3.txt"]
        assert b"3.txt" in os.listdir(b"data/train")
    """,
    "links": """
        import os
        os.symlink("log.txt", "last"); os.symlink(os.path.abspath("data"), "all")
        assert os.path.islink("last") and open("last").read() == "first\\n"
        with open("last", "a") as f: f.write("more")
        assert open("log.txt").read() == "first\\nmore"
        with open("all/train/9.txt", "w") as f: f.write("9")
        assert open("latest/train/9.txt").read() == "9" and os.path.realpath("all/train") == os.path.realpath("data/train")
        os.remove("last"); os.symlink("numbers.csv", "last")
        assert open("last").read().startswith("a,b")
        os.link("log.txt", "hard")
        import shutil; shutil.copytree("latest", "tree", symlinks=True); assert os.stat in os.supports_fd
        assert open("hard").read() == "first\\nmore"
    """,
    "rename over a link": """
        import os
        os.symlink(os.path.abspath("log.txt"), "link")
        os.rename("numbers.csv", "link")
        assert not os.path.islink("link") and open("log.txt").read() == "first\\n"
    """,
    "rights and times": """
        import os, pathlib
        os.chmod("log.txt", 0o777); os.utime("log.txt", (1, 1)); os.chmod("data", 0)
        pathlib.Path("log.txt").touch(); pathlib.Path("log.txt").chmod(0o400)
        with open("log.txt") as f: os.fchmod(f.fileno(), 0o777)
        os.chown("log.txt", 1, 1)
        try:
            os.chmod("nothing", 0o600)
            raise SystemExit("changed")
        except FileNotFoundError:
            pass
    """,
    "working folder": """
        import os
        home = os.getcwd()
        os.makedirs("run1/sub"); os.chdir("run1")
        assert os.getcwd() == home + "/run1" and os.path.abspath("x") == home + "/run1/x"
        open("here.txt", "w").write("h")
        assert open("../log.txt").read() == "first\\n" and os.listdir() and os.path.exists("sub")
        os.chdir("..")
        assert os.getcwd() == home and open("run1/here.txt").read() == "h"
        os.chdir("data"); assert os.listdir(".") == ["train"]
    """,
    "pathlib": """
        from pathlib import Path
        out = Path("out") / "x"
        out.mkdir(parents=True, exist_ok=True)
        (out / "a.txt").write_text("abc"); (out / "b.bin").write_bytes(b"12"); (out / "c").touch()
        assert (out / "a.txt").read_text() == "abc" and (out / "a.txt").exists() and (out / "c").is_file()
        (out / "a.txt").rename(out / "d.txt"); (out / "c").unlink(); (out / "c").unlink(missing_ok=True)
        assert sorted(p.name for p in out.iterdir()) == ["b.bin", "d.txt"]
        assert sorted(str(p) for p in Path(".").glob("**/*.txt")) == [
            "data/train/0.txt", "data/train/1.txt", "data/train/2.txt", "log.txt", "out/x/d.txt"]
        assert sorted(p.name for p in Path("out").rglob("*")) == ["b.bin", "d.txt", "x"]
        assert (out / "d.txt").resolve() == Path.cwd() / "out/x/d.txt"
    """,
    "shutil": """
        import os, shutil
        shutil.copy("log.txt", "copy.txt"); shutil.copy2("log.txt", "copy2.txt"); shutil.copyfile("blob.bin", "copy3.bin")
        shutil.copytree("data", "backup"); shutil.rmtree("data"); shutil.copytree("backup", "data", dirs_exist_ok=True)
        assert open("copy2.txt").read() == "first\\n" and open("data/train/0.txt").read() == "0"
        shutil.move("copy.txt", "backup"); assert os.path.exists("backup/copy.txt")
        shutil.make_archive("packed", "zip", "backup"); shutil.unpack_archive("packed.zip", "unpacked")
        assert open("unpacked/train/2.txt").read() == "2"
        shutil.rmtree("nothing", ignore_errors=True); assert shutil.disk_usage("unpacked").free
    """,
    "sqlite": """
        import sqlite3
        for path in ("results.db", "results.db"):
            with sqlite3.connect(path) as db:
                db.execute("create table if not exists t (x)"); db.execute("insert into t values (1)")
        assert db.execute("select count(*) from t").fetchone() == (2,)
        import os; assert os.path.exists("results.db")
        sqlite3.connect(":memory:").execute("create table t (x)")
        try:
            sqlite3.connect("no/where.db")
            raise SystemExit("opened")
        except sqlite3.OperationalError:
            pass
    """,
    "logging": """
        import logging, logging.handlers
        logging.basicConfig(filename="train.log", level=logging.INFO)
        logging.info("epoch 1")
        rotating = logging.handlers.RotatingFileHandler("log.txt", maxBytes=5, backupCount=2)
        logging.getLogger().addHandler(rotating)
        logging.info("epoch 2"); logging.info("epoch 3")
        assert "epoch 1" in open("train.log").read() and "epoch 3" in open("log.txt").read()
    """,
    "csv, json, pickle": """
        import csv, json, pickle
        with open("numbers.csv", "a", newline="") as f: csv.writer(f).writerow([3, 4])
        assert list(csv.reader(open("numbers.csv")))[-1] == ["3", "4"]
        json.dump({"a": 1}, open("config.json", "w")); pickle.dump([1, 2], open("p.pkl", "wb"))
        assert json.load(open("config.json")) == {"a": 1} and pickle.load(open("p.pkl", "rb")) == [1, 2]
    """,
    "packed files": """
        import bz2, gzip, lzma, tarfile, zipfile
        for module in (bz2, gzip, lzma):
            with module.open("x.packed", "wb") as f: f.write(b"abc")
            assert module.open("x.packed").read() == b"abc"
        with zipfile.ZipFile("x.zip", "w") as z: z.write("log.txt"); z.writestr("in/b.txt", "b")
        with zipfile.ZipFile("x.zip", "a") as z: z.writestr("c.txt", "c")
        zipfile.ZipFile("x.zip").extractall("zip"); assert open("zip/in/b.txt").read() == "b"
        with tarfile.open("x.tar.gz", "w:gz") as t: t.add("data")
        tarfile.open("x.tar.gz").extractall("tar", filter="data"); assert open("tar/data/train/1.txt").read() == "1"
    """,
    "tempfile": """
        import os, tempfile
        with tempfile.TemporaryDirectory() as d:
            open(os.path.join(d, "a"), "w").close(); assert os.listdir(d) == ["a"]
        assert not os.path.exists(d)
        with tempfile.NamedTemporaryFile("w+", dir=".", suffix=".txt") as f:
            f.write("x"); f.flush(); assert open(f.name).read() == "x"
        with tempfile.NamedTemporaryFile("w", dir=".", delete=False) as f: f.write("done")
        os.replace(f.name, "log.txt"); assert open("log.txt").read() == "done"
        with tempfile.TemporaryFile() as f: f.write(b"1")
        fd, name = tempfile.mkstemp(); os.close(fd); os.remove(name)
        with tempfile.SpooledTemporaryFile(max_size=1) as f: f.write(b"123")
    """,
    "dbm and shelve": """
        import shelve
        with shelve.open("shelf") as s: s["a"] = [1]
        with shelve.open("shelf") as s: assert s["a"] == [1]
    """,
    "numpy": """
        import numpy as np, os
        a = np.arange(6.0)
        np.save("a.npy", a); np.savez("b.npz", a=a); np.savetxt("c.txt", a); a.tofile("d.bin"); np.savez_compressed("e", a=a)
        assert np.load("a.npy").sum() == np.load("b.npz")["a"].sum() == np.loadtxt("c.txt").sum() == np.fromfile("d.bin").sum()
        m = np.memmap("m.bin", dtype="float32", mode="w+", shape=(4, 4)); m[:] = 1; m.flush()
        assert np.memmap("m.bin", dtype="float32", mode="r").sum() == 16
        b = np.memmap("blob.bin", dtype="uint8", mode="r+"); b[:] = 0; b.flush(); assert np.fromfile("blob.bin", "uint8").sum() == 0
    """,
    "torch.save": """
        import io, os, pickle, shutil, torch
        from torch import nn
        net = nn.Sequential(nn.Linear(3, 4), nn.ReLU())
        torch.save({"net": net.state_dict(), "epoch": 3}, "checkpoint.pt")
        assert os.path.exists("checkpoint.pt") and os.path.getsize("checkpoint.pt") > 0
        shutil.copyfile("checkpoint.pt", "best.pt"); os.rename("best.pt", "best2.pt")
        state = torch.load("best2.pt", map_location="cpu")
        assert state["epoch"] == 3 and net.load_state_dict(state["net"])
        del state["net"]; assert "net" in torch.load("checkpoint.pt")
        torch.save(net, "missing/folder/net.pt")
        net[0] = nn.Linear(7, 7)
        assert torch.load("missing/folder/net.pt", weights_only=False)[0].in_features == 3
        buffer = io.BytesIO(); torch.save([1], buffer); buffer.seek(0); assert torch.load(buffer) == [1]
        with open("f.pt", "wb") as f: torch.save(net.state_dict(), f)
        with open("f.pt", "rb") as f: assert len(torch.load(f)) == 2
        os.remove("f.pt")
        try:
            torch.load("f.pt")
            raise SystemExit("loaded")
        except FileNotFoundError as error:
            assert error.filename == "f.pt"
        with open("p.pkl", "wb") as f: pickle.dump(net.state_dict(), f)
        assert pickle.load(open("p.pkl", "rb"))["0.weight"].shape == (7, 7)
    """,
    "torch exports": """
        import os, torch
        from torch import nn
        net = nn.Linear(3, 4).train()
        torch.jit.save(torch.jit.script(net), "s.pt"); torch.jit.trace(net, torch.zeros(1, 3)).save("t.pt")
        assert torch.jit.load("s.pt")(torch.zeros(2, 3)).shape == (2, 4) and os.path.exists("t.pt")
        torch.onnx.export(net, torch.zeros(1, 3), "n.onnx"); torch.onnx.export(net, (torch.zeros(1, 3),), f="n.onnx", opset_version=17)
        assert os.path.exists("n.onnx") and net.training
        net.share_memory()
    """,
    "pictures": """
        import os, torch
        from PIL import Image
        Image.new("RGB", (4, 4)).save("p.png"); assert Image.open("p.png").size == (4, 4)
        Image.new("RGB", (4, 4)).save("p.jpg", quality=50); os.makedirs("pics"); os.rename("p.jpg", "pics/q.jpg")
        assert Image.open("pics/q.jpg").size == (4, 4)
    """,
    "subprocess": """
        import os, subprocess
        from subprocess import Popen, PIPE
        assert subprocess.run(["rm", "-rf", "data"]).returncode == 0 and subprocess.call("touch x", shell=True) == 0
        assert subprocess.check_output(["nvidia-smi"]) == b"" and subprocess.getoutput("git rev-parse HEAD") == ""
        assert subprocess.run("git status", shell=True, capture_output=True, text=True, check=True).stdout == ""
        p = Popen(["sh"], stdin=PIPE, stdout=PIPE, stderr=PIPE)
        p.stdin.write(b"rm log.txt"); assert p.communicate() == (b"", b"") and p.wait() == 0 and p.poll() == 0
        with Popen("sleep 100", shell=True, stdout=PIPE, text=True) as p:
            assert list(p.stdout) == []
        p.kill()
        rows, columns = os.popen("stty size", "r").read().split(); assert int(rows) == 24 and int(columns) == 80
        assert os.system("rm -rf data") == 0 and not os.popen("ls").close()
    """,
    "fork and spawn": """
        import os, signal
        pid = os.fork(); assert pid > 0; os.waitpid(pid, 0); os.kill(pid, signal.SIGKILL); os.kill(os.getppid(), signal.SIGTERM)
        assert os.spawnlp(os.P_WAIT, "rm", "rm", "log.txt") == 0
        os.waitpid(os.posix_spawn("/bin/rm", ["rm", "log.txt"], os.environ), 0)
        import pty; pty.spawn(["rm", "log.txt"])
    """,
    "multiprocessing": """
        import multiprocessing as mp, os
        from multiprocessing.pool import ThreadPool
        def double(x): return 2 * x
        with mp.Pool(4) as pool:
            assert pool.map(double, range(3)) == [0, 2, 4] and list(pool.imap(double, [5])) == [10]
            assert pool.apply_async(double, (4,)).get() == 8 and pool.starmap(max, [(1, 2)]) == [2] and pool.apply(double, (1,)) == 2
        assert ThreadPool(2).map(double, [1]) == [2] and mp.get_context("spawn").Pool(2).map_async(double, [3]).get(1) == [6]
        p = mp.Process(target=double, args=(1,)); p.start(); p.join(); assert p.exitcode == 0 and not p.is_alive() and p.pid
        q = mp.Queue(); q.put(1); assert q.get() == 1; q.close()
        with mp.Lock(), mp.Manager() as manager: manager.dict(a=1); manager.list([1]); manager.Queue()
        v = mp.Value("i", 3); v.value += 1; a = mp.Array("d", 4); assert v.value == 4 and len(a) == 4
        import torch.multiprocessing as tmp
        tmp.set_start_method("spawn", force=True); assert tmp.Pool(2).map(double, [1]) == [2]; tmp.Queue()
    """,
    "queue without a sender": """
        import multiprocessing as mp, queue
        q = mp.Queue(); p = mp.Process(target=q.put, args=(1,)); p.start()
        try:
            q.get()
            raise SystemExit("got")
        except queue.Empty:
            pass
    """,
    "executors": """
        from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor, as_completed
        def double(x): return 2 * x
        with ProcessPoolExecutor(2) as pool:
            assert list(pool.map(double, [1, 2], chunksize=2)) == [2, 4]
            assert [f.result() for f in as_completed([pool.submit(double, 4)])] == [8]
            assert isinstance(pool.submit(int, "x").exception(), ValueError)
        with ThreadPoolExecutor(2) as pool: assert list(pool.map(double, [1])) == [2]
    """,
    "network": """
        import http.client, socket, urllib.error, urllib.request
        for url in ("http://example.com/a", "https://example.com", "http://127.0.0.1:9/x", "ftp://example.com/x"):
            try:
                urllib.request.urlopen(url)
                raise SystemExit("connected")
            except urllib.error.URLError:
                pass
        for call in (lambda: http.client.HTTPConnection("example.com").request("GET", "/"),
                     lambda: socket.create_connection(("example.com", 80)), lambda: socket.socket().connect(("127.0.0.1", 80)),
                     lambda: socket.socket(type=socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", 9)),
                     lambda: socket.gethostbyname("example.com"),
                     lambda: socket.socket(socket.AF_UNIX).connect("/tmp/x")):
            try:
                call()
                raise SystemExit("connected")
            except OSError:
                pass
        assert socket.gethostbyname(socket.gethostname()) and socket.socket().connect_ex(("127.0.0.1", 80)) != 0
        with socket.socket() as s: s.bind(("", 0)); s.listen(); assert isinstance(s.getsockname()[1], int)
        a, b = socket.socketpair(); a.sendall(b"1"); assert b.recv(1) == b"1"
    """,
    "download": """
        import torch, urllib.error
        try:
            torch.hub.load_state_dict_from_url("https://download.pytorch.org/models/vgg16-397923af.pth")
            raise SystemExit("loaded")
        except urllib.error.URLError:
            pass
    """,
    "requests": """
        try:
            import requests
        except ImportError:
            raise SystemExit(0)
        try:
            requests.get("https://example.com")
            raise SystemExit("connected")
        except requests.exceptions.ConnectionError:
            pass
    """,
    "waiting": """
        import time, getpass
        start = time.time(); time.sleep(1000); assert input("go on? ") == "" and getpass.getpass() == ""
        breakpoint()
    """,
    "threads": """
        import threading, time, torch
        found = []
        def work(): time.sleep(1000); found.append(torch.ones(300, 300) @ torch.ones(300, 300))
        t = threading.Thread(target=work); t.start(); t.join()
        assert found[0].shape == (300, 300)
    """,
    "early names": """
        import os
        class Keep:
            make = os.makedirs
            opening = open
            stat = os.stat
        assert Keep().stat("log.txt").st_size == 6
        with Keep().opening("kept.txt", "w") as f: f.write("1")
    """,
    "devices": """
        import os
        with open(os.devnull, "w") as f: f.write("x")
        os.remove(os.devnull); print("x", file=open("/dev/null", "a"))
        assert os.path.exists("/dev/stdin") or True
        with open("/dev/tty_of_nobody", "w") as f: f.write("x")
    """,
    "importing": """
        import os, sys
        with open("data/train/0.txt") as f: f.read()
        import colorsys, wave
        assert sys.dont_write_bytecode
    """,
    "limits": """
        import resource
        resource.setrlimit(resource.RLIMIT_NOFILE, (2**20, 2**30))
        open("log.txt").close()
    """,
    "torch.from_file": """
        import torch
        t = torch.from_file("blob.bin", shared=False, size=256, dtype=torch.uint8); assert t[255] == 255
    """,
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_go_on_and_leave_no_trace(home: Path, name: str) -> None:
    result = run(home, PROGRAMS[name])
    assert result["ended"] in ("end", "SystemExit: 0"), result["stderr"]


@pytest.mark.parametrize("name", [name for name, source in PROGRAMS.items() if "torch" not in source])
def test_the_answers_alone_leave_no_trace(home: Path, name: str) -> None:
    result = run(home, PROGRAMS[name], "answers")
    assert result["ended"] in ("end", "SystemExit: 0"), result["stderr"]


def test_what_is_loaded_before_is_answered_too(home: Path) -> None:
    loaded = "tarfile bz2 sqlite3 multiprocessing.pool concurrent.futures.process resource dbm shelve numpy torch torch.onnx"
    sources = [PROGRAMS[name] for name in ("packed files", "sqlite", "multiprocessing", "executors", "dbm and shelve", "torch.save")]
    all_of_them = f"for source in {[textwrap.dedent(source) for source in sources]!r}: exec(source, {{'__name__': '__main__'}})"
    result = run(home, all_of_them, "answers walls", loaded)
    assert result["ended"] == "end", result["stderr"]


READS = """
    import glob, io, os, sys
    from pathlib import Path
    def told(call):
        try:
            return repr(call())
        except Exception as error:
            return f"{type(error).__name__} {error}"
    if CHANGE:
        open("elsewhere.txt", "w").close()
        os.remove("elsewhere.txt")
    paths = ("log.txt", "nothing.csv", "data", "latest/train", "data/train/0.txt", "log.txt/x", "no/where", b"blob.bin",
             Path("latest"), "", "data/../log.txt")
    for path in paths:
        for call in (lambda p: [*os.stat(p)[:7], os.stat(p).st_mtime_ns], lambda p: os.lstat(p)[:7],
                     os.listdir, os.path.exists, os.path.realpath, os.readlink, os.path.getsize, os.path.isdir,
                     lambda p: open(p).read(), lambda p: io.open(p, "rb").read(), lambda p: os.access(p, os.R_OK),
                     lambda p: [(e.name, e.path, e.is_dir(), e.is_file(), e.is_symlink()) for e in os.scandir(p)],
                     lambda p: [(e.stat().st_size, e.inode()) for e in os.scandir(p)],
                     lambda p: os.close(os.open(p, os.O_RDONLY)), lambda p: list(os.walk(p)), lambda p: sorted(Path(p).rglob("*"))):
            print(told(lambda: call(path)))
    print(sorted(glob.glob("**", recursive=True)), os.getcwd(), told(lambda: open("log.txt", "q")), told(lambda: os.stat(None)))
"""


@pytest.mark.parametrize("change", ["False", "True"])
def test_reading_is_as_it_was(home: Path, change: str) -> None:
    source = textwrap.dedent(READS)
    guarded_source = source.replace("CHANGE", change)
    plain = subprocess.run([sys.executable, "-c", source.replace("CHANGE", "False")], cwd=home, capture_output=True, text=True, timeout=60)
    assert plain.returncode == 0, plain.stderr
    guarded = subprocess.run(
        [sys.executable, "-c", HARNESS, str(home.parent / "private"), "answers walls", ""],
        input=guarded_source, cwd=home, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert json.loads(guarded.stdout.splitlines()[-1])["ended"] == "end", guarded.stderr
    expected, seen = plain.stdout.splitlines(), guarded.stdout.splitlines()[: len(plain.stdout.splitlines())]
    different = "\n".join(f"{was}\n  -> {now}" for was, now in zip(expected, seen, strict=True) if was != now)
    assert different == ""


def test_missing_things_are_missing(home: Path) -> None:
    for source, error in (
        ("open('data.csv')", "FileNotFoundError: [Errno 2] No such file or directory: 'data.csv'"),
        ("open('no/where.txt', 'w')", "FileNotFoundError: [Errno 2] No such file or directory: 'no/where.txt'"),
        ("open('data', 'w')", "IsADirectoryError: [Errno 21] Is a directory: 'data'"),
        ("import os; os.mkdir('no/where')", "FileNotFoundError: [Errno 2] No such file or directory: 'no/where'"),
        ("import os; os.mkdir('data')", "FileExistsError: [Errno 17] File exists: 'data'"),
        ("import os; os.rename('nothing', 'x')", "FileNotFoundError: [Errno 2] No such file or directory: 'nothing' -> 'x'"),
        ("import os; os.mkdir('log.txt/x')", "NotADirectoryError: [Errno 20] Not a directory: 'log.txt/x'"),
    ):
        assert run(home, source, "answers")["ended"] == error


def test_each_kind_is_noted_once(home: Path) -> None:
    source = """
        import os, subprocess, socket
        for n in range(3):
            open(f"ep{n}.pt", "w").close(); os.remove(f"ep{n}.pt"); os.system("ls"); socket.socket().connect_ex(("example.com", 80))
    """
    notes = run(home, source)["notes"]
    assert notes == [
        "writing ep0.pt was answered without touching the disk",
        "deleting ep0.pt was answered without touching the disk",
        "starting `ls` was answered without starting it",
        "a connection to example.com was answered as if offline",
    ]


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("import os; os._exit(3)", 3),
        ("import os; os.abort()", 134),
        ("import os, sys; os.execv(sys.executable, ['python'])", 0),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", 137),
    ],
)
def test_a_script_that_ends_its_process_comes_back(home: Path, source: str, code: int) -> None:
    assert run(home, source)["ended"] == f"exited {code}"


BY_C = """
    import ctypes, errno, os, sys
    libc = ctypes.CDLL(None, use_errno=True)
    def told(result):
        return errno.errorcode[ctypes.get_errno()] if result < 0 else "done"
    W = os.O_WRONLY
    expected, seen = {expected}, {{}}
    seen["write"] = told(libc.open(b"log.txt", W))
    seen["create"] = told(libc.open(b"fresh.txt", W | os.O_CREAT, 0o600))
    seen["truncate"] = told(libc.truncate(b"log.txt", ctypes.c_long(0)))
    seen["unlink"] = told(libc.unlink(b"log.txt"))
    seen["rename"] = told(libc.rename(b"log.txt", b"x.txt"))
    seen["mkdir"] = told(libc.mkdir(b"folder", 0o700))
    seen["symlink"] = told(libc.symlink(b"log.txt", b"x"))
    seen["private"] = told(libc.open((PRIVATE + "/mine").encode(), W | os.O_CREAT, 0o600))
    seen["null"] = told(libc.open(b"/dev/null", W))
    seen["read"] = told(libc.open(b"log.txt", os.O_RDONLY))
    assert seen == expected, seen
"""
HELD_BACK = dict.fromkeys(("write", "create", "truncate", "unlink", "rename", "mkdir", "symlink"), "EACCES")
LET_BE = dict.fromkeys(("private", "null", "read"), "done")


@needs_landlock
@pytest.mark.parametrize("layers", ["landlock", "walls", "answers walls"])
def test_code_in_c_meets_the_wall(home: Path, layers: str) -> None:
    result = run(home, BY_C.format(expected={**HELD_BACK, **LET_BE}), layers)
    assert result["ended"] == "end", result["stderr"]
    assert {"landlock-files"} | ({"memory"} if "walls" in layers else set()) <= set(result["walls"])  # type: ignore[call-overload]


@needs_landlock
def test_landlock_alone_starts_nothing_and_connects_to_nothing(home: Path) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        source = f"""
            import socket, subprocess
            for call in (lambda: subprocess.run(["/bin/sh", "-c", "exit 0"]),
                         lambda: socket.create_connection({listener.getsockname()}, 2)):
                try:
                    call()
                    raise SystemExit("done")
                except PermissionError:
                    pass
        """
        result = run(home, source, "landlock")
    if "landlock-tcp" not in result["walls"]:  # type: ignore[operator]
        pytest.skip("this Landlock knows nothing of TCP")
    assert result["ended"] == "end", result["stderr"]


@needs_landlock
def test_the_walls_alone_stop_python_too(home: Path) -> None:
    source = """
        import ctypes, os, platform, shutil, socket, subprocess
        def refused(call):
            try:
                call()
            except OSError:
                return
            raise SystemExit("done")
        refused(lambda: open("log.txt", "a")); refused(lambda: shutil.rmtree("data")); refused(lambda: os.rename("log.txt", "x"))
        refused(lambda: subprocess.run(["/bin/true"])); refused(lambda: socket.create_connection(("127.0.0.1", 80), 1))
        refused(os.fork)
        if platform.machine() == "x86_64":
            for number in (57, 58):  # fork and vfork, which the C library does not use
                assert ctypes.CDLL(None).syscall(number) == -1
        os.chmod("log.txt", 0o777); os.utime("log.txt", (1, 1))
        assert open("log.txt").read()
        import torch, threading
        torch.set_num_threads(2); assert (torch.ones(500, 500) @ torch.ones(500, 500))[0, 0] == 500
        t = threading.Thread(target=print); t.start(); t.join()
    """
    result = run(home, source, "walls")
    assert result["ended"] == "end", result["stderr"]
    assert "seccomp" in result["walls"]  # type: ignore[operator]


@pytest.mark.parametrize("layers", ["answers", pytest.param("walls", marks=needs_landlock)])
def test_nobody_is_called(home: Path, layers: str) -> None:
    with socket.socket() as stream, socket.socket(type=socket.SOCK_DGRAM) as packets:
        for listener in (stream, packets):
            listener.bind(("127.0.0.1", 0))
            listener.setblocking(False)
        stream.listen()
        source = f"""
            import errno, socket
            for call in (lambda: socket.socket().connect({stream.getsockname()}),
                         lambda: socket.create_connection({stream.getsockname()}, 2),
                         lambda: socket.socket(type=socket.SOCK_DGRAM).sendto(b"x", {packets.getsockname()}),
                         lambda: socket.socket(type=socket.SOCK_DGRAM).sendmsg([b"x"], [], 0, {packets.getsockname()})):
                try:
                    call()
                    raise SystemExit("connected")
                except OSError as error:
                    assert error.errno in (errno.ENETUNREACH, errno.EACCES, socket.EAI_NONAME), error
            assert socket.socket().connect_ex({stream.getsockname()}) != 0
        """
        result = run(home, source, layers)
        assert result["ended"] == "end", result["stderr"]
        for receive in (stream.accept, lambda: packets.recv(1)):
            with pytest.raises(BlockingIOError):
                receive()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts what malloc takes")
def test_memory_is_bounded(home: Path) -> None:
    for source in ("import torch; torch.ones(10**11)", "x = bytearray(10**11)", "import numpy; numpy.zeros(10**11)"):
        assert str(run(home, source)["ended"]).split(":")[0] in ("RuntimeError", "MemoryError", "_ArrayMemoryError")
    assert "MemoryError" in run(home, "x = bytearray(5 * 10**9)")["stderr"]  # type: ignore[operator]
    assert run(home, "import torch; assert torch.ones(10**7).sum() == 10**7")["ended"] == "end"


def test_leaving_brings_back_every_attribute(home: Path) -> None:
    source = """
        import sys
        names = "builtins io os socket subprocess time tempfile shutil glob sys tarfile bz2 sqlite3 dbm getpass resource multiprocessing"
        names += " multiprocessing.pool multiprocessing.context multiprocessing.process multiprocessing.resource_tracker"
        names += " concurrent.futures.process torch torch.serialization torch.jit torch.jit._script torch.onnx torch.multiprocessing"
        modules = [__import__(name, fromlist=["x"]) for name in names.split()]
        def state():
            found = {}
            for module in modules:
                for name, value in list(vars(module).items()):
                    found[module.__name__, name] = value
                    if isinstance(value, type) and value.__module__ == module.__name__:
                        found.update({(module.__name__, value.__name__, key): item for key, item in vars(value).items()})
            return found
        import os
        from pathlib import Path
        from shapewright.observe import guard
        before, path, environment = state(), list(sys.meta_path), dict(os.environ)
        with guard.answers(Path(PRIVATE), print):
            within = state()
            os.environ["X"] = "1"; os.chdir("data"); os.mkdir("x"); os.chdir("x")
        after = state()
        changed = {key for key in before if before[key] is not within[key]}
        assert len(changed) > 120, len(changed)
        wrong = [key for key in after if key not in before or after[key] is not before[key]]
        lost = [key for key in before if key not in after]
        assert not lost and all(key[1] in ("modules", "__doc__") or key[-1] in ("__doc__",) for key in wrong), (wrong, lost)
        assert sys.meta_path == path and dict(os.environ) == environment
    """
    result = run(home, source, "none")
    assert result["ended"] == "end", result["stderr"]


def test_imports_later_than_the_guard_are_answered(home: Path) -> None:
    (home / "h5py.py").write_text("class File:\n    def __init__(self, name, mode='r'):\n        self.path = name\n")
    source = """
        import sys; sys.path.insert(0, ".")
        import h5py
        assert h5py.File("new.h5", "w").path.startswith(PRIVATE) and h5py.File(name="log.txt", mode="a").path.startswith(PRIVATE)
        assert h5py.__spec__.name == "h5py"
    """
    result = run(home, source)
    assert result["ended"] == "end", result["stderr"]


RANDOM = """
import os, random, shutil
rng = random.Random(SEED)
names = ["a", "b", "data", "latest", "log.txt", "data/train", "data/a", "data/train/0.txt", "data/train/b", "latest/a", "a/b",
         "b/a", "a/b/c", "./a/../b"]
def write(p, mode):
    with open(p, mode) as f: f.write(mode)
def tree(p): return [(t, sorted(d), sorted(f)) for t, d, f in sorted(os.walk(p))]
one = [lambda p: write(p, "w"), lambda p: write(p, "a"), lambda p: write(p, "r+"), lambda p: write(p, "x"), lambda p: open(p).read(),
       os.mkdir, os.makedirs, os.remove, os.rmdir, shutil.rmtree, lambda p: sorted(os.listdir(p)), tree, os.path.exists, os.path.islink,
       os.path.isdir, os.readlink, lambda p: os.truncate(p, 2), os.path.realpath, lambda p: os.path.isfile(p) and os.path.getsize(p),
       lambda p: sorted((e.name, e.path, e.is_dir(), e.is_file(), e.is_symlink()) for e in os.scandir(p)),
       lambda p: (os.chdir(p), os.chdir(home))[:1]]
two = [os.rename, os.replace, os.symlink, os.link, shutil.copy, shutil.move, shutil.copytree,
       lambda a, b: os.symlink(os.path.abspath(a), b)]
home = os.getcwd()
for step in range(150):
    call, given = (rng.choice(one), [rng.choice(names)]) if rng.random() < 0.7 else (rng.choice(two), rng.sample(names, 2))
    try:
        said = repr(call(*given))
    except OSError:  # which of several reasons is named first may differ
        said = "refused"
    print(step, getattr(call, "__name__", "?"), given, said.replace(home, "HOME"))
print(tree("."))
"""


@pytest.mark.parametrize("seed", range(4))
def test_the_virtual_tree_behaves_like_a_real_one(home: Path, seed: int) -> None:
    source = RANDOM.replace("SEED", str(seed))
    real_home = home.parent / "truth" / "home"
    shutil.copytree(home, real_home, symlinks=True)
    truth = subprocess.run([sys.executable, "-c", source], cwd=real_home, capture_output=True, text=True, timeout=60)
    assert truth.returncode == 0, truth.stderr
    before = everything(home)
    seen = subprocess.run(
        [sys.executable, "-c", HARNESS, str(home.parent / "private"), "answers walls", ""],
        input=source, cwd=home, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert everything(home) == before
    assert json.loads(seen.stdout.splitlines()[-1])["ended"] == "end", seen.stderr
    for expected, got in zip(truth.stdout.splitlines(), seen.stdout.splitlines(), strict=False):
        assert got == expected
