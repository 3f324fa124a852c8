"""A loss is given predictions and targets that do not go together.

What happened. `cross_entropy` takes scores `[N, C]` (or `[N, C, d1, …]`) with class numbers `[N]` (`[N, d1, …]`) as
whole numbers from 0 to C - 1, or with probabilities of the scores' own shape. `binary_cross_entropy`, `mse_loss` and
the like compare number with number: equal shapes. The form or the dtype does not fit (`loss-target-shape`), or there
are more samples on one side (`loss-batch-mismatch`).

Why. Class numbers come as `[N, 1]` or one-hot; predictions are `[N, 1]` and targets `[N]`; in sequences and maps the
classes do not stand in dim 1; labels count from 1; or a `view(-1, n)` in the model has changed the number of samples.

How to tell which fix is right. Ask what one prediction is: one class out of many (scores `[N, C]`, class numbers
`[N]`), or a number for each place (equal shapes). A dim of size 1 goes away with `squeeze(1)`, never with a bare
`squeeze()`, which also takes a batch of one. If the numbers of samples differ, the model mixes its batch, and the
loss is only where it shows.

Example. Scores for 10 classes and one-hot labels of 10 as whole numbers, or class number 10:

    the target holds class 10 but the predictions have 10 classes
"""

from __future__ import annotations

from shapewright.model import SHORT_DTYPES, Clash, Event, Size, TensorInfo
from shapewright.reason.rules import say
from shapewright.reason.rules.sizes import at, broadcast, clashing, integer, not_filling, tensor, whole
from shapewright.reason.scene import Scene

SLUGS = {
    "loss-target-shape": "A loss is given targets of another form or dtype than its predictions want.",
    "loss-batch-mismatch": "A loss is given another number of predictions than of targets.",
}
SLUG, BATCH = SLUGS

CLASSES = ("cross_entropy", "nll_loss")
EQUAL = ("binary_cross_entropy", "binary_cross_entropy_with_logits")
PLACES = ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "kl_div", "poisson_nll_loss", "soft_margin_loss", "hinge_embedding_loss",
          "multilabel_soft_margin_loss")  # fmt: skip


def demand(scene: Scene) -> Clash | None:
    """What each loss asks of predictions and targets."""
    event = scene.event
    op = event.op
    if op in ("cosine_embedding_loss", "margin_ranking_loss", "triplet_margin_loss"):
        return _three(scene)
    if op == "ctc_loss":
        return _ctc(scene)
    x, target = tensor(event, 0, "input"), tensor(event, 1, "target")
    if x is None or target is None:
        return None
    if op in CLASSES:
        return _classes(scene, x, target)
    if op in EQUAL:
        return _equal(scene, x, target) if x.shape != target.shape else _weights(scene, x) or _dtype(scene, x, target)
    if op == "soft_margin_loss":  # writes into a copy of the prediction, which cannot grow
        clash = target.rank > x.rank or not_filling(target.shape, x.shape)
        return _equal(scene, x, target) if clash else _dtype(scene, x, target)
    if op in PLACES:
        return _equal(scene, x, target) if clashing(x.shape, target.shape) else _dtype(scene, x, target)
    if op in ("multi_margin_loss", "multilabel_margin_loss"):
        wanted = x.shape if op == "multilabel_margin_loss" else x.shape[:1] if x.rank == 2 else None
        if wanted is not None and target.shape != wanted and x.rank == 2:
            return _form(scene, x, target, wanted)
    return None


def _called(scene: Scene, x: TensorInfo, target: TensorInfo) -> tuple[str, str]:
    return say.name(scene, x, "the prediction"), say.name(scene, target, "the target")


def _batch(scene: Scene, x: TensorInfo, target: TensorInfo) -> Clash:
    one, other = _called(scene, x, target)
    headline = f"the loss compares {say.count(x.shape[0], 'prediction')} with {say.count(target.shape[0], 'target')}"
    label = f"{one} is {say.marked(x, 0)}, {other} is {say.marked(target, 0)}"
    notes: tuple[str, ...] = ()
    small, large = sorted((x.shape[0], target.shape[0]))
    if small > 0 and large % small == 0:
        notes = (f"{large} = {large // small}·{small}",)
    return Clash(BATCH, headline, label, at(x, 0), at(target, 0), notes)


