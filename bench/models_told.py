"""What was seen of the models → tables, a verdict and a picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from bench.models_results import Seen, Took
from bench.table import markdown

_ABSENT = "No module named 'torchinfo'"
_LEAST = 4 << 20  # bytes: below that memory is noise


def told(seen: Sequence[Seen], missing: Sequence[str]) -> tuple[str, bool]:
    """The tables: verdicts and shapes, time and memory on the live model, whole commands; then all that is not as it should be."""
    groups = dict.fromkeys(one.group for one in seen)
    parts = [[one for one in seen if one.group == group] for group in groups]
    named = [*zip(groups, parts, strict=True), *([("all", list(seen))] if seen else [])]
    lines = [
        _verdicts(named),
        "",
        "On the live model, once each, in children of one process; CPU time, and memory beyond what the built model takes. Median (worst).",
        "",
        _live(named),
        "",
        "Whole commands in fresh processes: CPU time and the most memory of all processes. Median (worst).",
        "",
        _alone(named),
        "",
        *_listed(seen),
        *[f"- {reason}" for reason in missing],
    ]
    return "\n".join(lines).rstrip(), bool(seen) and not missing and all(good(one) for one in seen)


def good(one: Seen) -> bool:
    """Clean, and nothing differs from the real run."""
    return one.verdict == "clean" and (one.compared is None or one.agrees)


def _verdicts(named: Sequence[tuple[str, Sequence[Seen]]]) -> str:
    head = (
        "models",
        "number",
        "clean",
        "false alarms",
        "not analysed",
        "on fakes",
        "compared",
        "calls",
        "equal",
        "assumed",
        "agree",
    )
    rows = []
    for name, part in named:
        count = [sum(one.verdict in kinds for one in part) for kinds in (("clean",), ("warning", "error"), ("not-analysed",))]
        against = [one.compared for one in part if one.compared is not None]
        cells = (
            len(part),
            *count,
            sum(one.how == "fake" for one in part),
            len(against),
            *(sum(getattr(one, what) for one in against) for what in ("calls", "equal", "assumed")),
            sum(one.agrees for one in part),
        )
        rows.append((name, *(f"{cell:,}" for cell in cells)))
    return markdown(head, rows)


Pick = Callable[[Seen], "dict[str, Took]"]


def _live(named: Sequence[tuple[str, Sequence[Seen]]]) -> str:
    head = ("models", "trace / torchinfo, CPU", "trace / forward", "torchinfo / forward", "trace / torchinfo, memory", "check, s")
    rows = []
    for name, part in named:
        cells = [
            *(_ratio(part, _of_live, "cpu", *pair) for pair in (("trace", "torchinfo"), ("trace", "forward"), ("torchinfo", "forward"))),
            _ratio(part, _of_live, "memory", "trace", "torchinfo"),
        ]
        rows.append((name, *cells, f"{median(one.seconds for one in part):.1f} ({max(one.seconds for one in part):.0f})"))
    return markdown(head, rows)


def _alone(named: Sequence[tuple[str, Sequence[Seen]]]) -> str:
    head = ("commands", "number", "CPU: trace / torchinfo", "trace / forward", "memory: trace / torchinfo", "trace / forward")
    rows = []
    for name, part in named:
        sample = [one for one in part if one.alone]
        if sample:
            pairs = [(what, *pair) for what in ("cpu", "memory") for pair in (("trace", "torchinfo"), ("trace", "forward"))]
            rows.append((name, str(len(sample)), *(_ratio(sample, _of_alone, *pair) for pair in pairs)))
    return markdown(head, rows)


def _of_live(one: Seen) -> dict[str, Took]:
    return one.live


def _of_alone(one: Seen) -> dict[str, Took]:
    return one.alone


def ratios(seen: Sequence[Seen], pick: Pick, what: str, above: str, below: str) -> list[tuple[float, str]]:
    """One way's cost as a multiple of another's, for each model that both could do, smallest first."""
    found = []
    for one in seen:
        first, second = pick(one).get(above), pick(one).get(below)
        if first is None or second is None or first.error or second.error:
            continue
        base = getattr(second, what)
        if what == "memory":
            base = max(base, _LEAST)
        if base:
            found.append((max(getattr(first, what), _LEAST if what == "memory" else 0) / base, one.name))
    return sorted(found)


def _ratio(seen: Sequence[Seen], pick: Pick, what: str, above: str, below: str) -> str:
    found = ratios(seen, pick, what, above, below)
    return f"{median(value for value, _ in found):.2f} ({found[-1][0]:.1f})" if found else "–"


def _listed(seen: Sequence[Seen]) -> list[str]:
    lines = []
    for one in seen:
        name = f"- {one.group}, {one.name}: "
        if one.verdict != "clean":
            lines.append(f"{name}{one.verdict}. {'; '.join(one.findings) or one.reason}")
        lines += [f"{name}{note}" for note in one.notes]
        if one.real_error:
            lines.append(f"{name}not compared, the real run failed: {one.real_error}")
        if one.compared is not None and not one.agrees:
            both = one.compared
            wrong = "; ".join((*both.different, *both.missed)[:3])
            output = "" if both.output else " The model's output differs."
            lines.append(f"{name}{len(both.different)} differ, {len(both.missed)} not in both: {wrong}.{output}")
        for table in (one.live, one.alone):
            lines += [f"{name}{way}: {took.error}" for way, took in table.items() if took.error and _ABSENT not in took.error]
    if any(_ABSENT in took.error for one in seen for took in one.live.values()):
        lines.append("- torchinfo is not installed, so nothing is compared with it")
    for what, above, below in (("cpu", "trace", "torchinfo"), ("memory", "trace", "torchinfo")):
        worst = ratios(seen, _of_live, what, above, below)[-3:]
        if worst:
            lines.append(f"- worst, {what}, {above} / {below}: " + ", ".join(f"{name} {value:.1f}" for value, name in reversed(worst)))
    return lines


# --- the picture ---------------------------------------------------------------------------------------------------------------

_OURS, _THEIRS, _TEXT, _FAINT = "#1f5fa8", "#b3430f", "#24292f", "#d0d7de"  # told apart also without colours: solid and dashed


def picture(seen: Sequence[Seen], path: Path) -> None:
    """Two panels, time and memory: the share of the models that stay below a multiple of the bare forward."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams |= {
        "svg.fonttype": "none",  # letters stay letters
        "svg.hashsalt": "models",
        "font.family": "sans-serif",
        "font.size": 11,
        "text.color": _TEXT,
        "axes.labelcolor": _TEXT,
        "xtick.color": _TEXT,
        "ytick.color": _TEXT,
    }
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, 2, figsize=(9, 3.8), facecolor="white")
    _panel(panels[0], seen, _of_live, "cpu", "time of a call on the live model")
    _panel(panels[1], seen, _of_alone, "memory", "memory of the whole command")
    figure.tight_layout(w_pad=3)
    figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})
    pyplot.close(figure)
    path.write_text("\n".join(line.rstrip() for line in path.read_text(encoding="utf-8").splitlines()) + "\n", encoding="utf-8")


def _panel(panel: Any, seen: Sequence[Seen], pick: Pick, what: str, title: str) -> None:
    most, number = 1.0, 0
    for way, colour, style, name in (("torchinfo", _THEIRS, "--", "torchinfo"), ("trace", _OURS, "-", "shapewright")):
        values = [value for value, _ in ratios(seen, pick, what, way, "forward")]
        if values:
            shares = [100 * (at + 1) / len(values) for at in range(len(values))]
            panel.step(values, shares, style, where="post", color=colour, lw=2, label=name)
            most, number = max(most, values[-1]), max(number, len(values))
    panel.set_title(f"{title} ({number} models)", loc="left", fontsize=11)
    panel.set(xlabel="multiple of a bare forward", ylabel="models (%)", xscale="log", ylim=(0, 102))
    ticks = [value for value in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100) if value <= most * 1.5]
    panel.set_xticks(ticks, [f"{value:g}" for value in ticks])
    panel.minorticks_off()
    panel.spines[["top", "right"]].set_visible(False)
    panel.grid(color=_FAINT, lw=0.6)
    panel.set_axisbelow(True)
    panel.legend(frameon=False, loc="lower right")
