"""Messages of losses, of their targets and weights, of `one_hot`, and of `backward`."""

from __future__ import annotations

from shapewright.messages.readings.classes import batches, class_weights, label, multi, target_dtype, target_size
from shapewright.messages.readings.masks import spatial, spatial_size
from shapewright.messages.readings.pairs import BATCH, PRINT, SLUG, equal, numel
from shapewright.messages.readings.scored import ranked, weigh
from shapewright.messages.template import Found, Reading, Template, plain, shape

_N = r"-?\w{1,24}"
_USING = rf"Using a target size \(?{shape('target_shape')}\)? that is different to the input size \(?{shape('input_shape')}\)?"


def _probabilities(found: Found) -> Reading:
    """`binary_cross_entropy` compares numbers between 0 and 1."""
    if found.values["side"] == "input":
        steps = ("`nn.BCEWithLogitsLoss()` takes the scores as they are", "look for NaN: `print(out.isnan().any(), out.min(), out.max())`")
        scored = weigh(0.8, "no-sigmoid", "the last layer gives scores, not probabilities (or NaN)", *steps)
    else:
        steps = ("labels of 0. and 1.: `(target > 0).float()`, grey values: `target / 255`", "for several classes: `nn.CrossEntropyLoss()`")
        scored = weigh(0.8, "labels-not-zero-one", "the labels are class numbers, or grey values from 0 to 255", *steps)
    what = "probabilities" if found.values["side"] == "input" else "targets"
    headline = f"this is about values, not sizes: `binary_cross_entropy` takes {what} between 0 and 1"
    return Reading(SLUG, headline, facts=dict(found.values), causes=ranked([scored]))


def _one_hot(found: Found) -> Reading:
    """`one_hot` receives a number that is no class."""
    if found.values["bound"] == "non-negative":
        headline = "`one_hot` receives a class number that is negative"
        step = "take them out first: `target[target >= 0]`, or `target.clamp(min=0)` and a mask"
        scored = weigh(0.8, "ignore-label", "-1 or -100 marks what is to be left out", step)
    else:
        headline = "`one_hot` receives a class number as large as the number of classes, or larger"
        step = "or name one class more: `F.one_hot(target, int(target.max()) + 1)`"
        why = "the labels count from 1, or hold 255 for what is to be left out"
        scored = weigh(0.8, "labels-from-one", why, "count from 0: `target - 1`", step)
    certain = "class numbers lie between 0 and num_classes less 1"
    return Reading("other-shape-error", headline, certain, {}, ranked([scored]), ("`print(target.min(), target.max())`",))


def _backward(found: Found) -> Reading:
    """`backward()` without a gradient, on more than one number."""
    each = "the loss is one for each sample: `reduction='none'`, or a loss of your own without `mean()`"
    gpus = "with `DataParallel` and the loss inside the model there is one for each GPU"
    whole = "`backward()` was called on the model's output, not on the loss"
    scored = [
        weigh(0.8, "not-reduced", each, "`loss.mean().backward()`"),
        weigh(0.4, "loss-for-each-gpu", gpus, "`loss.mean().backward()` after the model"),
        weigh(0.39, "output-not-loss", whole, "`loss = criterion(out, target); loss.backward()`"),
    ]
    return Reading("other-shape-error", "`backward()` wants a single number, but the loss holds several", causes=ranked(scored))