def _form(scene: Scene, x: TensorInfo, target: TensorInfo, wanted: tuple[int, ...], notes: tuple[str, ...] = ()) -> Clash:
    one, other = _called(scene, x, target)
    if x.rank == target.rank > 1 and target.is_floating and x.shape[0] == target.shape[0] and x.shape[2:] == target.shape[2:]:
        headline = f"the predictions are for {x.shape[1]} classes but the targets for {target.shape[1]}"
        return Clash(SLUG, headline, f"{one} is {say.marked(x, 1)}, {other} is {say.marked(target, 1)}", at(x, 1), at(target, 1), notes)
    headline = f"the loss expects a target {say.sizes(wanted) if wanted else 'of one class number'} but receives {say.sizes(target.shape)}"
    got, want, mine, theirs = whole(x), whole(target), list[int](), list[int]()
    if target.rank == len(wanted):
        theirs = [i for i in range(target.rank) if target.shape[i] != wanted[i]]
        mine = [i + 1 if i else 0 for i in theirs]  # the classes stand in dim 1 of the predictions
        got, want = at(x, mine[0]), at(target, theirs[0])
    label = f"{one} is {say.marked(x, *mine)}, {other} is {say.marked(target, *theirs)}"
    return Clash(SLUG, headline, label, got, want, notes)


def _classes(scene: Scene, x: TensorInfo, target: TensorInfo) -> Clash | None:
    """`cross_entropy` and `nll_loss`: class numbers, or (only the first) probabilities."""
    if x.rank == 0:
        return None
    if scene.event.op == "cross_entropy" and x.shape == target.shape:
        return _class_weights(scene, x) if target.is_floating else _one_hot(scene, x, target)
    if x.rank == 1:
        if target.shape not in ((), (1,)):
            notes = (f"one dim is read as one sample of {say.count(x.shape[0], 'class')}",)
            return _form(scene, x, target, (), notes)
    elif x.rank > 1:
        wanted = (x.shape[0], *x.shape[2:])
        if target.rank and target.shape[0] != x.shape[0] and target.rank in (len(wanted), x.rank):
            return _batch(scene, x, target)
        if target.shape != wanted:
            return _form(scene, x, target, wanted, _form_notes(scene, x, target, wanted))
    return _dtype_of_classes(scene, x, target) or _class_weights(scene, x) or _class_range(scene, x, target)


def _form_notes(scene: Scene, x: TensorInfo, target: TensorInfo, wanted: tuple[int, ...]) -> tuple[str, ...]:
    one, other = _called(scene, x, target)
    if target.shape == (*wanted[:1], 1, *wanted[1:]):
        return (f"dim 1 of {other} has size 1; class numbers have no dim for the classes",)
    if x.rank > 2 and target.shape == x.shape[:-1]:
        return (f"the classes stand in the last dim of {one}; `{scene.event.op}` takes them in dim 1",)
    if target.rank == x.rank and target.shape == x.shape:
        return (f"{other} looks one-hot; `{scene.event.op}` takes class numbers",)
    return ()


def _one_hot(scene: Scene, x: TensorInfo, target: TensorInfo) -> Clash:
    one, other = _called(scene, x, target)
    headline = f"a target of the predictions' shape {say.sizes(x.shape)} must be probabilities, not {_short(target)}"
    notes = (f"class numbers for {one} would be {say.sizes((x.shape[0], *x.shape[2:]))}",) if x.rank > 1 else ()
    return Clash(SLUG, headline, f"{one} is {x}, {other} is {target}", whole(x), whole(target), notes)


def _short(info: TensorInfo) -> str:
    return SHORT_DTYPES.get(info.dtype, info.dtype)


def _dtype_of_classes(scene: Scene, x: TensorInfo, target: TensorInfo) -> Clash | None:
    if target.dtype in ("int64", "uint8"):
        return None
    one, other = _called(scene, x, target)
    headline = f"the loss expects class numbers as i64 but receives {_short(target)}"
    notes = (f"a target of floats would be probabilities: {say.sizes(x.shape)}",) if target.is_floating else ()
    return Clash(SLUG, headline, f"{one} is {x}, {other} is {target}", whole(x), whole(target), notes)


