"""Pretrained weights are never fetched: their values change no shape.

In: `weights=…`, `pretrained=True`, `torch.hub.load`, `load_state_dict_from_url`, `timm.create_model`, `from_pretrained`.
Out: the model as it was built, with the classes that those weights have; or `Unavailable` when the model itself would have to be fetched.
"""

from __future__ import annotations

import importlib
import os
from collections import OrderedDict
from collections.abc import Callable
from types import ModuleType
from typing import Any

import torch
import torch.hub

from shapewright.observe.standins.patches import Patches
from shapewright.observe.standins.unavailable import Unavailable


class NoWeights(OrderedDict[str, Any]):
    """A checkpoint that was not fetched: empty, and `load_state_dict` takes it without a word."""

    def __missing__(self, key: str) -> NoWeights:
        return self  # checkpoint["state_dict"], checkpoint["model"]

    def __delitem__(self, key: str) -> None:
        if key in self:
            super().__delitem__(key)

    def pop(self, key: str, default: Any = None) -> Any:
        """Whatever is taken out was not there."""
        return super().pop(key, default)


def install(patches: Patches) -> None:
    """Leave every model as it was initialised."""
    fetched = [False]

    def no_state_dict(url: str, *args: Any, **kwargs: Any) -> NoWeights:
        fetched[0] = True
        patches.assume(f"the weights {os.path.basename(str(url))} are not fetched: the model keeps its initial values")
        return NoWeights()

    load_state_dict = torch.nn.Module.load_state_dict

    def load(self: torch.nn.Module, state_dict: Any, *args: Any, **kwargs: Any) -> Any:
        # An empty plain dict is what a program makes of weights that were not fetched when it renames their keys.
        if isinstance(state_dict, NoWeights) or (fetched[0] and not state_dict):
            return torch.nn.modules.module._IncompatibleKeys([], [])
        return load_state_dict(self, state_dict, *args, **kwargs)

    patches.set(torch.nn.Module, "load_state_dict", load)
    patches.replace_everywhere(
        ("torch.hub", "torch.utils.model_zoo", "torchvision", "timm"), torch.hub.load_state_dict_from_url, no_state_dict
    )
    _hub(patches)
    patches.after_import("timm", lambda timm: _timm(patches, timm))
    for module, names in _PRETRAINED.items():
        patches.after_import(module, _from_pretrained(patches, names))


def _hub(patches: Patches) -> None:
    hub_load: Callable[..., Any] = torch.hub.load

    def load(repo_or_dir: str, model: str, *args: Any, source: str = "github", **kwargs: Any) -> Any:
        if source == "local":
            return hub_load(repo_or_dir, model, *args, source=source, **kwargs)
        if repo_or_dir.split(":")[0] == "pytorch/vision":
            for option in ("trust_repo", "force_reload", "verbose", "skip_validation"):
                kwargs.pop(option, None)
            patches.assume(f"torch.hub's {model} is taken from the installed torchvision")
            return _builder(model)(*args, **kwargs)
        raise Unavailable(
            f"torch.hub.load fetches {model} from {repo_or_dir}",
            "run `shapewright run` where the model is cached, or check the part of the program that does not need it",
        )

    def not_here(repo: str, *args: Any, **kwargs: Any) -> Any:
        raise Unavailable(f"torch.hub asks {repo}", "the network is not used in a dry run")

    def no_download(url: str, *args: Any, **kwargs: Any) -> None:
        raise Unavailable(f"the program downloads {url}", "put the file where the program looks for it")

    patches.set(torch.hub, "load", load)
    patches.set(torch.hub, "list", not_here)
    patches.set(torch.hub, "help", not_here)
    patches.set(torch.hub, "download_url_to_file", no_download)


def _builder(name: str) -> Callable[..., Any]:
    models = importlib.import_module("torchvision.models")
    for module in (models, models.segmentation, models.detection, models.video, models.quantization):
        if callable(getattr(module, name, None)):
            builder: Callable[..., Any] = getattr(module, name)
            return builder
    raise Unavailable(f"torchvision has no model {name}", "update torchvision")


def _timm(patches: Patches, timm: ModuleType) -> None:
    create_model = timm.create_model

    def create(model_name: str, pretrained: bool = False, *args: Any, **kwargs: Any) -> Any:
        if pretrained:
            patches.assume(f"timm's weights for {model_name} are not fetched: the model keeps its initial values")
        kwargs.pop("checkpoint_path", None)
        return create_model(model_name, False, *args, **kwargs)

    patches.replace_everywhere(("timm",), create_model, create)


# Modules and their classes whose `from_pretrained` fetches what cannot be made up: the configuration decides every shape.
_PRETRAINED = {
    "transformers.modeling_utils": ("PreTrainedModel",),
    "transformers.models.auto.auto_factory": ("_BaseAutoModelClass",),
    "transformers.tokenization_utils_base": ("PreTrainedTokenizerBase",),
    "transformers.models.auto.tokenization_auto": ("AutoTokenizer",),
    "transformers.configuration_utils": ("PretrainedConfig", "PreTrainedConfig"),
    "transformers.models.auto.configuration_auto": ("AutoConfig",),
    "transformers.models.auto.image_processing_auto": ("AutoImageProcessor",),
    "transformers.models.auto.processing_auto": ("AutoProcessor",),
    "transformers.models.auto.feature_extraction_auto": ("AutoFeatureExtractor",),
}


def _from_pretrained(patches: Patches, names: tuple[str, ...]) -> Callable[[ModuleType], None]:
    def patch(module: ModuleType) -> None:
        for cls in (getattr(module, name) for name in names if hasattr(module, name)):
            patches.set(cls, "from_pretrained", classmethod(_only_local(cls.from_pretrained.__func__)))

    return patch


def _only_local(real: Callable[..., Any]) -> Callable[..., Any]:
    def from_pretrained(cls: type, name: Any = None, *args: Any, **kwargs: Any) -> Any:
        if name is not None and os.path.isdir(name):
            return real(cls, name, *args, **kwargs)
        raise Unavailable(
            f"{cls.__name__}.from_pretrained fetches {name!r}",
            "build the model from a configuration instead, or give the path of a downloaded copy",
        )

    return from_pretrained
