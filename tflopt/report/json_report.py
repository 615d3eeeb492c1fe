"""The machine-readable report. Its format is documented in ``docs/report.md``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace

from tflopt.config import Config, Tiling
from tflopt.ir import Model
from tflopt.product.growth import size_notes
from tflopt.product.optimize import Result, Settings
from tflopt.report.graph import graph_rows
from tflopt.report.notes import notes
from tflopt.report.removed_channels import as_data, removed_channels
from tflopt.report.subject import Subject, subject_rows
from tflopt.rewrite import NearMiss, Trace
from tflopt.rules.pipeline import RULES, Selection, applies
from tflopt.target.device import Device
from tflopt.target.memory import PlanRequest
from tflopt.verify.compare import Verification
from tflopt.verify.interface import port_changes, type_changes
from tflopt.version import __version__

SCHEMA_VERSION = 1


def heading(device: Device | None = None) -> dict[str, object]:
    """With what every JSON output begins; ``device``: whose core and kernels its numbers are of."""
    head: dict[str, object] = {
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": "tflopt", "version": __version__},
    }
    if device is not None:
        head |= {"target": str(device.target), "cmsis_nn": device.kernels.version}
    return head


def report(result: Result, settings: Settings, source: str, output: str) -> dict[str, object]:
    """Everything about one run of ``optimize`` as plain data."""
    subject = Subject(
        result.original,
        result.source,
        settings.device,
        result.memory_before,
        result.hazards,
        settings.config.runtime,
        settings.config.plan or PlanRequest(),
    )
    became = replace(
        subject,
        model=result.model,
        data=result.data,
        memory=result.memory_after,
        hazards=result.hazards_left,
        original=result.original,
    )
    old, new = model_pair(subject, became, derived=True)
    return {
        **heading(settings.device),
        "options": {
            "runtime": settings.config.runtime.value,
            "strip": settings.config.strip.value,
            "keep": sorted(settings.config.keep),
            "data_alignment": settings.layout.data_alignment,
            "goal": settings.config.goal.value,
            "plan": "none" if settings.config.plan is None else "offline",
            "overlap": "" if settings.config.plan is None else settings.config.plan.overlap,
            **_plan_options(settings),
            "annotate": settings.annotate.value,
            "route_around": settings.config.route_around,
            "io_layout": settings.config.io_layout.value,
            "allow_lsb": settings.config.allow_lsb,
            "tiling": _tiling(settings.config.tiling),
        },
        "input": {"path": source, **old},
        "output": {"path": output, **new},
        "interface": interface(result.original, result.model),
        "channels": [as_data(row) for row in removed_channels(result.original, result.model)],
        "notes": [
            *type_changes(result.original, result.model),
            *size_notes(result, settings),
            *notes(result.model, settings.device),
        ],
        "passes": passes(result.trace, settings.selection, settings.config),
        "verification": verification(result.verification),
    }


def _tiling(tiling: Tiling | None) -> dict[str, object] | None:
    return None if tiling is None else asdict(tiling)


def interface(original: Model, optimized: Model) -> list[dict[str, object]]:
    """What the caller must hand over otherwise than before."""
    return [
        {
            "kind": change.kind,
            "index": change.index,
            "name": change.name,
            "before": list(change.before),
            "after": list(change.after),
            "permutation": list(change.permutation),
        }
        for change in port_changes(original, optimized)
    ]


def dumps(data: object) -> str:
    """JSON with sorted keys and a final newline, the same for the same data."""
    return json.dumps(data, indent=2, sort_keys=True) + "\n"


def _plan_options(settings: Settings) -> dict[str, object]:
    request = settings.config.plan or PlanRequest()
    return {
        "arena_alignment": request.offline.alignment,
        "pins": dict(request.pins),
        "preserve_inputs": request.offline.preserve_inputs,
        "reserve_head_bytes": request.offline.reserve_head_bytes,
    }


def model_pair(
    old: Subject, new: Subject, *, derived: bool
) -> tuple[dict[str, object], dict[str, object]]:
    """Both models as plain data, each operator with its counterpart in the other."""
    before, after = graph_rows(old.model, new.model, derived=derived)
    return {**subject_rows(old), "graph": before}, {**subject_rows(new), "graph": after}


def passes(
    trace: Trace, selection: Selection, config: Config | None = None
) -> list[dict[str, object]]:
    """Every rule: what it did, why it declined, how its exactness was shown."""
    misses, options = trace.near_misses, config or Config()
    return [
        {
            "name": rule.name,
            "enabled": rule in selection and applies(rule, options),
            "summary": rule.summary,
            "bit_exact": rule.exactness.bit_exact,
            "shown_by": rule.exactness.shown_by,
            "hits": [
                {"where": hit.where, "edits": list(hit.edits), "shown_by": hit.shown_by}
                for hit in trace.hits
                if hit.rule == rule.name
            ],
            "declined": [declined(miss) for miss in misses if miss.rule == rule.name],
        }
        for rule in RULES
    ]


def declined(miss: NearMiss) -> dict[str, object]:
    """Where and why a rule declined: for people, and the same as fields."""
    place, reason = miss.where, miss.because
    return {
        "where": str(place),
        "reason": str(reason),
        "advice": reason.why.advice,
        "code": reason.why.code,
        "message": reason.message,
        "numbers": dict(reason.numbers),
        "subgraph": place.subgraph,
        "index": place.index,
        "operator": place.operator,
        "output": place.output,
    }


def verification(verdict: Verification | None) -> dict[str, object]:
    """The verdict, also where nothing was verified."""
    if verdict is None:
        return {"status": "skipped", "runner": None, "samples": 0, "mismatches": []}
    mismatches: Sequence[dict[str, object]] = ()
    if verdict.mismatch is not None:
        mismatch = verdict.mismatch
        mismatches = [
            {
                "output": mismatch.output,
                "sample": mismatch.sample,
                "first_index": list(mismatch.first_index),
                "elements": mismatch.count,
                "max_diff": mismatch.max_diff,
            }
        ]
    return {
        "status": verdict.status,
        "runner": verdict.runner or None,
        "samples": verdict.samples,
        "seed": verdict.seed,
        "outputs": verdict.outputs,
        "inner_tensors": verdict.tensors,
        "directed_regions": verdict.regions,
        "note": verdict.note,
        "litert_default_path": verdict.default_path,
        "around": list(verdict.around),
        "signatures": list(verdict.signatures),
        "mismatches": list(mismatches),
    }
