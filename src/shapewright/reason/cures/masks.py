"""A mask under the name of another: a padding mask [batch, keys] given as `attn_mask`, which is [queries, keys], or the other way round."""

from __future__ import annotations

from collections.abc import Iterator

from shapewright.reason.problem import Candidate, Problem
from shapewright.reason.rules import say

# Who sees whom, and what is padding.
_PADDING = {
    "attn_mask": "key_padding_mask",
    "mask": "src_key_padding_mask",
    "src_mask": "src_key_padding_mask",
    "tgt_mask": "tgt_key_padding_mask",
    "memory_mask": "memory_key_padding_mask",
}
_MASKS = ((3, "key_padding_mask"), (5, "attn_mask"))
_OTHERS = _PADDING | {padding: mask for mask, padding in _PADDING.items() if mask != "mask"}


def propose(problem: Problem) -> Iterator[Candidate]:
    """The same mask under the other name, in the call of the attention, or of the encoder that the attention belongs to."""
    got, event = problem.clash.got, problem.event
    if event.op != "multiheadattention" or got is None or all(got.tensor is not event.argument(*one) for one in _MASKS):
        return
    for span in (event.span, *event.stack):
        code = problem.code(span)
        given = code.arguments(span) if code is not None and span is not None else ()
        for number, (keyword, place) in enumerate(given):
            # an encoder's second argument is its mask
            other = _OTHERS.get(keyword or ("mask" if number == 1 and len(given) == 2 else ""))
            if code is not None and span is not None and other is not None:
                text = code.text_at(place)
                called = f"`{text}`" if len(text) <= say.LONGEST_NAME and "\n" not in text else "the mask"
                yield Candidate("mask", f"give {called} as `{other}`", code.name_argument(span, number, other), 1)
