"""Messages that look like shape errors and are about devices: a tensor on the GPU meets one on the CPU, or one without data."""

from __future__ import annotations

from shapewright.messages.template import Cause, Found, Reading, Template, plain

_SLUG = "other-shape-error"
_NOT_SIZES = "this is about devices, not about sizes"
_DEVICE = r"[\w:]{1,20}"
_MOVE = (
    "move both to one device: `model.to(device)` and `x = x.to(device)` for every tensor of the batch, labels and masks as well",
    "tensors made in `forward` need it too: `torch.zeros(..., device=x.device)`; constants of a module belong in `register_buffer`",
)


def on_gpu(name: str) -> bool:
    """Whether the old name of a type says so: `torch.cuda.FloatTensor`."""
    return any(kind in name.lower() for kind in ("cuda", "mps", "xpu"))


def not_moved(got: str, want: str, facts: dict[str, str]) -> Reading:
    """The types of input and layer, in the old wording that names the device along with the dtype."""
    where = ["the GPU" if on_gpu(name) else "the CPU" for name in (got, want)]
    name = "input-not-moved" if on_gpu(want) else "model-not-moved"
    why = "the model was moved to a device and the batch was not, or the other way round"
    headline = f"the input is on {where[0]} and the layer on {where[1]}; {_NOT_SIZES}"
    return Reading(_SLUG, headline, "", dict(facts), (Cause(name, why, likely=True),), _MOVE)


def _apart(found: Found) -> Reading:
    """Two devices, or one wording that names none."""
    found = found._replace(values={name.rstrip("_"): value for name, value in found.values.items()})
    names = [str(found.values[name]).rstrip("!.,") for name in ("first", "second") if name in found]
    where = f": {names[0]} and {names[1]}" if len(names) == 2 else ""
    attribute = "a tensor kept as a plain attribute of a module does not move with `model.to(device)`"
    causes = (_why(names), Cause("plain-attribute", attribute, tries=("`self.register_buffer('name', tensor)`",)))
    facts = dict(zip(("first", "second"), names, strict=False))
    return Reading(_SLUG, f"the tensors of one operation are on different devices{where}; {_NOT_SIZES}", "", dict(facts), causes, _MOVE)


def _why(names: list[str]) -> Cause:
    if len(names) == 2 and all(on_gpu(name) for name in names):
        why = "parts of the model, or model and input, are on different GPUs"
        tries = ("with `device_map='auto'`: move the inputs to `model.device`, and make new tensors on `x.device`",)
        return Cause("several-gpus", why, likely=True, tries=tries)
    if "meta" in names:
        why = "part of the model is on `meta`: it has shapes, but no numbers were ever loaded"
        tries = ("load the weights: `model.load_state_dict(saved, assign=True)`, or `model.to_empty(device=...)` and initialise",)
        return Cause("no-data", why, likely=True, tries=tries)
    return Cause(
        "not-moved", "the model was moved to the GPU and one tensor was not: a label, a mask, or one made in `forward`", likely=True
    )


TEMPLATES = (
    Template(
        "same-device",
        ("expected all tensors to be on the same device",),
        rf"Expected all tensors to be on the same device,? (?:but |and )?(?:found at least two devices, (?P<first>{_DEVICE}) "
        rf"and (?P<second>{_DEVICE})"
        rf"|(?:but )?got (?P<argument>\w{{1,40}}) is on (?P<first_>{_DEVICE}), different from other tensors on (?P<second_>{_DEVICE}))?",
        _apart,
    ),
    Template(
        "expected-device",
        ("is not on the expected device",),
        rf"Tensor on device (?P<first>{_DEVICE}) is not on the expected device (?P<second>{_DEVICE})",
        _apart,
    ),
    Template(
        "input-hidden-device",
        ("are not at the same device", "must be on the same device", "should be either on cpu", "should be on the same device"),
        rf"Input and (?:hidden|parameter) tensors are not at the same device, found [\w ]{{0,30}}tensor at (?P<first>{_DEVICE}) and "
        rf"[\w ]{{1,30}} at (?P<second>{_DEVICE})|indices should be either on cpu or on the same device"
        r"|\w[\w ]{0,60} (?:must|should) be on the same device",
        _apart,
    ),
    Template(
        "cuda-to-numpy",
        ("device type tensor to numpy",),
        rf"can't convert (?P<first>{_DEVICE}) device type tensor to numpy",
        plain(
            _SLUG,
            f"a tensor on {{first}} is to become a NumPy array; {_NOT_SIZES}",
            ("not-on-cpu", "NumPy knows the memory of the CPU only"),
            tries=("`x.detach().cpu().numpy()`",),
        ),
    ),
)
