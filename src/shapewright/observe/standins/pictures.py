"""Random pictures, labels and arrays, made on demand and the same every time.

In: a file name that was invented for a missing dataset, or a number of samples and their shape. Out: a PIL image, an array, a label.
Arrays of many samples are windows into one short stretch of noise: they have their real shape and cost no memory.
"""

from __future__ import annotations

import contextlib
import os
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch

# Widths and heights of photos. No two alike in ratio and none below 256, so that a program that forgets to resize is found out.
PHOTOS = ((500, 375), (375, 500), (640, 480), (500, 333), (333, 500), (480, 640), (400, 400))

_noise = np.zeros(0, dtype=np.uint8)


def noise(count: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """The first `count` bytes of the noise."""
    global _noise
    if _noise.size < count:
        _noise = np.random.default_rng(0).integers(0, 256, max(count, 1 << 20), dtype=np.uint8)
    return _noise[:count]


def samples(n: int, *shape: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """An array of `n` random samples of bytes, each the previous one shifted by a byte."""
    size = int(np.prod(shape))
    strides = (1, *(int(np.prod(shape[i + 1 :])) for i in range(len(shape))))
    return np.lib.stride_tricks.as_strided(noise(n + size), (n, *shape), strides)


def numbers(n: int, width: int, low: int, high: int) -> torch.Tensor:
    """A tensor of `n` rows of `width` whole numbers from `low` to `high`, each row the previous one shifted by one."""
    row = np.random.default_rng(1).integers(low, high + 1, n + width, dtype=np.int64)
    return torch.from_numpy(np.lib.stride_tricks.as_strided(row, (n, width), (8, 8)))


def labels(n: int, classes: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """`n` labels such that every few in a row are spread over all classes."""
    # Multiples of the golden ratio: a first batch already reaches the highest classes.
    return ((np.arange(n, dtype=np.uint64) * 2654435769 % 2**32) * classes >> 32).astype(np.int64)


class Listed(Sequence[Any]):
    """A list of `n` entries that are computed when they are asked for."""

    def __init__(self, n: int, entry: Callable[[int], Any]) -> None:
        self._n, self._entry = n, entry

    def __len__(self) -> int:
        return self._n

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self._entry(i) for i in range(self._n)[index]]
        return self._entry(range(self._n)[index])

    def __iter__(self) -> Iterator[Any]:
        return map(self._entry, range(self._n))


@contextlib.contextmanager
def unrecorded() -> Iterator[None]:
    """Tensors made inside are real and nobody's concern: no recorder sees the calls, no fake mode answers them."""
    from torch.utils._python_dispatch import _disable_current_modes

    with torch._C.DisableTorchFunction(), _disable_current_modes():
        yield


def here(name: str) -> str:
    """What to say of a known dataset whose data is missing."""
    return f"{name} is not here: random samples in its number, sizes and labels stand in for it"


Maker = Callable[[str], Any]


class Folders:
    """Folders that are not here, and which pictures their files would hold."""

    def __init__(self) -> None:
        self._makers: dict[str, Maker] = {}

    def invent(self, folder: str | os.PathLike[str], maker: Maker) -> str:
        """From now on every file below `folder` holds what `maker(path)` gives."""
        path = os.path.abspath(os.path.expanduser(os.fspath(folder)))
        self._makers[path] = maker
        return os.fspath(folder)

    def picture(self, path: Any) -> Any | None:
        """The picture in an invented file; None for a real file or a path nobody invented."""
        if not self._makers or not isinstance(path, str | os.PathLike):
            return None
        full = os.path.abspath(os.path.expanduser(os.fspath(path)))
        folder = os.path.dirname(full)
        while folder not in self._makers:
            if folder == os.path.dirname(folder):
                return None
            folder = os.path.dirname(folder)
        return None if os.path.exists(full) else self._makers[folder](full)


def size_of(path: str, sizes: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """The size of the picture in this file: a photo and its mask have one name and so one size."""
    stem = os.path.splitext(os.path.basename(path))[0]
    return sizes[zlib.crc32(stem.encode()) % len(sizes)]


def photo(sizes: Sequence[tuple[int, int]] = PHOTOS, mode: str = "RGB", grey_every: int = 0) -> Maker:
    """Makes random pictures of these sizes; one in `grey_every` is grey, as in collections from the web."""

    def make(path: str) -> Any:
        from PIL import Image

        width, height = size_of(path, sizes)
        number = zlib.crc32(path.encode())
        shown = "L" if grey_every and number % grey_every == 0 else mode
        channels = {"L": 1, "RGB": 3, "RGBA": 4}[shown]
        start, size = number % 65536, width * height * channels
        return Image.frombytes(shown, (width, height), noise(start + size)[start:].tobytes())

    return make


def mask(values: Sequence[int], sizes: Sequence[tuple[int, int]] = PHOTOS, mode: str = "L") -> Maker:
    """Makes random label images with these values; `mode` "P" as PNG masks with a palette, "I" for large values."""

    def make(path: str) -> Any:
        from PIL import Image

        width, height = size_of(path, sizes)
        chosen = np.asarray(values, dtype=np.int32 if mode == "I" else np.uint8)[noise(width * height) % len(values)]
        image = Image.frombytes(mode, (width, height), chosen.tobytes())
        if mode == "P":
            image.putpalette([i for colour in range(256) for i in (colour, colour, colour)])
        return image

    return make
