"""Why parameters have other sizes in a checkpoint than in the model: hypotheses over the names and shapes that differ, ranked."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from math import prod

from shapewright.messages import fingerprints, numbers
from shapewright.messages.readings import rows
from shapewright.messages.readings.diffs import POSITION, Diff, who
from shapewright.messages.readings.scored import LIKELY, Scored, ranked
from shapewright.messages.template import Cause, told

_LATENTS = {9: "an inpainting UNet", 8: "an instruction (pix2pix) UNet", 5: "a depth UNet", 36: "image-to-video"}
_IMAGES = {1: "grey images (1 channel)", 3: "RGB images (3 channels)", 4: "4 channels (RGBA, or the latents of Stable Diffusion)"}
_GREY = "or make its weight grey before loading: `saved[{key}] = saved[{key}].sum(1, keepdim=True)`"
_COLOUR = "or spread its weight over three channels before loading: `saved[{key}] = saved[{key}].repeat(1, 3, 1, 1) / 3`"
_TEXT_WIDTHS = {
    768: "Stable Diffusion 1.x", 1024: "Stable Diffusion 2.x", 2048: "SDXL", 1280: "the SDXL refiner",
    4096: "a model with a T5 or LLaMA encoder",
}  # fmt: skip


def causes(diffs: list[Diff], missing: list[str], unexpected: list[str]) -> tuple[Cause, ...]:
    """What may have led to these differences, best first; `missing` and `unexpected` are names without a partner."""
    scored = [one for hypothesis in _HYPOTHESES for one in hypothesis(diffs)]
    scored += _variant(diffs, missing, unexpected, max((score for score, _ in scored), default=0.0))
    return ranked(scored)


# -------------------------------------------------------------------------------------- the file holds something else


def _sharded(diffs: list[Diff]) -> Iterator[Scored]:
    """DeepSpeed ZeRO-3 keeps parameters empty outside of their layer's turn."""
    in_file = next((diff.key for diff in diffs if diff.file == [0] and diff.model != [0]), None)
    if in_file:
        why = (
            f"`{in_file}` is empty in the file: DeepSpeed ZeRO-3 (or FSDP) held only shards when it was saved, so the weights are not in it"
        )
        tries: tuple[str, ...] = (
            "put the shards together: `python zero_to_fp32.py checkpoint_folder pytorch_model.bin` (the script lies in the "
            "checkpoint's folder), and load that",
            "save the next one whole: `stage3_gather_16bit_weights_on_model_save: true`, or `trainer.save_model()`",
        )
        yield 0.97, Cause("sharded-save", why, tries=tries)
    in_model = next((diff.key for diff in diffs if diff.model == [0] and diff.file != [0]), None)
    if in_model:
        why = f"`{in_model}` is empty in the model: it was built under DeepSpeed ZeRO-3, which cuts parameters into shards as they are made"
        tries = (
            "load the weights before DeepSpeed takes the model, or inside "
            "`with deepspeed.zero.GatheredParameters(list(model.parameters()), modifier_rank=0):`",
            "with transformers: build `HfDeepSpeedConfig` before `from_pretrained`, which then gathers by itself",
        )
        yield 0.97, Cause("sharded-model", why, tries=tries)


def _packed(diffs: list[Diff]) -> Iterator[Scored]:
    """Four-bit weights: one column of bytes, two numbers in each."""
    for diff in diffs:
        for packed, whole, where in ((diff.file, diff.model, "file"), (diff.model, diff.file, "model")):
            if len(packed) == 2 and packed[1] == 1 and len(whole) >= 2 and 2 * packed[0] == prod(whole) > 0:
                why = (
                    f"the {where} holds `{diff.key}` packed in 4 bits: {packed[0]} bytes are the {told(whole)} = "
                    f"{prod(whole)} numbers, two in each"
                )
                tries = (
                    "load both the same way: the quantised file with the `quantization_config` (bitsandbytes) it was saved with, "
                    "or the full file into the full model",
                )
                yield 0.96, Cause("quantised-checkpoint" if where == "file" else "quantised-model", why, tries=tries)
                return


