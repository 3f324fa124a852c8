"""Messages of `einsum` and of other products over dims that are named: `tensordot`, `inner`, `multi_dot`, `nn.Bilinear`."""

from __future__ import annotations

import re

from shapewright.messages.families.matmul import cause, dims, times
from shapewright.messages.template import Cause, Found, Reading, Template, plain, told

_EQUATION = re.compile(r"einsum\( ?f?['\"]([A-Za-z., >-]{1,120})['\"]")
_MAPPED = re.compile(r"[\[(]([\d, ]{0,200})[\])] ?-> ?[\[(]((?:[\d, ]|newaxis){0,300})[\])]")
_ORDINALS = ("first", "second", "third", "fourth", "fifth")
_UNDER = "write each tensor's shape under its letters: a letter must have the same size wherever it stands"
_OWN = "one letter names two different things: give one of them a letter of its own"
_ORDER = "the dims of one tensor are in another order than its letters"


def _nth(number: int) -> str:
    return f"the {_ORDINALS[number]} tensor" if number < len(_ORDINALS) else f"tensor {number + 1}"


def _equation(found: Found) -> str:
    """The equation, when the user's line or the text around the message holds it."""
    written = _EQUATION.search(found.context.line) or _EQUATION.search(found.text[:2000])
    return written[1].replace(" ", "") if written else ""


def _places(equation: str, letter: str) -> list[tuple[int, int]]:
    """Where a letter stands: (tensor, dim); behind an ellipsis dims are counted from the end."""
    found = []
    for number, term in enumerate(equation.partition("->")[0].split(",")):
        before, dots, after = term.partition("...")
        found += [(number, dim) for dim, one in enumerate(before) if one == letter]
        found += [(number, dim - len(after)) for dim, one in enumerate(after) if one == letter and dots]
    return found


def _letter(found: Found) -> Reading:
    """One letter, two sizes."""
    letter, equation = str(found.values["letter"]), _equation(found)
    facts: dict[str, object] = {**found.values, **({"equation": equation} if equation else {})}
    places = _places(equation, letter) if equation else []
    named = f"einsum('{equation}')" if equation else "einsum"
    sizes = found.fill("{want} in one place and {got} in another") or found.fill("of two sizes, one of them {got}")
    where = " and ".join(f"dim {dim} of {_nth(number)}" for number, dim in places)
    certain = f"{letter} is {where}" if where else ""
    if not where and found.known("tensor"):
        certain = (
            f"{letter} is {found.values['got']} in {_nth(found.number('tensor'))} and {found.values.get('want', 'another size')} before"
        )
    made: list[Cause] = []
    if found.known("got", "want"):
        got, want = found.number("got"), found.number("want")
        small, big, often = min(got, want), max(got, want), times(got, want)
        if letter in "bBnN" and all(dim == 0 for _, dim in places):
            why = (
                f"if {letter} is the batch: one tensor holds {want} samples, the other {got} (the last, smaller batch, or one written down)"
            )
            steps = ("take the batch from `x.size(0)`", "for the last batch: `DataLoader(..., drop_last=True)`")
            made.append(cause("hard-coded-batch", why, *steps, likely=letter in "bB"))
        if letter in "hHgG" and 1 < often <= 64:
            why = f"if {letter} are heads: {big} = {often}·{small}, so {often} heads share one of the other tensor; einsum repeats none"
            dim = places[-1][1] if places else 1
            step = f"repeat the fewer heads first: `k.repeat_interleave({often}, dim={dim})`"
            made.append(cause("grouped-heads", why, step, likely=not made, heads=big, groups=small))
    made.append(cause("dims-in-other-order", _ORDER, _UNDER, likely=not any(one.likely for one in made)))
    made.append(cause("letter-for-two-things", f"or {_OWN}"))
    made.sort(key=lambda one: not one.likely)
    return Reading("matmul-inner-dim", f"in `{named}` {letter} is {sizes}", certain, facts, tuple(made))


