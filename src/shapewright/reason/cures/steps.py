"""What a recurrent layer gives that the program does not take as it is meant: all steps for one target, one direction of two."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

from shapewright.model import Event, Number, TensorInfo
from shapewright.reason.names import operand_spans
from shapewright.reason.problem import Candidate, Problem
from shapewright.reason.rules import say
from shapewright.reason.ways import chain

_RECURRENT = ("lstm", "gru", "rnn")
_ONE = ("[-1]", "[-1, :, :]", "[-1, :]")  # the state of the last layer's backward direction, as people write it


def propose(problem: Problem) -> Iterator[Candidate]:
    """The last step before the layer behind, and both directions side by side."""
    if problem.clash.slug.startswith("loss-"):
        yield from _last_step(problem)
    elif problem.clash.slug == "linear-in-features":
        yield from _both_directions(problem)


def _last_step(problem: Problem) -> Iterator[Candidate]:
    """`fc(out[:, -1])` where the loss has one target a sequence."""
    scores = next(problem.event.tensors(), None)
    steps = chain(problem.trace, scores) if scores is not None else []
    for made, taken in reversed(list(pairwise(steps))):
        module = problem.trace.modules[made.module] if made.module is not None else None
        if made.op not in _RECURRENT or module is None or scores is None or scores.rank != 3 or not made.output or made.output[0].rank != 3:
            continue
        first = module.settings.get("batch_first") is True
        left = (scores.shape[0], scores.shape[2]) if first else scores.shape[1:]
        operand = next(iter(operand_spans(problem.trace, taken)), None)
        code = problem.code(operand)
        if code is not None and operand is not None and problem.would_fit(problem.with_operand(scores, replace(scores, shape=left))):
            text = code.text_at(operand)
            title = f"take the last step of `{text}`" if len(text) <= say.LONGEST_NAME else "take the last step"
            yield Candidate("last-step", title, code.append(operand, "[:, -1]" if first else "[-1]"), 1)
        return


def _both_directions(problem: Problem) -> Iterator[Candidate]:
    """`torch.cat((h_n[-2], h_n[-1]), dim=1)` for a layer that was built for both."""
    want, got = problem.clash.want, problem.clash.got
    if want is None or got is None or got.tensor is None or not got.value or want.value != 2 * got.value:
        return
    for step in reversed(chain(problem.trace, got.tensor)):
        if step.op == "getitem" and _is_last_state(problem, step):
            code = problem.code(step.span)
            text = code.text_at(step.span) if code is not None and step.span is not None else ""
            end = next((one for one in _ONE if text.endswith(one)), "")
            if code is None or step.span is None or not end or not text.removesuffix(end).isidentifier():
                return
            torch, imports = code.name_of("torch")
            name = text.removesuffix(end)
            joined = f"{torch}.cat(({name}[-2], {name}[-1]), dim=1)"
            yield Candidate("join", f"join the last states of both directions in `{name}`", (*imports, *code.replace(step.span, joined)), 2)
            return
        if not step.output or step.output[0].shape != got.tensor.shape:
            return


def _is_last_state(problem: Problem, step: Event) -> bool:
    """Whether the last of a recurrent layer's states is picked, of a layer that runs in both directions."""
    states = next(step.tensors(), None)
    index = step.argument(1, "index")
    last = index[0] if isinstance(index, tuple) and index else index
    if not isinstance(states, TensorInfo) or states.source is None or states.rank != 3 or not isinstance(last, Number):
        return False
    made = problem.trace.events[states.source]
    module = problem.trace.modules[made.module] if made.module is not None else None
    return made.op in _RECURRENT and module is not None and module.settings.get("bidirectional") is True and last.value == -1
