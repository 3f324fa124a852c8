"""Complete small programs as people write them, right or with one realistic mistake. The same seed gives the same programs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

from bench.generated import (
    attention,
    autoencoders,
    gans,
    images,
    layers,
    loops,
    losses,
    recurrent,
    signals,
    styles,
    tabular,
    tensors,
    training,
)
from bench.generated.draw import Draw

FAMILIES: dict[str, tuple[Callable[[Draw], str], ...]] = {
    "image classifiers": images.FAMILY,
    "autoencoders and U-Nets": autoencoders.FAMILY,
    "1-D and 3-D convolutions": signals.FAMILY,
    "LSTM and GRU": recurrent.FAMILY,
    "attention": attention.FAMILY,
    "GAN pairs": gans.FAMILY,
    "losses": losses.FAMILY,
    "tables, graphs, decisions": tabular.FAMILY,
    "tensors by hand": tensors.FAMILY,
    "less common layers": layers.FAMILY,
    "training scripts": training.FAMILY,
    "loops and schedules": loops.FAMILY,
    "ways of writing": styles.FAMILY,
}
SEED = 7
RIGHT = 0.36  # the share of programs without a mistake; of the others about a quarter run all the same


@dataclass(frozen=True, slots=True)
class Generated:
    """One program. `mistake`: what is wrong in it; "" when nothing is."""

    family: str
    kind: str  # the function that wrote it
    number: int
    mistake: str
    source: str

    @property
    def name(self) -> str:
        """A name of its own, which also tells how to make it again."""
        return f"{self.kind}-{self.number}"


def programs(number: int, seed: int = SEED) -> Iterator[Generated]:
    """So many programs, the families in turn."""
    families = list(FAMILIES.items())
    for n in range(number):
        family, writers = families[n % len(families)]
        yield program(family, writers[n // len(families) % len(writers)], n, seed)


def program(family: str, write: Callable[[Draw], str], number: int, seed: int) -> Generated:
    """The program of this number."""
    choice = Random(f"{seed} {number} choice")
    own = f"{seed} {number}"
    right = Draw(Random(own))
    source = write(right)
    mistake = ""
    if right.offered and choice.random() > RIGHT:
        mistake = choice.choice(right.offered)
        source = write(Draw(Random(own), active=mistake))
    module = write.__module__.rpartition(".")[2]
    return Generated(family, f"{module}.{write.__name__}", number, mistake, source)
