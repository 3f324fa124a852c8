"""Messages of padding, interpolate, grid_sample and affine_grid."""

from __future__ import annotations

from shapewright.messages.readings import resizing as read
from shapewright.messages.readings.images import NUMBER
from shapewright.messages.readings.words import renamed
from shapewright.messages.template import Template, plain, shape

_SLUG = "other-shape-error"
_WIDTHS = "the widths go from the last dim to the first: (left, right, top, bottom, front, back)"
TEMPLATES = (
    Template(
        "pad-reflect",
        ("padding size should be less than",),
        (
            rf"Padding size should be less than the corresponding input dimension, but got: padding \((?P<padding>[-\d, ]{{1"
            rf",60}})\) at dimension (?P<dim>\d) of input (?:{shape('input_shape')}|\d)"
        ),
        read.reflect,
    ),
    Template(
        "pad-rank",
        ("input tensor. supported combinations", "padding with non-constant padding", "is not supported for"),
        r"Padding size (?P<widths>\d{1,3}) is not supported for (?P<rank>\d{1,2})D input tensor",
        read.pad_rank,
    ),
    Template(
        "pad-rank-old",
        ("padding with non-constant padding are supported", "values for padding"),
        (
            r"Only (?:\dD, ){1,3}\dD padding with non-constant padding are supported for now|(?P<rank>\d)D tensors expect "
            r"(?P<want>\d) values for padding"
        ),
        plain(
            _SLUG,
            "a padding with another mode than 'constant' receives another rank or number of widths than it takes",
            (
                "missing-dims",
                "2 widths go with [N, C, L], 4 with [N, C, H, W], 6 with volumes; this old version of torch wants the batch dim too",
            ),
            tries=("add the dims for it: `F.pad(x[None], …)[0]`", _WIDTHS),
        ),
    ),
    Template(
        "pad-widths-odd",
        ("padding length must be divisible by", "length of pad must be even"),
        r"Padding length must be divisible by 2|Length of pad must be even but instead it equals (?P<got>\d{1,4})",
        plain(
            _SLUG,
            "the padding is given an odd number of widths, and each dim takes two",
            ("width-missing", "each dim takes a width in front and one behind"),
            tries=(_WIDTHS, "give both for every dim: `F.pad(x, (1, 1, 2, 2))`"),
        ),
    ),
    Template(
        "pad-widths-many",
        ("padding length should be less", "padding length too large", "length of pad should be no more"),
        r"Padding length should be less than or equal to two times the input dimension but got padding length "
        rf"(?P<got>{NUMBER}) and input of dimension (?P<rank>\d{{1,2}})"
        r"|Padding length too large|Length of pad should be no more than twice the number of dimensions of the input",
        plain(
            _SLUG,
            ("the padding has {got} widths for an input of {rank} dims", "the padding has more widths than the input has dims for"),
            (
                "missing-dims",
                "two widths belong to each dim: the input has fewer dims than it is padded in (a batch or channel dim was taken away)",
            ),
            ("too-many-widths", "or there are widths for dims that the input does not have"),
            tries=("print `x.shape` in the line before", _WIDTHS),
        ),
    ),
    Template(
        "pad-width-count",
        ("padding size is expected to be",),
        r"padding size is expected to be (?P<want>\d), but got: (?P<got>\d{1,3})",
        plain(
            _SLUG,
            "the padding has {got} widths where it takes {want}",
            ("widths-of-another-rank", "each dim takes two widths: {want} are for the last dims that this padding knows"),
            tries=(_WIDTHS,),
        ),
    ),
    Template(
        "pad-circular",
        ("wrapping around more than once",),
        r"Padding value causes wrapping around more than once",
        plain(
            _SLUG,
            "a padding with mode 'circular' adds more to a dim than it is long",
            ("image-too-small", "a circular padding takes what it adds from the other end: it can be as wide as the dim at the most"),
            ("widths-in-another-order", "or the widths belong to other dims: " + _WIDTHS),
            tries=("print `x.shape` in the line before; feed larger images, or pad less", "or pad in two steps"),
        ),
    ),
    Template(
        "pad-negative",
        ("resulting in an empty dimension", "is too small. calculated output"),
        (
            r"Negative padding value is resulting in an empty dimension|input \((?P<input>[A-Z]: ?\d[^)]{0,60})\) ?is too "
            r"small\. Calculated output (?P<output>[DHW]: ?-?\d[-\dDHW: ]{0,60})"
        ),
        plain(
            _SLUG,
            ("the padding takes more off {input} than is there", "the padding takes more off a dim than is there"),
            ("negative-widths", "negative widths crop, and here they crop away all there is: the map is smaller than was thought"),
            tries=("print `x.shape` and the widths in the line before",),
        ),
    ),
    Template(
        "resize-spatial-dims",
        ("must have the same number of spatial",),
        r"Input and (?P<what>output|scale_factor) must have the same number of spatial dimensions, but got input with "
        r"spatial dimensions of \[(?P<map_shape>[^\]]{0,80})\] "
        r"and (?:output size|scale_factor) of (?:shape )?(?:torch\.Size\()?(?P<asked>[\[(][^\])]{0,80}[\])])",
        read.spatial,
    ),
    Template(
        "resize-spatial-dims-old",
        ("shape must match input shape",),
        r"(?P<what>size|scale_factor) shape must match input shape\. Input is (?P<want>\d)D, \w{1,12}(?: size)? is (?P<got>\d{1,2})",
        plain(
            _SLUG,
            "`interpolate` is given {got} numbers as {what} for {want} dims",
            ("no-batch-dim", "the first two dims are taken for batch and channels: an image [C, H, W] has only one dim left to resize"),
            tries=("add the batch dim: `F.interpolate(x[None], …)[0]`", "print `x.shape` in the line before"),
        ),
    ),
    Template(
        "resize-mode",
        ("mode needs",),
        r"Got (?P<rank>\d{1,2})D input, but (?P<mode>\w{1,20}) mode needs (?P<want_rank>\d)D input",
        read.mode,
    ),
    Template(
        "resize-rank",
        ("input tensors supported",),
        (
            r"Input Error: Only 3D, 4D and 5D input Tensors supported \(got (?P<rank>\d{1,2})D\) for the modes: [\w |-]{1"
            r",200}\(got (?P<mode>[\w-]{1,30})\)"
        ),
        read.mode,
    ),
    Template(
        "resize-zero",
        ("output sizes should be greater than",),
        (
            rf"Input and output sizes should be greater than 0, but got input (?:\((?P<input>[^)]{{1,80}})\) (?:and )?output "
            rf"\((?P<output>[^)]{{1,80}})\)|size {shape('input_shape')} and output size \[(?P<output_shape>[^\]]{{0,80}})\])"
        ),
        read.zero,
    ),
    Template(
        "resize-size-or-factor",
        ("size or scale_factor should be defined",),
        r"(?P<which>either|only one of) size or scale_factor should be defined",
        plain(
            _SLUG,
            "`interpolate` wants a size or a scale_factor: one of them, and only one",
            (
                "both-or-none",
                (
                    "'either': none was given (a variable is None); 'only one of': both were, or the second position was taken for "
                    "something else"
                ),
            ),
            tries=("name the argument: `F.interpolate(x, size=(h, w))` or `F.interpolate(x, scale_factor=2)`",),
        ),
    ),
    Template(
        "resize-empty",
        ("data tensor expected but got",),
        rf"Non-empty \dD data tensor expected but got a tensor with sizes {shape('input_shape')}",
        read.hollow,
    ),
    Template(
        "grid-last-dim",
        ("grid to have size", "grid last dimension must be"),
        rf"grid_sampler\(\): expected grid to have size (?P<want>\d{{1,3}}) in last dimension, but got grid with sizes "
        rf"{shape('grid_shape')}"
        rf"|grid last dimension must be (?P<want_>\d)(?: \([^)]{{0,40}}\))?, got (?P<got_>{NUMBER})",
        lambda found: read.grid_last(found if "want" in found else renamed(found)),
    ),
    Template(
        "grid-batch",
        ("expected grid and input to have same batch",),
        (
            r"grid_sampler\(\): expected grid and input to have same batch size, but got input with sizes "
            rf"{shape('input_shape')} and grid with sizes {shape('grid_shape')}"
        ),
        read.grid_batch,
    ),
    Template(
        "grid-rank",
        ("input and grid with same number",),
        (
            r"grid_sampler\(\): expected (?:\dD or )?\dD input and grid with same number of dimensions, but got input with "
            rf"sizes {shape('input_shape')} and grid with sizes {shape('grid_shape')}"
        ),
        read.grid_rank,
    ),
    Template(
        "grid-empty",
        ("non-empty spatial dimensions",),
        rf"grid_sampler\(\): expected input to have non-empty spatial dimensions, but input has sizes {shape('input_shape')}",
        read.hollow,
    ),
    Template(
        "grid-bicubic",
        ("bicubic interpolation only supports",),
        r"bicubic interpolation only supports 4D input",
        plain(
            _SLUG,
            "`grid_sample` with mode 'bicubic' expects images of 4 dims but receives a volume of 5",
            ("mode-of-another-rank", "bicubic is for images [N, C, H, W]"),
            tries=("`mode='bilinear'` takes volumes too",),
        ),
    ),
    Template(
        "affine-matrices",
        ("affine matrices of shape",),
        rf"Expected a batch of (?P<dims>[23])D affine matrices of shape Nx\dx\d for size {shape('size_shape')}\.? Got {shape('got_shape')}",
        read.theta,
    ),
    Template(
        "affine-size",
        ("affine_grid only supports", "expected non-zero, positive output size"),
        (
            r"affine_grid only supports 4D and 5D sizes, for 2D and 3D affine transforms, respectively\. Got size "
            rf"{shape('size_shape')}|Expected non-zero, positive output size\. Got {shape('output_shape')}"
        ),
        plain(
            _SLUG,
            (
                "`affine_grid` expects a size [N, C, H, W] or [N, C, D, H, W] but receives {size_shape}",
                "`affine_grid` is to make a grid of {output_shape}: a side is 0",
                "`affine_grid` expects a size [N, C, H, W] or [N, C, D, H, W]",
            ),
            ("size-of-another-rank", "the size is the whole size of the batch that is sampled, with batch and channels"),
            tries=("give it whole: `F.affine_grid(theta, x.size())`", "for one image `F.affine_grid(theta[None], [1, *image.shape])`"),
        ),
    ),
)
