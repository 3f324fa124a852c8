"""`assert_shapes`: what a model promises about shapes, tried with several sizes, and what is said when it does not keep it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shapewright import shapes, sizes
from shapewright.shapes import UNNAMED, Misfit, Reading

if TYPE_CHECKING:
    from shapewright.observe.letters import Caller

SLOW = 2.0  # seconds for one call, above which no more are made only to say more about a failure
SHOWN = 3  # outputs in a message


@dataclass(frozen=True, slots=True)
class _Outcome:
    sizes: Mapping[str, int]
    misfits: tuple[Misfit, ...] = ()
    readings: tuple[Reading, ...] = ()
    error: BaseException | None = None

    @property
    def fine(self) -> bool:
        return not self.misfits and self.error is None


# `input` shadows the built-in function, which nobody wants here; it is what the argument is.
def assert_shapes(model: Callable[..., Any], input: Any, output: Any, *, sizes: Mapping[str, Any] | None = None) -> None:
    """Assert that a model gives tensors of promised shapes for inputs of all sizes: `assert_shapes(net, "B 3 H W", "B 10")`.

    `input`: the shape of the only input; a tuple for several, a dict for keyword inputs. Things that are no texts are passed as they are.
    `output`: the shape of the output, a tuple or dict for several, None for anything. A dim is a number, a name, arithmetic on names
    (`H//2`), `_` for any size or `...` for any number of dims; a dtype follows a colon (`"B T:int64"`).
    `sizes`: what to try for a name, a size or several: `{"H": (64, 96), "T": 16}`. Otherwise each has two, a batch also 1 in eval mode.

    The model is called on fake tensors where that is possible, and left as it was found.
    Raises AssertionError when a shape is another one, and when the model raises (its exception, also SystemExit, is the cause);
    ValueError for a text that is no shape; TypeError for something that is no model or cannot take such inputs.
    """
    __tracebackhide__ = True
    args, kwargs = shapes.inputs(input)
    want = shapes.promised(output)
    from shapewright.observe.letters import Caller  # torch is only loaded by who uses it

    caller = Caller(model, args, kwargs)
    if sizes is not None and not isinstance(sizes, Mapping):
        raise TypeError(f"`sizes` is a dict of what to try for a name, like {{'H': (64, 96)}}, not {sizes!r}")
    plans = _plans(args, kwargs, want, sizes or {}, single=not caller.training)
    with caller.built(plans[0]):
        message, error = _judged(caller, want, plans, f"{_said(input)} → {_said(output)}")
    if message:
        raise AssertionError(message) from error


def _judged(caller: Caller, want: Any, plans: Sequence[sizes.Sizes], promise: str) -> tuple[str, BaseException | None]:
    """What is to be said of the first run that breaks the promise, and the exception that ended it; "" when all keep it."""
    for plan in plans:
        began = time.perf_counter()
        outcome = _try(caller, want, plan)
        if not outcome.fine:
            quick = time.perf_counter() - began < SLOW
            others = [one for one in (*plans, *_singly(plans)) if one != plan] if quick else []
            runs = [outcome, *_tried(caller, want, others)]
            return (_wrong if outcome.error is None else _raised)(caller, promise, outcome, runs), outcome.error
    return "", None


def _plans(args: Any, kwargs: Any, want: Any, given: Mapping[str, Any], *, single: bool) -> list[sizes.Sizes]:
    """The sizes of each run. Raises ValueError where they make no shape."""
    specs = list(shapes.specs((args, kwargs)))
    names = sizes.letters(specs)
    shapes.unbound(want, set(names))
    first = specs[0].dims[0].name if specs and specs[0].dims else ""
    plans = sizes.plans(names, first, given, single=single)
    known = set(names)
    for plan in plans:
        for spec in specs:
            shapes.shape_of(spec, plan)
        for spec in shapes.specs(want):
            for dim in spec.dims:
                if dim.kind == "size" and known.issuperset(dim.names):
                    shapes.size_of(dim, plan, spec)
    return plans


def _try(caller: Caller, want: Any, plan: Mapping[str, int]) -> _Outcome:
    ran = caller.run(plan)
    if ran.error is not None:
        return _Outcome(plan, error=ran.error)
    misfits, readings = shapes.compare(list(shapes.pairs(want, ran.output)), plan)
    if misfits and not ran.real and caller.has_values:
        # Fakes are wrong about a few calls: only a real run may say that the promise is broken.
        again = caller.run(plan, real=True)
        if again.error is None:
            misfits, readings = shapes.compare(list(shapes.pairs(want, again.output)), plan)
    return _Outcome(plan, tuple(misfits), tuple(readings))


def _tried(caller: Caller, want: Any, plans: Sequence[Mapping[str, int]]) -> Iterator[_Outcome]:
    for plan in plans:
        try:
            yield _try(caller, want, plan)
        except ValueError:  # arithmetic that gives no size here; these runs are not the user's
            continue


def _singly(plans: Sequence[sizes.Sizes]) -> list[sizes.Sizes]:
    return [plan for plan in sizes.singly(plans) if plan not in plans]


# ── what is said ──


def _wrong(caller: Caller, promise: str, outcome: _Outcome, runs: Sequence[_Outcome]) -> str:
    rows = _asked(caller, outcome.sizes)
    notes = []
    for misfit in outcome.misfits[:SHOWN]:
        label = f"{misfit.place} " if misfit.place != "output" else ""
        if misfit.came is not None and misfit.spec is not None:
            rows.append(("promised", label + _promised(misfit)))
            rows.append(("came", label + shapes.described(_marked(misfit.came, misfit.dims), misfit.dtype)))
        notes += [label.replace(" ", ": ") + note for note in (misfit.why, *_laws(misfit, outcome, runs))]
    if len(outcome.misfits) > SHOWN:
        notes.append(f"{len(outcome.misfits) - SHOWN} more outputs are wrong")
    notes += _elsewhere(runs)
    return _message(f"`{caller.name}` does not keep its promise {promise}", rows, notes)


def _raised(caller: Caller, promise: str, outcome: _Outcome, runs: Sequence[_Outcome]) -> str:
    assert outcome.error is not None
    rows = _asked(caller, outcome.sizes)
    words = str(outcome.error).strip().splitlines()
    rows.append(("raised", f"{type(outcome.error).__name__}: {words[0]}"[:300] if words else type(outcome.error).__name__))
    where = caller.where(outcome.error)
    if where.file:
        rows.append(("at", f"{_short(where.file)}:{where.line} in {where.function}: {where.text}"))
    if where.module:
        rows.append(("module", where.module))
    return _message(f"`{caller.name}` raises before it can give {promise}", rows, _elsewhere(runs) or _remedies(caller, outcome, runs))


def _asked(caller: Caller, plan: Mapping[str, int]) -> list[tuple[str, str]]:
    rows = [("for", _listed(plan))] if _listed(plan) else []
    return rows + [(spec.place, caller.shape(spec, plan)) for spec in shapes.specs((caller.args, caller.kwargs))]


def _message(head: str, rows: Sequence[tuple[str, str]], notes: Sequence[str]) -> str:
    width = max([len(label) for label, _ in rows], default=0)
    body = [f"  {label:{width}}  {text}" for label, text in rows]
    return "\n".join([head, *body, *(f"  = {note}" for note in notes)])


def _promised(misfit: Misfit) -> str:
    assert misfit.spec is not None
    if not misfit.wanted:
        return f"[{', '.join(dim.text for dim in misfit.spec.dims)}]" + (f":{misfit.spec.dtype}" if misfit.spec.dtype else "")
    if misfit.spec.dtype and misfit.spec.dtype != misfit.dtype:
        return shapes.described(_marked(misfit.wanted, misfit.dims), misfit.spec.dtype)
    return f"[{', '.join(_marked(misfit.wanted, misfit.dims))}]"


def _marked(shape: Sequence[int | None], dims: Sequence[int]) -> list[str]:
    """The sizes, with arrows around those of `dims`."""
    texts = ["_" if size is None else str(size) for size in shape]
    return [f"→{text}←" if i in dims else text for i, text in enumerate(texts)]


def _laws(misfit: Misfit, outcome: _Outcome, runs: Sequence[_Outcome]) -> list[str]:
    """What the clashing dims were in all runs, where they follow a simple law."""
    said = []
    for at in misfit.dims:
        here = next(one.dim for one in outcome.readings if (one.place, one.at) == (misfit.place, at))
        points = [(run.sizes, one.size) for run in runs for one in run.readings if (one.place, one.dim) == (misfit.place, here)]
        law = sizes.law(points)
        if not law or misfit.spec is None:
            continue
        idle = [f"`{name}`" for name in misfit.spec.dims[here].names if len({plan.get(name) for plan, _ in points}) > 1]
        verb = "does" if len(idle) == 1 else "do"
        start = f"{' and '.join(idle)} {verb} not matter: " if idle and law.isdigit() else ""
        said.append(f"{start}dim {at} was {law} in {_all(len(points))} runs")
    return said


def _all(number: int) -> str:
    return "both" if number == 2 else f"all {number}"


def _elsewhere(runs: Sequence[_Outcome]) -> list[str]:
    """Where the promise holds for some sizes: for which, and which letter alone makes the difference."""
    good = [run for run in runs if run.fine]
    if not good:
        return []
    base = good[0].sizes
    said = [f"it holds for {_listed(base)}" if len(good) > 1 else f"it holds for one of the {len(runs)} sizes tried only: {_listed(base)}"]
    alone: dict[str, list[int]] = {}
    for run in runs:
        changed = [name for name in base if run.sizes[name] != base[name]]
        if not run.fine and len(changed) == 1 and not changed[0].startswith(UNNAMED):
            alone.setdefault(changed[0], []).append(run.sizes[changed[0]])
    for name, broken in alone.items():
        said.append(f"`{name}` alone breaks it: it holds for {name} = {base[name]}, not for {' or '.join(map(str, dict.fromkeys(broken)))}")
    return said


def _remedies(caller: Caller, outcome: _Outcome, runs: Sequence[_Outcome]) -> list[str]:
    """What may help a call that raised for every size. That token ids are meant is tried out, not guessed."""
    for spec in shapes.specs((caller.args, caller.kwargs)):
        if not spec.dtype and caller.with_dtype(spec, "int64").run(outcome.sizes).error is None:
            return [f'it runs when {spec.place} is int64: write "{spec.text}:int64"']
    said = [f"it raises for {_all(len(runs))} sizes tried"] if len(runs) > 1 else []
    if len(outcome.sizes) < 2:  # nothing but the batch
        return said
    return [*said, "where the model takes one size only, write that number in the place of the letter, or try others with `sizes`"]


def _listed(plan: Mapping[str, int]) -> str:
    return ", ".join(f"{name} = {size}" for name, size in plan.items() if not name.startswith(UNNAMED))


def _said(given: Any) -> str:
    return f'"{given}"' if isinstance(given, str) else repr(given)


def _short(file: str) -> str:
    here = os.getcwd() + os.sep
    return file.removeprefix(here)
