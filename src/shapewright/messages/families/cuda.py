"""Messages of the GPU: assertions that fail in a kernel, and the states of cuDNN and cuBLAS that tell nothing of their cause.

An assertion names what was checked, and so what was wrong. The error that Python shows is raised later and somewhere else.
"""

from __future__ import annotations

import re

from shapewright.messages.families.embedding import missing_row
from shapewright.messages.template import Cause, Found, Reading, Template

_OTHER = "other-shape-error"
_LATER = "a kernel reports it late: the line in the traceback may be a later one"
_CPU = "run the same step on the CPU: it names the number and stops in the very line (`model.cpu()`, the batch `.cpu()`)"
_BLOCKING = "or run again with `CUDA_LAUNCH_BLOCKING=1 python train.py`, so that the traceback stops in the right line"
_RESTART = "start the program or the notebook's kernel anew afterwards: after an assertion every call on the GPU fails"

_FROM_ONE = Cause(
    "labels-from-one",
    "the labels count from 1, so the highest is the number of classes itself",
    tries=("shift them: `labels - 1`",),
)
_FEW_CLASSES = Cause(
    "too-few-classes",
    "the last layer has fewer outputs than there are classes in the data",
    likely=True,
    tries=("give it one for each class: `nn.Linear(features, int(labels.max()) + 1)`",),
)
_IGNORED = Cause(
    "ignored-label",
    "a marker for `no class` is among the labels: 255 in many masks, -1 in many tables; the loss leaves out -100 only",
    tries=("name it: `nn.CrossEntropyLoss(ignore_index=255)`",),
)


def _label(found: Found) -> Reading:
    return Reading(
        "loss-target-shape",
        "the loss receives a label that is not one of the classes: below 0, or not below the number of outputs",
        _LATER,
        {},
        (_FEW_CLASSES, _FROM_ONE, _IGNORED),
        ("print `labels.min()`, `labels.max()` and `logits.shape` before the loss: labels go from 0 to classes - 1", _CPU, _RESTART),
    )


def _row(found: Found) -> Reading:
    """`index_select` on the GPU: nearly always an embedding. The traceback is only to be trusted when launches were blocking."""
    if re.search(r"\bindex_select\(", found.context.line):
        return _index(found)
    reading = missing_row(found)
    tries = (*reading.tries, _CPU, _RESTART)
    return Reading(reading.slug, reading.headline, f"{reading.certain}; {_LATER}", reading.facts, reading.causes, tries)


def _index(found: Found) -> Reading:
    size = found.number("want") if found.known("want") else None
    beyond = f"the indices there go from 0 to {size - 1}" if size else "the index is negative or not below the size of the dim"
    what = f"a dim of {size}" if size else "a dim"
    causes = (
        Cause(
            "index-out-of-range",
            f"{what} is asked for an entry that it does not have: numbers that count from 1, or made for another tensor",
            likely=True,
            tries=("print `index.min()`, `index.max()` and the shape of the tensor in the line before",),
        ),
        Cause(
            "marker-as-index",
            "a marker such as -1, -100 or 255 is among the indices: `gather` and `scatter` do not count from the end",
            tries=("take such entries out first: `keep = index >= 0`",),
        ),
        Cause(
            "table-too-small",
            "ids of tokens or positions beyond the table of an embedding",
            tries=("compare `ids.max()` with `num_embeddings`, and the length of the sequence with the number of positions",),
        ),
    )
    facts: dict[str, object] = {"want": size} if size else {}
    return Reading(
        _OTHER,
        f"an index lies outside {what} on the GPU" if size is None else f"an index lies outside 0 … {size - 1}",
        f"{beyond}; {_LATER}",
        facts,
        causes,
        (_CPU, _BLOCKING, _RESTART),
    )


def _compiled(found: Found) -> Reading:
    """Code made by `torch.compile` names the size, on the CPU too."""
    size = found.number("want") if found.known("want") else None
    reading = _index(found)
    certain = "the check is in code that `torch.compile` made, and names the size; without `torch.compile` the message names the line"
    steps = ("run the same step without `torch.compile` and on the CPU: the message then names the index and the line",)
    return Reading(reading.slug, reading.headline, certain, {"want": size} if size else {}, reading.causes, steps)


