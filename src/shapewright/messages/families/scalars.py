"""Messages of calls that want one number, of unpacked shapes and results, and of reductions over nothing."""

from __future__ import annotations

import re

from shapewright.messages.readings.layouts import count
from shapewright.messages.template import Cause, Found, Reading, Template, plain

_PRINT = "print `x.shape` in the line before"
_LOSS = re.compile(r"loss|criterion|\bcost\b|error", re.IGNORECASE)
_LIST = re.compile(r"\b(?:torch\.)?(?:tensor|as_tensor|FloatTensor|LongTensor)\(")
_LOSS_CLASS = re.compile(r"\bnn\.(\w*Loss)\(\s*\w")
_SHAPE = re.compile(r"\.shape\b|\.size\(\)")
_STATES = re.compile(r"\(\s*\w+\s*,\s*\w+\s*\)\s*=|,\s*\(\s*\w+\s*,\s*\w+\s*\)")


def _one(found: Found) -> Reading:
    """`item()`, `float()` and `torch.tensor([tensors])` take tensors of one element."""
    line = found.context.line
    got = found.number("got") if found.known("got") else None
    facts: dict[str, object] = {"got": got, "want": 1} if got is not None else {}
    headline = (
        f"one number is asked for, but the tensor has {count(got, 'element')}"
        if got is not None
        else "one number is asked for, but the tensor has another number of elements"
    )
    if got == 0:
        cause = Cause(
            "empty-tensor",
            "the tensor is empty: a mask, a filter or a slice before left nothing",
            likely=True,
            tries=("ask first: `if x.numel():`",),
        )
        return Reading("other-shape-error", headline, "", facts, (cause,), (_PRINT,))
    listed = bool(_LIST.search(line))
    causes = [
        Cause(
            "loss-not-reduced",
            "a loss with `reduction='none'`, or one that is summed along one dim only, has a number for each sample",
            likely=bool(_LOSS.search(line)) or not listed,
            tries=("make one number of it: `loss.mean().item()`",),
        ),
        Cause(
            "many-predictions",
            "`argmax`, `sum(dim=...)` or a comparison of a whole batch gives a number for each sample",
            likely=not listed and not _LOSS.search(line),
            tries=("for a list of numbers: `x.tolist()`", "for a count: `(prediction == target).sum().item()`"),
        ),
        Cause(
            "list-of-tensors",
            "`torch.tensor([...])` of tensors wants tensors of one element each",
            likely=listed,
            tries=("join them: `torch.stack(tensors)`, or `torch.cat(tensors)` for unequal lengths",),
        ),
    ]
    causes.sort(key=lambda cause: not cause.likely)
    return Reading("other-shape-error", headline, "", facts, tuple(causes), (_PRINT,))


def _truth(found: Found) -> Reading:
    """`if tensor:` with several elements or none."""
    if str(found.values.get("how", "")).lower() == "no":
        cause = Cause(
            "empty-tensor",
            "the tensor is empty: a mask or a filter before left nothing",
            likely=True,
            tries=("say what is meant: `if x.numel() == 0:`",),
        )
        return Reading("other-shape-error", "`if` needs one truth value, but the tensor is empty", "", {"got": 0, "want": 1}, (cause,))
    called = _LOSS_CLASS.search(found.context.line)
    loss = f"nn.{called[1]}" if called else "nn.CrossEntropyLoss"
    causes = [
        Cause(
            "loss-class-called",
            f"the class of the loss is called with the tensors, which it takes for its settings: `{loss}(prediction, target)`",
            likely=bool(called),
            tries=(
                f"make the loss first, then call it: `criterion = {loss}()`, `criterion(prediction, target)`",
                "or use the function: `F.cross_entropy(prediction, target)`, `F.mse_loss(...)`",
            ),
        ),
        Cause(
            "compared-as-a-whole",
            "a comparison of tensors (`if a == b`, `assert`, `x in list`, `max(a, b)`) gives a truth value for each element",
            likely=not called,
            tries=(
                "say which is meant: `(a == b).all()`, `.any()` or `torch.equal(a, b)`",
                "for elements of a condition: `&`, `|`, `~` and `torch.where` in place of `and`, `or`, `not` and `if`",
            ),
        ),
        Cause("none-asked-with-not", "`if x:` or `if not x:` is to say whether there is a tensor", tries=("write `if x is not None:`",)),
    ]
    causes.sort(key=lambda cause: not cause.likely)
    return Reading("other-shape-error", "`if` needs one truth value, but the tensor has several elements", "", {"want": 1}, tuple(causes))


