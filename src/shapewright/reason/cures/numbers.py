"""A number of the source is changed so that both sides meet: the layer's own, or one of those that gave the activation its size."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from shapewright.model import Event, ModuleInfo, Number, Size, Span, Trace
from shapewright.reason import levers, likely, solve
from shapewright.reason.cures import aligned, frames, outer, slots
from shapewright.reason.lengths import function_at
from shapewright.reason.levers import Lever
from shapewright.reason.places import POSITIONS, parsed, span_of
from shapewright.reason.problem import Candidate, Problem, other_side
from shapewright.reason.rules import say
from shapewright.reason.ways import FACTORIES, setter
from shapewright.report import Edit
from shapewright.source import contains

_WORDS = {
    "in_features": "build {layer} for {value} input features",
    "in1_features": "build {layer} for {value} features in its first input",
    "in2_features": "build {layer} for {value} features in its second input",
    "out_features": "let {layer} give out {value} features",
    "in_channels": "build {layer} for {value} input channels",
    "out_channels": "let {layer} give out {value} channels",
    "num_features": "build {layer} for {value} features",
    "num_channels": "build {layer} for {value} channels",
    "input_size": "build {layer} for {value} input features",
    "embedding_dim": "let {layer} give {value} numbers a word",
    "num_embeddings": "give {layer} room for {value} words",
    "embed_dim": "build {layer} for {value} features",
    "normalized_shape": "build {layer} for {value} features",
}
_ONE = re.compile(r"\b1 ((?:input )?(?:channel|feature|word|number))s\b")

# What counts features or channels: a name that one layer gets for these may well be another layer's, too.
_FEATURES = {
    "in_features", "out_features", "in_channels", "out_channels", "num_features", "num_channels", "input_size", "hidden_size",
    "embedding_dim", "embed_dim", "normalized_shape", "d_model",
}  # fmt: skip
SMALLEST_IMAGE = 16  # pixels; a smaller number may well be another one
_SMALLEST_MAP = 8
_FEW = 2  # rows that tokens of their own may need
_NAMES = 2  # names of one value to try; more are a coincidence
_PRODUCTS = ("linear", "matmul", "mm", "bmm", "einsum", "addmm", "mv")
_DIVISORS = ("num_heads", "nhead", "groups", "num_groups", "upscale_factor", "output_padding")


def propose(problem: Problem) -> Iterator[Candidate]:
    """Both sides of the clash, set to what the other one is."""
    clash = problem.clash
    if clash.slug in ("missing-flatten", "reshape-numel", "batch-dim-missing"):
        return  # there another number would only hide what is missing
    if aligned.is_vector_of_samples(problem) or outer.squares(problem.trace, problem.event):
        return
    if any(size is not None and size.setting in _DIVISORS for size in (clash.want, clash.got)):
        return  # these need not be equal but divide
    if clash.slug == "attention-dim" and problem.event.module is None:
        return  # a constructor that refused its numbers of features and heads
    proposed = False
    for size in (clash.want, clash.got):
        other = other_side(clash, size) if size is not None else None
        if size is None or other is None or other.value is None or size.value is None:
            continue
        counted = other.tensor is not None and other.dim is None and other.tensor.highest == other.value
        value = other.value + 1 if counted else other.value  # class 9 is the tenth
        if size.value == value or any(_of_model(problem, a) and _counts_samples(problem, b) for a, b in ((size, other), (other, size))):
            continue
        for candidate in set_size(problem, size, value):
            proposed = proposed or candidate.evidence > -2 * likely.MOST
            yield candidate
    if not proposed:
        yield from _plainly(problem)
    yield from _one_more(problem)


def _plainly(problem: Problem) -> Iterator[Candidate]:
    """The number itself in the place of an expression for which nothing better is known."""
    clash, module = problem.clash, problem.module
    if clash.want is None or not clash.want.setting or clash.got is None or not clash.got.value or module is None or module.built is None:
        return
    code = problem.code(module.built)
    span = code.argument(module.built, clash.want.setting, POSITIONS.get(clash.want.setting)) if code is not None else None
    if code is not None and span is not None:
        title = _WORDS.get(clash.want.setting, "set " + clash.want.setting + " of {layer} to {value}")
        title = title.format(layer=f"`{say.module_name(module)}`", value=clash.got.value)
        if any(letter.isalpha() for letter in code.text_at(span)):
            yield Candidate("expression", title, code.replace(span, str(clash.got.value)) or (), -2 * likely.MOST)


def _one_more(problem: Problem) -> Iterator[Candidate]:
    """A table made for a computed number of rows, where a few more are needed: `n` patches and a class token are `n + 1`."""
    for tensor in problem.event.tensors():
        made_by = problem.trace.events[tensor.source] if tensor.kind in ("parameter", "buffer") and tensor.source is not None else None
        other = next((one for one in problem.event.tensors() if one is not tensor and one.rank == tensor.rank), None)
        code = problem.code(made_by.span) if made_by is not None else None
        if made_by is None or made_by.span is None or code is None or other is None or made_by.op not in FACTORIES:
            continue
        for dim in range(tensor.rank):
            more = other.shape[dim] - tensor.shape[dim]
            given = code.arguments(made_by.span)
            if not 0 < more <= _FEW or len(given) <= dim or len(made_by.args) <= dim or tensor.shape[dim] == 1:
                continue
            number, text = made_by.args[dim], code.text_at(given[dim][1])
            if isinstance(number, Number) and number.value == tensor.shape[dim] and any(letter.isalpha() for letter in text):
                edits = code.replace(given[dim][1], f"{text} + {more}")
                yield Candidate("expression", f"make `{tensor.name}` {more} longer", edits or (), 2)


def set_size(problem: Problem, size: Size, value: int) -> Iterator[Candidate]:
    """Candidates that make one size of the failed call `value`."""
    own = bool(size.setting or size.number) or (size.tensor is not None and size.tensor.kind in ("parameter", "buffer"))
    for lever in levers.of_size(problem.trace, problem.event, size, value):
        candidate = of_lever(problem, lever, "constant" if own else "producer")
        if lever.merged and candidate.evidence <= 0 and problem.clash.slug in ("linear-in-features", "recurrent-input-size"):
            continue  # what divides a product is a width by chance, unless it is one that somebody would choose
        yield from _name_instead(problem, lever, candidate)
        named = list(_named(problem, lever, candidate))
        yield from (one for one, _ in named[:_NAMES])
        # a value that no literal of the program has was given from outside: there the name is right, and a literal by chance only
        if not any(number.origin is None or not any(number.origin.literals()) for _, number in named):
            yield candidate
    if size.setting and problem.module is not None:
        yield from _expressions(problem, problem.module, size.setting, size.value or 0, value)


def of_lever(problem: Problem, lever: Lever, kind: str) -> Candidate:
    """A lever as a candidate, with what else in the program speaks for it."""
    edits = plainer(problem, solve.edits(lever.settings))
    data = lever.event is not None and lever.event.op in FACTORIES and not slots.is_written_to(problem, lever.event)
    if data and lever.event is not None and _makes_state(problem, lever.event):
        return Candidate("state", _title(problem, lever) + ", the batch that the state is for", edits)
    if data and lever.event is not None and not _in_a_model(problem, lever.event):
        if any(leaf.value in image_sizes(problem.trace) and value < _SMALLEST_MAP for leaf, value in lever.settings):
            return Candidate("data-size", _title(problem, lever), edits)  # no pictures of 3 pixels
        own = problem.module is not None and (not problem.module.library or problem.module.built is not None)
        own = own or (problem.module is None and problem.event.op not in _PRODUCTS)  # whose second operand may well be the weights
        return Candidate("data-size" if own else "input-size", _title(problem, lever), edits)
    old = lever.module.number(lever.setting) if lever.module is not None else None
    if any(leaf.value in image_sizes(problem.trace) for leaf, _ in lever.settings):
        speaks = -3 * likely.MOST  # it says how large the images are, and so they are
    elif lever.module is None and any(leaf.value == 1 for leaf, _ in lever.settings):
        speaks = -likely.MOST  # a dim of size 1 was made to be stretched
    elif old is None or lever.setting not in likely.WIDTHS:
        speaks = evidence(problem, edits)
    else:
        speaks = 0 if lever.derived else likely.speaks(problem.trace, old.value, lever.value)
    elsewhere = _elsewhere(lever) if lever.module is not None else ""
    title = _title(problem, lever)
    if lever.module is None and edits and edits != solve.edits(lever.settings):
        title = f"write `{edits[0].new}` rather than `{problem.text(edits[0].span)}`" if edits[0].new else title
    return Candidate(kind, title, edits, speaks - 1 if elsewhere else speaks)


def _of_model(problem: Problem, size: Size) -> bool:
    """Whether a size is the model's own: a setting of a layer, or a dim of a parameter."""
    return bool(size.setting and problem.module is not None) or (size.tensor is not None and size.tensor.kind == "parameter")


