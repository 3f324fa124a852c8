"""All messages that are known: which family to ask about a text.

A family is a file of `families/`. It is imported when one of its words is in the text: one message concerns one or two of them, and all
together would cost more than the answer. Every anchor of a family holds one of its words; a test proves it.
"""

from __future__ import annotations

import importlib

from shapewright.messages.template import Template

# The words of each family, in lower case: rare ones, so that a traceback does not call for all of them.
FAMILIES: dict[str, tuple[str, ...]] = {
    "arguments": (
        "tuple'", "type(s)", "must be int", "be tuple of", "of arguments", "list' object", "to unpack the", "found element",
        "must be tensor", "packedsequence'", "only concatenate", "tensor as element", "'torch.return_types.",
    ),
    "attention": (
        "attn_mask", "num_heads", "`none`", "`value`", "is not a", "query.dim", "to d_model", "batched 3d", "in key and", "of src and",
        "value shape", "match input", "query.dtype", "no available", "was expecting", "fused kernels", "only bool and", "key's sequence",
        "viable backend", "key_padding_mask", "key_padded_mask.shape[",
    ),
    "broadcast": (
        "leading,", "source <", "'shape' do", "to assign a", "size of the", "of tensor a", "a dimension", "to a single", "the broadcast",
        "sizes provided",
    ),
    "checkpoint": (
        "the parameter", "copying a param", "to set a", "dict-like", "tensor-like", "optimizer's", "a different", "due to size",
        "instantiated", "between saved", "shape tensor(", "to load weight", "or none expected", "ignore_mismatched_sizes",
        "expected shape torch.size",
    ),
    "checkpoint_names": (
        "state_dict",
    ),
    "compiled": (
        "data-dependent", "expected input at", "vmap: it", "to run this", "its data is", "out of meta", "faketensors", "constraints",
        "be called on", "a new tensor", "error message", "register_meta", "dynamic shape", "guard failed:", "data dependent",
        "for storage of", "calling .item()", "list assignment", "mixing fake modes", "dynamicoutputshapeexception",
        "datadependentoutputexception",
    ),
    "concat": (
        "split_size", "input array", "mismatch between", "tensors must match", "have 2", "`chunks`", "in list of", "tensor, you",
        "a non-empty", "dimensions:", "that is not", "of tensor to", "sum of input", "concatenated", "inhomogeneous", "stack expects",
        "must be larger", "non-empty list", "cat expects at", "contain tensors", "expects prepend", "sequence of length",
    ),
    "conv": (
        "convolution", "non-positive", "input[", "not ==", "channels,", "zero, but", "in_channel", "bias to be", "sizes range",
        "(unbatched)", "input.size[", "kernel_width", "actual input", "be a positive", "not construct", "bias size must",
        "weight of size", "output padding", "should have at", "_channels must", "padding is not", "weight to be at", "invalid channel",
        "output size per", "output_size must", "-dimensional input", "weight to be divisible",
    ),
    "cuda": (
        "index <", ">= zero", ">= begin", "input >=", "< numrows", "indexvalue <", "`sum >", "idx_dim", "bounds:", "input_val",
        "< n_classes", "probability", "ind_dim_size", "cumdist[size", "cudnn_status_", "cublas_status_", "cusolver_status_",
        "assert triggered", "thcnumerics<t>::ge(val,",
    ),
    "dims": (
        "movedim:", "the list of", "dims >=", "1d vector", "to a 0-dim", "at least a", "permute():", "dims to be", "tuple index",
        "supports 1d", "be identical", "no dimensions", "total rotation", "dim in permute", "of the desired", "range (expected",
        "torch.meshgrid:", "match in permute",
    ),
    "distributions": (
        "of `x.t`", "in and fan", "input is a", "right-most", "component`", "size in the", "batch_shape", "with one or", "to be within",
        "are supported", "the constraint", "two-dimensional", "one-dimensional", "dimension choice", "reinterpreted_batch_ndims",
    ),
    "dtypes": (
        "the same device", "expected object", "point or complex", "type (", "can't be cast", "dtype can require",
        "must have the same dtype", "in-place", "is not on", "src.dtype", "np.ndarray", "to be bool", "with a bool", "the mean of",
        "found dtype", "dtype float", "dtypes match", "be either on", "dtype double", "input dtypes", "infer output", "be a boolean",
        "with two bool", "boolean masks", "type tensor to", "implemented on", "to have scalar", "the same scalar", "all inputs must",
        "both vectors to", "implemented for", "expected scalar", "dtype, but got:", "expected booltensor", "expected dtype torch.",
    ),
    "einsum": (
        "einsum():", "bilinear():", "multi_dot():", "match previous", "inner()", "lists should", "need to match", "of subscripts",
        "than specified", "which does not", "size mismatch:", "by ellipsis in", "remapped shapes", "tensordot expects",
        "dimension mismatch",
    ),
    "embedding": (
        "offsets has to", "num_embeddings", "range [", "offsets[", "range at ", "'indices'", "idx to be", "2d tensor,", "of range in",
        "long or int", "out of table", "'weight' must", "embedding_bag:", "is expected to",
    ),
    "fourier": (
        "n_fft=", "dims must be", "window shape", "dim and shape", "complex-valued", "expects a real", "window overlap", "return_complex",
        "of data points", "tensor only has", "last dimension with",
    ),
    "gather": (
        "int64 for", "be no larger", "invalid index in", "range:", "1 or 0", "indices (", "must match.", "and index to", "slice shapes",
        "not match at", "tensor shape", "index has to", "to scalar can", "to be smaller", "is supposed to", "indices should",
        "from dimension", "of dimensions as",
    ),
    "index": (
        "invalid index", "too many indices", "not be broadcast", "and long or", "have a size", "of the mask", "indexed array",
        "used as indices", "bounds for axis", "is out of range", "bounds for dimension",
    ),
    "layernorm": (
        "num_groups", "normalized_shape", "a vector of", "crossmaplrn2d:", "input tensor but", "higher dimensionality",
    ),
    "lengths": (
        "must be >", "`shifts`", "0-dim or", "select():", "equal to 0", "setstorage:", "input along", "size must be", "in length of",
        "start out of", "of steps must", "for tensor at", "and dimensions", "of repeat dims", "repeats can not", "exceeds dimension",
        "negative dimension", "length must be non-negative",
    ),
    "linalg": (
        "value for each", "square,", "of a and", "if dim is", "other.size", "matrix, but", "observations", "two or fewer", "matrix sizes",
        "have at least", "be batches of", "input.shape[-", "to satisfy the", "no dimension of", "integer and not", "more dimensions",
        "only supports at", "must have length", "inputs must have", "number of columns", "linalg.matrix_norm:", "pdist only supports",
    ),
    "linear": (
        "mismatch, m1", "shapes cannot", "same reduction",
    ),
    "loss": (
        "_lengths", "floating point", "expected target", "for 1d", "anchor,", "one_hot", "'targets'", "var is of", "between 0",
        "is out of", "in shape:", "(got input", "must be in", "the same as", "infer total", "grad can be", ": all input", "to the input",
        "multi-target", "match target", "should be in", "class values", "of elements.", "in the batch", "weight tensor", "target tensor",
        "spatial targets", "inconsistent weight", "inconsistent target",
    ),
    "matmul": (
        "number of batches", "(dense):", "b must be", "self_ dim", "a must be", "bmm_sparse", "t() expects", "be a matrix", "match batch",
        "wrong matrix", "sizes for bmm", "for first two", "tensor to have", "must match mat", "only supported", "tensors must be",
        "contraction_size", "matrices expected", "expected self.size(-", "cublas_status_invalid_value", "d tensor", "self dim",
    ),
    "norm": (
        "than 1", "num_features", "d input (got", "in evaluation", "should contain",
    ),
    "others": (
        "x and y", "input array", "broadcast together", "have >", "be 2/3", "array,", "aligned:", "-reduction", "axes don't",
        "found array", "in its core", "to a single", "can't divide", "for array of", "array element", "reshape array", "cannot handle",
        "for image data", "output operand", "dimensions (has", "features as input", "with inconsistent",
    ),
    "packing": (
        "be sorted in", "1d cpu", "batch_size,", "total_length", "of sequences", "length of all", "empty tensors",
    ),
    "pool": (
        "output_size", "(batch mode)", "omitted,", "kernel_size", "sliding blocks", "(while", "int, or", "non-batch", "d tensor,",
        "of ints or", "size is too", "pad must be", "not be zero", "either be a", "be either a", "of effective", "max_unpooling",
        "should be type", "of kernel size", "stride must be", "it is expected", "supported (got", "large relative", "contain one int",
        "positive length", "computed output", "than kernel size", "stride supported", "kernel supported", "shape of indices",
        "padding supported", "invalid max index", "input tensor must", "dilation supported", "expected for input", "expected input.size(",
        "padding must be non-negative",
    ),
    "pretrained": (
        "should be of size", "wrong image", "tokens do not", "block size is", "by patch size", "model (", "input_ids", "seq_length,",
        "input image", "must be less", "be of length", "pixel values",
    ),
    "recurrent": (
        "input_size", "expected input to be", "2d, got", "dtype (", "to be larger", "input must have",
    ),
    "reshape": (
        "is invalid for", "unflatten:", "pixel_shuffle", "expects input", "-1 can", "end_dim", "of size 2", "(different", "size is not",
        "view a tensor", "by the square", "one dimension", "invalid shape", "pixel_unshuffle", "downscale_factor", "requested resize",
        "of channels must",
    ),
    "resize": (
        "padding length", "non-constant", "length of pad", "non-zero,", "too small.", "affine_grid", "match input", "in an empty",
        "combinations", "sizes should", "grid to have", "to have same", "be less than", "and grid with", "more than once",
        "padding size is", "affine matrices", "or scale_factor", "expected but got", "number of spatial", "non-empty spatial",
        "not supported for", "tensors supported", "interpolation only", "values for padding", "grid last dimension", "mode needs",
    ),
    "sampling": (
        "k out of", "probability", "boundaries tensor", "n_sample", "k not in", "q must be", "prob_dist", "multinomial", "histogramdd:",
        "and have the", "bincount only supports",
    ),
    "scalars": (
        "be converted", "0-d tensor", "values to unpack", "prelu:", "1 to a", "dropout2d:", "dropout1d:", "dropout3d:", "not have an",
        "glu does not", "be non-empty", "is ambiguous", "must be even", "input channel", "allow zero-dim", "has no identity",
        "feature dropout", "without identity", "expected reduction",
    ),
    "states": (
        "also be ", "hidden_size", "match hidden", "expected hidden",
    ),
    "vectors": (
        "mismatch,", "vector expected", "-d argument", "both arguments", "tensors expected", "inconsistent tensor",
    ),
}  # fmt: skip


def templates(text: str) -> list[Template]:
    """The templates of all families whose words are in this text (lower case, white space collapsed)."""
    return [template for family, words in FAMILIES.items() if any(word in text for word in words) for template in of(family)]


def of(family: str) -> tuple[Template, ...]:
    """The templates of one family."""
    found: tuple[Template, ...] = importlib.import_module(f"shapewright.messages.families.{family}").TEMPLATES
    return found
