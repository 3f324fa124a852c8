"""Messages of `cat` and `stack`, of batches made from samples, of `split`, ragged lists and data sets."""

from __future__ import annotations

from shapewright.messages.readings.joins import ONE_SIZE, cat, ranks, split
from shapewright.messages.readings.samples import ragged, stack
from shapewright.messages.template import Template, plain, shape

_N = r"\w{1,24}"
_EXCEPT = r"Sizes of (?:the )?tensors must match except in dimension (?P<dim>-?\d{1,3})\.?"
TEMPLATES = (
    Template(
        "cat-size",
        ("tensors must match except in dimension",),
        rf"{_EXCEPT} Expected size (?P<want>{_N}) but got size (?P<got>{_N}) for tensor number (?P<tensor>\d{{1,6}})",
        cat,
        cut=rf"{_EXCEPT} Expected size (?P<want>{_N})(?: but got size (?P<got>{_N}))?",
    ),
    Template(
        "cat-size-meta",
        ("tensors must match except in dimension",),
        rf"{_EXCEPT} Expected (?P<want>{_N}) in dimension (?P<axis>\d{{1,3}}) but got (?P<got>{_N}) for tensor number "
        rf"(?P<tensor>\d{{1,6}})",
        cat,
    ),
    Template(
        "cat-size-old",
        ("tensors must match except in dimension",),
        rf"{_EXCEPT} Got (?P<want>\d{{1,15}}) and (?P<got>\d{{1,15}})(?: in dimension (?P<axis>\d{{1,3}}))?(?: \(The "
        rf"offending index is (?P<tensor>\d{{1,6}})\))?",
        cat,
        cut=_EXCEPT,
    ),
    Template(
        "cat-rank",
        ("must have same number of dimensions: got",),
        r"Tensors must have same number of dimensions: got (?P<want_rank>\d{1,3}) and (?P<rank>\d{1,3})",
        ranks,
    ),
    Template(
        "cat-rank-meta",
        ("number of dimensions of tensors must match",),
        r"Number of dimensions of tensors must match\. ?Expected (?P<want_rank>\d{1,3})-D tensors, but got "
        r"(?P<rank>\d{1,3})-D for tensor number (?P<tensor>\d{1,6})",
        ranks,
    ),
    Template(
        "cat-scalar",
        ("cannot be concatenated",),
        r"zero-dimensional tensor \(at position (?P<tensor>\d{1,6})\) cannot be concatenated",
        plain(
            "concat-mismatch",
            "`cat` joins along a dim, but tensor {tensor} (counted from 0) is a single number",
            ("single-numbers", "losses or scores of single steps are collected: each is a number without a dim"),
            tries=("make a new dim: `torch.stack(values)`", "or give each one first: `x.reshape(1)`"),
        ),
    ),
    Template(
        "cat-empty",
        ("non-empty list of tensors", "cat expects at least one tensor", "expects a non-empty tensorlist"),
        r"(?:torch\.cat\(\): )?expected a non-empty list of Tensors|cat expects at least one tensor, but received "
        r"zero|(?P<call>\w{0,3}stack) expects a non-empty TensorList",
        plain(
            "other-shape-error",
            ("`{call}` is given an empty list", "an empty list is to be made one tensor"),
            (
                "nothing-collected",
                "the list was never filled: no detections, an empty data set or folder, a filter that lets nothing "
                "pass, a loop that did not run",
            ),
            tries=(
                "look at what fills the list: `print(len(xs))` in the line before",
                "or treat the empty case: `torch.cat(xs) if xs else x.new_zeros(0, …)`",
            ),
        ),
    ),
    Template(
        "stack-size",
        ("stack expects each tensor to be equal size",),
        rf"stack expects each tensor to be equal size, but got {shape('want_shape')} at entry "
        rf"(?P<want_entry>\d{{1,9}})(?: and {shape('got_shape')} at entry (?P<got_entry>\d{{1,9}}))?",
        stack,
        cut=r"stack expects each tensor to be equal size",
    ),
    Template(
        "collate-lists",
        ("each element in list of batch should be of equal size",),
        r"each element in list of batch should be of equal size",
        plain(
            "concat-mismatch",
            "the samples of one batch differ in length: `__getitem__` returns lists or tuples of different lengths",
            ("lengths-differ", "a list of numbers (tokens, boxes, tags) has its own length in each sample"),
            ("parts-differ", "some samples have a part more than others"),
            tries=(
                "return tensors of one length, or pad in a `collate_fn` of your own: `pad_sequence([torch.tensor(x) "
                "for x in xs], batch_first=True)`",
            ),
        ),
    ),
    Template(
        "collate-types",
        ("batch must contain tensors",),
        r"batch must contain tensors, (?:numpy arrays, )?(?:numbers, )?dicts or lists; found <class "
        r"'(?P<kind>[\w.]{1,100})'>|batch must contain tensors",
        plain(
            "other-shape-error",
            (
                "this is about types, not sizes: the samples of the data set hold {kind}",
                "this is about types, not sizes: the samples of the data set hold something that cannot be batched",
            ),
            (
                "not-converted",
                "`__getitem__` returns something that cannot be made a tensor: a picture without `ToTensor()`, None "
                "for a file that could not be read",
            ),
            tries=(
                "return tensors, numbers or strings: `transforms.ToTensor()` for pictures",
                "leave out broken files before: a `__getitem__` that returns None cannot be batched",
            ),
        ),
    ),
    Template(
        "collate-storage",
        ("trying to resize storage that is not resizable",),
        r"Trying to resize storage that is not resizable",
        plain(
            "concat-mismatch",
            "samples of one batch cannot be brought into one tensor",
            (
                "samples-differ",
                "in a worker of the DataLoader: the samples have different shapes, and the room for the batch was "
                "measured by the first one",
            ),
            ("memory-of-others", "outside of a DataLoader: `resize_` or `out=` on a tensor that shares the memory of a NumPy array"),
            tries=("set `num_workers=0`: then the message names the shapes", *ONE_SIZE),
        ),
    ),
    Template(
        "tensor-dataset",
        ("size mismatch between tensors", "size mismatch between datasets"),
        r"Size mismatch between (?P<kind>tensors|datasets)",
        plain(
            "other-shape-error",
            "the {kind} of a data set have different lengths",
            (
                "inputs-and-targets",
                "inputs and targets do not have as many samples: rows were dropped on one side, windows made only of "
                "one, or a whole tensor stands transposed",
            ),
            tries=("compare the first dims: `print(len(x), len(y))`; they must be equal",),
        ),
    ),
    Template(
        "random-split",
        ("sum of input lengths does not equal",),
        r"Sum of input lengths does not equal the length of the input dataset",
        plain(
            "other-shape-error",
            "the lengths of a split do not add up to the data set",
            ("rounded", "`int(0.8 * n)` and `int(0.2 * n)` are both rounded down: together one is missing"),
            ("fixed-lengths", "the lengths were written for a data set of another size"),
            tries=(
                "take the rest for the last part: `random_split(data, [k, len(data) - k])`",
                "or give shares that add up to 1: `random_split(data, [0.8, 0.2])`",
            ),
        ),
    ),
    Template(
        "split-sizes",
        ("split_with_sizes expects split_sizes to sum exactly",),
        r"split_with_sizes expects split_sizes to sum exactly to (?P<want>\w{1,24}) \(input tensor's size at dimension "
        r"(?P<dim>-?\d{1,3})\), but got split_sizes=\[(?P<sizes>[^\]]{0,400})\]",
        split,
    ),
    Template(
        "split-negative",
        ("split expects split_size be non-negative", "split_size can only be 0 if dimension size is 0"),
        r"split expects split_size be non-negative, but got split_size=(?P<got>-\d{1,15})|split_size can only be 0 if "
        r"dimension size is 0, but got dimension size of (?P<size>\d{1,15})",
        plain(
            "other-shape-error",
            (
                "`split` is asked for parts of {got}",
                "`split` is asked for parts of 0 of a dim of {size}",
                "`split` is asked for parts of no size",
            ),
            ("worked-out", "the size of a part was worked out, and the division came to nothing (a dim smaller than the number of parts)"),
            tries=("for a number of parts there is `x.chunk(n)`; for the size of each, `x.split(size)`",),
        ),
    ),
    Template(
        "chunk-zero",
        ("chunk expects `chunks` to be greater than", "number of sections must be larger than"),
        r"chunk expects `chunks` to be greater than 0, got: (?P<got>-?\d{1,15})|number of sections must be larger than "
        r"0, got (?P<got_>-?\d{1,15})",
        plain(
            "other-shape-error",
            ("`chunk` is asked for {got} parts", "`tensor_split` is asked for {got_} parts"),
            ("worked-out", "the number of parts was worked out and came to nothing"),
            tries=("at least 1 part: `max(1, n)`",),
        ),
    ),
    Template(
        "ragged",
        ("expected sequence of length",),
        r"expected sequence of length (?P<want>\d{1,15}) at dim (?P<dim>\d{1,3}) \(got (?P<got>\d{1,15})\)",
        ragged,
        cut=r"expected sequence of length (?P<want>\d{1,15}) at dim (?P<dim>\d{1,3})",
    ),
    Template(
        "numpy-join",
        ("the input array dimensions", "input arrays must have"),
        r"all the input array dimensions (?:except|for) [\w ]{0,60}must match exactly, but along dimension (?P<axis>\d{1,3}), "
        r"the array at index 0 has size (?P<want>\d{1,15}) and the array at index (?P<tensor>\d{1,6}) has size (?P<got>\d{1,15})"
        r"|all the input arrays must have same number of dimensions, but the array at index 0 has (?P<want_rank>\d{1,3}) dimension\(s\) "
        r"and the array at index (?P<tensor_>\d{1,6}) has (?P<rank>\d{1,3})|all input arrays must have the same shape",
        plain(
            "concat-mismatch",
            (
                "the NumPy arrays to concatenate disagree in dim {axis}: {want} in the first and {got} in array {tensor} (counted from 0)",
                "the NumPy arrays to concatenate have {want_rank} dims and {rank}",
                "the NumPy arrays to stack have different shapes",
            ),
            (
                "samples-differ",
                "samples, batches or frames of different size are joined: images that were not resized, sequences that were not padded",
            ),
            tries=("print the shapes: `print({x.shape for x in xs})`", "resize or pad them to one size first, or keep them in a list"),
        ),
    ),
    Template(
        "numpy-ragged",
        ("has an inhomogeneous shape",),
        r"(?:setting an array element with a sequence\. )?The requested array has an inhomogeneous shape after "
        r"(?P<rank>\d{1,3}) dimensions?"
        r"(?:\. The detected shape was \((?P<shape>[\d, ]{0,100})\))?",
        plain(
            "concat-mismatch",
            (
                "a NumPy array is made from rows of unequal length: the first dims are {shape}",
                "a NumPy array is made from rows of unequal length",
            ),
            ("lengths-differ", "the rows of the list have different lengths, or its pictures different sizes"),
            tries=(
                "look which are odd: `print({len(row) for row in rows})`",
                "pad them: `pad_sequence([torch.tensor(row) for row in rows], batch_first=True)`",
            ),
        ),
    ),
    Template(
        "tokenizer-tensor",
        ("unable to create tensor, you should probably activate",),
        r"Unable to create tensor, you should probably activate (?:truncation|padding)",
        plain(
            "concat-mismatch",
            "the texts of one batch have different numbers of tokens",
            ("not-padded", "the tokenizer was asked for tensors, but not to pad: each text keeps its own length"),
            ("nested-feature", "a column of the data (labels, tags, strings) is padded by nobody"),
            tries=(
                "`tokenizer(texts, padding=True, truncation=True, return_tensors='pt')`",
                "labels of tokens: `DataCollatorForTokenClassification`; remove columns of text from the data set",
            ),
        ),
    ),
    Template(
        "diff-size",
        ("diff expects the shape of tensor to prepend", "diff expects prepend or append"),
        r"diff expects the shape of tensor to prepend or append to match that of input except along the differencing dimension; "
        r"input\.size\((?P<dim>\d{1,3})\) = (?P<want>\d{1,15}), but got tensor\.size\(\d{1,3}\) = "
        r"(?P<got>\d{1,15})|diff expects prepend or append to be the same dimension as input",
        plain(
            "other-shape-error",
            (
                "`diff` is given a beginning of {got} in dim {dim}, where the input has {want}",
                "`diff` is given a beginning or end with another number of dims than the input",
            ),
            ("slice-lost-dim", "what is put before or behind must have the input's dims, all but the one of the differences"),
            tries=("take it with a slice, which keeps the dim: `prepend=x[:, :1]`, not `x[:, 0]`",),
        ),
    ),
    Template(
        "block-diag",
        ("input tensors must have 2 or fewer dimensions",),
        r"(?:torch\.block_diag: )?Input tensors must have 2 or fewer dimensions\. Input (?P<tensor>\d{1,6}) has "
        r"(?P<rank>\d{1,3}) dimensions",
        plain(
            "other-shape-error",
            "`block_diag` takes matrices, but input {tensor} (counted from 0) has {rank} dims",
            ("batch-of-matrices", "a whole batch of matrices was given as one"),
            tries=("hand over the matrices one by one: `torch.block_diag(*batch)`",),
        ),
    ),
)