def _adapter(diffs: list[Diff]) -> Iterator[Scored]:
    """LoRA: `A` is [rank, in], `B` is [out, rank]."""
    first = next((diff for diff in diffs if "lora" in diff.key.lower() and diff.pair), None)
    if first is None or first.pair is None:
        return
    saved, built = first.pair
    if (first.dims == [0]) == bool(re.search(r"lora_(?:A|down|embedding_A)", first.key)):
        why = f"the adapter was trained with rank {saved}, the model's has rank {built}"
        tries = (f"build the adapter with `r={saved}`, or let the library read it: `PeftModel.from_pretrained(base, adapter_folder)`",)
        yield 0.93, Cause("adapter-rank", why, facts={"rank": saved, "want_rank": built}, tries=tries)
    else:
        why = f"the adapter was trained on a base model of width {saved}{who(saved)}, this one has {built}{who(built)}"
        tries = ("load the base model that the adapter names in `adapter_config.json` (`base_model_name_or_path`)",)
        yield 0.9, Cause("other-base-model", why, tries=tries)


# ------------------------------------------------------------------------------------------------- the order of the dims


def _turned(diffs: list[Diff]) -> Iterator[Scored]:
    """The same sizes in another order."""
    diff = next((one for one in diffs if not _place(one) and sorted(one.file) == sorted(one.model) and len(one.file) > 1), None)
    if diff is None:
        return
    how = "the other way round" if diff.file == diff.model[::-1] else "in another order"
    why = (
        f"`{diff.key}` holds the same sizes {how}: the file comes from a layer with another layout (Conv1D of GPT-2, TensorFlow, "
        "a transposed convolution)"
    )
    step = f'`saved["{diff.key}"] = saved["{diff.key}"].t()`' if len(diff.file) == 2 else "permute the dims with `.permute(...)`"
    tries = (f"turn it before loading, if the layer is meant to be the same: {step}", "or use the class it was saved from")
    yield 0.9, Cause("transposed", why, tries=tries)


def _ones(diffs: list[Diff]) -> Iterator[Scored]:
    """Only dims of 1 are more or fewer."""
    bare = [([size for size in one.file if size != 1], [size for size in one.model if size != 1]) for one in diffs]
    diff = next((one for one, (old, new) in zip(diffs, bare, strict=True) if old == new and not _place(one)), None)
    if diff is None or sorted(diff.file) == sorted(diff.model):
        return
    step = f'`saved["{diff.key}"] = saved["{diff.key}"].reshape({tuple(diff.model)})`'
    tries = (f"{step} before loading gives the same numbers", "or load it with the version of the code that saved it")
    if {len(diff.file), len(diff.model)} == {2, 4}:
        why = f"`{diff.key}` differs only by dims of 1: a convolution of kernel 1 on one side is a linear layer on the other"
        yield 0.9, Cause("conv-or-linear", why, tries=tries)
    else:
        yield 0.9, Cause("dims-of-one", f"`{diff.key}` differs only by dims of 1", tries=tries)


def _place(diff: Diff) -> bool:
    return bool(POSITION.search(diff.key))


# ------------------------------------------------------------------------------------------------------ kinds of layers


def _channels(diffs: list[Diff]) -> Iterator[Scored]:
    """The first convolution takes the channels of the image."""
    convs = [diff for diff in diffs if len(diff.file) in (3, 4, 5) and diff.dims == [1] and max(diff.pair or (99,)) <= 64]
    if not convs or convs[0].pair is None:
        return
    key, (saved, built) = convs[0].key, convs[0].pair
    names = [
        _IMAGES.get(size) or (f"{size} channels ({_LATENTS[size]})" if size in _LATENTS else f"{size} channels") for size in (saved, built)
    ]
    tries: list[str] = []
    if saved in (1, 3):
        mode = "L" if saved == 1 else "RGB"
        tries.append(f"build the model for {saved} channels and bring the images to that (`image.convert('{mode}')`)")
    change = {(3, 1): _GREY, (1, 3): _COLOUR}.get((saved, built))
    if change:
        tries.append(change.replace("{key}", f'"{key}"'))
    else:
        step = f"take the checkpoint that belongs to a first convolution of {built} channels"
        tries.append(f"{step}, or build the model with `in_channels={saved}`")
    named = re.search(r"conv1|conv_in|stem|patch_embed|features\.0|(?:^|\.)0\.|first|inc\.|backbone", key) is not None
    why = f"`{key}` takes {names[0]} in the file and {names[1]} in the model"
    facts = {"channels": saved, "want": built}
    score = 0.9 if len(convs) <= 2 and (named or saved in _IMAGES) else 0.45
    yield score, Cause("image-channels", why, facts=facts, tries=tuple(tries))


