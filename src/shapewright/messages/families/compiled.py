"""Messages that only compiling, exporting, fake or sharded tensors give."""

from __future__ import annotations

import re

from shapewright.messages.template import Cause, Found, Reading, Template, plain, shape

_SLUG = "other-shape-error"
_EAGER = "run the same lines without compiling and on real tensors: if they fail there too, that message says more"


def _guard(found: Found) -> Reading:
    """An exported program was made for one size, and another came."""
    dim, want = found.values.get("dim"), found.values.get("want")
    relation = _RELATIONS.get(str(found.values.get("relation", "==")), "exactly")
    headline = "the exported program was made for other sizes than it receives"
    if dim is not None and want is not None:
        came = f" but receives {found.values['got']}" if "got" in found else ""
        headline = f"the exported program takes {relation} {want} in dim {dim} of `{found.values.get('name') or 'an input'}`{came}"
    why = "`torch.export` fixed the sizes of the example inputs, as far as `dynamic_shapes` did not free them"
    tries = ("export with the dim free: `dynamic_shapes={'x': {0: torch.export.Dim.AUTO}}` (one entry for each input, by its name)",)
    causes = [Cause("exported-for-one-size", why, likely=True, tries=tries)]
    if dim == 0:
        last = "the last batch of a loader is smaller than the others"
        causes.append(Cause("last-batch", last, tries=("`drop_last=True` in the loader",)))
    facts = {key: value for key, value in found.values.items() if key in ("dim", "want", "got", "name")}
    return Reading(_SLUG, headline, "", facts, tuple(causes), ("or give the program inputs of the sizes it was exported with",))


_RELATIONS = {"<=": "at most", ">=": "at least", "<": "less than", ">": "more than", "!=": "any size but"}


def _condition(found: Found) -> Reading:
    """A bare condition of the C++ code. Its names often say what is compared."""
    condition = str(found.values["condition"]).strip()
    sizes = re.findall(r"(\w{1,60})(?:\.size\((-?\d+)\)|\.numel\(\)|_sizes\[(\d+)\])", condition)
    places = [f"dim {dim or other}" if dim or other else "the number of elements" for _, dim, other in sizes]
    parts = list(dict.fromkeys(f"{place} of `{name}`" for place, (name, _, _) in zip(places, sizes, strict=True)))
    why = "the sizes, the dtype or an option of the call are not what the operation takes; torch has no better words for it"
    return Reading(
        _SLUG,
        f"a condition of this operation does not hold: `{condition}`",
        f"it compares {' with '.join(parts[:2])}" if len(parts) > 1 else "",
        {"condition": condition},
        (Cause("sizes-or-options", why, likely=True),),
        (
            "print the shapes and dtypes of all tensors in the call in the line before",
            "look the operation up in the documentation: which dims must agree",
        ),
    )


_DATA = (
    "the size of the result (or the branch) depends on the numbers in a tensor, which this kind of run does not have; this is "
    "not a wrong shape",
    (
        "data-dependent",
        "`nonzero`, `masked_select`, `unique`, `x[mask]`, `.item()`, `.tolist()` and `if tensor:` need the numbers themselves",
    ),
)
_SIZES_LEFT = ("write it with fixed sizes: `torch.where(mask, x, 0)` instead of `x[mask]`, a multiplication by the mask instead of `if`",)

