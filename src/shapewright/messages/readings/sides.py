"""Two sizes that met, and what the line says of them: `Sides`, and the names of the operands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from shapewright.messages.later import pattern

LOSSES = pattern(
    r"\b(mse_loss|l1_loss|smooth_l1_loss|huber_loss|kl_div|poisson_nll_loss|soft_margin_loss|hinge_embedding_loss|gaussian_nll_loss"
    r"|\w*criterion|\w*loss_fn)\b"
)
POSITION = pattern(r"(?i)pos(?:ition)?(?:al)?_?(?:em|enc|id|table)|\bpe\b|\.pe\[|position|wpe|token_type")
MASK = pattern(r"(?i)mask|attn|attention|scores")
_SIGN = pattern(r" ([-+*/])=? ")
_ONE = r"[A-Za-z_][\w.]{0,60}(?:\[[^\]\[]{0,40}\]|\([^()]{0,40}\))?"
_OPERANDS = pattern(rf"(?<![\w.\])])({_ONE}) [-+*/]=? ({_ONE})(?![\w.(\[])")

_FACTORS = pattern(rf"(?<![\w.\])])({_ONE}) \*=? ({_ONE})(?![\w.(\[])")


@dataclass(frozen=True, slots=True)
class Sides:
    """Two sizes that met.

    In which dim they stand (from the left of the longer shape), the whole shapes where the message has them, and what stands around.
    """

    left: int
    right: int
    dim: int
    left_shape: Sequence[int] = ()
    right_shape: Sequence[int] = ()
    line: str = ""
    frames: str = field(default="", repr=False)

    @property
    def small(self) -> int:
        return min(self.left, self.right)

    @property
    def large(self) -> int:
        return max(self.left, self.right)

    @property
    def rank(self) -> int | None:
        """The number of dims, where the shapes are known."""
        return max(len(self.left_shape), len(self.right_shape)) or None

    @property
    def last(self) -> bool | None:
        """Whether it is the last dim, where the shapes are known."""
        return None if self.rank is None else self.dim == self.rank - 1

    @property
    def sign(self) -> str:
        """The operation, where the line has just one; "" otherwise."""
        signs = set(_SIGN.findall(self.line))
        return signs.pop() if len(signs) == 1 else ""

    @property
    def added(self) -> bool:
        """Whether it may be a sum: the line has another operation, or is not known."""
        return self.sign in ("", "+")

    @property
    def factors(self) -> list[tuple[str, str]]:
        """The pairs that the line multiplies."""
        return [(left, right) for left, right in _FACTORS.findall(self.line)]

    @property
    def names(self) -> tuple[str, str] | None:
        """The two operands as the line names them, where it has one operation only."""
        if len(_SIGN.findall(self.line)) != 1:
            return None
        match = _OPERANDS.search(self.line)
        return (match[1], match[2]) if match else None