def _remapped(found: Found) -> Reading:
    """The older wording: each tensor's shape, and behind the arrow the same with one place for every letter."""
    pairs = [(_ints(one), _ints(two)) for one, two in _MAPPED.findall(found.text[:1500])]
    shapes = [one for one, _ in pairs]
    facts: dict[str, object] = {"shapes": shapes}
    headline = "in `einsum` one letter stands for two sizes"
    for column in zip(*(two for _, two in pairs), strict=False):
        sizes = [(number, size) for number, size in enumerate(column) if size != 1]
        other = next((one for one in sizes if one[1] != sizes[0][1]), None)
        if other is not None:
            number, size = sizes[0]
            first = f"{size} in {_nth(number)}, {told(shapes[number])},"
            headline = f"in `einsum` one letter is {first} and {other[1]} in {_nth(other[0])}, {told(shapes[other[0]])}"
            facts |= {"want": size, "got": other[1]}
            break
    made = (
        cause("dims-in-other-order", _ORDER, _UNDER, likely=True),
        cause("letter-for-two-things", f"or {_OWN}"),
        cause("hard-coded-batch", "or the letter is the batch, and one of the tensors was made for another batch"),
    )
    return Reading("matmul-inner-dim", headline, "", facts, made)


def _ints(text: str) -> list[int]:
    return [int(part) if part.strip().isdigit() else 1 for part in text.split(",") if part.strip()]


def _letters(found: Found) -> Reading:
    """So many letters for a tensor of so many dims."""
    facts: dict[str, object] = dict(found.values)
    letters, rank, number = (found.number(name) for name in ("letters", "rank", "tensor"))
    which, equation = _nth(number), _equation(found)
    terms = equation.partition("->")[0].split(",")
    term = f", '{terms[number]}'," if equation and number < len(terms) else ""
    if equation:
        facts["equation"] = equation
    if letters > rank:
        why = f"{which} has {dims(letters - rank)} fewer: its batch or head dim is missing, or a `squeeze()` or an index took it away"
        step = "add the dim (`x.unsqueeze(0)`), or take its letter out of the equation"
        made = [cause("dim-missing", why, step, likely=True)]
        split = "or its heads are not split off yet: `x.view(B, L, heads, d)`"
        made.append(cause("heads-not-split", split))
    else:
        why = f"{which} has {dims(rank - letters)} more than the equation names: a batch or head dim"
        step = f"give it a letter, or write `...` in front of the letters of {which} and of the result"
        made = [cause("dim-unnamed", why, step, likely=True)]
        made.append(cause("not-flattened", "or it should have been flattened or squeezed before"))
    headline = f"`einsum` names {dims(letters)}{term} of {which}, which has {rank}"
    return Reading("matmul-inner-dim", headline, "", facts, tuple(made))


