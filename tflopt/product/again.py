"""Rewriting a model once more, to know the tensors of a file that tflopt made of it before."""

from __future__ import annotations

from collections.abc import Iterator

from tflopt.config import Config
from tflopt.errors import TfloptError
from tflopt.ir import Model
from tflopt.ir.clone import clone
from tflopt.product.annotate import applied_rules
from tflopt.rules.pipeline import Selection, run_pipeline
from tflopt.target.annotation import METADATA_NAME, Annotation, decode
from tflopt.target.device import Device
from tflopt.target.memory import PlanRequest


def rewritten_again(original: Model, optimized: Model) -> Iterator[Model]:
    """What tflopt makes of the original, with the rules that the annotation names, and with all."""
    note = _annotation(optimized)
    device = _device(note)
    rules = [None] if note is None else [applied_rules(note), None]
    for only in rules:
        for request in (None, PlanRequest()):
            model = clone(original)
            try:
                run_pipeline(model, Selection(only), Config(device=device, plan=request))
            except TfloptError:
                continue
            yield model


def _annotation(model: Model) -> Annotation | None:
    for entry in model.metadata or ():
        if entry.name == METADATA_NAME and entry.buffer.data is not None:
            try:
                return decode(entry.buffer.data.tobytes())
            except TfloptError:
                return None
    return None


def _device(note: Annotation | None) -> Device:
    if note is None:
        return Device()
    try:
        return Device.of(note.target, note.cmsis_nn)
    except TfloptError:
        return Device()
