"""Messages of distributions, of `vmap` and of initialisers, and warnings about dims that were chosen by default."""

from __future__ import annotations

from shapewright.messages.template import Cause, Found, Reading, Template, plain, told

_SLUG = "other-shape-error"


def _value(found: Found) -> Reading:
    """A value against batch and event of a distribution; sizes of 1 fit everything, so what clashes is a real difference."""
    if not found.known("got_shape", "want_shape"):
        return Reading(_SLUG, "the values do not fit the shape of the distribution", "", dict(found.values))
    got, want = found.shape("got_shape"), found.shape("want_shape")
    facts = {"got_shape": got, "want_shape": want}
    headline = f"the values are {told(got)}, the distribution is one of {told(want)}"
    causes = []
    if len(got) == len(want) + 1 and got[: len(want)] == want:
        causes.append(
            Cause(
                "one-hot-values",
                f"the last dim of {got[-1]} is too many: a `Categorical` counts its "
                f"classes in no shape and takes class numbers {told(want)}",
                likely=True,
                tries=("give class numbers: `action.argmax(-1)`, or take `OneHotCategorical`",),
            )
        )
    elif got != want and got == want[::-1]:
        causes.append(
            Cause(
                "transposed",
                "the two are each other's transpose: batch and actions are swapped",
                likely=True,
                tries=("`value.transpose(0, 1)`",),
            )
        )
    elif len(got) == len(want) and got[1:] == want[1:]:
        causes.append(
            Cause(
                "other-batch",
                f"{got[0]} values for a batch of {want[0]}: they were stored for another batch than the one that the network was run on",
                likely=True,
                tries=("take values and observations by the same indices",),
            )
        )
    else:
        causes.append(
            Cause(
                "other-shape",
                "compared from the last dim, sizes must be equal, or 1",
                likely=True,
                tries=("bring the values to the shape of `dist.sample()`",),
            )
        )
    causes.append(
        Cause(
            "extra-dim", "values [N, 1] against [N] raise nothing: they are spread to [N, N]. Take the 1 away as well: `value.squeeze(-1)`"
        )
    )
    return Reading(_SLUG, headline, "", facts, tuple(causes), ("print `value.shape`, `dist.batch_shape` and `dist.event_shape`",))


def _constraint(found: Found) -> Reading:
    """Values, not sizes: NaN in nearly all cases."""
    what = found.values.get("parameter")
    name = f"the parameter `{what}`" if what else "the values"
    facts = dict(found.values)
    nan = "nan" in found.text[:1500].lower()
    causes = []
    if nan:
        causes.append(
            Cause(
                "nan-in-network",
                "there is NaN among them: the network's output is NaN, and nothing is wrong with its shape",
                likely=True,
                tries=(
                    "look for the first NaN: `torch.isnan(x).any()` on observations, loss "
                    "and weights, `torch.autograd.set_detect_anomaly(True)`",
                    "lower the learning rate, clip the gradients, normalise the inputs",
                ),
            )
        )
    if what in ("scale", "concentration", "rate", "covariance_matrix", "scale_tril", "df", "concentration0", "concentration1"):
        causes.append(
            Cause(
                "not-positive",
                f"`{what}` must be above 0, and the network gives any number",
                likely=not nan,
                tries=(f"`{what} = F.softplus(x) + 1e-5`, or `x.exp()`",),
            )
        )
    elif what == "probs":
        causes.append(
            Cause(
                "not-probabilities",
                "`probs` must be 0 or more and sum to 1: raw outputs of a network are `logits`",
                likely=not nan,
                tries=("give them as `logits=` in place of `probs=`, or take a softmax first",),
            )
        )
    elif not what:
        causes.append(
            Cause(
                "outside-the-support",
                "a class number past the last class, or a value outside of what the distribution can give",
                likely=not nan,
                tries=("compare the values with the support that the message names",),
            )
        )
    if not causes:
        causes.append(
            Cause("invalid-values", "some of its values are infinite, NaN or out of range", likely=True, tries=("print the values",))
        )
    return Reading(
        _SLUG,
        f"{name} hold{'s' if what else ''} numbers that the distribution does not allow: about values, not sizes",
        "",
        facts,
        tuple(causes),
    )


