"""Messages that look like shape errors and are about dtypes."""

from __future__ import annotations

from shapewright.messages.families.devices import not_moved, on_gpu
from shapewright.messages.template import Cause, Found, Read, Reading, Template, plain

_SLUG = "other-shape-error"
_NOT_SIZES = "this is about dtypes, not about sizes"
_NAMES = {
    "double": "float64", "float": "float32", "half": "float16", "bfloat16": "bfloat16", "long": "int64", "int": "int32", "short": "int16",
    "char": "int8", "byte": "uint8", "bool": "bool", "long int": "int64", "unsigned char": "uint8", "signed char": "int8",
    "c10::half": "float16", "c10::bfloat16": "bfloat16", "complexfloat": "complex64", "complexdouble": "complex128",
    "comfloat": "complex64",
}  # fmt: skip
_HALVES = ("float16", "bfloat16")
_FLOATS = (*_HALVES, "float32", "float64")
_WHOLE = ("int64", "int32", "int16", "int8", "uint8", "bool")
_STEPS = ("print `x.dtype` and the `dtype` of the layer's weight in the line before",)
_TYPE = r"[\w.:]{1,40}(?: (?:int|char))?"
_TWO_TENSORS = "the two factors of a product are of different dtypes ({got} and {want})"


def _called(name: object) -> str:
    """A C++ name of a dtype as Python has it: `Double` and `torch.cuda.DoubleTensor` are float64."""
    text = str(name).strip().strip(".,;'\"")
    last = text.rpartition(".")[2].lower().removesuffix("tensor")
    return _NAMES.get(text.lower()) or _NAMES.get(last) or text.removeprefix("torch.")


def _merged(found: Found) -> Found:
    """Groups of the other wordings under their one name."""
    return found._replace(values={name.rstrip("_"): value for name, value in found.values.items()})


def _dtype(headline: str, *causes: tuple[str, str], tries: tuple[str, ...] = ()) -> Read:
    return plain(_SLUG, f"{headline}; {_NOT_SIZES}", *causes, tries=tries)


def _pair(headline: str, *, ordered: bool = True) -> Read:
    """Two dtypes that should be one. `{got}` is the input's, `{want}` the layer's, where the wording tells them apart."""

    def read(found: Found) -> Reading:
        found = _merged(found)
        if "got" not in found or "want" not in found:
            head = f"the tensors of one operation are of different dtypes; {_NOT_SIZES}"
            return Reading(_SLUG, head, "", dict(found.values), (_MIXED,), _STEPS)
        raw = str(found.values["got"]), str(found.values["want"])
        got, want = _called(raw[0]), _called(raw[1])
        facts = {"got": got, "want": want}
        if got == want or on_gpu(raw[0]) != on_gpu(raw[1]):
            return not_moved(*raw, facts)
        head = headline.replace("{got}", got).replace("{want}", want)
        return Reading(_SLUG, f"{head}; {_NOT_SIZES}", "", dict(facts), _why(got, want, ordered=ordered), _STEPS)

    return read


_MIXED = Cause("mixed-dtypes", "the tensors come from different places (NumPy, half precision, integer data)", likely=True)


def _why(got: str, want: str, *, ordered: bool) -> tuple[Cause, ...]:
    """What is known of such a pair; the first cause gets the cast as a step, where the wording says which tensor is the input."""
    causes: list[Cause] = []
    both = {got, want}
    half = next((name for name in (got, want) if name in _HALVES), "")
    whole = next((name for name in (got, want) if name in _WHOLE), "")
    if "float64" in both:
        why = "NumPy and plain Python floats in an array are float64; torch's layers are float32"
        causes.append(Cause("numpy-float64", why, tries=("`torch.from_numpy(array).float()`",)))
    if whole == "uint8" and both & set(_FLOATS):
        tries: tuple[str, ...] = ("`x = x.float() / 255`, or `transforms.ToTensor()`",)
        causes.append(Cause("image-not-scaled", "the images are still bytes (0 to 255)", tries=tries))
    elif whole and both & set(_FLOATS):
        why = f"one side holds whole numbers ({whole}): raw tokens, labels or integer columns"
        causes.append(Cause("whole-numbers", why, tries=("`x = x.float()` for numbers; token numbers go into an `nn.Embedding` first",)))
    if half and "float64" not in both:
        why = f"one part runs in {half} and the other does not: a model loaded in half precision, or a tensor made inside `forward`"
        tries = ("run it under `with torch.autocast(device_type):`", "give tensors made inside the model `dtype=x.dtype`")
        causes.append(Cause("half-precision", why, tries=tries))
    first, *rest = causes or [_MIXED]
    target = f"torch.{want}" if want.startswith(("float", "bfloat", "int")) else "layer.weight.dtype"
    cast = (f"cast the input to the layer's dtype: `x = x.to({target})`",) if ordered else ()
    return (first._replace(likely=True, tries=(*first.tries, *cast)), *rest)


