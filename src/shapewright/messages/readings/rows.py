"""Why tables have other rows in a checkpoint than in the model: words of a vocabulary, places of a sequence or an image, classes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from math import isqrt

from shapewright.messages.readings.diffs import HEAD, NUMBER_ALONE, POSITION, VOCABULARY, Diff
from shapewright.messages.readings.scored import Scored
from shapewright.messages.template import Cause

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

# ---------------------------------------------------------------------------------------------------------------- words


def vocabulary(diffs: list[Diff]) -> Iterator[Scored]:
    """Rows of an embedding and of the layer that gives scores for them."""
    rows = [diff for diff in diffs if diff.dims == [0] and not POSITION.search(diff.key)]
    tables = [diff for diff in rows if len(diff.file) == 2]
    shared = len(rows) == len(diffs) and len({diff.pair for diff in rows}) == 1 and len(tables) == 2  # the embedding, and the scores
    rows = rows if shared else [diff for diff in rows if VOCABULARY.search(diff.key)]
    if not rows or rows[0].pair is None or "token_type" in rows[0].key:
        return
    saved, built = rows[0].pair
    names = "; ".join(f"{size}: {_VOCABULARIES[size]}" for size in (saved, built) if size in _VOCABULARIES)
    yield _words(rows[0].key, saved, built, f"{NUMBER_ALONE} ({names})" if names else "")


def _words(key: str, saved: int, built: int, guess: str) -> Scored:
    language = bool(re.search(r"embed_tokens|\bwte|word_embed|lm_head|shared\.weight|embed_in|predictions|tok_embed", key))
    more, facts = abs(saved - built), {"vocabulary": saved, "want": built}
    rows = f"{more} more row{'s' if more > 1 else ''}"
    first = f"`model.resize_token_embeddings({saved})` before loading (or build it with `vocab_size={saved}`)"
    less, padded = sorted((saved, built))
    if 16 < more <= 1024 and less > 1000 and padded % 64 == 0 and less % 64:
        why = f"{padded} is a multiple of 64, the other is {more} rows shorter: a padded table meets one cut to the tokenizer's {less}"
        tries: tuple[str, ...] = (f"do not resize the embedding to `len(tokenizer)`; {first}",)
        return 0.92, Cause("padded-vocabulary", why, facts=facts, tries=tries, guess=guess)
    if language and saved > built and more <= 512:
        why = f"the file has {rows} than the model: tokens were added before it was trained (a pad token, special tokens)"
        tries = (first, "take the tokenizer that was saved with the checkpoint")
        return 0.92, Cause("tokens-added", why, facts=facts, tries=tries, guess=guess)
    if language and more <= 512:
        why = f"the model has {rows} than the file: tokens were added to the model before the old weights were loaded"
        tries = ("load first, then add: `model.resize_token_embeddings(len(tokenizer))` after the weights are in",)
        return 0.9, Cause("tokens-added", why, facts=facts, tries=tries, guess=guess)
    why = (
        f"a table of {saved} rows in the file, of {built} in the model: it is another tokenizer, or the vocabulary (the "
        "list of words, users, speakers) was built anew from other data"
    )
    tries = (f"save the vocabulary with the weights and load both; build the embedding with {saved} rows",)
    return 0.85, Cause("other-vocabulary", why, facts=facts, tries=tries, guess=guess)


# --------------------------------------------------------------------------------------------------------------- places


def positions(diffs: list[Diff]) -> Iterator[Scored]:
    """A table of positions is as long as the sequence, or as the image has patches. The first table speaks for all."""
    diff = next((diff for diff in diffs if diff.pair and POSITION.search(diff.key)), None)
    if diff is None or diff.pair is None:
        return
    saved, built = diff.pair
    yield _window(diff.key, saved, built) or _grid(diff.key, saved, built) or _length(saved, built)


def _window(key: str, saved: int, built: int) -> Scored | None:
    """Swin: the table of a window of side s has (2s-1)² rows."""
    roots = [isqrt(max(size, 0)) for size in (saved, built)]
    if "relative" not in key or not all(root * root == size and root % 2 for root, size in zip(roots, (saved, built), strict=True)):
        return None
    old, new = ((root + 1) // 2 for root in roots)
    why = f"{saved} = (2·{old}-1)² and {built} = (2·{new}-1)²: windows of {old}×{old} in the file, of {new}×{new} in the model"
    tries = (f"build the model with `window_size={old}` and the image size of the checkpoint",)
    return 0.93, Cause("window-size", why, facts={"window": old, "want": new}, tries=tries)


def _grid(key: str, saved: int, built: int) -> Scored | None:
    """A vision transformer: one row for each patch, and some for tokens that are no patch."""
    text = re.search(r"wpe|attn\.|tril|mask|freqs|rope|pe$|\.weight$", key) is not None
    for extra in (1, 2, 5) if text else (1, 0, 2, 5):
        old, new = (isqrt(max(size - extra, 0)) for size in (saved, built))
        if min(old, new) > 1 and old * old == saved - extra and new * new == built - extra:
            cls = {0: "", 1: " and a class token"}.get(extra, f" and {extra} tokens more")
            plus = f" + {extra}" if extra else ""
            why = (
                f"{saved} = {old}·{old}{plus} and {built} = {new}·{new}{plus}: {old}×{old} patches{cls} in the file, {new}×{new} in the "
                f"model (with patches of 16 that is {16 * old} and {16 * new} pixels, with 14 {14 * old} and {14 * new})"
            )
            first = f"take off the first {extra}, " if extra else ""
            stretch = (
                f"or stretch the table before loading: {first}reshape to `[1, {old}, {old}, D]`, permute to `[1, D, {old}, {old}]`, "
                f"`F.interpolate(t, size=({new}, {new}), mode='bicubic')`, and back (timm does it by itself in `load_pretrained`)"
            )
            tries = ("build the model with the image size and the patch size of the checkpoint", stretch)
            return 0.93, Cause("image-size", why, facts={"grid": old, "want": new}, tries=tries)
    return None


def _length(saved: int, built: int) -> Scored:
    why = f"the table of positions is made for {saved} places in the file and for {built} in the model: another maximal length"
    step = f"build the model with the checkpoint's length (`max_len`, `block_size`, `max_position_embeddings` = {saved})"
    if saved > built:
        step += f", or cut its table to {built} rows"
    return 0.88, Cause("sequence-length", why, facts={"length": saved, "want": built}, tries=(step,))


# -------------------------------------------------------------------------------------------------------------- classes


def classes(diffs: list[Diff]) -> Iterator[Scored]:
    """The last layer differs, in its outputs."""
    inside = {(diff.file[1], diff.model[1]) for diff in diffs if 1 in diff.dims and len(diff.file) in (2, 4)}  # what the next layer takes
    rows = [diff for diff in diffs if diff.dims == [0] and diff.pair not in inside]
    heads = [diff for diff in rows if HEAD.search(diff.module)]
    named = bool(heads)
    if not named and len(rows) == len(diffs):
        alone = len({diff.module for diff in rows}) == 1 and sorted(len(diff.file) for diff in rows) in ([1, 2], [1, 4], [2], [4])
        heads = rows if (alone and not re.search("emb", rows[0].key)) or _anchored(rows) else []
    modules = list(dict.fromkeys(diff.module for diff in heads))
    weights = [diff for diff in heads if len(diff.file) >= 2]
    table = {diff.pair for diff in rows if len(diff.file) == 2 and diff not in heads}  # an embedding of as many rows: a vocabulary
    if weights and len(modules) <= 6 and weights[0].pair not in table:
        only = len(heads) == len(diffs)
        yield 0.94 if named and only else 0.8, _other_classes(modules, weights[0], anchored=_anchored(heads), only=only)


def _other_classes(modules: list[str], first: Diff, *, anchored: bool, only: bool) -> Cause:
    saved, built = first.pair or (0, 0)
    if anchored:
        old, new = saved // 3 - 5, built // 3 - 5
        why = f"{saved} = 3·(5 + {old}) and {built} = 3·(5 + {new}): a YOLO head for {old} classes in the file, for {new} in the model"
        guess = NUMBER_ALONE
    else:
        old, new = saved, built
        these = f"{'only ' if only else ''}the outputs of `{modules[0]}` differ"
        why = f"{these}: the checkpoint was trained for {saved} classes, the model is built for {built}"
        guess = f"{NUMBER_ALONE} ({saved}: {_CLASSES[saved]})" if saved in _CLASSES else ""
    tries = (
        f"to train it on for {new}: build the model with {old}, load, then replace the head{_new_head(modules, first)}",
        f"to use it as it was trained: build the model with {old}",
    )
    return Cause("other-classes", why, facts={"classes": old, "want": new}, tries=tries, guess=guess)


def _anchored(heads: list[Diff]) -> bool:
    """YOLO: three anchors in each place of a map, each with 4 sides, 1 score and the classes."""
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
