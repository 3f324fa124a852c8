"""How a check grows with the depth of a model, from 10 layers to 3,000: its seconds and its memory, next to other tools.

Every program is checked right and with a wrong last layer, where the check also looks for fixes. Next to it stand a bare `import torch`,
the program run by Python, torchinfo's `summary` of its model and torchtyc. All of one depth are run in turn, round by round, so that a
busy machine slows all; the ratio of each round is taken, and of the ratios the median.

The exponent is the slope of log(cost) over log(depth), by least squares, where the cost is what a depth takes beyond the same program
with one layer; 1 is linear. Depths whose cost drowns in that start are left out. SHAPEWRIGHT_GROWTH="10,30" takes other depths, and
"loop:10,30" one kind of program only. `python -m bench.growth --picture docs/growth.svg` draws what was measured, which needs matplotlib.
"""

from __future__ import annotations

import json
import math
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.growth_programs import KINDS, Kind
from bench.processes import Cost, run, shapewright
from bench.table import markdown

DEPTHS = (10, 30, 100, 300, 1000, 3000)
ROUNDS, FEW_ROUNDS, MANY = 3, 1, 1000  # from so many layers on a few rounds do
CLEAN_LIMIT, MENDED_LIMIT = 1.15, 1.25  # exponents of the seconds
MEMORY_LIMIT = 1_000_000_000  # bytes, of the largest process
SECONDS = 300  # for one command; slower ones are given up, and said to be
_NOISE = 0.25  # a depth counts when it takes this share of the start more than one layer does

CHECK, MEND, BARE, PLAIN = "check, clean", "check with fixes", "`import torch`", "the program itself"
_SUMMARY = """\
import runpy, sys, torchinfo
made = runpy.run_path(sys.argv[1])
torchinfo.summary(made["model"](), input_data=made["batch"](), verbose=0)
"""

Costs = Mapping[str, Sequence[Cost]]  # of one depth, by the name of the command


@dataclass(frozen=True, slots=True)
class Grown:
    """What was measured of one kind of program."""

    kind: Kind
    costs: Mapping[int, Costs]  # by depth; depth 1 is the start

    @property
    def depths(self) -> list[int]:
        return sorted(depth for depth in self.costs if depth > 1)

    def seconds(self, depth: int, name: str) -> float | None:
        """The median of the processor's seconds; None where the tool did not get through."""
        costs = self.costs[depth].get(name, ())
        return median(cost.cpu for cost in costs) if costs else None

    def memory(self, depth: int, name: str) -> int | None:
        costs = self.costs[depth].get(name, ())
        return max(cost.largest for cost in costs) if costs else None

    def exponent(self, name: str, *, of_memory: bool = False) -> float | None:
        """The slope of log(cost) over log(depth), the start taken away; None with fewer than two depths that show above it."""
        value = self.memory if of_memory else self.seconds
        start = value(1, name) if 1 in self.costs else None
        if start is None:
            return None
        found = [(depth, value(depth, name)) for depth in self.depths]
        noise = 0.1 * start if of_memory else _NOISE * start
        return slope([(depth, cost - start) for depth, cost in found if cost is not None and cost - start > noise])


def slope(points: Sequence[tuple[float, float]]) -> float | None:
    """The slope of the line through the points' logarithms."""
    if len(points) < 2:
        return None
    xs, ys = [math.log(x) for x, _ in points], [math.log(y) for _, y in points]
    middle, level = sum(xs) / len(xs), sum(ys) / len(ys)
    return sum((x - middle) * (y - level) for x, y in zip(xs, ys, strict=True)) / sum((x - middle) ** 2 for x in xs)


def measure() -> tuple[str, bool]:
    """The tables, and whether the limits are kept."""
    return told(measured())


def measured() -> tuple[list[Grown], dict[str, str]]:
    """All kinds of programs at all depths, and which tools cannot be had, with the reason."""
    asked = os.environ.get("SHAPEWRIGHT_GROWTH", "")
    names, _, listed = asked.rpartition(":")
    depths = tuple(int(word) for word in listed.split(",") if word) or DEPTHS
    others, missing = _others()
    with tempfile.TemporaryDirectory() as folder:
        run((sys.executable, "-c", "import torch"))
        found = []
        for kind in KINDS:
            if names and kind.name != names:
                continue
            gone: set[str] = set()  # tools that took too long stay away from deeper models
            found.append(Grown(kind, {depth: _depth(kind, depth, Path(folder), others, gone) for depth in (1, *depths)}))
    return found, missing


