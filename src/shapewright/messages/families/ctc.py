"""Messages of `ctc_loss`: sequences of scores, targets and their lengths."""

from __future__ import annotations

from shapewright.messages.readings.pairs import BATCH, SLUG
from shapewright.messages.template import Template, plain

TEMPLATES = (
    Template(
        "ctc-batch",
        ("_lengths must be of size batch_size",),
        r"(?P<side>input|target)_lengths must be of size batch_size",
        plain(
            BATCH,
            "`ctc_loss` is given another number of {side} lengths than the batch has sequences",
            (
                "batch-first",
                "the scores are [batch, time, classes]; `ctc_loss` reads them as [time, batch, classes], whatever the "
                "model's `batch_first`",
            ),
            ("last-batch", "the lengths were made for the full batch, and the last one is smaller"),
            tries=(
                "turn the scores: `log_probs.transpose(0, 1)`",
                "one length for each sequence: `torch.full((log_probs.size(1),), log_probs.size(0))`",
            ),
        ),
    ),
    Template(
        "ctc-length",
        ("_lengths to have value at",),
        r"Expected (?P<side>input|target)_lengths to have value at (?P<bound>most|least) (?P<want>-?\d{1,15}), but got "
        r"value (?P<got>-?\d{1,15})",
        plain(
            SLUG,
            "`ctc_loss` is given a length of {got} among its {side} lengths, where it must be at {bound} {want}",
            ("lengths-before-downsampling", "the lengths are those of the input; pooling or strides of the model made fewer steps"),
            ("batch-first", "the scores are [batch, time, classes]; `ctc_loss` reads them as [time, batch, classes]"),
            tries=(
                "take the lengths after the model: `lengths // stride`, at most `log_probs.size(0)`",
                "turn the scores: `log_probs.transpose(0, 1)`",
            ),
        ),
    ),
    Template(
        "ctc-targets",
        ("for argument #2 'targets'",),
        r"Expected tensor to have size (?P<least>at least )?(?P<want>\d{1,15}) at dimension (?P<dim>\d{1,2}), but got "
        r"size (?P<got>\d{1,15}) for argument #2 'targets'",
        plain(
            SLUG,
            ("`ctc_loss` expects targets of {want} in dim {dim} but receives {got}",),
            (
                "lengths-and-targets",
                "the target lengths do not go with the targets: targets in one row must be as long as all lengths "
                "together, padded ones [N, S] at least as wide as the longest",
            ),
            ("batch-first", "the scores are [batch, time, classes]; `ctc_loss` reads dim 1 of [time, batch, classes] as the batch"),
            tries=("`print(log_probs.shape, targets.shape, target_lengths)`", "turn the scores: `log_probs.transpose(0, 1)`"),
        ),
    ),
    Template(
        "ctc-other",
        ("blank must be in label range", "_lengths must be integral"),
        r"(?P<what>blank) must be in label range|(?P<side>input|target)_lengths must be integral",
        plain(
            SLUG,
            (
                "the number of the blank is no class of the scores",
                "this is about dtypes, not sizes: the {side} lengths of `ctc_loss` must be whole numbers",
            ),
            ("blank-not-counted", "the blank is a class of its own: with the {what} behind n letters the last layer needs n + 1 outputs"),
            ("lengths-divided", "{side} lengths were divided with `/`, which gives floats"),
            tries=("the blank lies between 0 and classes - 1", "whole lengths: `lengths // stride`, or `lengths.long()`"),
        ),
    ),
)
