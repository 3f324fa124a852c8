"""What is known of the datasets with masks, boxes and captions; the same contract as in `known_data`.

In: a dataset object without its data, its constructor's arguments, and the invented folders.
Out: the object completed, and what was assumed.
"""

from __future__ import annotations

import importlib
import os
import pathlib
import zlib
from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np

from shapewright.observe.standins import names
from shapewright.observe.standins.pictures import PHOTOS, Folders, here, labels, mask, noise, photo, size_of

_VOC_SEGMENTATION = {
    "2007": {"train": 209, "val": 213, "trainval": 422, "test": 210}, "2008": {"train": 511, "val": 512, "trainval": 1023},
    "2009": {"train": 749, "val": 750, "trainval": 1499}, "2010": {"train": 964, "val": 964, "trainval": 1928},
    "2011": {"train": 1112, "val": 1111, "trainval": 2223}, "2012": {"train": 1464, "val": 1449, "trainval": 2913},
}  # fmt: skip
_VOC_DETECTION = {
    "2007": {"train": 2501, "val": 2510, "trainval": 5011, "test": 4952}, "2008": {"train": 2111, "val": 2221, "trainval": 4332},
    "2009": {"train": 3473, "val": 3581, "trainval": 7054}, "2010": {"train": 4998, "val": 5105, "trainval": 10103},
    "2011": {"train": 5717, "val": 5823, "trainval": 11540}, "2012": {"train": 5717, "val": 5823, "trainval": 11540},
}  # fmt: skip
_COCO = {"train2017": 118287, "val2017": 5000, "train2014": 82783, "val2014": 40504}
_COCO_SIZES = ((640, 480), (480, 640), (640, 427), (427, 640), (500, 375), (640, 640))
# The 80 categories are numbered from 1 to 90, with these left out.
_COCO_GAPS = {12, 26, 29, 30, 45, 66, 68, 69, 71, 83}


def _captions(seed: int) -> list[str]:
    return [" ".join(names.CAPTION[: 6 + (seed + i) % 9]) + " ." for i in range(5)]


