"""Packages that only show or log, answered quietly whether or not they are installed.

In: `import wandb`, `import matplotlib.pyplot as plt`, `from torch.utils.tensorboard import SummaryWriter` …
Out: modules whose every name is a `Quiet`, but for the few that a program computes with (`plt.subplots`, `wandb.config`,
`termcolor.colored`, `tqdm`). A missing package that computes is not answered: its ModuleNotFoundError is the truth.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import sys
from collections.abc import Callable, Container, Iterable, Iterator, MutableSequence
from importlib.abc import Loader, MetaPathFinder
from types import ModuleType
from typing import Any

from shapewright.observe.standins import names
from shapewright.observe.standins.patches import Patches
from shapewright.observe.standins.quiet import Quiet, quiet
from shapewright.observe.standins.unavailable import Unavailable

QUIET = (
    "wandb", "tensorboard", "torch.utils.tensorboard", "tensorboardX", "tensorboard_logger", "visdom", "matplotlib", "mpl_toolkits",
    "pylab", "seaborn", "plotly", "bokeh", "mlflow", "comet_ml", "neptune", "clearml", "swanlab", "livelossplot",
    "termcolor", "colorama", "torchsummary", "torchinfo", "torchviz", "hiddenlayer", "graphviz", "IPython", "ipywidgets", "imageio",
    "prettytable", "tabulate", "loguru",
)  # fmt: skip


class _QuietModule(ModuleType):
    __path__: MutableSequence[str] = []  # noqa: RUF012  a package may have submodules; these are found by name alone
    __version__ = "99.0.0"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        value = quiet(name)
        setattr(self, name, value)
        return value

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return Quiet()


class _Finder(MetaPathFinder, Loader):
    """Finds the quiet packages and everything below them."""

    def __init__(self, packages: frozenset[str], contents: dict[str, Callable[[ModuleType], None]]) -> None:
        self._packages, self._contents = packages, contents

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        """A spec for a quiet package or one of its submodules."""
        if not _is_below(fullname, self._packages):
            return None
        return importlib.machinery.ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        """A module that answers everything."""
        return _QuietModule(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Put in the few names that a program computes with."""
        fill = self._contents.get(module.__name__)
        if fill is not None:
            fill(module)


def _is_below(name: str, packages: Container[str]) -> bool:
    while name and name not in packages:
        name = name.rpartition(".")[0]
    return bool(name)


def _imported(packages: frozenset[str]) -> list[str]:
    """The packages and their modules that are imported. Where there is none, only a few names are looked up, which is quick in a fork."""
    return [name for name in sys.modules if _is_below(name, packages)] if any(name in sys.modules for name in packages) else []


def install(patches: Patches) -> None:
    """Answer the packages that only show or log, until the end of the run."""
    packages = frozenset(QUIET)
    if "tqdm" not in sys.modules and importlib.util.find_spec("tqdm") is None:
        packages |= {"tqdm"}
    contents = _contents(patches)
    finder = _Finder(packages, contents)
    before = {name: sys.modules.pop(name) for name in _imported(packages)}
    sys.meta_path.insert(0, finder)
    patches.callback(_leave, finder, packages, before)


def _leave(finder: _Finder, packages: frozenset[str], before: dict[str, ModuleType]) -> None:
    sys.meta_path.remove(finder)
    for name in _imported(packages):
        module = sys.modules.pop(name)
        parent, _, child = name.rpartition(".")
        if parent in sys.modules and vars(sys.modules[parent]).get(child) is module:
            delattr(sys.modules[parent], child)
    sys.modules.update(before)
    for name, module in before.items():
        parent, _, child = name.rpartition(".")
        if parent in sys.modules:
            setattr(sys.modules[parent], child, module)


def _contents(patches: Patches) -> dict[str, Callable[[ModuleType], None]]:
    """What stands in a quiet module besides its quiet names, by the module's name."""
    return {
        "matplotlib.pyplot": _pyplot,
        "pylab": _pyplot,
        "matplotlib.image": lambda module: _unreadable(module, ("imread",)),
        "imageio": lambda module: _unreadable(module, ("imread", "mimread", "volread", "get_reader")),
        "imageio.v2": lambda module: _unreadable(module, ("imread", "mimread", "volread", "get_reader")),
        "imageio.v3": lambda module: _unreadable(module, ("imread", "imiter")),
        "termcolor": lambda module: vars(module).update(colored=lambda text, *a, **k: str(text), cprint=lambda *a, **k: None),
        "tabulate": lambda module: vars(module).update(tabulate=lambda *a, **k: ""),
        "torchsummary": lambda module: vars(module).update(summary=lambda *a, **k: None),
        "wandb": lambda module: _wandb(module, patches),
        "tqdm": _tqdm,
        "tqdm.auto": _tqdm,
        "tqdm.notebook": _tqdm,
        "tqdm.autonotebook": _tqdm,
        "tqdm.std": _tqdm,
        "tqdm.rich": _tqdm,
    }


