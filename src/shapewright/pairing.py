"""A generator in one target and a discriminator in another: does the one take what the other makes?

Within one program this is tried in its own run (`observe/pairs.py`). Over two targets the discriminator's class is checked once more as
`FILE:Class`, with an input of the shape that the generator gave.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from shapewright.model import Assumption, ModelCall, Trace
from shapewright.observe.request import InputSpec, Request, Target
from shapewright.reason.silent import generator_discriminator, purpose
from shapewright.report import Finding, TargetReport
from shapewright.roles import role

SLUG = generator_discriminator.SLUGS[0]


def across(
    requests: Sequence[Request], traces: Sequence[Trace], reports: Sequence[TargetReport], check: Callable[[Request], TargetReport]
) -> list[TargetReport]:
    """The reports, with what the only discriminator of one target makes of the samples of the only generator of another one.

    Where there are several of either kind, as in a folder of examples, nothing says which belong together.
    """
    found = list(reports)
    models = [_models(trace) for trace in traces]
    makers = [number for number, known in enumerate(models) if "generator" in known]
    judges = [number for number, known in enumerate(models) if "discriminator" in known]
    if len(makers) == len(judges) == 1 and makers != judges:
        one, other = makers[0], judges[0]
        if requests[other].target.file and {found[one].verdict, found[other].verdict} <= {"clean", "warning"}:
            made, judge = models[one]["generator"], models[other]["discriminator"]
            found[other] = _met(found[other], requests[other], traces[one], made, traces[other], judge, check)
    return found


def _models(trace: Trace) -> dict[str, ModelCall]:
    """The first call of the generator and of the discriminator."""
    found: dict[str, ModelCall] = {}
    for call in trace.calls:
        is_ = role(purpose.of_model(trace, trace.modules[call.module], call.span))
        if is_:
            found.setdefault(is_, call)
    return found


def _met(
    report: TargetReport,
    request: Request,
    made_in: Trace,
    made: ModelCall,
    judged_in: Trace,
    judge: ModelCall,
    check: Callable[[Request], TargetReport],
) -> TargetReport:
    sample = made.outputs[0] if made.outputs else None
    given = judge.inputs[0] if len(judge.inputs) == 1 else None
    module = judged_in.modules[judge.module]
    if sample is None or given is None or sample.rank != given.rank or not sample.is_floating or module.library:
        return report
    maker = made_in.modules[made.module].type
    fed = Assumption(f"fed `{module.type}` with what `{maker}` of another target makes: {list(sample.shape)}")
    if sample.shape[1:] == given.shape[1:]:
        return replace(report, assumed=(*report.assumed, fed))
    text = f"{request.target.text.partition(':')[0]}:{module.type}"
    target = Target(text, file=request.target.file, name=module.type)
    tried = check(replace(request, target=target, inputs=(InputSpec(sample.shape, sample.dtype),)))
    if tried.verdict == "clean":
        return replace(report, assumed=(*report.assumed, fed))
    warnings = tuple(_as_warnings(tried, f"`{module.type}` cannot take what `{maker}` makes: {list(sample.shape)}"))
    if not warnings:
        return report
    return replace(report, verdict="warning", findings=(*warnings, *report.findings), sources={**report.sources, **tried.sources})


def _as_warnings(tried: TargetReport, headline: str) -> Iterator[Finding]:
    """The first error of the discriminator; what lies behind it is not known yet."""
    for finding in tried.findings[:1]:
        if finding.severity == "error":
            note = "they stand in two targets; they were tried together"
            yield replace(finding, slug=SLUG, severity="warning", headline=headline, notes=(note, *finding.notes))
