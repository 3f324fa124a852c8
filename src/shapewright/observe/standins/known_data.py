"""What is known of the datasets that programs use: lengths, classes, sizes, and which attributes their classes set.

In: a dataset object whose constructor did not find its data, the constructor's arguments, and the invented folders.
Out: the object with the attributes of a complete one, and a sentence on what was assumed.
"""

from __future__ import annotations

import functools
import importlib
import os
import pathlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from shapewright.observe.standins import known_scenes, names
from shapewright.observe.standins.pictures import PHOTOS, Folders, Listed, here, labels, numbers, photo, samples

Sizes = Sequence[tuple[int, int]]

_EMNIST = {
    "byclass": (697932, 116323), "bymerge": (697932, 116323), "balanced": (112800, 18800),
    "letters": (124800, 20800), "digits": (240000, 40000), "mnist": (60000, 10000),
}  # fmt: skip
_QMNIST = {"train": 60000, "test": 60000, "test10k": 10000, "test50k": 50000, "nist": 402953}
_LSUN = {
    "bedroom": 3033042, "bridge": 818687, "church_outdoor": 126227, "classroom": 168103, "conference_room": 229069,
    "dining_room": 657571, "kitchen": 2212277, "living_room": 1315802, "restaurant": 626331, "tower": 708264,
}  # fmt: skip

# A folder of pictures that nobody has seen. The number leaves a ragged last batch, but never of one, for all usual batch sizes;
# two classes, because labels 0 and 1 are valid for every classifier.
_FOLDER_LENGTH, _FOLDER_CLASSES = 1014, 2


@dataclass(frozen=True)
class Photos:
    """A classification dataset of photos in files: samples by split, number of classes, sizes of the pictures."""

    counts: dict[str, int]
    classes: int
    sizes: Sizes = PHOTOS
    names: Sequence[str] = ()


_SMALL_SIGNS = ((53, 54), (29, 30), (43, 43), (61, 58), (112, 107), (35, 39))
_PHOTOS = {
    "Food101": Photos({"train": 75750, "test": 25250}, 101, ((512, 512), (512, 384), (384, 512), (512, 341))),
    "Flowers102": Photos({"train": 1020, "val": 1020, "test": 6149}, 102, ((667, 500), (500, 667), (500, 500), (754, 500))),
    "DTD": Photos({"train": 1880, "val": 1880, "test": 1880}, 47, ((640, 480), (300, 300), (640, 640), (450, 640))),
    "FGVCAircraft": Photos({"train": 3334, "val": 3333, "trainval": 6667, "test": 3333}, 100, ((1024, 695), (1024, 768), (1200, 812))),
    "SUN397": Photos({"": 108754}, 397, ((1024, 768), (500, 375), (375, 500), (640, 480))),
    "GTSRB": Photos({"train": 26640, "test": 12630}, 43, _SMALL_SIGNS),
    "StanfordCars": Photos({"train": 8144, "test": 8041}, 196, ((600, 400), (640, 480), (1600, 1200), (275, 183))),
    "RenderedSST2": Photos({"train": 6920, "val": 872, "test": 1821}, 2, ((448, 448),)),
    "Imagenette": Photos({"train": 9469, "val": 3925}, 10),
    "EuroSAT": Photos({"": 27000}, 10, ((64, 64),), names.EUROSAT),
    "Country211": Photos({"train": 31650, "valid": 10550, "test": 21100}, 211),
}


def lend(dataset: Any, name: str, light: Any, real: Callable[[], Any]) -> None:
    """Give `dataset` a large attribute: `light` for the class's own methods, `real()` for whoever else asks."""
    vars(dataset).pop(name, None)
    vars(dataset).setdefault("_lent", {})[name] = (light, real)


def _kind(dataset: Any) -> str:
    """The name of torchvision's class that `dataset` is or is derived from."""
    return next(cls.__name__ for cls in type(dataset).__mro__ if cls.__module__.startswith("torchvision."))


def _class_names(n: int) -> list[str]:
    return [f"class_{i:0{len(str(n - 1))}d}" for i in range(n)]


def _index(classes: Sequence[Any]) -> dict[Any, int]:
    return {name: i for i, name in enumerate(classes)}


# Arrays in memory


