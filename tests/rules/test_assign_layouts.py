from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tests.support.check_rule import apply, check_rule
from tests.support.graphs import QUANT, Net
from tflopt.config import Goal
from tflopt.facts.work import moved_bytes
from tflopt.ir import DType, Model, OpCode, Padding, Quantization, Value
from tflopt.ir.clone import clone
from tflopt.ir.options import (
    AddOptions,
    Conv2DOptions,
    FullyConnectedOptions,
    MulOptions,
    ReducerOptions,
    ResizeNearestNeighborOptions,
    SoftmaxOptions,
    StridedSliceOptions,
    TransposeConvOptions,
)
from tflopt.ir.text import dump
from tflopt.rules.movement.assign_layouts import AssignLayouts
from tflopt.target.cortex_m import Target
from tflopt.target.device import Device
from tflopt.target.hazards import find_hazards

pytestmark = pytest.mark.runtime
RULE = AssignLayouts()
FEWEST_COPIES = AssignLayouts(goal=Goal.MEMORY)
"""Copies count, whatever that makes of the kernels' speed."""


def codes(model: Model) -> list[str]:
    return [op.opcode.label for op in model.main.ops]


def to_nhwc(n: Net, x: Value) -> Value:
    return n.transpose(x, 0, 2, 3, 1)


def to_nchw(n: Net, x: Value) -> Value:
    return n.transpose(x, 0, 3, 1, 2)


def repeat(n: Net, x: Value) -> Value:
    """Each element along the width twice."""
    _, h, w, c = x.shape
    inputs = [x, n.constant([h, 2 * w])]
    options = ResizeNearestNeighborOptions()
    return n.op(OpCode.RESIZE_NEAREST_NEIGHBOR, inputs, (1, h, 2 * w, c), options=options)


def test_layers_on_signals_keep_four_dimensions() -> None:
    """RESHAPE is left where the model begins and ends."""
    n = Net()
    x = n.reshape(n.feed(1, 8, 4), 1, 1, 8, 4)
    x = n.relu(n.squeeze(repeat(n, x), 1))
    x = n.expand(n.pad(x, (0, 0), (2, 0), (0, 0)), 1)
    n.output(n.squeeze(repeat(n, x), 1))
    check_rule(
        n.model,
        RULE,
        """
        graph(%0: i8[1,8,4]{0.05,3}) -> %6
          %1: i8[1,1,8,4]{0.05,3} = RESHAPE(%0, [1, 1, 8, 4]) new_shape=[1, 1, 8, 4]
          %2: i8[1,1,16,4]{0.05,3} = RESIZE_NEAREST_NEIGHBOR(%1, [1, 16])
          %3: i8[1,1,16,4]{0.05,3} = RELU(%2)
          %4: i8[1,1,18,4]{0.05,3} = PAD(%3, [0, 0, 0, 0, 2, 0, 0, 0])
          %5: i8[1,1,36,4]{0.05,3} = RESIZE_NEAREST_NEIGHBOR(%4, [1, 36])
          %6: i8[1,36,4]{0.05,3} = SQUEEZE(%5) squeeze_dims=[1]
        """,
        hits=1,
    )


def test_a_residual_in_the_exporters_layout() -> None:
    """Channels first around every layer; the sum of both branches needs no TRANSPOSE."""
    n = Net()
    x = n.feed(1, 4, 4, 6)
    y = n.relu(to_nchw(n, n.conv(x, 6)))
    z = to_nchw(n, n.conv(to_nhwc(n, y), 6))
    n.output(n.conv(to_nhwc(n, n.add(y, z)), 2))
    copy = check_rule(n.model, RULE, hits=1)
    assert codes(copy) == ["CONV_2D", "RELU", "CONV_2D", "ADD", "CONV_2D"]


def test_the_smaller_tensor_is_copied() -> None:
    """Where a TRANSPOSE must be, it stands where the fewest bytes pass."""
    n = Net()
    x = n.relu(to_nchw(n, n.conv(n.feed(1, 4, 4, 8), 8)))
    n.output(n.slice(x, (0, 0, 0, 0), (1, 2, 4, 4)))
    copy = check_rule(n.model, RULE, hits=1)
    assert codes(copy) == ["CONV_2D", "RELU", "SLICE", "TRANSPOSE"]
    assert [moved_bytes(op) for op in copy.main.ops] == [0, 0, 32, 32]


