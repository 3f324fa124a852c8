"""Which proven fix comes first: the order as data, each step with its reason.

A fix that makes the whole program run goes before one after which it fails later; one whose models take other batches before one that is
bound to this batch. Then come the kinds below in the order that an expert would try them; among the kinds of one place what speaks for each
(`Candidate.evidence`); and last what is common to all: few places, the author's form, the checkpoint's shapes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True, slots=True)
class Kind:
    """One way of mending, and why it stands where it stands."""

    name: str
    reason: str
    idea: bool = False  # shown as a thought to follow, never applied unasked
    last: bool = False  # kept only where nothing else runs
    data: bool = False  # changes what the program works on: never safe


ORDER: tuple[Kind, ...] = (
    Kind("assign-result", "the author wrote the right call and lost its result"),
    Kind("prepared", "the program has a function for it, which its other data goes through"),
    Kind("exchanged", "two names, or two arguments, that are told apart by what they hold stand in each other's place"),
    Kind("start-dim", "a flatten that swallows the batch is a slip of one argument"),
    Kind("flatten", "between convolutions and linear layers a flatten is always needed"),
    Kind("maps", "a convolution takes maps, and never a row of features"),
    Kind("batch-dim", "a sample without its batch dim is read wrongly from the first layer on"),
    Kind("dim", "the call is right and its dim argument is not"),
    Kind("last-step", "a sequence with one target is told by its last step"),
    Kind("join", "`cat` and `stack` take the same list, and only one of them gives the dims that the call takes"),
    Kind("reshape", "`reshape` does what `view` was meant to do"),
    Kind("dtype", "the values are right and their type is not"),
    Kind("target-shape", "a dim of size 1 more or less changes no value"),
    Kind("undo", "what takes a dim away, or adds one, may be what is wrong"),
    Kind("one-hot", "the same classes, as numbers where the loss takes numbers and as rows where it takes rows"),
    Kind("labels", "class numbers of which none is 0 and the last is one too high count from 1"),
    Kind("batch-size", "a batch size written into the model breaks with the first smaller batch"),
    Kind("slice", "a table for the longest sequence is cut to the length of this one"),
    Kind("expand", "one row for all samples is repeated for each of them"),
    Kind("align", "a vector lines up with the dim that it belongs to"),
    Kind("mask", "a mask that was made for another attention does not belong here"),
    Kind("fresh-state", "what a recurrent layer remembers of other samples does not belong to these"),
    Kind("global-pool", "a layer that is built for one number a channel wants the mean of each map"),
    Kind("swap", "the dims are in another order than the call takes them"),
    Kind("layer-flag", "one flag of the layer says in which order it takes its dims"),
    Kind("class", "the layer's sibling for this number of dims was meant"),
    Kind("crossed", "the layer was built to give what it gets: its two sizes were written the other way round"),
    Kind("constant", "the layer was built for another size than it gets: one number, where it is written"),
    Kind("table", "a table that is too short is made longer, and cut to the length of the sequence"),
    Kind("expression", "the layer's argument is computed from the wrong things"),
    Kind("producer", "the layer before gives another size than the next one was built for: one number, where it is written"),
    Kind("geometry", "a stride, padding or kernel away from sizes that meet"),
    Kind("stage", "one halving less leaves the last kernels a map to work on"),
    Kind("match", "two branches are brought to one size where they meet"),
    Kind("input-size", "the model is right and the data has another size", data=True),
    Kind("colours", "a net for colour pictures takes grey ones with their channel three times"),
    Kind("pool", "pooling to the size that the layer was built for keeps every weight, and takes all image sizes"),
    Kind("projection", "a residual whose channels change needs a projection"),
    Kind("mean", "a loss of many numbers becomes one by its mean"),
    Kind("state", "a state that is built from the batch fits every batch"),
    Kind("drop-last", "leaving out the smaller last batch loses samples, but changes no model", data=True),
    Kind("unbuild", "what has no part in the result need not be there"),
    Kind("use", "a layer that was built may have been meant for this place", idea=True),
    Kind("one-score", "a single score is a probability by itself: by a sigmoid, with the loss and the threshold of one"),
    Kind("threshold", "the class of a single score is which side of a threshold it is on", idea=True),
    Kind("labels-perhaps", "in a few samples class 0 may be missing by chance", idea=True),
    Kind("target-values", "another meaning of the targets: class numbers or one row a class", idea=True),
    Kind("checkpoint", "the model is built as the file was made"),
    Kind("lazy", "a lazy layer finds its size by itself, and hides what it is", idea=True, last=True),
    Kind("data-size", "other data makes it run, and the model is still wrong for the data there is", idea=True, last=True, data=True),
)

# Of several numbers that may be the wrong one, what speaks for each decides; only where that is even, the order in here.
NUMBERS = ("crossed", "table", "constant", "expression", "producer", "geometry", "stage")

# Those that say how many, and nothing else: with the same sizes on the same lines, two of them do the same.
SIZES = ("table", "constant", "expression", "producer")

# Where these are proven, the dims came in another order, and a number of the layer would be right for this length only.
REORDERS = ("swap",)
REORDERED = ("linear-in-features", "conv-in-channels", "norm-features", "recurrent-input-size")

# Where a family has an order of its own. What stands in brackets has one place, and is ordered by what speaks for it.
FIRST: dict[str, tuple[str | tuple[str, ...], ...]] = {
    # the input reached the layer with its dims in another order: a number would be right by chance only
    "linear-in-features": (
        "assign-result", "exchanged", "start-dim", "flatten", "dim", "join", "swap", "global-pool", NUMBERS, "pool", "input-size",
    ),
    "conv-in-channels": ("exchanged", "batch-dim", "join", "swap", NUMBERS),
    "broadcast-mismatch": (
        "exchanged", "dim", "batch-size", "slice", "expand", "align", "target-shape", "swap", NUMBERS, "match", "input-size", "projection",
    ),
    "concat-mismatch": (
        "dim", "flatten", "target-shape", "swap", "batch-size", "expand", "geometry", "match", NUMBERS, "input-size",
    ),
    "reshape-numel": ("batch-size", ("constant", "producer", "expression", "geometry"), "input-size"),
    "conv-kernel-too-large": (("geometry", "input-size", "stage", "pool"),),
    "norm-features": ("exchanged", "join", "swap", "class", NUMBERS),
    "loss-broadcast": ("target-shape",),
    # what the following sum takes away is what was meant; a single score has no other dim to run over
    "softmax-dim": (("dim", "one-score"), "swap"),
    "last-batch": ("batch-size", "state", "dim", "drop-last"),
    "loss-batch-mismatch": ("exchanged", ("geometry", "dim", "batch-size", "constant", "producer"),),
    "recurrent-input-size": ("exchanged", "dim", "join", "expand", "fresh-state", "swap", "layer-flag", "state", NUMBERS),
    "recurrent-layout": ("layer-flag", "swap", "batch-dim"),
    "batch-mixed": ("swap", "constant", "batch-size"),
    "attention-dim": ("layer-flag", "batch-size", "dim", "slice", "expand", "mask", "swap", NUMBERS),
}  # fmt: skip

KINDS = {kind.name: kind for kind in ORDER}


def place(slug: str, kind: str, evidence: int = 0) -> tuple[int, int, int]:
    """Where a fix stands among those of a family; small is early."""
    for number, group in enumerate(_groups(slug)):
        if kind in group:
            return number, -evidence, group.index(kind)
    raise KeyError(kind)


@cache
def _groups(slug: str) -> tuple[tuple[str, ...], ...]:
    """All kinds in the order of a family: first its own places, then the usual ones."""
    groups = [(group,) if isinstance(group, str) else group for group in ("prepared", *FIRST.get(slug, ()))]
    usual = [NUMBERS if kind.name in NUMBERS else (kind.name,) for kind in ORDER]
    return (*groups, *dict.fromkeys(usual))
