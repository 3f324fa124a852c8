"""From a target to something that runs: scripts as `python script.py` would, modules with their imports, models with their arguments."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import inspect
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import torch
from torch import nn

from shapewright.observe.instrument import Instrumented
from shapewright.observe.request import InputSpec, Request
from shapewright.source import Sources, read_source


class CannotStart(Exception):
    """The target cannot be run as asked; the message is the reason, `advice` what to do next."""

    def __init__(self, reason: str, advice: str = "", kind: str = "target") -> None:
        super().__init__(reason)
        self.advice = advice
        self.kind = kind


class Loader(importlib.abc.MetaPathFinder):
    """Imports of the user's own files give instrumented code; all others go their usual way."""

    def __init__(self, sources: Sources, instrumented: Instrumented) -> None:
        self.sources = sources
        self.instrumented = instrumented

    def compile(self, text: str, file: str) -> CodeType:
        """Instrumented code of a text."""
        return self.instrumented.compile(text, file)

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is None or spec.origin is None or not spec.origin.endswith(".py") or not self.sources.is_user(spec.origin):
            return None
        spec.loader = _UserFile(name, spec.origin, self)
        return spec


class _UserFile(importlib.machinery.SourceFileLoader):
    def __init__(self, name: str, path: str, loader: Loader) -> None:
        super().__init__(name, path)
        self._by = loader

    def get_code(self, fullname: str) -> CodeType:
        return self._by.compile(self._by.sources.text(self.path), self.path)


@contextmanager
def importing(loader: Loader) -> Iterator[None]:
    """Let the user's imports go through the loader; no bytecode is written."""
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    sys.meta_path.insert(0, loader)
    try:
        yield
    finally:
        sys.meta_path.remove(loader)
        sys.dont_write_bytecode = before


def prepare(request: Request) -> None:
    """The state of the process that the program expects: folder, sys.argv, sys.path."""
    os.chdir(request.cwd)
    target = request.target
    first = str(Path(target.file).parent) if target.file else request.cwd
    if target.file and target.name:
        sys.path.insert(0, request.cwd)
    sys.path.insert(0, first)
    sys.argv = [target.text if not target.name else target.file, *request.argv]


def run_program(request: Request, loader: Loader) -> ModuleType:
    """Run a file or a module as `__main__`."""
    return _run_script(request, loader) if request.target.file else _run_module(request.target.module, loader)


def _run_module(name: str, loader: Loader) -> ModuleType:
    """As `python -m name` does: a package stands for its `__main__`."""
    spec = importlib.util.find_spec(name)
    if spec is not None and spec.submodule_search_locations is not None:
        name = f"{name}.__main__"
        spec = importlib.util.find_spec(name)
    if spec is None or spec.loader is None:
        raise CannotStart(f"there is no module '{name}' here", kind="missing-module")
    code = spec.loader.get_code(name) if hasattr(spec.loader, "get_code") else None
    if code is None:
        raise CannotStart(f"'{name}' holds no Python code")
    module = importlib.util.module_from_spec(spec)
    module.__name__ = "__main__"
    module.__builtins__ = __builtins__  # type: ignore[attr-defined]
    sys.argv[0] = spec.origin or name
    sys.modules["__main__"] = module
    exec(code, module.__dict__)
    return module


def _run_script(request: Request, loader: Loader) -> ModuleType:
    """A file inside a package runs as `python -m` would run it, so that its relative imports work."""
    file = request.target.file
    module = ModuleType("__main__")
    module.__file__ = file
    module.__builtins__ = __builtins__  # type: ignore[attr-defined]
    package = package_of(Path(file)) if uses_relative_imports(loader.sources.text(file)) else ""
    module.__package__ = package or None
    if package:
        sys.path.insert(0, str(package_root(Path(file))))
        importlib.import_module(package)
    else:
        module.__spec__ = None
    if str(Path(file).resolve()) not in loader.sources.overlay:
        read_source(file)  # what cannot be read must raise here, as it does for Python
    code = loader.compile(loader.sources.text(file), file)
    sys.modules["__main__"] = module
    exec(code, module.__dict__)
    return module