def _counts_samples(problem: Problem, size: Size) -> bool:
    """Whether a size is the number of samples: no layer is built for that. Frames that were put together with their batch count as such."""
    if size.tensor is None or size.dim is None or size.tensor.kind != "activation" or problem.clash.slug == "recurrent-input-size":
        return False  # a state begins with its layers
    found = setter(problem.trace, size.tensor, size.dim)
    if found is None or found[1] != 0:
        return False
    event = found[0]
    if event.op in ("view", "reshape", "flatten"):
        return frames.merged_by(problem.trace, event.output[0]) is event
    made = event.output[0] if event.output else None
    return event.op in FACTORIES and made is not None and made.rank >= 3 and not _in_a_model(problem, event)


def plainer(problem: Problem, edits: tuple[Edit, ...]) -> tuple[Edit, ...]:
    """`n + 0` and `1 * n` as nobody would write them: `n`."""
    if len(edits) != 1 or edits[0].new not in ("0", "1"):
        return edits
    edit = edits[0]
    text = problem.trace.sources.get(edit.span.file, "")
    lines = text.split("\n")
    dropped = (ast.Add, ast.Sub) if edit.new == "0" else (ast.Mult,)
    for node in ast.walk(parsed(text)):
        if not isinstance(node, ast.BinOp) or not isinstance(node.op, dropped):
            continue
        left, right = (span_of(side, edit.span.file, lines) for side in (node.left, node.right))
        rest = left if right == edit.span else right if left == edit.span and not isinstance(node.op, ast.Sub) else None
        code = problem.code(edit.span)
        if rest is not None and code is not None:
            return code.replace(span_of(node, edit.span.file, lines), code.text_at(rest)) or edits
    return edits


