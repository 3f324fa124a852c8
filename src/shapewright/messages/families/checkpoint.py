"""Messages of checkpoints: sizes that differ between a file and the model, and the state of optimizers."""

from __future__ import annotations

import re

from shapewright.messages.later import pattern
from shapewright.messages.readings.diffs import Diff
from shapewright.messages.readings.parameters import causes
from shapewright.messages.template import Cause, Found, Reading, Template, plain, shape, told, values

_SLUG = "checkpoint-shape"
LONG = 19_000  # characters after which a list may have been cut off

_KEY = r"[\"']?(?P<key>[^\s:\"']{1,300})[\"']?"

_ONE = (
    rf"size mismatch for {_KEY}: ?copying a param (?:with shape|of) {shape('checkpoint_shape')} from checkpoint, "
    rf"(?:the shape in current model is|where the shape is) {shape('model_shape')}"
)
_EACH = pattern(_ONE, re.IGNORECASE)
_NAMES = pattern(r"(Missing|Unexpected) key\(s\) in state_dict: ?((?:\"[^\"\s]{1,300}\"[,.]? ?)+)", re.IGNORECASE)


def read_sizes(found: Found) -> Reading:
    """All parameters that differ, and what they have in common."""
    diffs = differing(found.text)
    if not diffs and found.known("checkpoint_shape", "model_shape"):
        diffs = [Diff(str(found.values.get("key", "a parameter")), found.shape("checkpoint_shape"), found.shape("model_shape"))]
    if not diffs:
        return _half(found)
    first = diffs[0]
    missing, unexpected = names_in(found.text, "missing"), names_in(found.text, "unexpected")
    facts: dict[str, object] = {
        **_facts(first),
        "count": len(diffs),
        "keys": [diff.key for diff in diffs[:10]],
        "mismatches": [[diff.key, diff.file, diff.model] for diff in diffs[:10]],
    }
    said = [f"{'at least ' if len(found.text) > LONG else ''}{_listed(diffs)}"]
    if missing or unexpected:
        facts |= {"missing": len(missing), "unexpected": len(unexpected)}
        said.append(f"besides, {len(missing)} names are only in the model and {len(unexpected)} only in the checkpoint")
    return Reading(
        _SLUG,
        f"`{first.key}` is {told(first.model)} in the model but {told(first.file)} in the checkpoint",
        "; ".join(said),
        facts,
        causes(diffs, missing, unexpected),
        _tries(found),
    )


def _facts(diff: Diff) -> dict[str, object]:
    facts: dict[str, object] = {"key": diff.key, "checkpoint_shape": diff.file, "model_shape": diff.model}
    return {**facts, "got": diff.pair[0], "want": diff.pair[1], "dim": diff.dims[0]} if diff.pair else facts


def _tries(found: Found) -> tuple[str, ...]:
    frames, text = found.context.frames, found.text
    build = (
        "build the model with the sizes of the checkpoint, then all of it loads: "
        "`for k, v in saved.items(): print(k, tuple(v.shape))` shows them"
    )
    hub = "from_pretrained" in frames or "modeling_utils" in frames or "ignore_mismatched_sizes" in text or "classifier." in text
    ignore = (
        "in transformers: `from_pretrained(..., ignore_mismatched_sizes=True)` gives fresh values to what differs (for a new head only)"
    )
    strict = "`strict=False` does not help here: it forgives names that are missing, never sizes that differ"
    return (build, _FITTING, *([ignore] if hub else []), strict)


_FITTING = (
    "or load only what fits: `own = model.state_dict(); own.update({k: v for k, v in saved.items() if k in own and "
    "v.shape == own[k].shape}); model.load_state_dict(own)`; the rest keeps its fresh values and must be trained"
)


def differing(text: str) -> list[Diff]:
    """All parameters of the list that have both shapes."""
    listed = [(match["key"], Found(values(match.groupdict()), "")) for match in _EACH.finditer(text)]
    return [
        Diff(key, one.shape("checkpoint_shape"), one.shape("model_shape"))
        for key, one in listed
        if one.known("checkpoint_shape", "model_shape")
    ]


def _listed(diffs: list[Diff]) -> str:
    names = ", ".join(diff.key for diff in diffs[:4]) + (f" and {len(diffs) - 4} more" if len(diffs) > 4 else "")
    return f"{names} {'differs' if len(diffs) == 1 else 'differ'} in size"


def names_in(text: str, kind: str) -> list[str]:
    """The names that a message lists as `missing` or `unexpected`."""
    return [key for match in _NAMES.finditer(text) if match[1].lower() == kind for key in re.findall(r'"([^"\s]{1,300})"', match[2])]