def load_object(request: Request, loader: Loader) -> Any:
    """What a `file.py:Name` or `package.module:name` names. Raises CannotStart; whatever the module raises goes through."""
    target = request.target
    if target.module:
        try:
            module = importlib.import_module(target.module)
        except ModuleNotFoundError as error:
            if error.name and (target.module == error.name or target.module.startswith(error.name + ".")):
                raise CannotStart(f"there is no module '{target.module}' here", kind="missing-module") from None
            raise
    else:
        module = _load_file(Path(target.file), target.name, loader)
    found: Any = module
    for part in target.name.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            names = [
                name
                for name, value in vars(module).items()
                if isinstance(value, type) and issubclass(value, nn.Module) and value.__module__ == module.__name__
            ]
            advice = f"its modules are: {', '.join(names)}" if names else ""
            raise CannotStart(f"there is no '{target.name}' in {target.text.rpartition(':')[0]}", advice) from None
    return found


def _load_file(path: Path, name: str, loader: Loader) -> ModuleType:
    package = package_of(path)
    if package:
        sys.path.insert(0, str(package_root(path)))
    dotted = f"{package}.{path.stem}" if package else path.stem
    if path.stem == "__init__" and package:
        dotted = package
    spec = importlib.util.spec_from_file_location(dotted, path, loader=_UserFile(dotted, str(path), loader))
    if spec is None or spec.loader is None:
        raise CannotStart(f"{path.name} cannot be loaded")
    if package:
        importlib.import_module(package)
    module = importlib.util.module_from_spec(spec)
    sys.modules[dotted] = module
    try:
        spec.loader.exec_module(module)
    except Exception:
        if name.split(".")[0] not in vars(module):  # what is asked for was defined before the file went wrong
            raise
    return module


def package_of(path: Path) -> str:
    """The dotted package a file lies in, "" for none."""
    parts: list[str] = []
    folder = path.parent
    while (folder / "__init__.py").is_file() and folder.name.isidentifier():
        parts.insert(0, folder.name)
        folder = folder.parent
    return ".".join(parts)


def package_root(path: Path) -> Path:
    """The folder above the outermost package of a file; the file's own folder when there is none."""
    folder = path.parent
    while (folder / "__init__.py").is_file() and folder.name.isidentifier():
        folder = folder.parent
    return folder


def uses_relative_imports(text: str) -> bool:
    """Whether the text holds `from . import …`."""
    return any(line.lstrip().startswith("from .") for line in text.splitlines())


def build(found: Any, request: Request, loader: Loader) -> Callable[..., Any]:
    """The callable that gets the inputs: an instance as it is, a class or factory called with `--init`."""
    if isinstance(found, nn.Module):
        return found
    if isinstance(found, type) and issubclass(found, nn.Module):
        made = _construct(found, request, loader)
        return made if callable(made) else found
    if not callable(found):
        raise CannotStart(
            f"'{request.target.name}' is a {type(found).__name__}; a Module class, a factory function or an instance is needed"
        )
    needed = [] if request.init else _required(found)
    if needed and request.inputs:
        return found  # type: ignore[no-any-return]  # a function of tensors
    made = _construct(found, request, loader)
    if isinstance(made, nn.Module):
        return made
    if isinstance(made, torch.Tensor) or not callable(made):
        raise CannotStart(f"'{request.target.name}' gave a {type(made).__name__}, no Module")
    return made  # type: ignore[no-any-return]


def _construct(found: Callable[..., Any], request: Request, loader: Loader) -> Any:
    if request.init:
        scope = dict(vars(sys.modules.get(getattr(found, "__module__", ""), sys)))
        scope["__target__"] = found
        return eval(compile(f"__target__({request.init})", "<--init>", "eval"), scope)
    missing = _required(found)
    if missing:
        example = ", ".join(f"{name}=…" for name in missing)
        raise CannotStart(f"{request.target.name} needs the arguments {', '.join(missing)}", f'give them with --init "{example}"')
    return found()


def _required(found: Callable[..., Any]) -> list[str]:
    try:
        parameters = inspect.signature(found).parameters.values()
    except (TypeError, ValueError):
        return []
    return [p.name for p in parameters if p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]


def make_inputs(specs: Sequence[InputSpec]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Tensors for `--input`: positional ones and keyword ones; integers are small, so that they index anything."""
    positional = tuple(_tensor(spec) for spec in specs if not spec.name)
    return positional, {spec.name: _tensor(spec) for spec in specs if spec.name}


def _tensor(spec: InputSpec) -> torch.Tensor:
    dtype: torch.dtype = getattr(torch, spec.dtype)
    if dtype.is_floating_point or dtype.is_complex:
        return torch.randn(spec.shape, dtype=dtype)
    return torch.zeros(spec.shape, dtype=dtype) if dtype != torch.bool else torch.ones(spec.shape, dtype=dtype)
