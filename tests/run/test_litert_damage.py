"""Models by which LiteRT damages its own memory aren't run on it."""

from __future__ import annotations

import pytest

from tests.support.paths import TESTDATA, needs_litert, needs_tflm
from tflopt.errors import RunnerError
from tflopt.io import read, write_bytes
from tflopt.ir import DType, Model, OpCode
from tflopt.run.runner import LITERT_DEFAULT, LITERT_OPTIMIZED, HostRunner, Work
from tflopt.run.samples import SampleOptions, make_samples
from tflopt.verify.compare import Candidate
from tflopt.verify.default_path import run_default_path

pytestmark = pytest.mark.runtime


def with_state_of(dtype: DType) -> Model:
    model = read(TESTDATA / "svdf.tflite")
    for op in model.ops():
        if op.code is OpCode.SVDF:
            op.operand(4).dtype = dtype
    return model


def work_on(model: Model, samples: int) -> Work:
    return Work(model, write_bytes(model), make_samples(model, SampleOptions(samples)))


@pytest.mark.parametrize("name", ["litert", LITERT_OPTIMIZED, LITERT_DEFAULT])
def test_an_svdf_with_an_int8_state_is_not_run(name: str) -> None:
    """It hung ``optimize`` of keyword_scrambled_8bit, or killed the process, or went well."""
    with pytest.raises(RunnerError, match=r"writes past the int8 state of SVDF \(operator \d"):
        HostRunner(name).start(work_on(with_state_of(DType.INT8), 1))


@needs_litert
def test_the_default_path_tells_why_it_is_not_compared() -> None:
    model = with_state_of(DType.INT8)
    candidate = Candidate(model, write_bytes(model))
    outcome, why = run_default_path(candidate, candidate, SampleOptions(1))
    assert outcome is None
    assert "int8 state" in why


@needs_litert
@needs_tflm
@pytest.mark.parametrize("name", ["tflm", "litert"])
def test_one_of_int16_is_run(name: str) -> None:
    with HostRunner(name).start(work_on(with_state_of(DType.INT16), 1)) as run:
        assert run.outcome().outputs
