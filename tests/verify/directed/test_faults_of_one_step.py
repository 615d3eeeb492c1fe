"""What is off by one step inside a model is found, where samples of its inputs don't show it."""

from __future__ import annotations

import random

import pytest

from tests.support.in_process import InProcess
from tests.support.paths import TESTDATA, needs_tflm
from tests.support.steps import STEPS, Stepped
from tests.support.steps_shown import can_be_shown
from tflopt.config import Config
from tflopt.io import read_bytes, write_bytes
from tflopt.ir import Model, OpCode
from tflopt.ir.clone import clone
from tflopt.product.validation import validate_files
from tflopt.rules.pipeline import run_pipeline
from tflopt.run.samples import SampleOptions
from tflopt.verify.compare import Candidate, Verification, _Comparison, compare

pytestmark = [pytest.mark.runtime, needs_tflm]
CASES = [
    ("mobilenet_v2", "bias", OpCode.CONV_2D),
    ("ds_cnn", "bias", OpCode.DEPTHWISE_CONV_2D),
    ("ds_cnn", "weight", OpCode.CONV_2D),
    ("mobilenet_v2", "weight-scale", OpCode.CONV_2D),
    ("autoencoder", "bias", OpCode.FULLY_CONNECTED),
    ("autoencoder", "output-scale", OpCode.FULLY_CONNECTED),
    ("ds_cnn", "beta", OpCode.SOFTMAX),
]


def optimized(name: str) -> tuple[Model, Model]:
    original = read_bytes((TESTDATA / f"{name}.tflite").read_bytes())
    model = clone(original)
    run_pipeline(model, config=Config(plan=None))
    return original, model


def with_fault(model: Model, kind: str, code: OpCode) -> Model:
    """The first fault of a kind, in the order of seeds, that some input can show."""
    numbers = [n for n, op in enumerate(model.main.ops) if op.code is code]
    for seed in range(100):
        faulty, number = clone(model), numbers[seed % len(numbers)]
        put = STEPS[kind](faulty.main.ops[number], random.Random(seed))
        if put and can_be_shown(model, faulty, Stepped(kind, number)):
            return faulty
    raise AssertionError(f"no place for {kind}")


def verdict(original: Model, model: Model) -> Verification:
    pair = Candidate(original, write_bytes(original)), Candidate(model, write_bytes(model), True)
    return compare(*pair, runner=InProcess())


@pytest.mark.long
@pytest.mark.parametrize(("name", "kind", "code"), CASES)
def test_a_step_is_found(name: str, kind: str, code: OpCode) -> None:
    original, model = optimized(name)
    faulty = with_fault(model, kind, code)
    found = verdict(original, faulty)
    assert found.status == "different", found


def test_samples_of_the_inputs_alone_miss_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bias that is off by one, in front of the last layers: 32 inputs don't show it."""
    original, model = optimized("autoencoder")
    faulty = clone(model)
    number = len(model.main.ops) - 2
    assert STEPS["bias"](faulty.main.ops[number], random.Random(2))
    found = verdict(original, faulty)
    assert found.status == "different"
    assert found.mismatch is not None
    assert "on directed inputs" in found.mismatch.output
    assert found.mismatch.count == 1
    monkeypatch.setattr(_Comparison, "_may_direct", lambda *_: False)
    assert verdict(original, faulty).status == "identical"


def test_two_files_are_held_against_each_other_the_same_way() -> None:
    """The record of the rewriter is lost: tensors are matched by what stays of them."""
    original, model = optimized("mobilenet_v2")
    faulty = with_fault(model, "bias", OpCode.CONV_2D)
    files = [write_bytes(each) for each in (original, model, faulty)]
    one, good, bad = (Candidate(read_bytes(data), data) for data in files)
    assert validate_files(one, bad, runner=InProcess()).status == "different"
    same = validate_files(one, good, runner=InProcess())
    assert same.status == "identical"
    assert same.regions > 0


@pytest.mark.parametrize(
    ("name", "kind", "code"),
    [
        ("tcn_causal_dilated", "output-scale", OpCode.CONV_2D),
        ("inception", "weight-scale", OpCode.CONV_2D),
        ("ds_cnn", "output-scale", OpCode.DEPTHWISE_CONV_2D),
        ("ds_cnn", "bias", OpCode.DEPTHWISE_CONV_2D),
    ],
)
def test_a_step_is_found_in_two_files(name: str, kind: str, code: OpCode) -> None:
    """Where counts of a kind, or the elements of inner tensors, tell of the fault."""
    original, model = optimized(name)
    files = [write_bytes(each) for each in (original, with_fault(model, kind, code))]
    one, bad = (Candidate(read_bytes(data), data) for data in files)
    found = validate_files(one, bad, runner=InProcess(), samples=SampleOptions(4))
    assert found.status == "different", found


@pytest.mark.long
@pytest.mark.parametrize(
    "name", ["torch_cnn", "tcn_causal_dilated", "inception", "squeeze_excite", "conv1d_pairs"]
)
def test_two_files_without_a_fault_give_no_alarm(name: str) -> None:
    files = [write_bytes(each) for each in optimized(name)]
    one, good = (Candidate(read_bytes(data), data) for data in files)
    found = validate_files(one, good, runner=InProcess(), samples=SampleOptions(2))
    assert found.status == "identical", found
    assert not found.note


@pytest.mark.long
@pytest.mark.parametrize(
    "name", ["torch_cnn", "tcn_causal_dilated", "grouped_depthwise", "squeeze_excite", "unet"]
)
def test_without_a_fault_there_is_no_alarm(name: str) -> None:
    original, model = optimized(name)
    found = verdict(original, model)
    assert found.status == "identical", found
    assert found.regions > 0
    assert not found.note


@pytest.mark.unit
def test_what_is_the_same_needs_no_run() -> None:
    original, _ = optimized("resnet8")
    assert verdict(original, clone(original)).regions == 0
