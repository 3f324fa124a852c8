"""Models of timm and transformers as small programs: built from a configuration, without weights, looked at and trained for one step."""

from __future__ import annotations

from collections.abc import Iterator

from bench.quiet_programs import Program, package

# --- timm ----------------------------------------------------------------------------------------------------------------------

# name of the model → what `create_model` is given beyond the classes; the pixels stand behind it.
TIMM = {
    "resnet10t": ("", 64),
    "resnetv2_50": ("", 64),
    "seresnet18": ("", 64),
    "skresnet18": ("", 64),
    "res2net50_14w_8s": ("", 64),
    "resnest14d": ("", 64),
    "dla34": ("", 64),
    "densenet121": ("", 64),
    "vgg11_bn": ("", 64),
    "efficientnet_b0": ("", 64),
    "tf_efficientnetv2_b0": ("", 64),
    "mobilenetv3_small_050": ("", 64),
    "mobilenetv4_conv_small": ("", 64),
    "mnasnet_small": ("", 64),
    "ghostnet_050": ("", 64),
    "lcnet_050": ("", 64),
    "hardcorenas_a": ("", 64),
    "regnetx_002": ("", 64),
    "repvgg_a0": ("", 64),
    "mobileone_s0": ("", 64),
    "rexnet_100": ("", 64),
    "hrnet_w18_small": ("", 64),
    "selecsls42": ("", 64),
    "vovnet39a": ("", 64),
    "nfnet_l0": ("", 64),
    "convnext_atto": ("", 64),
    "convnextv2_atto": ("", 64),
    "inception_next_tiny": ("", 64),
    "edgenext_xx_small": ("", 64),
    "fastvit_t8": ("", 64),
    "efficientvit_b0": ("", 64),
    "efficientvit_m0": ("", 224),
    "repvit_m1": ("", 64),
    "mobilevit_xxs": ("", 64),
    "mobilevitv2_050": ("", 64),
    "levit_128s": ("", 224),
    "vit_tiny_patch16_224": (", img_size=64", 64),
    "deit_tiny_distilled_patch16_224": (", img_size=64", 64),
    "deit3_small_patch16_224": (", img_size=64", 64),
    "beit_base_patch16_224": (", img_size=64", 64),
    "cait_xxs24_224": (", img_size=64", 64),
    "xcit_nano_12_p16_224": (", img_size=64", 64),
    "crossvit_tiny_240": ("", 240),
    "convit_tiny": (", img_size=64", 64),
    "coat_tiny": (", img_size=64", 64),
    "tnt_s_patch16_224": (", img_size=64", 64),
    "pit_ti_224": ("", 224),
    "pvt_v2_b0": ("", 64),
    "swin_tiny_patch4_window7_224": (", img_size=112", 112),
    "swinv2_tiny_window8_256": (", img_size=64", 64),
    "twins_pcpvt_small": (", img_size=64", 64),
    "visformer_tiny": ("", 224),
    "volo_d1_224": (", img_size=64", 64),
    "poolformer_s12": ("", 64),
    "focalnet_tiny_srf": ("", 64),
    "mixer_s32_224": (", img_size=64", 64),
    "gmlp_s16_224": (", img_size=64", 64),
    "resmlp_12_224": (", img_size=64", 64),
    "maxvit_rmlp_pico_rw_256": (", img_size=128", 128),
    "coatnet_pico_rw_224": ("", 224),
    "gcvit_xxtiny": (", img_size=224", 224),
    "davit_tiny": ("", 64),
    "eva02_tiny_patch14_224": (", img_size=56", 56),
}
_TIMM = """\
import timm
import torch
from torch import nn

torch.manual_seed(0)
model = timm.create_model("{name}", pretrained=False, num_classes=10{more})
images = torch.randn(2, 3, {pixels}, {pixels})
labels = torch.randint(0, 10, (2,))

model.eval()
with torch.no_grad():
    print(model(images).softmax(dim=-1).max(dim=-1))

model.train()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
loss = criterion(model(images), labels)
optimizer.zero_grad()
loss.backward()
optimizer.step()
print(loss.item())
"""


