"""Messages of the hidden states of LSTM, GRU, RNN and their cells."""

from __future__ import annotations

import re

from shapewright.messages.later import pattern
from shapewright.messages.template import Cause, Found, Reading, Template, told

_SLUG = "recurrent-input-size"
_OF_INPUT = pattern(r"(?:zeros|randn|rand|ones|empty|full)\([^()]*\w\.(?:size\(0\)|shape\[0\])")
_BATCH_FIRST = pattern(r"batch_first ?= ?True")
_ORDER = "[time, batch, features], with `batch_first=True` [batch, time, features]"


def _hidden(found: Found) -> Reading:
    """`[layers · directions, batch, hidden]` against the state that was given."""
    which = {0: "hidden state", 1: "cell state"}.get(found.number("part") if found.known("part") else 0, "hidden state")
    if not found.known("want_shape", "got_shape"):
        return Reading(
            _SLUG, f"{found.layer} receives a {which} of another shape than it expects", "", dict(found.values), (_fresh(found),)
        )
    want, got = found.shape("want_shape"), found.shape("got_shape")
    headline = f"{found.layer} expects a {which} {told(want)} but receives {told(got)}"
    certain = "a state is [layers · directions, batch, hidden]; `batch_first` does not change that"
    facts: dict[str, object] = {"want_shape": want, "got_shape": got}
    if len(want) != len(got) or len(want) != 3:
        cause = Cause(
            "state-without-layers",
            f"the state has {len(got)} dims: the one of the layers is missing",
            likely=True,
            tries=("`h.unsqueeze(0)` for one layer in one direction",),
        )
        return Reading(_SLUG, headline, certain, facts, (cause, _fresh(found)))
    differing = [i for i in range(3) if want[i] != got[i]]
    if len(differing) == 1:
        facts.update({"got": got[differing[0]], "want": want[differing[0]], "dim": differing[0]})
    causes: list[Cause] = []
    if 0 in differing and 1 in differing and got[:2] == [want[1], want[0]]:
        why = (
            f"the state has the batch in front, {told(got)}: `batch_first=True` moves the batch of the input and the output, not of the "
            "state"
        )
        causes.append(
            Cause(
                "state-batch-first",
                why,
                likely=True,
                tries=("`h.transpose(0, 1).contiguous()`, or build it as [layers · directions, batch, hidden]",),
            )
        )
    else:
        if 1 in differing:
            causes += _batch(found, got[1], want[1])
        if 0 in differing:
            causes += _layers(got[0], want[0])
        if 2 in differing:
            causes += _width(got[2], want[2], str(found.values.get("part", "")))
    return Reading(_SLUG, headline, certain, facts, (*causes, _fresh(found)) if len(causes) < 4 else tuple(causes))


_FRESH = Cause(
    "state-kept-or-fixed",
    "the state is kept from another call, or made from fixed numbers",
    tries=("leave it out: `self.lstm(x)` begins with zeros of the right shape",),
)


def _fresh(found: Found) -> Cause:
    """The layer by the name that the line calls it by."""
    call = re.search(rf"(?:self\.)?\b{re.escape(found.context.layer)}\(", found.context.line) if found.context.layer else None
    return Cause(_FRESH.name, _FRESH.why, tries=_FRESH.tries if call is None else (_FRESH.tries[0].replace("self.lstm(", call[0]),))


_FRESH_CELL = Cause(_FRESH.name, _FRESH.why, tries=("leave it out in the first step: `cell(x)` begins with zeros of the right shape",))