def _class_weights(scene: Scene, x: TensorInfo) -> Clash | None:
    weight = tensor(scene.event, 2, "weight")
    classes = x.shape[1] if x.rank > 1 else x.shape[0]
    if weight is None or weight.shape == (classes,):
        return None
    headline = f"the loss has weights for {say.count(weight.numel, 'class')} but the predictions have {classes}"
    label = f"{say.name(scene, x, 'the prediction')} is {say.marked(x, 1 if x.rank > 1 else 0)}, the weights are {weight}"
    return Clash(SLUG, headline, label, at(x, 1 if x.rank > 1 else 0), whole(weight, weight.numel))


def _class_range(scene: Scene, x: TensorInfo, target: TensorInfo) -> Clash | None:
    event = scene.event
    dim = 1 if x.rank > 1 else 0
    given = integer(event.argument(4, "ignore_index"))
    ignored = -100 if given is None else given
    one, other = _called(scene, x, target)
    for value in (target.highest, target.lowest):
        if value is None or value == ignored or 0 <= value < x.shape[dim]:
            continue
        headline = f"the target holds class {value} but the predictions have {say.count(x.shape[dim], 'class')}"
        label = f"{one} is {say.marked(x, dim)}, {other} is {target} with class →{value}←"
        notes = (f"classes count from 0: the last of {x.shape[dim]} is {x.shape[dim] - 1}",) if value == x.shape[dim] else ()
        return Clash(SLUG, headline, label, at(x, dim), Size(value, tensor=target), notes)
    return None


def _equal(scene: Scene, x: TensorInfo, target: TensorInfo) -> Clash:
    if x.rank == target.rank and x.shape[0] != target.shape[0] and x.shape[1:] == target.shape[1:]:
        return _batch(scene, x, target)
    one, other = _called(scene, x, target)
    headline = f"the loss compares predictions {say.sizes(x.shape)} with targets {say.sizes(target.shape)}"
    if x.rank == target.rank:
        hits = [i for i in range(x.rank) if x.shape[i] != target.shape[i]]
        label = f"{one} is {say.marked(x, *hits)}, {other} is {say.marked(target, *hits)}"
        return Clash(SLUG, headline, label, at(x, hits[-1]), at(target, hits[-1]))
    return Clash(SLUG, headline, f"{one} is {x}, {other} is {target}", whole(x), whole(target), _equal_notes(one, x, other, target))


def _equal_notes(one: str, x: TensorInfo, other: str, target: TensorInfo) -> tuple[str, ...]:
    if [size for size in x.shape if size != 1] == [size for size in target.shape if size != 1]:
        return ("only dims of size 1 differ",)
    if target.rank == 1 and x.rank == 2 and target.shape[0] == x.shape[0] and not target.is_floating:
        return (f"{other} holds whole numbers, one for each sample; {one} has {x.shape[1]} for each",)
    return ()


def _weights(scene: Scene, x: TensorInfo) -> Clash | None:
    for position, key in ((2, "weight"), (6, "pos_weight")):
        weight = tensor(scene.event, position, key)
        if weight is not None and (not_filling(weight.shape, x.shape) if key == "weight" else clashing(weight.shape, x.shape)):
            headline = f"the loss has a {key} {say.sizes(weight.shape)} for predictions {say.sizes(x.shape)}"
            return Clash(SLUG, headline, f"{say.name(scene, x, 'the prediction')} is {x}, {key} is {weight}", whole(x), whole(weight))
    return None


def _dtype(scene: Scene, x: TensorInfo, target: TensorInfo) -> Clash | None:
    """Shapes fit, but the call failed for its dtypes: measured, not guessed."""
    failure = scene.event.failure
    if failure is None or not failure.dtype_only or x.dtype == target.dtype:
        return None
    one, other = _called(scene, x, target)
    headline = f"the loss expects a target of {_short(x)}, like the predictions, but receives {_short(target)}"
    return Clash(SLUG, headline, f"{one} is {x}, {other} is {target}", whole(x), whole(target))


