"""Messages of LSTM, GRU and RNN and of their cells: features, dims, dtypes."""

from __future__ import annotations

from math import isqrt

from shapewright.messages import fingerprints
from shapewright.messages.template import Cause, Found, Reading, Template, plain

_SLUG = "recurrent-input-size"
_WIDTHS = {50, 64, 100, 128, 200, 256, 300, 512, 768, 1024}  # usual widths of embeddings
_ORDER = "[time, batch, features], with `batch_first=True` [batch, time, features]"
_FEW = 12  # so many features are measured at a step, as a rule; more look like steps
_SIDE = 16  # of a map that is flattened
_SHAPE_STEP = "print `x.shape` in the line before: the last dim must be input_size"


def _input(found: Found) -> Reading:
    """`input_size` against the last dim."""
    got, want = found.number("got"), found.number("want")
    noun = "feature" if want == 1 else "features"
    headline = f"{found.layer} expects {want} input {noun} but receives {got}"
    certain = f"the last dim of the input has {got}; the order of time and batch does not matter for it"
    return Reading(_SLUG, headline, certain, {"got": got, "want": want}, tuple(_input_causes(got, want)), (_SHAPE_STEP,))


def _input_causes(got: int, want: int) -> list[Cause]:
    causes: list[Cause] = []
    if want == 1:
        few = got <= _FEW
        why = f"sequences of single numbers [batch, {got}] lack the dim of the one feature: {got} is the number of steps"
        tries: tuple[str, ...] = ("if `x` has two dims, give it the third: `lstm(x.unsqueeze(-1))` with `batch_first=True`",)
        without = Cause("one-feature-without-dim", why, likely=True, facts={"steps": got}, tries=tries)
        why = f"if `x` has three dims, each step has {got} features and the layer is built for series of single numbers"
        tries = (f"build the layer for all of them: `input_size={got}`", "or take the one column that is meant: `x[..., :1]`")
        several = Cause("several-features", why, likely=few, facts={"features": got}, tries=tries)
        causes += [several, without] if few else [without, several]
    elif got == 1:
        why = (
            f"one number comes for each step; the layer is built for {want}: the length of the window was taken for the features, or "
            "the features were cut down to one"
        )
        tries = (
            "one number for each step: `input_size=1`",
            f"or the {want} numbers as the features of a step: `x.transpose(1, 2)` for [batch, {want}, 1]",
        )
        causes.append(Cause("window-as-features", why, likely=True, facts={"window": want}, tries=tries))
    elif got > want and got % want == 0 and got // want > 2:
        side = isqrt(got // want)
        if side * side == got // want and want % 8 == 0 and side <= _SIDE:
            why = f"{got} = {want}·{side}·{side}: maps of {want} channels were flattened to one vector for each step"
            tries = (
                f"build the layer for the whole map: `input_size={got}`",
                f"or average over each map before it is flattened: `maps.mean((-2, -1))` leaves {want} features",
            )
            causes.append(Cause("flattened-maps", why, likely=True, facts={"channels": want, "side": side}, tries=tries))
        why = f"{got} = {got // want}·{want}: the steps were flattened together, {got // want} of them with {want} features"
        tries = (f"for [batch, {got}]: `x.view(x.size(0), {got // want}, {want})` gives the steps their dim back (`batch_first=True`)",)
        causes.append(Cause("flattened-steps", why, likely=True, facts={"steps": got // want, "features": want}, tries=tries))
    if got == 2 * want:
        why = f"twice as many come, 2·{want}: the output of two directions, or an embedding and a context joined"
        causes.append(Cause("two-directions", why, likely=True, tries=(f"build the layer for both: `input_size={got}`",)))
    elif want == 2 * got:
        why = f"half as many come: the layer is built for 2·{got}, two directions or two joined tensors; one is missing"
        causes.append(
            Cause("one-direction", why, likely=True, tries=(f"join both before (`torch.cat((a, b), dim=-1)`), or `input_size={got}`",))
        )
    if want in _WIDTHS and got >= 4000:
        why = f"{got} looks like a vocabulary: one-hot or counted words come where the layer is built for vectors of {want}"
        causes.append(
            Cause(
                "embedding-missing",
                why,
                likely=True,
                tries=(f"an embedding in front: `nn.Embedding({got}, {want})`, fed with the numbers of the words",),
            )
        )
    difference = abs(got - want)
    if 0 < difference <= 4 and min(got, want) > 4:
        more = "more" if got > want else "fewer"
        why = f"{difference} {more} than the layer was built for: a column that was added, dropped or taken for the target"
        causes.append(
            Cause(
                "column-added-or-dropped",
                why,
                likely=True,
                tries=(f"take it from the data: `input_size={got}`, or select the {want} columns that are meant",),
            )
        )
    known = fingerprints.width(got) if got >= 320 else None
    if known is not None and known.role not in ("flat", "channel", "latent"):
        guess = f"{known.confidence} confidence, from the width alone"
        causes.append(
            Cause(
                "other-encoder",
                f"{got} is the width of {known}: its features meet a layer built for {want}",
                likely=not causes,
                tries=(f"`input_size={got}`",),
                guess=guess,
            )
        )
    likely = not any(cause.likely for cause in causes)
    if want > 1:
        before = f"the layer before (an embedding, a convolution) gives {got} features, this one was built for {want}"
        causes.append(Cause("width-of-layer-before", before, likely=likely, tries=(f"build the layer for what comes: `input_size={got}`",)))
        order = f"if {got} is the number of steps: the features stand in another dim, as after a convolution [batch, channels, steps]"
        causes.append(Cause("features-not-last", order, tries=("features to the end: `x.transpose(1, 2)`",)))
    return causes


def _rank(found: Found) -> Reading:
    got = found.number("got")
    causes = {
        4: [
            Cause(
                "maps-into-sequence-layer",
                "maps [batch, channels, height, width] of a convolution have no time yet",
                likely=True,
                tries=("read the columns as steps: `x.permute(0, 3, 1, 2).flatten(2)` gives [batch, width, channels · height]",),
            ),
            Cause("extra-dim", "a dim of size 1 was added once too often", tries=("drop it by name: `x.squeeze(1)`",)),
            Cause(
                "clips-into-sequence-layer",
                "[batch, windows, time, features] has a dim too many",
                tries=("put the first two together: `x.flatten(0, 1)`",),
            ),
        ],
        1: [
            Cause(
                "single-step",
                "a single vector has neither batch nor time",
                likely=True,
                tries=("`x.view(1, 1, -1)` for one step of one sample",),
            ),
            Cause(
                "series-without-features",
                "a series of single numbers [time] lacks the dim of its one feature",
                likely=True,
                tries=("`x.view(1, -1, 1)` with `batch_first=True`",),
            ),
        ],
        5: [
            Cause(
                "video-into-sequence-layer",
                "[batch, time, channels, height, width] has maps in place of features",
                likely=True,
                tries=("one vector for each frame: `x.flatten(2)`, or a convolution and pooling on `x.flatten(0, 1)` before",),
            )
        ],
    }.get(got, [Cause("other-number-of-dims", f"{got} dims came", likely=True)])
    headline = f"{found.layer} expects {_ORDER} but receives {got} dim{'' if got == 1 else 's'}"
    return Reading(_SLUG, headline, "", {"got": got, "want": 3}, tuple(causes), ("print `x.shape` in the line before",))


def _cell_rank(found: Found) -> Reading:
    got, what = found.number("got"), str(found.values.get("what", "input")).lower()
    if what == "input":
        why = "a cell takes one step [batch, features]; a whole sequence came"
        cause = Cause(
            "sequence-into-cell",
            why,
            likely=True,
            tries=(
                "step through the time: `for t in range(x.size(1)): h = cell(x[:, t], h)`",
                "or take the layer for sequences: `nn.LSTM`, `nn.GRU`, `nn.RNN`",
            ),
        )
        return Reading(_SLUG, f"{found.layer} expects [batch, features] but receives {got} dims", "", {"got": got, "want": 2}, (cause,))
    cause = Cause(
        "state-of-a-layer",
        "a cell's state is [batch, hidden], without the dim of the layers that `nn.LSTM` and `nn.GRU` have",
        likely=True,
        tries=("take the layer's row: `h[0]` or `h.squeeze(0)`",),
    )
    return Reading(_SLUG, f"{found.layer} expects a state [batch, hidden] but receives {got} dims", "", {"got": got, "want": 2}, (cause,))


_N = r"\d{1,15}"
_D = r"\d{1,2}"
TEMPLATES = (
    Template(
        "rnn-input",
        ("must be equal to input_size",),
        rf"input\.size\(-1\) must be equal to input_size\. Expected (?P<want>{_N}), got (?P<got>{_N})",
        _input,
    ),
    Template(
        "rnn-rank",
        ("expected input to be 2d or 3d",),
        rf"(?P<kind>LSTM|GRU|RNN): Expected input to be 2D or 3D, got (?P<got>{_D})D",
        _rank,
    ),
    Template(
        "rnn-rank-old",
        ("input must have ",),
        rf"(?<!\w )input must have (?P<want>{_D}) dimensions, got (?P<got>{_D})",
        plain(
            _SLUG,
            "the recurrent layer expects an input with {want} dims but receives {got}",
            (
                "packed-without-features",
                "2 dims are wanted of a packed sequence [all steps, features]: what was packed had {got} dims in place of [batch, "
                "time, features] less one",
            ),
            ("batch-dim-missing", "3 dims are wanted by old torch: [time, batch, features]; one of them is missing"),
            tries=(
                "print `x.shape` before the packing: it must be [batch, time, features] or [time, batch, features]",
                "give the missing dim: `x.unsqueeze(0)`, for single numbers `x.unsqueeze(-1)`",
            ),
        ),
    ),
    Template(
        "rnn-empty",
        ("expected sequence length to be larger than",),
        r"Expected sequence length to be larger than 0 in RNN",
        plain(
            _SLUG,
            "the recurrent layer receives a sequence without steps",
            ("empty-sequence", "a slice, a filter or an empty text left no steps"),
            (
                "batch-first",
                "the first dim is read as time; with [batch, time, features] `batch_first=True` is missing and the batch is empty",
            ),
            tries=("leave empty sequences out before the call", "print `x.shape` in the line before"),
        ),
    ),
    Template(
        "rnn-dtype",
        ("rnn input dtype (",),
        r"RNN input dtype \((?P<got>[\w.]{3,40})\) does not match weight dtype \((?P<want>[\w.]{3,40})\)",
        plain(
            "other-shape-error",
            "the recurrent layer's weights are {want}, its input is {got}: it is the dtype that is wrong, not a size",
            ("double-or-int-input", "data from NumPy come as double (float64), numbers of words as int64: those need an embedding first"),
            ("half-model", "only one of the two was brought to half precision"),
            tries=(
                "bring the input over: `x.float()`, `x.to(self.lstm.weight_hh_l0.dtype)`",
                "numbers of words: `self.lstm(self.embedding(x))`",
            ),
        ),
    ),
    Template(
        "cell-input",
        ("input has inconsistent input_size",),
        rf"input has inconsistent input_size: got (?P<got>{_N}),? expected (?P<want>{_N})",
        _input,
    ),
    Template(
        "cell-rank",
        ("to be 1d or 2d, got ",),
        rf"(?P<kind>LSTMCell|GRUCell|RNNCell): Expected (?P<what>input|hidden|hx\[[01]\]) to be 1D or 2D, got (?P<got>{_D})D",
        _cell_rank,
    ),
    Template(
        "cell-rank-old",
        ("cell: expected input to be",),
        rf"(?P<kind>LSTMCell|GRUCell|RNNCell): Expected input to be 1-D or 2-D but received (?P<got>{_D})-D",
        _cell_rank,
    ),
)