def _unpack(found: Found) -> Reading:
    """A Python message: names on the left, and what is there on the right. Only the user's line says whether it is a shape."""
    line = found.context.line
    want = found.number("want")
    got = found.number("got") if found.known("got") else None
    facts: dict[str, object] = {"want": want, **({"got": got} if got is not None else {})}
    few = "few" in found.values
    least = "at least " if "least" in found.values else ""
    there = f"there {'is' if got == 1 else 'are'} {got}" if got is not None else "there are fewer" if few else "there are more"
    if _SHAPE.search(line):
        has = f"has {count(got, 'dim')}" if got is not None else "has fewer" if few else "has more"
        headline = f"a shape of {least}{count(want, 'dim')} is unpacked, but the tensor {has}"
        cause = (
            _missing_dims(want, got)
            if few
            else Cause(
                "dims-more",
                "the tensor has a dim more than the code is written for: the batch, the channels, or a sequence",
                likely=True,
                tries=("take just what is needed: `batch, features = x.shape[0], x.shape[-1]`",),
            )
        )
        return Reading("other-shape-error", headline, "", facts, (cause,), (_PRINT,))
    headline = f"{least}{want} values are unpacked, but {there}"
    causes = []
    if few and _STATES.search(line):
        causes.append(
            Cause(
                "gru-has-no-cell",
                "`out, (h, c) = ...` is for an LSTM; a GRU or RNN gives `out, h`. With "
                "2 layers this would pass silently and unpack the layers",
                likely=True,
                tries=("write `out, h = self.gru(x)`",),
            )
        )
    elif few:
        causes.append(_missing_dims(want, got, "if a shape is unpacked (`b, c, h, w = x.shape`): "))
        if want == 3:
            causes.append(
                Cause(
                    "lstm-states", "if an LSTM is called: it gives `out, (h, c)`, two values", tries=("write `out, (h, c) = self.lstm(x)`",)
                )
            )
        causes.append(
            Cause(
                "fewer-pieces",
                "if pieces are unpacked (`q, k, v = x.chunk(3, dim=-1)`): `chunk` may give fewer than asked for when the dim is small",
            )
        )
    else:
        causes.append(
            Cause(
                "dims-more",
                f"if a shape is unpacked: the tensor has more than {count(want, 'dim')}",
                likely=True,
                tries=("take just what is needed: `x.shape[0]`, `x.shape[-1]`",),
            )
        )
        causes.append(
            Cause(
                "tensor-unpacked",
                f"if a tensor is unpacked, it is cut along dim 0: a call that gives one tensor was taken for one that gives {want}",
                tries=("assign the result to one name and print its type and shape",),
            )
        )
        causes.append(
            Cause(
                "more-results",
                "if results are unpacked: the call gives more of them, for example a model with "
                "auxiliary outputs, or a loader whose samples have further parts",
            )
        )
    return Reading(
        "other-shape-error",
        headline,
        "the message does not say what is unpacked; it is a shape error only if that is a shape or a tensor",
        facts,
        tuple(causes),
        ("print the type, and `len(...)` or `.shape`, of what stands on the right",),
    )


def _missing_dims(want: int, got: int | None, start: str = "") -> Cause:
    if want == 4 and got == 3:
        return Cause(
            "batch-missing",
            f"{start}one image without its batch dim, or grey images without channels",
            likely=True,
            tries=("put the batch in front: `x.unsqueeze(0)`", "or the channels of grey images: `x.unsqueeze(1)`"),
        )
    if want == 3 and got == 2:
        return Cause(
            "batch-missing",
            f"{start}one sequence or image without its batch dim, or a batch of vectors where sequences are expected",
            likely=True,
            tries=("put the batch in front: `x.unsqueeze(0)`, or a sequence dim of 1: `x.unsqueeze(1)`",),
        )
    less = f"{want - got} dims fewer" if got is not None and want - got != 1 else "one dim fewer"
    return Cause(
        "dims-missing",
        f"{start}the tensor has {less} than the code is written for: a flatten, a `squeeze()` or an index came before",
        likely=True,
        tries=("look where the dims were lost, from this line upwards",),
    )