def _copied(found: Found) -> Reading:
    """Shapes that differ, in the wordings that name one parameter only."""
    if not found.known("model_shape", "checkpoint_shape"):
        return _half(found)
    model, file, key = found.shape("model_shape"), found.shape("checkpoint_shape"), str(found.values.get("key", ""))
    diff = Diff(key or "a parameter", file, model)
    if model == file:
        return _same(diff)
    called = f"`{key}`" if key else "a parameter"
    return Reading(
        _SLUG,
        f"{called} is {told(model)} in the model but {told(file)} in the checkpoint",
        "this loader stops at the first parameter that differs: there may be more",
        {**_facts(diff), "key": key, "count": 1},
        causes([diff if key and key not in ("weight", "bias") else _unnamed(diff)], [], []),
        (f"build the model (its config) with the sizes of the checkpoint: {told(file)}", _FITTING),
    )


def _same(diff: Diff) -> Reading:
    why = "the copy failed for another reason: a tensor without data (device `meta`), or another device"
    tries = (
        "load the file with `torch.load(path, map_location='cpu')`",
        "for a model on `meta`: `model.load_state_dict(saved, assign=True)`",
    )
    return Reading(
        _SLUG,
        f"`{diff.key}` could not be copied from the checkpoint, although its shape {told(diff.model)} is the same",
        "the reason stands at the end of the message, after `an exception occurred`: it is not a matter of sizes",
        _facts(diff),
        (Cause("other-reason", why, likely=True),),
        tries,
    )


def _half(found: Found) -> Reading:
    """A message that was cut off after the file's shape."""
    key, file = str(found.values.get("key", "a parameter")), told(found.values.get("checkpoint_shape", []))
    return Reading(
        _SLUG,
        f"`{key}` has another size in the model than in the checkpoint, where it is {file}",
        "the message is cut off before the model's shape",
        dict(found.values),
        (Cause("other-configuration", "the model is built otherwise than the one that was saved", likely=True),),
        _tries(found),
    )


def _meant(found: Found) -> Found:
    """The model's shape under one name: two wordings, two groups."""
    if not found.known("meant_shape"):
        return found
    return found._replace(values={**found.values, "model_shape": found.shape("meant_shape")})


def _unnamed(diff: Diff) -> Diff:
    """accelerate names only the last part, `weight`: rows by the ten thousands are a vocabulary."""
    rows = diff.pair[0] if diff.dims == [0] and diff.pair else 0
    return Diff("embedding.weight" if rows >= 20_000 else diff.key, diff.file, diff.model)


_HEADER = r"(?:Error\(s\) in loading state_dict for (?P<model>[\w.]{1,120}): ?)?"
_OPTIMIZER = (
    "take the same parameters in the same groups as when it was saved (freeze, split and add parameters before you build the optimizer)",
)
_FRESH = "or do not load the optimizer's state and let it start anew; the model's weights are not touched by that"