def _unreadable(module: ModuleType, readers: Iterable[str]) -> None:
    def refusal(name: str) -> Callable[..., Any]:
        def read(path: Any = None, *args: Any, **kwargs: Any) -> Any:
            raise Unavailable(f"{module.__name__}.{name} reads {path}", "what it would give cannot be made up; read the picture with PIL")

        return read

    for name in readers:
        setattr(module, name, refusal(name))


def _pyplot(module: ModuleType) -> None:
    def subplots(nrows: int = 1, ncols: int = 1, *, squeeze: bool = True, **kwargs: Any) -> tuple[Any, Any]:
        import numpy as np

        axes = np.empty((int(nrows), int(ncols)), dtype=object)
        for place in np.ndindex(axes.shape):
            axes[place] = Quiet()
        if not squeeze:
            return Quiet(), axes
        axes = axes.squeeze()
        return Quiet(), axes if axes.ndim else axes.item()

    module.subplots = subplots  # type: ignore[attr-defined]
    _unreadable(module, ("imread",))
    # `from matplotlib.pyplot import *` takes what is named here.
    module.__all__ = list(names.PYPLOT)  # type: ignore[attr-defined]


class _Settings(dict[str, Any]):
    """`wandb.config`: what the program put in, by name or by key."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self[name]

    def __missing__(self, key: str) -> Any:
        return Quiet()

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def update(self, values: Any = None, /, **more: Any) -> None:
        """Take settings from a dict or from argparse's namespace; wandb's own options are ignored."""
        if values is not None:
            super().update(values if isinstance(values, dict) else vars(values))

    setdefaults = update

    def as_dict(self) -> dict[str, Any]:
        """The settings as a plain dict."""
        return dict(self)


def _wandb(module: Any, patches: Patches) -> None:
    config = _Settings()

    def init(*args: Any, **kwargs: Any) -> Any:
        given = kwargs.get("config")
        if given is not None and not isinstance(given, str):
            given = dict(given) if isinstance(given, dict) else dict(vars(given))
            config.update({**given, **config})
        run: Any = Quiet()
        run.config = config
        return run

    def sweep(sweep: Any = None, *args: Any, **kwargs: Any) -> str:
        parameters = sweep.get("parameters", {}) if isinstance(sweep, dict) else {}
        for name, choice in parameters.items():
            if isinstance(choice, dict):
                values = choice.get("values") or [choice.get("value", choice.get("min", 0))]
                config[name] = values[0]
        patches.assume("of the wandb sweep the first value of each parameter is used")
        return "sweep"

    def agent(sweep_id: Any = None, function: Callable[[], Any] | None = None, *args: Any, **kwargs: Any) -> None:
        if function is not None:
            function()

    vars(module).update(config=config, init=init, sweep=sweep, agent=agent)


class Progress:
    """`tqdm` for where it is not installed: iterates, and shows nothing."""

    def __init__(self, iterable: Any = None, desc: Any = None, total: Any = None, *args: Any, **kwargs: Any) -> None:
        self.iterable, self.desc, self.n, self.disable = iterable, desc, 0, False
        self.total = total if total is not None or not hasattr(iterable, "__len__") else len(iterable)
        self.format_dict = {"elapsed": 0.0, "rate": None}

    def __iter__(self) -> Iterator[Any]:
        for item in self.iterable:
            yield item
            self.n += 1

    def __len__(self) -> int:
        return int(self.total)

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *exc: object) -> None:
        return None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Quiet()  # set_description, set_postfix, refresh, close …

    def update(self, n: float = 1) -> None:
        """Count, as `tqdm` does."""
        self.n += n  # type: ignore[assignment]

    @staticmethod
    def write(*args: Any, **kwargs: Any) -> None:
        """Shows nothing."""


def _tqdm(module: ModuleType) -> None:
    def trange(*args: int, **kwargs: Any) -> Progress:
        return Progress(range(*args), **kwargs)

    vars(module).update(tqdm=Progress, trange=trange, tqdm_notebook=Progress, tnrange=trange)
