"""Messages of the models of transformers, timm and torchvision: image sizes, places for images in a text, masks beside a cache."""

from __future__ import annotations

import re
from math import isqrt

from shapewright.messages.template import Cause, Found, Read, Reading, Template, plain, shape, told

_SLUG = "attention-dim"


def _pixels(found: Found) -> Reading:
    """A vision transformer is built for one image size. transformers prints a pair of a pair now and then: `(224*224)`."""
    got, want = (_starred(str(found.values[name])) for name in ("got_shape", "want_shape"))
    shown = [f"{sides[0]}×{sides[-1]}" for sides in (got, want)]
    why = f"the table of positions of a vision transformer has one entry for each patch of a {shown[1]} image"
    tries = (
        f"bring the images to {shown[1]}: the model's own processor, or `transforms.Resize({(want[0], want[-1])})`",
        "or stretch the positions: `interpolate_pos_encoding=True` (transformers), `dynamic_img_size=True` or `img_size=...` (timm)",
    )
    causes = [Cause("image-size", why, likely=True, tries=tries)]
    if {got[0], got[-1]} & {1, 3, 4}:
        last = f"one side of {shown[0]} is the channels: the images are [height, width, channels]"
        causes.insert(0, Cause("channels-last", last, likely=True, tries=("`images.permute(0, 3, 1, 2)`",)))
    facts: dict[str, object] = {"got_shape": got, "want_shape": want, "got": got[0], "want": want[0]}
    headline = f"the model is built for images of {shown[1]} pixels but receives {shown[0]}"
    return Reading("other-shape-error", headline, "", facts, tuple(causes))


