from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from tests.support.graphs import Net
from tests.support.paths import TESTDATA, needs_tflm
from tflopt.config import Config, IoLayout
from tflopt.errors import MismatchError
from tflopt.io import read, read_bytes, write_bytes
from tflopt.ir import Model, Origin, Quantization
from tflopt.ir.clone import clone
from tflopt.product.optimize import Settings, optimize_file_bytes
from tflopt.rewrite import Trace, run_model_rule
from tflopt.rules.movement.assign_layouts import AssignLayouts
from tflopt.rules.pipeline import Selection
from tflopt.run.samples import SampleOptions
from tflopt.verify.compare import Candidate, compare
from tflopt.verify.interface import (
    PortChange,
    check_interface,
    port_changes,
    rearranged_inputs,
    rearranged_outputs,
)

pytestmark = pytest.mark.unit
NHWC = Settings(config=Config(io_layout=IoLayout.NHWC), samples=SampleOptions(8))


def quantized(scale: float = 0.05, zero: int = 3, axis: int | None = None) -> Model:
    n = Net()
    x = n.conv(n.feed(1, 4, 4, 3), 2)
    n.output(x)
    x.quant = Quantization.per_tensor(scale, zero)
    if axis is not None:
        x.quant = Quantization.per_channel([scale] * x.shape[axis], axis)
    return n.model


@pytest.mark.parametrize(
    ("one", "two", "reason"),
    [
        (quantized(), quantized(0.0500001), "another scale: 0.0500000007 and 0.0500001"),
        (quantized(), quantized(zero=4), "another zero point: 3 and 4"),
        (quantized(axis=1), quantized(axis=2), "its scales along axis 2, not 1"),
        (quantized(axis=1), quantized(), "another scale"),
    ],
)
def test_the_quantization_of_an_interface_counts(one: Model, two: Model, reason: str) -> None:
    """Each was "identical": the bytes are, and the firmware reads other numbers."""
    with pytest.raises(MismatchError, match=reason):
        check_interface(one, two, may_rearrange=False)
    verdict = compare(Candidate(one, b""), Candidate(two, b""))
    assert verdict.status == "different"
    assert reason in str(verdict.mismatch)


def test_an_interface_that_lost_its_quantization() -> None:
    one, two = quantized(), quantized()
    two.main.outputs[0].quant = None
    with pytest.raises(MismatchError, match="lost or gained"):
        check_interface(one, two, may_rearrange=False)


def test_one_zero_point_stands_for_all_channels() -> None:
    one, two = quantized(axis=3), quantized(axis=3)
    quant = two.main.outputs[0].quant
    assert quant is not None
    two.main.outputs[0].quant = replace(quant, zero_point=np.zeros(1, np.int64))
    check_interface(one, two, may_rearrange=False)


def channels_first() -> Model:
    n = Net()
    x = n.conv(n.transpose(n.feed(1, 3, 4, 5), 0, 2, 3, 1), 2)
    n.output(n.transpose(x, 0, 3, 1, 2))
    return read_bytes(write_bytes(n.model))


def channels_last(model: Model) -> Model:
    copy = clone(model)
    assert run_model_rule(copy, AssignLayouts(io_layout=IoLayout.NHWC), Trace())
    return copy


def test_what_the_caller_must_change() -> None:
    model = channels_first()
    assert port_changes(model, channels_last(model)) == (
        PortChange("input", 0, "input0", (1, 3, 4, 5), (1, 4, 5, 3), (0, 2, 3, 1)),
        PortChange("output", 0, "t7", (1, 2, 4, 5), (1, 4, 5, 2), (0, 2, 3, 1)),
    )


def test_the_permutation_makes_the_new_input() -> None:
    model = channels_first()
    copy = channels_last(model)
    data = np.arange(60, dtype=np.int8).reshape(1, 3, 4, 5)
    change = port_changes(model, copy)[0]
    [[found]] = rearranged_inputs(copy, [[data]])
    assert np.array_equal(found, data.transpose(change.permutation).reshape(change.after))
    assert np.array_equal(found, np.moveaxis(data, 1, 3))


def test_outputs_likewise() -> None:
    copy = channels_last(channels_first())
    data = np.arange(40, dtype=np.int8).reshape(1, 2, 4, 5)
    [[found]] = rearranged_outputs(copy, [[data]])
    assert np.array_equal(found, np.moveaxis(data, 1, 3))


