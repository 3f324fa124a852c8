"""Lines of output → one string. Only here are colours made, and only for them is rich imported."""

from __future__ import annotations

from collections.abc import Sequence

from shapewright.show.text import Line

_STYLES = {
    "error": "bold red", "warning": "bold yellow", "note": "bold cyan", "clean": "bold green", "not-analysed": "bold yellow",
    "error words": "red", "warning words": "yellow", "note words": "cyan", "secondary": "blue", "secondary words": "blue",
    "headline": "bold", "gutter": "bright_black", "help": "bold green", "consequence": "green", "remark": "yellow",
    "removed": "red", "added": "green",
}  # fmt: skip


def paint(lines: Sequence[Line], *, colour: bool) -> str:
    """The lines as one string, with escape codes for the roles if `colour`."""
    if not colour:
        return "".join("".join(text for text, _ in line).rstrip() + "\n" for line in lines)
    import io

    from rich.console import Console
    from rich.text import Text

    # The caller has decided about colours, so that neither NO_COLOR nor the kind of the terminal is asked again here.
    console = Console(file=io.StringIO(), force_terminal=True, color_system="standard", no_color=False, legacy_windows=False)
    for line in lines:
        text = Text(end="")
        for piece, role in line:
            stretch = Text(piece, style=_STYLES.get(role, ""))
            if role.endswith("words"):
                stretch.highlight_regex(r"→[^\s←]+←", "bold")
            text.append_text(stretch)
        text.rstrip()
        console.print(text, soft_wrap=True, end="\n")
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()
