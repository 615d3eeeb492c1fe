"""Outputs of TFLite_Detection_PostProcess count up to the number of detections that it found."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.graphs import Net
from tflopt.ir import DType, Model, OpCode, OperatorCode
from tflopt.run.runner import Outcome
from tflopt.run.samples import Array
from tflopt.verify.compare import _first_mismatch
from tflopt.verify.unwritten import DETECTION, written

pytestmark = pytest.mark.unit


def detector(outputs: int = 4) -> Model:
    n = Net()
    entry = OperatorCode(int(OpCode.CUSTOM), custom_code=DETECTION)
    shapes = [(1, 3, 4), (1, 3), (1, 3), (1,)][:outputs]
    n.output(*n.custom(entry, [n.feed(1, 8)], shapes, dtype=DType.FLOAT32))
    return n.model


def outcome(count: int, rest: float, score: float = 0.5) -> list[Array]:
    """Two detections at most are right, the rest is what was in memory."""
    boxes = np.full((1, 3, 4), rest, np.float32)
    classes, scores = np.full((1, 3), rest, np.float32), np.full((1, 3), rest, np.float32)
    boxes[:, :count], classes[:, :count], scores[:, :count] = 1.0, 7.0, score
    return [boxes, classes, scores, np.array([count], np.float32)]


def differs(one: list[Array], other: list[Array]) -> bool:
    return _first_mismatch(Outcome([one]), Outcome([other]), detector(), "tflm") is not None


def test_what_lies_past_the_count_does_not_matter() -> None:
    assert not differs(outcome(2, 0.0), outcome(2, -9.5))
    assert not differs(outcome(0, 0.0), outcome(0, 3.0))


def test_everything_up_to_the_count_matters_and_the_count_itself() -> None:
    assert differs(outcome(2, 0.0), outcome(2, 0.0, score=0.25))
    assert differs(outcome(2, 0.0), outcome(1, 0.0))
    assert differs(outcome(3, 0.0), outcome(3, 0.0, score=0.25))


def test_without_the_count_everything_matters() -> None:
    model = detector(3)
    outputs = outcome(1, 4.0)[:3]
    assert all(np.array_equal(a, b) for a, b in zip(written(model, outputs), outputs, strict=True))
