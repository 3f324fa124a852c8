"""Attributes replaced for the length of one run, and put back afterwards.

In: an owner, a name and what shall stand there; or the name of a module and what to do once it is imported.
Out: nothing; leaving the `with` block restores everything in reverse order.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from types import ModuleType
from typing import Any

from shapewright.observe.standins.imports import ImportHooks

_ABSENT = object()


class Patches(contextlib.ExitStack):
    """An exit stack that knows how to replace attributes, how to wait for imports, and whom to tell of assumptions."""

    def __init__(self, assume: Callable[[str], None]) -> None:
        super().__init__()
        self._told: set[str] = set()
        self._tell = assume
        self._imports = ImportHooks()
        self.callback(self._imports.close)

    def assume(self, what: str) -> None:
        """Report an assumption, once each."""
        if what not in self._told:
            self._told.add(what)
            self._tell(what)

    def set(self, owner: Any, name: str, value: Any) -> None:
        """Replace `owner.name`. What the owner only inherits is uncovered again at the end, not copied into it."""
        before = vars(owner).get(name, _ABSENT)
        setattr(owner, name, value)
        self.callback(self._restore, owner, name, before)

    def set_if_there(self, owner: Any, name: str, value: Any) -> None:
        """Replace `owner.name` if this version of the library has it."""
        if hasattr(owner, name):
            self.set(owner, name, value)

    @staticmethod
    def _restore(owner: Any, name: str, before: Any) -> None:
        if before is not _ABSENT:
            setattr(owner, name, before)
        elif name in vars(owner):
            delattr(owner, name)

    def replace_everywhere(self, packages: tuple[str, ...], old: Any, new: Any) -> None:
        """Replace a function also where modules of these packages imported it by name, now and until the end.

        Modules imported during the run take `new` by themselves; at the end they too get `old` back.
        """
        _swap(packages, old, new)
        self.callback(_swap, packages, new, old)

    def after_import(self, module: str, action: Callable[[ModuleType], None]) -> None:
        """Call `action(module)` right after the module's import: now, if that has happened already."""
        if module in sys.modules:
            action(sys.modules[module])
        else:
            self._imports.after(module, action)

    def around_import(self, module: str, context: Callable[[], AbstractContextManager[None]]) -> None:
        """Execute `module` inside `with context():` if it gets imported."""
        self._imports.around(module, context)


def _swap(packages: tuple[str, ...], old: Any, new: Any) -> None:
    for module in [module for package in packages for module in _with_submodules(package)]:
        for attribute, value in list(vars(module).items()):
            if value is old:
                setattr(module, attribute, new)


def _with_submodules(name: str) -> Iterator[ModuleType]:
    """An imported module and what is imported below it. To look through all of `sys.modules` would copy a forked child's memory."""
    module = sys.modules.get(name)
    if module is not None:
        yield module
        for attribute in list(vars(module)) if hasattr(module, "__path__") else ():
            yield from _with_submodules(f"{name}.{attribute}")