def _mnist(dataset: Any, given: Any, folders: Folders) -> str:
    dataset.train = given.train
    kind = _kind(dataset)
    if kind == "EMNIST":
        n = _EMNIST[dataset.split][0 if given.train else 1]
        classes = len(dataset.classes_split_dict[dataset.split])
        targets = torch.from_numpy(labels(n, 26) + 1 if dataset.split == "letters" else labels(n, classes))
    elif kind == "QMNIST":
        n = _QMNIST[dataset.what]
        targets = numbers(n, 8, 0, 9).clone()
        targets[:, 0] = torch.from_numpy(labels(n, 10))
    else:
        n = 60000 if given.train else 10000
        targets = torch.from_numpy(labels(n, 10))
    data = torch.from_numpy(samples(n, 28, 28))
    lend(dataset, "data", data, data.contiguous)
    dataset.targets = targets
    return here(kind)


def _cifar(dataset: Any, given: Any, folders: Folders) -> str:
    dataset.train = given.train
    n = 50000 if given.train else 10000
    hundred = _kind(dataset) == "CIFAR100"
    dataset.classes = list(names.CIFAR100 if hundred else names.CIFAR10)
    dataset.class_to_idx = _index(dataset.classes)
    # In memory the channels come first, as in the real one: a view of it is not contiguous.
    dataset.data = samples(n, 3, 32, 32).transpose(0, 2, 3, 1)
    dataset.targets = labels(n, len(dataset.classes)).tolist()
    return here("CIFAR100" if hundred else "CIFAR10")


def _svhn(dataset: Any, given: Any, folders: Folders) -> str:
    n = {"train": 73257, "test": 26032, "extra": 531131}[given.split]
    dataset.data = samples(n, 3, 32, 32).transpose(0, 1, 3, 2)
    dataset.labels = labels(n, 10)
    return here("SVHN")


def _stl10(dataset: Any, given: Any, folders: Folders) -> str:
    n = {"train": 5000, "test": 8000, "unlabeled": 100000, "train+unlabeled": 105000}[given.split]
    known = {"unlabeled": 0, "train+unlabeled": 5000}.get(given.split, n)
    if given.folds is not None and given.split != "unlabeled":
        n, known = n - known + 1000, 1000
    dataset.data = samples(n, 3, 96, 96).transpose(0, 1, 3, 2)
    answers = labels(known, 10).astype(np.uint8)
    dataset.labels = answers if known == n else np.concatenate((answers, np.full(n - known, -1, dtype=np.int64)))
    dataset.classes = list(names.STL10)
    return here("STL10")


def _usps(dataset: Any, given: Any, folders: Folders) -> str:
    n = 7291 if given.train else 2007
    dataset.data = np.ascontiguousarray(samples(n, 16, 16))
    dataset.targets = labels(n, 10).tolist()
    return here("USPS")


def _semeion(dataset: Any, given: Any, folders: Folders) -> str:
    dataset.data = np.ascontiguousarray(samples(1593, 16, 16))
    dataset.labels = labels(1593, 10)
    return here("SEMEION")


def _pcam(dataset: Any, given: Any, folders: Folders) -> str:
    import contextlib

    dataset._split, dataset._base_folder = given.split, pathlib.Path(given.root) / "pcam"
    n = {"train": 262144, "val": 32768, "test": 32768}[given.split]
    content = {"x": samples(n, 96, 96, 3), "y": labels(n, 2).reshape(n, 1, 1, 1)}
    dataset.h5py = SimpleNamespace(File=lambda path: contextlib.nullcontext(content))
    return here("PCAM")


def _fer2013(dataset: Any, given: Any, folders: Folders) -> str:
    n = 28709 if given.split == "train" else 7178
    faces, feelings = torch.from_numpy(samples(n, 48, 48)), labels(n, 7).tolist()
    dataset._samples = Listed(n, lambda i: (faces[i], feelings[i]))
    return here("FER2013")


# Pictures in files


def _photos(name: str, dataset: Any, given: Any, folders: Folders) -> str:
    """Datasets that keep their files in `_image_files` and `_labels`, in `_samples`, or are folders."""
    known = _PHOTOS[name]
    dataset._split = getattr(given, "split", "")
    n, classes = known.counts[dataset._split], known.classes
    if name == "FGVCAircraft":
        classes = {"variant": 100, "family": 70, "manufacturer": 30}[given.annotation_level]
    root = pathlib.Path(os.path.expanduser(given.root)) / name.lower()
    folders.invent(root, photo(known.sizes))
    if not getattr(dataset, "classes", None):
        dataset.classes = list(known.names) or _class_names(classes)
    dataset.class_to_idx = _index(dataset.classes)
    dataset.loader = getattr(given, "loader", None) or _default_loader()
    targets = labels(n, classes).tolist()
    if name in ("Food101", "Flowers102", "DTD", "FGVCAircraft", "SUN397"):
        dataset._image_files = Listed(n, lambda i: root / f"{i:06d}.jpg")
        dataset._labels = targets
    elif name in ("EuroSAT", "Country211"):
        dataset.root = os.fspath(given.root)
        _set_samples(dataset, n, classes, os.fspath(root), ".jpg")
    else:
        dataset._samples = Listed(n, lambda i: (os.fspath(root / f"{i:06d}.png"), targets[i]))
    return here(name)


