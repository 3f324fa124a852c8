"""Messages of the models of transformers, timm and torchvision: image sizes, places for images in a text, masks beside a cache."""

from __future__ import annotations

from dataclasses import replace
from math import isqrt

from shapewright.messages.template import Cause, Found, Reading, Template, plain, told

_SLUG = "attention-dim"


def _pixels(found: Found) -> Reading:
    """A vision transformer is built for one image size."""
    got, want = found.shape("got_shape"), found.shape("want_shape")
    shown = [f"{shape[0]}×{shape[-1]}" for shape in (got, want)]
    facts: dict[str, object] = {"got_shape": got, "want_shape": want, "got": got[0], "want": want[0]}
    why = f"the table of positions of a vision transformer has one entry for each patch of a {shown[1]} image"
    causes = [
        Cause(
            "image-size",
            why,
            likely=True,
            tries=(
                f"bring the images to {shown[1]}: the model's own processor, or `transforms.Resize({(want[0], want[-1])})`",
                "or stretch the positions: `interpolate_pos_encoding=True` (transformers), `dynamic_img_size=True` or "
                "`img_size=...` (timm)",
            ),
        )
    ]
    if got[0] in (1, 3, 4) or got[-1] in (1, 3, 4):
        causes.insert(
            0,
            Cause(
                "channels-last",
                f"one side of {shown[0]} is the channels: the images are [height, width, channels]",
                likely=True,
                tries=("`images.permute(0, 3, 1, 2)`",),
            ),
        )
    return Reading(
        "other-shape-error", f"the model is built for images of {shown[1]} pixels but receives {shown[0]}", "", facts, tuple(causes)
    )


def _starred(found: Found) -> Found:
    """`224*224` as a shape; transformers prints a pair of a pair now and then."""
    sizes: dict[str, int | str | list[int]] = dict(found.values)
    for name in ("got_shape", "want_shape"):
        parts = [int(part) for part in "".join(c if c.isdigit() else " " for c in str(found.values[name])).split()]
        sizes[name] = parts[:2] if parts else [0]
    return replace(found, values=sizes)


def _side(found: Found) -> Reading:
    """The same, told of one side."""
    got, want = found.number("got"), found.number("want")
    side = str(found.values.get("side", "side")).lower()
    cause = Cause(
        "image-size",
        "its table of positions has one entry for each patch of an image of just that size",
        likely=True,
        tries=(
            f"`transforms.Resize(({want}, {want}))` before the model",
            "in timm: build it with `img_size=` your size, or `dynamic_img_size=True`",
        ),
    )
    return Reading(
        "other-shape-error", f"the model is built for images of {side} {want} but receives {side} {got}", "", dict(found.values), (cause,)
    )


def _placeholders(found: Found) -> Reading:
    """Text with places for image tokens, and the features that go there."""
    if not found.known("tokens", "features"):
        return _places(found, ())
    tokens, features = found.number("tokens"), found.number("features")
    causes: list[Cause] = []
    if tokens == 0:
        why = "the text has no place for the image at all: the image token is missing in the prompt, or the chat template was not applied"
        causes.append(
            Cause(
                "no-image-token",
                why,
                likely=True,
                tries=("build the text with `processor.apply_chat_template(...)`, with an image entry in the message",),
            )
        )
    elif tokens < features and features % tokens == 0:
        factor = features // tokens
        side = isqrt(factor)
        merged = f" = {side}², as if patches were not merged {side}×{side}" if side * side == factor and side > 1 else ""
        why = (
            f"there are {factor} times as many features as places{merged}: the processor and the model belong to different "
            "versions or settings"
        )
        causes.append(
            Cause(
                "other-processor",
                why,
                likely=True,
                tries=("load processor and model from the same folder, and bring transformers to the version that the model names",),
            )
        )
        if tokens == 1 or factor in (256, 576, 729):
            why = (
                "the one place in the text was not spread over the patches: the processor did not do it (`patch_size` and "
                "`num_additional_image_tokens` are not set)"
            )
            causes.insert(
                0,
                Cause(
                    "not-expanded",
                    why,
                    likely=True,
                    tries=("set `processor.patch_size = model.config.vision_config.patch_size` and its `vision_feature_select_strategy`",),
                ),
            )
    elif tokens < features:
        why = f"{features - tokens} places are missing: the text was cut (truncation), so that the last image has lost some"
        causes.append(
            Cause(
                "truncated",
                why,
                likely=True,
                tries=(
                    "`truncation=False`, or a larger `max_length`: all image tokens must stay",
                    "smaller images: `max_pixels` or `size` of the processor",
                ),
            )
        )
    elif features == 0 or tokens % max(features, 1) == 0:
        why = (
            f"the text has {tokens} places, the images give {features} features: fewer images than the text speaks of, or "
            "the text was expanded twice"
        )
        causes.append(
            Cause("images-missing", why, likely=True, tries=("pass as many images as the text has; apply the processor once only",))
        )
    return _places(found, tuple(causes))


