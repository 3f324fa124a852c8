"""Why parameters have other sizes in a checkpoint than in the model: hypotheses over the names and shapes that differ, ranked."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import isqrt, prod

from shapewright.messages import fingerprints, numbers
from shapewright.messages.template import Cause, told

_LIKELY = 0.5
_NUMBER_ALONE = "medium confidence, from the number alone"

_HEAD_NAME = re.compile(
    r"(?:^|\.)(?:fc|head|heads|classifier|classification_head|cls|logits|out|output|score|last_linear|final|linear|"
    r"cls_score|cls_logits|bbox_pred|class_embed|class_labels_classifier|conv_seg|proj_out|qa_outputs)(?=\d*(?:\.|$))",
    re.IGNORECASE,
)
_VOCAB_NAME = re.compile(
    r"embed_tokens|word_embed|tok_embed|token_embed|\bwte\b|lm_head|shared\.weight|embed_in|embed_out|(?:^|\.)embed(?:ding|dings|der)?\.weight"
    r"|(?:^|[._])emb(?:_\w{1,20})?\.weight|predictions\.(?:bias|decoder)|embeddings\.weight|final_logits_bias|decoder\.bias",
    re.IGNORECASE,
)
_POSITION_NAME = re.compile(
    r"pos_?emb|position|\bwpe\b|(?:^|[._])pe(?:\.|$)|pos_?enc|rel_pos|attn\.(?:bias|mask|masked_bias)$|attn_mask|tril|freqs|inv_freq|rope",
    re.IGNORECASE,
)
_CLASSES = {
    1000: "the classes of ImageNet", 21841: "ImageNet-21k", 21843: "ImageNet-21k", 100: "CIFAR-100", 91: "COCO, background included",
    90: "COCO", 80: "COCO", 21: "Pascal VOC with background", 365: "Places365", 400: "Kinetics-400", 527: "AudioSet", 150: "ADE20K",
    19: "Cityscapes", 101: "Food-101 or UCF-101", 10: "CIFAR-10 or MNIST",
}  # fmt: skip
_VOCABULARIES = {
    32000: "LLaMA, Llama 2 or Mistral", 32001: "LLaMA with one added pad token", 128256: "Llama 3", 151936: "Qwen, padded",
    151665: "the Qwen tokenizer", 152064: "the larger Qwen models, padded", 50257: "GPT-2", 50258: "GPT-2 with one added token",
    50304: "GPT-2 or GPT-NeoX, padded", 50265: "RoBERTa or BART", 30522: "BERT uncased", 28996: "BERT cased", 21128: "Chinese BERT",
    119547: "multilingual BERT", 250002: "XLM-R", 49408: "CLIP", 32128: "T5, padded", 32100: "the T5 tokenizer",
    51864: "Whisper, English only", 51865: "Whisper, multilingual", 51866: "Whisper large-v3", 256000: "Gemma", 32064: "Phi-3",
    51200: "Phi-2, padded",
}  # fmt: skip
_LATENTS = {9: "an inpainting UNet", 8: "an instruction (pix2pix) UNet", 5: "a depth UNet", 36: "image-to-video"}
_TEXT_WIDTHS = {
    768: "Stable Diffusion 1.x",
    1024: "Stable Diffusion 2.x",
    2048: "SDXL",
    1280: "the SDXL refiner",
    4096: "a model with a T5 or LLaMA encoder",
}

Scored = tuple[float, Cause]


@dataclass(frozen=True, slots=True)
class Diff:
    """One parameter: its shape in the file and in the model."""

    key: str
    file: list[int]
    model: list[int]

    @property
    def dims(self) -> list[int]:
        """The dims that differ; none when one shape is longer than the other."""
        if len(self.file) != len(self.model):
            return []
        return [i for i, (saved, built) in enumerate(zip(self.file, self.model, strict=True)) if saved != built]

    @property
    def pair(self) -> tuple[int, int] | None:
        """The first two numbers that clash: the file's and the model's."""
        return (self.file[self.dims[0]], self.model[self.dims[0]]) if self.dims else None

    @property
    def module(self) -> str:
        return self.key.rpartition(".")[0]


def causes(diffs: list[Diff], missing: list[str], unexpected: list[str]) -> tuple[Cause, ...]:
    scored = [one for hypothesis in _HYPOTHESES for one in hypothesis(diffs)]
    scored += _variant(diffs, missing, unexpected, max((score for score, _ in scored), default=0.0))
    best: dict[str, Scored] = {}
    for score, cause in sorted(scored, key=lambda one: -one[0]):
        best.setdefault(cause.name, (score, cause))
    return tuple(replace(cause, likely=score >= _LIKELY) for score, cause in best.values())


def _sharded(diffs: list[Diff]) -> Iterator[Scored]:
    """DeepSpeed ZeRO-3 keeps parameters empty outside of their layer's turn."""
    empty = next((diff for diff in diffs if diff.file == [0] and diff.model != [0]), None)
    if empty:
        yield (
            0.97,
            Cause(
                "sharded-save",
                f"`{empty.key}` is empty in the file: DeepSpeed ZeRO-3 (or FSDP) held only shards when it was saved, the "
                "weights are not in it",
                tries=(
                    "put the shards together: `python zero_to_fp32.py checkpoint_folder pytorch_model.bin` (the script lies "
                    "in the checkpoint's folder), and load that",
                    "save the next one whole: `stage3_gather_16bit_weights_on_model_save: true`, or `trainer.save_model()` "
                    "instead of `model.state_dict()`",
                ),
            ),
        )
    empty = next((diff for diff in diffs if diff.model == [0] and diff.file != [0]), None)
    if empty:
        yield (
            0.97,
            Cause(
                "sharded-model",
                f"`{empty.key}` is empty in the model: it was built under DeepSpeed ZeRO-3, which cuts parameters into shards "
                "as they are made",
                tries=(
                    "load the weights before DeepSpeed takes the model, or inside `with "
                    "deepspeed.zero.GatheredParameters(list(model.parameters()), modifier_rank=0):`",
                    "with transformers: build `HfDeepSpeedConfig` before `from_pretrained`, which then gathers by itself",
                ),
            ),
        )