def _empty(found: Found) -> Reading:
    """A maximum of nothing."""
    call = str(found.values.get("call") or found.values.get("function") or "")
    name = f"`{call}`" if call else "the call"
    facts = dict(found.values)
    if "dim" in facts:
        headline = f"{name} looks along dim {facts['dim']}, which is empty (size 0)"
    else:
        headline = f"{name} is asked of an empty tensor"
    causes = (
        Cause(
            "nothing-left",
            "a mask, a threshold or a filter left nothing: no detections in this image, no sample of this class, an empty batch",
            likely=True,
            tries=("ask first: `if x.numel() == 0: ...`",),
        ),
        Cause("empty-slice", "a slice past the end gives an empty tensor without an error: `x[100:]` of 50 rows", tries=(_PRINT,)),
        Cause("size-zero", "a layer or tensor was made with a size of 0, for example by `//`"),
    )
    return Reading("other-shape-error", headline, "an empty tensor has no largest or smallest element", facts, causes)


# What a line holds that unpacks a shape, pieces of a tensor or a model's results.
_TENSORS = (
    r"=\s*[\w.]+\s*$|\.shape|\.size\b|chunk|unbind|meshgrid|\.split\(\s*[\w(\[]|torch\.|self\.\w+\("
    r"|\b(?:net|model|rnn|lstm|gru|attn|encoder)\("
)

