"""Transposed convolutions that double a map less one pixel: `output_padding=1` for all of them at once.

With kernel 3, stride 2 and padding 1, n pixels become 2·n - 1 (docs of `nn.ConvTranspose2d`), and after several of them a size is far
from the one that the convolutions on the other side halved. No single layer mends that.
"""

from __future__ import annotations

from collections.abc import Iterator

from shapewright.reason.cures import geometry
from shapewright.reason.problem import Candidate, Problem
from shapewright.reason.replay import Change, replayed
from shapewright.reason.rules import say
from shapewright.report import Edit


def propose(problem: Problem) -> Iterator[Candidate]:
    """One candidate for two such layers or more, when the sizes meet then."""
    steps = problem.steps()
    short = [knob for knob in geometry.knobs(problem, steps) if knob.name == "output_padding" and _loses_a_pixel(knob)]
    if len(short) < 2 or geometry.goes_through(problem, problem.event, Change()) is not False:
        return
    edits: list[Edit] = []
    change = Change()
    for knob in short:
        made = geometry.edit(problem, knob, 1)
        if made is None:
            return
        edits += made[0]
        change = Change(literals={**change.literals, **made[1].literals}, settings={**change.settings, **made[1].settings})
    new = replayed(steps, change)
    if new is not None and geometry.goes_through(problem, new, change):
        names = say.listed([f"`{say.module_name(knob.step.module)}`" if knob.step.module is not None else "the call" for knob in short])
        yield Candidate("geometry", f"let {names} double their maps: output_padding=1", tuple(edits), 3)


def _loses_a_pixel(knob: geometry.Knob) -> bool:
    if knob.kind != "conv_transpose" or knob.now != 0:
        return False
    found = [geometry.setting(knob.step, name) for name in ("kernel_size", "stride", "padding")]
    if any(one is None for one in found):
        return False
    kernel, stride, padding = (int(one[0]) for one in found if one is not None)
    return stride > 1 and kernel - 2 * padding == stride - 1