def test_only_where_it_is_allowed() -> None:
    model = channels_first()
    copy = channels_last(model)
    check_interface(model, copy, may_rearrange=True)
    with pytest.raises(MismatchError, match="different inputs"):
        check_interface(model, copy, may_rearrange=False)


def test_an_unrelated_shape_is_a_difference() -> None:
    model = channels_first()
    copy = channels_last(model)
    copy.main.inputs[0].origin = None
    with pytest.raises(MismatchError, match="different inputs"):
        check_interface(model, copy, may_rearrange=True)


@needs_tflm
@pytest.mark.runtime
def test_both_are_compared_through_the_permutation() -> None:
    model = channels_first()
    copy = channels_last(model)
    candidates = (
        Candidate(model, write_bytes(model)),
        Candidate(copy, write_bytes(copy), derived=True, may_rearrange=True),
    )
    verdict = compare(*candidates, runner="tflm", options=SampleOptions(6))
    assert verdict.status == "identical", verdict
    assert verdict.tensors == 1


@needs_tflm
@pytest.mark.runtime
def test_a_wrong_permutation_is_found() -> None:
    """Height and width exchanged in the record: the data no longer fits."""
    model = channels_first()
    copy = channels_last(model)
    origin = copy.main.inputs[0].origin
    assert origin is not None
    copy.main.inputs[0].origin = Origin(0, origin.tensor, (3, 4, 5), (2, 1, 0))
    second = Candidate(copy, write_bytes(copy), derived=True, may_rearrange=True)
    verdict = compare(
        Candidate(model, write_bytes(model)), second, runner="tflm", options=SampleOptions(6)
    )
    assert verdict.status == "different"


@needs_tflm
@pytest.mark.runtime
def test_an_inner_tensor_in_another_order_is_compared() -> None:
    """RELU ran channels first and runs channels last; a wrong record of that is found."""
    n = Net()
    x = n.relu(n.transpose(n.conv(n.feed(1, 4, 5, 3), 2), 0, 3, 1, 2))
    n.output(n.conv(n.transpose(x, 0, 2, 3, 1), 2))
    model = read_bytes(write_bytes(n.model))
    copy = clone(model)
    assert run_model_rule(copy, AssignLayouts(), Trace())
    relu = copy.main.ops[1].output
    assert relu.origin is not None
    assert relu.origin.perm == (1, 2, 0)
    first = Candidate(model, write_bytes(model))
    for perm, status in (((1, 2, 0), "identical"), ((1, 0, 2), "different")):
        relu.origin = Origin(0, relu.origin.tensor, relu.origin.dims, perm)
        second = Candidate(copy, write_bytes(copy), derived=True)
        verdict = compare(first, second, runner="tflm", options=SampleOptions(6))
        assert verdict.status == status, verdict


@needs_tflm
@pytest.mark.runtime
@pytest.mark.parametrize("name", ["torch_cnn", "torch_tcn"])
def test_no_transpose_with_nhwc(name: str) -> None:
    path = TESTDATA / f"{name}.tflite"
    result = optimize_file_bytes(read(path), path.read_bytes(), NHWC)
    assert result.verification is not None
    assert result.verification.status == "identical"
    assert len(port_changes(result.original, result.model)) == 2
    # A MEAN as CONV_2D turns its own input, whatever the layout: RESHAPE, TRANSPOSE, CONV_2D.
    labels = Counter(op.opcode.label for op in result.model.ops())
    means = result.trace.counts["mean-to-convolution"]
    joined = result.trace.counts["fold-stride-into-channels"]  # by a RESHAPE in place
    assert (labels["TRANSPOSE"], labels["RESHAPE"]) == (means, means + joined)
    assert labels["SLICE"] == 0
    # They write views of their own.
    shaping = {"mean-to-convolution", "flatten-mean", "fold-stride-into-channels"}
    without = replace(NHWC, samples=None, selection=Selection(disable=shaping))
    plain = optimize_file_bytes(read(path), path.read_bytes(), without)
    assert not {op.opcode.label for op in plain.model.ops()} & {"TRANSPOSE", "RESHAPE", "SLICE"}
