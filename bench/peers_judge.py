"""What a tool says × what is true of the program → a judgement, by fixed rules that are the same for every tool.

- detected: a finding that names, in whatever role, the line where PyTorch fails, a line that sets one of the clashing sizes, or a line at
  which an accepted edit starts. A finding that names no line of the program at all counts, too. What stands in the same words when the
  program is mended is not about the fault (`without`); it is asked where no finding stands at the right line.
- astray: there are findings, and none of them counts.
- right line: a finding stands at the line where PyTorch fails, or, of a program that runs, where its case file says that it shows.
- line to edit: a finding names the line at which the first accepted edit starts; `any_edit`: that of any accepted edit.
- explained: the findings have both clashing sizes in their words, and name a line that sets one of them, other than that of the failure
  if there is another; where the truth prescribes only sizes or only lines, these.
- fix: an edit of the program is offered. It mends when the program after it is one that the truth accepts, or, where the truth does not
  know it and the program failed, when PyTorch runs it to its end.
- verified: the tool says that it has run the program after the edit.
- alarm: a finding in a program that is right.

`None` where the truth prescribes nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from bench.peers_programs import Program, meaning
from bench.peers_read import Finding, Said
from bench.plain import Plain


@dataclass(frozen=True, slots=True)
class Judgement:
    """How a tool did on a program."""

    detected: bool = False
    astray: bool = False
    right_line: bool | None = None
    first_edit: bool | None = None
    any_edit: bool | None = None
    explained: bool | None = None
    offered: bool = False
    mends: bool = False
    verified: bool = False
    alarm: bool = False
    analysed: bool = True


def without(said: Said, mended: Said) -> Said:
    """What is said of a program, without what is said of it in the same words once it is mended."""
    stays = {one.text for one in mended.findings}
    return replace(said, findings=tuple(one for one in said.findings if one.text not in stays))


def judge(program: Program, said: Said, plain: Plain | None) -> Judgement:
    """The judgement; `plain` runs the program after an offered edit that the truth does not know."""
    if not program.wrong:
        return Judgement(alarm=bool(said.findings), analysed=said.analysed)
    about = [one for one in said.findings if not one.named or one.named & program.places or one.at & program.places]
    named = frozenset(line for one in about for line in one.named | one.at)
    return Judgement(
        detected=bool(about),
        astray=bool(said.findings) and not about,
        right_line=any(program.line in one.at for one in about) if program.line else None,
        first_edit=bool(named & program.first_edit) if program.first_edit else None,
        any_edit=bool(named & program.edits) if program.edits else None,
        explained=_explained(program, about, named),
        offered=bool(about) and said.offered,
        mends=bool(about) and said.edited is not None and _mends(program, said.edited, plain),
        verified=bool(about) and said.verified,
        analysed=said.analysed,
    )


def _explained(program: Program, about: list[Finding], named: frozenset[int]) -> bool | None:
    if not program.numbers and not program.causes:
        return None
    words = "\n".join(one.text for one in about)
    numbers = all(re.search(rf"(?<!\d){number}(?!\d)", words) for number in program.numbers)
    causes = (program.causes - {program.line}) or program.causes
    return bool(about) and numbers and (not causes or bool(named & causes))


def _mends(program: Program, edited: str, plain: Plain | None) -> bool:
    after = meaning(edited)
    if after in map(meaning, program.accepted):
        return True
    if program.runs or plain is None or after in map(meaning, program.refused):
        return False
    return plain.run(program.file, program.called(edited), program.argv).runs
