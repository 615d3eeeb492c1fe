"""Open dimensions (-1): shapes that a model computes, and what is said of those that stay open."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.cli import Cli
from tests.support.field import field_case
from tests.support.graphs import Net
from tests.support.kit import Kit
from tests.support.paths import needs_litert
from tflopt.errors import ModelError
from tflopt.facts.open_shapes import open_inputs, settle
from tflopt.io import read, read_bytes, write_bytes
from tflopt.ir import DType, Model, OpCode, Options, Padding, Value
from tflopt.ir.clone import clone
from tflopt.ir.options import (
    BatchMatMulOptions,
    BatchToSpaceNDOptions,
    GatherOptions,
    PackOptions,
    ReducerOptions,
    ShapeOptions,
    SoftmaxOptions,
    SpaceToBatchNDOptions,
    StridedSliceOptions,
)
from tflopt.product.optimize import Settings, optimize_file_bytes
from tflopt.product.validation import validate
from tflopt.rules.pipeline import run_pipeline
from tflopt.target.runs import runs_on_tflm

pytestmark = pytest.mark.runtime


def integers(n: Net, code: OpCode, inputs: list[Value], *shape: int, options: Options) -> Value:
    value = n.op(code, inputs, shape, options=options, dtype=DType.INT32)
    value.quant = None
    return value


def sequence(batch: int = -1) -> Net:
    """Dense over the last axis of three; what the shape computation gives is stored as 1s."""
    n = Net()
    x = n.feed(1, 4, 6)
    x.extra.shape_signature = (batch, 4, 6)
    dims = integers(n, OpCode.SHAPE, [x], 3, options=ShapeOptions())
    rows = integers(n, OpCode.GATHER, [dims, n.constant([0, 1])], 2, options=GatherOptions(0))
    count = integers(n, OpCode.REDUCE_PROD, [rows, n.constant([0])], options=ReducerOptions())
    flat = integers(n, OpCode.PACK, [count, n.constant(6)], 2, options=PackOptions(2, 0))
    y = n.op(OpCode.RESHAPE, [x, flat], (1, 6))
    y.extra.shape_signature = (-1, -1)
    z = n.dense(y, 3)
    z.extra.shape_signature = (-1, 3)
    n.output(z)
    return n


def shapes(model: Model) -> list[tuple[int, ...]]:
    return [op.output.shape for op in model.main.ops]


@needs_litert
def test_a_dense_layer_with_an_open_batch_from_the_field() -> None:
    path = field_case("c03_dense_3d_dynamic_batch")
    data = path.read_bytes()
    model = read(path)
    assert shapes(model)[-3:] == [(8, 16), (8, 4), (1, 8, 4)]
    result = optimize_file_bytes(model, data, Settings())
    assert result.verification is not None
    assert result.verification.status == "identical"
    assert [op.code for op in result.model.main.ops] == [OpCode.FULLY_CONNECTED, OpCode.RESHAPE]
    again = read_bytes(result.data)
    run_pipeline(again)
    assert [op.code for op in again.main.ops] == [OpCode.FULLY_CONNECTED, OpCode.RESHAPE]


def test_an_open_time_axis_from_the_field_is_named(cli: Cli) -> None:
    path = field_case("c10_open_time_axis")
    told = "note: dimension 1 of input 0 is open (-1), which TFLM takes as 1"
    assert told in cli("optimize", path, "-o", "out.tflite", "--no-verify").out
    assert told in cli("inspect", path).out


def test_a_kernel_larger_than_an_open_axis_from_the_field_names_the_axis(cli: Cli) -> None:
    ran = cli("optimize", field_case("D4_dynamic_conv"), "-o", "out.tflite")
    assert ran.code == 3
    assert "dimension 1 of input 0 is open (-1), which TFLM takes as 1" in ran.only_error
    assert "convert with a fixed shape" in ran.only_error


def test_the_same_built_otherwise() -> None:
    model = sequence().model
    assert settle(model)
    assert shapes(model)[-2:] == [(4, 6), (4, 3)]
    assert all(-1 not in (value.extra.shape_signature or ()) for value in model.main.values)
    assert not settle(model)
    run_pipeline(model)
    assert [op.code for op in model.main.ops] == [OpCode.FULLY_CONNECTED]


def test_without_an_open_dimension_nothing_changes() -> None:
    model = sequence(batch=1).model
    for value in model.main.values:
        value.extra.shape_signature = None
    before = shapes(model)
    assert not settle(model)
    assert shapes(model) == before


def test_shapes_that_are_stored_right_keep_their_signature() -> None:
    n = Net()
    x = n.feed(1, 4)
    x.extra.shape_signature = (-1, 4)
    integers(n, OpCode.SHAPE, [x], 2, options=ShapeOptions())
    n.output(n.relu(x))
    assert not settle(n.model)
    assert x.extra.shape_signature == (-1, 4)


def test_two_open_axes_are_named_and_an_open_batch_is_not() -> None:
    n = Net()
    x, y = n.feed(1, 1, 1), n.feed(1, 4)
    x.extra.shape_signature, y.extra.shape_signature = (-1, -1, -1), (-1, 4)
    n.output(n.relu(x), n.relu(y))
    assert open_inputs(n.model) == [
        "dimension 1 and dimension 2 of input 0 are open (-1), which TFLM takes as 1"
    ]


def test_an_open_axis_that_doesn_t_fit_is_named() -> None:
    n = Net()
    x = n.feed(1, 1, 4)
    y = n.reshape(x, 1, 4)
    n.output(n.relu(y))
    x.extra.shape_signature = (1, -1, 4)
    wrong = clone(n.model)
    wrong.main.ops[0].output.shape = (2, 4)
    wrong.main.ops[1].output.shape = (2, 4)
    with pytest.raises(ModelError, match="dimension 1 of input 0 is open"):
        read_bytes(write_bytes(wrong))


def opened(value: Value, *signature: int) -> Value:
    """As the converter stores it: 1 for each dimension that it doesn't know."""
    value.extra.shape_signature = signature
    value.shape = tuple(1 if extent == -1 else extent for extent in signature)
    return value