def _bce(found: Found) -> Reading:
    causes = (
        Cause(
            "logits-into-bce",
            "the outputs were not brought between 0 and 1: `BCELoss` takes what a sigmoid gives",
            likely=True,
            tries=("take the loss for raw outputs: `nn.BCEWithLogitsLoss()`, without a sigmoid",),
        ),
        Cause(
            "nan-outputs",
            "the outputs are nan: the learning rate is too high, or half precision overflowed",
            tries=("print `torch.isfinite(out).all()` before the loss",),
        ),
    )
    headline = "`BCELoss` receives outputs outside 0 … 1: it is about values, not sizes"
    return Reading(_OTHER, headline, _LATER, {}, causes, (_CPU, _RESTART))


def _probabilities(found: Found) -> Reading:
    causes = (
        Cause(
            "broken-logits",
            "the model gave nan or inf: half precision that overflows, a damaged checkpoint, a temperature of 0",
            likely=True,
            tries=("print `torch.isfinite(logits).all()` before the softmax", "load the model in bfloat16 or float32 in place of float16"),
        ),
        Cause(
            "all-masked",
            "all choices were masked, or raw outputs went in where probabilities are wanted",
            tries=("`probs = logits.softmax(-1)`",),
        ),
    )
    headline = "the probabilities to sample from are not valid (inf, nan, negative, or all zero): it is about values, not sizes"
    return Reading(_OTHER, headline, _LATER, {}, causes, (_RESTART,))


def _bag(found: Found) -> Reading:
    cause = Cause(
        "offsets-of-another-batch",
        "an offset is beyond the ids, or the offsets do not rise: lengths were given, or several GPUs share the ids but not the offsets",
        likely=True,
        tries=("`offsets = torch.tensor([0, *lengths[:-1]]).cumsum(0)`",),
    )
    return Reading("embedding-dim", "the offsets of the bags do not fit the ids", _LATER, {}, (cause,), (_CPU, _RESTART))


def _assert(found: Found) -> Reading:
    causes = (
        Cause(
            "label-out-of-range",
            "a label that is not one of the classes (0 … classes - 1) in a loss",
            likely=True,
            tries=("print `labels.min()`, `labels.max()` and `logits.shape`",),
        ),
        Cause(
            "index-out-of-range",
            "an index beyond its dim: the ids of an embedding, positions beyond the longest sequence, `gather`",
            likely=True,
            tries=("print `ids.max()` and `num_embeddings`",),
        ),
        Cause("values-out-of-range", "values that a loss or a sampler refuses: `BCELoss` outside 0 … 1, nan in probabilities"),
    )
    headline = "a check on the GPU failed; this message does not say which: most often a label or an index out of range"
    certain = "the line of the assertion stands further up in the log (`Assertion … failed`); the line in the traceback may be a later one"
    return Reading(
        _OTHER,
        headline,
        certain,
        {},
        causes,
        (_CPU, _BLOCKING, "read the first line with `Assertion` in the log, and explain that", _RESTART),
    )