TEMPLATES = (
    Template(
        "load-size",
        ("copying a param with shape", "copying a param of"),
        rf"{_HEADER}{_ONE}",
        read_sizes,
        cut=rf"{_HEADER}size mismatch for {_KEY}: ?copying a param (?:with shape|of) {shape('checkpoint_shape')}(?: from checkpoint)?",
    ),
    Template(
        "load-copy",
        ("while copying the parameter named", "while swapping the parameter named"),
        rf"{_HEADER}While (?:copying|swapping) the parameter named {_KEY}, whose dimensions in the model are {shape('model_shape')} "
        rf"and whose dimensions in the checkpoint are {shape('checkpoint_shape')}",
        _copied,
    ),
    Template(
        "load-copy-type",
        ("expected torch.tensor or tensor-like object from checkpoint",),
        rf"{_HEADER}While copying the parameter named {_KEY}, expected torch\.Tensor or Tensor-like object from checkpoint but received "
        r"<class '(?P<type>[\w.]{1,100})'>",
        plain(
            _SLUG,
            "the checkpoint holds a `{type}` under `{key}` where the model has a tensor",
            ("not-a-tensor", "the file is no plain state dict: a config, a list or a nested dict stands where the weights should be"),
            tries=("print `[(k, type(v)) for k, v in saved.items()]` and take the part of it that holds tensors",),
        ),
    ),
    Template(
        "load-not-a-dict",
        ("expected state_dict to be dict-like",),
        r"Expected state_dict to be dict-like, got <class '(?P<type>[\w.]{1,120})'>",
        plain(
            _SLUG,
            "`load_state_dict` expects a dict of tensors but receives a `{type}`",
            ("whole-object-saved", "the file holds a whole object (`torch.save(model, path)`), not its weights"),
            tries=("if it is a model: `model.load_state_dict(loaded.state_dict())`, and save `model.state_dict()` from now on",),
        ),
    ),
    Template(
        "accelerate-set",
        ("trying to set a tensor of shape",),
        rf"Trying to set a tensor of shape {shape('checkpoint_shape')} in {_KEY} ?\(which has shape {shape('model_shape')}\), "
        r"this looks? incorrect",
        _copied,
    ),
    Template(
        "diffusers-load",
        ("expected shape tensor(", "expected shape torch.size"),
        rf"Cannot load .{{0,300}}?because (?P<key>[\w.]{{1,300}}) expected shape (?:tensor\(\.\.\.,(?: device='?meta'?,)? "
        rf"size=\((?P<model_shape>[\d, ]{{0,120}})\)"
        rf"[^)]{{0,60}}\)|{shape('meant_shape')}),? but got {shape('checkpoint_shape')}",
        lambda found: _copied(_meant(found)),
    ),
    Template(
        "hf-report",
        ("reinit due to size mismatch",),
        rf"(?:(?P<key>[\w.]{{1,200}}) ?\| ?MISMATCH ?\| ?)?Reinit due to size mismatch ?-? ?ckpt: ?{shape('checkpoint_shape')} "
        rf"vs model: ?{shape('model_shape')}",
        _copied,
    ),
    Template(
        "hf-not-initialized",
        ("in the model instantiated",),
        rf"- ?{_KEY}: found shape {shape('checkpoint_shape')} in the checkpoint and {shape('model_shape')} in the model instantiated",
        _copied,
        vague=True,
    ),
    Template(
        "hf-mismatched",
        ("ignore_mismatched_sizes",),
        r"You (?:may consider adding|set) `ignore_mismatched_sizes(?:=True)?`",
        plain(
            _SLUG,
            "some parameters have other sizes in the checkpoint than in the model; which ones stands above this line",
            ("other-labels", "`num_labels` or the vocabulary of the model is not the checkpoint's"),
            tries=(
                "read the lines with `size mismatch for` or `MISMATCH`: they name the parameters and both sizes",
                "`ignore_mismatched_sizes=True` gives those parameters fresh values: right for a new head, wrong for anything else",
            ),
        ),
        vague=True,
    ),
    Template(
        "vllm-load",
        ("attempted to load weight",),
        rf"Attempted to load weight \(? ?{shape('checkpoint_shape')} ?\)? into parameter \(? ?{shape('model_shape')}",
        _copied,
    ),
    Template(
        "dcp-size",
        ("size mismatch between saved",),
        rf"Size mismatch between saved {shape('checkpoint_shape')} and current: {shape('model_shape')} for {_KEY}",
        _copied,
    ),
    Template(
        "optim-groups",
        ("has a different number of parameter groups",),
        r"loaded state dict has a different number of parameter groups",
        plain(
            _SLUG,
            "the saved optimizer has another number of parameter groups than this one",
            (
                "groups-changed",
                "the groups were split otherwise when it was saved (weight decay and none, backbone and head, `add_param_group`)",
            ),
            ("other-optimizer", "the state belongs to another optimizer: of a GAN's two, or of another run"),
            tries=(*_OPTIMIZER, _FRESH),
        ),
    ),
    Template(
        "optim-size",
        ("doesn't match the size of optimizer's group",),
        r"loaded state dict contains a parameter group that doesn't match the size of optimizer's group",
        plain(
            _SLUG,
            "the saved optimizer has another number of parameters in a group than this one",
            ("parameters-changed", "layers were added, removed, frozen or unfrozen since it was saved"),
            ("other-optimizer", "the state belongs to another optimizer: of a GAN's two, or of another run"),
            tries=("compare `len(g['params'])` of the saved and the present `param_groups`", *_OPTIMIZER, _FRESH),
        ),
    ),
    Template(
        "assign-param",
        ("parameter or none expected",),
        r"cannot assign '(?P<type>[\w.]{1,100})' (?:object )?(?:as|to) parameter '(?P<name>\w{1,100})' \(torch\.nn\.Parameter "
        r"or None expected\)",
        plain(
            "other-shape-error",
            "`{name}` is a parameter and takes an `nn.Parameter`, not a plain tensor (`{type}`); this is not about sizes",
            ("plain-tensor", "a tensor is assigned to an attribute that holds a parameter"),
            tries=(
                "`layer.{name} = nn.Parameter(tensor)`, or copy into it: `with torch.no_grad(): layer.{name}.copy_(tensor)`",
                "for a layer that computes its weight: `del layer.{name}` first, then assign",
            ),
        ),
    ),
)