_N = r"\d{1,15}"
_I = r"\d{1,3}"
_S = r"[\w*+()-]{1,60}"  # a size, which torch.compile may leave as a letter
_SHAPE = r"(?:torch\.Size\()?[\[(]"
TEMPLATES = (
    Template(
        "einsum-size",
        ("which does not broadcast with previously", "einsum(): subscript"),
        rf"(?:einsum\(\): ?)?subscript (?P<letter>\w) has size (?P<got>{_S}) for operand (?P<tensor>{_I})"
        rf" which does not broadcast with previously seen(?: size)? (?P<want>{_S})",
        _letter,
        cut=rf"einsum\(\): ?subscript (?P<letter>\w) has size (?P<got>{_S}) for operand (?P<tensor>{_I})\b",
    ),
    Template(
        "einsum-size-path",
        ("does not match previous terms",),
        rf"size of label '(?P<letter>\w)' for operand (?P<tensor>{_I}) \((?P<want>{_N})\) does not match previous terms \((?P<got>{_N})\)",
        _letter,
    ),
    Template(
        "einsum-ellipsis",
        ("covered by ellipsis in operand",),
        rf"einsum\(\): dimension (?P<dim>{_I}) covered by ellipsis in operand (?P<tensor>{_I}) ?has size (?P<got>{_S})"
        rf" which does not broadcast with previously seen ellipsis with size (?P<want>{_S})",
        plain(
            "broadcast-mismatch",
            "in `einsum` the dims behind `...` do not go together: {want} and {got}",
            ("batch-differs", "these are batches or heads: dim {dim} of tensor {tensor} (counted from 0) has {got}, another tensor {want}"),
            tries=("what `...` stands for must be equal or 1: add a dim with `x.unsqueeze(1)`, or name these dims with letters",),
        ),
    ),
    Template(
        "einsum-remapped",
        ("with remapped shapes",),
        r"(?:einsum\(\):? ?)?operands (?:do not broadcast|could not be broadcast together) with remapped shapes \[original->remapped\]:"
        r"(?: ?[\[(][\d, ]{0,120}[\])] ?->[\[(](?:[\d, ]|newaxis){0,200}[\])]){0,12}",
        _remapped,
    ),
    Template(
        "einsum-size-old",
        ("size of dimension does not match previous size",),
        rf"size of dimension does not match previous size, operand (?P<tensor>{_I}), dim (?P<dim>{_I})",
        plain(
            "matmul-inner-dim",
            "in `einsum` a letter has another size in dim {dim} of tensor {tensor} (counted from 0) than before",
            ("dims-in-other-order", _ORDER),
            ("letter-for-two-things", f"or {_OWN}"),
            tries=(_UNDER,),
        ),
    ),
    Template(
        "einsum-letters",
        ("number of subscripts in the equation",),
        rf"number of subscripts in the equation \((?P<letters>{_I})\) (?:does not match|is more than) the number of dimensions"
        rf" \((?P<rank>{_I})\) for operand (?P<tensor>{_I})",
        _letters,
    ),
    Template(
        "einsum-letters-old",
        ("dimension mismatch for operand",),
        rf"dimension mismatch for operand (?P<tensor>{_I}): equation (?P<letters>{_I}),? tensor (?P<rank>{_I})",
        _letters,
    ),
    Template(
        "einsum-count",
        ("operands were provided than specified",),
        r"einsum\(\): (?P<what>fewer|more) operands were provided than specified",
        plain(
            "matmul-inner-dim",
            "`einsum` receives {what} tensors than its equation names",
            ("tensors-and-terms", "the equation has one group of letters for each tensor, with commas between them, before the `->`"),
        ),
    ),
    Template(
        "einsum-output",
        ("einsum(): output subscript",),
        r"einsum\(\): output subscript (?P<letter>\w) (?:(?P<unknown>does not appear in the equation)|appears more than once)",
        plain(
            "matmul-inner-dim",
            "`einsum` gives out '{letter}', which no input has, or which stands twice behind the `->`",
            ("output-letters", "each letter behind `->` must stand once there, and in one of the groups before it"),
        ),
    ),
    Template(
        "einsum-diagonal",
        ("einsum(): subscript",),
        rf"einsum\(\): subscript (?P<letter>\w) is repeated for operand (?P<tensor>{_I}) but the sizes don't match"
        rf", (?P<got>{_N}) != (?P<want>{_N})",
        plain(
            "matmul-inner-dim",
            "in `einsum` {letter} stands twice for one tensor, which takes a diagonal, but the dims are {want} and {got}",
            ("letter-twice", "a letter twice in one group means equal dims: give one of them a letter of its own"),
        ),
    ),
    Template(
        "einsum-written",
        ("einsum():",),
        r"einsum\(\): (?:must (?:specify the equation string and|provide) at least one operand"
        r"|invalid subscript given at index (?P<index>\d{1,4})"
        r"|subscript in subscript list|found '\.' for operand)",
        plain(
            "other-shape-error",
            (
                "the equation of `einsum` has a character at index {index} that is no letter",
                "the equation of `einsum` cannot be read, or no tensor was given with it",
            ),
            ("equation", "an equation is letters, commas and `->`, and `...` for dims without a name: `torch.einsum('bi,ij->bj', x, w)`"),
        ),
    ),
    Template(
        "tensordot-sizes",
        ("contracted dimensions need to match",),
        rf"contracted dimensions need to match, but first has size (?P<got>{_N}) in dim (?P<dim>-?{_I})"
        rf" and second has size (?P<want>{_N}) in dim (?P<other_dim>-?{_I})",
        plain(
            "matmul-inner-dim",
            "`tensordot` brings together {got} (dim {dim} of the first tensor) and {want} (dim {other_dim} of the second)",
            (
                "wrong-dims",
                "`dims` pairs dims that are not the same thing; `dims=1` takes the last of the first and the first of the second",
            ),
            tries=("name the pairs: `dims=([dims of the first], [dims of the second])`",),
        ),
    ),
    Template(
        "tensordot-dims",
        ("both dimension lists should have", "tensordot expects dims"),
        rf"both dimension lists should have (?:the )?same length|tensordot expects dims < ndim_a or ndim_b, but got dims=(?P<got>-?{_I})",
        plain(
            "other-shape-error",
            (
                "`tensordot` is asked for {got} pairs of dims, more than a tensor has",
                "`tensordot` pairs dims, but its lists are not equally long",
            ),
            (
                "wrong-dims",
                "`dims=([…], […])` needs as many dims of the first as of the second tensor; a number n pairs the last n with the first n",
            ),
        ),
    ),
    Template(
        "multi-dot",
        ("multi_dot(): tensors",),
        rf"multi_dot\(\): tensors (?P<first>{_I}) and (?P<second>{_I}) with shapes \[(?P<left_shape>[\d, ]{{0,80}})\]"
        r" and \[(?P<right_shape>[\d, ]{0,80})\] cannot be multiplied",
        plain(
            "matmul-inner-dim",
            "in a chain of products {left_shape} is multiplied by {right_shape}: the inner dims differ",
            (
                "order-or-transpose",
                "tensors {first} and {second} (counted from 0) stand in the wrong order, or one of them must be transposed",
            ),
        ),
    ),
    Template(
        "multi-dot-ranks",
        ("multi_dot():",),
        rf"multi_dot\(\): (?:the (?P<which>first|last) tensor must be 1D or 2D but got (?P<rank>{_I})D"
        rf"|tensor (?P<tensor>{_I}) must be 2D but got (?P<got_rank>{_I})D|expected at least 2 tensors but got (?P<count>\d))",
        plain(
            "other-shape-error",
            (
                "`multi_dot` takes matrices, but the {which} tensor has {rank} dims",
                "`multi_dot` takes matrices, but tensor {tensor} (counted from 0) has {got_rank} dims",
                "`multi_dot` takes at least two tensors but receives {count}",
            ),
            ("batch-dim-kept", "`multi_dot` takes no batches, and a list of at least two: multiply with `a @ b @ c`"),
        ),
    ),
    Template(
        "inner-last-dims",
        ("inner() the last dimension",),
        rf"inner\(\) the last dimension must match on both input tensors but got shapes {_SHAPE}(?P<left_shape>[\d, ]{{0,80}})[\])]\)?"
        rf" and {_SHAPE}(?P<right_shape>[\d, ]{{0,80}})[\])]",
        plain(
            "matmul-inner-dim",
            "`inner` brings together the last dims of {left_shape} and {right_shape}, which differ",
            (
                "order-or-transpose",
                "`inner(a, b)` is `a @ b.T`: both need the same number of features last; for a plain product write `a @ b`",
            ),
        ),
    ),
    Template(
        "bilinear-features",
        ("bilinear(): input",),
        rf"bilinear\(\): input(?P<input>[12]) size does not match weight size: got (?P<got>{_N}) but expected (?P<want>{_N})",
        plain(
            "linear-in-features",
            "{layer} expects {want} features in input {input} but receives {got}",
            ("wrong-constant", "build it for what comes: `nn.Bilinear(in1_features, in2_features, out)`, in{input}_features={got}"),
            ("inputs-swapped", "or its two inputs stand in the wrong order"),
        ),
    ),
    Template(
        "bilinear-batches",
        ("bilinear(): input",),
        rf"bilinear\(\): input (?:batch dimensions do not match at dim (?P<dim>{_I})|dimensions do not match)"
        rf": got (?P<got>{_N}) and (?P<want>{_N})",
        plain(
            "linear-in-features",
            (
                "two tensors go into {layer} but disagree before the last dim: {got} and {want} in dim {dim}",
                "two tensors go into {layer} but disagree: {got} and {want} dims",
            ),
            ("batch-differs", "all dims before the features must be equal, and `nn.Bilinear` repeats none: `x.expand(y.size(0), -1)`"),
        ),
    ),
    Template(
        "bilinear-bias",
        ("bilinear(): bias", "output size mismatch: weight"),
        rf"bilinear\(\): bias size does not match weight size: got (?P<got>{_N}) but expected (?P<want>{_N})"
        rf"|output size mismatch: weight\.size\(0\)=(?P<outputs>{_N}) != bias\.size\(0\)=(?P<bias>{_N})",
        plain(
            "other-shape-error",
            ("a layer with {want} outputs has a bias of {got}", "a layer with {outputs} outputs has a bias of {bias}"),
            ("bias-length", "the bias must have one number for each output"),
        ),
    ),
)