def broadcast(n: Net, x: Value) -> Value:
    constant = n.constant(np.arange(-3, 3).reshape(1, 6, 1, 1), DType.INT8, quant=(0.02, 0))
    return n.op(OpCode.MUL, [constant, x], x.shape, options=MulOptions(), quant=QUANT)


def vector(n: Net, x: Value) -> Value:
    constant = n.constant(np.arange(4), DType.INT8, quant=(0.02, 0))
    return n.op(OpCode.ADD, [x, constant], x.shape, options=AddOptions(), quant=QUANT)


def prelu(n: Net, x: Value) -> Value:
    alpha = n.constant(np.arange(6).reshape(6, 1, 1), DType.INT8, quant=(0.1, 0))
    return n.op(OpCode.PRELU, [x, alpha], x.shape)


def pads(n: Net, x: Value) -> Value:
    return n.pad(x, (0, 0), (1, 2), (0, 1), (0, 0))


def slices(n: Net, x: Value) -> Value:
    return n.slice(x, (0, 2, 0, 1), (1, 3, 4, 2))


def strides(n: Net, x: Value) -> Value:
    inputs = [x, *(n.constant(table) for table in ([0, 1, 9, 0], [1, 6, 0, 4], [1, 2, 1, 3]))]
    options = StridedSliceOptions(begin_mask=4, end_mask=4)
    return n.op(OpCode.STRIDED_SLICE, inputs, (1, 3, 4, 2), options=options)


def concatenates(n: Net, x: Value) -> Value:
    more = n.constant(np.arange(48).reshape(1, 3, 4, 4), DType.INT8, quant=x.quant)
    return n.concat(x, x, more, axis=1)


def splits(n: Net, x: Value) -> Value:
    first, second = n.split(x, 2, axis=1)
    return n.add(second, first)


def averages(n: Net, x: Value) -> Value:
    inputs = [x, n.constant([2])]
    options = ReducerOptions(keep_dims=True)
    return n.op(OpCode.MEAN, inputs, (1, 6, 1, 4), options=options, quant=(0.04, 1))


def quantizes(n: Net, x: Value) -> Value:
    return n.op(OpCode.QUANTIZE, [x], x.shape, quant=(0.1, -2))


@pytest.mark.parametrize(
    "between",
    [
        broadcast,
        vector,
        prelu,
        pads,
        slices,
        strides,
        concatenates,
        splits,
        averages,
        quantizes,
    ],
    ids=lambda build: build.__name__,
)
def test_no_transpose_around(between: Callable[[Net, Value], Value]) -> None:
    """(1, 4, 4, 6) in the layers, (1, 6, 4, 4) in between."""
    n = Net()
    x = to_nchw(n, n.conv(n.feed(1, 4, 4, 6), 6))
    n.output(n.conv(to_nhwc(n, between(n, x)), 2))
    copy = check_rule(n.model, RULE, hits=1)
    assert "TRANSPOSE" not in codes(copy)


def test_softmax_along_the_channels_alone() -> None:
    n = Net()
    x = n.conv(n.feed(1, 4, 4, 6), 6)
    options = SoftmaxOptions(1.0)
    x = n.transpose(x, 0, 2, 1, 3)
    x = n.op(OpCode.SOFTMAX, [x], x.shape, options=options, quant=(1 / 256, -128))
    n.output(n.conv(n.transpose(x, 0, 2, 1, 3), 2))
    assert codes(check_rule(n.model, RULE, hits=1)) == ["CONV_2D", "SOFTMAX", "CONV_2D"]


def test_a_dense_layer_takes_its_columns_along() -> None:
    n = Net()
    x = to_nchw(n, n.conv(n.feed(1, 2, 3, 4), 5))
    n.output(n.dense(x, 4))
    copy = check_rule(n.model, RULE, hits=1)
    assert codes(copy) == ["CONV_2D", "FULLY_CONNECTED"]


