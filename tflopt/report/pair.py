"""A report about two files that exist already."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

from tflopt.errors import TfloptError
from tflopt.ir import Model, Value
from tflopt.ir.clone import clone
from tflopt.ir.text import dump
from tflopt.product.optimize import Settings
from tflopt.report.json_report import heading, interface, model_pair, passes, verification
from tflopt.report.notes import notes
from tflopt.report.single import subject_of
from tflopt.report.subject import Subject
from tflopt.rewrite import Trace
from tflopt.rules.pipeline import run_pipeline
from tflopt.verify.compare import Candidate, Verification

REPEATED = (
    "What each rule did was found by optimizing the original again with these options: "
    "that gives the second file."
)
UNKNOWN = (
    "What the rules did is not known: optimizing the original again with these options gives "
    "another model than the second file."
)


def pair_report(
    original: Candidate,
    optimized: Candidate,
    settings: Settings,
    verdict: Verification | None,
    paths: tuple[str, str],
) -> dict[str, object]:
    """The same as a report of ``optimize``, but ``options`` is null.

    ``passes`` is empty unless the settings turn the original into the second file.
    """
    again = _repeat(original.model, optimized.model, settings)
    subjects = [_subject(candidate, settings) for candidate in (original, optimized)]
    if again is not None:
        # The same graph, but its values know where they come from.
        subjects[1] = replace(subjects[1], model=again[0], original=original.model)
    old, new = model_pair(subjects[0], subjects[1], derived=again is not None)
    told = REPEATED if again is not None else UNKNOWN
    same = dump(original.model) == dump(optimized.model)
    return {
        **heading(settings.device),
        "options": None,
        "input": {"path": paths[0], **old},
        "output": {"path": paths[1], **new},
        "interface": [] if again is None else interface(original.model, again[0]),
        "notes": [*notes(optimized.model, settings.device), *([] if same else [told])],
        "passes": [] if again is None else passes(again[1], settings.selection, settings.config),
        "verification": verification(verdict),
    }


def _subject(candidate: Candidate, settings: Settings) -> Subject:
    request, runtime = settings.config.plan, settings.config.runtime
    subject = subject_of(candidate.model, candidate.data, settings.device, request)
    return replace(subject, runtime=runtime)


def _repeat(original: Model, optimized: Model, settings: Settings) -> tuple[Model, Trace] | None:
    """What the rules make of the original, if that is the optimized model."""
    model = clone(original)
    try:
        trace = run_pipeline(model, settings.selection, settings.config)
    except TfloptError:
        return None
    return (model, trace) if _form(model) == _form(optimized) else None


def _form(model: Model) -> tuple[str, list[tuple[str | None, bytes]]]:
    """The operators, the names of tensors and the constants."""
    values = [value for graph in model.graphs for value in graph.values]
    return dump(model), [(value.name or None, _content(value)) for value in values]


def _content(value: Value) -> bytes:
    if value.buffer is None or value.buffer.data is None:
        return b""
    return sha256(value.buffer.data.tobytes()).digest()
