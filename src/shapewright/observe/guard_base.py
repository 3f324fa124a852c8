"""What all answers of the guard share: putting one in place, taking it away again, and saying once that it was given.

`Answers` remembers every attribute that it replaces, so that leaving the guard brings back exactly what stood there. It also
reaches modules that the script imports later. `Exited` is how a program that ends itself (`os._exit`) comes back to us alive.
"""

from __future__ import annotations

import functools
import importlib.abc
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

_ABSENT = object()


class Exited(BaseException):
    """The script ended its process without `SystemExit`: `os._exit`, `os.abort`, `os.exec*`, a signal to itself."""

    def __init__(self, code: int = 0) -> None:
        super().__init__(code)
        self.code = code


class Answers:
    """The attributes that were replaced, and the notes that were given."""

    def __init__(self, note: Callable[[str], None]) -> None:
        self._note = note
        self._said: set[str] = set()
        self._replaced: list[tuple[Any, str, object]] = []
        self._later: dict[str, Callable[[Any], None]] = {}

    def say(self, kind: str, text: str) -> None:
        """Note `text` the first time that a thing of this kind was answered."""
        if kind not in self._said:
            self._said.add(kind)
            self._note(text)

    def put(self, owner: Any, name: str, new: object) -> None:
        """Replace `owner.name`. A function that replaces a module's C function will not bind when a class keeps it, as before."""
        old = vars(owner).get(name, _ABSENT)
        if isinstance(owner, ModuleType) and callable(new) and not isinstance(new, type):
            new = _Plain(new, old)
        self._replaced.append((owner, name, old))
        setattr(owner, name, new)

    def when_imported(self, module: str, install: Callable[[Any], None]) -> None:
        """Call `install(module)` now when the module is loaded, else right after the script imports it."""
        if module in sys.modules:
            install(sys.modules[module])
        else:
            self._later[module] = install

    def watch_imports(self) -> None:
        """Start to look out for the modules named in `when_imported`."""
        sys.meta_path.insert(0, _Later(self._later))

    def undo(self) -> None:
        """Bring back everything, the last one first."""
        sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, _Later)]
        while self._replaced:
            owner, name, old = self._replaced.pop()
            if old is _ABSENT:
                delattr(owner, name)
            else:
                setattr(owner, name, old)


class _Plain:
    """A callable that is no method descriptor, like the C functions that it stands for."""

    def __init__(self, answer: Callable[..., Any], original: object) -> None:
        if callable(original):
            functools.update_wrapper(self, original, updated=())
        self._answer = answer
        self._original = original

    # `os.stat in os.supports_fd` and the like go on to be true.
    def __eq__(self, other: object) -> bool:
        return other is self or other is self._original

    def __hash__(self) -> int:
        return hash(self._original)

    def __call__(self, *args: Any, **options: Any) -> Any:
        return self._answer(*args, **options)


class _Later(importlib.abc.MetaPathFinder):
    """Finds a module as usual, and calls what was asked for once it has run."""

    def __init__(self, wanted: dict[str, Callable[[Any], None]]) -> None:
        self._wanted = wanted

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        install = self._wanted.get(name)
        if install is None:
            return None
        for finder in sys.meta_path:
            spec = None if finder is self else finder.find_spec(name, path, target)
            if spec is not None:
                # Built-in modules have a class for a loader, which all of them share; none of them is wanted here.
                if spec.loader is not None and not isinstance(spec.loader, type):
                    _then(spec.loader, install)
                return spec
        return None


def _then(loader: Any, install: Callable[[Any], None]) -> None:
    run = loader.exec_module

    def exec_module(module: ModuleType) -> None:
        run(module)
        install(module)

    loader.exec_module = exec_module
