"""One session of checking: targets in, a `Report` out. Knows the worker and the reasoning, and nothing of how either works."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal

from shapewright import pairing
from shapewright.model import Event, Stop, Trace
from shapewright.observe.request import Request, Target
from shapewright.reason import advice, fits
from shapewright.reason.analyze import clash_of, conflicts, findings, warnings
from shapewright.reason.turns import counts_turns
from shapewright.report import Finding, Report, TargetReport

Observe = Callable[[Request], Trace]

# A call that failed on real tensors and would have made more bytes than this asked for too much memory, whatever else it did.
MEMORY_FAULT_BYTES = 256 << 20


def check(request: Request, observe: Observe, *, mend: bool = True, tell: Callable[[str], None] = lambda text: None) -> TargetReport:
    """Run one target dry and say what was found; with `mend`, look for fixes of each error."""
    request = replace(request, probe=True)
    return told(confirmed(observe(request), request, observe), request, observe, mend, tell)


def told(
    trace: Trace, request: Request, observe: Observe, mend: bool = True, tell: Callable[[str], None] = lambda text: None
) -> TargetReport:
    """What a trace means for its target; with `mend`, the edits that are proven by further runs."""
    if not mend or not (conflicts(trace) or warnings(trace)):
        return judge(trace, request.target, keep_trace=request.all_events)
    from shapewright.reason.repair import repair  # needs LibCST, which a clean program does not

    def run(overlay: Mapping[str, str]) -> Trace:
        changed = replace(request, overlay=overlay, probe=True, probe_sizes=_image_sizes(trace), all_events=False)
        if request.how == "auto" and trace.how == "fake":  # too large for real tensors, and no edit is likely to make it small
            after = observe(replace(changed, how="fake"))
            if after.stop is None or after.stop.kind != "values":
                return confirmed(after, changed, observe)
        return confirmed(observe(changed), changed, observe)

    def name(file: str) -> str:
        return Path(os.path.relpath(file, request.cwd)).as_posix()

    return judge(trace, request.target, repair(trace, run, name=name, tell=tell), keep_trace=request.all_events)


def _image_sizes(trace: Trace) -> tuple[tuple[int, ...], ...]:
    """The image sizes that the failing layer was built for: a fix that takes them as well is worth more."""
    for event, clash in conflicts(trace)[:1]:
        sizes = fits.fitting_sizes(trace, clash) if event.op == "linear" else ()
        return ((sizes[0], sizes[0]),) if sizes else ()
    return ()


def judge(trace: Trace, target: Target, found: tuple[Finding, ...] | None = None, *, keep_trace: bool = False) -> TargetReport:
    """What a trace, with the findings that were made of it, means for its target."""
    found = findings(trace) if found is None else found
    stop = trace.stop or _swallowed(trace)
    verdict = _verdict(trace, stop, found)
    reason, what_next = None, ""
    if verdict == "not-analysed":
        stop = stop or Stop("no torch call was made", kind="nothing")
        reason = f"{stop.reason}{_how_far(trace)}"
        what_next = stop.advice or advice.what_next(target, trace, stop)
    return TargetReport(
        target=target.text,
        verdict=verdict,
        reason=reason,
        advice=what_next,
        reason_at=stop.span if stop is not None else None,
        how=trace.how,
        inputs=trace.inputs,
        events=trace.total_events,
        assumed=trace.assumed,
        findings=found,
        sources=trace.sources,
        trace=trace if keep_trace else None,
    )


def report(
    requests: list[Request],
    observe: Observe,
    *,
    mend: bool = True,
    judge: bool = True,
    before: Callable[[int, Request], None] | None = None,
    tell: Callable[[str], None] = lambda text: None,
) -> Report:
    """Check all targets, one after the other; without `judge` only what fails is told."""
    traces: list[Trace] = []
    results: list[TargetReport] = []
    for number, request in enumerate(requests):
        if before is not None:
            before(number, request)
        asked = replace(request, probe=judge)
        traces.append(confirmed(observe(asked), asked, observe))
        results.append(told(traces[-1], asked, observe, mend, tell))
    if len(results) > 1 and judge:
        results = pairing.across(requests, traces, results, lambda request: check(request, observe, mend=mend, tell=tell))
    return Report(tuple(results), next((trace.torch_version for trace in traces if trace.torch_version), ""))


def _verdict(trace: Trace, stop: Stop | None, found: tuple[Finding, ...]) -> Literal["clean", "warning", "error", "not-analysed"]:
    severities = {finding.severity for finding in found}
    if "error" in severities:
        return "error"
    if stop is not None or trace.total_events == 0:
        return "not-analysed"
    return "warning" if "warning" in severities else "clean"


def _swallowed(trace: Trace) -> Stop | None:
    """A failure that is no matter of shapes, and that the program hides: what it would have done without is not known."""
    known = {*trace.tried, *(event.index for event, _ in conflicts(trace))}
    for event in (trace.events[index] for index in trace.failures if index not in known):
        failure = event.failure
        if failure is not None and not failure.answered and (failure.dtype_only or event.op == "backward"):
            first = failure.message.strip().split("\n")[0]
            return Stop(f"the program swallows a {failure.type}: {first}"[:300], event.span, "exception")
    return None


def _how_far(trace: Trace) -> str:
    if trace.stop is None or trace.total_events == 0 or trace.stop.kind == "time":
        return ""
    return f" (the {trace.total_events} torch calls before it fit)" if trace.total_events > 1 else ""


def confirmed(trace: Trace, request: Request, observe: Observe) -> Trace:
    """The trace to believe. Two doubts are settled by a second run: whether shortened loops made the failure, and whether memory did."""
    last = _last_failure(trace)
    if trace.cut_loops and not request.whole_loops and _may_come_from_shortening(trace, last):
        whole = observe(replace(request, whole_loops=True))
        if whole.stop is None or whole.stop.kind != "time":
            return whole
        return replace(trace, failures=())
    if last is None or last.failure is None or trace.how != "eager" or last.failure.type != "RuntimeError":
        return trace
    clash = clash_of(trace, last)
    if clash is None or clash.slug == "other-shape-error":
        fakes = observe(replace(request, how="fake", all_events=True))
        same = fakes.events[last.index] if last.index < len(fakes.events) else None
        if same is not None and same.failure is None and same.span == last.span and any(_bytes(out.numel) for out in same.output):
            return fakes
    return trace


def _may_come_from_shortening(trace: Trace, last: Event | None) -> bool:
    """A program that counts its turns goes wrong in other ways when they are fewer."""
    if last is not None and last.failure is not None and not last.failure.answered:
        return counts_turns(trace, last)
    return trace.stop is not None and trace.stop.kind == "exception"


def _bytes(elements: int) -> bool:
    return elements * 4 > MEMORY_FAULT_BYTES


def _last_failure(trace: Trace) -> Event | None:
    own = [index for index in trace.failures if index not in trace.tried]
    return trace.events[own[-1]] if own else None
