"""The tools that are compared, at fixed versions: how each is installed and called.

They live in a virtual environment of their own (SHAPEWRIGHT_PEERS, or a folder under the system's temporary one) that shares the installed
torch.
"""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

from bench.peers_programs import Program
from bench.processes import shapewright

VERSIONS = {
    "torchtyc": "0.5.0",
    "pyrefly": "1.4.0",  # its stubs go with just this version
    "pyrefly-torch-stubs": "1.4.0",
    "torchinfo": "1.8.0",
    "jaxtyping": "0.3.11",
    "beartype": "0.23.1",
}
# The names of the tools, with what each needs of VERSIONS.
TOOLS = {
    "shapewright check": (),
    "torchtyc check": ("torchtyc", "jaxtyping"),
    "torchtyc run": ("torchtyc", "jaxtyping"),
    "pyrefly": ("pyrefly", "pyrefly-torch-stubs"),
    "torchinfo": ("torchinfo",),
    "jaxtyping": ("jaxtyping", "beartype"),
    "plain PyTorch": (),
}
DRIVER = Path(__file__).with_name("peers_driver.py")
# A torchvision whose compiled part does not go with the installed torch gets the operators declared without which it cannot be imported,
# and a file of weights as an earlier download would have left it: the tools meet what they meet on a user's machine.
_HELP = '''\
"""Lets torchvision be imported beside a torch that its compiled operators were not built for."""
import importlib.abc
import sys


class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name == "torchvision":
            sys.meta_path.remove(self)
            import torch
            library = torch.library.Library("torchvision", "DEF")
            for op in ("nms", "qnms"):
                library.define(f"{op}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
            Finder.library, register = library, torch.library.register_fake
            torch.library.register_fake = (
                lambda op, *a, **k: (lambda f: f) if str(op).startswith("torchvision::") else register(op, *a, **k)
            )
        return None


sys.meta_path.insert(0, Finder())
'''
_WEIGHTS = """\
import pathlib, sys, torch, torchvision
model = torchvision.models.vgg16(weights=None)
torch.save({name: torch.zeros(()).expand(value.shape) for name, value in model.state_dict().items()}, sys.argv[1])
"""


def folder() -> Path:
    """Where the virtual environment stands."""
    return Path(os.environ.get("SHAPEWRIGHT_PEERS") or Path(tempfile.gettempdir(), "shapewright-peers"))


def install() -> dict[str, str]:
    """Put the peers into their environment; why a package could not be installed, by its name."""
    home = folder()
    python = home / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(home)], check=True)
    packages = next(home.glob("lib/python*/site-packages"), home / "Lib" / "site-packages")
    shared = dict.fromkeys((sysconfig.get_path("purelib"), sysconfig.get_path("platlib")))
    (packages / "shared.pth").write_text("".join(f"{path}\n" for path in shared), encoding="utf-8")
    missing = {}
    for name, version in VERSIONS.items():
        if not (packages / f"{name.replace('-', '_')}-{version}.dist-info").is_dir():
            print(f"installing {name} {version}", file=sys.stderr, flush=True)
            torch = f"torch=={importlib.metadata.version('torch').partition('+')[0]}"
            words = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", f"{name}=={version}", torch]
            done = subprocess.run(words, capture_output=True, text=True)
            if done.returncode:
                missing[name] = (done.stderr.strip().splitlines() or ["pip failed"])[-1]
    _help_torchvision(python, packages)
    return missing


def _help_torchvision(python: Path, packages: Path) -> None:
    hook = packages / "torchvision_beside_torch.pth"
    test = [str(python), "-c", "import torchvision"]
    if not hook.exists() and subprocess.run(test, capture_output=True).returncode:
        (packages / "torchvision_beside_torch.py").write_text(_HELP, encoding="utf-8")
        hook.write_text("import torchvision_beside_torch\n", encoding="utf-8")
    weights = folder() / "torch" / "hub" / "checkpoints" / "vgg16-397923af.pth"
    if not weights.exists():
        weights.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([str(python), "-c", _WEIGHTS, str(weights)], capture_output=True)


def command(tool: str, program: Program) -> list[str]:
    """The command line, for the folder in which the program stands."""
    scripts = folder() / "bin"
    words = ["--", *program.argv] if program.argv else []
    if tool == "shapewright check":
        asked = [word for text in program.inputs for word in ("--input", text)] + (["--init", program.init] if program.init else [])
        return shapewright(
            "check", f"{program.file}:{program.target}" if program.target else program.file, "--format", "json", *asked, *words
        )
    if tool == "torchtyc check":
        return [str(scripts / "torchtyc"), "check", program.file, "--format", "json"]
    if tool == "torchtyc run":
        return [str(scripts / "torchtyc"), "run", program.file, "--format", "json", *words]
    if tool == "pyrefly":
        given = ["--output-format", "json", "--threads", "1", "--summary=none", "--progress-bar", "no"]
        return [str(scripts / "pyrefly"), "check", "--python-interpreter-path", str(scripts / "python"), *given, program.file]
    driver = [] if tool == "plain PyTorch" else [str(DRIVER), tool]
    return [str(scripts / "python"), *driver, program.file, *program.argv]
