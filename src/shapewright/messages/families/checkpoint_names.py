"""Messages of checkpoints whose names are not the model's: prefixes, whole checkpoints, layers that were renamed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from shapewright.messages.families.checkpoint import LONG, differing, names_in, read_sizes
from shapewright.messages.later import pattern
from shapewright.messages.readings.scored import LIKELY, Scored, ranked
from shapewright.messages.template import Cause, Found, Reading, Template

_SLUG = "checkpoint-shape"
_WEIGHTS = (
    "state_dict", "model_state_dict", "model_state", "model", "net", "network", "module", "weights", "params_ema", "params", "ema",
    "generator", "encoder", "student", "teacher",
)  # fmt: skip
_PARTS = {
    *_WEIGHTS, "epoch", "epochs", "step", "global_step", "iteration", "iter", "optimizer", "optimizer_state_dict", "optimizer_states",
    "optim", "loss", "scheduler", "lr_scheduler", "lr_schedulers", "scaler", "args", "config", "cfg", "hyper_parameters", "callbacks",
    "pytorch-lightning_version", "loops", "best_acc", "best_acc1", "acc", "arch", "best_loss", "best_score", "train_loss", "val_loss",
    "meta", "hparams_name", "model_ema", "amp", "state",
}  # fmt: skip
_BUFFER = pattern(r"position_ids$|rotary_emb\.inv_freq$|attn\.(?:masked_)?bias$|token_type_ids$")
_PARAMETRIZED = pattern(r"weight_g$|weight_orig$|weight_u$|parametrizations\.")
_QUANTISED = pattern(r"quant_map$|absmax$|quant_state|\.SCB$|qweight$|qzeros$|\.scales$|weight_scale")
_PREFIXES = {
    "module.": ("data-parallel-prefix", "`DataParallel` and `DistributedDataParallel` put `module.` before every name"),
    "_orig_mod.": ("compile-prefix", "`torch.compile` puts `_orig_mod.` before every name"),
    "model.": ("wrapper-prefix", "the network was an attribute `model` of what was saved (a LightningModule, a wrapper class)"),
}


def _names(found: Found) -> Reading:
    """Names without partner, on either side."""
    if differing(found.text):
        return read_sizes(found)
    missing, unexpected = names_in(found.text, "missing"), names_in(found.text, "unexpected")
    least = "at least " if len(found.text) > LONG else ""
    lacks = f"the checkpoint lacks {least}{_count(missing)} of the model"
    more = f"has {least}{_count(unexpected)} that the model does not have"
    headline = f"{lacks} and {more}" if missing and unexpected else f"the checkpoint {more}" if unexpected else lacks
    if not missing and not unexpected:
        headline = "the checkpoint does not fit the model; which names or sizes differ is not shown here"
    scored = [one for hypothesis in _HYPOTHESES for one in hypothesis(missing, unexpected)]
    if not any(score >= LIKELY for score, _ in scored):
        scored.append((LIKELY, _other(missing, unexpected)))
    listed = [f"{kind}: {_listed(names)}" for kind, names in (("missing", missing), ("unexpected", unexpected)) if names]
    certain = "; ".join(listed) + " (names, not sizes)" if listed else ""
    tries = (
        "compare both lists: `print(list(saved)[:10]); print(list(model.state_dict())[:10])`",
        "`strict=False` only silences this: every name without a partner keeps its fresh values. Look at what it returns "
        "before you trust it",
    )
    facts: dict[str, object] = {
        "missing": len(missing),
        "unexpected": len(unexpected),
        "missing_keys": missing[:10],
        "unexpected_keys": unexpected[:10],
    }
    return Reading(_SLUG, headline, certain, facts, ranked(scored), tries)


def _count(names: list[str]) -> str:
    return f"{len(names)} parameter{'' if len(names) == 1 else 's'}" if names else "parameters"


def _listed(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _whole(missing: list[str], unexpected: list[str]) -> Iterator[Scored]:
    """The dict around the weights was passed."""
    parts = [name for name in unexpected if name in _PARTS]
    if not parts or len(parts) * 2 < len(unexpected) or not missing:
        return
    inner = next((name for name in _WEIGHTS if name in parts), None)
    listed = ", ".join(f"`{name}`" for name in parts[:4])
    facts = {"entry": inner} if inner else {}
    step = f'load what is inside: `model.load_state_dict(checkpoint["{inner}"])`'
    tries = (step if inner else "print `checkpoint.keys()` and load the entry that holds the weights",)
    yield 0.97, Cause("whole-checkpoint", f"the file is a dict around the weights: it holds {listed}", facts=facts, tries=tries)


def _prefixed(missing: list[str], unexpected: list[str]) -> Iterator[Scored]:
    """All names of one side are those of the other with something before them."""
    in_file, in_model = _prefix(unexpected, missing), _prefix(missing, unexpected)
    if in_file:
        name, known = _known(in_file)
        why = f"the names in the checkpoint begin with `{in_file}`, those of the model do not: {known}"
        tries = [f'take it off before loading: `saved = {{k.removeprefix("{in_file}"): v for k, v in saved.items()}}`']
        if name == "data-parallel-prefix":
            tries.append("save without it from now on: `torch.save(model.module.state_dict(), path)`")
        elif name == "compile-prefix":
            tries.append("save the model that was compiled, not the compiled one")
        yield 0.95, Cause(name, why, facts={"prefix": in_file}, tries=tuple(tries))
    elif in_model:
        name, known = _known(in_model)
        why = f"the names in the model begin with `{in_model}`, those of the checkpoint do not: {known}"
        tries = [f"load into what is inside: `model.{in_model.rstrip('.')}.load_state_dict(saved)`"]
        if name != "wrapper-prefix":
            tries.append("or load before the model is wrapped")
        yield 0.95, Cause(name, why, facts={"prefix": in_model}, tries=tuple(tries))


def _known(prefix: str) -> tuple[str, str]:
    for part, (name, why) in _PREFIXES.items():
        if prefix.startswith(part):
            return name, why
    return "wrapper-prefix", f"`{prefix.rstrip('.')}` is the attribute under which the network hung"


def _prefix(longer: list[str], shorter: list[str]) -> str:
    """What stands before the names of `shorter` in nearly all of `longer`, or ""."""
    ends = set(shorter)
    heads = Counter(name[: dot + 1] for name in longer[:400] for dot in _dots(name) if name[dot + 1 :] in ends)
    if not heads:
        return ""
    prefix, often = heads.most_common(1)[0]
    listed = min(len(longer), 400)
    return prefix if often * 10 >= 3 * listed and (often * 10 >= 7 * listed or often * 10 >= 7 * len(ends)) else ""


def _dots(name: str) -> list[int]:
    return [match.start() for match in re.finditer(r"\.", name)][:6]


def _renamed(missing: list[str], unexpected: list[str]) -> Iterator[Scored]:
    """One attribute has another name."""
    firsts = [{name.partition(".")[0] for name in names} for names in (missing, unexpected)]
    if len(firsts[0]) == len(firsts[1]) == 1 and firsts[0] != firsts[1]:
        rest = {name.partition(".")[2] for name in missing} & {name.partition(".")[2] for name in unexpected}
        if rest and len(rest) * 10 >= 7 * len(set(missing)) and not _whole_or_prefixed(missing, unexpected):
            new, old = *firsts[0], *firsts[1]
            why = f"`{old}` in the checkpoint is called `{new}` in the model; what comes after is the same"
            step = f'`saved = {{k.replace("{old}.", "{new}.", 1): v for k, v in saved.items()}}`, if the layers are the same'
            yield 0.9, Cause("renamed", why, tries=(step, "or give the attribute its old name"))


def _whole_or_prefixed(missing: list[str], unexpected: list[str]) -> bool:
    return bool(_prefix(unexpected, missing) or _prefix(missing, unexpected))


def _shifted(missing: list[str], unexpected: list[str]) -> Iterator[Scored]:
    """The numbers in the names are others."""
    blank = Counter(re.sub(r"\d+", "#", name) for name in missing)
    both = sum((blank & Counter(re.sub(r"\d+", "#", name) for name in unexpected)).values())
    if both and both * 2 > max(len(missing), len(unexpected)) and not _whole_or_prefixed(missing, unexpected):
        why = (
            "the names differ only in their numbers: a layer was added to or taken from a `Sequential` or a list, and those behind it moved"
        )
        tries = ("build the model with the layers it was saved with, in the same order; names count from 0",)
        yield 0.8, Cause("layers-shifted", why, tries=tries)


def _harmless(missing: list[str], unexpected: list[str]) -> Iterator[Scored]:
    """Buffers that come and go with versions."""
    if missing and not unexpected and all(name.endswith("num_batches_tracked") for name in missing):
        why = "only the counters of BatchNorm are missing: the file was saved before torch 0.4.1, or written by hand"
        tries: tuple[str, ...] = ("nothing is lost: `load_state_dict(saved, strict=False)` is right in this one case",)
        yield 0.95, Cause("batchnorm-counter", why, tries=tries)
    if unexpected and not missing and all(_BUFFER.search(name) for name in unexpected):
        why = "only constant buffers are left over, which newer versions of transformers no longer store"
        tries = (
            "drop them before loading: `for name in [...]: saved.pop(name, None)`",
            "or use the version of transformers that saved the file",
        )
        yield 0.93, Cause("constant-buffers", why, tries=tries)


def _special(missing: list[str], unexpected: list[str]) -> Iterator[Scored]:
    """Endings that tell how a layer was wrapped."""
    for has, lacks, names in (("checkpoint", "model", unexpected), ("model", "checkpoint", missing)):
        if any(_PARAMETRIZED.search(name) for name in names):
            why = f"the {has} has `weight_norm`, `spectral_norm` or another parametrization on its layers, the {lacks} has not"
            tries: tuple[str, ...] = (
                "apply (or remove) the norm on the same layers before loading; its old and its new form have other names",
            )
            yield 0.9, Cause("parametrized", why, tries=tries)
        if any("lora_" in name for name in names):
            holds, misses = ("file", "model") if has == "checkpoint" else ("model", "file")
            tries = ("load the base weights first, add the adapter after that: `PeftModel.from_pretrained(base, folder)`",)
            yield 0.9, Cause("adapter", f"the {holds} has LoRA layers and the {misses} has none", tries=tries)
        if any(_QUANTISED.search(name) for name in names):
            tries = (
                "load it through the library that quantised it (transformers with its `quantization_config`)",
                "or take the weights that are not quantised",
            )
            yield 0.9, Cause("quantised", f"the {has} is quantised (4 or 8 bits), the {lacks} is not", tries=tries)
        if any(".conv3." in name for name in names) and any("layer" in name for name in names):
            why = f"the {has} has blocks of three convolutions (ResNet-50 and deeper), the {lacks} of two (ResNet-18 and 34)"
            yield 0.85, Cause("other-variant", why, tries=("build the variant that was saved",))
        if names and all(re.match(r"aux_classifier|aux\d|AuxLogits", name) for name in names):
            option = "aux_loss" if any(name.startswith("aux_classifier") for name in names) else "aux_logits"
            tries = (f"give the torchvision model the `{option}` it was saved with: `{option}={has == 'checkpoint'}`",)
            yield 0.92, Cause("auxiliary-head", f"the {has} has an auxiliary head, the {lacks} none", tries=tries)


def _head(missing: list[str], unexpected: list[str]) -> Iterator[Scored]:
    """Only the last layer has other names."""
    roots = {name.partition(".")[0] for name in (*missing, *unexpected)}
    if not missing or not unexpected or len(roots) != 1 or len(missing) + len(unexpected) > 12 or _prefix(unexpected, missing):
        return
    root = next(iter(roots))
    if sorted(missing) != sorted(unexpected) and re.match(r"fc|head|classifier|cls|out|linear|last", root):
        why = f"only `{root}` has other parts: it was replaced in one of the two and not in the other"
        tries = (f"build `{root}` just as when it was saved, before loading", "or load first and replace the head after that")
        yield 0.86, Cause("head-replaced", why, tries=tries)


def _bias(missing: list[str], unexpected: list[str]) -> Iterator[Scored]:
    if bool(missing) != bool(unexpected) and all(name.endswith("bias") for name in (*missing, *unexpected)):
        has, lacks = ("model", "checkpoint") if missing else ("checkpoint", "model")
        why = f"only biases are concerned: the layers of the {has} have one, those of the {lacks} have none"
        yield 0.85, Cause("bias", why, tries=("set `bias=True` or `bias=False` as it was when it was saved",))


def _other(missing: list[str], unexpected: list[str]) -> Cause:
    """Nothing better is known."""
    if missing and unexpected:
        why = "the checkpoint is of another architecture, or of another version of the class"
        return Cause("other-architecture", why, tries=("build the class and the options that it was saved from",))
    if missing and all(re.match(r"(?:\w+\.)?(?:fc|head|classifier|lm_head|score|cls|linear)\b", name) for name in missing):
        why = "only the head is missing: the file holds the backbone without it, as pretrained weights often do"
        tries = ("load the backbone alone (`model.backbone.load_state_dict(saved)`) and train the head",)
        return Cause("head-missing", why, tries=tries)
    if missing:
        why = "the model has layers that the saved one did not have, or the file holds only a part of it"
        tries = ("add those layers after loading, or load only the part that was saved into that part of the model",)
        return Cause("layers-added", why, tries=tries)
    if unexpected:
        why = "the checkpoint has layers that the model does not have: it was saved from a larger one, or the head was taken off"
        tries = ("drop them knowingly: `own = model.state_dict(); model.load_state_dict({k: v for k, v in saved.items() if k in own})`",)
        return Cause("layers-removed", why, tries=tries)
    why = "the lines after this one name what differs: names without a partner, or sizes"
    return Cause("not-shown", why, tries=("read (or paste) the whole message",))


_HYPOTHESES = (_whole, _prefixed, _renamed, _shifted, _harmless, _special, _head, _bias)

_HEADER = r"(?:Error\(s\) in loading state_dict for (?P<model>[\w.]{1,120}): ?)?"
_KEYS = r"(?: ?\"[^\"\s]{1,300}\"[,.]?){1,12}"
TEMPLATES = (
    Template(
        "load-keys",
        ("key(s) in state_dict",),
        rf"{_HEADER}(?:Missing|Unexpected) key\(s\) in state_dict: ?{_KEYS}",
        _names,
        cut=rf"{_HEADER}(?:Missing|Unexpected) key\(s\) in state_dict",
    ),
    Template(
        "load-generic",
        ("in loading state_dict for",),
        r"Error\(s\) in loading state_dict for (?P<model>[\w.]{1,120})",
        _names,
        vague=True,
    ),
)
