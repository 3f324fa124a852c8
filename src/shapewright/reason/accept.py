"""What the probes of a run say of an edit: whether its models take every batch, and what speaks against it. Pure."""

from __future__ import annotations

import re

from shapewright.model import Probe, Trace


def follows(trace: Trace) -> bool:
    """Whether every model of the run takes batches of 1, 2 and 3, gives as many rows, and keeps the samples apart."""
    return bool(trace.probes) and all(_follows(probe) and not probe.mixes for probe in trace.probes)


def objection(trace: Trace, stretches: int = 0) -> str:
    """Why an edit that runs must not be made, "" when nothing speaks against it.

    `stretches` is how many calls of the program compare all with all in any case.
    """
    for probe in trace.probes:
        for batch, sizes in probe.sizes:
            first = sizes[0] if sizes else None
            if first is not None and first != batch:
                return f"turns a batch of {batch} into {first}"
        if probe.mixes:
            return "mixes the samples of a batch"
    if len(trace.stretched) > stretches:
        return f"stretches both sides of a call to one another in line {trace.stretched[0].line}"
    return ""


def bound(trace: Trace) -> bool:
    """Whether a model fails for batches of other sizes than the program's own."""
    return any(sizes is None for probe in trace.probes for _, sizes in probe.sizes)


def batches(trace: Trace) -> tuple[int, ...]:
    """The batch sizes that were run."""
    return tuple(batch for batch, _ in trace.probes[0].sizes) if follows(trace) else ()


def outputs(trace: Trace) -> tuple[str, ...]:
    """The first outputs of the first model."""
    return trace.probes[0].outputs[:4] if trace.probes else ()


def consequence(before: Trace, after: Trace) -> str:
    """What the bracket behind a fix says: batches and output, parameters, further image sizes."""
    parts = []
    shown = _shape(after.probes[0]) if after.probes else ""
    if follows(after):
        parts.append(f"runs for batch {', '.join(map(str, batches(after)))}" + (f" → {shown}" if shown else ""))
    else:
        parts.append(f"runs → {shown}" if shown else "runs to the end")
    accepted = {size for probe in after.probes for size in probe.accepts}
    if accepted:
        parts.append("and for " + ", ".join("×".join(map(str, size)) for size in sorted(accepted)))
    if before.parameters is not None and after.parameters is not None:
        if before.weights == after.weights:
            parts.append("parameters unchanged")
        elif before.parameters != after.parameters:
            old, new = _count(before.parameters), _count(after.parameters)
            parts.append(f"parameters {old} → {new}" if old != new else f"parameters {before.parameters:,} → {after.parameters:,}")
    return "; ".join(parts)


def _follows(probe: Probe) -> bool:
    return bool(probe.sizes) and all(sizes is not None and (not sizes or sizes[0] in (batch, None)) for batch, sizes in probe.sizes)


def _shape(probe: Probe) -> str:
    """The first output with a B for its batch."""
    if not probe.outputs:
        return ""
    sizes = re.findall(r"\d+", probe.outputs[0].partition("[")[2])
    if _follows(probe) and probe.batch_dim is not None and probe.batch_dim < len(sizes):
        sizes[probe.batch_dim] = "B"
    return f"[{', '.join(sizes)}]"


def _count(number: int) -> str:
    if number >= 995_000_000:
        return f"{number / 1e9:.2f} B"
    if number >= 99_500:
        return f"{number / 1e6:.2f} M"
    return f"{number:,}"