def _three(scene: Scene) -> Clash | None:
    """Losses over two or three sides."""
    event = scene.event
    names = ("anchor", "positive", "negative") if event.op == "triplet_margin_loss" else ("input1", "input2", "target")
    found = [tensor(event, i, name) for i, name in enumerate(names)]
    if any(info is None for info in found):
        return None
    sides = [info for info in found if info is not None]
    label = ", ".join(f"{name} is {info}" for name, info in zip(names, sides, strict=True))
    if event.op == "cosine_embedding_loss":
        one, other, target = sides
        if target.rank > 1 or one.rank != target.rank + 1 or other.rank != one.rank:
            headline = f"the loss expects pairs [N, D] with targets [N], not {say.sizes(one.shape)} with {say.sizes(target.shape)}"
            return Clash(SLUG, headline, label, whole(one), whole(target))
        common = broadcast((one.shape, other.shape))
        if common is not None and clashing(common[:-1], target.shape):
            return _batch(scene, one, target)
        sides = [one, other]
    elif len({info.rank for info in sides}) > 1:
        ranks = say.listed([str(info.rank) for info in sides])
        headline = f"{say.listed(names)} need one number of dims but have {ranks}"
        odd = next(info for info in sides if info.rank != sides[0].rank)
        return Clash(SLUG, headline, label, whole(sides[0], sides[0].rank), whole(odd, odd.rank))
    # a triplet compares positive and negative with the anchor in every dim, with one another only before the last
    together = [(a, b) for i, a in enumerate(sides) for b in sides[i + 1 :]]
    if event.op == "triplet_margin_loss":
        clashes = [(a, b, clashing(a.shape, b.shape)) for a, b in together[:2]]
        clashes += [(a, b, [hit - 1 for hit in clashing(a.shape[:-1], b.shape[:-1])]) for a, b in together[2:]]
    else:
        clashes = [(a, b, clashing(a.shape, b.shape)) for a, b in together]
    found_clash = next(((a, b, hits[0]) for a, b, hits in clashes if hits), None)
    if found_clash is None:
        return None
    one, other, hit = found_clash
    if -hit == one.rank == other.rank:
        return _batch(scene, one, other)
    headline = f"the loss compares {say.sizes(one.shape)} with {say.sizes(other.shape)}"
    return Clash(SLUG, headline, label, at(one, hit), at(other, hit))


def _ctc(scene: Scene) -> Clash | None:
    """`ctc_loss(log_probs [T, N, C], targets, input_lengths [N], target_lengths [N])`."""
    event = scene.event
    scores, targets = tensor(event, 0, "log_probs"), tensor(event, 1, "targets")
    if scores is None or targets is None or scores.rank != 3:
        return None
    batch = scores.shape[1]
    for position, key in ((2, "input_lengths"), (3, "target_lengths")):
        given = _length(event, position, key)
        if given is not None and given != batch:
            headline = f"the loss has {given} {key.replace('_', ' ')} for a batch of {batch}"
            notes = ("scores are read as [time, batch, classes]",)
            return Clash(BATCH, headline, f"the scores are {say.marked(scores, 1)}, {key}: →{given}←", at(scores, 1), notes=notes)
    longest = tensor(event, 2, "input_lengths")
    if longest is not None and longest.highest is not None and longest.highest > scores.shape[0]:
        headline = f"the loss is told of {longest.highest} steps but the scores have {scores.shape[0]}"
        return Clash(SLUG, headline, f"the scores are {say.marked(scores, 0)}", at(scores, 0), Size(longest.highest, tensor=longest))
    if targets.rank == 2 and targets.shape[0] != batch:
        headline = f"the loss compares {batch} sequences with {targets.shape[0]} targets"
        label = f"the scores are {say.marked(scores, 1)}, the targets {say.marked(targets, 0)}"
        return Clash(BATCH, headline, label, at(scores, 1), at(targets, 0))
    return None


def _length(event: Event, position: int, key: str) -> int | None:
    value = event.argument(position, key)
    if isinstance(value, TensorInfo):
        return value.numel if value.rank == 1 else None
    return len(value) if isinstance(value, tuple) else None
