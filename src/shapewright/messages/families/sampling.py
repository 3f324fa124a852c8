"""Messages of `topk`, `multinomial`, `bincount`, `searchsorted`: picking the largest, drawing, counting."""

from __future__ import annotations

from shapewright.messages.template import Cause, Found, Reading, Template, plain, shape

_SLUG = "other-shape-error"


def _topk(found: Found) -> Reading:
    facts = {"dim": found.number("dim")} if found.known("dim") else {}
    where = f" in dim {facts['dim']}" if facts else ""
    causes = (
        Cause(
            "fewer-classes-than-k",
            "there are fewer classes than are asked for: the top-5 accuracy of ImageNet code needs 5 of them",
            likely=True,
            tries=("ask for no more than there are: `k = min(k, x.size(dim))`, `topk=(1,)` for few classes",),
        ),
        Cause(
            "few-candidates",
            "fewer points, boxes or neighbours are left than k: a small or an empty sample, an image without objects",
            tries=("`k = min(k, x.size(dim))`, and leave empty samples out",),
        ),
        Cause("wrong-dim", "the largest are looked for along another dim than the classes; without `dim=` it is the last"),
    )
    headline = f"more entries are asked for than there are{where}: k is larger than that dim"
    return Reading(
        _SLUG, headline, "this wording does not name k" if not facts else "", facts, causes, ("print `x.shape` and `k` in the line before",)
    )


_D = r"\d{1,3}"


TEMPLATES = (
    Template(
        "topk",
        ("selected index k out of range", "k not in range for dimension", "selected number k out of range for dimension"),
        rf"selected index k out of range|k not in range for dimension|selected number k out of range for dimension (?P<dim>{_D})",
        _topk,
    ),
    Template(
        "multinomial-rank",
        ("prob_dist must be ", "the probability distributions dimensions must be"),
        rf"prob_dist must be 1 or 2 dim|The probability distributions dimensions must be 1 or 2, but got (?P<rank>{_D})",
        plain(
            _SLUG,
            (
                "`multinomial` takes probabilities [N, classes] but receives {rank} dims",
                "`multinomial` takes probabilities [N, classes] with 1 or 2 dims",
            ),
            ("all-steps", "the probabilities are those of all steps [N, steps, words], not of the last"),
            tries=("take the last step: `probs[:, -1]`", "or all as one list: `probs.flatten(0, 1)`"),
        ),
    ),
    Template(
        "multinomial-number",
        ("cannot sample n_sample",),
        r"cannot sample n_sample (?:>|<=)",
        plain(
            _SLUG,
            "`multinomial` is asked for more samples than there are entries, each at most once",
            ("without-replacement", "`num_samples` is larger than the last dim of the probabilities (or not positive)"),
            tries=("allow repeats: `torch.multinomial(p, n, replacement=True)`", "or `n = min(n, p.size(-1))`"),
        ),
    ),
    Template(
        "multinomial-values",
        ("probability tensor contains either", "invalid multinomial distribution"),
        r"probability tensor contains either [`']inf|invalid multinomial distribution",
        plain(
            _SLUG,
            "the probabilities to sample from are not valid numbers (inf, nan, negative, or all zero): it is about values, not sizes",
            ("broken-logits", "the model gave nan or inf: half precision that overflows, a learning rate too high, a temperature of 0"),
            ("all-masked", "every choice was masked with -inf, or logits went in where probabilities (after softmax) are wanted"),
            tries=(
                "print `torch.isfinite(logits).all()` in the line before the softmax",
                "load the model in bfloat16 or float32 in place of float16",
            ),
        ),
    ),
    Template(
        "bincount",
        ("bincount only supports",),
        r"bincount only supports 1-d non-negative integral inputs",
        plain(
            _SLUG,
            "`bincount` takes a list of whole numbers from 0",
            ("map-not-flattened", "a map or a batch of labels has more than one dim"),
            ("ignored-label", "a negative marker such as -1 or -100 is among the labels"),
            tries=("one list of all: `labels.flatten()`", "leave markers out: `labels[labels >= 0]`"),
        ),
    ),
    Template(
        "bincount-weights",
        ("and have the same length as input",),
        r"weights should be 1-d and have the same length as input",
        plain(
            _SLUG,
            "`bincount` takes one weight for each number",
            ("weights-of-another-list", "the weights have another length or another number of dims"),
            tries=("print both shapes",),
        ),
    ),
    Template(
        "searchsorted",
        ("boundaries tensor should be", "boundaries tensor must be"),
        rf"boundaries tensor should be 1 dimension or the first N-1 dimensions .{{0,80}}?but we got boundaries tensor "
        rf"{shape('boundaries_shape')} and input value tensor {shape('shape')}"
        rf"|boundaries tensor must be 1 dimension, but got dim\((?P<rank>{_D})\)",
        plain(
            _SLUG,
            (
                "`searchsorted` has boundaries of {boundaries_shape} for values of {shape}: all dims but the last must be equal",
                "`bucketize` takes one list of boundaries but receives {rank} dims",
            ),
            ("boundaries-per-row", "boundaries with rows are used row by row, so there must be as many rows of values"),
            tries=("one list for all: `boundaries.flatten()` or a row of it", "rows of values: `values.expand(boundaries.size(0), -1)`"),
        ),
    ),
    Template(
        "histogram-bins",
        ("histogramdd: the size of bins",),
        r"histogramdd: The size of bins must be equal to the innermost dimension of the input",
        plain(
            _SLUG,
            "`histogramdd` needs one number of bins for each column of the input",
            ("bins-per-column", "the last dim of the input is the number of bins to name"),
            tries=("`bins=[n] * x.size(-1)`",),
        ),
    ),
    Template(
        "quantile-rank",
        ("q must be a scalar or 1d tensor",),
        r"quantile\(\) q must be a scalar or 1D tensor",
        plain(
            _SLUG,
            "`quantile` takes one q or a list of them",
            ("q-with-dims", "q has two dims or more"),
            tries=("`x.quantile(q.flatten())`",),
        ),
    ),
)
