"""Messages of the models of transformers, timm and torchvision, as text: these libraries are not among what the tests need."""

PROVOKED = ()

OLD = (
    (
        "hf-mask",
        "ValueError: Attention mask should be of size (1, 1, 1, 21), but is torch.Size([1, 1, 1, 20])",
        {"got_shape": [1, 1, 1, 20], "want_shape": [1, 1, 1, 21], "got": 20, "want": 21, "dim": 3},
    ),
    ("hf-weights", "Attention weights should be of size (16, 1, 30), but is torch.Size([16, 1, 29])", {"got": 29, "want": 30}),
    ("hf-output", "`attn_output` should be of size (2, 12, 7, 64), but is torch.Size([4, 12, 7, 64])", {"got": 4, "want": 2, "dim": 0}),
    (
        "hf-image-tokens",
        "ValueError: Image features and image tokens do not match: tokens: 256, features 1024",
        {"tokens": 256, "features": 1024},
    ),
    (
        "hf-image-tokens",
        "ValueError: Image features and image tokens do not match, tokens: 0, features: 576",
        {"tokens": 0, "features": 576},
    ),
    ("hf-image-size", "ValueError: Input image size (128*128) doesn't match model (224*224).", {"got": 128, "want": 224}),
    (
        "hf-image-size",
        "ValueError: Input image size (256*300) doesn't match model (224*224).",
        {"got_shape": [256, 300], "want_shape": [224, 224]},
    ),
    ("timm-image-side", "AssertionError: Input height (256) doesn't match model (224).", {"side": "height", "got": 256, "want": 224}),
    ("timm-image-side", "AssertionError: Input image width (256) doesn't match model (224).", {"side": "width", "got": 256, "want": 224}),
    ("torchvision-image-side", "AssertionError: Wrong image height! Expected 224 but got 256!", {"got": 256, "want": 224}),
    ("patch-size", "AssertionError: Input height (250) should be divisible by patch size (16).", {"got": 250, "patch": 16}),
    ("patch-size", "AssertionError: Input shape indivisible by patch size!", {}),
    (
        "vit-rank",
        "AssertionError: Expected (batch_size, seq_length, hidden_dim) got torch.Size([2, 3, 224, 224])",
        {"shape": [2, 3, 224, 224]},
    ),
    (
        "hf-channels",
        "ValueError: Make sure that the channel dimension of the pixel values match with the one set in the configuration. "
        "Expected 3 but got 1.",
        {"got": 1, "want": 3},
    ),
    (
        "hf-mask-rank",
        "ValueError: Wrong shape for input_ids (shape torch.Size([10])) or attention_mask (shape torch.Size([10]))",
        {"shape": [10], "mask_shape": [10]},
    ),
    (
        "sequence-too-long",
        "Sequence length must be less than max_position_embeddings (got `sequence length`: 93 and max_position_embeddings: 77",
        {"got": 93, "want": 77},
    ),
    ("sequence-too-long", "AssertionError: Cannot forward sequence of length 300, block size is only 256", {"got": 300, "want": 256}),
    (
        "mel-length",
        "Whisper expects the mel input features to be of length 3000, but found 2500. Make sure to pad the input mel features to 3000.",
        {"got": 2500, "want": 3000},
    ),
)