def timm() -> Iterator[Program]:
    """Raises `ModuleNotFoundError` where timm is not installed."""
    package("timm")
    for name, (more, pixels) in TIMM.items():
        yield Program("timm", name, f"{name}.py", _TIMM.format(name=name, more=more, pixels=pixels))


# --- transformers --------------------------------------------------------------------------------------------------------------

# What goes into the models, and what they learn.
_TOKENS = "input_ids=torch.randint(5, 100, (2, 12)), attention_mask=torch.ones(2, 12, dtype=torch.long)"
_IMAGES = "pixel_values=torch.randn(2, 3, {pixels}, {pixels})"
_CLASSES = "labels = torch.tensor([0, 2])"
_EACH_TOKEN = "labels = torch.randint(0, 3, (2, 12))"
_NEXT = 'labels = inputs["input_ids"].clone()'
_PIXELS = "labels = torch.randint(0, 3, (2, {pixels}, {pixels}))"

# Settings that many share.
_BERT = "vocab_size=100, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64, max_position_embeddings=64"
_LLAMA = "vocab_size=100, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2"
_VIT = "image_size=32, patch_size=8, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64"
_SPEECH = (
    "hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64, conv_dim=(32, 32, 32), conv_kernel=(10, 3, 3), "
    "conv_stride=(5, 2, 2), num_conv_pos_embeddings=16, num_conv_pos_embedding_groups=4, vocab_size=30"
)
_WAVES = "input_values=torch.randn(2, 4000)"
_SEQ2SEQ = (
    "vocab_size=100, d_model=32, encoder_layers=2, decoder_layers=2, encoder_attention_heads=4, decoder_attention_heads=4, "
    "encoder_ffn_dim=64, decoder_ffn_dim=64, max_position_embeddings=64"
)


def _of(config: str, model: str, settings: str, inputs: str = _TOKENS, labels: str = _CLASSES, pixels: int = 32) -> tuple[str, ...]:
    return config, model, settings, inputs.format(pixels=pixels), labels.format(pixels=pixels)


