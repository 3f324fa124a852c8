"""Messages of pooling, unpooling, fold and unfold, and of maps without a pixel."""

from __future__ import annotations

from shapewright.messages.readings import pooling as read
from shapewright.messages.readings.images import NUMBER, shape
from shapewright.messages.template import Found, Template, plain

_INDICES = "take the indices of the pooling of the same level: `x, indices = pool(x)` with `return_indices=True`, used in the reverse order"
TEMPLATES = (
    Template(
        "pool-window",
        ("output size is too small",),
        (
            r"Given input size: ?\((?P<map_shape>[-\dx ]{1,80})\)\. Calculated output size: ?\((?P<out_shape>[-\dx ]{1"
            r",80})\)\. Output size is too small"
        ),
        read.window,
        cut=r"Given input size: ?\((?P<map_shape>[-\dx ]{1,80})\)\. Calculated output size: ?\((?P<out_shape>[-\dx ]{1,80})\)",
    ),
    Template(
        "pool-window-length",
        ("invalid computed output size",),
        rf"max_pool1d\(\) Invalid computed output size: (?P<out>{NUMBER})",
        read.length,
    ),
    Template(
        "pool-window-3d",
        ("smaller than kernel size",),
        (
            r"input image \((?P<input>T: ?\d{1,9} H: ?\d{1,9} W: ?\d{1,9})\) smaller than kernel size \((?P<kernel>kT: ?\d{1"
            r",9} kH: ?\d{1,9} kW: ?\d{1,9})\)"
        ),
        read.kernel3,
    ),
    Template(
        "pool-window-fractional",
        ("too large relative to input",),
        (
            r"(?:pool|kernel) (?P<side>height|width|time|depth) (?P<want>\d{1,9}) (?:is )?too large relative to input \w{1"
            r",10} (?P<got>\d{1,9})"
        ),
        plain(
            "conv-kernel-too-large",
            "the windows of {layer} do not fit: {want} along the {side} of {got}",
            ("output-size-too-large", "window + output size - 1 may be no more than the {side} of the input, {got}"),
            tries=("take a smaller window or a smaller `output_size`", "print `x.shape` in the line before"),
        ),
    ),
    Template(
        "pool-rank",
        ("d tensor, but got", "(batch mode) tensor with", "(batch mode) tensor for input", "(batch mode) tensor, but got"),
        (
            rf"(?:(?P<name>\w{{1,40}})(?:\(\))?: ?)?Expected (?P<unbatched>\d)D or (?P<want_rank>\d)D (?:\(batch mode\) "
            rf")?tensor\b[^:\[(]{{0,120}}, but got:? ?(?:{shape('shape')}|(?P<rank>\d))"
        ),
        read.rank,
    ),
    Template(
        "pool-rank-bare",
        ("tensor expected for input",),
        (
            r"(?:non-empty )?(?:(?P<unbatched>\d)D or )?(?P<want_rank>\d)D \(batch mode\) tensor expected for input(?: with "
            rf"channels_last layout)?(?:, but got:? ?{shape('shape')})?"
        ),
        read.rank,
    ),
    Template(
        "pool-rank-1d",
        ("(while checking arguments for", "input tensor must have"),
        r"Expected (?:2 to )?3(?: dimensions|-dimensional tensor), but got (?P<rank>\d{1,2})-dimensional tensor for "
        r"argument #\d '\w{1,20}' \(while checking arguments for (?P<name>\w{1,30}pool1d)\)"
        r"|(?P<pool>max_pool1d)\(\) input tensor must have 2 or 3 dimensions but got (?P<rank_>\d{1,2})",
        lambda found: read.one_dim(
            found if "rank" in found else Found({"rank": found.values["rank_"], "name": "max_pool1d"}, found.text, found.context)
        ),
    ),
    Template(
        "pool-padding",
        ("half of effective kernel size", "half of kernel size"),
        (
            r"pad(?:ding)? should be (?:at most|smaller than(?: or equal to)?) half of (?:effective )?kernel size(?:, but "
            r"got pad(?:ding)?=(?P<got>\d{1,9})(?:,| and) kernel_size=(?P<want>\d{1,9}))?"
        ),
        plain(
            "other-shape-error",
            ("{layer} pads by {got}, more than half of its window of {want}", "{layer} pads by more than half of its window"),
            (
                "padding-too-large",
                "a window that lies wholly in the padding has nothing to pool: padding may be half of the window at the most",
            ),
            ("arguments-swapped", "the numbers may stand in another order: (kernel_size, stride, padding)"),
            tries=("take `padding=kernel_size // 2` at the most", "to pad more, pad the input: `F.pad(x, …)` before"),
        ),
    ),
    Template(
        "pool-values",
        (
            "must either be a single int",
            "must either be omitted, a single int",
            "must be either a single int",
            "must be a single int, or a tuple",
            "must be omitted, a single int",
        ),
        (
            r"(?P<name>\w{1,30}pool\dd): (?P<what>kernel_size|stride|padding|dilation|output_size) must (?:either )?be "
            r"(?:either )?(?:omitted, )?a single int,? or (?:a )?tuple of (?P<want>\w{1,8}) ints"
        ),
        plain(
            "other-shape-error",
            "the {what} of {layer} is to be one number or {want}, for `{name}`",
            ("values-of-another-rank", "the {what} has as many numbers as another rank of pooling takes: `{name}` slides over {want} dims"),
            tries=("give one number, or {want}", "or take the pooling of the rank that the numbers are for"),
        ),
    ),
    Template(
        "pool-values-1d",
        ("should contain one int", "list of ints or tuple of ints of size"),
        (
            r"(?P<name>\w{1,30}pool1d)\(\) (?:argument )?'?(?P<what>\w{1,20})'? (?:should contain one int \(got|must be an "
            r"int, list of ints or tuple of ints of size 1 but got size) (?P<got>\d{1,3})"
        ),
        plain(
            "other-shape-error",
            "the {what} of {layer} has {got} numbers, and `{name}` slides over one dim",
            ("values-of-another-rank", "{got} numbers are for a pooling over {got} dims"),
            tries=("give one number, or take the pooling of that rank",),
        ),
    ),
    Template(
        "pool-output-values",
        ("output_size must be", "output_size.size() must be"),
        r"(?P<name>adaptive_\w{1,10}_pool\dd)(?:\(\))?: (?:internal error: )?output_size(?:\.size\(\))? must be (?P<want>\d)",
        plain(
            "other-shape-error",
            "the output_size of {layer} must have {want} numbers, for `{name}`",
            (
                "values-of-another-rank",
                "the output_size has as many numbers as another rank of pooling takes: `{name}` gives out {want} sides",
            ),
            tries=("give one number for all sides, or {want}",),
        ),
    ),
    Template(
        "pool-stride-zero",
        ("stride should not be zero", "stride must be greater than zero", "kernel_size must be greater than zero"),
        r"stride should not be zero|(?P<name>max_pool1d)\(\) (?P<what>stride|kernel_size) must be greater than zero, but got -?\d{1,9}",
        plain(
            "other-shape-error",
            ("the {what} of {layer} is below 1", "the stride of {layer} is 0"),
            (
                "window-reckoned-wrongly",
                (
                    "window or stride are reckoned, and came out as 0: a division such as `in_size // out_size` of a small size "
                    "(the stride is the window when none is given)"
                ),
            ),
            tries=(
                "print them in the line before",
                "for an output of a given size take `nn.AdaptiveAvgPool2d(size)`: it reckons them itself",
            ),
        ),
    ),
    Template(
        "pool-padding-negative",
        ("pad must be non-negative", "padding must be non-negative"),
        r"(?:pad must be non-negative, but got pad:|max_pool1d\(\) padding must be non-negative, but got) (?P<got>-?\d{1,9})",
        plain(
            "other-shape-error",
            "the padding of {layer} is below 0: {got}",
            ("padding-reckoned-wrongly", "the padding is reckoned from window and stride, and came out below 0"),
            tries=("keep it at 0 at the least: `padding=max(0, padding)`",),
        ),
    ),
    Template(
        "pool-empty",
        ("non-zero size for non-batch", "dimensions to have positive length"),
        rf"Expected \w{{1,20}} to have non-zero size for non-batch dimensions, but (?:\w{{1,20}} has sizes|got) "
        rf"?{shape('shape')} with dimension (?P<dim>\d{{1,2}}) (?:being )?empty"
        rf"|Expected \w{{1,20}}'s non-batch dimensions to have positive length, but \w{{1,20}} has a shape of {shape('other_shape')}",
        lambda found: read.hollow(found if "shape" in found else Found({"shape": found.values["other_shape"]}, found.text, found.context)),
    ),
    Template(
        "pool-output-negative",
        ("elements of output_size must be",),
        r"elements of output_size must be greater than or equal to 0",
        plain(
            "other-shape-error",
            "the output_size of {layer} is below 0",
            ("output-size-reckoned-wrongly", "the output size is reckoned, and came out below 0; -1 does not mean 'as it is' here"),
            tries=("`None` keeps a side as it is: `nn.AdaptiveAvgPool2d((None, 7))`",),
        ),
    ),
    Template(
        "unpool-indices",
        ("expected shape of indices",),
        (
            rf"Expected shape of indices to be same as that of the input tensor \({shape('input_shape')}\)? but got indices "
            rf"tensor with shape: ?{shape('indices_shape')}"
        ),
        plain(
            "other-shape-error",
            "the input of {layer} is {input_shape} but its indices are {indices_shape}",
            ("indices-of-another-level", "each unpooling takes the indices of the pooling that it undoes: the last first"),
            ("channels-changed", "or a convolution between them changed the number of channels"),
            tries=(_INDICES,),
        ),
    ),
    Template(
        "unpool-size",
        ("invalid output_size",),
        r"invalid output_size \"(?P<asked>[^\"]{1,80})\" \(dim (?P<dim>\d) must be between (?P<low>-?\d{1,9}) and (?P<high>-?\d{1,9})\)",
        plain(
            "other-shape-error",
            "{layer} cannot make {asked}: in dim {dim} it must lie between {low} and {high}",
            ("size-of-another-level", "the asked size is not that of the map before the pooling that is undone (both bounds are excluded)"),
            tries=("keep the size before the pooling: `size = x.size()`, then `unpool(x, indices, output_size=size)`",),
        ),
    ),
    Template(
        "unpool-size-rank",
        ("output_size should be a sequence",),
        r"output_size should be a sequence containing (?P<want>\d) or \d elements, but it has a length of '(?P<got>\d{1,3})'",
        plain(
            "other-shape-error",
            "the output_size of {layer} has {got} numbers where it takes {want}",
            ("size-of-another-rank", "output_size is the sides of the map ({want} numbers), or the whole size of the batch"),
            tries=("keep the size before the pooling: `size = x.size()`, then `unpool(x, indices, output_size=size)`",),
        ),
    ),
    Template(
        "unpool-index",
        ("invalid max index",),
        r"Found an invalid max index: ?(?P<index>-?\d{1,18})(?: \(output volumes are of size (?P<out_shape>[\dx ]{1,60})\))?",
        plain(
            "other-shape-error",
            (
                "{layer} receives the index {index}, which lies outside the {out_shape} map that it makes",
                "{layer} receives the index {index}, which lies outside the map that it makes",
            ),
            ("odd-size", "the map before the pooling had an odd side, and the unpooling makes one less: give it the size"),
            ("indices-of-another-level", "or the indices belong to another pooling, of a larger map"),
            tries=("keep the size before the pooling: `size = x.size()`, then `unpool(x, indices, output_size=size)`", _INDICES),
        ),
    ),
    Template(
        "unpool-rank",
        ("input to max_unpooling",),
        (
            r"Input to max_unpooling(?P<n>\d)d should be a \dd or (?P<want_rank>\d)d Tensor, but got a tensor with "
            r"(?P<rank>\d{1,2}) dimensions"
        ),
        plain(
            "other-shape-error",
            "{layer} expects {want_rank} dims, or one less for one sample, but receives {rank}",
            (
                "unpooling-of-another-rank",
                "the input has the dims of another rank of unpooling (a 1-d unpooling adds a dim of its own to what is counted here)",
            ),
            tries=("print `x.shape` and `indices.shape` in the line before", "take `nn.MaxUnpool1d`, `2d` or `3d` as the pooling before"),
        ),
    ),
    Template(
        "unpool-dtype",
        ("elements in indices should be type",),
        r"elements in indices should be type int64 but got: ?(?P<dtype>[\w.]{1,40})",
        plain(
            "other-shape-error",
            "{layer} wants indices of whole numbers (int64) but receives {dtype}: this is about dtypes, not about sizes",
            (
                "values-for-indices",
                "the two results of the pooling are swapped, or the indices went through something that made them floats",
            ),
            tries=(_INDICES,),
        ),
    ),
    Template(
        "fold-blocks",
        ("calculated number of sliding blocks", "expected input.size("),
        rf"Given output_size=[(\[](?P<output_shape>[^)\]]{{1,60}})[)\]], kernel_size=[(\[](?P<kernel_shape>[^)\]]{{1"
        rf",60}})[)\]], dilation=[(\[][^)\]]{{1,60}}[)\]], "
        rf"padding=[(\[][^)\]]{{1,60}}[)\]], stride=[(\[](?P<stride_shape>[^)\]]{{1,60}})[)\]], expected "
        rf"(?:size of input's dimension \d to match the calculated number of sliding blocks [^=]{{1,60}} = "
        rf"(?P<want>{NUMBER}), but got input\.size\(\d\)=(?P<got>{NUMBER})"
        rf"|input\.size\(-1\) to be (?P<want_>{NUMBER}) but got (?P<got_>{NUMBER}))",
        lambda found: read.blocks(found if "got" in found else read.renamed(found)),
    ),
    Template(
        "fold-channels",
        ("divisible by the product of kernel_size",),
        (
            r"Expected size of input's (?:dimension \d|first non-batch dimension) to be divisible by the product of "
            rf"kernel_size, but got input\.\w{{1,8}}[\[(]-?\d[\])] ?= ?(?P<got>{NUMBER}) and "
            rf"kernel_size=[(\[](?P<kernel_shape>[^)\]]{{1,60}})[)\]]"
        ),
        read.multiple,
    ),
    Template(
        "unfold-blocks",
        ("array of sliding blocks",),
        r"Given (?:an )?input with spatial size \((?P<map_shape>[^)]{1,60})\), "
        r"kernel_size=[(\[](?P<kernel_shape>[^)\]]{1,60})[)\]], dilation=[^a-z]{1,60}, padding=[^a-z]{1,60},(?: "
        r"stride=[^a-z]{1,60},)? "
        r"(?:the )?calculated shape of the array of sliding blocks (?:as|is) \((?P<out_shape>[^)]{1,60})\)",
        read.unfold,
    ),
    Template(
        "fold-values",
        (
            "it is expected",
            "d kernel supported",
            "d output_size supported",
            "d padding supported",
            "d stride supported",
            "d dilation supported",
        ),
        (
            r"It is expected (?P<what>\w{1,20}) (?:size )?equals to (?P<want>\d), but got size (?P<got>\d{1,3})|only 2D "
            r"(?P<what_>\w{1,20}) supported"
        ),
        plain(
            "other-shape-error",
            ("the {what} for {layer} has {got} numbers where {want} belong", "the {what_} for {layer} must have 2 numbers"),
            (
                "values-of-another-rank",
                "the numbers are for another count of dims: fold, unfold and 2-d resizing know height and width only",
            ),
            tries=("give one number, or (height, width)", "print `x.shape` too: [N, C, H, W] is expected"),
        ),
    ),
    Template(
        "fold-rank-old",
        ("input tensors are supported (got",),
        r"Input Error: Only (?P<want_rank>\d)D input Tensors are supported \(got (?P<rank>\d{1,2})D\)",
        plain(
            "other-shape-error",
            "{layer} expects {want_rank} dims but receives {rank}",
            (
                "wrong-number-of-dims",
                "`unfold` takes [N, C, H, W], `fold` takes [N, C·kernel, blocks]; this old version of torch wants the batch dim too",
            ),
            tries=("add the batch dim: `x = x.unsqueeze(0)`",),
        ),
    ),
)
