"""Messages about the type of an argument: a tuple goes into a layer, a size is a float. The type tells what was passed on whole."""

from __future__ import annotations

from shapewright.messages.template import Cause, Found, Reading, Template, plain

_SLUG = "other-shape-error"
_ATTRIBUTES = (
    "dim|ndim|size|shape|numel|view|reshape|flatten|squeeze|unsqueeze|permute|transpose|contiguous|expand|repeat|detach|backward|item|float|long|half|double"
    "|softmax|log_softmax|sigmoid|relu|tanh|argmax|mean|sum|max|dtype|device|is_cuda|requires_grad|cpu|cuda|to|numpy|new_zeros|new_ones|clone|masked_fill"
)


def _passed(kind: str) -> list[Cause]:
    """What a type that is no tensor says of where it comes from."""
    last = kind.rsplit(".", 1)[-1]
    if "return_types" in kind:
        return [
            Cause(
                "values-and-indices",
                f"`{last}` along a dim gives two tensors, values and indices",
                likely=True,
                tries=(f"take the values: `x.{last}(dim=1).values`, or `x.amax(dim=1)`",),
            )
        ]
    if last == "tuple":
        return [
            Cause(
                "recurrent-output",
                "`nn.LSTM`, `nn.GRU` and `nn.MultiheadAttention` give a tuple: the output and the state or the weights",
                likely=True,
                tries=(
                    "unpack it: `out, (h, c) = self.lstm(x)`, `out, h = self.gru(x)`, `out, weights = self.attn(q, k, v)`",
                    "inside `nn.Sequential` put a small module behind the layer whose "
                    "`forward` returns `x[0]`, or call the layers one by one",
                ),
            ),
            Cause(
                "several-outputs",
                "a `forward` that returns several values (`return x, mask`), all of them passed on",
                tries=("take the one that is meant: `x = self.encoder(x)[0]`",),
            ),
            Cause("stray-comma", "a comma at the end of a line makes a tuple: `x = self.conv(x),`"),
        ]
    if last == "list":
        return [
            Cause(
                "list-of-tensors",
                "a list of tensors, as a loader with its own `collate_fn` or a `ModuleList` in a loop gives",
                likely=True,
                tries=("join them: `torch.stack(tensors)`, or `torch.cat(tensors, dim=1)` for features",),
            ),
            Cause("list-of-numbers", "plain Python numbers", tries=("make a tensor: `torch.tensor(numbers)`",)),
        ]
    if last == "NoneType":
        return [
            Cause(
                "missing-return", "a `forward` or a function without `return` gives None", likely=True, tries=("end it with `return x`",)
            ),
            Cause(
                "optional-is-none",
                "an optional value was not given: a mask, labels, the weights of an attention "
                "called with `need_weights=False`, a layer built with `bias=False`",
            ),
        ]
    if last in ("ndarray", "Image", "DataFrame", "Series") or last.endswith("ImageFile"):
        make = (
            "`torch.from_numpy(x).float()`"
            if last == "ndarray"
            else "`transforms.ToTensor()` in the transforms of the dataset"
            if "Image" in last
            else "`torch.tensor(x.values)`"
        )
        return [Cause("not-yet-a-tensor", f"the data is still a {last}", likely=True, tries=(f"make a tensor of it: {make}",))]
    if last in ("int", "float", "bool", "str"):
        why = (
            "text must become numbers first: a tokenizer, a table of labels"
            if last == "str"
            else "a Python number, where a tensor belongs: `.item()` or `float(...)` came too early, or a plain function of `math` is meant"
        )
        return [
            Cause(
                "text-as-input" if last == "str" else "number-as-input",
                why,
                likely=True,
                tries=() if last == "str" else ("`torch.tensor(x)` makes a tensor of a number",),
            )
        ]
    if last == "PackedSequence":
        return [
            Cause(
                "packed-sequence",
                "a packed sequence goes on to a layer that takes padded ones",
                likely=True,
                tries=("pad it again: `out, lengths = nn.utils.rnn.pad_packed_sequence(packed, batch_first=True)`",),
            )
        ]
    if last in ("type", "method", "function", "builtin_function_or_method"):
        return [
            Cause(
                "not-called",
                "a class, function or method itself is passed on: its brackets `()` are missing",
                likely=True,
                tries=("call it: `x.float()`, `nn.ReLU()(x)`",),
            )
        ]
    if last in ("dict", "OrderedDict", "BatchEncoding", "BatchFeature"):
        return [
            Cause(
                "dict-of-results",
                "a dict of tensors, as segmentation models of torchvision (`'out'`) and tokenizers give",
                likely=True,
                tries=("take the tensor by its key: `output['out']`, `batch['input_ids']`",),
            )
        ]
    if "Output" in last:
        take = (
            "`output.logits`, or in training mode the auxiliary ones too: `output, aux = model(x)`"
            if last in ("InceptionOutputs", "GoogLeNetOutputs")
            else "`output.logits` or `output.last_hidden_state`"
        )
        return [
            Cause("output-object", f"a {last} holds the tensors of the model by name", likely=True, tries=(f"take the tensor: {take}",))
        ]
    return [Cause("other-object", f"an object of type {last} is passed on as it is", likely=True, tries=("take the tensor out of it",))]