TEMPLATES = (
    Template(
        "item",
        ("cannot be converted to scalar", "can be converted to python scalars", "size 1 to a python scalar"),
        r"(?:a Tensor with (?P<got>\d{1,18}) elements cannot be converted to Scalar|only (?:one element "
        r"tensors|(?:size|length)-1 arrays|0-dimensional arrays) can be converted to Python scalars"
        r"|can only convert an array of size 1 to a Python scalar)",
        _one,
    ),
    Template(
        "index-of-one",
        (
            "tensors of a single element can be converted to an index",
            "integer scalar tensors can be converted to",
            "integer scalar arrays can be converted to",
        ),
        r"only integer (?:tensors of a single element|scalar tensors|scalar " r"arrays) can be converted to (?:an index|a scalar index)",
        plain(
            "other-shape-error",
            "a whole number is asked for, but a tensor of several elements or of floats is given",
            ("tensor-as-number", "`range(x)`, a list indexed with `x`, or a size: they need one integer, `int(x)` or `x.item()`"),
            ("list-of-tensors", "`torch.tensor([...])` of tensors: join them with `torch.stack(tensors)` or `torch.cat(tensors)`"),
            ("times-a-list", "a tensor is multiplied with a Python list: make a tensor of the list first"),
            tries=(_PRINT,),
        ),
    ),
    Template("truth", ("is ambiguous",), r"bool(?:ean)? value of Tensor with (?P<how>more than one|no) values? is ambiguous", _truth),
    Template(
        "length-of-number",
        ("of a 0-d tensor", "over a 0-d tensor"),
        r"(?P<what>len\(\) of|iteration over) a 0-d tensor",
        plain(
            "other-shape-error",
            ("a single number has no length and cannot be looped over ({what} a 0-d tensor)",),
            (
                "squeeze-took-the-batch",
                "a `squeeze()` before took the batch along, because it held one sample: name the dim, `squeeze(-1)`",
            ),
            ("reduced-to-a-number", "a `sum()`, `mean()` or an index before gave a single number"),
            ("one-result-unpacked", "a call that gives one number is unpacked as if it gave several"),
            tries=("`torch.atleast_1d(x)` makes a vector of a single number", _PRINT),
        ),
    ),
    Template(
        "unpack-few",
        ("not enough values to unpack",),
        r"(?P<few>not enough) values to unpack \(expected (?:(?P<least>at " r"least) )?(?P<want>\d{1,6}), got (?P<got>\d{1,6})\)",
        _unpack,
        cut=r"(?P<few>not enough) values to unpack \(expected (?:(?P<least>at least) )?(?P<want>\d{1,6})",
        needs=_TENSORS,
        speaker="Python",
    ),
    Template(
        "unpack-many",
        ("too many values to unpack",),
        r"too many values to unpack \(expected (?P<want>\d{1,6})(?:, got (?P<got>\d{1,6}))?\)",
        _unpack,
        needs=_TENSORS,
        speaker="Python",
    ),
    Template(
        "empty-reduction",
        (
            "expected reduction dim",
            "operation has no identity",
            "does not have an identity",
            "reduction operation without identity",
            "input tensor must be non-empty",
        ),
        r"(?:(?P<call>\w{1,30})(?:\(\))?: Expected reduction dim (?:to be specified for "
        r"input\.numel\(\) ?== ?0|(?P<dim>-?\d{1,6}) to have non-zero size)"
        r"|cannot (?:compute|perform reduction function) (?:the )?(?P<function>\w{1,20})(?: norm)? (?:over an "
        r"empty dimension|on (?:a |an )?(?:empty )?tensor)[^\n]{0,60}? (?:as|because) "
        r"the operation (?:has no|does not have an) identity"
        r"|reducing over zero-size dimension for reduction operation without "
        r"identity|(?P<reduction>quantile)\(\) input tensor must be non-empty)",
        _empty,
    ),
    Template(
        "glu",
        ("halving dimension must be even",),
        r"Halving dimension must be even, but dimension (?P<dim>-?\d{1,6}) is size (?P<got>\d{1,18})",
        plain(
            "other-shape-error",
            "{layer} halves dim {dim}, which has an odd size: {got}",
            (
                "layer-before",
                "the gate takes one half of the features for the values and one for the "
                "gate: the layer before must give twice the width that is wanted",
            ),
            ("wrong-dim", "the features are in another dim: `F.glu(x, dim=1)` for the channels of images and of `Conv1d`"),
        ),
    ),
    Template(
        "glu-number",
        ("glu does not support scalars",),
        r"glu does not support scalars",
        plain(
            "other-shape-error",
            "{layer} halves a dim but receives a single number",
            ("reduced-to-a-number", "a `squeeze()` or a reduction before left a single number"),
        ),
    ),
    Template(
        "prelu",
        ("mismatch of parameter numbers and input channel size",),
        r"Mismatch of parameter numbers and input channel size\. Found parameter "
        r"numbers ?= ?(?P<want>\d{1,18}) and channel size ?= ?(?P<got>\d{1,18})",
        plain(
            "other-shape-error",
            "{layer} has {want} slopes but receives {got} channels",
            ("slopes-and-channels", "there is one slope for each channel (dim 1), or one for all: `nn.PReLU({got})` or `nn.PReLU()`"),
            ("channels-last", "the channels are not in dim 1 of the input"),
        ),
    ),
    Template(
        "prelu-weight",
        ("prelu: expected `weight`",),
        r"prelu: Expected `weight` to be a scalar or 1D tensor, but got: ndim ?= ?(?P<rank>\d{1,3})",
        plain(
            "other-shape-error",
            "`prelu` takes its slopes as one number or a vector but receives {rank} dims",
            ("weight-not-a-vector", "make a vector of the slopes: `weight.flatten()`"),
        ),
    ),
    Template(
        "prelu-number",
        ("not allow zero-dim input",),
        r"Not allow zero-dim input tensor",
        plain(
            "other-shape-error",
            "{layer} with several slopes receives a single number",
            ("reduced-to-a-number", "a `squeeze()` or a reduction before left a single number"),
        ),
    ),
    Template(
        "dropout-rank",
        ("dropout1d: ", "dropout2d: ", "dropout3d: "),
        r"dropout(?P<kind>[123])d: (?:Expected 2D or 3D input, but received a "
        r"(?P<rank>\d)D input|Received a (?P<other_rank>\d)-D input)",
        plain(
            "other-shape-error",
            (
                "{layer} drops whole channels of [batch, channels, length] but receives {rank} dims",
                "{layer} (Dropout{kind}d) drops whole channels but receives {other_rank} dims",
            ),
            ("plain-dropout-meant", "for features without places use `nn.Dropout`, which drops single numbers"),
            (
                "other-dropout",
                "take the one that fits the dims: `nn.Dropout1d` for sequences, `nn.Dropout2d` for images, `nn.Dropout3d` for volumes",
            ),
        ),
    ),
    Template(
        "dropout-features",
        ("feature dropout requires at least 2",),
        r"Feature dropout requires at least 2 dimensions in the input",
        plain(
            "other-shape-error",
            "{layer} drops whole channels but receives 1 dim",
            ("batch-missing", "one sample without its batch dim: `x.unsqueeze(0)`"),
            ("plain-dropout-meant", "for single numbers use `nn.Dropout`"),
        ),
    ),
)