def _starred(text: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d{1,15}", text)][:2] or [0]


def _side(found: Found) -> Reading:
    """The same, told of one side."""
    got, want, side = found.number("got"), found.number("want"), str(found.values["side"]).lower()
    why = "its table of positions has one entry for each patch of an image of just that size"
    tries = (
        f"`transforms.Resize(({want}, {want}))` before the model",
        "in timm: build it with `img_size=` your size, or `dynamic_img_size=True`",
    )
    headline = f"the model is built for images of {side} {want} but receives {side} {got}"
    return Reading("other-shape-error", headline, "", dict(found.values), (Cause("image-size", why, likely=True, tries=tries),))


def _placeholders(found: Found) -> Reading:
    """Text with places for image tokens, and the features that go there."""
    causes: list[Cause] = []
    numbers = ""
    if found.known("tokens", "features"):
        tokens, features = found.number("tokens"), found.number("features")
        causes = _fewer_places(tokens, features) if tokens < features else _more_places(tokens, features)
        numbers = f": {tokens} places, {features} features"
    why = "text and images were prepared by another processor, or with other settings, than the model's"
    return Reading(
        "other-shape-error",
        f"the text has another number of places for image features than the images give{numbers}",
        "",
        dict(found.values),
        (*causes, Cause("processor-and-model-differ", why, likely=not causes)),
        ("prepare both in one call: `processor(text=..., images=..., return_tensors='pt')`, without truncation",),
    )


def _fewer_places(tokens: int, features: int) -> list[Cause]:
    if tokens < 1:
        why = "the text has no place for the image at all: the image token is missing in the prompt, or the chat template was not applied"
        tries: tuple[str, ...] = ("build the text with `processor.apply_chat_template(...)`, with an image entry in the message",)
        return [Cause("no-image-token", why, likely=True, tries=tries)]
    if features % tokens:
        why = f"{features - tokens} places are missing: the text was cut (truncation), so that the last image has lost some"
        tries = (
            "`truncation=False`, or a larger `max_length`: all image tokens must stay",
            "smaller images: `max_pixels` or `size` of the processor",
        )
        return [Cause("truncated", why, likely=True, tries=tries)]
    factor = features // tokens
    side = isqrt(factor)
    merged = f" = {side}², as if patches were not merged {side}×{side}" if side * side == factor and side > 1 else ""
    why = f"there are {factor} times as many features as places{merged}: processor and model belong to different versions or settings"
    tries = ("load processor and model from the same folder, and bring transformers to the version that the model names",)
    causes = [Cause("other-processor", why, likely=True, tries=tries)]
    if tokens == 1 or factor in (256, 576, 729):
        why = (
            "the one place in the text was not spread over the patches: the processor did not do it (`patch_size` and "
            "`num_additional_image_tokens` are not set)"
        )
        step = "set `processor.patch_size = model.config.vision_config.patch_size` and its `vision_feature_select_strategy`"
        causes.insert(0, Cause("not-expanded", why, likely=True, tries=(step,)))
    return causes


def _more_places(tokens: int, features: int) -> list[Cause]:
    if features and tokens % features:
        return []
    why = (
        f"the text has {tokens} places, the images give {features} features: fewer images than the text speaks of, or it was expanded twice"
    )
    tries = ("pass as many images as the text has; apply the processor once only",)
    return [Cause("images-missing", why, likely=True, tries=tries)]


def _cache(noun: str) -> Read:
    """transformers' own checks; the last dim of a mask counts what is in the cache as well."""

    def read(found: Found) -> Reading:
        version = "a model file written for another version of transformers"
        step = "bring transformers to the version that the model's config names"
        if not found.known("got_shape", "want_shape"):
            cause = Cause("version", version, likely=True, tries=(step,))
            return Reading(_SLUG, f"{noun} has other sizes than the model expects", "", dict(found.values), (cause,))
        got, want = found.shape("got_shape"), found.shape("want_shape")
        dims = [i for i, (one, other) in enumerate(zip(got, want, strict=False)) if one != other]
        known = _dims(got, want, dims) if len(got) == len(want) and dims else []
        facts: dict[str, object] = {"got_shape": got, "want_shape": want}
        if dims:
            facts |= {"dim": dims[0], "got": got[dims[0]], "want": want[dims[0]]}
        causes = (*known, Cause("version", version, likely=not known, tries=(step,)))
        return Reading(_SLUG, f"{noun} should be {told(want)} but is {told(got)}", "", facts, causes)

    return read


def _dims(got: list[int], want: list[int], dims: list[int]) -> list[Cause]:
    causes: list[Cause] = []
    if len(want) - 1 in dims:
        why = (
            f"{want[-1]} keys are there and the mask is for {got[-1]}: with a cache (`past_key_values`) the mask must "
            "cover the past and the new tokens"
        )
        tries = ("give `generate` the mask of the whole text, or none", "in training: `use_cache=False` (with gradient checkpointing, too)")
        causes.append(Cause("cache-not-counted", why, likely=True, tries=tries))
    if 0 in dims:
        why = f"{got[0]} samples (or samples times heads) stand against {want[0]}: beams, guidance or a changed batch"
        steps = ("repeat the mask as often as the inputs: `mask.repeat_interleave(beams, dim=0)`",)
        causes.append(Cause("other-batch", why, likely=not causes, tries=steps))
    return causes


def _too_long(found: Found) -> Reading:
    got, want = found.values.get("got", found.values.get("length")), found.values.get("want", found.values.get("block"))
    headline = "the text is longer than the model has positions for"
    if got is not None:
        headline = f"the text has {got} tokens, the model has positions for {want}"
    tries = (
        "cut the text: `tokenizer(text, truncation=True, max_length=...)`, or `idx[:, -block_size:]` while generating",
        "or build the model with more positions",
    )
    cause = Cause("sequence-too-long", "each place in the text needs a row in the table of positions", likely=True, tries=tries)
    return Reading("embedding-dim", headline, "", {"got": got, "want": want} if got is not None else {}, (cause,))


_N = r"\d{1,15}"

TEMPLATES = (
    Template(
        "hf-mask",
        ("attention mask should be of size",),
        rf"Attention mask should be of size {shape('want_shape')}, but is {shape('got_shape')}",
        _cache("the attention mask"),
    ),
    Template(
        "hf-weights",
        ("attention weights should be of size",),
        rf"Attention weights should be of size {shape('want_shape')}, but is {shape('got_shape')}",
        _cache("the attention weights"),
    ),
    Template(
        "hf-output",
        ("attn_output` should be of size",),
        rf"attn_output` should be of size {shape('want_shape')}, but is {shape('got_shape')}",
        _cache("the attention output"),
    ),
    Template(
        "hf-image-tokens",
        ("image features and image tokens do not match", "video features and video tokens do not match"),
        rf"(?:Image|Video) features and (?:image|video) tokens do not match(?:[:,]? ?tokens:? (?P<tokens>{_N}),? features:? "
        rf"(?P<features>{_N}))?",
        _placeholders,
    ),
    Template(
        "hf-image-size",
        ("input image size (",),
        rf"Input image size \((?P<got_shape>{_N}\*{_N})\) doesn't match model \((?P<want_shape>[\d*, ()\[\]]{{1,60}}?)\)",
        _pixels,
    ),
    Template(
        "timm-image-side",
        ("doesn't match model (",),
        rf"Input (?:image )?(?P<side>height|width) \((?P<got>{_N})\) doesn't match model \((?P<want>{_N})\)",
        _side,
    ),
    Template(
        "torchvision-image-side",
        ("wrong image height!", "wrong image width!"),
        rf"Wrong image (?P<side>height|width)! Expected (?P<want>{_N}) but got (?P<got>{_N})!",
        _side,
    ),
    Template(
        "patch-size",
        ("should be divisible by patch size", "input shape indivisible by patch size"),
        rf"Input (?P<side>height|width) \((?P<got>{_N})\) should be divisible by patch size \((?P<patch>{_N})\)|Input shape "
        r"indivisible by patch size",
        plain(
            "other-shape-error",
            ("the {side} of {got} pixels cannot be cut into patches of {patch}", "the image cannot be cut evenly into patches"),
            ("patch-size", "both sides of the image must be multiples of the patch size"),
            tries=(
                "resize or crop to a multiple of {patch}: `transforms.Resize` or `CenterCrop`",
                "or pad: `dynamic_img_pad=True` in timm",
            ),
        ),
    ),
    Template(
        "vit-rank",
        ("expected (batch_size, seq_length, hidden_dim) got",),
        rf"Expected \(batch_size, seq_length, hidden_dim\) got {shape('shape')}",
        plain(
            _SLUG,
            "the encoder expects [batch, length, width] but receives {shape}",
            (
                "not-patched",
                "images or single tokens went into the encoder of a vision transformer; they have to be cut into patches and "
                "projected first",
            ),
            tries=("call the whole model instead of its encoder", "for maps [N, C, H, W]: `x.flatten(2).transpose(1, 2)`"),
        ),
    ),
    Template(
        "hf-channels",
        ("the channel dimension of the pixel values",),
        r"Make sure that the channel dimension of the pixel values match with the one set in the configuration\.(?: Expected "
        rf"(?P<want>{_N}) but got (?P<got>{_N}))?",
        plain(
            "conv-in-channels",
            ("the model expects images of {want} channels but receives {got}", "the model expects images of another number of channels"),
            ("image-channels", "grey images have 1 channel, RGB 3, PNG with transparency 4"),
            ("channels-last", "the images are [height, width, channels], and a side is read as the channels"),
            tries=(
                "`image.convert('RGB')` when the images are opened",
                "`images.permute(0, 3, 1, 2)` for channels last",
                "or build the model with `num_channels={got}`",
            ),
        ),
    ),
    Template(
        "hf-mask-rank",
        ("wrong shape for input_ids",),
        rf"Wrong shape for input_ids \(shape {shape('shape')}\) or attention_mask \(shape {shape('mask_shape')}\)",
        plain(
            _SLUG,
            "the model expects token numbers [batch, length] and a mask of 2 or 3 dims but receives {shape} and {mask_shape}",
            (
                "batch-dim-missing",
                "one text without its batch dim, or one dim too many from a dataset whose items were already [1, length]",
            ),
            tries=(
                "`.unsqueeze(0)` for a single text, `.squeeze(1)` for [batch, 1, length]: `return_tensors='pt'` inside a "
                "dataset adds that dim",
            ),
        ),
    ),
    Template(
        "sequence-too-long",
        ("must be less than max_position_embeddings", "block size is only", "block size is exhausted"),
        rf"Sequence length must be less than max_position_embeddings \(got `sequence length`: (?P<got>{_N}) and "
        rf"max_position_embeddings: (?P<want>{_N})"
        rf"|Cannot forward sequence of length (?P<length>{_N}), block size is only (?P<block>{_N})|Cannot forward, model block "
        r"size is exhausted",
        _too_long,
    ),
    Template(
        "mel-length",
        ("mel input features to be of length",),
        rf"expects the mel input features to be of length (?P<want>{_N}), but found (?P<got>{_N})",
        plain(
            "other-shape-error",
            "the model expects {want} frames of mel features but receives {got}",
            ("not-padded", "Whisper takes audio of exactly 30 seconds: shorter clips are padded, longer ones cut or split"),
            tries=(
                "leave the padding to the processor: `processor(audio, sampling_rate=16000, return_tensors='pt')` without `padding=False`",
            ),
        ),
    ),
)
