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

# The terminal's eight colours for a page, in shades that can be read on white and on black.
_SHADES = [(0, 0, 0), (209, 52, 56), (46, 139, 61), (176, 125, 0), (59, 120, 216), (160, 79, 176), (32, 144, 160), (160, 160, 160)]
_GREY = (138, 138, 138)


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


def html(painted: str) -> str:
    """What `paint` made, as HTML that needs no style sheet; what has no colour keeps that of the page, be that dark or bright."""
    import io

    from rich.console import Console
    from rich.terminal_theme import TerminalTheme
    from rich.text import Text

    console = Console(file=io.StringIO(), record=True, width=10_000, color_system="standard", force_terminal=True, legacy_windows=False)
    console.print(Text.from_ansi(painted), soft_wrap=True, end="")
    theme = TerminalTheme((255, 255, 255), (0, 0, 0), _SHADES, [_GREY, *_SHADES[1:]])
    code = console.export_html(theme=theme, inline_styles=True, code_format="{code}")
    return f'<pre style="white-space:pre;overflow-x:auto;line-height:normal">{code}</pre>'