def _packed(diffs: list[Diff]) -> Iterator[Scored]:
    """Four-bit weights: one column of bytes, two numbers in each."""
    for diff in diffs:
        for packed, whole, where in ((diff.file, diff.model, "file"), (diff.model, diff.file, "model")):
            if len(packed) == 2 and packed[1] == 1 and len(whole) >= 2 and 2 * packed[0] == prod(whole):
                yield (
                    0.96,
                    Cause(
                        "quantised-checkpoint" if where == "file" else "quantised-model",
                        f"the {where} holds `{diff.key}` packed in 4 bits: {packed[0]} bytes are the {told(whole)} = "
                        f"{prod(whole)} numbers, two in each",
                        tries=(
                            "load both the same way: the quantised file with the `quantization_config` (bitsandbytes) it was "
                            "saved with, or the full file into the full model",
                        ),
                    ),
                )
                return


def _adapter(diffs: list[Diff]) -> Iterator[Scored]:
    """LoRA: `A` is [rank, in], `B` is [out, rank]."""
    lora = [diff for diff in diffs if "lora" in diff.key.lower() and diff.pair]
    if not lora:
        return
    first = lora[0]
    saved, built = first.pair or (0, 0)
    of_rank = re.search(r"lora_(?:A|down|embedding_A)", first.key) is not None
    if (first.dims == [0]) == of_rank:
        yield (
            0.93,
            Cause(
                "adapter-rank",
                f"the adapter was trained with rank {saved}, the model's has rank {built}",
                facts={"rank": saved, "want_rank": built},
                tries=(
                    f"build the adapter with `r={saved}`, or let the library read it: `PeftModel.from_pretrained(base, adapter_folder)`",
                ),
            ),
        )
    else:
        yield (
            0.9,
            Cause(
                "other-base-model",
                f"the adapter was trained on a base model of width {saved}{_who(saved)}, this one has {built}{_who(built)}",
                tries=("load the base model that the adapter names in `adapter_config.json` (`base_model_name_or_path`)",),
            ),
        )


def _who(width: int) -> str:
    known = fingerprints.width(width) if width >= 256 else None
    return f" ({known})" if known else ""