def _unsupported(found: Found) -> Reading:
    """A kernel that is not there for this dtype."""
    got, kernel = _called(found.values["got"]), str(found.values["kernel"])
    causes: list[Cause] = []
    if got in _HALVES:
        why = f"this operation has no kernel for {got} on this device: half precision is made for GPUs"
        tries: tuple[str, ...] = (
            "on the CPU: `model.float()`, or load with `dtype=torch.float32`",
            "or try a newer version of torch: it has more of these kernels",
        )
        causes.append(Cause("half-on-cpu", why, tries=tries))
    elif got in _WHOLE:
        if "nll" in kernel or "cross_entropy" in kernel or "loss" in kernel:
            why = "predictions and labels were exchanged, or the labels have the wrong dtype: class numbers are int64, other targets floats"
            tries = ("`criterion(prediction, target)` in this order; `target.long()` for classes",)
            causes.append(Cause("dtypes-exchanged", why, tries=tries))
        why = f"the tensor holds {got}, and this operation is for floating point numbers"
        causes.append(Cause("whole-numbers", why, tries=("`x = x.float()`",)))
    elif got in _FLOATS:
        why = f"the tensor holds {got}, and this operation is for whole numbers or bools"
        causes.append(Cause("floats-as-integers", why, tries=("`x.long()` for labels and indices, `mask.bool()` for masks",)))
    else:
        why = f"there is no kernel of this operation for {got}"
        causes.append(Cause("dtype", why, tries=("cast the tensor before: `x.float()`",)))
    causes[0] = causes[0]._replace(likely=True)
    headline = f"`{kernel}` cannot work on {got} tensors; {_NOT_SIZES}"
    return Reading(_SLUG, headline, "", {"got": got, "kernel": kernel}, tuple(causes), _STEPS)


def _cast(found: Found) -> Reading:
    """A result that does not fit into the tensor it is written to."""
    found = _merged(found)
    facts = {name: _called(found.values[name]) for name in ("got", "want") if name in found}
    numbers = "a result of floating point numbers does not fit into a tensor of whole numbers"
    if len(facts) == 2:
        numbers = f"a {facts['got']} result does not fit into a {facts['want']} tensor"
    why = "an in-place operation (`+=`, `/=`, `add_`, `out=`) would have to change the dtype of the tensor it writes to"
    tries = (
        "write it out: `x = x + y` makes a new tensor with the right dtype",
        "or make the tensor a float one where it is created: `x = x.float()`",
    )
    return Reading(_SLUG, f"{numbers}; {_NOT_SIZES}", "", dict(facts), (Cause("in-place-on-integers", why, likely=True),), tries)