def _default_loader() -> Any:
    return importlib.import_module("torchvision.datasets.folder").default_loader


def is_missing(root: Any) -> bool:
    """Whether nothing is at `root`: no folder, or an empty one."""
    return not os.path.isdir(root) or not os.listdir(root)


def _folder(dataset: Any, given: Any, folders: Folders) -> str:
    dataset.loader, dataset.extensions = given.loader, given.extensions
    dataset.classes = _class_names(_FOLDER_CLASSES)
    dataset.class_to_idx = _index(dataset.classes)
    root = folders.invent(os.path.expanduser(given.root), photo())
    extensions = given.extensions or (".jpg",)
    suffix = extensions if isinstance(extensions, str) else extensions[0]
    _set_samples(dataset, _FOLDER_LENGTH, _FOLDER_CLASSES, root, suffix)
    dataset._assumed_length = True
    return (
        f"the folder {given.root} is not here: {_FOLDER_LENGTH} random RGB pictures of different sizes "
        f"in {_FOLDER_CLASSES} classes stand in for it"
    )


def _set_samples(dataset: Any, n: int, classes: int, root: str, suffix: str) -> None:
    """Files sorted by class, as they are in a folder."""

    def sample(i: int) -> tuple[str, int]:
        label = i * classes // n
        return os.path.join(root, f"class_{label}", f"{i:07d}{suffix}"), label

    listed = Listed(n, sample)
    if n > 100_000:
        for name in ("samples", "imgs"):
            lend(dataset, name, listed, lambda: list(listed))
        lend(dataset, "targets", listed, lambda: (np.arange(n) * classes // n).tolist())
        return
    dataset.samples = dataset.imgs = list(listed)
    dataset.targets = [label for _, label in dataset.samples]


def set_length(dataset: Any, n: int) -> None:
    """Let a stand-in of assumed length hold `n` pictures."""
    first = dataset.samples[0][0]
    root, suffix = os.path.dirname(os.path.dirname(first)), os.path.splitext(first)[1]
    _set_samples(dataset, n, _FOLDER_CLASSES, root, suffix)


def _imagenet(dataset: Any, given: Any, folders: Folders) -> str:
    dataset.root, dataset.split = os.path.expanduser(given.root), given.split
    options = given.kwargs
    dataset.transform, dataset.target_transform = options.get("transform"), options.get("target_transform")
    dataset.loader, dataset.extensions = options.get("loader") or _default_loader(), None
    dataset.wnids = [f"n{i:08d}" for i in range(1000)]
    dataset.wnid_to_idx = _index(dataset.wnids)
    dataset.classes = [(name,) for name in importlib.import_module("torchvision.models._meta")._IMAGENET_CATEGORIES]
    dataset.class_to_idx = {name: i for i, synonyms in enumerate(dataset.classes) for name in synonyms}
    folder = folders.invent(os.path.join(dataset.root, given.split), photo())
    _set_samples(dataset, 1281167 if given.split == "train" else 50000, 1000, folder, ".JPEG")
    return here("ImageNet")


def _celeba(dataset: Any, given: Any, folders: Folders) -> str:
    n = {"train": 162770, "valid": 19867, "test": 19962, "all": 202599}[given.split.lower()]
    folders.invent(os.path.join(dataset.root, dataset.base_folder, "img_align_celeba"), photo(((178, 218),)))
    files = Listed(n, lambda i: f"{i + 1:06d}.jpg")
    lend(dataset, "filename", files, lambda: list(files))
    for name, width, low, high in (("attr", 40, 0, 1), ("identity", 1, 1, 10177), ("bbox", 4, 1, 170), ("landmarks_align", 10, 1, 177)):
        values = numbers(n, width, low, high)
        lend(dataset, name, values, values.contiguous)
    dataset.attr_names = [*names.CELEBA, ""]  # the header of the real file ends in a blank
    return here("CelebA")


def _lsun_class(dataset: Any, given: Any, folders: Folders) -> str:
    import contextlib
    import io

    name = os.path.basename(os.path.normpath(given.root)).removesuffix("_lmdb")
    category, _, split = name.rpartition("_")
    dataset.length = _LSUN.get(category, 100000) if split == "train" else 300 if category else 10000
    dataset.keys = Listed(dataset.length, lambda i: b"%08d" % i)
    make = photo(((341, 256), (256, 341), (256, 256), (384, 256)))

    def get(key: bytes) -> bytes:
        buffer = io.BytesIO()
        make(key.decode()).save(buffer, "bmp")
        return buffer.getvalue()

    transaction = SimpleNamespace(get=get, stat=lambda: {"entries": dataset.length})
    dataset.env = SimpleNamespace(begin=lambda write=False: contextlib.nullcontext(transaction))
    return here("LSUN")


def _places365(dataset: Any, given: Any, folders: Folders) -> str:
    dataset.split, dataset.small, dataset.loader = given.split, given.small, given.loader
    n = {"train-standard": 1803460, "train-challenge": 8026628, "val": 36500, "test": 328500}[given.split]
    dataset.classes = _class_names(365)
    dataset.class_to_idx = _index(dataset.classes)
    folder = folders.invent(dataset.images_dir, photo(((256, 256),) if given.small else ((683, 512), (512, 683), (512, 512), (768, 512))))
    label: Callable[[int], int | None] = (lambda i: None) if given.split == "test" else (lambda i: i * 365 // n)
    files = Listed(n, lambda i: (os.path.join(folder, f"{i:08d}.jpg"), label(i)))
    lend(dataset, "imgs", files, lambda: list(files))
    lend(dataset, "targets", files, lambda: [label(i) for i in range(n)])
    return here("Places365")


def _caltech(dataset: Any, given: Any, folders: Folders) -> str:
    larger = _kind(dataset) == "Caltech256"
    n, classes, folder = (30607, 257, "256_ObjectCategories") if larger else (8677, 101, "101_ObjectCategories")
    if not larger:
        dataset.target_type = [given.target_type] if isinstance(given.target_type, str) else list(given.target_type)
        dataset.annotation_categories = _class_names(classes)
    dataset.categories = _class_names(classes)
    dataset.y = (np.arange(n) * classes // n).tolist()
    dataset.index = list(range(1, n + 1))
    folders.invent(os.path.join(dataset.root, folder), photo(((300, 200), (300, 263), (246, 300), (300, 300)), grey_every=20))
    return here("Caltech256" if larger else "Caltech101") + "; as in the real one some pictures are grey"


def caltech_item(real: Callable[..., Any]) -> Callable[..., Any]:
    """Caltech101's `__getitem__`, which wants scipy even for a label alone."""

    def __getitem__(self: Any, index: int) -> Any:
        from PIL import Image

        if self.target_type != ["category"]:
            return real(self, index)
        label = self.y[index]
        name = f"image_{self.index[index]:04d}.jpg"
        image = Image.open(os.path.join(self.root, "101_ObjectCategories", self.categories[label], name))
        image = image if self.transform is None else self.transform(image)
        return image, label if self.target_transform is None else self.target_transform(label)

    return __getitem__


def _omniglot(dataset: Any, given: Any, folders: Folders) -> str:
    dataset.root = os.path.join(given.root, dataset.folder)
    dataset.background, dataset.loader = given.background, getattr(given, "loader", None)
    dataset.target_folder = folders.invent(
        os.path.join(dataset.root, "images_background" if given.background else "images_evaluation"), photo(((105, 105),), "L")
    )
    alphabets, characters = (30, 964) if given.background else (20, 659)
    dataset._alphabets = [f"Alphabet_{i:02d}" for i in range(alphabets)]
    dataset._characters = [os.path.join(dataset._alphabets[i * alphabets // characters], f"character{i:03d}") for i in range(characters)]
    dataset._character_images = [[(f"{i:04d}_{j:02d}.png", i) for j in range(1, 21)] for i in range(characters)]
    dataset._flat_character_images = [image for images in dataset._character_images for image in images]
    return here("Omniglot")


FILLS: dict[str, Callable[[Any, Any, Folders], str]] = {
    "MNIST": _mnist, "CIFAR10": _cifar, "SVHN": _svhn, "STL10": _stl10, "USPS": _usps, "SEMEION": _semeion, "PCAM": _pcam,
    "FER2013": _fer2013, "DatasetFolder": _folder, "ImageNet": _imagenet, "CelebA": _celeba, "LSUNClass": _lsun_class,
    "Places365": _places365, "Caltech101": _caltech, "Caltech256": _caltech, "Omniglot": _omniglot,
    **{name: functools.partial(_photos, name) for name in _PHOTOS}, **known_scenes.FILLS,
}  # fmt: skip

# Attributes that are made when somebody asks for them, by the class that carries them.
LENT = {
    "MNIST": ("data",), "CelebA": ("filename", "attr", "identity", "bbox", "landmarks_align"), "Places365": ("imgs", "targets"),
    "DatasetFolder": ("samples", "imgs", "targets"),
}  # fmt: skip
