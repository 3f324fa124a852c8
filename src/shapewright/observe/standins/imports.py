"""Do something right before or after a module is imported, without importing it.

In: names of modules and what to call. Out: nothing; a finder on `sys.meta_path` that finds nothing by itself but adds
the calls to what the ordinary finders find.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType


class ImportHooks(MetaPathFinder):
    """Calls actions around the import of the modules they wait for."""

    def __init__(self) -> None:
        self._actions: dict[str, list[Callable[[ModuleType], None]]] = {}
        self._around: dict[str, Callable[[], AbstractContextManager[None]]] = {}

    def after(self, module: str, action: Callable[[ModuleType], None]) -> None:
        """Call `action(module)` when `module` has been imported."""
        self._actions.setdefault(module, []).append(action)
        self._listen()

    def around(self, module: str, context: Callable[[], AbstractContextManager[None]]) -> None:
        """Execute `module` inside `with context():`."""
        self._around[module] = context
        self._listen()

    def _listen(self) -> None:
        if self not in sys.meta_path:
            sys.meta_path.insert(0, self)

    def close(self) -> None:
        """Wait for nothing any more."""
        self._actions.clear()
        self._around.clear()
        if self in sys.meta_path:
            sys.meta_path.remove(self)

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        """What the other finders find, with the actions around the module's execution."""
        if fullname not in self._actions and fullname not in self._around:
            return None
        for finder in sys.meta_path:
            spec = finder.find_spec(fullname, path, target) if finder is not self else None
            if spec is not None:
                self._attach(spec)
                return spec
        return None

    def _attach(self, spec: ModuleSpec) -> None:
        loader = spec.loader
        if loader is None or not hasattr(loader, "exec_module"):
            return
        exec_module = loader.exec_module

        def execute(module: ModuleType) -> None:
            with self._around.pop(spec.name, nullcontext)():
                exec_module(module)
            for action in self._actions.pop(spec.name, []):
                action(module)

        # On the instance, so that resources and sources are still found through a loader of the right class.
        loader.exec_module = execute  # type: ignore[method-assign]
