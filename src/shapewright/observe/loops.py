"""Loops that end: a training loop, or a loop over a loader, stops once its turns bring nothing new.

A turn brings nothing new when it made the same calls, at the same places, with the same shapes as the turn before. The last turn is
then still taken where that is possible (the last epoch, the smaller last batch), because programs often do something else there.
Other loops are never cut: they build layers, or collect steps whose number is a shape.
"""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from torch.utils import data
from torch.utils.data._utils.fetch import _MapDatasetFetcher

from shapewright.model import Span
from shapewright.observe import given, numbers
from shapewright.observe.instrument import Instrumented, Loop
from shapewright.observe.record import Recorder
from shapewright.observe.request import Turn

# How many turns a loop gets at least, as long as they are quick: over data of the user's own making each item may have another shape, the
# turns of `range` and `while` differ less, and the batches of a loader least.
LEAST_OVER_DATA, LEAST_COUNTED, LEAST_BATCHES = 100, 8, 3
QUICK_SECONDS, QUICK_SECONDS_OVER_DATA, SLOW_SECONDS = 0.25, 2.0, 1.5
# A batch of 1,000 photos need not be made of 1,000 different ones.
LEAST_SAMPLES, SECONDS_FOR_A_BATCH = 8, 0.1
# A training loop whose shapes differ in every turn is left after so many turns, once it has taken so many seconds.
MOST_TURNS, MOST_SECONDS = 40, 6.0
LARGEST_DRAIN = 1_000_000


