"""The commands and their options: words in, a report on stdout, an exit code."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from shapewright import __version__
from shapewright.front import output

if TYPE_CHECKING:
    from shapewright.observe.request import Request, Target

FORMATS = ("terminal", "concise", "json", "github")
CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


def run(words: Sequence[str]) -> int:
    """Do what the words say, and give the exit code."""
    given = list(words)
    own, script_words = (given[: given.index("--")], given[given.index("--") + 1 :]) if "--" in given else (given, [])
    try:
        code = cli.main(own, prog_name="shapewright", standalone_mode=False, obj=tuple(script_words))
    except click.exceptions.Abort:
        return 130
    except click.ClickException as error:
        error.show()
        return 2
    return code if isinstance(code, int) else 0


@click.group(context_settings=CONTEXT)
@click.version_option(__version__, prog_name="shapewright")
def cli() -> None:
    """Find tensor-shape errors in PyTorch programs by running them dry: no GPU, no data, no weights."""


def _common(function: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--input", "inputs", multiple=True, metavar="SHAPE", help="An input: 1,3,64,64 or x=2,16:int64. Repeatable."),
        click.option("--init", default="", metavar="ARGS", help='Constructor arguments: --init "latent_dim=64".'),
        click.option("--time-limit", default=60.0, show_default=True, metavar="SECONDS", type=click.FloatRange(min=0.1)),
        click.option("--how", type=click.Choice(["auto", "eager", "fake"]), default="auto", show_default=True,
                     help="Run on real tensors, on fake ones, or on whichever fits the program's size."),
        click.option("-v", "--verbose", is_flag=True, help="Show everything: all notes, assumptions and steps."),
    ):  # fmt: skip
        function = option(function)
    return function


@cli.command(context_settings=CONTEXT)
@click.argument("targets", nargs=-1, required=True)
@_common
@click.option("--format", "format_", type=click.Choice(FORMATS), default="terminal", show_default=True)
@click.option("--trace", "with_trace", is_flag=True, help="Print the shape table of each target, too.")
@click.option("--strict", is_flag=True, help="A warning gives exit code 1, too.")
@click.option("--fix", "mode", flag_value="fix", help="Make the best fix of each error and warning, after a question.")
@click.option("--diff", "mode", flag_value="diff", help="Print the best fixes as a patch for `git apply`, and nothing else.")
@click.option("--no-fixes", "mode", flag_value="none", help="Explain only; do not look for fixes.")
@click.option("--pick", type=click.IntRange(min=1), default=1, metavar="N", help="With --fix or --diff: the N-th fix of the first finding.")
@click.option("-y", "--yes", is_flag=True, help="With --fix: do not ask.")
@click.pass_obj
def check(script_words: tuple[str, ...], /, targets: tuple[str, ...], format_: str, verbose: bool, **options: Any) -> int:
    """Run TARGETS dry, explain the shape errors in them, and find fixes that are proven by running them.

    A target is a script, a folder, FILE.py:Name or package.module:name, where the name is a Module class, a function that
    makes one, or an instance. Words after -- go to the script:  shapewright check train.py -- --epochs 3
    """
    with_trace = options["with_trace"]
    requests = _requests(targets, script_words, options, all_events=with_trace)
    if options["mode"] in ("fix", "diff"):
        from shapewright.front import mend

        return mend.run(requests, mend.Wish(options["mode"], options["pick"], options["yes"], format_, verbose))
    report = output.report(requests, mend=options["mode"] != "none")
    text = output.rendered(report, format_, verbose)
    if with_trace and format_ == "terminal":
        from shapewright.reason import cost
        from shapewright.show import table

        for target in report.targets:
            if target.trace is not None:
                text += "\n" + table.render(target.trace, costs=cost.costs(target.trace), verbose=verbose, **output.look())
    output.write(text)
    return report.exit_code(strict=options["strict"])


@cli.command(context_settings=CONTEXT)
@click.argument("target")
@_common
@click.option("--depth", type=click.IntRange(min=0), default=None, help="Show modules below this depth as one row.")
@click.option("--format", "format_", type=click.Choice(["terminal", "json"]), default="terminal", show_default=True)
@click.pass_obj
def trace(script_words: tuple[str, ...], /, target: str, depth: int | None, format_: str, verbose: bool, **options: Any) -> int:
    """Print the shape table of TARGET: one row a call, up to the failure when there is one."""
    requests = _requests((target,), script_words, options, all_events=True)
    report = output.report(requests[:1], mend=False, judge=False)
    from shapewright.reason import cost

    only = report.targets[0]
    seen = only.trace
    assert seen is not None
    costs = cost.costs(seen)
    if format_ == "json":
        from shapewright.show import document, json

        output.write(document.dumps(json.trace_document(seen, target, costs)))
    elif seen.total_events == 0 and only.verdict == "not-analysed":
        output.write(output.rendered(report, "terminal", verbose))
    else:
        from shapewright.show import table

        output.write(
            table.render(
                seen, costs=costs, width=output.width(), colour=output.colour(), depth=depth, unicode=output.unicode(), verbose=verbose
            )
        )
        if only.verdict == "not-analysed":
            output.write("\n" + output.rendered(report, "terminal", verbose))
    return report.exit_code()


@cli.command(context_settings=CONTEXT)
@click.argument("words", nargs=-1, metavar="[MESSAGE | SLUG | -]")
@click.option("--file", "file", metavar="LOG", help="Read the text from a file.")
@click.option("--clipboard", is_flag=True, help="Read the text from the clipboard.")
@click.option("--list", "listing", is_flag=True, help="List the slugs that have a page.")
@click.option("--format", "format_", type=click.Choice(["terminal", "json"]), default="terminal", show_default=True)
@click.option("-v", "--verbose", is_flag=True, help="Show the whole message.")
@click.pass_obj
def explain(script_words: tuple[str, ...], /, words: tuple[str, ...], **options: Any) -> int:
    """Explain an error MESSAGE of PyTorch, or whatever holds one: a traceback, a log (- reads standard input). Needs no torch.

    With the SLUG of a finding it prints the slug's page.
    """
    from shapewright.front import explain as front

    return front.run((*words, *script_words), **options)


@cli.command("run", context_settings={**CONTEXT, "ignore_unknown_options": True, "allow_interspersed_args": False}, options_metavar="")
@click.argument("words", nargs=-1, required=True, type=click.UNPROCESSED, metavar="SCRIPT|-m MODULE [ARGS]...")
@click.pass_obj
def run_(script_words: tuple[str, ...], /, words: tuple[str, ...]) -> None:
    """Run a program as python does, and explain it behind the traceback when it fails on tensor shapes.

    Everything behind the script or the module is the program's own; so are its output and its exit code. A folder or an archive with a
    __main__.py will do, too. Options of python stand before:  python -O -m shapewright run train.py
    """
    from shapewright.front import run as front

    front.run((*words, *script_words))


def _requests(targets: Sequence[str], script_words: tuple[str, ...], options: dict[str, Any], *, all_events: bool) -> list[Request]:
    from shapewright.observe.request import Request, check_init, parse_input

    cwd = os.getcwd()
    inputs = tuple(parse_input(text) for text in options["inputs"])
    init = check_init(options["init"])
    return [
        Request(
            target=target,
            cwd=cwd,
            argv=script_words,
            inputs=inputs,
            init=init,
            time_limit=options["time_limit"],
            how=options["how"],
            all_events=all_events,
        )
        for text in targets
        for target in _targets(text, cwd)
    ]


def _targets(text: str, cwd: str) -> list[Target]:
    from pathlib import Path

    from shapewright.observe.request import UsageError, parse_target, scripts_below

    folder = Path(cwd, text)
    if not folder.is_dir():
        return [parse_target(text, cwd)]
    scripts = scripts_below(folder)
    if not scripts:
        raise UsageError(f"no Python file in the folder '{text}' mentions torch")
    return [parse_target(str(Path(text, path.relative_to(folder))), cwd) for path in scripts]