def _places(found: Found, causes: tuple[Cause, ...]) -> Reading:
    more = Cause(
        "processor-and-model-differ",
        "text and images were prepared by another processor, or with other settings, than the model's",
        likely=not causes,
    )
    numbers = f": {found.values['tokens']} places, {found.values['features']} features" if found.known("tokens", "features") else ""
    return Reading(
        "other-shape-error",
        f"the text has another number of places for image features than the images give{numbers}",
        "",
        dict(found.values),
        (*causes, more),
        ("prepare both in one call: `processor(text=..., images=..., return_tensors='pt')`, without truncation",),
    )


def _cache(found: Found, noun: str) -> Reading:
    """transformers' own checks; the last dim of a mask counts what is in the cache as well."""
    if not found.known("got_shape", "want_shape"):
        return Reading(_SLUG, f"{noun} has other sizes than the model expects", "", dict(found.values))
    got, want = found.shape("got_shape"), found.shape("want_shape")
    causes: list[Cause] = []
    dims = [i for i, (one, other) in enumerate(zip(got, want, strict=False)) if one != other]
    if len(got) == len(want) and dims:
        keys, samples = len(want) - 1 in dims, 0 in dims
        if keys:
            why = (
                f"{want[-1]} keys are there and the mask is for {got[-1]}: with a cache (`past_key_values`) the mask must "
                "cover the past and the new tokens"
            )
            tries = (
                "give `generate` the mask of the whole text, or none",
                "in training: `use_cache=False` (with gradient checkpointing, too)",
            )
            causes.append(Cause("cache-not-counted", why, likely=True, tries=tries))
        if samples:
            why = f"{got[0]} samples (or samples times heads) stand against {want[0]}: beams, guidance or a changed batch"
            causes.append(
                Cause(
                    "other-batch",
                    why,
                    likely=not keys,
                    tries=("repeat the mask as often as the inputs: `mask.repeat_interleave(beams, dim=0)`",),
                )
            )
    causes.append(
        Cause(
            "version",
            "a model file written for another version of transformers",
            likely=not causes,
            tries=("bring transformers to the version that the model's config names",),
        )
    )
    facts: dict[str, object] = {"got_shape": got, "want_shape": want}
    if dims:
        facts |= {"dim": dims[0], "got": got[dims[0]], "want": want[dims[0]]}
    return Reading(_SLUG, f"{noun} should be {told(want)} but is {told(got)}", "", facts, tuple(causes))


def _too_long(found: Found) -> Reading:
    got, want = found.values.get("got", found.values.get("length")), found.values.get("want", found.values.get("block"))
    facts: dict[str, object] = {"got": got, "want": want} if got is not None else {}
    headline = (
        f"the text has {got} tokens, the model has positions for {want}"
        if got is not None
        else "the text is longer than the model has positions for"
    )
    cause = Cause(
        "sequence-too-long",
        "each place in the text needs a row in the table of positions",
        likely=True,
        tries=(
            "cut the text: `tokenizer(text, truncation=True, max_length=...)`, or `idx[:, -block_size:]` while generating",
            "or build the model with more positions",
        ),
    )
    return Reading("embedding-dim", headline, "", facts, (cause,))


_N = r"\d{1,15}"


def _shape(name: str) -> str:
    return rf"(?:torch\.Size\()?[\[(](?P<{name}>[^\])]{{0,120}})[\])]\)?"


TEMPLATES = (
    Template(
        "hf-mask",
        ("attention mask should be of size",),
        rf"Attention mask should be of size {_shape('want_shape')}, but is {_shape('got_shape')}",
        lambda found: _cache(found, "the attention mask"),
    ),
    Template(
        "hf-weights",
        ("attention weights should be of size",),
        rf"Attention weights should be of size {_shape('want_shape')}, but is {_shape('got_shape')}",
        lambda found: _cache(found, "the attention weights"),
    ),
    Template(
        "hf-output",
        ("attn_output` should be of size",),
        rf"attn_output` should be of size {_shape('want_shape')}, but is {_shape('got_shape')}",
        lambda found: _cache(found, "the attention output"),
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
        lambda found: _pixels(_starred(found)),
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
        rf"Expected \(batch_size, seq_length, hidden_dim\) got {_shape('shape')}",
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
        rf"Wrong shape for input_ids \(shape {_shape('shape')}\) or attention_mask \(shape {_shape('mask_shape')}\)",
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