class LoopWatch:
    """Sees every turn of every loop of the user's."""

    def __init__(self, recorder: Recorder, instrumented: Instrumented, whole: bool = False, turns: Iterable[Turn] = ()) -> None:
        self.recorder = recorder
        self.instrumented = instrumented
        self.whole = whole  # let every loop run its full course
        self.once_more = {turn.head: turn.value for turn in turns}  # what a real run's loops held when it failed
        self.cut: list[tuple[Span, int]] = []  # where, and how many events there were by then
        self.skipped = 0  # turns left out so far, for enumerate
        self._fresh: list[ShortIterator] = []  # iterators over loaders that the loop now starting will drive
        self._direct = False
        self._while: dict[tuple[int, int], _Turns] = {}

    def over(self, iterable: Iterable[Any], number: int) -> Iterator[Any]:
        """What a `for` loop iterates instead of its iterable."""
        loop = self.instrumented.loops[number]
        turns = iter(iterable) if self.whole or loop.yields else self._turns(iterable, loop)
        return turns if loop.span not in self.once_more else self._and_once_more(turns, loop)

    def _and_once_more(self, turns: Iterator[Any], loop: Loop) -> Iterator[Any]:
        yield from turns
        with self.recorder.pause():
            value = given.unpack(self.once_more[loop.span])
        self.recorder.assume_at("this loop takes once more the turn in which the run failed", loop.span)
        yield value

    def _turns(self, iterable: Iterable[Any], loop: Loop) -> Iterator[Any]:
        self._direct = isinstance(iterable, data.DataLoader)  # however the loop's head came to it, it goes through all batches
        iterator = iter(iterable)
        self._direct = False
        counted = isinstance(_source(iterable), range | None)
        turns = _Turns(self.recorder, LEAST_COUNTED if counted else LEAST_OVER_DATA, False)
        loaders: list[ShortIterator] = []
        for item in iterator:
            if self._fresh:  # made in the loop's head, or by a tqdm in it when it was asked for its first item
                loaders, self._fresh = self._fresh, []
                turns = _Turns(self.recorder, LEAST_BATCHES, True)
            turns.begin()
            yield item
            if not turns.repeated():
                continue
            if loaders:
                if loop.leaves:  # it may well leave before the last batch: go on in order, and stop where nothing is new
                    self._note(loop, "its later batches were not tried")
                    return
                if all(loader.jump() for loader in loaders):
                    self._note(loop, "its turns repeat, so only the first batches and the last were run")
                    loaders = []
                    turns = _Turns(self.recorder, LEAST_BATCHES, False)
                    continue
            last = None if loop.leaves else _last(iterable, iterator)
            self._note(
                loop, "its turns repeat, so only the first and the last were run" if last else "its turns repeat, so the rest was left out"
            )
            if last:
                yield last[0]
            return

    def condition(self, value: Any, number: int) -> Any:
        """What a `while` loop asks instead of its condition."""
        key = (id(sys._getframe(1)), number)
        if not value:
            self._while.pop(key, None)
            return value
        turns = self._while.get(key)
        if turns is None:
            turns = self._while[key] = _Turns(self.recorder, LEAST_COUNTED, False)
        elif not self.whole and turns.repeated():
            del self._while[key]
            self._note(self.instrumented.loops[number], "its turns repeat, so the rest was left out")
            return False
        turns.begin()
        return value

    def enumerate(self, iterable: Iterable[Any], start: int = 0) -> Iterator[tuple[int, Any]]:
        """`enumerate` that counts the turns left out, so that the last batch has its real number."""
        return _Counting(self, iterable, start)

    def _note(self, loop: Loop, what: str) -> None:
        if not any(span == loop.span for span, _ in self.cut):
            self.cut.append((loop.span, self.recorder.total))
            self.recorder.assume_at(f"this loop was shortened: {what}", loop.span)

    @contextmanager
    def loaders_shortened(self) -> Iterator[None]:
        """While open, `for batch in loader` gets an iterator that can jump to the last batch."""
        original = data.DataLoader.__iter__
        watch = self

        def iterate(loader: Any) -> Any:
            iterator = original(loader)
            if watch.whole or not (watch._direct or watch._in_loop_head(sys._getframe(1))):
                return iterator
            short = ShortIterator(iterator, watch)
            watch._fresh.append(short)
            return short

        whole_batch = _MapDatasetFetcher.fetch
        data.DataLoader.__iter__ = iterate  # type: ignore[method-assign]
        if not watch.whole:
            _MapDatasetFetcher.fetch = watch._fetch  # type: ignore[method-assign]
        try:
            yield
        finally:
            data.DataLoader.__iter__ = original  # type: ignore[method-assign]
            _MapDatasetFetcher.fetch = whole_batch  # type: ignore[method-assign]

    @property
    def _fetch(self) -> Callable[[Any, Any], Any]:
        """A batch whose later samples repeat the first ones, when making all of them would take long."""

        def fetch(fetcher: Any, indices: Any) -> Any:
            before = len(self.recorder.signature)
            try:
                return samples_of(fetcher, indices)
            finally:  # how a sample is made differs from sample to sample; what counts is the batch
                del self.recorder.signature[before:]

        def samples_of(fetcher: Any, indices: Any) -> Any:
            dataset = fetcher.dataset
            if not fetcher.auto_collation:
                return fetcher.collate_fn(dataset[indices])
            if getattr(dataset, "__getitems__", None):
                return fetcher.collate_fn(dataset.__getitems__(indices))
            samples: list[Any] = []
            began = time.monotonic()
            for index in indices:
                if len(samples) >= LEAST_SAMPLES and time.monotonic() - began > SECONDS_FOR_A_BATCH:
                    self.recorder.assume("large batches are filled up with repetitions of their first samples")
                    samples.extend(samples[place % len(samples)] for place in range(len(indices) - len(samples)))
                    break
                samples.append(dataset[index])
            return fetcher.collate_fn(samples)

        return fetch

    def _in_loop_head(self, frame: Any) -> bool:
        """Whether the user's code that asked for the iterator is the head of a `for` loop that goes through all batches."""
        code, lasti = self.recorder.user_place(frame)
        if code is None:
            return False
        place = self.recorder.sources.code_span(code, lasti)
        for loop in self.instrumented.loops_of_file.get(code.co_filename, ()):
            span = loop.span
            inside = (span.line, span.column) <= (place.line, place.column) and (place.end_line, place.end_column) <= (
                span.end_line,
                span.end_column,
            )
            if inside:
                return loop.sees_all and not loop.yields
        return False