def _makes_state(problem: Problem, event: Event) -> bool:
    """Whether a call made the state that a recurrent layer is given, with zeros for another batch."""
    got = problem.clash.got
    state = got.tensor if got is not None and got.dim == 1 and problem.event.op in ("lstm", "gru", "rnn") else None
    return state is not None and state is not next(problem.event.tensors()) and state.source == event.index


def _in_a_model(problem: Problem, event: Event) -> bool:
    """Whether a tensor is made where a module is built: a parameter or a table rather than data."""
    owner, _, method = event.function.rpartition(".")
    return method == "__init__" and any(module.type == owner.rpartition(".")[2] for module in problem.trace.modules)


def image_sizes(trace: Trace) -> frozenset[int]:
    """Heights and widths of the images that the program makes or is given."""
    made = [output for event in trace.events if event.op in FACTORIES for output in event.output]
    given = [tensor for event in trace.events[:1] for tensor in event.tensors() if tensor.kind == "input"]
    return frozenset(size for tensor in (*made, *given) if tensor.rank >= 4 for size in tensor.shape[-2:] if size >= SMALLEST_IMAGE)


def _named(problem: Problem, lever: Lever, candidate: Candidate) -> Iterator[tuple[Candidate, Number]]:
    """A literal argument replaced by a name that has the value there: `dim` rather than another 64. With the name's number."""
    if len(lever.settings) != 1 or (lever.setting and lever.setting not in _FEATURES):
        return
    leaf, value = lever.settings[0]
    code = problem.code(leaf.span)
    if code is None or leaf.span is None or code.enclosing_call(leaf.span) is None:
        return
    for name, number in _names_of(problem, leaf.span, value).items():
        title = f"{candidate.title}, the value of `{name}`"
        yield replace(candidate, title=title, edits=code.replace(leaf.span, name), evidence=max(candidate.evidence, 0) + 1), number


