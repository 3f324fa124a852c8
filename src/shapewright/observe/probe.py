"""How the models of a program that ran well take other inputs: batches of 1, 2 and 3, other samples beside one's own, other image sizes.

In come the first calls that the program made of its models, kept as they were; out comes one `Probe` a model. "It runs" is not "it is
right": a `view(-1, 2048)` runs and makes four rows of one sample. Nothing here is recorded, and whatever a call raises only means that
this call failed. The models themselves are not left as they were found; the run is over, and its process ends.
"""

from __future__ import annotations

import dataclasses
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from itertools import combinations
from typing import Any

import torch
from torch import nn

from shapewright.model import Probe
from shapewright.observe import mixing
from shapewright.observe.calls import Call, ModelCalls, given_tensors, mapped, tensors_of
from shapewright.observe.guard_base import Exited
from shapewright.observe.record import Recorder, TimeUp

BATCHES = (1, 2, 3)
MOST_SECONDS = 2.0  # of the processor's time, for all models together
SLOW_CALL = 0.5  # a model that takes longer is not asked whether it mixes samples

# Which position among the tensors of a call is varied along which dim.
_Plan = dict[int, int]
_Sizes = tuple[tuple[int, tuple[int | None, ...] | None], ...]


def ask(
    calls: ModelCalls, recorder: Recorder, found: list[tuple[Any, Probe]], *, fake: bool, sizes: Sequence[tuple[int, ...]] = ()
) -> None:
    """Ask each model, and put it with what it answers into `found`: a list, because the time limit may strike at any point."""
    until = time.process_time() + MOST_SECONDS
    for call in calls.models():
        subject = _Subject(call, recorder, until, fake)
        try:
            found.append((call.model, subject.probe(sizes)))
        except Exception:  # a tensor subclass, say, that knows no index_select
            found.append((call.model, Probe(subject.name, call.inputs, call.outputs)))
        until = subject.until


class _OutOfTime(Exception):
    """There is no time for a further call."""


@dataclasses.dataclass(frozen=True, slots=True)
class _Answer:
    """What batches of 1, 2 and 3 give when one dim is taken for the batch."""

    dim: int
    out_dim: int  # where the batch stands in the output
    batch: int
    plan: _Plan
    sizes: _Sizes
    follows: bool