def test_shared_columns_stay() -> None:
    """Weights that a second layer reads would be stored twice."""
    n = Net()
    x = n.conv(n.feed(1, 2, 3, 4), 5)
    y = n.dense(to_nchw(n, x), 4)
    n.output(y)
    weights = n.graph.ops[-1].inputs[1]
    options = FullyConnectedOptions()
    second = n.op(
        OpCode.FULLY_CONNECTED, [x, weights, None], (1, 4), options=options, quant=QUANT, version=4
    )
    n.output(second)
    check_declines_here(n.model, "FULLY_CONNECTED takes")


def test_rows_of_a_dense_layer() -> None:
    """Dense on a sequence, which converters write with RESHAPE to a matrix."""
    n = Net()
    x = n.conv(n.feed(1, 1, 8, 4), 3)
    x = n.dense(n.reshape(x, 8, 3), 3, rows=8)
    n.output(n.relu(n.reshape(n.relu(x), 1, 1, 8, 3)))
    copy = check_rule(n.model, RULE, hits=1)
    assert codes(copy) == ["CONV_2D", "FULLY_CONNECTED", "RELU", "RELU"]


def test_rows_stay_a_matrix_where_a_kernel_would_stop() -> None:
    """Builds with assertions stop at more than two dimensions (facts G2)."""
    n = Net()
    x = n.conv(n.feed(1, 1, 8, 4), 4)
    x = n.dense(n.reshape(x, 8, 4), 3, rows=8)
    n.output(n.relu(n.reshape(n.relu(x), 1, 1, 8, 3)))
    copy = check_rule(n.model, RULE, hits=1)
    assert codes(copy).count("RESHAPE") == 1
    assert not find_hazards(copy, Device())


def test_mean_keeps_or_drops_what_its_readers_want() -> None:
    n = Net()
    x = n.squeeze(n.conv(n.feed(1, 1, 8, 4), 4), 1)
    inputs = [x, n.constant([1])]
    x = n.op(OpCode.MEAN, inputs, (1, 4), options=ReducerOptions(False), quant=QUANT)
    n.output(n.conv(n.reshape(x, 1, 1, 1, 4), 2, (1, 1)))
    copy = check_rule(n.model, FEWEST_COPIES, hits=1)
    assert codes(copy) == ["CONV_2D", "MEAN", "CONV_2D"]


def test_fewer_copies_are_no_gain_where_a_kernel_gets_slower() -> None:
    """TFLM's reductions check every axis for every element: one more costs more than a view."""
    n = Net()
    x = n.squeeze(n.conv(n.feed(1, 1, 64, 16), 16), 1)
    inputs = [x, n.constant([1])]
    n.output(n.op(OpCode.REDUCE_MAX, inputs, (1, 16), options=ReducerOptions(False)))
    assert not apply(clone(n.model), RULE).hits
    copy = check_rule(n.model, FEWEST_COPIES, hits=1)
    assert codes(copy) == ["CONV_2D", "REDUCE_MAX"]


def test_a_picked_index_keeps_or_drops_its_axis() -> None:
    n = Net()
    x = n.squeeze(n.conv(n.feed(1, 1, 8, 4), 4), 1)
    inputs = [x, *(n.constant(table) for table in ([0, -3, 0], [1, -2, 4], [1, 1, 1]))]
    options = StridedSliceOptions(begin_mask=5, end_mask=5, shrink_axis_mask=2)
    x = n.op(OpCode.STRIDED_SLICE, inputs, (1, 4), options=options)
    n.output(n.conv(n.reshape(x, 1, 1, 1, 4), 2, (1, 1)))
    copy = check_rule(n.model, RULE, hits=1)
    assert codes(copy) == ["CONV_2D", "STRIDED_SLICE", "CONV_2D"]


