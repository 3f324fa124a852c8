"""What differs between a checkpoint and a model, and what the names of parameters tell of them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from shapewright.messages import fingerprints
from shapewright.messages.later import pattern

NUMBER_ALONE = "medium confidence, from the number alone"

HEAD = pattern(
    r"(?:^|\.)(?:fc|head|heads|classifier|classification_head|cls|logits|out|output|score|last_linear|final|linear|"
    r"cls_score|cls_logits|bbox_pred|class_embed|class_labels_classifier|conv_seg|proj_out|qa_outputs)(?=\d*(?:\.|$))",
    re.IGNORECASE,
)
VOCABULARY = pattern(
    r"embed_tokens|word_embed|tok_embed|token_embed|\bwte\b|lm_head|shared\.weight|embed_in|embed_out|(?:^|\.)embed(?:ding|dings|der)?\.weight"
    r"|(?:^|[._])emb(?:_\w{1,20})?\.weight|predictions\.(?:bias|decoder)|embeddings\.weight|final_logits_bias|decoder\.bias",
    re.IGNORECASE,
)
POSITION = pattern(
    r"pos_?emb|position|\bwpe\b|(?:^|[._])pe(?:\.|$)|pos_?enc|rel_pos|attn\.(?:bias|mask|masked_bias)$|attn_mask|tril|freqs|inv_freq|rope",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Diff:
    """One parameter: its shape in the file and in the model."""

    key: str
    file: list[int]
    model: list[int]

    @property
    def dims(self) -> list[int]:
        """The dims that differ; none when one shape is longer than the other."""
        if len(self.file) != len(self.model):
            return []
        return [i for i, (saved, built) in enumerate(zip(self.file, self.model, strict=True)) if saved != built]

    @property
    def pair(self) -> tuple[int, int] | None:
        """The first two numbers that clash: the file's and the model's."""
        return (self.file[self.dims[0]], self.model[self.dims[0]]) if self.dims else None

    @property
    def module(self) -> str:
        return self.key.rpartition(".")[0]


def who(width: int) -> str:
    """` (LLaMA-7B)` for a width that is known."""
    known = fingerprints.width(width) if width >= 256 else None
    return f" ({known})" if known else ""
