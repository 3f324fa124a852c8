"""What a message of PyTorch looks like, and what its numbers say: `Template` in the catalogue, `Found` in a text, `Reading` as the answer.

A family of messages is a file of `Template`s below `families/`. The pattern's named groups are the facts: `got`, `want`, `shape`, … A
template reads what was found, either with `plain` words or with a function of its own that reckons with the sizes. The data are named
tuples: to import and make dataclasses would cost as much as the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from shapewright.messages.later import pattern

Value = int | str | list[int]
Facts = Mapping[str, object]
_NONE: Facts = MappingProxyType({})

_NUMBER = pattern(r"-?\d{1,18}")
_BETWEEN = pattern(r",|(?<=[\d ])x(?=[\d -])")
_FIELD = pattern(r"\{(\w+)\}")


class Cause(NamedTuple):
    """One thing that may have led to the error.

    `name` is a word of its own (`missing-flatten`), `why` a sentence with the arithmetic, `tries` what to do if this is it.
    A `guess` says how sure a table of known models is, and who says so.
    """

    name: str
    why: str
    likely: bool = False
    facts: Facts = _NONE
    tries: tuple[str, ...] = ()
    guess: str = ""


class Reading(NamedTuple):
    """What a message says: the slug of the fault, in one sentence what clashed, in another what is certain, and the causes, best first."""

    slug: str
    headline: str
    certain: str = ""
    facts: Facts = _NONE
    causes: tuple[Cause, ...] = ()
    tries: tuple[str, ...] = ()  # for all causes alike, after theirs


class Context(NamedTuple):
    """What the text around a message tells: the layer, the user's own line, and the files and functions of the traceback."""

    layer: str | None = None
    line: str = ""
    frames: str = ""
    container: bool = False  # the layer holds others, and one of them refused


class Found(NamedTuple):
    """A message in a text. `values` holds the named groups that took part: sizes as numbers, shapes as lists, everything else as text."""

    values: Mapping[str, Value]
    text: str  # the message and what follows it, on one line
    context: Context = Context()

    def __contains__(self, name: object) -> bool:
        return name in self.values

    def number(self, name: str) -> int:
        """A size. Symbolic sizes of `torch.compile` (`s77`) and absent groups raise `KeyError`: ask with `known` first."""
        value = self.values[name]
        if not isinstance(value, int):
            raise KeyError(name)
        return value

    def shape(self, name: str) -> list[int]:
        """A shape; raises `KeyError` where `known` is false. A single size stands for a shape of one dim."""
        value = self.values[name]
        if isinstance(value, str):
            raise KeyError(name)
        return [value] if isinstance(value, int) else value

    def known(self, *names: str) -> bool:
        """Whether all these groups took part and hold numbers only."""
        return all(name in self.values and not isinstance(self.values[name], str) for name in names)

    @property
    def layer(self) -> str:
        """The layer as the headline names it: `` `fc1` ``, ``a layer in `body` ``, or `the layer`."""
        if not self.context.layer:
            return "the layer"
        return f"a layer in `{self.context.layer}`" if self.context.container else f"`{self.context.layer}`"

    def fill(self, text: str) -> str | None:
        """The text with `{name}` replaced by the values (`{layer}` by the layer's name); None when one of them is not known."""
        missing = [name for name in _FIELD.findall(text) if name != "layer" and name not in self.values]
        if missing:
            return None
        return _FIELD.sub(lambda match: self.layer if match[1] == "layer" else told(self.values[match[1]]), text)


Read = Callable[[Found], Reading]


class Template(NamedTuple):
    """One wording of one message.

    A text is searched for the `anchors` (lower case, any of them) before the `pattern` is compiled, so that a catalogue of hundreds
    costs nothing; the anchor lies inside what the pattern matches. The text has all white space collapsed to single spaces. `cut` is
    a second pattern, for messages whose end is missing. A `vague` message only says that something failed (`device-side assert`): it
    is taken when nothing better is there. Where the user's line is known it must match `needs`: what Python says of tuples is said of
    a shape only if the line has one. `speaker` is whose words they are.
    """

    id: str
    anchors: tuple[str, ...]
    pattern: str
    read: Read
    cut: str = ""
    vague: bool = False
    needs: str = ""
    speaker: str = "PyTorch"


def plain(slug: str, headline: str | Sequence[str], *causes: tuple[str, str], tries: Sequence[str] = ()) -> Read:
    """Words for a message that needs no arithmetic.

    `headline` and the causes' sentences may hold `{name}` for a group of the pattern; of several headlines the first is taken
    whose groups are all known, of the causes those. The first cause is likely, the others are possible.
    """
    heads = (headline,) if isinstance(headline, str) else tuple(headline)

    def read(found: Found) -> Reading:
        head = next((filled for text in heads if (filled := found.fill(text)) is not None), heads[-1])
        known = [(name, filled) for name, why in causes if (filled := found.fill(why)) is not None]
        return Reading(
            slug,
            head,
            "",
            dict(found.values),
            tuple(Cause(name, why, likely=not number) for number, (name, why) in enumerate(known)),
            tuple(filled for text in tries if (filled := found.fill(text)) is not None),
        )

    return read


def shape(name: str) -> str:
    """A pattern for a shape, as a group of this name: `[2, 3]`, `torch.Size([2, 3])` and `(2, 3)` are the forms it is printed in."""
    return rf"(?:torch\.Size\()?[\[(](?P<{name}>[^\])]{{0,400}})[\])]\)?"


def values(groups: Mapping[str, str | None]) -> dict[str, Value]:
    """The groups that took part: `"12"` as 12, `"2, 10"` and `"2 x 10"` as [2, 10], other text as it is.

    A group named `shape` or `…_shape` is a list even when it has one dim or none.
    """
    return {name: _value(text.strip(), name.endswith("shape")) for name, text in groups.items() if text is not None}


def _value(text: str, shape: bool) -> Value:
    if _NUMBER.fullmatch(text):
        return [int(text)] if shape else int(text)
    parts = [part.strip() for part in _BETWEEN.split(text[:400]) if part.strip()]
    if all(_NUMBER.fullmatch(part) for part in parts) and (parts or shape):
        return [int(part) for part in parts]
    return text


def told(value: object) -> str:
    """A value as a sentence names it: 12, [2, 10]."""
    return f"[{', '.join(map(str, value))}]" if isinstance(value, list) else str(value)
