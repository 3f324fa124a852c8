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
    "arrays": (
        "broadcast together", "aligned:", "axes don't", "to a single", "input array", "in its core", "for array of", "array of size",
        "array element", "output operand", "not have enough",
    ),
    "attention": (
        "num_heads", "`value`", "is not a", "to d_model", "of src and", "batched 3d", "value shape", "was expecting", "key's sequence",
    ),
    "attention_kernels": (
        "is_causal", "query.dim", "to be bool", "in key and", "query.dtype", "no available", "fused kernels", "viable backend",
    ),
    "attention_masks": (
        "attn_mask", "`none`", "match input", "only bool and", "key_padding_mask", "key_padded_mask.shape[",
    ),
    "bmm": (
        "number of batches", "self_ dim", "bmm_sparse", "match batch", "wrong matrix", "sizes for bmm", "for first two", "tensor to have",
        "contraction_size", "d tensor", "self dim",
    ),
    "broadcast": (
        "source <", "leading,", "'shape' do", "of tensor a", "to a single", "size of the", "to assign a", "a dimension", "the broadcast",
        "sizes provided", "invalid gradient",
    ),
    "checkpoint": (
        "the parameter", "copying a param", "to set a", "dict-like", "due to size", "optimizer's", "tensor-like", "a different",
        "instantiated", "between saved", "shape tensor(", "to load weight", "or none expected", "ignore_mismatched_sizes",
        "expected shape torch.size",
    ),
    "checkpoint_names": (
        "state_dict",
    ),
    "compiled": (
        "data-dependent", "expected input at", "vmap: it", "out of meta", "its data is", "faketensors", "constraints", "to run this",
        "a new tensor", "be called on", "guard failed:", "dynamic shape", "register_meta", "error message", "data dependent",
        "for storage of", "calling .item()", "list assignment", "mixing fake modes", "dynamicoutputshapeexception",
        "datadependentoutputexception",
    ),
    "concat": (
        "split_size", "input array", "mismatch between", "tensors must match", "have 2", "`chunks`", "in list of", "that is not",
        "a non-empty", "dimensions:", "tensor, you", "of tensor to", "sum of input", "concatenated", "inhomogeneous", "stack expects",
        "non-empty list", "must be larger", "cat expects at", "expects prepend", "contain tensors", "sequence of length",
    ),
    "conv": (
        "convolution", "non-positive", "not ==", "input[", "zero, but", "channels,", "bias to be", "in_channel", "(unbatched)",
        "input.size[", "valid sizes", "kernel_width", "actual input", "be a positive", "not construct", "weight of size",
        "padding is not", "should have at", "output padding", "must equal dim", "_channels must", "weight to be at", "output size per",
        "invalid channel", "output_size must", "-dimensional input", "weight to be divisible",
    ),
    "ctc": (
        "_lengths", "'targets'", "must be in",
    ),
    "cuda": (
        "index <", ">= zero", "input <=", ">= begin", "< numrows", "indexvalue <", "`sum >", "bounds:", "idx_dim", "input_val",
        "probability", "< n_classes", "ind_dim_size", "cumdist[size", "cudnn_status_", "cublas_status_", "assert triggered",
        "cusolver_status_", "thcnumerics<t>::ge(val,",
    ),
    "devices": (
        "the same device", "is not on", "be either on", "type tensor to",
    ),
    "dims": (
        "movedim:", "the list of", "dims >=", "1d vector", "to a 0-dim", "at least a", "dims to be", "permute():", "supports 1d",
        "tuple index", "be identical", "no dimensions", "of the desired", "dim in permute", "total rotation", "range (expected",
        "torch.meshgrid:", "match in permute",
    ),
    "distributions": (
        "of `x.t`", "right-most", "in and fan", "input is a", "component`", "batch_shape", "with one or", "size in the", "to be within",
        "are supported", "the constraint", "two-dimensional", "one-dimensional", "dimension choice", "reinterpreted_batch_ndims",
    ),
    "dtypes": (
        "expected object", "point or complex", "type (", "can't be cast", "dtype can require", "must have the same dtype", "in-place",
        "src.dtype", "np.ndarray", "to be bool", "dtype float", "with a bool", "found dtype", "the mean of", "input dtypes",
        "dtypes match", "dtype double", "be a boolean", "output dtype", "boolean masks", "with two bool", "to have scalar",
        "implemented on", "the same scalar", "dtype, but got:", "not implemented", "expected scalar", "have same dtype",
        "must share same", "expected booltensor", "expected dtype torch.",
    ),
    "einsum": (
        "einsum():", "bilinear():", "multi_dot():", "match previous", "inner()", "lists should", "of subscripts", "need to match",
        "which does not", "by ellipsis in", "size mismatch:", "than specified", "remapped shapes", "tensordot expects",
        "dimension mismatch",
    ),
    "embedding": (
        "offsets has to", "num_embeddings", "range [", "offsets[", "range at ", "idx to be", "'indices'", "2d tensor,", "of range in",
        "long or int", "out of table", "'weight' must", "embedding_bag:", "is expected to",
    ),
    "fourier": (
        "n_fft=", "window shape", "dims must be", "dim and shape", "window overlap", "of data points", "complex-valued", "expects a real",
        "return_complex", "tensor only has", "last dimension with",
    ),
    "gather": (
        "int64 for", "be no larger", "invalid index in", "range:", "1 or 0", "indices (", "must match.", "slice shapes", "tensor shape",
        "and index to", "not match at", "index has to", "can have only", "to be smaller", "from dimension", "is supposed to",
        "indices should", "of dimensions as",
    ),
    "index": (
        "invalid index", "too many indices", "not be broadcast", "and long or", "src to have", "of the mask", "index did not",
        "is out of range", "as indices must", "bounds for axis", "bounds for dimension",
    ),
    "layernorm": (
        "num_groups", "normalized_shape", "a vector of", "crossmaplrn2d:", "input tensor but", "higher dimensionality",
    ),
    "lengths": (
        "must be >", "be 0-dim", "`shifts`", "select():", "equal to 0", "setstorage:", "input along", "start out of", "size must be",
        "in length of", "for tensor at", "of steps must", "of repeat dims", "and dimensions", "repeats can not", "exceeds dimension",
        "negative dimension", "length must be non-negative",
    ),
    "linalg": (
        "value for each", "square,", "of a and", "if dim is", "other.size", "matrix, but", "two or fewer", "matrix sizes", "as there are",
        "be batches of", "have at least", "input.shape[-", "to satisfy the", "no dimension of", "more dimensions", "integer and not",
        "only supports at", "inputs must have", "must have length", "number of columns", "pdist only supports", "linalg.matrix_norm:",
    ),
    "linear": (
        "mismatch, m1", "shapes cannot", "same reduction",
    ),
    "loss": (
        "floating point", "expected target", "for 1d", "anchor,", "one_hot", "is out of", "between 0", "var is of", "in shape:",
        "(got input", ": all input", "infer total", "grad can be", "must be the", "class values", "of elements.", "is different",
        "should be in", "multi-target", "match target", "in the batch", "weight tensor", "target tensor", "only batches of",
        "inconsistent target", "inconsistent weight",
    ),
    "matmul": (
        "(dense):", "b must be", "a must be", "be a matrix", "t() expects", "must match mat", "only supported", "tensors must be",
        "matrices expected", "expected self.size(-", "cublas_status_invalid_value",
    ),
    "norm": (
        "than 1", "num_features", "d input (got", "be defined in", "should contain",
    ),
    "others": (
        "have >", "be 2/3", "-reduction", "can't divide", "cannot handle", "for image data",
    ),
    "packing": (
        "be sorted in", "1d cpu", "batch_size,", "total_length", "of sequences", "length of all", "empty tensors",
    ),
    "pool": (
        "output_size", "(batch mode)", "omitted,", "kernel_size", "sliding blocks", "(while", "int, or", "non-batch", "d tensor,",
        "of ints of", "either be a", "be either a", "size is too", "pad must be", "not be zero", "of effective", "max_unpooling",
        "large relative", "it is expected", "should be type", "half of kernel", "supported (got", "stride must be", "computed output",
        "contain one int", "positive length", "stride supported", "than kernel size", "shape of indices", "kernel supported",
        "padding supported", "input tensor must", "invalid max index", "dilation supported", "expected for input", "expected input.size(",
        "padding must be non-negative",
    ),
    "pretrained": (
        "should be of size", "wrong image", "tokens do not", "block size is", "by patch size", "model (", "input_ids", "hidden_dim)",
        "input image", "pixel values", "must be less", "be of length",
    ),
    "recurrent": (
        "input_size", "expected input to be", "2d, got", "dtype (", "to be larger", "input must have",
    ),
    "reshape": (
        "is invalid for", "unflatten:", "pixel_shuffle", "expects input", "-1 can", "end_dim", "of size 2", "(different", "size is not",
        "the square of", "invalid shape", "one dimension", "view a tensor", "pixel_unshuffle", "downscale_factor", "of channels must",
        "requested resize",
    ),
    "resize": (
        "padding length", "non-constant", "length of pad", "non-zero,", "too small.", "match input", "in an empty", "affine_grid",
        "combinations", "be less than", "output sizes", "grid to have", "to have same", "and grid with", "more than once",
        "padding size is", "or scale_factor", "affine matrices", "expected but got", "tensors supported", "not supported for",
        "non-empty spatial", "number of spatial", "values for padding", "interpolation only", "grid last dimension", "mode needs",
    ),
    "sampling": (
        "k out of", "probability", "boundaries tensor", "n_sample", "k not in", "prob_dist", "q must be", "multinomial", "and have the",
        "histogramdd:", "bincount only supports",
    ),
    "scalars": (
        "be converted", "0-d tensor", "values to unpack", "1 to a", "prelu:", "dropout2d:", "dropout3d:", "dropout1d:", "not have an",
        "is ambiguous", "be non-empty", "must be even", "glu does not", "input channel", "zero-dim input", "feature dropout",
        "has no identity", "without identity", "expected reduction",
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