def _batch(found: Found, got: int, want: int) -> list[Cause]:
    facts = {"batch": want, "state_batch": got}
    size = "`x.size(0)` with `batch_first=True`, else `x.size(1)`"
    make = f"make the state for the batch at hand, its batch from {size}"
    last = Cause(
        "last-batch-smaller" if want < got else "batch-of-another-size",
        f"the state is made for {got} samples, the batch has {want}: the last batch of a loader is smaller than the others"
        if want < got
        else (
            f"the state is made for {got} sample{'' if got == 1 else 's'}, the batch has {want}: it was kept from a smaller batch, or "
            "made for a fixed size"
        ),
        likely=True,
        facts=facts,
        tries=(make, "or `DataLoader(..., drop_last=True)`" if want < got else "do not carry a state over from another loader or epoch"),
    )
    steps = Cause(
        "steps-read-as-batch",
        f"the layer reads {want} samples; if {want} is the number of steps, time and batch are swapped: the layer takes {_ORDER}",
        likely=want > got,
        facts=facts,
        tries=("for [batch, time, features]: `nn.LSTM(..., batch_first=True)`",),
    )
    causes = [last, steps]
    if _OF_INPUT.search(found.context.line):  # the line makes the state from dim 0 of the input
        why = (
            f"the state is made in this line for the {got} of dim 0, but the layer reads {want} samples: without `batch_first=True` dim 1 "
            "is the batch"
        )
        tries = (
            "for [batch, time, features] build the layer so: `nn.LSTM(..., batch_first=True)`",
            "for [time, batch, features] make the state for `x.size(1)` samples",
        )
        causes = [Cause(steps.name, why, likely=True, facts=facts, tries=tries)]
    elif _BATCH_FIRST.search(found.context.line):
        causes = [last]
    if got % want == 0 and re.search(r"data_parallel|replica|DataParallel", found.context.frames):
        why = (
            f"{got} = {got // want}·{want}: `nn.DataParallel` gives each GPU {want} samples, but splits the state along its first dim, "
            "the layers"
        )
        causes.insert(
            0,
            Cause(
                "data-parallel-state",
                why,
                likely=True,
                facts=facts,
                tries=("make the state inside `forward`, from `x`", "or use DistributedDataParallel"),
            ),
        )
    return causes


def _layers(got: int, want: int) -> list[Cause]:
    facts = {"rows": want, "state_rows": got}
    if want == 2 * got:
        why = (
            f"the layer has {want} rows of state, layers times directions; the state has {got}: `bidirectional=True` doubles them, and "
            "so does a second layer"
        )
        tries: tuple[str, ...] = (
            f"make it with {want} rows: `torch.zeros({want}, batch, hidden)`; that is `num_layers`, for two directions `num_layers * 2`",
        )
        return [Cause("directions-not-counted", why, likely=True, facts=facts, tries=tries)]
    if got == 2 * want:
        why = (
            f"the state has {got} rows, the layer {want}: that of an encoder in two directions goes into a decoder in one, or of twice "
            "as many layers"
        )
        tries = (
            f"put the two directions together: `h.view({want}, 2, batch, hidden).sum(1)`, or join them along the features and bring "
            "them back with a linear layer",
        )
        return [Cause("two-directions-into-one", why, likely=True, facts=facts, tries=tries)]
    why = f"the state has {got} rows, the layer {want} (layers times directions): it comes from a layer with another num_layers"
    tries = (
        "the same `num_layers` in encoder and decoder",
        f"or take the last {want}: `h[-{want}:]`"
        if got > want
        else f"or repeat it: `h.repeat({want // got}, 1, 1)`"
        if got and want % got == 0
        else "",
    )
    return [Cause("other-number-of-layers", why, likely=True, facts=facts, tries=tuple(filter(None, tries)))]


def _width(got: int, want: int, part: str) -> list[Cause]:
    facts = {"hidden": want, "state_hidden": got}
    if got == 2 * want:
        why = f"the state is 2·{want} wide: the two directions of an encoder were joined"
        return [
            Cause(
                "joined-directions",
                why,
                likely=True,
                facts=facts,
                tries=(f"bring it back: `nn.Linear({got}, {want})` between the two, or build the decoder with `hidden_size={got}`",),
            )
        ]
    why = f"the state is {got} wide, the layer's {want}: it comes from a layer with another hidden_size"
    causes = [
        Cause(
            "other-hidden-size",
            why,
            likely=True,
            facts=facts,
            tries=(f"the same `hidden_size` in both, or a linear layer between: `nn.Linear({got}, {want})`",),
        )
    ]
    if part == "0":
        causes.append(
            Cause(
                "projection",
                f"with `proj_size` the hidden state is proj_size wide ({want}), the cell state hidden_size",
                facts={"proj_size": want},
            )
        )
    return causes


