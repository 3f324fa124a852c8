"""Programs for many processes, run as one.

In: `torch.distributed` set up and used, `DistributedDataParallel`, `torch.multiprocessing.spawn` or `Process`.
Out: rank 0 of a world of 1; collectives that change nothing; the spawned function called here, once.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import torch
import torch.distributed
import torch.multiprocessing

from shapewright.observe.standins.patches import Patches
from shapewright.observe.standins.quiet import Quiet


class DistributedDataParallel(torch.nn.Module):
    """The module by itself, under the name `module` as in the real one."""

    def __init__(self, module: torch.nn.Module, *args: Any, **kwargs: Any) -> None:
        super().__init__()
        self.module = module

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.module(*args, **kwargs)

    @contextlib.contextmanager
    def no_sync(self) -> Iterator[None]:
        """Nothing is synchronised anyway."""
        yield

    def join(self, *args: Any, **kwargs: Any) -> Any:
        """A context without effect."""
        return contextlib.nullcontext()

    def register_comm_hook(self, *args: Any, **kwargs: Any) -> None:
        """No gradients are exchanged."""


def install(patches: Patches) -> None:
    """Make this process the only one there is."""
    if torch.distributed.is_available():
        _group(patches)
        _collectives(patches)
    for owner in (torch.nn.parallel, torch.nn.parallel.distributed):
        patches.set(owner, "DistributedDataParallel", DistributedDataParallel)
    _processes(patches)


def _group(patches: Patches) -> None:
    started = [False]

    def start(*args: Any, **kwargs: Any) -> None:
        started[0] = True
        patches.assume("torch.distributed runs as one process: rank 0 of 1")

    def stop(*args: Any, **kwargs: Any) -> None:
        started[0] = False

    answers: dict[str, Callable[..., Any]] = {
        "init_process_group": start,
        "destroy_process_group": stop,
        "is_initialized": lambda: started[0],
        "get_rank": lambda *a, **k: 0,
        "get_node_local_rank": lambda *a, **k: 0,
        "get_world_size": lambda *a, **k: 1,
        "get_backend": lambda *a, **k: "gloo",
        "new_group": lambda *a, **k: Quiet(),
    }
    for name, answer in answers.items():
        patches.set_if_there(torch.distributed, name, answer)


def _collectives(patches: Patches) -> None:
    def unchanged(*args: Any, async_op: bool = False, **kwargs: Any) -> Any:
        return Quiet() if async_op else None

    def gather_list(outputs: Any, value: Any, *args: Any, async_op: bool = False, **kwargs: Any) -> Any:
        outputs[0] = value
        return unchanged(async_op=async_op)

    def gather(value: Any, outputs: Any = None, *args: Any, async_op: bool = False, **kwargs: Any) -> Any:
        outputs = kwargs.get("gather_list", kwargs.get("object_gather_list", outputs))
        if outputs:
            outputs[0] = value
        return unchanged(async_op=async_op)

    def into(output: Any, value: Any, *args: Any, async_op: bool = False, **kwargs: Any) -> Any:
        if isinstance(value, list | tuple):
            value = value[0]
        output.copy_(value.reshape(output.shape))
        return unchanged(async_op=async_op)

    for name in ("all_reduce", "reduce", "broadcast", "barrier", "monitored_barrier", "broadcast_object_list", "send", "recv"):
        patches.set_if_there(torch.distributed, name, unchanged)
    for name in ("all_gather", "all_gather_object"):
        patches.set_if_there(torch.distributed, name, gather_list)
    for name in ("gather", "gather_object"):
        patches.set_if_there(torch.distributed, name, gather)
    for name in ("all_gather_into_tensor", "reduce_scatter", "reduce_scatter_tensor", "all_to_all_single"):
        patches.set_if_there(torch.distributed, name, into)


def _processes(patches: Patches) -> None:
    ran: set[Any] = set()

    def spawn(fn: Any, args: tuple[Any, ...] = (), nprocs: int = 1, join: bool = True, *rest: Any, **kwargs: Any) -> Any:
        patches.assume(f"of {nprocs} spawned processes the first runs, in this one")
        fn(0, *args)
        return None if join else Quiet()

    class Process:
        """A process that runs here when it is started; of several with one function only the first does."""

        exitcode, pid, daemon, name = 0, 0, False, "Process-1"

        def __init__(
            self, group: Any = None, target: Any = None, name: Any = None, args: Any = (), kwargs: Any = None, **more: Any
        ) -> None:
            self._call = (target, tuple(args), dict(kwargs or {}))

        def run(self) -> None:
            target, args, kwargs = self._call
            if target is not None:
                target(*args, **kwargs)

        def start(self) -> None:
            target = self._call[0] or type(self)
            if target not in ran:
                ran.add(target)
                patches.assume("of several processes with one function the first runs, in this one")
                self.run()

        def is_alive(self) -> bool:
            return False

        def join(self, timeout: Any = None) -> None:
            """It is done."""

        terminate = kill = close = join

    patches.set(torch.multiprocessing, "spawn", spawn)
    patches.set(torch.multiprocessing, "Process", Process)
    patches.set(torch.multiprocessing, "set_start_method", lambda *a, **k: None)