class _Subject:
    """One model and its first call, to be asked again and again."""

    def __init__(self, call: Call, recorder: Recorder, until: float, fake: bool) -> None:
        self.call = call
        self.recorder = recorder
        self.mixed: tuple[int, ...] = ()
        self.until = until
        self.fake = fake
        self.grad = False
        self.seconds = 0.0  # that the last call took
        self.tensors = given_tensors((call.args, call.kwargs))

    @property
    def name(self) -> str:
        return getattr(self.call.model, "__name__", type(self.call.model).__name__)

    def probe(self, further: Sequence[tuple[int, ...]]) -> Probe:
        """All that is asked of this model."""
        answer, mixes = self._answered()
        if answer is None:
            return Probe(self.name, self.call.inputs, self.call.outputs)
        accepts = tuple(size for size in further if self._accepts(answer, size))
        return Probe(
            self.name,
            self.call.inputs,
            self.call.outputs,
            batch=answer.batch,
            batch_dim=answer.dim,
            sizes=answer.sizes,
            mixes=mixes,
            accepts=accepts,
            output_dim=answer.out_dim,
            mixed=self.mixed,
        )

    def _answered(self) -> tuple[_Answer | None, bool | None]:
        """The answer in the first mode in which the model runs at all: some take these inputs in training only, or need gradients."""
        for training, self.grad in ((False, False), (False, True), (True, True)):
            if isinstance(self.call.model, nn.Module):
                self.call.model.train(training)
            answer, mixes = self._best(may_mix=not training)
            ran = answer is None or any(got is not None for _, got in answer.sizes)
            with suppress(_OutOfTime):
                if not ran and self._called(partial(self._inputs, {})) is None:
                    continue
            return answer, mixes
        return None, None

    def _best(self, *, may_mix: bool) -> tuple[_Answer | None, bool | None]:
        """Dim 0 when the output follows it, else dim 1 when it follows that, else what dim 0 gave.

        In a sequence of (time, batch, features) the output follows both, but the steps of time depend on each other.
        """
        first = self._along(0)
        mixes = self._mixes(first) if may_mix and first is not None and first.follows else None
        if first is not None and first.follows and not mixes:
            return first, mixes
        second = self._along(1) if _may_be_sequence(self.tensors) else None
        if second is not None and second.follows:
            among = self._mixes(second) if may_mix else None
            if among is False or (among is None and second.out_dim == 1 and not mixes):
                return second, among
        return first, mixes

    # batches

    def _along(self, dim: int) -> _Answer | None:
        answers: list[_Answer] = []
        for batch, plan in _plans(self.tensors, dim):
            shapes: list[tuple[int, list[torch.Size] | None]] = []
            with suppress(_OutOfTime):
                for size in BATCHES:
                    outputs = self._called(partial(self._inputs, plan, _samples(size, batch)))
                    shapes.append((size, None if outputs is None else [output.shape for output in outputs]))
            for out_dim in (dim, 0)[: dim + 1]:
                sizes = tuple((size, None if got is None else tuple(_size(shape, out_dim) for shape in got)) for size, got in shapes)
                answers.append(_Answer(dim, out_dim, batch, plan, sizes, _follows(shapes, out_dim)))
                if answers[-1].follows:
                    return answers[-1]
        return answers[0] if answers else None

    def _inputs(self, plan: _Plan, samples: Sequence[int] = (), change: Callable[[int, torch.Tensor], torch.Tensor] | None = None) -> Any:
        """The arguments with these samples along the dims of the plan."""
        position = -1

        def varied(tensor: torch.Tensor) -> torch.Tensor:
            nonlocal position
            position += 1
            made = tensor.detach()
            if position in plan:
                made = _taken(made, plan[position], samples)
            if change is not None:
                made = change(position, made)
            return made.requires_grad_() if tensor.requires_grad else made

        return mapped((self.call.args, self.call.kwargs), varied)

    def _called(self, inputs: Callable[[], Any]) -> list[torch.Tensor] | None:
        """The output's tensors, None when the call failed. Raises _OutOfTime before a call that there is no time for."""
        began = time.process_time()
        if began > self.until:
            raise _OutOfTime
        _seed()
        try:
            with torch.set_grad_enabled(self.grad):
                args, kwargs = inputs()
                outputs = list(tensors_of(self.call.model(*args, **kwargs)))
        except TimeUp:
            self.until = 0.0
            return None
        except (Exception, SystemExit, KeyboardInterrupt, Exited):
            return None
        self.seconds = time.process_time() - began
        return outputs

    # samples

    def _mixes(self, answer: _Answer) -> bool | None:
        """Whether a sample's output hangs on the other samples of its batch; None when that cannot be told.

        The samples change places, and one of them makes room for another: the outputs must do the same. A model that draws random numbers
        need not, so that then the samples are exchanged one by one to decide, and the others must stay as they were.
        """
        if self.fake or self.seconds > SLOW_CALL or any(type(tensor).__name__ == "FakeTensor" for tensor in self.tensors):
            return None
        base: dict[int, torch.Tensor] = {}

        def rows(*order: int) -> torch.Tensor | None:
            def change(position: int, tensor: torch.Tensor) -> torch.Tensor:
                return _taken(base[position], answer.plan[position], order) if position in base else tensor

            outputs = self._called(partial(self._inputs, {}, (), change)) or []
            batched = [output for output in outputs if _size(output.shape, answer.out_dim) == 3]
            return batched[0].detach().movedim(answer.out_dim, 0).clone() if batched else None

        def moved(other: int) -> bool:
            """Whether another sample in the place of one changes the outputs of the others."""
            after = rows(*((other + 1) % 3 if place == other else place for place in range(3)))
            stay = [place for place in range(3) if place != other]
            return after is not None and not _same(before[stay], after[stay])

        try:
            torch.default_generator.manual_seed(0)
            for position, dim in answer.plan.items():
                base[position] = _distinct(_taken(self.tensors[position].detach(), dim, _samples(3, answer.batch)), dim)
            found = rows(0, 1, 2)
            if found is None:
                return None
            before = found
            turned = rows(1, 2, 1)
            if turned is None:
                return None
            mixes = not _same(before[[1, 2, 1]], turned) and (moved(1) or moved(0) or moved(2))
            if mixes and answer.dim == 0:
                self.mixed = mixing.meetings(self.recorder, self.call, lambda *order: rows(*order) is not None)
            return mixes
        except Exception:
            return None

    # image sizes

    def _accepts(self, answer: _Answer, size: tuple[int, ...]) -> bool:
        """Whether a batch of 2 of this size runs, and gives 2."""
        first = self.tensors[min(answer.plan)]
        if first.dim() != len(size) + 2:
            return False
        ends = first.shape[2:]

        def resized(position: int, tensor: torch.Tensor) -> torch.Tensor:
            if tensor.dim() == first.dim() and self.tensors[position].shape[2:] == ends:
                for dim, (new, old) in enumerate(zip(size, ends, strict=True), 2):
                    tensor = _taken(tensor, dim, [i % old for i in range(new)])
            return tensor

        outputs = None
        with suppress(_OutOfTime):
            outputs = self._called(partial(self._inputs, answer.plan, _samples(2, answer.batch), resized))
        return outputs is not None and (not outputs or _size(outputs[0].shape, answer.out_dim) in (2, None))


