"""Who takes a softmax's result, and in which dim it takes the classes: torch's own losses and distributions leave no choice. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from shapewright.model import Event, TensorInfo, Trace
from shapewright.source import text_at

# torch.distributions normalises what it is given over the last dim: probabilities by their sum, logits by logsumexp.
_DISTRIBUTION = re.compile(r"(?:^|[\s.(=])(?:\w*Categorical|Multinomial)\(")


def class_dim(trace: Trace, tensor: TensorInfo, users: Iterable[Event]) -> tuple[int, str] | None:
    """The dim that a consumer takes for the classes, and what it is called; None when nobody is known to."""
    for user in users:
        first = next(user.tensors(), None)
        if first is None or first.source != tensor.source or first.shape != tensor.shape or tensor.rank < 2:
            continue
        if user.op == "nll_loss":
            return 1, "`nll_loss`"
        if user.op in ("sum", "logsumexp") and user.span is not None:
            found = _DISTRIBUTION.search(text_at(trace.sources.get(user.span.file, ""), user.span))
            if found is not None:
                return tensor.rank - 1, f"`{found[0].strip(' .(=')}`"
    return None