def _kernel(diffs: list[Diff]) -> Iterator[Scored]:
    """A convolution differs in its kernel."""
    diff = next((one for one in diffs if len(one.file) >= 3 and one.dims and one.dims[0] >= 2 and not _place(one)), None)
    if diff is None or len(diffs) > 3 or sorted(diff.file) == sorted(diff.model):
        return
    kernel, want = diff.file[2:], diff.model[2:]
    why = f"`{diff.key}` has a kernel of {'×'.join(map(str, kernel))} in the file and of {'×'.join(map(str, want))} in the model"
    tries = (f"build that layer with `kernel_size={kernel[0] if len(set(kernel)) == 1 else tuple(kernel)}`",)
    stem = {tuple(kernel), tuple(want)} == {(7, 7), (3, 3)}
    guess = "medium confidence: 7×7 is the stem of an ImageNet ResNet, 3×3 that of one for CIFAR" if stem else ""
    yield 0.88, Cause("kernel-size", why, tries=tries, guess=guess)


def _environment(diffs: list[Diff]) -> Iterator[Scored]:
    """Reinforcement learning: the first layer takes observations, the last gives actions."""
    named = [diff for diff in diffs if re.search(r"policy|value_net|action_net|q_net|actor|critic|mlp_extractor", diff.key) and diff.pair]
    if len(named) != len(diffs) or not all(len(diff.dims) == 1 for diff in named):
        return
    said = [(diff.pair, "observations") for diff in named if diff.dims == [1]][:1]
    said += [(diff.pair, "actions") for diff in named if diff.dims == [0]][-1:]
    parts = [f"{pair[0]} {noun} in the file and {pair[1]} in the model" for pair, noun in said if pair]
    if parts:
        tries = ("build the agent for the environment that it was trained in (`env.observation_space`, `env.action_space`)",)
        yield 0.85, Cause("other-environment", f"{', '.join(parts)}: the agent was trained in another environment", tries=tries)


def _conditioning(diffs: list[Diff]) -> Iterator[Scored]:
    """Cross-attention takes the width of the text encoder."""
    pair = next((diff.pair for diff in diffs if diff.dims == [1] and re.search(r"to_k|to_v|attn2\.", diff.key)), None)
    if pair:
        known = [_TEXT_WIDTHS.get(size) for size in pair]
        names = [f"{size} ({name})" if name else f"{size}" for size, name in zip(pair, known, strict=True)]
        why = (
            f"the cross-attention takes text of width {names[0]} in the file and {names[1]} in the model: they belong to "
            "different base models"
        )
        guess = "high confidence, widths of the text encoders" if all(known) else ""
        tries = ("take the file that is made for this base model",)
        yield 0.92, Cause("other-base-model", why, facts={"width": pair[0], "want": pair[1]}, tries=tries, guess=guess)