def _others() -> tuple[dict[str, list[str]], dict[str, str]]:
    """The commands of the peers, to which the program is added."""
    from bench import peers_tools

    missing = peers_tools.install()
    scripts = peers_tools.folder() / "bin"
    commands = {
        f"torchinfo {peers_tools.VERSIONS['torchinfo']}": [str(scripts / "python"), "-c", _SUMMARY],
        f"torchtyc {peers_tools.VERSIONS['torchtyc']} run": [str(scripts / "torchtyc"), "run", "--format", "json"],
        f"torchtyc {peers_tools.VERSIONS['torchtyc']} check": [str(scripts / "torchtyc"), "check", "--format", "json"],
    }
    return {name: words for name, words in commands.items() if name.split()[0] not in missing}, missing


def _depth(kind: Kind, depth: int, folder: Path, others: Mapping[str, list[str]], gone: set[str]) -> Costs:
    right, wrong = folder / f"{kind.name}_{depth}.py", folder / f"{kind.name}_{depth}_wrong.py"
    right.write_text(kind.source(depth, wrong=False), encoding="utf-8")
    wrong.write_text(kind.source(depth, wrong=True), encoding="utf-8")
    commands = {
        BARE: [sys.executable, "-c", "import torch"],
        PLAIN: [sys.executable, str(right)],
        CHECK: shapewright("check", "--format", "json", str(right)),
        MEND: shapewright("check", "--format", "json", str(wrong)),
        **{name: [*words, str(right)] for name, words in others.items()},
    }
    costs: dict[str, list[Cost]] = {}
    for number in range(ROUNDS if depth < MANY else FEW_ROUNDS):
        for name, command in commands.items():
            if name in gone:
                continue
            print(f"{kind.name} {depth}, round {number + 1}: {name}", file=sys.stderr, flush=True)
            cost = run(("timeout", str(SECONDS), *command))
            if not _passed(name, cost):
                print(f"  ended with {cost.exit_code} after {cost.wall:.0f} s", file=sys.stderr, flush=True)
                gone.add(name)
                costs.pop(name, None)
            else:
                costs.setdefault(name, []).append(cost)
    return costs


def _passed(name: str, cost: Cost) -> bool:
    """Whether the tool got through: for a check, with the right verdict, and with a proven fix for what is wrong."""
    if name not in (CHECK, MEND):
        return cost.exit_code == 0
    try:
        target = json.loads(cost.output)["targets"][0]
    except (ValueError, LookupError):
        return False
    if name == CHECK:
        return bool(target["verdict"] == "clean")
    return target["verdict"] == "error" and any(fix["verdict"] == "fixed" for finding in target["findings"] for fix in finding["fixes"])


# --- as a table ----------------------------------------------------------------------------------------------------------------


def told(found: tuple[list[Grown], dict[str, str]]) -> tuple[str, bool]:
    """What was measured in words and tables, and whether the limits are kept."""
    grown, missing = found
    parts = [_kind(one) for one in grown]
    parts += [f"{name} could not be installed: {why}" for name, why in missing.items()]
    return "\n\n".join(parts), bool(grown) and all(kept(one) for one in grown)


def kept(one: Grown) -> bool:
    """Whether the check got through at all depths, and grew no faster than the limits."""
    for name, limit in ((CHECK, CLEAN_LIMIT), (MEND, MENDED_LIMIT)):
        if any(name not in one.costs[depth] for depth in one.depths):
            return False
        exponent = one.exponent(name)
        memory = one.memory(one.depths[-1], name)
        if (exponent is not None and exponent > limit) or (memory is not None and memory > MEMORY_LIMIT):
            return False
    return True


def _kind(one: Grown) -> str:
    names = list(dict.fromkeys(name for depth in one.costs.values() for name in depth if name != BARE))
    head = (f"{one.kind.told}; n =", *(f"{depth:,}" for depth in one.depths), "exponent", "limit")
    rows = []
    for name in names:
        limit = {CHECK: f"{CLEAN_LIMIT}", MEND: f"{MENDED_LIMIT}"}.get(name, "–")
        rows.append((f"{name}, CPU", *(_seconds(one, depth, name) for depth in one.depths), _number(one.exponent(name)), limit))
    for name in names:
        if name != PLAIN:
            rows.append((f"{name}, × the program itself", *(_ratio(one, depth, name, PLAIN) for depth in one.depths), "", ""))
    for name in (CHECK, MEND):
        rows.append((f"{name}, × `import torch`", *(_ratio(one, depth, name, BARE) for depth in one.depths), "", ""))
    for name in names:
        exponent = _number(one.exponent(name, of_memory=True))
        rows.append((f"{name}, largest process", *(_memory(one, depth, name) for depth in one.depths), exponent, ""))
    return markdown(head, rows)


