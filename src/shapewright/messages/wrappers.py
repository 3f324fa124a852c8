"""What may stand around a message: the DataLoader's worker, a replica, a compiler. It is named beside the explanation."""

from __future__ import annotations

import re

_COMPILED = "`torch.compile` ran the model on fake tensors; without compiling the same line fails"
_NODE = "a node of ComfyUI raised it; its name stands above the message"

# A literal that must be there, the pattern, and what it means for the user.
_WRAPPERS = (
    (
        "in dataloader worker",
        r"Caught \w+ in DataLoader worker process \d+",
        "it was raised in a worker of the DataLoader: with `num_workers=0` the traceback is direct",
    ),
    (
        "in replica",
        r"Caught \w+ in replica \d+ on device",
        "it was raised in a replica of `DataParallel`, which cuts every tensor argument along dim 0",
    ),
    ("fake tensor", r"Dynamo failed to run FX node with fake tensors|when making fake tensor call", _COMPILED),
    ("failed running call_", r"Failed running call_\w+", _COMPILED),
    (
        "torchscript interpreter",
        r"operation failed in the TorchScript interpreter",
        "it was raised inside TorchScript: the lines are those of the original code",
    ),
    ("exception during processing", r"Exception during processing", _NODE),
    ("error occurred when executing", r"Error occurred when executing \w+", _NODE),
)


def around(text: str) -> tuple[str, ...]:
    """What is around the message in this text, in words."""
    lower = text.lower()
    said = [words for anchor, pattern, words in _WRAPPERS if anchor in lower and re.search(pattern, text, re.IGNORECASE)]
    return tuple(dict.fromkeys(said))