def _name_instead(problem: Problem, lever: Lever, candidate: Candidate) -> Iterator[Candidate]:
    """A layer's argument that is a name, replaced by another name that has the value there: `lookback` rather than `horizon`."""
    module = lever.module
    code = problem.code(module.built) if module is not None else None
    if module is None or module.built is None or code is None or lever.setting not in _FEATURES or lever.merged:
        return
    span = code.argument(module.built, lever.setting, POSITIONS.get(lever.setting))
    text = code.text_at(span) if span is not None else ""
    if span is None or not text.isidentifier():
        return
    reads = [node for node in ast.walk(function_at(problem.trace, span)) if isinstance(node, ast.Name) and node.id == text]
    if len(reads) < 2:
        return  # a name for this place alone: its value is what is wrong
    words = _WORDS.get(lever.setting, "set " + lever.setting + " of {layer} to {value}")
    for name in list(_names_of(problem, module.built, lever.value))[:_NAMES]:
        if name.isidentifier() and name != text:
            title = f"{words.format(layer=f'`{say.module_name(module)}`', value=lever.value)}, the value of `{name}`"
            yield replace(candidate, title=title, edits=code.replace(span, name), evidence=max(candidate.evidence, 0) + 1)


def _title(problem: Problem, lever: Lever) -> str:
    words = _WORDS.get(lever.setting)
    layer = f"`{say.module_name(lever.module)}`" if lever.module is not None else ""
    if words is not None and layer:
        title = words.format(layer=layer, value=lever.value)
        return _ONE.sub(r"1 \1", title) + _elsewhere(lever)
    if lever.setting and layer:
        return f"set {lever.setting} of {layer} to {lever.value}"
    changes = ", ".join(f"{leaf.text} to {solve.written(leaf.text, new)}" for leaf, new in lever.settings)
    return f"change {changes}" + (f" in {lever.setting}" if lever.setting else "")


def _elsewhere(lever: Lever) -> str:
    """The numbers that change, where they stand on other lines than the layer."""
    built = lever.module.built if lever.module is not None else None
    far = [leaf for leaf, _ in lever.settings if leaf.span is not None and (built is None or not contains(built, leaf.span))]
    if not far or far[0].span is None:
        return ""
    changes = ", ".join(f"{leaf.text} → {solve.written(leaf.text, new)}" for leaf, new in lever.settings if leaf in far)
    return f" ({changes} in line {far[0].span.line})"


def evidence(problem: Problem, edits: tuple[Edit, ...]) -> int:
    """How much oftener the new numbers stand in the source than the old ones, from -3 to 3: the odd one out is the likelier slip."""
    places = {edit.span for edit in edits}
    counts = _counts(problem, places)
    balance = 0
    for edit in edits:
        old, new = problem.text(edit.span).replace("_", ""), edit.new.replace("_", "")
        if old.isdigit() and new.isdigit():
            balance += counts[int(new)] - counts[int(old)]
    return max(-3, min(3, balance))


def _counts(problem: Problem, without: set[Span]) -> Counter[int]:
    counts: Counter[int] = Counter()
    lines = {(span.file, span.line, span.column) for span in without}
    for file, text in problem.trace.sources.items():
        for node in ast.walk(parsed(text)):
            if isinstance(node, ast.Constant) and type(node.value) is int and (file, node.lineno, node.col_offset + 1) not in lines:
                counts[node.value] += 1
    return counts


