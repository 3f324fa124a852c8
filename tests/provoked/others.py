"""Messages of einops, PIL, torchvision and matplotlib, as text."""

PROVOKED = ()

OLD = (
    ("image-shape", "TypeError: Invalid shape (3, 32, 32) for image data", {"shape": [3, 32, 32]}),
    ("image-shape", "TypeError: Invalid dimensions for image data", {}),
    ("pil-image", "TypeError: Cannot handle this data type: (1, 1, 3), <f4", {"shape": [1, 1, 3], "dtype": "<f4"}),
    ("pil-dims", "ValueError: pic should be 2/3 dimensional. Got 4 dimensions.", {"rank": 4}),
    ("pil-dims", "ValueError: pic should not have > 4 channels. Got 224 channels.", {"channels": 224}),
    (
        "einops",
        'einops.EinopsError:  Error while processing rearrange-reduction pattern "b c (h p1) (w p2) -> b (h w) (p1 p2 '
        "c)\".\n Input tensor shape: torch.Size([1, 3, 250, 250]). Additional info: {'p1': 16, 'p2': 16}.\n Shape mismatch, "
        "can't divide axis of length 250 in chunks of 16",
        {"shape": [1, 3, 250, 250], "got": 250, "want": 16, "rest": 10, "pattern": "b c (h p1) (w p2) -> b (h w) (p1 p2 c)"},
    ),
    (
        "einops",
        'Error while processing rearrange-reduction pattern "b c h w -> b (h w) c".\n Input tensor shape: torch.Size([3, 32, '
        "32]). Additional info: {}.\n Wrong shape: expected 4 dims. Received 3-dim tensor.",
        {"shape": [3, 32, 32], "got": 3, "want": 4},
    ),
    (
        "einops",
        'Error while processing rearrange-reduction pattern "b n (h d qkv) -> qkv b h n d".\n Input tensor shape: '
        "torch.Size([2, 65, 100]). Additional info: {'h': 8, 'qkv': 3, 'd': 16}.\n Shape mismatch, 100 != 384",
        {"got": 100, "want": 384},
    ),
    ("einops-divide", "Shape mismatch, can't divide axis of length 250 in chunks of 16", {"got": 250, "want": 16}),
)