_SIZE = r"torch\.Size\(\[(?P<{}>[^\]]{{0,100}})\]\)"
TEMPLATES = (
    Template(
        "distribution-value",
        ("not broadcastable with batch_shape",),
        rf"Value is not broadcastable with batch_shape\+event_shape: {_SIZE.format('got_shape')} " rf"vs {_SIZE.format('want_shape')}",
        _value,
    ),
    Template(
        "distribution-event",
        ("right-most size of value must match event_shape",),
        rf"The right-most size of value must match event_shape: {_SIZE.format('got_shape')} " rf"vs {_SIZE.format('want_shape')}",
        plain(
            _SLUG,
            "the values are {got_shape}, the distribution gives events of {want_shape}",
            ("other-width", "the last dim of the values must be that of the distribution, as in `dist.sample()`"),
        ),
    ),
    Template(
        "distribution-parameter-rank",
        ("must be at least one-dimensional", "must be at least two-dimensional"),
        r"`?(?P<parameter>\w{1,30})`? (?:parameter )?must be at least (?P<least>one|two)-dimensional",
        plain(
            _SLUG,
            "the parameter `{parameter}` of the distribution has too few dims",
            ("squeezed", "a `squeeze()` or an index before took the dim away: for `Categorical` the last dim holds the classes"),
            (
                "vector-for-matrix",
                "a vector stands where a matrix belongs: `torch.diag_embed(variances)`, or `Independent(Normal(mean, std), 1)`",
            ),
        ),
    ),
    Template(
        "distribution-constraint",
        ("to satisfy the constraint", "to be within the support"),
        r"Expected (?:parameter (?P<parameter>\w{1,30})|value argument) \(\w{1,30} of shape "
        r"\((?P<shape>[^)]{0,60})\)\) (?:of distribution .{1,400}? to satisfy the constraint|to be within the support)",
        _constraint,
    ),
    Template(
        "distribution-independent",
        ("expected reinterpreted_batch_ndims",),
        r"Expected reinterpreted_batch_ndims <= len\(base_distribution\.batch_shape\), " r"actual (?P<got>\d{1,6}) vs (?P<want>\d{1,6})",
        plain(
            _SLUG,
            "`Independent` is to join {got} dims of a distribution that has {want}",
            ("parameters-without-dims", "its parameters have fewer dims than thought: single numbers in place of [batch, actions]"),
        ),
    ),
    Template(
        "distribution-mixture",
        ("`mixture_distribution component`",),
        r"`mixture_distribution component` \((?P<got>\d{1,9})\) does not equal "
        r"`component_distribution\.batch_shape\[-1\]` \((?P<want>\d{1,9})\)",
        plain(
            _SLUG,
            "a mixture of {got} weights has {want} components",
            ("components-last", "the last dim of the components' batch must be the weights' classes: [..., components]"),
        ),
    ),
    Template(
        "vmap-sizes",
        ("the same size in the mapped dimension",),
        r"vmap: Expected all tensors to have the same size in the mapped " r"dimension, got sizes \[(?P<sizes>[^\]]{0,100})\]",
        plain(
            _SLUG,
            "`vmap` runs over dims of unequal sizes: {sizes}",
            ("shared-argument", "an argument that is the same for all must not be mapped: `in_dims=(0, None)`"),
            ("other-dim", "the batch of an argument is another dim: `in_dims=(0, 1)`"),
        ),
    ),
    Template(
        "vmap-dim",
        ("for some input, but that input is a tensor of dimensionality",),
        r"Got in_dim=(?P<got>-?\d{1,6}) for some input, but that input " r"is a Tensor of dimensionality (?P<rank>\d{1,6})",
        plain(
            _SLUG,
            "`vmap` is to run over dim {got} of an input that has {rank} dims",
            ("shared-argument", "a single number or shared tensor is not mapped: `in_dims=None` for it, as in `in_dims=(0, None)`"),
            ("batch-missing", "the input has no batch dim to run over"),
        ),
    ),
    Template(
        "init-rank",
        ("fan in and fan out can not be computed", "dimensions are supported"),
        r"Fan in and fan out can not be computed for tensor with fewer than 2 dimensions|Only "
        r"tensors with (?:2(?: or more)?|3, 4, or 5) dimensions are supported",
        plain(
            _SLUG,
            "an initialiser for weight matrices receives a tensor of another number of dims",
            ("bias-or-norm", "a loop over all parameters comes to a bias or the weight of a BatchNorm or LayerNorm, which are vectors"),
            tries=("leave vectors out: `if p.dim() > 1: nn.init.xavier_uniform_(p)`", "and set them apart: `nn.init.zeros_(layer.bias)`"),
        ),
    ),
    Template(
        "softmax-without-dim",
        ("implicit dimension choice for",),
        r"Implicit dimension choice for (?P<call>\w{1,20}) has been deprecated",
        plain(
            _SLUG,
            "`{call}` is called without a dim and chooses one by itself",
            (
                "dim-left-open",
                "with 3 dims it takes dim 0, the batch, with 2 or 4 dims dim 1: name it, `dim=1` or `dim=-1`",
            ),
        ),
        vague=True,
    ),
    Template(
        "transpose-of-many",
        ("use of `x.t` on tensors",),
        r"The use of `x\.T` on tensors of dimension other than 2",
        plain(
            _SLUG,
            "`x.T` turns round all dims of a tensor that is no matrix",
            ("batch-of-matrices", "for a batch of matrices `x.mT` swaps the last two dims; `x.transpose(-2, -1)` is the same"),
        ),
        vague=True,
    ),
    Template(
        "out-resized",
        ("an output with one or more elements was resized",),
        r"An output with one or more elements was resized since it had shape \[(?P<got_shape>[^\]]{0,100})\], "
        r"which does not match the required output shape \[(?P<want_shape>[^\]]{0,100})\]",
        plain(
            _SLUG,
            "the tensor given as `out=` is {got_shape}, the result {want_shape}",
            ("out-of-other-shape", "make the `out=` tensor as large as the result, or leave it out"),
        ),
        vague=True,
    ),
)