def _vocabulary(diffs: list[Diff]) -> Iterator[Scored]:
    """Rows of an embedding and of the layer that gives scores for them."""
    rows = [diff for diff in diffs if diff.dims == [0] and not _POSITION_NAME.search(diff.key)]
    tables = [diff for diff in rows if len(diff.file) == 2]
    shared = len(rows) == len(diffs) and len({diff.pair for diff in rows}) == 1 and len(tables) == 2  # the embedding, and the scores
    rows = rows if shared else [diff for diff in rows if _VOCAB_NAME.search(diff.key)]
    if not rows or rows[0].pair is None or "token_type" in rows[0].key:
        return
    saved, built = rows[0].pair
    language = bool(re.search(r"embed_tokens|\bwte|word_embed|lm_head|shared\.weight|embed_in|predictions|tok_embed", rows[0].key))
    names = "; ".join(f"{size}: {_VOCABULARIES[size]}" for size in (saved, built) if size in _VOCABULARIES)
    facts = {"vocabulary": saved, "want": built}
    padded = next((size for size in (saved, built) if size % 64 == 0), None)
    more = abs(saved - built)
    guess = f"{_NUMBER_ALONE} ({names})" if names else ""
    first = f"`model.resize_token_embeddings({saved})` before loading (or build it with `vocab_size={saved}`)"
    if 16 < more <= 1024 and padded and min(saved, built) > 1000 and max(saved, built) == padded:
        why = (
            f"{padded} is a multiple of 64, the other is {more} rows shorter: a padded table meets one cut down to the "
            f"tokenizer's {min(saved, built)}"
        )
        yield (
            0.92,
            Cause("padded-vocabulary", why, facts=facts, tries=(f"do not resize the embedding to `len(tokenizer)`; {first}",), guess=guess),
        )
    elif language and saved > built and more <= 512:
        why = (
            f"the file has {more} more row{'s' if more > 1 else ''} than the model: tokens were added before it was trained "
            "(a pad token, special tokens)"
        )
        yield (
            0.92,
            Cause("tokens-added", why, facts=facts, tries=(first, "take the tokenizer that was saved with the checkpoint"), guess=guess),
        )
    elif language and saved < built and more <= 512:
        why = (
            f"the model has {more} more row{'s' if more > 1 else ''} than the file: tokens were added to the model before "
            "the old weights were loaded"
        )
        tries = ("load first, then add: `model.resize_token_embeddings(len(tokenizer))` after the weights are in",)
        yield 0.9, Cause("tokens-added", why, facts=facts, tries=tries, guess=guess)
    else:
        why = (
            f"a table of {saved} rows in the file, of {built} in the model: it is another tokenizer, or the vocabulary (the "
            "list of words, users, speakers) was built anew from other data"
        )
        tries = (f"save the vocabulary with the weights and load both; build the embedding with {saved} rows",)
        yield 0.85, Cause("other-vocabulary", why, facts=facts, tries=tries, guess=guess)


