"""Messages of convolutions and transposed convolutions: channels, rank, kernel, groups, bias, stride, padding, output size."""

from __future__ import annotations

from shapewright.messages.readings import convolving as read
from shapewright.messages.readings.images import NUMBER, shape
from shapewright.messages.template import Template, plain

_ANY = r"[^ ,\]]{1,40}"
_WEIGHT = r"\[?(?P<weight_shape>\d[\w, ]{0,120}?)\]?"
_WEIGHTS = ("look at the weight: [out, in/groups, …kernel]; `out` must be a multiple of the groups",)
TEMPLATES = (
    Template(
        "conv-channels",
        ("channels, but got", "weight of size", "so expected input["),
        rf"Given (?:groups=(?P<groups>\d{{1,9}})|transposed=(?P<transposed>\d)), (?:so )?weight(?: of size)? ?{_WEIGHT}, "
        r"(?:so )?expected input ?"
        rf"\[(?P<input_shape>[^\]]{{0,200}})\] to have (?P<want>{_ANY}) channels, but got (?P<got>{_ANY}) channels",
        read.channels,
        cut=rf"Given (?:groups=(?P<groups>\d{{1,9}})|transposed=(?P<transposed>\d)), (?:so )?weight(?: of size)? ?{_WEIGHT}, "
        r"(?:so )?expected input ?"
        rf"\[(?P<input_shape>[^\]]{{0,200}})\]",
    ),
    Template(
        "conv-channels-bare",
        ("invalid channel dimensions",),
        r"Invalid channel dimensions",
        plain(
            "conv-in-channels",
            "{layer} receives another number of channels than it was built for",
            ("wrong-constant", "dim 1 of the input is not the layer's in_channels (this wording, of the meta device, names no sizes)"),
            ("grey-image", "grey images meet a layer for RGB images, or the other way round"),
            ("channels-last", "the channels stand last, as numpy and PIL keep images: `x.permute(0, 3, 1, 2)`"),
            tries=("print `x.shape` and the layer in the line before", "run the same line on the CPU: there the message names the sizes"),
        ),
    ),
    Template(
        "conv-channels-ancient",
        ("need input.size[",),
        rf"Need input\.size\[1\] == (?P<want>{NUMBER}) but got (?P<got>{NUMBER})",
        plain(
            "conv-in-channels",
            "{layer} expects {want} input channels but receives {got}",
            ("wrong-constant", "what comes has {got} channels, and the layer is built for {want}"),
            ("grey-image", "1 for 3 or 3 for 1: grey images meet a layer for RGB images, or the other way round"),
            ("channels-last", "the channels may stand last: then `x.permute(0, 3, 1, 2)`"),
            tries=("print `x.shape` in the line before the layer: dim 1 must be {want}",),
        ),
    ),
    Template(
        "conv-rank",
        ("(unbatched) or",),
        (
            rf"Expected (?P<unbatched>\d)D \(unbatched\) or (?P<batched>\d)D \(batched\) input to (?P<layer>\w{{1,60}}), but "
            rf"got input of size: ?{shape('shape')}"
        ),
        read.rank,
    ),
    Template(
        "conv-rank-old",
        ("-dimensional input for",),
        (
            rf"Expected (?P<want_rank>\d)-dimensional input for \d-dimensional weight {_WEIGHT}, but got (?P<rank>\d{{1"
            rf",2}})-dimensional input of size {shape('shape')}"
        ),
        read.rank,
    ),
    Template(
        "conv-kernel-size",
        ("greater than actual input size",),
        r"Calculated (?P<padded>padded )?input size per channel: \((?P<map_shape>[^)]{1,120})\)\. Kernel size: "
        r"\((?P<kernel_shape>[^)]{1,120})\)\. "
        r"Kernel size can't (?:be )?greater than actual input size",
        read.kernel,
    ),
    Template(
        "conv-output-size",
        ("output size per channel",),
        r"(?:Given|Calculated) (?P<padded>padded )?input size per channel: [(\[](?P<map_shape>[^)\]]{1,120})[)\]]\. "
        r"(?:Kernel size: [(\[](?P<kernel_shape>[^)\]]{1,120})[)\]]\. )?"
        r"Calculated output size per channel: [(\[](?P<out_shape>[^)\]]{1,120})[)\]]\. Output size is too small",
        read.kernel,
    ),
    Template(
        "conv-transposed-empty",
        ("could not construct a memory descriptor",),
        r"could not construct a memory descriptor using a format tag",
        plain(
            "other-shape-error",
            "{layer} would give out a map without a size, or receives one",
            ("padding-too-large", "a transposed convolution takes its `padding` away from what it gives out: nothing is left"),
            ("empty-map", "a dim of the input is 0"),
            tries=(
                (
                    "print `x.shape` in the line before; out = (in - 1)·stride - 2·padding + dilation·(kernel - 1) + "
                    "output_padding + 1 must be above 0"
                ),
                "run it with `torch.backends.mkldnn.flags(enabled=False)` around: then the message names the sizes",
            ),
        ),
        vague=True,
    ),
    Template(
        "conv-groups-divide",
        ("_channels must be divisible by groups",),
        r"(?P<what>in_channels|out_channels) must be divisible by groups",
        plain(
            "other-shape-error",
            "the {what} of {layer} cannot be split into its groups equally",
            ("groups-do-not-divide", "with groups the {what} are cut into equal parts: groups must divide them without a rest"),
            ("depthwise", "a depthwise layer has groups = in_channels, and out_channels is that number or a multiple of it"),
            tries=(
                "take a number of groups that divides in_channels and out_channels (`math.gcd(in_channels, out_channels)` always does)",
            ),
        ),
    ),
    Template(
        "conv-groups-positive",
        ("groups must be a positive", "non-positive groups"),
        r"groups must be a positive integer|non-positive groups is not supported",
        plain(
            "other-shape-error",
            "{layer} has a number of groups below 1",
            (
                "groups-reckoned-wrongly",
                "the groups are reckoned, and came out as 0: a division such as `channels // 32` of a small number",
            ),
            tries=("print the number: `groups=1` is an ordinary convolution",),
        ),
    ),
    Template(
        "conv-groups-weight",
        ("expected weight to be divisible", "expected weight to be at least"),
        (
            rf"Given groups=(?P<groups>{NUMBER}), expected weight to be (?:divisible by {NUMBER}|at least {NUMBER}) at "
            rf"dimension 0, but got weight of size \[?{shape('weight_shape')}"
        ),
        plain(
            "other-shape-error",
            "{layer} cannot split the out channels of its weight {weight_shape} into {groups} equal groups",
            ("groups-do-not-divide", "dim 0 of the weight is the number of out channels, and it must be a multiple of {groups}"),
            tries=(*_WEIGHTS, "for one filter on each of C channels: a weight [C, 1, …kernel] and `groups=C`"),
        ),
    ),
    Template(
        "conv-bias",
        ("expected bias to be",),
        (
            rf"Given (?:transposed=\d, )?weight of size {_WEIGHT}, expected bias to be 1-dimensional with (?P<want>{NUMBER}) "
            rf"elements, but got bias of size \[?(?P<bias_shape>[\d, ]{{0,80}})\]?"
        ),
        plain(
            "other-shape-error",
            "{layer} gives out {want} channels but its bias is {bias_shape}",
            ("bias-of-another-layer", "the bias holds one number for each channel that the layer gives out: {want}, in one dim"),
            tries=("take the bias that belongs to this weight, as a vector: `bias.reshape(-1)`", "or leave it out: `bias=None`"),
        ),
    ),
    Template(
        "conv-values",
        ("to match the convolution dimensions",),
        (
            r"expected (?P<what>\w{1,30}) to be a single integer value or a list of (?P<want>\d{1,3}) values to match the "
            r"convolution dimensions, but got \w{1,30}=\[(?P<values_shape>[^\]]{0,80})\]"
        ),
        read.listed,
    ),
    Template(
        "conv-weight-rank",
        ("weight should have at least",),
        r"weight should have at least (?:three|\d) dimensions",
        plain(
            "other-shape-error",
            "{layer} receives a weight without kernel dims",
            ("flat-weight", "the weight must be [out, in/groups, …kernel]: 3 dims for conv1d, 4 for conv2d, 5 for conv3d"),
            tries=("print `weight.shape`; a single 2-d filter is `weight[None, None]`, that is [1, 1, height, width]",),
        ),
    ),
    Template(
        "conv-negative-padding",
        ("negative padding is not",),
        r"negative padding is not supported",
        plain(
            "other-shape-error",
            "the padding of {layer} is below 0",
            ("padding-reckoned-wrongly", "the padding is reckoned from kernel and stride, and came out below 0"),
            tries=("keep it at 0 at the least: `padding=max(0, padding)`", "to take pixels off, slice the input: `x[..., 1:-1, 1:-1]`"),
        ),
    ),
    Template(
        "conv-stride-positive",
        ("non-positive stride",),
        r"non-positive stride is not supported",
        plain(
            "other-shape-error",
            "the stride of {layer} is below 1",
            (
                "stride-reckoned-wrongly",
                "the stride is reckoned, and came out as 0: a division such as `in_size // out_size` of a small size",
            ),
            tries=("keep it at 1 at the least: `stride=max(1, stride)`", "for an output of a given size take `nn.AdaptiveAvgPool2d(size)`"),
        ),
    ),
    Template(
        "kernel-positive",
        ("should be greater than zero, but got",),
        r"(?P<what>kernel[_ ]size|dilation|stride) should be greater than zero, but got",
        plain(
            "other-shape-error",
            "the {what} of {layer} is below 1",
            ("size-reckoned-wrongly", "it is reckoned, and came out as 0: a division such as `size // 8` of a small size"),
            tries=("print it in the line before; it is 1 at the least",),
        ),
    ),
    Template(
        "conv-same-stride",
        ("is not supported for strided convolutions",),
        r"padding='same' is not supported for strided convolutions",
        plain(
            "other-shape-error",
            "{layer} has padding='same' and a stride above 1, which PyTorch does not offer together",
            (
                "same-from-keras",
                (
                    "'same' keeps the size, and a stride makes it smaller: PyTorch refuses both at once, Keras reckons the padding "
                    "from the input"
                ),
            ),
            tries=("give the padding as a number: `padding=kernel_size // 2` gives out ceil(size / stride) for odd kernels",),
        ),
    ),
    Template(
        "conv-transposed-output",
        ("but valid sizes range from",),
        rf"requested an output size of {shape('want_shape')}, but valid sizes range from \[(?P<low_shape>[^\]]{{0"
        rf",80}})\] to \[(?P<high_shape>[^\]]{{0,80}})\]"
        rf"(?: \(for an input of {shape('input_shape')})?",
        read.output,
    ),
    Template(
        "conv-transposed-output-rank",
        ("input, output_size must have",),
        r"ConvTranspose(?P<n>\d)D: for (?P<rank>\d)D input, output_size must have (?P<want>\d) or \d elements \(got (?P<got>\d{1,3})\)",
        plain(
            "other-shape-error",
            "{layer} slides over {n} dims but its output_size has {got} numbers",
            ("output-size-of-another-rank", "output_size is the height and width (the last {n} dims), or the whole size of the batch"),
            tries=("give the size of the map that it shall match: `output_size=skip.size()`",),
        ),
    ),
    Template(
        "conv-transposed-output-padding",
        ("output padding must be smaller",),
        (
            r"output padding must be smaller than either stride or dilation(?:, but got output_padding_(?:depth: "
            r"(?P<depth>\d{1,9}) output_padding_)?height: (?P<height>\d{1,9}) output_padding_width: (?P<width>\d{1,9}))?"
        ),
        plain(
            "other-shape-error",
            (
                "the output_padding of {layer} ({height} and {width}) must be less than its stride or dilation",
                "the output_padding of {layer} must be less than its stride or dilation",
            ),
            (
                "output-padding-too-large",
                "output_padding chooses among the sizes that the stride leaves open: with stride 2 it is 0 or 1, with stride 1 only 0",
            ),
            tries=("take `output_padding=stride - 1` at the most; for another size pad or resize what comes out",),
        ),
    ),
    Template(
        "conv-tbc",
        (
            "time, batch, in_channel",
            "(input channels) is not ==",
            "bias size must equal dim",
            "dims: kernel_width",
        ),
        r"Input must have 3 dims: time, batch, in_channel|Weight tensor must have 3 dims: kernel_width, in_channels, out_channels"
        r"|Input dim 2 \(input channels\) is not == dim 1 in the weight tensor|Bias size must equal dim 2 in the weight tensor",
        plain(
            "other-shape-error",
            "`conv_tbc` receives an input, weight or bias of another shape than it takes",
            ("other-order", "it takes an input [time, batch, in], a weight [kernel, in, out] and a bias [out]: the channels stand last"),
            tries=(
                "print the three shapes in the line before",
                "`nn.Conv1d` takes [batch, in, time] and a weight [out, in, kernel] instead",
            ),
        ),
    ),
)
