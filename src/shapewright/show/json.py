"""Documents for programs, written against a fixed contract: a report as JSON, a trace as JSON.

Every key is always there; what is not known is null. Lines and columns count from 1, columns in code points, the end is
exclusive; files are relative to the working directory, with forward slashes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shapewright.model import Event, Span, TensorInfo, Trace
from shapewright.report import Finding, Fix, Place, Report, StoryRow, TargetReport
from shapewright.show import calls
from shapewright.show.document import dumps, tool
from shapewright.show.paths import relative

Document = dict[str, Any]


def render(report: Report) -> str:
    """The report as JSON text."""
    return dumps(document(report))


def document(report: Report) -> Document:
    """The report as plain dicts and lists."""
    return {"schema": 1, "tool": tool(report.torch_version), "targets": [_target(target) for target in report.targets]}


def trace_document(trace: Trace, target: str, costs: Sequence[int]) -> Document:
    """A trace as plain dicts and lists; `costs` are the multiply-adds of its events."""
    counts = calls.per_event(trace)
    return {
        "schema": 1,
        "tool": tool(trace.torch_version),
        "target": target,
        "how": trace.how,
        "inputs": list(trace.inputs),
        "events": [
            _event(event, trace, count, cost)
            for event, count, cost in zip(trace.events, counts, costs, strict=True)
            if calls.worth_a_row(event)
        ],
        "output": _shapes(trace.output),
        "parameters": calls.parameters(trace),
        "size_mb": round(calls.megabytes(trace), 6),
        "multiply_adds": sum(costs),
        "failure": _failure(trace),
        "stop": None if trace.stop is None else {"reason": trace.stop.reason, "kind": trace.stop.kind, **_line(trace.stop.span)},
    }


def _target(target: TargetReport) -> Document:
    return {
        "target": target.target,
        "verdict": target.verdict,
        "reason": target.reason,
        "ran": {
            "how": target.how,
            "inputs": list(target.inputs),
            "events": target.events,
            "assumed": [{"line": assumption.line, "what": assumption.what} for assumption in target.assumed],
        },
        "findings": [_finding(finding) for finding in target.findings],
    }


def _finding(finding: Finding) -> Document:
    where = None
    if finding.where is not None:
        where = {
            **_span(finding.where),
            "function": finding.function or None,
            "module": finding.module or None,
            "module_type": finding.module_type or None,
        }
    return {
        "slug": finding.slug,
        "severity": finding.severity,
        "headline": finding.headline,
        "torch_message": finding.torch_message,
        "swallowed": finding.swallowed,
        "where": where,
        "demand": None if finding.demand is None else _place(finding.demand) | {"text": finding.demand.text},
        "supply": None if finding.supply is None else _place(finding.supply) | {"formula": finding.supply.formula or None},
        "story": [_row(row) for row in finding.story],
        "fixes": [_fix(fix) for fix in finding.fixes],
        "refused": [{"title": refused.title, "why": refused.why} for refused in finding.refused],
    }


def _span(span: Span) -> Document:
    return {
        "file": relative(span.file),
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
    }


def _line(span: Span | None) -> Document:
    return {"line": span.line if span else None, "file": relative(span.file) if span else None}


def _place(place: Place) -> Document:
    return _span(place.span) | {"value": place.value}


def _row(row: StoryRow) -> Document:
    return {
        "line": row.line,
        "op": row.op,
        "module": row.module or None,
        "inputs": list(row.inputs),
        "output": row.output or None,
    }


def _fix(fix: Fix) -> Document:
    return {
        "title": fix.title,
        "applicability": fix.applicability,
        "edits": [
            {
                "file": relative(edit.span.file),
                "start": {"line": edit.span.line, "column": edit.span.column},
                "end": {"line": edit.span.end_line, "column": edit.span.end_column},
                "new": edit.new,
            }
            for edit in fix.edits
        ],
        "diff": fix.diff,
        "verdict": fix.verdict,
        "verified": {"how": fix.how, "batches": list(fix.batches), "outputs": list(fix.outputs)},
        "parameters": None if fix.parameters is None else {"before": fix.parameters[0], "after": fix.parameters[1]},
        "keeps_checkpoint": fix.keeps_checkpoint,
    }


def _event(event: Event, trace: Trace, count: int, cost: int) -> Document:
    module = None if event.module is None else trace.modules[event.module]
    return {
        "index": event.index,
        **_line(event.span),
        "op": event.op,
        "module": (module.path or None) if module else None,
        "module_type": module.type if module else None,
        "inputs": inputs(event),
        "output": _shapes(event.output),
        "parameters": count,
        "multiply_adds": cost,
    }


def inputs(event: Event) -> list[str]:
    """The tensors that flowed into the call, without the layer's own."""
    return [str(tensor) for tensor in event.tensors() if tensor.kind in ("activation", "input")]


def _shapes(tensors: Sequence[TensorInfo]) -> str | None:
    return ", ".join(map(str, tensors)) or None


def _failure(trace: Trace) -> Document | None:
    """The first call that failed."""
    failed = next((event for event in trace.events if event.failure), None)
    if failed is None or failed.failure is None:
        return None
    return {
        "index": failed.index,
        **_line(failed.span),
        "op": failed.op,
        "module": (trace.modules[failed.module].path or None) if failed.module is not None else None,
        "inputs": inputs(failed),
        "type": failed.failure.type,
        "message": failed.failure.message,
        "swallowed": failed.failure.swallowed,
    }