TEMPLATES = (
    Template(
        "export-guard",
        ("guard failed:",),
        r"Guard failed: (?P<name>[\w.\[\]'\"]{1,80}?)\.size\(\)\[(?P<dim>\d{1,3})\] (?P<relation>==|<=|>=|!=|<|>) "
        r"(?P<want>\d{1,15})|Guard failed: (?P<rest>[^\n]{1,200})",
        _guard,
    ),
    Template(
        "export-input-shape",
        ("expected input at *args", "expected input at args"),
        r"Expected input at \*?args\[\d{1,3}\](?P<name>[^\s]{0,80}?)\.shape\[(?P<dim>\d{1,3})\] to be (?P<relation>equal "
        r"to|[<>]=?) (?P<want>\d{1,15}), but got (?P<got>\d{1,15})",
        _guard,
    ),
    Template(
        "constraint-violation",
        ("constraints violated",),
        r"Constraints violated \((?P<names>.{1,200}?)\)!",
        plain(
            _SLUG,
            "{names} was declared free, but the code fixes it to one size",
            (
                "constant-in-code",
                "a number in the code (`view(32, -1)`, a table of fixed length, a buffer of the batch size) pins that dim to one value",
            ),
            ("really-fixed", "the dim is the same for all inputs and needs no freedom"),
            tries=(
                "take the number from the input: `x.size(0)` instead of a constant; the message names the constant it found",
                "or leave that dim fixed: no `Dim` for it, or `Dim.AUTO`",
            ),
        ),
    ),
    Template(
        "data-dependent",
        (
            "dynamicoutputshapeexception",
            "datadependentoutputexception",
            "data-dependent expression",
            "data-dependent branching",
            "data dependent operator",
        ),
        r"(?:DynamicOutputShapeException|DataDependentOutputException)(?:: ?(?P<operation>aten\.\w{1,60}(?:\.\w{1,40})?))?"
        r"|Could not guard on data-dependent expression (?P<expression>.{1,80}?) \(|Data-dependent branching|data dependent "
        r"operator: (?P<operator>[\w.]{1,80})",
        plain(_SLUG, *_DATA, tries=(*_SIZES_LEFT, "for `torch.export`: `torch.cond`, or `torch._check` for a fact about the size", _EAGER)),
        vague=True,
    ),
    Template(
        "vmap-data",
        ("vmap: it looks like you're", "vmap over calling .item()", "operators that can output dynamic shape"),
        r"vmap: (?:It looks like you're (?:calling \.item\(\)|attempting to use a Tensor in some data-dependent)|We do not "
        r"support batching operators that can output dynamic shape)",
        plain(_SLUG, *_DATA, tries=_SIZES_LEFT),
        vague=True,
    ),
    Template(
        "meta-no-kernel",
        ("to run this operator with meta tensors", "item() cannot be called on meta tensors", "the register_meta function for"),
        r"(?:(?P<operation>aten::[\w.]{1,80}): )?attempted to run this operator with Meta tensors|Tensor\.item\(\) cannot be "
        r"called on meta tensors"
        r"|The register_meta function for torch\.(?P<function>\w{1,40})\(\) raises unimplemented",
        plain(
            _SLUG,
            "an operation needs the numbers of a tensor on `meta`, which has a shape and no numbers; this is not a wrong shape",
            (
                "run-on-meta",
                "the model or the input was made on the device `meta`, and this operation cannot be worked out from shapes alone",
            ),
            tries=("run this part on the CPU, with real tensors",),
        ),
        vague=True,
    ),
    Template(
        "meta-copy",
        ("cannot copy out of meta tensor",),
        r"Cannot copy out of meta tensor; no data!",
        plain(
            _SLUG,
            "a tensor on `meta` is to be copied, and it has a shape but no numbers; this is not about sizes",
            (
                "weights-not-loaded",
                "the model was built on `meta` (`init_empty_weights`, `low_cpu_mem_usage`, `device_map`) and some weights "
                "were never loaded",
            ),
            (
                "moved-too-early",
                "`model.to(device)` was called on a model that is still empty, or one that `device_map` has placed already",
            ),
            tries=(
                "load the weights into it: `model.load_state_dict(saved, assign=True)`",
                "or give it memory and initialise: `model.to_empty(device=device)`",
                "with `device_map='auto'` do not call `.to(...)` afterwards",
            ),
        ),
        vague=True,
    ),
    Template(
        "sharded-parameter",
        ("out of bounds for storage of size", "but its data is not allocated yet"),
        rf"setStorage: sizes {shape('shape')}, strides .{{1,250}}? out of bounds for storage of size 0(?!\d)"
        r"|The tensor has a non-zero number of elements, but its data is not allocated yet",
        plain(
            _SLUG,
            ("a parameter of shape {shape} has no data at this moment", "a tensor has a shape, but its data is not there at this moment"),
            (
                "sharded",
                "FSDP or DeepSpeed ZeRO-3 keep parameters empty outside of their layer's own forward; a weight is used or "
                "saved outside of it",
            ),
            (
                "fake",
                "a fake tensor of `torch.compile` or `torch.export` reached code that wants real data (a kernel of one's own, `.numpy()`)",
            ),
            tries=(
                "gather it around the use: `FSDP.summon_full_params(model)`, `deepspeed.zero.GatheredParameters(params)`",
                "call the layer, not its weight: `self.head(x)` instead of `x @ self.head.weight.T`, and do not tie weights "
                "across FSDP units",
            ),
        ),
    ),
    Template(
        "improve-me",
        ("could this error message be improved",),
        r"Expected (?P<condition>.{1,240}?) to be true, but got false\. ?\(Could this error message be improved",
        _condition,
        vague=True,
    ),
    Template(
        "list-assignment",
        ("list assignment index out of range",),
        r"list assignment index out of range",
        plain(
            _SLUG,
            "a list is written to at a place that it does not have; it is a shape error only if it comes from inside torch",
            (
                "dim-out-of-range",
                "on `meta` and under `torch.compile`, a `dim=` beyond the tensor's dims (in `cat`, `index_select`) gives this message",
            ),
            ("plain-list", "a list of your own is too short: `result[i] = ...` for a list that was not filled before"),
            tries=(_EAGER, "for a list: `result.append(...)`, or make it long enough first"),
        ),
        vague=True,
    ),
    Template(
        "fake-limits",
        ("creating a new tensor subclass uninitializedparameter", "mixing fake modes", "please convert all tensors to faketensors first"),
        r"Creating a new Tensor subclass UninitializedParameter|Mixing fake modes NYI|Please convert all Tensors to FakeTensors first",
        plain(
            _SLUG,
            "real tensors, lazy layers or two fake modes were mixed; this is a limit of fake tensors, not a wrong shape",
            ("mixed-modes", "the model was made outside of the fake mode and the input inside of it, or both in modes of their own"),
            ("lazy-layer", "a lazy layer (`nn.LazyLinear`) has no weights before its first call"),
            tries=("make model and inputs in one `with FakeTensorMode():`", "call a lazy model once on real data first"),
        ),
        vague=True,
    ),
)