TRANSFORMERS = {
    "bert": _of("BertConfig", "BertForSequenceClassification", f"{_BERT}, num_labels=3"),
    "bert, masked words": _of("BertConfig", "BertForMaskedLM", _BERT, labels=_NEXT),
    "bert, each token": _of("BertConfig", "BertForTokenClassification", f"{_BERT}, num_labels=3", labels=_EACH_TOKEN),
    "roberta": _of("RobertaConfig", "RobertaForSequenceClassification", f"{_BERT}, num_labels=3"),
    "albert": _of("AlbertConfig", "AlbertForSequenceClassification", f"{_BERT}, embedding_size=16, num_labels=3"),
    "electra": _of("ElectraConfig", "ElectraForSequenceClassification", f"{_BERT}, embedding_size=16, num_labels=3"),
    "deberta": _of(
        "DebertaConfig", "DebertaForSequenceClassification", f'{_BERT}, relative_attention=True, pos_att_type=["p2c", "c2p"], num_labels=3'
    ),
    "deberta v2": _of(
        "DebertaV2Config",
        "DebertaV2ForSequenceClassification",
        f'{_BERT}, relative_attention=True, pos_att_type=["p2c", "c2p"], num_labels=3',
    ),
    "distilbert": _of(
        "DistilBertConfig",
        "DistilBertForSequenceClassification",
        "vocab_size=100, dim=32, n_layers=2, n_heads=4, hidden_dim=64, max_position_embeddings=64, num_labels=3",
    ),
    "mobilebert": _of(
        "MobileBertConfig",
        "MobileBertForSequenceClassification",
        f"{_BERT}, embedding_size=32, intra_bottleneck_size=32, num_labels=3",
    ),
    "mpnet": _of("MPNetConfig", "MPNetForSequenceClassification", f"{_BERT}, num_labels=3"),
    "modernbert": _of("ModernBertConfig", "ModernBertForSequenceClassification", f"{_BERT}, pad_token_id=0, num_labels=3"),
    "convbert": _of("ConvBertConfig", "ConvBertForSequenceClassification", f"{_BERT}, embedding_size=32, num_labels=3"),
    "roformer": _of("RoFormerConfig", "RoFormerForSequenceClassification", f"{_BERT}, num_labels=3"),
    "longformer": _of(
        "LongformerConfig", "LongformerForSequenceClassification", f"{_BERT}, attention_window=4, pad_token_id=1, num_labels=3"
    ),
    "funnel": _of(
        "FunnelConfig",
        "FunnelForSequenceClassification",
        "vocab_size=100, block_sizes=[1, 1], d_model=32, n_head=4, d_head=8, d_inner=64, num_labels=3",
    ),
    "xlnet": _of(
        "XLNetConfig", "XLNetForSequenceClassification", "vocab_size=100, d_model=32, n_layer=2, n_head=4, d_inner=64, num_labels=3"
    ),
    "fnet": _of("FNetConfig", "FNetForSequenceClassification", f"{_BERT}, num_labels=3", "input_ids=torch.randint(5, 100, (2, 12))"),
    "gpt2": _of("GPT2Config", "GPT2LMHeadModel", "vocab_size=100, n_embd=32, n_layer=2, n_head=4, n_positions=64", labels=_NEXT),
    "gpt2, classes": _of(
        "GPT2Config",
        "GPT2ForSequenceClassification",
        "vocab_size=100, n_embd=32, n_layer=2, n_head=4, n_positions=64, pad_token_id=0, num_labels=3",
    ),
    "gpt neox": _of("GPTNeoXConfig", "GPTNeoXForCausalLM", _BERT, labels=_NEXT),
    "gptj": _of(
        "GPTJConfig", "GPTJForCausalLM", "vocab_size=100, n_embd=32, n_layer=2, n_head=4, rotary_dim=4, n_positions=64", labels=_NEXT
    ),
    "bloom": _of("BloomConfig", "BloomForCausalLM", "vocab_size=100, hidden_size=32, n_layer=2, n_head=4", labels=_NEXT),
    "opt": _of(
        "OPTConfig",
        "OPTForCausalLM",
        "vocab_size=100, hidden_size=32, word_embed_proj_dim=32, ffn_dim=64, num_hidden_layers=2, num_attention_heads=4",
        labels=_NEXT,
    ),
    "llama": _of("LlamaConfig", "LlamaForCausalLM", _LLAMA, labels=_NEXT),
    "mistral": _of("MistralConfig", "MistralForCausalLM", _LLAMA, labels=_NEXT),
    "mixtral": _of("MixtralConfig", "MixtralForCausalLM", f"{_LLAMA}, num_local_experts=4", labels=_NEXT),
    "qwen2": _of("Qwen2Config", "Qwen2ForCausalLM", _LLAMA, labels=_NEXT),
    "gemma": _of("GemmaConfig", "GemmaForCausalLM", f"{_LLAMA}, head_dim=8", labels=_NEXT),
    "phi": _of("PhiConfig", "PhiForCausalLM", _LLAMA, labels=_NEXT),
    "falcon": _of(
        "FalconConfig", "FalconForCausalLM", "vocab_size=100, hidden_size=32, num_hidden_layers=2, num_attention_heads=4", labels=_NEXT
    ),
    "mamba": _of("MambaConfig", "MambaForCausalLM", "vocab_size=100, hidden_size=32, state_size=4, num_hidden_layers=2", labels=_NEXT),
    "t5": _of(
        "T5Config",
        "T5ForConditionalGeneration",
        "vocab_size=100, d_model=32, d_kv=8, d_ff=64, num_layers=2, num_heads=4, decoder_start_token_id=0",
        labels=_NEXT,
    ),
    "bart": _of("BartConfig", "BartForConditionalGeneration", _SEQ2SEQ, labels=_NEXT),
    "marian": _of("MarianConfig", "MarianMTModel", f"{_SEQ2SEQ}, pad_token_id=0, eos_token_id=1, decoder_start_token_id=0", labels=_NEXT),
    "pegasus": _of("PegasusConfig", "PegasusForConditionalGeneration", _SEQ2SEQ, labels=_NEXT),
    "vit": _of("ViTConfig", "ViTForImageClassification", f"{_VIT}, num_labels=3", _IMAGES),
    "deit": _of("DeiTConfig", "DeiTForImageClassification", f"{_VIT}, num_labels=3", _IMAGES),
    "beit": _of("BeitConfig", "BeitForImageClassification", f"{_VIT}, num_labels=3", _IMAGES),
    "dinov2": _of("Dinov2Config", "Dinov2ForImageClassification", f"{_VIT}, num_labels=3", _IMAGES),
    "vit mae": _of(
        "ViTMAEConfig",
        "ViTMAEForPreTraining",
        f"{_VIT}, decoder_hidden_size=32, decoder_num_hidden_layers=1, decoder_num_attention_heads=4, decoder_intermediate_size=64",
        _IMAGES,
        "",
    ),
    "swin": _of(
        "SwinConfig",
        "SwinForImageClassification",
        "image_size=32, patch_size=2, embed_dim=16, depths=[1, 2], num_heads=[2, 4], window_size=4, num_labels=3",
        _IMAGES,
    ),
    "convnext": _of(
        "ConvNextConfig",
        "ConvNextForImageClassification",
        "hidden_sizes=[8, 16, 24, 32], depths=[1, 1, 1, 1], num_labels=3",
        _IMAGES,
        pixels=64,
    ),
    "resnet": _of(
        "ResNetConfig",
        "ResNetForImageClassification",
        "embedding_size=8, hidden_sizes=[16, 32], depths=[1, 1], num_labels=3",
        _IMAGES,
        pixels=64,
    ),
    "mobilevit": _of(
        "MobileViTConfig",
        "MobileViTForImageClassification",
        "image_size=64, hidden_sizes=[16, 24, 32], neck_hidden_sizes=[8, 8, 16, 16, 24, 32, 64], num_labels=3",
        _IMAGES,
        pixels=64,
    ),
    "levit": _of(
        "LevitConfig",
        "LevitForImageClassification",
        "image_size=64, hidden_sizes=[16, 32, 48], num_attention_heads=[2, 2, 2], depths=[1, 1, 1], key_dim=[8, 8, 8], num_labels=3",
        _IMAGES,
        pixels=64,
    ),
    "poolformer": _of(
        "PoolFormerConfig",
        "PoolFormerForImageClassification",
        "hidden_sizes=[8, 16, 24, 32], depths=[1, 1, 1, 1], num_labels=3",
        _IMAGES,
        pixels=64,
    ),
    "segformer": _of(
        "SegformerConfig",
        "SegformerForSemanticSegmentation",
        "hidden_sizes=[8, 16, 24, 32], depths=[1, 1, 1, 1], num_attention_heads=[1, 2, 2, 4], decoder_hidden_size=32, num_labels=3",
        _IMAGES,
        _PIXELS,
        pixels=64,
    ),
    "clip": _of(
        "CLIPConfig",
        "CLIPModel",
        "text_config=dict(vocab_size=100, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64, "
        "eos_token_id=99), "
        f"vision_config=dict({_VIT}), projection_dim=16",
        f"{_TOKENS}, {_IMAGES}, return_loss=True",
        "",
    ),
    "siglip": _of(
        "SiglipConfig",
        "SiglipModel",
        "text_config=dict(vocab_size=100, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64), "
        f"vision_config=dict({_VIT})",
        f"input_ids=torch.randint(5, 100, (2, 12)), {_IMAGES}, return_loss=True",
        "",
    ),
    "vilt": _of(
        "ViltConfig",
        "ViltForQuestionAnswering",
        f"{_BERT}, image_size=32, patch_size=8, num_labels=3",
        f"{_TOKENS}, {_IMAGES}",
        "labels = torch.rand(2, 3)",
    ),
    "detr": _of(
        "DetrConfig",
        "DetrForObjectDetection",
        "use_timm_backbone=False, use_pretrained_backbone=False, backbone=None, "
        'backbone_config=ResNetConfig(embedding_size=8, hidden_sizes=[16, 32], depths=[1, 1], out_features=["stage2"]), '
        "d_model=32, num_queries=5, encoder_layers=1, decoder_layers=1, encoder_attention_heads=4, decoder_attention_heads=4, "
        "encoder_ffn_dim=64, decoder_ffn_dim=64, num_labels=3",
        _IMAGES,
        "labels = [dict(class_labels=torch.tensor([1]), boxes=torch.tensor([[0.5, 0.5, 0.2, 0.3]])) for _ in range(2)]",
        pixels=64,
    ),
    "wav2vec2": _of("Wav2Vec2Config", "Wav2Vec2ForCTC", _SPEECH, _WAVES, "labels = torch.randint(1, 30, (2, 6))"),
    "hubert": _of("HubertConfig", "HubertForCTC", _SPEECH, _WAVES, "labels = torch.randint(1, 30, (2, 6))"),
    "whisper": _of(
        "WhisperConfig",
        "WhisperForConditionalGeneration",
        "vocab_size=100, d_model=32, encoder_layers=2, decoder_layers=2, encoder_attention_heads=4, decoder_attention_heads=4, "
        "encoder_ffn_dim=64, decoder_ffn_dim=64, num_mel_bins=16, max_source_positions=50, max_target_positions=64, pad_token_id=0, "
        "bos_token_id=1, eos_token_id=2, decoder_start_token_id=3",
        "input_features=torch.randn(2, 16, 100)",
        "labels = torch.randint(5, 100, (2, 12))",
    ),
    "audio spectrogram": _of(
        "ASTConfig",
        "ASTForAudioClassification",
        "hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64, patch_size=8, frequency_stride=8, "
        "time_stride=8, max_length=64, num_mel_bins=16, num_labels=3",
        "input_values=torch.randn(2, 64, 16)",
    ),
    "time series": _of(
        "PatchTSTConfig",
        "PatchTSTForPrediction",
        "num_input_channels=2, context_length=32, prediction_length=8, patch_length=8, patch_stride=8, d_model=16, num_attention_heads=4, "
        "num_hidden_layers=2, ffn_dim=32",
        "past_values=torch.randn(2, 32, 2), future_values=torch.randn(2, 8, 2)",
        "",
    ),
}
_PROGRAM = """\
import torch
import torch.nn.functional as F
from transformers import {names}

torch.manual_seed(0)
config = {config}({settings})
model = {model}(config)
inputs = dict({inputs})
{labels}
model.eval()
with torch.no_grad():
    print(type(model(**inputs{seen})).__name__)

model.train()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
{loss}
optimizer.zero_grad()
loss.backward()
optimizer.step()
print(loss.item())
"""
# A part of the models learns by its own loss, a part by one that the program takes of the scores.
_OWN = "loss = model(**inputs{labels}).loss"
_OF_CLASSES = "loss = F.cross_entropy(model(**inputs).logits, labels)"
_OF_WORDS = """\
logits = model(**inputs).logits[:, :-1]
loss = F.cross_entropy(logits.reshape(-1, config.vocab_size), labels[:, 1:].reshape(-1))"""


def transformers() -> Iterator[Program]:
    """Raises `ModuleNotFoundError` where transformers is not installed."""
    package("transformers")
    for name, (config, model, settings, inputs, labels) in TRANSFORMERS.items():
        names = sorted({config, model, *(["ResNetConfig"] if "ResNetConfig(" in settings else [])})
        given = ", labels=labels" if labels else ""
        source = _PROGRAM.format(
            names=", ".join(names),
            config=config,
            model=model,
            settings=settings,
            inputs=inputs,
            labels=f"{labels}\n" if labels else "",
            # a decoder begins with the words that it is to say
            seen=given if model.endswith(("ConditionalGeneration", "MTModel")) else "",
            loss=_loss(model, given),
        )
        yield Program("transformers", name, f"{name.replace(', ', '_').replace(' ', '_')}.py", source)


def _loss(model: str, labels: str) -> str:
    if model.endswith("ForSequenceClassification"):
        return _OF_CLASSES
    return _OF_WORDS if model.endswith("ForCausalLM") else _OWN.format(labels=labels)