def _hidden_rank(found: Found) -> Reading:
    """2-D input is one sequence without a batch; the state must then have two dims as well."""
    batched = str(found.values.get("kind", "")).lower() == "batched"
    got_text = str(found.values.get("got_ranks", found.values.get("got", "")))
    ranks = [int(rank) for rank in re.findall(r"\d", got_text)]
    want = 3 if batched else 2
    given = " and ".join(dict.fromkeys(f"{rank} dims" for rank in ranks)) or "another number"
    form = "[layers · directions, batch, hidden]" if batched else "[layers · directions, hidden]"
    headline = f"{found.layer} expects a state {form} but receives {given}"
    certain = (
        f"an input with {want} dims is {'a batch of sequences' if batched else 'one sequence without a batch'}; its state has {want} "
        "dims too"
    )
    facts = {"got": ranks[0] if ranks else None, "want": want}
    facts = {name: value for name, value in facts.items() if value is not None}
    if not batched:
        causes: tuple[Cause, ...] = (
            Cause(
                "batch-without-time",
                "the input [batch, features] has no dim for the time: it is read as one sequence of `batch` steps",
                likely=True,
                tries=("one step for each sample: `x.unsqueeze(1)` with `batch_first=True`, else `x.unsqueeze(0)`",),
            ),
            Cause(
                "sequence-without-batch",
                "the input is a single sequence [time, features], the state is made for a batch",
                likely=True,
                tries=(
                    "give the input its batch: `x.unsqueeze(0)` with `batch_first=True`, else `x.unsqueeze(1)`",
                    "or, with a state for a batch of 1, take the batch from it: `h.squeeze(1)`",
                ),
            ),
        )
    else:
        found_causes = [
            Cause(
                "state-without-layers",
                "the state [batch, hidden] has no dim for the layers",
                likely=True,
                tries=("`h.unsqueeze(0)` for one layer in one direction",),
            ),
        ]
        if "got_ranks" in found:
            found_causes.append(
                Cause(
                    "tensor-as-lstm-state",
                    "a single tensor was given where an LSTM takes the pair `(h, c)`: it takes the tensor apart along its first dim",
                    likely=ranks[:1] == [2],
                    tries=("give both: `self.lstm(x, (h, c))`, or leave the state out",),
                )
            )
        causes = tuple(found_causes)
    return Reading(_SLUG, headline, certain, facts, causes)


def _cell_batch(found: Found) -> Reading:
    got, want = found.number("got"), found.number("want")
    why = f"the state is made for {got} sample{'' if got == 1 else 's'}, the step has {want}: " + (
        "the last batch of a loader is smaller than the others"
        if want < got
        else "it was kept from a smaller batch, or made for a fixed size"
    )
    tries = (
        "make the state for the step at hand: `torch.zeros(x.size(0), hidden)`",
        *(("or `DataLoader(..., drop_last=True)`",) if want < got else ()),
    )
    name = "last-batch-smaller" if want < got else "batch-of-another-size"
    cause = Cause(name, why, likely=True, facts={"batch": want, "state_batch": got}, tries=tries)
    headline = f"{found.layer} expects a state for {want} sample{'' if want == 1 else 's'} but receives one for {got}"
    return Reading(
        _SLUG,
        headline,
        "a cell takes one step: the input is [batch, features], the state [batch, hidden]",
        {"got": got, "want": want},
        (cause, _FRESH_CELL),
    )


def _cell_hidden(found: Found) -> Reading:
    got, want = found.number("got"), found.number("want")
    headline = f"{found.layer} expects a state that is {want} wide but receives {got}"
    return Reading(_SLUG, headline, "", {"got": got, "want": want}, tuple(_width(got, want, "")))


_N = r"\d{1,15}"
_D = r"\d{1,2}"
_SIZES = r"[^\])]{0,100}"
TEMPLATES = (
    Template(
        "rnn-hidden",
        ("expected hidden",),
        rf"Expected hidden(?:\[(?P<part>[01])\])? size [\[(](?P<want_shape>{_SIZES})[\])], got "
        rf"(?:torch\.Size\()?[\[(](?P<got_shape>{_SIZES})[\])]",
        _hidden,
        cut=rf"Expected hidden(?:\[(?P<part>[01])\])? size [\[(](?P<want_shape>{_SIZES})",
    ),
    Template(
        "rnn-hidden-rank",
        ("should also be ",),
        rf"For (?P<kind>batched|unbatched) {_D}-D input, hx(?: and cx)? should also be (?P<want>{_D})-D but got "
        rf"(?:\((?P<got_ranks>{_D}-D, {_D}-D)\) tensors|(?P<got>{_D})-D tensor)",
        _hidden_rank,
    ),
    Template(
        "cell-batch",
        ("doesn't match hidden",),
        rf"Input batch size (?P<want>{_N}) doesn't match hidden(?P<part>[01])? batch size (?P<got>{_N})",
        _cell_batch,
    ),
    Template(
        "cell-hidden",
        ("has inconsistent hidden_size",),
        rf"hidden(?P<part>[01])? has inconsistent hidden_size: got (?P<got>{_N}),? expected (?P<want>{_N})",
        _cell_hidden,
    ),
)