def strided(n: Net, x: Value, kernel: tuple[int, int], stride: tuple[int, int]) -> Value:
    _, h, w, c = x.shape
    rng = np.random.default_rng(1)
    weights = n.constant(
        rng.integers(-127, 128, (6, *kernel, c)),
        DType.INT8,
        quant=Quantization.per_channel([0.01] * 6, 0),
    )
    options = Conv2DOptions(Padding.SAME, stride[1], stride[0])
    shape = (1, -(-h // stride[0]), -(-w // stride[1]), 6)
    inputs = [x, weights, n.constant(np.zeros(6))]
    return n.op(OpCode.CONV_2D, inputs, shape, options=options, quant=QUANT, version=3)


def wrong_on_mve() -> Model:
    """Conv1D(6, 5, strides=2, padding='same') on (20, 4): facts G1."""
    n = Net()
    x = n.reshape(n.feed(1, 20, 4), 1, 1, 20, 4)
    n.output(n.squeeze(strided(n, x, (1, 5), (1, 2)), 1))
    return n.model


def test_off_the_path_that_is_wrong_on_mve() -> None:
    copy = check_rule(wrong_on_mve(), RULE, hits=1)
    assert not find_hazards(copy, Device())
    conv = copy.main.ops[1]
    assert conv.output.shape == (1, 10, 1, 6)


@pytest.mark.parametrize("rule", [AssignLayouts(Device(Target.parse("cortex-m4")))])
def test_elsewhere_that_layer_stays(rule: AssignLayouts) -> None:
    model = wrong_on_mve()
    before = dump(model)
    apply(model, rule)
    assert dump(model) == before


def test_off_the_path_even_for_a_copy() -> None:
    """Between layers that can't turn, correctness costs two RESHAPE."""
    n = Net()
    x = strided(n, n.feed(1, 1, 20, 4), (1, 5), (1, 2))
    n.output(x)
    copy = check_rule(n.model, RULE, hits=1)
    assert codes(copy) == ["RESHAPE", "CONV_2D", "RESHAPE"]
    kept = clone(n.model)
    assert not apply(kept, AssignLayouts(route_around=False)).hits


def test_a_signal_turns_to_the_faster_kernel() -> None:
    """(N, T, 1, C) with a Kx1 kernel becomes (N, 1, T, C); the RESHAPE around costs the same."""
    n = Net()
    x = n.reshape(n.feed(1, 64, 8), 1, 64, 1, 8)
    x = n.conv(n.conv(x, 8, (3, 1)), 8, (3, 1))
    n.output(n.reshape(x, 1, 64, 8))
    copy = check_rule(n.model, RULE, hits=1)
    assert [op.output.shape for op in copy.main.ops[1:3]] == [(1, 1, 64, 8)] * 2


def wide_transpose_conv(n: Net, x: Value) -> Value:
    """From (1, 4, 3, 4) to (1, 8, 9, 3)."""
    weights = n.constant(
        np.random.default_rng(1).integers(-127, 128, (3, 2, 3, 4)),
        DType.INT8,
        quant=Quantization.per_channel([0.01] * 3, 0),
    )
    shape = (1, 8, 9, 3)
    return n.op(
        OpCode.TRANSPOSE_CONV,
        [n.constant(shape), weights, x],
        shape,
        options=TransposeConvOptions(Padding.SAME, stride_w=3, stride_h=2),
        quant=QUANT,
        dtype=DType.INT8,
    )


def test_transposed_convolution_turns_its_shape_along() -> None:
    n = Net()
    x = n.conv(n.feed(1, 3, 4, 4), 4)
    x = n.transpose(x, 0, 2, 1, 3)
    n.output(n.conv(n.feed(1, 24, 24, 9), 1))  # the arena's peak is here
    x = wide_transpose_conv(n, x)
    n.output(n.conv(n.transpose(x, 0, 2, 1, 3), 2))
    copy = check_rule(n.model, RULE, hits=1)
    assert "TRANSPOSE" not in codes(copy)
    turned = next(op for op in copy.main.ops if op.code is OpCode.TRANSPOSE_CONV)
    assert turned.output.shape == (1, 9, 8, 3)


def check_declines_here(model: Model, reason: str) -> None:
    """Nothing changes, and the TRANSPOSE or RESHAPE that is left has its reason."""
    before = dump(model)
    trace = apply(model, RULE)
    assert dump(model) == before
    assert any(reason in miss.reason for miss in trace.near_misses), trace.near_misses