def _boxes(path: str, size: tuple[int, int]) -> list[tuple[int, int, int, int]]:
    """One to three boxes (left, top, right, bottom) inside a picture of this size."""
    seed, (width, height) = zlib.crc32(path.encode()), size
    return [(5 + 7 * i, 5 + 9 * i, width // 2 + 20 * i, height // 2 + 15 * i) for i in range(1 + seed % 3)]


def _voc(dataset: Any, given: Any, folders: Folders) -> str:
    boxes = dataset._TARGET_DIR == "Annotations"
    counts = (_VOC_DETECTION if boxes else _VOC_SEGMENTATION)[given.year]
    key = "2007-test" if (given.year, given.image_set) == ("2007", "test") else given.year
    root = os.path.join(dataset.root, importlib.import_module("torchvision.datasets.voc").DATASET_YEAR_DICT[key]["base_dir"])
    pictures = folders.invent(os.path.join(root, "JPEGImages"), photo())
    targets = folders.invent(os.path.join(root, dataset._TARGET_DIR), _annotation if boxes else mask([*range(21), 255], mode="P"))
    stems = [f"{given.year}_{i:06d}" for i in range(counts[given.image_set])]
    dataset.images = [os.path.join(pictures, stem + ".jpg") for stem in stems]
    dataset.targets = [os.path.join(targets, stem + dataset._TARGET_FILE_EXT) for stem in stems]
    return here(f"VOC{given.year}")


def _annotation(path: str) -> Any:
    """The tree of an annotation file of VOC."""
    from xml.etree import ElementTree

    name = os.path.splitext(os.path.basename(path))[0]
    width, height = size_of(path, PHOTOS)
    objects = ""
    for i, (left, top, right, bottom) in enumerate(_boxes(name, (width, height))):
        kind = names.VOC[(zlib.crc32(name.encode()) + i) % 20]
        corners = f"<xmin>{left}</xmin><ymin>{top}</ymin><xmax>{right}</xmax><ymax>{bottom}</ymax>"
        about = f"<name>{kind}</name><pose>Left</pose><truncated>0</truncated><difficult>0</difficult>"
        objects += f"<object>{about}<bndbox>{corners}</bndbox></object>"
    text = (
        f"<annotation><folder>VOC</folder><filename>{name}.jpg</filename>"
        "<source><database>VOC</database><annotation>VOC</annotation><image>flickr</image></source>"
        f"<size><width>{width}</width><height>{height}</height><depth>3</depth></size><segmented>0</segmented>{objects}</annotation>"
    )
    return ElementTree.ElementTree(ElementTree.fromstring(text))


def _sbd(dataset: Any, given: Any, folders: Folders) -> str:
    dataset.image_set, dataset.mode, dataset.num_classes = given.image_set, given.mode, 20
    n = {"train": 8498, "val": 2857, "train_noval": 5623}[given.image_set]
    pictures = folders.invent(os.path.join(dataset.root, "img"), photo())
    dataset.images = [os.path.join(pictures, f"{i:06d}.jpg") for i in range(n)]
    dataset.masks = [os.path.join(dataset.root, "cls", f"{i:06d}.mat") for i in range(n)]

    def boundaries(path: str) -> Any:
        width, height = size_of(path, PHOTOS)
        return np.resize(noise(width * height) % 2, (20, height, width))

    dataset._get_target = boundaries if given.mode == "boundaries" else mask(range(21))
    return here("SBDataset")


def _cityscapes(dataset: Any, given: Any, folders: Folders) -> str:
    counts = {"train": 2975, "val": 500, "test": 1525, "train_extra": 19998}
    size = ((2048, 1024),)
    makers = {
        "instance": mask([*range(24), *(1000 * i + j for i in range(24, 34) for j in range(3))], size, "I"),
        "semantic": mask(range(34), size),
        "color": photo(size, "RGBA"),
        "polygon": photo(size),
    }
    pictures = folders.invent(dataset.images_dir, photo(size))
    for kind in dataset.target_type:
        folders.invent(os.path.join(dataset.targets_dir, kind), makers[kind])
    stems = [f"aachen_{i:06d}_000019" for i in range(counts[given.split])]
    dataset.images = [os.path.join(pictures, "aachen", f"{stem}_leftImg8bit.png") for stem in stems]
    dataset.targets = [
        [
            os.path.join(dataset.targets_dir, kind, f"{stem}_{dataset._get_target_suffix(dataset.mode, kind)}")
            for kind in dataset.target_type
        ]
        for stem in stems
    ]
    polygon = [[100, 100], [400, 100], [400, 300], [100, 300]]
    dataset._load_json = lambda path: {"imgHeight": 1024, "imgWidth": 2048, "objects": [{"label": "road", "polygon": polygon}]}
    return here("Cityscapes")


class _Coco:
    """What `pycocotools.coco.COCO` would be for an annotation file: images numbered from 1, each with a few boxes or captions."""

    def __init__(self, n: int, captions: bool) -> None:
        self._n, self._captions = n, captions
        self._categories = [i for i in range(1, 91) if i not in _COCO_GAPS]

    def _image(self, image: int) -> dict[str, Any]:
        name = f"{image:012d}.jpg"
        width, height = size_of(name, _COCO_SIZES)
        return {"id": image, "file_name": name, "width": width, "height": height}

    def _annotations(self, image: int) -> list[dict[str, Any]]:
        if self._captions:
            return [{"id": image * 10 + i, "image_id": image, "caption": text} for i, text in enumerate(_captions(image))]
        about = self._image(image)
        found = []
        for i, (left, top, right, bottom) in enumerate(_boxes(about["file_name"], (about["width"], about["height"]))):
            outline = [float(x) for x in (left, top, right, top, right, bottom, left, bottom)]
            found.append({
                "id": image * 10 + i, "image_id": image, "category_id": self._categories[(image + i) % 80], "iscrowd": 0,
                "bbox": [float(left), float(top), float(right - left), float(bottom - top)],
                "area": float((right - left) * (bottom - top)), "segmentation": [outline],
            })  # fmt: skip
        return found

    @cached_property
    def imgs(self) -> dict[int, dict[str, Any]]:
        return {i: self._image(i) for i in self.getImgIds()}

    @cached_property
    def imgToAnns(self) -> dict[int, list[dict[str, Any]]]:
        return {i: self._annotations(i) for i in self.getImgIds()}

    @cached_property
    def anns(self) -> dict[int, dict[str, Any]]:
        return {note["id"]: note for notes in self.imgToAnns.values() for note in notes}

    @cached_property
    def cats(self) -> dict[int, dict[str, Any]]:
        return {i: {"id": i, "name": f"category_{i}", "supercategory": "thing"} for i in self._categories}

    def getImgIds(self, *args: Any, **kwargs: Any) -> list[int]:
        return list(range(1, self._n + 1))

    def getCatIds(self, *args: Any, **kwargs: Any) -> list[int]:
        return list(self._categories)

    def getAnnIds(self, imgIds: Any = (), *args: Any, **kwargs: Any) -> list[int]:
        return [note["id"] for image in _listed(imgIds) for note in self._annotations(image)]

    def loadImgs(self, ids: Any = ()) -> list[dict[str, Any]]:
        return [self._image(i) for i in _listed(ids)]

    def loadAnns(self, ids: Any = ()) -> list[dict[str, Any]]:
        return [self._annotations(i // 10)[i % 10] for i in _listed(ids)]

    def loadCats(self, ids: Any = ()) -> list[dict[str, Any]]:
        return [self.cats[i] for i in _listed(ids)]

    def annToMask(self, note: dict[str, Any]) -> Any:
        about = self._image(note["image_id"])
        left, top, width, height = (int(x) for x in note["bbox"])
        covered = np.zeros((about["height"], about["width"]), dtype=np.uint8)
        covered[top : top + height, left : left + width] = 1
        return covered


def _listed(ids: Any) -> list[int]:
    return [ids] if isinstance(ids, int) else list(ids)


def _coco(dataset: Any, given: Any, folders: Folders) -> str:
    text = f"{given.annFile} {given.root}"
    n = next((count for name, count in _COCO.items() if name in text), 5000)
    captions = any(cls.__name__ == "CocoCaptions" for cls in type(dataset).__mro__)
    folders.invent(dataset.root, photo(_COCO_SIZES))
    dataset.coco = _Coco(n, captions)
    dataset.ids = dataset.coco.getImgIds()
    return here("COCO")


def _flickr(n: int, dataset: Any, given: Any, folders: Folders) -> str:
    dataset.ann_file, dataset.loader = os.path.expanduser(given.ann_file), given.loader
    root = folders.invent(dataset.root, photo())
    # Flickr8k keeps paths, Flickr30k names that its `__getitem__` joins to the root.
    files = [f"{i:010d}.jpg" for i in range(n)]
    dataset.ids = [os.path.join(root, name) for name in files] if n < 10_000 else files
    dataset.annotations = {name: _captions(i) for i, name in enumerate(dataset.ids)}
    return here("Flickr8k" if n < 10_000 else "Flickr30k")


def _pets(dataset: Any, given: Any, folders: Folders) -> str:
    n = 3680 if given.split == "trainval" else 3669
    base = pathlib.Path(dataset.root) / "oxford-iiit-pet"
    dataset._labels, dataset._bin_labels = labels(n, 37).tolist(), labels(n, 2).tolist()
    dataset.bin_classes = ["Cat", "Dog"]
    dataset.classes = [f"Breed {i}" for i in range(37)]
    dataset.bin_class_to_idx = {"Cat": 0, "Dog": 1}
    dataset.class_to_idx = {name: i for i, name in enumerate(dataset.classes)}
    folders.invent(base / "images", photo())
    folders.invent(base / "annotations" / "trimaps", mask((1, 2, 3)))
    dataset._images = [base / "images" / f"pet_{i}.jpg" for i in range(n)]
    dataset._segs = [base / "annotations" / "trimaps" / f"pet_{i}.png" for i in range(n)]
    return here("OxfordIIITPet")


FILLS: dict[str, Callable[[Any, Any, Folders], str]] = {
    "_VOCBase": _voc,
    "SBDataset": _sbd,
    "Cityscapes": _cityscapes,
    "CocoDetection": _coco,
    "Flickr8k": lambda dataset, given, folders: _flickr(8091, dataset, given, folders),
    "Flickr30k": lambda dataset, given, folders: _flickr(31783, dataset, given, folders),
    "OxfordIIITPet": _pets,
}