TEMPLATES = (
    Template(
        "loss-batch",
        ("to match target batch_size",),
        rf"Expected input batch_size \((?P<got>{_N})\) to match target batch_size \((?P<want>{_N})\)",
        batches,
        cut=rf"Expected input batch_size \((?P<got>{_N})\) to match target batch_size",
    ),
    Template(
        "loss-target-size",
        ("expected target size",),
        rf"(?<!\. )Expected target size {shape('want_shape')}, got {shape('got_shape')}",
        target_size,
        cut=rf"(?<!\. )Expected target size {shape('want_shape')}",
    ),
    Template(
        "loss-multi-target",
        ("multi-target not supported",),
        r"(?:(?:0D or )?1D target tensor expected, )?multi-target not supported(?:, got (?P<rank>\d)D)?",
        multi,
    ),
    Template(
        "loss-spatial",
        ("only batches of spatial targets supported",),
        r"only batches of spatial targets supported \((?:non-empty )?3D tensors\) but got targets of (?:dimension: "
        r"(?P<rank>\d{1,2})|size:? ?:? ?\[(?P<got_shape>[^\]]{0,200})\])",
        spatial,
        cut=r"only batches of spatial targets supported",
    ),
    Template(
        "loss-spatial-size",
        ("size mismatch (got input",),
        rf"size mismatch \(got input: {shape('input_shape')} ?, target: {shape('target_shape')}",
        spatial_size,
        cut=rf"size mismatch \(got input: {shape('input_shape')}",
    ),
    Template(
        "loss-single-sample",
        ("for 1d input, 1d target must have size",),
        r"For 1D input, 1D target must have size 1, but got target size: (?P<got>\d{1,15})",
        plain(
            SLUG,
            "the loss expects a target of one class number but receives {got}: predictions of one dim are read as one sample",
            (
                "batch-dim-missing",
                "the predictions lost the dim of the batch: a bare `squeeze()`, or a last layer of 1 output whose dim was squeezed away",
            ),
            ("one-score-for-each", "{got} samples with one score each are no `cross_entropy`: for two classes it is `BCEWithLogitsLoss`"),
            tries=(
                "keep both dims: predictions [N, C], targets [N]; name the dim to squeeze: `out.squeeze(1)`",
                "one score for each sample: `nn.BCEWithLogitsLoss()` with float targets",
            ),
        ),
    ),
    Template(
        "loss-label",
        ("is out of bounds", "target values should be in"),
        r"Target (?P<label>-?\d{1,20}) is out of bounds|Target values should be in \[0, (?P<last_class>\d{1,15})\], "
        r"but values in range \[(?P<lowest>-?\d{1,20}), (?P<highest>-?\d{1,20})\]",
        label,
    ),
    Template(
        "loss-target-dtype",
        ("expected target dtype to be long",),
        r"expected target dtype to be Long or Byte, but got (?P<dtype>\w{1,30})",
        target_dtype,
    ),
    Template(
        "loss-probabilities-dtype",
        ("expected floating point type for target with class probabilities",),
        r"Expected floating point type for target with class probabilities, got (?P<dtype>\w{1,30})",
        plain(
            SLUG,
            "a target of the predictions' shape is read as probabilities and must be float, not {dtype}",
            ("one-hot-target", "the target is one-hot in whole numbers, in the shape of the predictions"),
            ("batch-dim-missing", "or predictions and targets are both [N]: one score for each sample, which is no `cross_entropy`"),
            tries=(
                "class numbers: `target.argmax(1)`",
                "or as probabilities: `target.float()`",
                "predictions [N, C] go with class numbers [N]; one score for each sample with `BCEWithLogitsLoss`",
            ),
        ),
    ),
    Template(
        "loss-equal-shapes",
        ("that is different to the input size",),
        rf"{_USING}(?!\. This will likely)",
        equal,
    ),
    Template(
        "loss-warning",
        ("that is different to the input size",),
        rf"{_USING}(?P<warned>\. This will likely lead to incorrect results)",
        equal,
        vague=True,
    ),
    Template(
        "loss-logits-size",
        ("must be the same as input size",),
        rf"Target size \(?{shape('target_shape')}\)? must be the same as input size \(?{shape('input_shape')}\)?",
        equal,
        cut=rf"Target size \(?{shape('target_shape')}\)? must be the same as input size",
    ),
    Template(
        "loss-numel-old",
        ("must have the same number of elements. target nelement",),
        r"Target and input must have the same number of elements\. target nelement \((?P<want>\d{1,15})\) != input "
        r"nelement \((?P<got>\d{1,15})\)",
        numel,
    ),
    Template(
        "loss-class-weights",
        ("weight tensor should be defined either for all", "inconsistent weight size"),
        rf"weight tensor should be defined either for all (?:(?P<classes>\d{{1,15}}) classes )?or no classes(?: but "
        rf"got weight tensor of shape: {shape('weight_shape')})?"
        rf"|inconsistent weight size, expected (?P<classes_>\d{{1,15}}) but got {shape('weight_shape_')}",
        class_weights,
        cut=r"weight tensor should be defined either for all (?:(?P<classes>\d{1,15}) classes)?",
    ),
    Template(
        "loss-ignore-index",
        ("ignore_index is not supported for floating point target",),
        r"ignore_index is not supported for floating point target",
        plain(
            SLUG,
            "this is about dtypes, not sizes: `ignore_index` needs class numbers, the target holds probabilities",
            ("probabilities", "a float target is read as probabilities, in which no class number can be left out"),
            tries=(
                "class numbers: `target.argmax(1)`, or `target.long()` if it holds them already",
                "or leave the places out yourself: a loss with `reduction='none'`, times a mask",
            ),
        ),
    ),
    Template(
        "loss-between-zero-and-one",
        ("should be between 0 and",),
        r"all elements of (?P<side>input|target) should be between 0 and 1",
        _probabilities,
    ),
    Template(
        "margin-ranking",
        ("margin_ranking_loss : all input tensors",),
        rf"margin_ranking_loss : All input tensors should have same dimension but got sizes: input1: "
        rf"{shape('first_shape')}, input2: {shape('second_shape')}, target: {shape('target_shape')}",
        plain(
            SLUG,
            "the two scores and the target of a ranking must have one number of dims: {first_shape}, {second_shape} and {target_shape}",
            ("column-against-row", "some are [N, 1], as a last layer of 1 output gives them, others [N]"),
            tries=("bring all to [N]: `score.squeeze(1)`",),
        ),
    ),
    Template(
        "triplet-rank",
        ("the anchor, positive, and negative tensors",),
        r"The anchor, positive, and negative tensors are expected to have the same number of dimensions, but got: "
        r"anchor (?P<anchor>\d{1,2})D, positive (?P<positive>\d{1,2})D, and "
        r"negative (?P<negative>\d{1,2})D",
        plain(
            SLUG,
            "anchor, positive and negative must have one number of dims but have {anchor}, {positive} and {negative}",
            ("batch-dim-missing", "one of them is a single sample without the dim of the batch, or a `squeeze()` took it"),
            tries=("add it: `negative.unsqueeze(0)`",),
        ),
    ),
    Template(
        "margin-target",
        ("multi_margin_loss: target tensor should be", "inconsistent target size"),
        rf"multi_margin_loss: target tensor should be 1-D [^\[\]]{{0,120}}Expected target size {shape('want_shape')}, "
        rf"but got {shape('got_shape')}(?:\. Input has shape {shape('input_shape')})?"
        rf"|inconsistent target size(?:, expected (?P<want>\d{{1,15}}) but got|:) {shape('target_shape')}(?: for "
        rf"input of size: {shape('input_shape_')})?",
        plain(
            SLUG,
            (
                "the loss expects a target {want_shape}, one class number for each sample, but receives {got_shape}",
                "the loss expects a target of the predictions' shape {input_shape_} but receives {target_shape}",
                "the loss expects {want} class numbers but receives a target {target_shape}",
                "the loss expects a target of another shape than {target_shape}",
            ),
            (
                "target-of-another-loss",
                "`multi_margin_loss` takes class numbers [N]; `multilabel_margin_loss` takes [N, C], padded with -1 "
                "behind the class numbers",
            ),
            tries=("class numbers in a dim of their own: `target.squeeze(1)`", PRINT),
        ),
    ),
    Template(
        "gaussian-variance",
        ("var is of incorrect size",),
        r"var is of incorrect size",
        plain(
            "other-shape-error",
            "`gaussian_nll_loss` expects a variance of the predictions' shape, or with 1 in the last dim",
            ("variance-shape", "mean and variance come from layers of different widths, or one of them was squeezed"),
            tries=("print the shapes: `print(mean.shape, target.shape, var.shape)`", "one variance for each sample: `var.unsqueeze(-1)`"),
        ),
    ),
    Template(
        "one-hot-range", ("class values must be",), r"Class values must be (?P<bound>smaller than num_classes|non-negative)", _one_hot
    ),
    Template(
        "one-hot-dtype",
        ("one_hot is only applicable to index tensor",),
        r"one_hot is only applicable to index tensor",
        plain(
            "other-shape-error",
            "this is about dtypes, not sizes: `one_hot` takes class numbers as int64",
            ("labels-as-floats", "the class numbers are floats or int32"),
            tries=("`F.one_hot(target.long(), classes)`",),
        ),
    ),
    Template(
        "one-hot-empty",
        ("can not infer total number of classes from empty tensor",),
        r"Can not infer total number of classes from empty tensor",
        plain(
            "other-shape-error",
            "`one_hot` cannot tell the number of classes: there are no class numbers",
            ("empty-batch", "a batch, an image or a filter left nothing"),
            tries=("name the number: `F.one_hot(target, classes)`",),
        ),
    ),
    Template(
        "backward-scalar",
        ("grad can be implicitly created only for scalar outputs",),
        r"grad can be implicitly created only for scalar outputs",
        _backward,
    ),
    Template(
        "gradient-shape",
        ("mismatch in shape: grad_output",),
        rf"Mismatch in shape: grad_output\[(?P<number>\d{{1,6}})\] has a shape of {shape('got_shape')} and "
        rf"output\[\d{{1,6}}\] has a shape of {shape('want_shape')}",
        plain(
            "other-shape-error",
            "`backward` or `grad` expects a gradient of shape {want_shape} but receives {got_shape}",
            (
                "gradient-of-another-shape",
                "the gradient handed over must have the shape of the output: `torch.ones(n)` does not go with scores [n, 1]",
            ),
            tries=("`torch.ones_like(out)` cannot be wrong",),
        ),
    ),
    Template(
        "adaptive-softmax-batch",
        ("input and target should have the same size in the batch dimension",),
        r"Input and target should have the same size in the batch dimension",
        plain(
            BATCH,
            "the loss compares another number of inputs than there are targets",
            ("not-flattened", "inputs are [N, D], targets [N]: sequences must be flattened on both sides"),
            tries=("`loss(x.reshape(-1, x.size(-1)), target.reshape(-1))`",),
        ),
    ),
)