def split_heads(n: Kit, x: Value, heads: int, size: int) -> Value:
    """``reshape(x, (shape(x)[0], shape(x)[1], heads, size))`` and a transposition."""
    options: Options = ShapeOptions(DType.INT32.value)
    dims = integers(n, OpCode.SHAPE, [x], 3, options=options)
    parts = []
    for axis in range(2):
        bounds = [n.constant([axis]), n.constant([axis + 1]), n.constant([1])]
        options = StridedSliceOptions(shrink_axis_mask=1)
        parts.append(integers(n, OpCode.STRIDED_SLICE, [dims, *bounds], options=options))
    parts += [n.constant(heads), n.constant(size)]
    shape = integers(n, OpCode.PACK, parts, 4, options=PackOptions(4, 0))
    y = opened(n.op(OpCode.RESHAPE, [x, shape], (1, 1, heads, size)), -1, -1, heads, size)
    return opened(n.transpose(y, 0, 2, 1, 3), -1, heads, -1, size)


def attention(batch: int) -> Model:
    """Two heads over five steps, as a converter leaves it with an open batch."""
    n = Kit()
    x = n.feed(1, 5, 8)
    if batch == -1:
        x.extra.shape_signature = (-1, 5, 8)
    q, k = (split_heads(n, n.relu(x) if again else x, 2, 4) for again in (False, True))
    options = BatchMatMulOptions(adj_y=True)
    scores = n.op(OpCode.BATCH_MATMUL, [q, k], (1, 2, 1, 1), options=options, version=2)
    scores = opened(scores, -1, 2, -1, -1)
    soft = n.op(
        *(OpCode.SOFTMAX, [scores], (1, 2, 1, 1)),
        options=SoftmaxOptions(1.0),
        quant=(1 / 256, -128),
    )
    options = BatchMatMulOptions()
    mixed = n.op(
        *(OpCode.BATCH_MATMUL, [opened(soft, -1, 2, -1, -1), q], (1, 2, 1, 4)),
        options=options,
        version=2,
    )
    n.output(opened(n.transpose(opened(mixed, -1, 2, -1, 4), 0, 2, 1, 3), -1, -1, 2, 4))
    return n.model


def dilated(batch: int) -> Model:
    """A dilated Conv1D over twelve steps: the batch of the convolution is twice the open one."""
    n = Kit()
    x = n.feed(1, 12, 6)
    if batch == -1:
        x.extra.shape_signature = (-1, 12, 6)
    wide = opened(n.expand(x, 1), -1, 1, 12, 6)
    blocks, pads, crops = n.constant([1, 2]), n.constant([[0, 0], [4, 0]]), n.constant([[0, 0]] * 2)
    inside = n.op(
        *(OpCode.SPACE_TO_BATCH_ND, [wide, blocks, pads], (2, 1, 8, 6)),
        options=SpaceToBatchNDOptions(),
    )
    y = n.conv2d(inside, 4, kernel=(1, 3), padding=Padding.VALID)
    opened(inside, -1, 1, 8, 6)
    opened(y, -1, 1, 6, 4)
    back = n.op(
        *(OpCode.BATCH_TO_SPACE_ND, [y, blocks, crops], (1, 1, 12, 4)),
        options=BatchToSpaceNDOptions(),
    )
    n.output(opened(n.squeeze(opened(back, -1, 1, 12, 4), 1), -1, 12, 4))
    return n.model


@needs_litert
@pytest.mark.parametrize(
    ("build", "shape"),
    [(attention, (1, 5, 2, 4)), (dilated, (1, 12, 4))],
    ids=["attention", "dilated"],
)
def test_attention_and_dilated_conv1d_with_an_open_batch(
    build: Callable[[int], Model], shape: tuple[int, ...]
) -> None:
    data = write_bytes(build(-1))
    model = read_bytes(data)
    assert model.main.outputs[0].shape == shape
    result = optimize_file_bytes(model, data, Settings())
    assert result.verification is not None
    assert result.verification.status == "identical"
    codes = {op.code for op in result.model.ops()}
    assert not codes & {OpCode.SHAPE, OpCode.PACK, OpCode.STRIDED_SLICE}
    assert runs_on_tflm(result.model)
    assert result.verification.runner == "litert"  # TFLM runs the file's own shapes
    assert validate(model, result.model, runner="tflm").status == "identical"