def _positions(diffs: list[Diff]) -> Iterator[Scored]:
    """A table of positions is as long as the sequence, or as the image has patches."""
    for diff in diffs:
        if not _POSITION_NAME.search(diff.key) or diff.pair is None:
            continue
        saved, built = diff.pair
        window = [isqrt(size) for size in (saved, built)]
        if "relative" in diff.key and all(side * side == size and side % 2 for side, size in zip(window, (saved, built), strict=True)):
            sides = [(side + 1) // 2 for side in window]
            why = (
                f"{saved} = (2·{sides[0]}-1)² and {built} = (2·{sides[1]}-1)²: windows of {sides[0]}×{sides[0]} in the file, "
                f"of {sides[1]}×{sides[1]} in the model"
            )
            tries: tuple[str, ...] = (f"build the model with `window_size={sides[0]}` and the image size of the checkpoint",)
            yield 0.93, Cause("window-size", why, facts={"window": sides[0], "want": sides[1]}, tries=tries)
            return
        text = re.search(r"wpe|attn\.|tril|mask|freqs|rope|pe$|\.weight$", diff.key) is not None
        for extra in (1, 2, 5) if text else (1, 0, 2, 5):
            grid = [isqrt(max(size - extra, 0)) for size in (saved, built)]
            if all(side > 1 and side * side == size - extra for side, size in zip(grid, (saved, built), strict=True)):
                cls = {0: "", 1: " and a class token", 2: " and 2 tokens more"}.get(extra, f" and {extra} tokens more")
                why = (
                    f"{saved} = {grid[0]}·{grid[0]}{f' + {extra}' if extra else ''} and {built} = "
                    f"{grid[1]}·{grid[1]}{f' + {extra}' if extra else ''}: "
                    f"{grid[0]}×{grid[0]} patches{cls} in the file, {grid[1]}×{grid[1]} in the model "
                    f"(with patches of 16 that is {16 * grid[0]} and {16 * grid[1]} pixels, with 14 {14 * grid[0]} and {14 * grid[1]})"
                )
                tries = (
                    "build the model with the image size and the patch size of the checkpoint",
                    f"or stretch the table before loading: take off the first {extra}, reshape to `[1, {grid[0]}, {grid[0]}, "
                    f"D]`, permute to `[1, D, {grid[0]}, "
                    f"{grid[0]}]`, `F.interpolate(t, size=({grid[1]}, {grid[1]}), mode='bicubic')`, and back (timm does it by "
                    "itself in `load_pretrained`)",
                )
                yield 0.93, Cause("image-size", why, facts={"grid": grid[0], "want": grid[1]}, tries=tries)
                return
        why = f"the table of positions is made for {saved} places in the file and for {built} in the model: another maximal length"
        tries = (
            f"build the model with the checkpoint's length (`max_len`, `block_size`, `max_position_embeddings` = {saved}), or "
            f"cut its table to {built} rows",
        )
        yield 0.88, Cause("sequence-length", why, facts={"length": saved, "want": built}, tries=tries if saved > built else tries[:1])
        return


def _channels(diffs: list[Diff]) -> Iterator[Scored]:
    """The first convolution takes the channels of the image."""
    convs = [diff for diff in diffs if len(diff.file) in (3, 4, 5) and diff.dims == [1] and max(diff.pair or (99,)) <= 64]
    if not convs or convs[0].pair is None:
        return
    saved, built = convs[0].pair
    kinds = {1: "grey images (1 channel)", 3: "RGB images (3 channels)", 4: "4 channels (RGBA, or the latents of Stable Diffusion)"}
    names = [
        kinds.get(size) or (f"{size} channels ({_LATENTS[size]})" if size in _LATENTS else f"{size} channels") for size in (saved, built)
    ]
    change = {
        (3, 1): "or make its weight grey before loading: `saved[key] = saved[key].sum(1, keepdim=True)`",
        (1, 3): "or spread its weight over three channels before loading: `saved[key] = saved[key].repeat(1, 3, 1, 1) / 3`",
    }.get((saved, built))
    tries = (
        [f"build the model for {saved} channels and bring the images to that (`image.convert('{'L' if saved == 1 else 'RGB'}')`)"]
        if saved in (1, 3)
        else []
    )
    tries += [change.replace("key", f'"{convs[0].key}"')] if change else []
    if saved not in (1, 3) or built not in (1, 3):
        tries.append(
            f"take the checkpoint that belongs to a first convolution of {built} channels, or build the model with `in_channels={saved}`"
        )
    named = re.search(r"conv1|conv_in|stem|patch_embed|features\.0|(?:^|\.)0\.|first|inc\.|backbone", convs[0].key) is not None
    yield (
        0.9 if len(convs) <= 2 and (named or saved in kinds) else 0.45,
        Cause(
            "image-channels",
            f"`{convs[0].key}` takes {names[0]} in the file and {names[1]} in the model",
            facts={"channels": saved, "want": built},
            tries=tuple(tries),
        ),
    )


def _layout(diffs: list[Diff]) -> Iterator[Scored]:
    """The same numbers in another order, or with dims of 1."""
    for diff in diffs:
        if _POSITION_NAME.search(diff.key):
            continue
        if sorted(diff.file) == sorted(diff.model) and len(diff.file) > 1:
            how = "the other way round" if diff.file == diff.model[::-1] else "in another order"
            why = (
                f"`{diff.key}` holds the same sizes {how}: the file comes from a layer with another layout (Conv1D of GPT-2, "
                "TensorFlow, a transposed convolution)"
            )
            step = f'`saved["{diff.key}"] = saved["{diff.key}"].t()`' if len(diff.file) == 2 else "permute the dims with `.permute(...)`"
            yield (
                0.9,
                Cause(
                    "transposed",
                    why,
                    tries=(f"turn it before loading, if the layer is meant to be the same: {step}", "or use the class it was saved from"),
                ),
            )
            return
        if [size for size in diff.file if size != 1] == [size for size in diff.model if size != 1]:
            step = f'`saved["{diff.key}"] = saved["{diff.key}"].reshape({tuple(diff.model)})`'
            tries: tuple[str, ...] = (
                f"{step} before loading gives the same numbers",
                "or load it with the version of the code that saved it",
            )
            if {len(diff.file), len(diff.model)} == {2, 4}:
                why = f"`{diff.key}` differs only by dims of 1: a convolution of kernel 1 on one side is a linear layer on the other"
                yield 0.9, Cause("conv-or-linear", why, tries=tries)
            else:
                yield 0.9, Cause("dims-of-one", f"`{diff.key}` differs only by dims of 1", tries=tries)
            return
        if len(diff.file) >= 3 and diff.dims and diff.dims[0] >= 2 and len(diffs) <= 3:
            kernel, want = diff.file[2:], diff.model[2:]
            why = f"`{diff.key}` has a kernel of {'×'.join(map(str, kernel))} in the file and of {'×'.join(map(str, want))} in the model"
            tries = (f"build that layer with `kernel_size={kernel[0] if len(set(kernel)) == 1 else tuple(kernel)}`",)
            small = {tuple(kernel), tuple(want)} == {(7, 7), (3, 3)}
            guess = "medium confidence: 7×7 is the stem of an ImageNet ResNet, 3×3 that of one for CIFAR" if small else ""
            yield 0.88, Cause("kernel-size", why, tries=tries, guess=guess)
            return


def _classes(diffs: list[Diff]) -> Iterator[Scored]:
    """The last layer differs, in its outputs."""
    inside = {(diff.file[1], diff.model[1]) for diff in diffs if 1 in diff.dims and len(diff.file) in (2, 4)}  # what the next layer takes
    rows = [diff for diff in diffs if diff.dims == [0] and diff.pair not in inside]
    heads = [diff for diff in rows if _HEAD_NAME.search(diff.module)]
    named = bool(heads)
    if not named and len(rows) == len(diffs):
        alone = len({diff.module for diff in rows}) == 1 and sorted(len(diff.file) for diff in rows) in ([1, 2], [1, 4], [2], [4])
        heads = rows if (alone and not re.search("emb", rows[0].key)) or _grid_head(rows) else []
    modules = list(dict.fromkeys(diff.module for diff in heads))
    weights = [diff for diff in heads if len(diff.file) >= 2]
    table = {diff.pair for diff in rows if len(diff.file) == 2 and diff not in heads}  # an embedding of as many rows: a vocabulary
    if not weights or len(modules) > 6 or weights[0].pair in table:
        return
    first = weights[0]
    saved, built = first.pair or (0, 0)
    facts: dict[str, object] = {"classes": saved, "want": built}
    guess = f"{_NUMBER_ALONE} ({saved}: {_CLASSES[saved]})" if saved in _CLASSES else ""
    only = "only " if len(heads) == len(diffs) else ""
    if _grid_head(heads):
        facts = {"classes": saved // 3 - 5, "want": built // 3 - 5}
        why = (
            f"{saved} = 3·(5 + {saved // 3 - 5}) and {built} = 3·(5 + {built // 3 - 5}): a YOLO head for "
            f"{saved // 3 - 5} classes in the file, for {built // 3 - 5} in the model"
        )
        guess = _NUMBER_ALONE
    else:
        why = f"{only}the outputs of `{modules[0]}` differ: the checkpoint was trained for {saved} classes, the model is built for {built}"
    tries = (
        f"to train it on for {facts['want']}: build the model with {facts['classes']}, load, then replace the "
        f"head{_new_head(modules, first)}",
        f"to use it as it was trained: build the model with {facts['classes']}",
    )
    yield 0.94 if named and only else 0.8, Cause("other-classes", why, facts=facts, tries=tries, guess=guess)


def _grid_head(heads: list[Diff]) -> bool:
    """Three anchors in each place of a map, each with 4 sides, 1 score and the classes."""
    pairs = {diff.pair for diff in heads}
    saved, built = next(iter(pairs), None) or (0, 0)
    return len(pairs) == 1 and saved % 3 == built % 3 == 0 and min(saved, built) >= 18 and any(diff.file[2:] == [1, 1] for diff in heads)


def _new_head(modules: list[str], weight: Diff) -> str:
    if len(modules) > 1 or not modules[0]:
        return ""
    path = "".join(f"[{part}]" if part.isdigit() else f".{part}" for part in modules[0].split("."))
    outputs, inputs, *kernel = [weight.model[0], *weight.file[1:]]
    if not kernel:
        return f": `model{path} = nn.Linear({inputs}, {outputs})`"
    return f": `model{path} = nn.Conv2d({inputs}, {outputs}, {kernel[0]})`" if len(kernel) == 2 else ""


def _environment(diffs: list[Diff]) -> Iterator[Scored]:
    """Reinforcement learning: the first layer takes observations, the last gives actions."""
    named = [diff for diff in diffs if re.search(r"policy|value_net|action_net|q_net|actor|critic|mlp_extractor", diff.key) and diff.pair]
    if len(named) != len(diffs) or not named:
        return
    said = [(diff.pair, "observations") for diff in named if diff.dims == [1]][:1] + [
        (diff.pair, "actions") for diff in named if diff.dims == [0]
    ][-1:]
    parts = [f"{pair[0]} {noun} in the file and {pair[1]} in the model" for pair, noun in said if pair]
    if parts and all(len(diff.dims) == 1 for diff in named):
        tries = ("build the agent for the environment that it was trained in (`env.observation_space`, `env.action_space`)",)
        yield 0.85, Cause("other-environment", f"{', '.join(parts)}: the agent was trained in another environment", tries=tries)


def _conditioning(diffs: list[Diff]) -> Iterator[Scored]:
    """Cross-attention takes the width of the text encoder."""
    keys = [diff for diff in diffs if re.search(r"(?:to_k|to_v|attn2\.)", diff.key) and diff.dims == [1] and diff.pair]
    if keys and keys[0].pair:
        saved, built = keys[0].pair
        names = [f"{size} ({_TEXT_WIDTHS[size]})" if size in _TEXT_WIDTHS else f"{size}" for size in (saved, built)]
        why = (
            f"the cross-attention takes text of width {names[0]} in the file and {names[1]} in the model: they belong to "
            "different base models"
        )
        guess = "high confidence, widths of the text encoders" if saved in _TEXT_WIDTHS and built in _TEXT_WIDTHS else ""
        yield (
            0.92,
            Cause(
                "other-base-model",
                why,
                facts={"width": saved, "want": built},
                tries=("take the file that is made for this base model",),
                guess=guess,
            ),
        )


def _recurrent(diffs: list[Diff]) -> Iterator[Scored]:
    """Gates times the hidden size: 4 in an LSTM, 3 in a GRU."""
    gates = [diff for diff in diffs if re.search(r"weight_[ih]h", diff.key) and diff.pair and len(diff.file) == 2]
    if not gates or gates[0].pair is None:
        return
    saved, built = gates[0].pair
    hidden = next((diff for diff in gates if "weight_hh" in diff.key and diff.file[1] and diff.model[1]), None)
    kinds = {1: "an RNN", 3: "a GRU", 4: "an LSTM"}
    if hidden:
        old, new = ((shape[0] // shape[1], shape[1]) for shape in (hidden.file, hidden.model))
        name = "lstm-or-gru" if old[0] != new[0] else "hidden-size"
        parts = [f"{kinds.get(gate, 'a layer')} of hidden size {size} ({gate}·{size} rows)" for gate, size in (old, new)]
        why = f"the file holds {parts[0]}, the model {parts[1]}"
    else:
        why, name = f"the recurrent layer takes {saved} features in the file and {built} in the model", "input-size"
    yield 0.93, Cause(name, why, tries=("build the recurrent layer with the kind, input size and hidden size that it was saved with",))


def _flat(diffs: list[Diff]) -> Iterator[Scored]:
    """One linear layer differs in its inputs only."""
    linear = [diff for diff in diffs if diff.dims == [1] and len(diff.file) == 2]
    if len(linear) != len(diffs) or len(diffs) > 2 or linear[0].pair is None:
        return
    saved, built = linear[0].pair
    changes = [one for one in numbers.size_changes(saved, built) if one.score >= _LIKELY]
    why = f"`{linear[0].key}` takes {saved} features in the file and {built} in the model"
    if changes:
        why += (
            f": {saved} = {changes[0].got} and {built} = {changes[0].want} would be maps of {_by(changes[0].got)} and "
            f"{_by(changes[0].want)}, other images"
        )
    tries = (f"build that layer for {saved} features, and give the model images (or columns) as it was trained with",)
    yield 0.82, Cause("input-size", why, facts={"features": saved, "want": built}, tries=tries)


def _by(maps: numbers.Maps) -> str:
    return f"{maps.sides[0]}×{maps.sides[1]}"


def _variant(diffs: list[Diff], missing: list[str], unexpected: list[str], best: float) -> Iterator[Scored]:
    """Many layers differ: the same architecture in another size, or another one."""
    pairs = Counter(
        (saved, built) for diff in diffs for saved, built in zip(diff.file, diff.model, strict=False) if diff.dims and saved != built
    )
    extra = any(".conv3." in key for key in (*missing, *unexpected)) and any("layer" in diff.key for diff in diffs)
    if extra:
        deep, flat = ("checkpoint", "model") if any(".conv3." in key for key in unexpected) else ("model", "checkpoint")
        why = f"the {deep} has blocks of three convolutions, the {flat} of two: ResNet-50 and deeper against ResNet-18 or 34"
        yield (
            0.95,
            Cause(
                "other-variant", why, tries=("build the ResNet that the file was saved from",), guess="high confidence, names of the blocks"
            ),
        )
        return
    if not pairs:
        if best < _LIKELY:
            yield _LIKELY, Cause("other-configuration", "the model is built otherwise than the one that was saved")
        return
    (saved, built), often = pairs.most_common(1)[0]
    known = [fingerprints.width(size) if size >= 128 else None for size in (saved, built)]
    names = [f"{size} ({name})" if name else f"{size}" for size, name in zip((saved, built), known, strict=True)]
    low, high = sorted((saved, built))
    factor = f", {high // low} times as wide" if low and high % low == 0 else ""
    ratios = {saved / built for saved, built in pairs if built}
    same = " by the same factor everywhere" if len(ratios) == 1 and len(pairs) > 1 else ""
    why = (
        f"{names[0]} in the file stands against {names[1]} in the model in {often} "
        f"place{'s' if often > 1 else ''}{same}{factor}: it is another size of the model"
    )
    guess = f"{known[0].confidence} confidence, from the widths alone" if known[0] and known[1] else ""
    tries = (
        f"build the model as it was saved (width {saved}): the same variant, the same `hidden_size`, `width`, `base_channels`, `embed_dim`",
    )
    if sum(bool(re.search(r"lora|to_[kv]\.|attn2|_[ih]h_l", diff.key)) for diff in diffs) * 2 > len(diffs):
        return
    many = len(diffs) >= 4 and (often >= 3 or len(pairs) >= 3)
    score = (0.86 if len(diffs) >= 8 else 0.7) if many else 0.3
    if score < _LIKELY <= best or (best > score and all(diff.dims == [0] for diff in diffs)):
        return
    yield (
        max(score, _LIKELY if best < _LIKELY else 0.0),
        Cause("other-variant", why, facts={"width": saved, "want": built}, tries=tries, guess=guess),
    )


_HYPOTHESES = (
    _sharded,
    _packed,
    _adapter,
    _vocabulary,
    _positions,
    _channels,
    _layout,
    _classes,
    _environment,
    _conditioning,
    _recurrent,
    _flat,
)