def _argument(found: Found) -> Reading:
    """`linear(): argument 'input' (position 1) must be Tensor, not tuple`, and its like."""
    call, kind, wanted = (str(found.values.get(name, "")) for name in ("call", "type", "wanted"))
    facts = dict(found.values)
    if wanted == "tuple of Tensors":
        cause = Cause(
            "tensor-for-list",
            f"`{call}` joins several tensors and wants them in a list",
            likely=True,
            tries=(f"write `torch.{call}([a, b], dim=...)` with the brackets", "a tensor that is cut along dim 0: `list(x)`"),
        )
        return Reading(_SLUG, f"`{call}` receives {_a(kind)} where a list of tensors belongs", "", facts, (cause,))
    if wanted in ("int", "tuple of ints"):
        return Reading(_SLUG, f"`{call}` receives {_a(kind)} where whole numbers belong", "", facts, _whole(kind))
    layer = f"{found.layer} " if found.context.layer else ""
    where = f"{layer}(`{call}`)" if layer else f"`{call}`"
    name = f" as `{found.values['argument']}`" if found.values.get("argument") not in (None, "input", "self") else ""
    causes = tuple(_passed(kind)) if kind else (Cause("no-tensor", "something else than a tensor is passed on", likely=True),)
    return Reading(
        _SLUG,
        f"{where} receives {_a(kind) if kind else 'no tensor'}{name} where a tensor belongs",
        "this is about types, not about sizes",
        facts,
        causes,
        ("print `type(x)` in the line before",),
    )


def _a(kind: str) -> str:
    last = kind.rsplit(".", 1)[-1] if "return_types" not in kind else kind
    return "None" if last == "NoneType" else f"{'an' if last[:1].lower() in 'aeiou' else 'a'} {last}"


def _whole(kind: str) -> tuple[Cause, ...]:
    if kind == "Tensor":
        return (
            Cause(
                "tensor-as-size",
                "a tensor stands where a size belongs",
                likely=True,
                tries=("make a number of it: `int(n)`, or `n.tolist()` for several",),
            ),
        )
    if kind == "float":
        return (
            Cause(
                "division-gives-float",
                "`/` gives a float even when it comes out even: `16 * 5 * 5 / 2` is 200.0",
                likely=True,
                tries=("divide with `//`, or write `int(...)` around it",),
            ),
        )
    return (
        Cause(
            "not-a-number",
            f"a size is a whole number, not {_a(kind)}",
            likely=True,
            tries=("print the value and its type in the line before",),
        ),
    )


def _size(found: Found) -> Reading:
    kind = str(found.values["type"])
    return Reading(
        _SLUG, f"`{found.values['call']}` is given a size that is {_a(kind)}, not a whole number", "", dict(found.values), _whole(kind)
    )


def _combination(found: Found) -> Reading:
    """Types of arguments that no form of the call takes; the first that is not a tensor among tensors is the likely one."""
    call = str(found.values["call"])
    types = [part.strip() for part in str(found.values["types"]).split(",") if part.strip()]
    facts: dict[str, object] = {"call": call, "types": types}
    plain_types = [kind.split("=")[-1] for kind in types]
    if types and ("Parameter" in plain_types[1:] or call.startswith("conv")) and plain_types[0] not in ("Tensor", "Parameter"):
        where = f"{found.layer} (`{call}`)" if found.context.layer else f"`{call}`"
        return Reading(
            _SLUG,
            f"{where} receives {_a(plain_types[0])} where a tensor belongs",
            "this is about types, not about sizes",
            {**facts, "type": plain_types[0]},
            tuple(_passed(plain_types[0])),
            ("print `type(x)` in the line before",),
        )
    if "float" in plain_types and all(kind in ("int", "float") for kind in plain_types):
        return Reading(
            _SLUG, f"`{call}` is given a size that is a float, not a whole number", "", {**facts, "type": "float"}, _whole("float")
        )
    odd = next((kind for kind in plain_types if kind in ("NoneType", "tuple", "list", "str", "numpy.ndarray")), None)
    causes = (
        Cause("no-such-form", "the message lists the forms that the call has; none of them takes these types in this order", likely=True),
        *(_passed(odd) if odd else []),
    )
    return Reading(
        _SLUG,
        f"`{call}` takes no arguments of types ({', '.join(types)})",
        "this is about types, not about sizes",
        facts,
        causes,
        ("compare with the forms that the message lists",),
    )