def _library(found: Found) -> Reading:
    library, state = str(found.values["library"]).upper(), str(found.values["state"]).upper()
    name = {"CUDNN": "cuDNN", "CUBLAS": "cuBLAS"}.get(library, library)
    memory = Cause(
        "memory-full",
        "the memory of the GPU is full, and the library has no room to begin with",
        tries=("a smaller batch; look at `nvidia-smi` for other programs",),
    )
    earlier = Cause(
        "earlier-assertion",
        "an index or a label was out of range in an earlier step (a line with `Assertion … failed` further up)",
        tries=("look further up in the log",),
    )
    sizes = Cause(
        "sizes-or-dtypes",
        "sizes, dtypes or the order in memory do not suit the call: the CPU names them",
        tries=("`x.contiguous()` before the call, and one dtype for the input and the weights",),
    )
    driver = Cause(
        "versions",
        "driver, CUDA and torch do not belong together",
        tries=("`python -m torch.utils.collect_env`; install the torch that is made for this driver",),
    )
    causes = {
        "NOT_INITIALIZED": (memory, earlier, driver),
        "ALLOC_FAILED": (memory, earlier),
        "INTERNAL_ERROR": (memory, earlier, driver),
        "EXECUTION_FAILED": (earlier, sizes, memory, driver),
        "MAPPING_ERROR": (memory, earlier, driver),
        "ARCH_MISMATCH": (driver,),
        "VERSION_MISMATCH": (driver,),
    }.get(state, (sizes, earlier, memory, driver))
    first, *rest = causes
    likely = Cause(first.name, first.why, likely=True, tries=first.tries)
    headline = f"{name} failed ({state.lower().replace('_', ' ')}); this message does not say why"
    return Reading(_OTHER, headline, _LATER, {"library": name, "state": state}, (likely, *rest), (_CPU, _BLOCKING))


_QUOTED = r"Assertion [`']?"
TEMPLATES = (
    Template(
        "cuda-label",
        ("< n_classes",),
        rf"{_QUOTED}(?:\(?(?:t|cur_target|target\w{{0,8}}) >= 0\)? && \(?(?:t|cur_target|target\w{{0,8}}) < \(?n_classes\)?){{1,2}}",
        _label,
    ),
    Template("cuda-embedding", ("srcindex < srcselectdimsize",), r"srcIndex < srcSelectDimSize", _row),
    Template("cuda-embedding-bag", ("input_idx < numrows", "input[emb] < numrows"), r"input(?:_idx|\[emb\]) < numRows", _row),
    Template("cuda-bag-offsets", ("assertion `end >= begin", "assertion 'end >= begin"), rf"{_QUOTED}end >= begin", _bag),
    Template(
        "cuda-index",
        (
            "index < sizes[i]",
            "idx_dim < index_size",
            "indexvalue < src.sizes[dim]",
            "indexvalue < tensor.sizes[dim]",
            "ind < ind_dim_size",
            "dstindex < dst",
            "index < self_dim_size",
        ),
        r"index < sizes\[i\]|idx_dim >= 0 && idx_dim < index_size|indexValue < (?:src|tensor)\.sizes\[dim\]|ind ?>= ?0 && ind < "
        r"ind_dim_size"
        r"|dstIndex < dst\w{3,12}DimSize|index < self_dim_size",
        _index,
    ),
    Template(
        "compiled-index",
        ("index out of bounds: ",),
        r"index out of bounds: -?\d{1,15}L? <= \w{1,30} < (?:(?P<want>\d{1,15})L?(?! ?[-+*/])\b|[^`'\"]{1,60})",
        _compiled,
    ),
    Template(
        "cuda-bce",
        ("input_val >= zero && input_val <= one", "input >= 0. && *input <= 1.", "input_val >= 0", "input >= 0. && input <= 1."),
        rf"{_QUOTED}\(?\*?input(?:_val)? >= (?:zero|0\.?)\)? && \(?\*?input(?:_val)? <= (?:one|1\.?)",
        _bce,
    ),
    Template(
        "cuda-probabilities",
        (
            "cumdist[size - ",
            "probability tensor contains either",
            "assertion `val >= zero",
            "assertion `sum > acczero",
            "thcnumerics<t>::ge(val, zero)",
        ),
        rf"{_QUOTED}(?:cumdist\[size - 1\] >|probability tensor contains either|val >= zero|sum > accZero|THCNumerics<T>::ge\(val, zero\))",
        _probabilities,
    ),
    Template("cuda-assert", ("device-side assert triggered",), r"device-side assert triggered", _assert, vague=True),
    Template(
        "cuda-library",
        ("cudnn_status_", "cublas_status_", "cusolver_status_"),
        r"(?P<library>CUDNN|CUBLAS|CUSOLVER)_STATUS_(?P<state>[A-Z_]{3,40})",
        _library,
        vague=True,
    ),
)
