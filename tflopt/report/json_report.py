"""The machine-readable report. Its format is documented in ``docs/report.md``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from tflopt.api import Result, Settings
from tflopt.check.compare import Verification
from tflopt.io import read_bytes
from tflopt.ir import Model
from tflopt.passes.pipeline import RULES
from tflopt.report.facts import ModelFacts
from tflopt.report.flash import Flash, flash_of
from tflopt.report.memory import arena, minimum_by_target, scratch_rows
from tflopt.report.notes import notes
from tflopt.target.memory import Memory, PlanRequest
from tflopt.version import __version__

SCHEMA_VERSION = 1
MEMORY_KEYS = ("arena", "arena_head_bytes", "arena_minimum_by_target", "scratch_bytes", "scratch")


def report(result: Result, settings: Settings, source: str, output: str) -> dict[str, object]:
    """Everything about one run of ``optimize`` as plain data."""
    runtime = settings.config.runtime
    before = flash_of(result.original, result.source, runtime)
    after = flash_of(read_bytes(result.data), result.data, runtime)
    old = _model(result.original, result.before, before, result.memory_before)
    new = _model(result.model, result.after, after, result.memory_after)
    return {
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": "tflopt", "version": __version__},
        "target": str(settings.device.target),
        "cmsis_nn": str(settings.device.cmsis_nn),
        "options": {
            "runtime": settings.config.runtime.value,
            "strip": settings.config.strip.value,
            "keep": sorted(settings.config.keep),
            "data_alignment": settings.layout.data_alignment,
            "plan": "none" if settings.config.plan is None else "offline",
            "overlap": "" if settings.config.plan is None else settings.config.plan.overlap,
            **_plan_options(settings),
            "annotate": settings.annotate.value,
        },
        "input": {"path": source, **old},
        "output": {"path": output, **new},
        "notes": notes(result.model),
        "passes": _passes(result, settings),
        "verification": verification(result.verification),
    }


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


def _model(
    model: Model, facts: ModelFacts, flash: Flash, memory: Memory | None
) -> dict[str, object]:
    data = asdict(facts)
    data["flash"] = asdict(flash)
    if memory is None:
        return {**data, **dict.fromkeys(MEMORY_KEYS)}
    data["arena"] = arena(memory)
    data["arena_head_bytes"] = memory.arena.head_bytes
    data["arena_minimum_by_target"] = minimum_by_target(model, memory.device)
    data["scratch_bytes"] = memory.scratch_bytes
    data["scratch"] = scratch_rows(memory.table)
    return data


def _passes(result: Result, settings: Settings) -> list[dict[str, object]]:
    misses = result.trace.near_misses
    return [
        {
            "name": rule.name,
            "enabled": rule in settings.selection,
            "summary": rule.summary,
            "bit_exact": rule.exactness.bit_exact,
            "shown_by": rule.exactness.shown_by,
            "hits": [
                {"where": hit.where, "edits": list(hit.edits)}
                for hit in result.trace.hits
                if hit.rule == rule.name
            ],
            "declined": [
                {"where": miss.where, "reason": miss.reason}
                for miss in misses
                if miss.rule == rule.name
            ],
        }
        for rule in RULES
    ]


def verification(verdict: Verification | None) -> dict[str, object]:
    """The verdict, also where nothing was verified."""
    if verdict is None:
        return {"status": "skipped", "runner": None, "samples": 0, "mismatches": []}
    mismatches: Sequence[dict[str, object]] = ()
    if verdict.mismatch is not None:
        found = verdict.mismatch
        mismatches = [
            {
                "output": found.output,
                "sample": found.sample,
                "first_index": list(found.first_index),
                "elements": found.count,
                "max_diff": found.max_diff,
            }
        ]
    return {
        "status": verdict.status,
        "runner": verdict.runner or None,
        "samples": verdict.samples,
        "seed": verdict.seed,
        "outputs": verdict.outputs,
        "inner_tensors": verdict.tensors,
        "note": verdict.note,
        "mismatches": list(mismatches),
    }
