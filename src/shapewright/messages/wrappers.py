"""What may stand around a message: the DataLoader's worker, a replica, a compiler. It is named beside the explanation."""

from __future__ import annotations

_COMPILED = "`torch.compile` ran the model on fake tensors; without compiling the same line fails"
_NODE = "a node of ComfyUI raised it; its name stands above the message"

_EXPORTED = "`torch.export` ran the model on fake tensors; without exporting the same line fails"
_PROCESS = "it was raised in a process of its own: the traceback in which the message stands is that process's"
_RANKS = "one of several processes failed and the others followed: its own error is this one"

# A literal that must be in the text around the message, in lower case, and what it means for the user.
_WRAPPERS = (
    ("in dataloader worker process", "it was raised in a worker of the DataLoader: with `num_workers=0` the traceback is direct"),
    ("in pin memory thread", "it was raised while a batch was pinned: with `pin_memory=False` the traceback is direct"),
    ("in replica ", "it was raised in a replica of `DataParallel`, which cuts every tensor argument along dim 0"),
    ("failed to run fx node with fake tensors", _COMPILED),
    ("failed running call_", _COMPILED),
    ("backendcompilerfailed", _COMPILED),
    ("when calling torch.export", _EXPORTED),
    ("in the torchscript interpreter", "it was raised inside TorchScript: the lines are those of the original code"),
    ("exception during processing", _NODE),
    ("error occurred when executing", _NODE),
    ("terminated with the following error", _PROCESS),
    ("remotetraceback", _PROCESS),
    ("raytaskerror", _PROCESS),
    ("childfailederror", _RANKS),
    ("exception in thread", "it was raised in a thread, which ended; the program may go on without it"),
)


def around(text: str) -> tuple[str, ...]:
    """What is around the message in this text, in words."""
    lower = text.lower()
    return tuple(dict.fromkeys(words for literal, words in _WRAPPERS if literal in lower))
