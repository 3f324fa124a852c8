"""Real models: all builders of torchvision and hundreds of timm's architectures are checked, and compared with plain PyTorch and torchinfo.

SHAPEWRIGHT_MODELS=timm/vit measures only the models with this in "group/name". `python -m bench.models --save FILE` adds each result to
FILE as it comes; `--from FILE …` tells what was saved; `--picture FILE.svg` draws it, which needs matplotlib.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench import models_catalogue, models_told, quiet
from bench.models_catalogue import Model
from bench.models_real import Real, Way
from bench.models_results import Seen, Took, load, save
from bench.models_shapes import Compared, compared
from bench.processes import run, shapewright
from shapewright import session
from shapewright.observe.client import Worker
from shapewright.observe.request import Request, parse_target
from shapewright.report import TargetReport

TIME_LIMIT = 120.0  # seconds for one check
ALONE = ("forward", "torchinfo", "trace")


def measure() -> tuple[str, bool]:
    """The tables; short when a model is not clean, when a shape differs from the real run, or when a library is not installed."""
    seen, missing = measured(lambda one: None)
    return models_told.told(seen, missing)


def measured(done: Callable[[Seen], None]) -> tuple[list[Seen], list[str]]:
    """All chosen models, and what is not installed."""
    models, missing = [], []
    for source in (models_catalogue.torchvision, models_catalogue.timm):
        try:
            models += list(source())
        except ModuleNotFoundError as error:
            missing.append(str(error))
    sample = set(models_catalogue.spread(models))
    chosen = [one for one in models if os.environ.get("SHAPEWRIGHT_MODELS", "") in f"{one.group}/{one.name}"]
    seen = []
    with Real() as real, Worker() as worker:
        for number, model in enumerate(chosen, 1):
            seen.append(one_model(model, real, worker, alone=model in sample))
            print(f"{number} of {len(chosen)}: {_progress(seen[-1])}", file=sys.stderr, flush=True)
            done(seen[-1])
    return seen, missing


def one_model(model: Model, real: Real, worker: Worker, *, alone: bool) -> Seen:
    """One model: checked, run for real, and compared; with `alone` in fresh processes as well."""
    ways = real.run(model)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        (folder / "program.py").write_text(model.program, encoding="utf-8")
        began = time.perf_counter()
        report = _checked(folder, worker)
        seconds = time.perf_counter() - began
        costs = _alone(model, folder) if alone else {}
    broken = next((finding.headline for finding in report.findings if finding.slug == "internal-error"), "")
    return Seen(
        model.group,
        model.name,
        verdict="not-analysed" if broken else report.verdict,
        how=report.how,
        reason=broken or report.reason or "",
        findings=tuple(quiet.told(report, loud=True)),
        notes=tuple(quiet.told(report, loud=False)),
        seconds=seconds,
        live={way: Took(took.cpu, took.memory, took.error) for way, took in ways.items() if way != "record"},
        alone=costs,
        compared=_compared(report, ways["record"]),
        real_error=ways["record"].error,
    )


def _checked(folder: Path, worker: Worker) -> TargetReport:
    request = Request(parse_target("program.py", folder), cwd=str(folder), time_limit=TIME_LIMIT, all_events=True)
    try:
        return session.check(request, worker.observe, mend=False)
    except Exception as error:
        return TargetReport("program.py", "not-analysed", reason=f"the check itself: {type(error).__name__}: {error}")


def _compared(report: TargetReport, real: Way) -> Compared | None:
    if real.error or report.trace is None or report.verdict == "not-analysed":
        return None
    return compared(report.trace, real.result)


def _alone(model: Model, folder: Path) -> dict[str, Took]:
    """Each way as a command of its own; memory is the most that its processes held."""
    job = folder / "job.json"
    job.write_text(json.dumps({"build": model.build, "inputs": model.inputs}), encoding="utf-8")
    found = {}
    for way in ALONE:
        words = [sys.executable, "-W", "ignore", "-m", "bench.models_alone", way, str(job)]
        if way == "trace":
            words = shapewright("trace", str(folder / "program.py"))
        cost = run(["/bin/sh", "-c", f"exec {shlex.join(words)} > /dev/null"], watch_memory=True)
        found[way] = Took(cost.cpu, max(cost.largest, cost.together), f"exit code {cost.exit_code}" if cost.exit_code else "")
    return found


def _progress(seen: Seen) -> str:
    shapes = "" if seen.compared is None else f", {seen.compared.equal} of {seen.compared.calls} shapes"
    costs = ", ".join(f"{way} {took.error or f'{took.cpu:.2f} s'}" for way, took in seen.live.items())
    said = "; ".join((*seen.findings, *seen.notes)) or seen.reason or seen.real_error
    return f"{seen.group}, {seen.name}: {seen.verdict}, {seen.how}, {seen.seconds:.1f} s{shapes}, {costs} {said}".rstrip()


def main(words: list[str]) -> int:
    """`python -m bench.models [--save FILE] [--from FILE …] [--picture FILE.svg]`"""
    import argparse

    parser = argparse.ArgumentParser(prog="python -m bench.models")
    parser.add_argument("--save", type=Path)
    parser.add_argument("--from", type=Path, nargs="+", dest="saved")
    parser.add_argument("--picture", type=Path)
    asked = parser.parse_args(words)
    seen, missing = (load(asked.saved), []) if asked.saved else measured(lambda one: save(one, asked.save) if asked.save else None)
    table, kept = models_told.told(seen, missing)
    print(f"{table}\n\n{'ok' if kept else 'SHORT'}: models")
    if asked.picture:
        models_told.picture(seen, asked.picture)
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