TEMPLATES = (
    Template(
        "mm-dtype",
        ("must have the same dtype",),
        rf"(?:mat1|self|mat_a) and mat(?:2|_b) must have the same dtype(?:, but got (?P<got>{_TYPE}) and (?P<want>{_TYPE}))?",
        _pair("the input of the layer is {got} and its weight {want}"),
    ),
    Template(
        "mm-dtype-names",
        ("to have the same dtype, but got:",),
        rf"expected (?:m1|mat1|a) and (?:m2|mat2|b) to have the same dtype, but got: (?P<got>{_TYPE}) != (?P<want>{_TYPE})",
        _pair(_TWO_TENSORS),
    ),
    Template(
        "dot-dtype",
        ("expected both vectors to have same dtype",),
        rf"dot ?: expected both vectors to have same dtype, but found (?P<got>{_TYPE}) and (?P<want>{_TYPE})",
        _pair(_TWO_TENSORS, ordered=False),
    ),
    Template(
        "input-dtypes",
        ("input dtypes must be the same", "all tensors must have the same dtype, got input1"),
        rf"(?:Input dtypes must be the same, got: input:? (?P<want>{_TYPE}), batch1:? (?P<got>{_TYPE})"
        rf"|All tensors must have the same dtype, got input1: (?P<got_>{_TYPE}), input2: {_TYPE}, weight: (?P<want_>{_TYPE}))",
        _pair("the tensors of one product are of different dtypes ({got} and {want})", ordered=False),
    ),
    Template(
        "scalar-type",
        ("expected scalar type",),
        rf"expected scalar type (?P<want>{_TYPE}) but found (?P<got>{_TYPE})",
        _pair("one tensor is {got} where {want} is expected"),
    ),
    Template(
        "object-scalar-type",
        ("expected object of scalar type", "expected object of type", "expected object of backend", "expected object of device type"),
        rf"Expected object of (?:scalar |device |backend )?(?:type )?(?P<want>{_TYPE}) but (?:got|found) (?:scalar |device "
        rf"|backend )?(?:type )?(?P<got>{_TYPE})"
        r" for (?:argument|sequence element) #?\d{1,3}(?: '(?P<argument>\w{1,40})')?",
        _pair("one tensor is {got} where {want} is expected"),
    ),
    Template(
        "conv-dtype",
        ("and bias type (", "and weight type ("),
        r"Input type \((?P<got>[\w. :]{1,60})\) and (?P<part>weight|bias) type \((?P<want>[\w. :]{1,60})\) should be the same",
        _pair("the input of the layer is {got} and its weight {want}"),
    ),
    Template(
        "found-dtype",
        ("found dtype ",),
        r"Found dtype (?P<got>[A-Z]\w{2,20}) but expected (?P<want>[A-Z]\w{2,20})",
        _pair("one tensor of the loss is {got} where {want} is expected"),
    ),
    Template(
        "mixed-dtype",
        ("all inputs must share same datatype", "expect parameter to have scalar type"),
        r"mixed dtype \(CPU\): (?:all inputs must share same datatype|expect (?:parameter|input) to have scalar type of "
        rf"(?P<want>{_TYPE}))",
        _dtype(
            "the input of the normalisation and its weights are of different dtypes",
            ("numpy-float64", "the input is float64 from NumPy, or whole numbers, and the layer is float32"),
            ("half-precision", "the input is float16 or bfloat16 and the layer float32, or the other way round"),
            tries=("`x = x.to(layer.weight.dtype)`", *_STEPS),
        ),
    ),
    Template(
        "not-implemented",
        ("not implemented for '",),
        r"[\"'](?P<kernel>[\w:.]{2,80})[\"'] not implemented for '(?P<got>\w{2,20})'",
        _unsupported,
    ),
    Template(
        "output-dtype",
        ("could not infer output dtype", "can only calculate the mean of floating types"),
        rf"(?:could not infer output dtype\. Input dtype must be either a floating point or complex dtype\. Got: (?P<got>{_TYPE})"
        r"|Can only calculate the mean of floating types\. Got (?P<got_>\w{2,20}) instead)",
        plain(
            _SLUG,
            (f"a mean (or variance) is taken of whole numbers; {_NOT_SIZES}",),
            ("whole-numbers", "the mean of whole numbers is not a whole number; torch does not change the dtype by itself"),
            tries=("`x.float().mean()`; for an accuracy: `(prediction == target).float().mean()`",),
        ),
    ),
    Template(
        "float-needed",
        (
            "expected a floating point or complex tensor as input",
            "expected a floating-point or complex dtype",
            "expected a tensor of floating point or complex",
        ),
        r"expected a (?:floating[- ]point or complex (?:tensor as input|dtype)|tensor of floating point or complex "
        rf"values)(?:[.,] (?:Got|but got dtype=) ?(?P<got>{_TYPE}))?",
        _dtype(
            "an operation for floating point numbers receives whole numbers",
            ("whole-numbers", "the tensor holds integers"),
            tries=("`x = x.float()`", *_STEPS),
        ),
    ),
    Template(
        "requires-grad",
        ("floating point and complex dtype can require gradients", "floating point dtype can require gradients"),
        r"Only Tensors of floating point (?:and complex )?dtype can require gradients",
        _dtype(
            "gradients are asked for a tensor of whole numbers",
            ("whole-numbers", "`torch.tensor([1, 2])` holds integers, and integers have no gradient"),
            tries=("write the numbers with a point, `torch.tensor([1., 2.], requires_grad=True)`, or `dtype=torch.float32`",),
        ),
    ),
    Template(
        "result-cast",
        ("can't be cast to the desired output type", "can't be cast because it is not safe"),
        rf"(?:result type (?P<got>{_TYPE})|Attempting to cast from (?P<got_>{_TYPE}) to out tensor with dtype "
        rf"(?P<want_>[\w.]{{1,30}}), but this"
        rf"|input types) can't be cast (?:to the desired output type (?P<want>{_TYPE})|because it is not safe)",
        _cast,
    ),
    Template(
        "in-place-promotion",
        ("in in-place ops are not possible",),
        r"Promotion of [\w.]{1,30}(?:/\w{1,20})?_?\([\w.]{1,20}\) in in-place ops are not possible",
        _cast,
    ),
    Template(
        "index-put-dtype",
        ("requires the source and destination dtypes match",),
        rf"Index put requires the source and destination dtypes match, got (?P<want>{_TYPE}) for the destination and "
        rf"(?P<got>{_TYPE}) for the source",
        _pair("{got} numbers are written into a {want} tensor"),
    ),
    Template(
        "scatter-dtype",
        ("expected self.dtype to be equal to src.dtype", "must have the same scalar type"),
        rf"(?:scatter\(\): Expected self\.dtype to be equal to src\.dtype|\w{{1,30}}_?\(\): self \((?P<want>{_TYPE})\) and "
        rf"source \((?P<got>{_TYPE})\) must have the same scalar type)",
        _pair("{got} numbers are written into a {want} tensor"),
    ),
    Template(
        "mask-dtype",
        (
            "only supports boolean masks",
            "expected booltensor for mask",
            "expected condition to be a boolean tensor",
            "expected predicate to be bool",
        ),
        rf"(?:masked_fill_? only supports boolean masks, but got (?:mask with )?(?:dtype )?(?P<got>{_TYPE})|masked_select: "
        r"expected BoolTensor for mask"
        rf"|where expected condition to be a boolean tensor, but got a tensor with dtype (?P<got_>{_TYPE})|expected predicate "
        rf"to be bool, got (?P<got__>{_TYPE}))",
        _dtype(
            "the mask is not a bool tensor",
            ("numbers-as-mask", "a mask of 0 and 1 in numbers (a tokenizer's `attention_mask`, a float mask)"),
            tries=("`mask.bool()`, or make it by a comparison: `mask == 0`",),
        ),
    ),
    Template(
        "bool-subtract",
        ("with two bool tensors is not supported", "with a bool tensor is not supported"),
        r"Subtraction, the `-` operator, with (?:two bool tensors|a bool tensor) is not supported",
        _dtype(
            "bool tensors are subtracted",
            ("inverted-mask", "`1 - mask` of a bool mask"),
            tries=("`~mask` inverts a mask; `mask.float()` makes numbers of it",),
        ),
    ),
    Template(
        "invert-dtype",
        ("(operator.invert) is only implemented on",),
        r"~ \(operator\.invert\) is only implemented on integer and Boolean-type tensors",
        _dtype(
            "`~` is used on a tensor of floats",
            ("numbers-as-mask", "the mask holds 0.0 and 1.0 instead of bools"),
            tries=("`~mask.bool()`",),
        ),
    ),
    Template(
        "lerp-dtype",
        ("expected dtype float for", "expected dtype double for", "expected dtype torch."),
        rf"expected dtype (?P<want>{_TYPE}) for `?(?P<argument>\w{{1,30}})`?,? but got dtype (?P<got>{_TYPE})",
        _pair("one tensor is {got} where {want} is expected"),
    ),
    Template(
        "numpy-objects",
        ("can't convert np.ndarray of type",),
        r"can't convert np\.ndarray of type (?P<got>\w{1,30}(?:\.\w{1,30}){0,3})",
        _dtype(
            "an array of {got} cannot become a tensor",
            ("ragged-array", "rows of unequal length make NumPy build an array of objects"),
            ("text-column", "a column holds text or missing values: pandas makes `object` of it"),
            tries=("look at `array.dtype` and `array.shape`; bring the rows to one length, encode text, then `array.astype('float32')`",),
        ),
    ),
)