def _recurrent(diffs: list[Diff]) -> Iterator[Scored]:
    """Gates times the hidden size: 4 in an LSTM, 3 in a GRU."""
    gates = [diff for diff in diffs if re.search(r"weight_[ih]h", diff.key) and diff.pair and len(diff.file) == 2]
    if not gates or gates[0].pair is None:
        return
    saved, built = gates[0].pair
    hidden = next((diff for diff in gates if "weight_hh" in diff.key and diff.file[1] and diff.model[1]), None)
    kinds = {1: "an RNN", 3: "a GRU", 4: "an LSTM"}
    if hidden:
        old, new = ((sizes[0] // sizes[1], sizes[1]) for sizes in (hidden.file, hidden.model))
        name = "lstm-or-gru" if old[0] != new[0] else "hidden-size"
        parts = [f"{kinds.get(gate, 'a layer')} of hidden size {size} ({gate}·{size} rows)" for gate, size in (old, new)]
        why = f"the file holds {parts[0]}, the model {parts[1]}"
    else:
        why, name = f"the recurrent layer takes {saved} features in the file and {built} in the model", "input-size"
    yield 0.93, Cause(name, why, tries=("build the recurrent layer with the kind, input size and hidden size that it was saved with",))


def _flat(diffs: list[Diff]) -> Iterator[Scored]:
    """One linear layer differs in its inputs only: other images, or features of another encoder."""
    linear = [diff for diff in diffs if diff.dims == [1] and len(diff.file) == 2]
    if len(linear) != len(diffs) or len(diffs) > 2 or linear[0].pair is None:
        return
    key, (saved, built) = linear[0].key, linear[0].pair
    if min(saved, built) < 1:
        return
    facts = {"features": saved, "want": built}
    if re.search(r"projector|vision|visual|image|connector|multi_modal", key) and min(saved, built) >= 256:
        why = (
            f"`{key}` takes the features of a vision encoder: of width {saved}{_sees(saved)} in the file, of {built}{_sees(built)} "
            "in the model; the checkpoint was made with another vision tower"
        )
        tries = ("build the model with the vision tower of the checkpoint (in LLaVA `mm_vision_tower` and `mm_hidden_size` of its config)",)
        guess = "medium confidence, from the widths alone" if _sees(saved) and _sees(built) else ""
        yield 0.93, Cause("other-vision-tower", why, facts=facts, tries=tries, guess=guess)
        return
    why = f"`{key}` takes {saved} features in the file and {built} in the model"
    change = next((one for one in numbers.size_changes(saved, built) if one.score >= LIKELY), None)
    if change:
        sides = ["×".join(map(str, maps.sides)) for maps in (change.got, change.want)]
        why += f": {saved} = {change.got} and {built} = {change.want} would be maps of {sides[0]} and {sides[1]}, other images"
    tries = (f"build that layer for {saved} features, and give the model images (or columns) as it was trained with",)
    yield 0.82, Cause("input-size", why, facts=facts, tries=tries)


def _sees(width: int) -> str:
    """The vision encoders among those of this width."""
    known = fingerprints.width(width)
    names = [model for model in known.models if re.search(r"vision|ViT|DINO|SigLIP|Swin|ConvNeXt", model)] if known else []
    names = [model for model in names if "text" not in model]
    return f" ({', '.join(names[:3])})" if names else ""


# ------------------------------------------------------------------------------------------------------ the whole model


def _variant(diffs: list[Diff], missing: list[str], unexpected: list[str], best: float) -> Iterator[Scored]:
    """Many layers differ: the same architecture in another size, or another one."""
    pairs = Counter(
        (saved, built) for diff in diffs if diff.dims for saved, built in zip(diff.file, diff.model, strict=True) if saved != built
    )
    blocks = [any(".conv3." in key for key in names) for names in (unexpected, missing)]
    if any(blocks) and any("layer" in diff.key for diff in diffs):
        deep, flat = ("checkpoint", "model") if blocks[0] else ("model", "checkpoint")
        why = f"the {deep} has blocks of three convolutions, the {flat} of two: ResNet-50 and deeper against ResNet-18 or 34"
        tries: tuple[str, ...] = ("build the ResNet that the file was saved from",)
        yield 0.95, Cause("other-variant", why, tries=tries, guess="high confidence, names of the blocks")
    elif not pairs and best < LIKELY:
        yield LIKELY, Cause("other-configuration", "the model is built otherwise than the one that was saved")
    elif pairs and sum(bool(re.search(r"lora|to_[kv]\.|attn2|_[ih]h_l", diff.key)) for diff in diffs) * 2 <= len(diffs):
        often = pairs.most_common(1)[0][1]
        many = len(diffs) >= 4 and (often >= 3 or len(pairs) >= 3)
        score = (0.86 if len(diffs) >= 8 else 0.7) if many else 0.3
        if not (score < LIKELY <= best or (best > score and all(diff.dims == [0] for diff in diffs))):
            yield max(score, LIKELY if best < LIKELY else 0.0), _scaled(pairs)


def _scaled(pairs: Counter[tuple[int, int]]) -> Cause:
    (saved, built), often = pairs.most_common(1)[0]
    known = [fingerprints.width(size) if size >= 128 else None for size in (saved, built)]
    names = [f"{size} ({name})" if name else f"{size}" for size, name in zip((saved, built), known, strict=True)]
    low, high = sorted((saved, built))
    factor = f", {high // low} times as wide" if low > 0 and high % low == 0 else ""
    same = " by the same factor everywhere" if len(pairs) > 1 and len({saved / built for saved, built in pairs if built}) == 1 else ""
    places = f"{often} place{'s' if often > 1 else ''}"
    why = f"{names[0]} in the file stands against {names[1]} in the model in {places}{same}{factor}: it is another size of the model"
    guess = f"{known[0].confidence} confidence, from the widths alone" if known[0] and known[1] else ""
    tries = (
        f"build the model as it was saved (width {saved}): the same variant, the same `hidden_size`, `width`, `base_channels`, `embed_dim`",
    )
    return Cause("other-variant", why, facts={"width": saved, "want": built}, tries=tries, guess=guess)


_HYPOTHESES = (
    _sharded, _packed, _adapter, rows.vocabulary, rows.positions, _channels, _turned, _ones, _kernel, rows.classes, _environment,
    _conditioning, _recurrent, _flat,
)  # fmt: skip