class _Turns:
    """Whether the turns of one loop still bring something new."""

    def __init__(self, recorder: Recorder, least: int, of_loader: bool) -> None:
        self.recorder = recorder
        self.least = least
        self.of_loader = of_loader
        self.count = 0
        self.start = self.first = 0
        self.previous: int | None = None
        self.began = time.monotonic()
        numbers.largest_modulus = 0

    def begin(self) -> None:
        self.start = len(self.recorder.signature)
        self.first = self.recorder.total

    def repeated(self) -> bool:
        """Call after each turn."""
        self.count += 1
        recorder = self.recorder
        trained = recorder.last_training >= self.first
        if not (trained or self.of_loader):
            self.previous = None
            return False
        seconds = time.monotonic() - self.began
        if self.count >= MOST_TURNS and seconds > MOST_SECONDS:
            return True
        if self.of_loader and seconds > QUICK_SECONDS and self.count == 1:
            return True  # the second batch of a slow loader costs too much for what it may bring
        signature = hash(tuple(recorder.signature[self.start :]))
        same, self.previous = signature == self.previous, signature
        quick = QUICK_SECONDS_OVER_DATA if self.least == LEAST_OVER_DATA else QUICK_SECONDS
        least = 2 if seconds > quick else self.least
        if seconds < SLOW_SECONDS:
            least = max(least, numbers.largest_modulus + 1)
        return same and self.count >= least


class ShortIterator:
    """A loader's iterator that can leave out everything up to the last batch."""

    def __init__(self, iterator: Any, watch: LoopWatch) -> None:
        self.iterator = iterator
        self.watch = watch
        self.only: Callable[[], Any] | None = None
        self.done = False

    def __iter__(self) -> ShortIterator:
        return self

    def __len__(self) -> int:
        return len(self.iterator)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.iterator, name)

    def __next__(self) -> Any:
        if self.done:
            raise StopIteration
        if self.only is not None:
            self.done = True
            return self.only()
        return next(self.iterator)

    def jump(self) -> bool:
        """Go on with the last batch; False when it cannot be known without reading all (an iterable dataset)."""
        iterator = self.iterator
        if self.only is not None or not hasattr(iterator, "_sampler_iter") or not hasattr(iterator, "_dataset_fetcher"):
            return False
        if type(iterator._dataset_fetcher).__name__ != "_MapDatasetFetcher":
            return False
        outside = getattr(iterator, "outside", nullcontext)  # fake batches are made outside of the fake mode
        with outside():
            rest = list(iterator._sampler_iter)
        self.watch.skipped += max(len(rest) - 1, 0)
        if not rest:
            self.done = True
        else:
            fetch = getattr(iterator, "fetch", iterator._dataset_fetcher.fetch)
            self.only = lambda: fetch(rest[-1])
        return True


class _Counting:
    """An enumerate whose numbers jump where the loader jumps."""

    def __init__(self, watch: LoopWatch, iterable: Iterable[Any], start: int) -> None:
        self.iterable = iterable
        self._watch = watch
        self._iterator = iter(iterable)
        self._next = start
        self._skipped = watch.skipped

    def __iter__(self) -> _Counting:
        return self

    def __next__(self) -> tuple[int, Any]:
        item = next(self._iterator)
        number = self._next + self._watch.skipped - self._skipped
        self._next, self._skipped = number + 1, self._watch.skipped
        return number, item


def _last(iterable: Any, iterator: Iterator[Any]) -> tuple[Any] | None:
    """The last item, when it can be had without running anything of the user's; the iterator is used up."""
    source = _source(iterable)
    if not isinstance(source, range | list | tuple):
        return None
    if len(source) > LARGEST_DRAIN:
        return (source[-1],) if iterable is source else None
    found: tuple[Any] | None = None
    for item in iterator:
        found = (item,)
    return found


def _source(iterable: Any) -> Any:
    """What is iterated below enumerate and tqdm; None for an endless count."""
    while not isinstance(iterable, range | list | tuple) and hasattr(iterable, "iterable"):
        iterable = iterable.iterable
    return None if isinstance(iterable, itertools.count) else iterable
