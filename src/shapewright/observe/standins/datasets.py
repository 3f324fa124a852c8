"""torchvision's datasets when their data is not here.

In: a dataset class of torchvision, constructed with a root at which nothing is. Out: an object of that very class, of the real length,
whose attributes are what they would be, with random samples; torchvision's own `__getitem__` and the program's transforms run on them.
Nothing is downloaded. If the data is there, the dataset is the real one.
"""

from __future__ import annotations

import functools
import inspect
import os
import sys
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

from shapewright.observe.standins import known_data
from shapewright.observe.standins.patches import Patches
from shapewright.observe.standins.pictures import Folders, unrecorded


def install(patches: Patches) -> None:
    """Wait for torchvision and PIL."""
    folders = Folders()
    patches.after_import("PIL.Image", lambda image: _open(patches, folders, image))
    patches.after_import("torchvision", lambda torchvision: _torchvision(patches, folders, torchvision))
    _random_split(patches)


def _torchvision(patches: Patches, folders: Folders, torchvision: Any) -> None:
    datasets = torchvision.datasets
    for name, fill in known_data.FILLS.items():
        cls = getattr(datasets, name, None) or getattr(datasets.voc, name, None)
        if cls is not None and "__init__" in vars(cls):
            patches.set(cls, "__init__", _constructor(cls, fill, patches, folders))
    for name, attributes in known_data.LENT.items():
        for attribute in attributes:
            if hasattr(datasets, name):
                patches.set(getattr(datasets, name), attribute, _Lent(attribute))
    _files(patches, folders, datasets)
    _downloads(patches, datasets.utils)
    _save_image(patches, torchvision.utils)


def _constructor(cls: type, fill: Callable[..., str], patches: Patches, folders: Folders) -> Callable[..., None]:
    """The class's own constructor; when it does not find its data, `fill` sets what it would have set."""
    real = vars(cls)["__init__"]
    signature = inspect.signature(real)

    @functools.wraps(real)
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        call = signature.bind(self, *args, **kwargs)
        call.apply_defaults()
        if "download" in call.arguments:
            call.arguments["download"] = False
        try:
            real(*call.args, **call.kwargs)
        except (TypeError, ValueError):
            raise  # the program's own mistake: a split or an option that does not exist
        except Exception:
            given = SimpleNamespace(**call.arguments)
            if cls.__name__ == "DatasetFolder" and not known_data.is_missing(given.root):
                raise
            _base(self, call.arguments)
            try:
                with unrecorded():
                    assumed = fill(self, given, folders)
            except KeyError as unknown:  # a split that does not exist, which the class would have checked later
                raise ValueError(f"{cls.__name__} has no {unknown}") from None
            patches.assume(assumed)

    return __init__


def _base(dataset: Any, given: dict[str, Any]) -> None:
    """Root and transforms, which the class may not have come to set."""
    if "transforms" not in vars(dataset):
        names = ("transforms", "transform", "target_transform")
        sys.modules["torchvision.datasets.vision"].VisionDataset.__init__(
            dataset, given["root"], **{name: given.get(name) for name in names}
        )


class _Lent:
    """An attribute whose real value is large: torchvision's own methods get a light one, anybody else the real one, made then.

    It stands on the class and not on the instance, so a dataset that found its data never meets it.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, dataset: Any, owner: type) -> Any:
        lent = vars(dataset).get("_lent", {}) if dataset is not None else {}
        if self._name not in lent:
            raise AttributeError(f"{owner.__name__!r} object has no attribute {self._name!r}")
        light, real = lent[self._name]
        caller = sys._getframe(1)
        if caller.f_code.co_name in ("__getitem__", "__len__") and caller.f_globals.get("__name__", "").startswith("torchvision."):
            return light
        with unrecorded():
            vars(dataset)[self._name] = value = real()
        return value


def _open(patches: Patches, folders: Folders, image: ModuleType) -> None:
    real = image.open

    def open_picture(fp: Any, *args: Any, **kwargs: Any) -> Any:
        made = folders.picture(fp)
        return real(fp, *args, **kwargs) if made is None else made

    patches.set(image, "open", open_picture)


def _files(patches: Patches, folders: Folders, datasets: Any) -> None:
    """The places besides `PIL.Image.open` where torchvision reads the files of a dataset."""
    pil_loader, parse = datasets.folder.pil_loader, datasets.voc.ET_parse

    def load(path: Any) -> Any:
        made = folders.picture(path)
        return pil_loader(path) if made is None else made.convert("RGB")

    def parse_annotation(path: Any, *args: Any) -> Any:
        made = folders.picture(path)
        return parse(path, *args) if made is None else made

    patches.set(datasets.folder, "pil_loader", load)
    patches.set(datasets.voc, "ET_parse", parse_annotation)
    patches.set(datasets.Caltech101, "__getitem__", known_data.caltech_item(datasets.Caltech101.__getitem__))


def _downloads(patches: Patches, utils: Any) -> None:
    """A program that downloads by itself goes on without: the dataset that it then opens is stood in for."""

    def no_download(source: Any = "", *args: Any, **kwargs: Any) -> None:
        patches.assume(f"{os.path.basename(str(source))} is neither downloaded nor unpacked")

    for name in ("download_url", "download_and_extract_archive", "download_file_from_google_drive", "extract_archive"):
        patches.replace_everywhere(("torchvision",), getattr(utils, name), functools.partial(no_download))


def _save_image(patches: Patches, utils: Any) -> None:
    real = utils.save_image

    def save_image(tensor: Any, fp: Any, format: Any = None, **kwargs: Any) -> None:
        import io

        # The grid is laid out and made into a picture, which is where its shape matters; only the file is not written.
        real(tensor, io.BytesIO(), format="bmp", **kwargs)

    patches.set(utils, "save_image", save_image)


def _random_split(patches: Patches) -> None:
    import torch.utils.data

    real = torch.utils.data.random_split

    def random_split(dataset: Any, lengths: Any, *args: Any, **kwargs: Any) -> Any:
        # How many pictures a missing folder holds is assumed; a program that knows the number says so here.
        if getattr(dataset, "_assumed_length", False) and all(isinstance(length, int) for length in lengths):
            total = sum(lengths)
            if total != len(dataset):
                known_data.set_length(dataset, total)
                patches.assume(f"the folder holds {total} pictures, as random_split wants")
        return real(dataset, lengths, *args, **kwargs)

    patches.replace_everywhere(("torch.utils.data",), real, random_split)