def _seconds(one: Grown, depth: int, name: str) -> str:
    value = one.seconds(depth, name)
    return f"{value:.2f} s" if value is not None else "no"


def _memory(one: Grown, depth: int, name: str) -> str:
    value = one.memory(depth, name)
    return f"{value / 1e6:.0f} MB" if value is not None else "no"


def _ratio(one: Grown, depth: int, name: str, other: str) -> str:
    """The median of the rounds' ratios, and the least and the largest of them."""
    costs, others = one.costs[depth].get(name, ()), one.costs[depth].get(other, ())
    ratios = [cost.cpu / beside.cpu for cost, beside in zip(costs, others, strict=False)]
    spread = f" ({min(ratios):.2f}–{max(ratios):.2f})" if len(ratios) > 1 else ""
    return f"{median(ratios):.2f}{spread}" if ratios else "no"


def _number(value: float | None) -> str:
    return f"{value:.2f}" if value is not None else "–"


# --- the picture ---------------------------------------------------------------------------------------------------------------

_COLOURS = {CHECK: ("#1f5fa8", "-"), MEND: ("#b3430f", "-"), PLAIN: ("#24292f", "--"), BARE: ("#8c959f", ":")}
_OTHERS = (("#3d7a3a", "-."), ("#7a3d78", "-."), ("#8a6d1b", "-."))
_TEXT, _FAINT = "#24292f", "#d0d7de"


def picture(grown: Sequence[Grown], path: Path) -> None:
    """One panel a kind of program: the processor's seconds over the depth, both axes logarithmic."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams |= {
        "svg.fonttype": "none",  # letters stay letters
        "svg.hashsalt": "growth",
        "font.family": "sans-serif",
        "font.size": 11,
        "text.color": _TEXT,
        "axes.labelcolor": _TEXT,
        "xtick.color": _TEXT,
        "ytick.color": _TEXT,
    }
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, len(grown), figsize=(4.4 * len(grown), 4.2), facecolor="white", sharey=True, squeeze=False)
    for panel, one in zip(panels[0], grown, strict=True):
        others = iter(_OTHERS)
        for name in dict.fromkeys(name for depth in one.costs.values() for name in depth):
            colour, style = _COLOURS.get(name) or next(others)
            points = [(depth, seconds) for depth in one.depths if (seconds := one.seconds(depth, name)) is not None]
            panel.plot(
                [depth for depth, _ in points], [seconds for _, seconds in points], style, color=colour, lw=2, label=name.replace("`", "")
            )
        panel.set_title(one.kind.told.replace(", ", ",\n", 1) if len(one.kind.told) > 44 else one.kind.told, loc="left", fontsize=10)
        panel.set(xscale="log", yscale="log", xlabel="layers (n)", xticks=one.depths, xticklabels=[f"{depth:,}" for depth in one.depths])
        panel.minorticks_off()
        panel.spines[["top", "right"]].set_visible(False)
        panel.grid(color=_FAINT, lw=0.6)
        panel.set_axisbelow(True)
    panels[0][0].set_ylabel("processor's seconds")
    panels[0][0].legend(frameon=False, fontsize=9)
    figure.tight_layout(w_pad=2)
    figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})
    pyplot.close(figure)
    path.write_text("\n".join(line.rstrip() for line in path.read_text(encoding="utf-8").splitlines()) + "\n", encoding="utf-8")


def main(words: list[str]) -> int:
    """`python -m bench.growth [--picture FILE.svg]`"""
    if words and (words[0] != "--picture" or len(words) != 2):
        print("python -m bench.growth [--picture FILE.svg]", file=sys.stderr)
        return 2
    found = measured()
    table, good = told(found)
    print(f"{table}\n\n{'ok' if good else 'SHORT'}: growth")
    if words:
        picture(found[0], Path(words[1]))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
