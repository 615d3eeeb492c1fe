"""assign-layouts: what it leaves, and says why."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.rules.test_assign_layouts import (
    FEWEST_COPIES,
    RULE,
    check_declines_here,
    codes,
    to_nchw,
    to_nhwc,
    wide_transpose_conv,
)
from tests.support.check_rule import apply, check_leaves_alone, check_rule, check_same_outputs
from tests.support.graphs import QUANT, Net
from tests.support.paths import TESTDATA
from tflopt.config import IoLayout
from tflopt.io import read
from tflopt.ir import DType, Model, OpCode, Quantization
from tflopt.ir.clone import clone
from tflopt.ir.options import (
    ReducerOptions,
)
from tflopt.layout.peak import live_bytes
from tflopt.rules.constants.remove_dead import RemoveDead
from tflopt.rules.movement.assign_layouts import AssignLayouts
from tflopt.target.device import Device
from tflopt.target.sharing import Sharing

pytestmark = pytest.mark.runtime


def from_the_caller() -> Model:
    n = Net()
    n.output(n.conv(to_nhwc(n, n.feed(1, 3, 4, 5)), 2))
    return n.model


def to_the_caller() -> Model:
    n = Net()
    n.output(to_nchw(n, n.conv(n.feed(1, 3, 4, 5), 2)))
    return n.model


def merged_axes() -> Model:
    n = Net()
    x = n.reshape(n.conv(n.feed(1, 3, 4, 5), 2), 1, 12, 2)
    n.output(n.relu(x))
    return n.model


def two_layouts() -> Model:
    """A convolution over the channels' axis must have them elsewhere."""
    n = Net()
    x = n.conv(n.feed(1, 3, 4, 5), 6)
    n.output(n.conv(n.transpose(x, 0, 3, 1, 2), 2, (3, 3)))
    return n.model


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (from_the_caller, "the caller feeds [1, 3, 4, 5], CONV_2D reads [1, 4, 5, 3]"),
        (to_the_caller, "the caller reads [1, 2, 3, 4], CONV_2D writes [1, 3, 4, 2]"),
        (merged_axes, "[1, 3, 4, 2] to [1, 12, 2] merges or splits axes"),
        (two_layouts, "any other place would move as much or more"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_says_why_a_copy_is_left(build: Callable[[], Model], reason: str) -> None:
    check_declines_here(build(), reason)


def test_leaves_alone_what_has_no_copies() -> None:
    n = Net()
    n.output(n.conv(n.relu(n.conv(n.feed(1, 4, 4, 3), 4)), 2))
    check_leaves_alone(n.model, RULE)


def test_sums_of_floats_keep_their_order() -> None:
    """MEAN of floats reads its input as it was."""
    n = Net()
    x = n.transpose(
        n.op(OpCode.DEQUANTIZE, [n.feed(1, 3, 4, 5)], (1, 3, 4, 5), dtype=DType.FLOAT32), 0, 2, 1, 3
    )
    inputs = [x, n.constant([1, 2])]
    n.output(n.op(OpCode.MEAN, inputs, (1, 5), options=ReducerOptions(False)))
    apply(n.model, RULE)
    assert codes(n.model) == ["TRANSPOSE", "DEQUANTIZE", "MEAN"], "int8 is a quarter as large"
    assert n.graph.ops[-1].inputs[0] is not None
    assert n.graph.ops[-1].inputs[0].shape == (1, 4, 3, 5)


def test_another_quantization_is_no_mere_view() -> None:
    n = Net()
    x = n.reshape(n.relu(n.feed(1, 4, 3)), 1, 1, 4, 3, quant=(0.1, 7))
    n.output(n.squeeze(n.relu(x), 1))
    copy = clone(n.model)
    apply(copy, RULE)
    assert [v.quant for op in copy.main.ops for v in op.outputs if op.opcode.label == "RELU"] == [
        Quantization.per_tensor(*QUANT),
        Quantization.per_tensor(0.1, 7),
    ]
    check_same_outputs(n.model, copy)


def test_an_open_batch_stays_where_it_is() -> None:
    """A dimension that a caller may resize is no mere 1."""
    n = Net()
    x = n.feed(1, 8, 4)
    views = [x, n.reshape(x, 1, 1, 8, 4)]
    views.append(n.relu(views[1]))
    views.append(n.reshape(views[2], 1, 8, 4))
    for value in views:
        value.extra.shape_signature = (-1, *value.shape[1:])
    n.output(n.relu(views[3]))
    copy = check_rule(n.model, RULE, hits=1, runners=["tflm"])
    assert codes(copy) == ["RELU", "RELU"]
    assert copy.main.ops[0].output.extra.shape_signature == (-1, 8, 4)


def test_the_arena_never_grows() -> None:
    """Turned, this TRANSPOSE_CONV needs more scratch than anything that was alive before."""
    n = Net()
    x = n.conv(n.feed(1, 3, 4, 4), 4)
    x = n.transpose(x, 0, 2, 1, 3)
    x = wide_transpose_conv(n, x)
    n.output(n.conv(n.transpose(x, 0, 2, 1, 3), 2))
    before = max(live_bytes(n.graph, Device(), Sharing.OVERLAPPING))
    apply(n.model, RULE)
    assert max(live_bytes(n.graph, Device(), Sharing.OVERLAPPING)) <= before


def test_two_outputs_of_the_same_elements_stay_two() -> None:
    n = Net()
    x = n.relu(n.feed(1, 4, 3))
    n.output(x, n.reshape(n.reshape(x, 4, 3), 1, 4, 3))
    copy = check_rule(n.model, RULE, hits=1)
    assert codes(copy) == ["RELU", "RESHAPE"]


def test_an_output_that_is_read_on_keeps_its_shape() -> None:
    n = Net()
    x = n.squeeze(n.conv(n.feed(1, 1, 8, 4), 4), 1)
    n.output(x, n.conv(n.expand(x, 1), 2))
    copy = check_rule(n.model, RULE, hits=1)
    assert [value.shape for value in copy.main.outputs] == [(1, 8, 4), (1, 1, 8, 2)]
    assert codes(copy) == ["CONV_2D", "CONV_2D", "RESHAPE"]


def test_the_caller_may_take_over() -> None:
    n = Net()
    x = n.conv(to_nhwc(n, n.feed(1, 3, 4, 5)), 2)
    n.output(to_nchw(n, x))
    copy = clone(n.model)
    apply(copy, AssignLayouts(io_layout=IoLayout.NHWC))
    assert codes(copy) == ["CONV_2D"]
    assert copy.main.inputs[0].shape == (1, 4, 5, 3)
    assert copy.main.outputs[0].shape == (1, 4, 5, 2)


@pytest.mark.parametrize(
    ("name", "inside"),
    [
        ("tcn_causal_dilated", 0),
        ("wav2letter", 0),
        ("conv1d_pairs", 0),
        ("har_cnn", 0),
        ("transposed_separable1d", 0),
        ("upsampling1d_split", 0),
        ("conv1d_stride2", 0),
    ],
)
def test_no_copy_inside_of_the_test_models(name: str, inside: int) -> None:
    """What is left reads an input or writes an output of the model."""
    model = read(TESTDATA / f"{name}.tflite")
    apply(model, FEWEST_COPIES)
    apply(model, RemoveDead())
    found = [
        op
        for op in model.main.ops
        if op.opcode.label in ("RESHAPE", "SQUEEZE", "EXPAND_DIMS", "TRANSPOSE")
        and not (op.input(0) in model.main.inputs or op.output.is_graph_output)
        and not all(user.code is OpCode.SOFTMAX for user in op.output.users)
        and not all(user.code is OpCode.FULLY_CONNECTED for user in op.output.users)
    ]
    assert len(found) == inside