def _plans(tensors: Sequence[torch.Tensor], dim: int) -> Iterator[tuple[int, _Plan]]:
    """Ways to take this dim of the first tensor for the batch: all tensors of this size there go along with it.

    A hidden state has its batch in the other dim, and so may any tensor of the right size there.
    """
    ranked = [position for position, tensor in enumerate(tensors) if tensor.dim() > dim]
    batch = int(tensors[ranked[0]].shape[dim]) if ranked else 0
    if batch == 0:
        return
    here = {position: dim for position in ranked if tensors[position].shape[dim] == batch}
    other = 1 - dim
    there = {position: other for position, tensor in enumerate(tensors) if tensor.dim() > other and tensor.shape[other] == batch}
    seen: list[_Plan] = []
    for plan in (here, there | here, here | there | {ranked[0]: dim}):
        if plan not in seen:
            seen.append(plan)
            yield batch, plan


def _may_be_sequence(tensors: Sequence[torch.Tensor]) -> bool:
    """(time, batch, features), (time, batch, channels, height, width) or (time, batch) of token ids; not features, and not images."""
    return bool(tensors) and (tensors[0].dim() in (3, 5) or (tensors[0].dim() == 2 and not tensors[0].is_floating_point()))


def _follows(shapes: Sequence[tuple[int, Sequence[torch.Size] | None]], dim: int) -> bool:
    """Whether the first output has each batch's size in this dim. (A loss has none; that the calls ran must do.)"""
    if len(shapes) < len(BATCHES):
        return False
    return all(got is not None and (not got or len(got[0]) == 0 or _size(got[0], dim) == size) for size, got in shapes)


def _size(shape: torch.Size, dim: int) -> int | None:
    return int(shape[dim]) if len(shape) > dim else None


def _samples(size: int, batch: int) -> list[int]:
    """So many of a batch; beyond its end the last one again, so that what is sorted by length stays so."""
    return [min(place, batch - 1) for place in range(size)]


def _taken(tensor: torch.Tensor, dim: int, places: Sequence[int]) -> torch.Tensor:
    return tensor.index_select(dim, torch.tensor(places, dtype=torch.int64))


def _distinct(tensor: torch.Tensor, dim: int) -> torch.Tensor:
    """Three samples of which no two are equal, in the range of those given. Booleans stay: an inverted mask would leave nothing."""
    samples = tensor.unbind(dim)
    if not any(torch.equal(one, other) for one, other in combinations(samples, 2)) or tensor.dtype == torch.bool:
        return tensor
    if tensor.is_complex():
        return tensor + torch.randn(tensor.shape).to(tensor.dtype)
    if tensor.is_floating_point():
        lowest, highest = tensor.min(), tensor.max()
        if lowest == highest:
            return tensor + torch.randn(tensor.shape).to(tensor.dtype) * (tensor.abs() if highest != 0 else 1)
        return (tensor + torch.randn(tensor.shape).to(tensor.dtype) * tensor.std()).clamp(lowest, highest)
    values = tensor.unique()
    if len(values) == 1:  # one that is as good as this one: small indices stay in any table
        values = torch.cat([values, values - 1 if values[0] > 0 else values + 1]).sort().values
    places = torch.searchsorted(values, samples[0].contiguous())
    return torch.stack([values[(places + turn) % len(values)] for turn in range(3)], dim)


def _same(one: torch.Tensor, other: torch.Tensor) -> bool:
    if one.shape != other.shape or not (one.is_floating_point() or one.is_complex()):
        return one.shape == other.shape and torch.equal(one, other)
    finite = one[one.isfinite()].abs()
    largest = float(finite.max()) if finite.numel() else 1.0
    return torch.allclose(one, other, rtol=1e-4, atol=1e-5 * largest, equal_nan=True)


def _seed() -> None:
    """The same random numbers for each call."""
    torch.default_generator.manual_seed(0)  # torch.manual_seed tells all devices as well, which takes longer than a small model
    random.seed(0)
    numpy = sys.modules.get("numpy.random")
    if numpy is not None:
        numpy.seed(0)