def _expressions(problem: Problem, module: ModuleInfo, setting: str, old: int, value: int) -> Iterator[Candidate]:
    """The constructor's argument written anew, where it is no literal: another name that has the value, or a multiple."""
    code = problem.code(module.built)
    if code is None or module.built is None:
        return
    span = code.argument(module.built, setting, POSITIONS.get(setting))
    if span is None:
        return
    text = code.text_at(span)
    if not any(letter.isalpha() for letter in text):
        return  # literals are set one by one
    title = _WORDS.get(setting, "set " + setting + " of {layer} to {value}").format(layer=f"`{say.module_name(module)}`", value=value)
    title = title[:-1] if title.endswith(" 1 input channels") else title
    for name in _names_of(problem, module.built, value):
        if name != text:
            yield Candidate("expression", f"{title}, the value of `{name}`", code.replace(span, name) or (), likely.MOST)
    if (ends := re.fullmatch(r"([\w.]+)\[0\]", text)) is not None:
        yield Candidate("expression", f"{title}, the last of `{ends[1]}`", code.replace(span, f"{ends[1]}[-1]") or (), 2)
    if old and value % old == 0:
        edits = code.append(span, f" * {value // old}") if text.isidentifier() else code.replace(span, f"{text} * {value // old}")
        yield Candidate("expression", title, edits or (), 0 if value == 2 * old else -2)  # both directions, both halves: twice is common
    elif value and old % value == 0:
        yield Candidate("expression", title, code.replace(span, f"{text} // {old // value}") or (), -likely.MOST)


def _names_of(problem: Problem, place: Span, value: int) -> dict[str, Number]:
    """Names that are known to have a value in the function around a place: layers and tensors there were built with them."""
    code = problem.code(place)
    around = code.enclosing_function(place) if code is not None else None
    found: dict[str, Number] = {}
    for module in problem.trace.modules:
        if module.built is None or code is None or module.built.file != place.file or code.enclosing_function(module.built) != around:
            continue
        for position, (keyword, span) in enumerate(code.arguments(module.built)):
            names = [keyword] if keyword else [name for name, at in POSITIONS.items() if at == position]
            for name in names:
                number = module.number(name) if name in _FEATURES else None
                if number is not None and number.value == value:
                    found.setdefault(code.text_at(span), number)
    for event in problem.trace.events:
        if event.op not in FACTORIES or event.span is None or code is None or code.enclosing_function(event.span) != around:
            continue
        for (_, span), size in zip(code.arguments(event.span), event.args, strict=False):
            if isinstance(size, Number) and size.value == value:
                found.setdefault(code.text_at(span), size)
    return {name: number for name, number in found.items() if _is_known(problem, name, place)}


def _is_known(problem: Problem, text: str, place: Span) -> bool:
    """Whether an expression has its value before a place: names, attributes, indexes and arithmetic of what is known there."""
    try:
        whole = ast.parse(text, mode="eval").body
    except SyntaxError:
        return False
    nodes = list(ast.walk(whole))
    if isinstance(whole, ast.Constant) or any(not isinstance(node, _PLAIN) for node in nodes):
        return False
    inner = {id(node.value) for node in nodes if isinstance(node, ast.Attribute)}
    roots = {ast.unparse(node) for node in nodes if isinstance(node, ast.Name) and node.id != "self"}
    roots |= {ast.unparse(node) for node in nodes if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "self"}
    return bool(roots) and len(inner) <= 2 and all(_has_value(problem, root, place) for root in roots)


_PLAIN = (ast.Name, ast.Attribute, ast.Subscript, ast.BinOp, ast.operator, ast.Constant, ast.expr_context)


def _has_value(problem: Problem, name: str, place: Span) -> bool:
    """Whether a variable or an attribute of the module has its value before a place: as a parameter, or by an assignment."""
    function = function_at(problem.trace, place)
    parameters = function.args if not isinstance(function, ast.Module) else None
    if parameters is not None and any(one.arg == name for one in (*parameters.posonlyargs, *parameters.args, *parameters.kwonlyargs)):
        return True
    whole = parsed(problem.trace.sources.get(place.file, "")).body
    stored = [node for part in (function, *(one for one in whole if isinstance(one, ast.Assign))) for node in ast.walk(part)]
    over = [node for node in stored if isinstance(node, ast.For) and (node.end_lineno or 0) < place.line]
    left = {id(below) for loop in over for below in ast.walk(loop.target)}  # what a loop leaves behind is nobody's name for anything
    return any(
        isinstance(node, ast.Name | ast.Attribute)
        and isinstance(node.ctx, ast.Store)
        and id(node) not in left
        and node.lineno < place.line
        and ast.unparse(node) == name
        for node in stored
    )