def _attribute(found: Found) -> Reading:
    kind, name = str(found.values["type"]), found.values["attribute"]
    return Reading(
        _SLUG,
        f"`.{name}` is asked of {_a(kind)}, where a tensor belongs",
        "this is about types, not about sizes",
        dict(found.values),
        tuple(_passed(kind)),
        ("print `type(x)` in the line before",),
    )


def _operands(found: Found) -> Reading:
    kind = str(found.values.get("type") or found.values.get("other") or "tuple")
    sign = found.values.get("operator", "+")
    return Reading(
        _SLUG,
        f"`{sign}` joins a tensor and {_a(kind)}",
        "this is about types, not about sizes",
        {**found.values, "type": kind},
        tuple(_passed(kind)),
        ("print `type(...)` of both sides in the line before",),
    )


_T = r"[\w.]{1,80}"
TEMPLATES = (
    Template(
        "argument-type",
        ("must be tensor", "must be tuple of", "must be int"),
        rf"(?P<call>\w{{1,60}})\(\): argument \\?'(?P<argument>\w{{1,40}})\\?' \(position "
        rf"(?P<position>\d{{1,3}})\) must be (?P<wanted>Tensor|tuple of "
        rf"Tensors|tuple of ints|int), not (?P<type>{_T}\w)",
        _argument,
        cut=r"(?P<call>\w{1,60})\(\): argument \\?'(?P<argument>\w{1,40})\\?' " r"\(position (?P<position>\d{1,3})\) must be Tensor",
    ),
    Template(
        "size-type",
        ("failed to unpack the object", "but found element of type"),
        rf"(?P<call>\w{{1,60}})\(\): argument \\?'(?P<argument>\w{{1,40}})\\?' (?:failed to unpack the object at "
        rf"pos \d{{1,3}} with error \\?\"type must be tuple of ints, ?but got (?P<type>{_T})"
        rf"|(?:\(position \d{{1,3}}\) )?must be tuple of ints, but found "
        rf"element of type (?P<element>{_T}) at pos \d{{1,3}})",
        lambda found: _size(
            found if "type" in found else Found({**found.values, "type": found.values["element"]}, found.text, found.context)
        ),
    ),
    Template(
        "argument-combination",
        ("invalid combination of arguments",),
        r"(?P<call>\w{1,60})\(\) received an invalid combination of arguments - got \((?P<types>[^()]{0,400})",
        _combination,
    ),
    Template(
        "list-element-type",
        ("expected tensor as element",),
        rf"expected Tensor as element (?P<index>\d{{1,9}}) in argument \d{{1,3}}, but got (?P<type>{_T}\w)",
        plain(
            _SLUG,
            "entry {index} of the list is of type {type}, where a tensor belongs",
            (
                "list-not-of-tensors",
                "`cat`, `stack` and `pad_sequence` join tensors: make them of plain numbers first, `torch.tensor(...)`",
            ),
            ("missing-return", "an entry that is None comes from a function or a `__getitem__` without `return`"),
        ),
    ),
    Template(
        "attribute-of-tuple",
        (
            "tuple' object has no attribute",
            "list' object has no attribute",
            "packedsequence' object has no attribute",
            "'torch.return_types.",
        ),
        rf"'(?P<type>tuple|list|PackedSequence|torch\.return_types\.\w{{1,20}})\\?' "
        rf"object has no attribute \\?'(?P<attribute>{_ATTRIBUTES})\\?'",
        _attribute,
    ),
    Template(
        "operand-of-tuple",
        ("unsupported operand type(s) for", "can only concatenate tuple"),
        r"(?:unsupported operand type\(s\) for (?P<operator>[-+*/@%]{1,2}=?): "
        r"(?:\\?'(?:torch\.)?(?:Tensor|Parameter)\\?' and "
        r"\\?'(?P<type>tuple|list|NoneType)\\?'|\\?'(?P<other>tuple|list|NoneType)\\?' "
        r"and \\?'(?:torch\.)?(?:Tensor|Parameter)\\?')"
        r"|can only concatenate tuple \(not \\?\"Tensor\\?\"\) to tuple)",
        _operands,
    ),
)
