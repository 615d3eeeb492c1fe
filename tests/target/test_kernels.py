"""From operators of real and small models to the scratch table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.support.paths import SHARED
from tflopt.facts.tflm import KERNELS
from tflopt.facts.windows import padding_before
from tflopt.io import read
from tflopt.ir import DType, Graph, Model, Op, OpCode, OperatorCode, Padding, Quantization, Value
from tflopt.ir.node import AnyOptions, Buffer
from tflopt.ir.options import (
    AddOptions,
    Conv2DOptions,
    DepthwiseConv2DOptions,
    FullyConnectedOptions,
    Pool2DOptions,
    ReducerOptions,
    TransposeConvOptions,
)
from tflopt.target import all_targets
from tflopt.target.cmsis_nn import VERSIONS, dispatch
from tflopt.target.cmsis_nn import Path as KernelPath
from tflopt.target.cmsis_nn.layers import ConvLayer
from tflopt.target.device import Device
from tflopt.target.kernels import kernel_use, scratch_sizes, scratch_table
from tflopt.target.setup import Setup

pytestmark = pytest.mark.unit
SIZES = {code: row.op_data for code, row in KERNELS.items() if row.op_data is not None}

MODELS = sorted(SHARED.glob("*.tflite"))
M0, M4, M55 = (Device.of(name) for name in ("cortex-m0", "cortex-m4", "cortex-m55"))
Shape = tuple[int, ...]


def make_op(
    code: OpCode,
    inputs: list[Shape | None],
    output: Shape | None,
    options: AnyOptions = None,
    *,
    dtype: DType = DType.INT8,
    weights: DType | None = None,
    constant: tuple[int, ...] = (1, 2),
) -> Op:
    """An operator whose inputs have these shapes; those of ``constant`` get data."""
    model = Model()
    graph = Graph(model)
    model.graphs.append(graph)
    values: list[Value | None] = []
    for index, shape in enumerate(inputs):
        kind = weights if weights is not None and index == 1 else dtype
        value = None if shape is None else graph.add_value(Value(graph, kind, shape))
        if value is not None and index in constant:
            value.buffer = Buffer(np.zeros(max(value.size_bytes or 0, 1), dtype=np.uint8))
        values.append(value)
    op = Op(graph, OperatorCode(int(code)), options)
    op.set_inputs(values)
    if output is not None:
        op.set_outputs([graph.add_value(Value(graph, dtype, output))])
    graph.insert(op)
    return op


CONV = Conv2DOptions(Padding.SAME, 2, 2)


@pytest.mark.parametrize(
    ("padding", "size", "kernel", "stride", "dilation", "expected"),
    [
        (Padding.SAME, 8, 3, 1, 1, 1),
        (Padding.SAME, 8, 3, 2, 1, 0),
        (Padding.SAME, 9, 3, 2, 1, 1),
        (Padding.SAME, 20, 5, 2, 1, 1),
        (Padding.SAME, 8, 3, 1, 2, 2),
        (Padding.SAME, 8, 1, 3, 1, 0),
        (Padding.VALID, 8, 3, 2, 1, 0),
        (Padding.SAME, 8, 3, 0, 1, 0),
    ],
)
def test_padding_is_tflms(
    padding: Padding, size: int, kernel: int, stride: int, dilation: int, expected: int
) -> None:
    assert padding_before(padding, size, kernel, stride, dilation) == expected


def test_a_convolution_reaches_its_layer() -> None:
    op = make_op(OpCode.CONV_2D, [(1, 9, 20, 4), (6, 3, 5, 4), (6,)], (1, 5, 10, 6), CONV)
    layer = ConvLayer(1, 9, 20, 4, 5, 10, 6, 3, 5, 4, 2, 2, 1, 1, 1, 1)
    for target in all_targets():
        for version in VERSIONS:
            assert kernel_use(op, Device.of(target, version)) == dispatch(
                layer, Setup(target.isa), version
            )


def test_a_depthwise_row() -> None:
    options = DepthwiseConv2DOptions(Padding.SAME, 1, 1, 8)
    op = make_op(
        OpCode.DEPTHWISE_CONV_2D, [(1, 4, 40, 1), (1, 1, 5, 8), (8,)], (1, 4, 40, 8), options
    )
    assert kernel_use(op, M55).function == "arm_depthwise_conv_to_conv_s8"
    assert kernel_use(op, M4).function == "arm_depthwise_conv_s8"


def test_transpose_convolution_reads_its_third_input() -> None:
    options = TransposeConvOptions(Padding.SAME, 2, 2)
    op = make_op(OpCode.TRANSPOSE_CONV, [(4,), (5, 3, 3, 32), (1, 4, 4, 32)], (1, 8, 8, 5), options)
    assert kernel_use(op, M4).scratch_bytes == (4 * 288, 288 * 5)


@pytest.mark.parametrize(("constant", "scratch"), [((1, 2), ()), ((2,), (40,)), ((1,), (40,))])
def test_kernel_sums_move_to_scratch_when_not_constant(
    constant: tuple[int, ...], scratch: Shape
) -> None:
    op = make_op(
        OpCode.FULLY_CONNECTED,
        [(2, 64), (10, 64), (10,)],
        (2, 10),
        FullyConnectedOptions(),
        constant=constant,
    )
    assert kernel_use(op, M55).scratch_bytes == scratch
    assert kernel_use(op, M4).scratch_bytes == ()


def test_per_channel_weights_of_a_dense_layer() -> None:
    op = make_op(OpCode.FULLY_CONNECTED, [(2, 3, 64), (10, 64), None], (2, 3, 10))
    assert kernel_use(op, M4).scratch_bytes == (80,)
    weights = op.inputs[1]
    assert weights is not None
    weights.quant = Quantization.per_channel([1.0] * 10, 0)
    use = kernel_use(op, M4)
    assert use.scratch_bytes == ()
    assert [each.size_bytes for each in use.persistent] == [40, 40]


def test_mean_makes_three_requests() -> None:
    op = make_op(OpCode.MEAN, [(1, 7, 7, 64), (2,)], (1, 64), ReducerOptions())
    assert kernel_use(op, M55).scratch_bytes == (256, 16, 8)


@pytest.mark.parametrize(
    ("shapes", "dtype", "function"),
    [
        (((1, 4, 4, 8), (1, 4, 4, 8)), DType.INT8, "arm_elementwise_add_s8"),
        (((4, 8), (1, 1, 4, 8)), DType.INT8, "arm_elementwise_add_s8"),
        (((1, 4, 4, 8), (8,)), DType.INT8, "TFLM ADD"),
        (((4, 8), (4, 8)), DType.INT16, "arm_elementwise_add_s16"),
        (((4, 8), (4, 8)), DType.INT32, "TFLM ADD"),
    ],
)
def test_broadcasting_leaves_cmsis_nn(
    shapes: tuple[Shape, Shape], dtype: DType, function: str
) -> None:
    op = make_op(OpCode.ADD, list(shapes), shapes[0], AddOptions(), dtype=dtype, constant=())
    use = kernel_use(op, M55)
    assert use.function == function
    assert use.op_data_bytes == 60
    assert (use.why_not_faster is None) is function.startswith("arm_")


IN_PREPARE = {OpCode.CUMSUM, OpCode.EMBEDDING_LOOKUP, OpCode.LOG_SOFTMAX}
"""Their Prepare allocates OpData, others' Init (``kernels/*.cc`` of tflite-micro 90b983c)."""


@pytest.mark.parametrize("code", sorted(SIZES))
def test_reference_kernels_ask_for_no_scratch(code: OpCode) -> None:
    use = kernel_use(make_op(code, [(1, 4)], (1, 4)), M55)
    assert use.scratch_bytes == ()
    assert use.path is KernelPath.REFERENCE
    late = [buffer.size_bytes for buffer in use.persistent if buffer.name == "OpData"]
    assert [use.op_data_bytes, *late] == ([0, SIZES[code]] if code in IN_PREPARE else [SIZES[code]])


@pytest.mark.parametrize(
    ("op", "reason"),
    [
        (make_op(OpCode.CONV_2D, [(1, 9, 9, 4), (6, 3, 3, 4)], (1, 5, 5, 6)), "no options"),
        (make_op(OpCode.CONV_2D, [(1, 9, 9, 4), None], (1, 5, 5, 6), CONV), "no input 1"),
        (make_op(OpCode.CONV_2D, [(1, 9, 9, 4), (6, 3, 3, 4)], None, CONV), "no output"),
        (make_op(OpCode.CONV_2D, [(9, 9, 4), (6, 3, 3, 4)], (1, 5, 5, 6), CONV), "rank 4"),
        (
            make_op(OpCode.CONV_2D, [(1, 9, 9, 4), (6, 3, 3, 4)], (1, 5, 5, 6), Conv2DOptions()),
            "stride",
        ),
        (make_op(OpCode.AVERAGE_POOL_2D, [(1, 4)], (1, 4), Pool2DOptions()), "rank 4"),
        (make_op(OpCode.MEAN, [(1, 4)], (1, 4)), "no input 1"),
        (make_op(OpCode.SVDF, [(1, 4)], (1, 4)), "no input 1"),
        (make_op(OpCode.UNIDIRECTIONAL_SEQUENCE_LSTM, [(1, 4)], (1, 4)), "no options"),
        (make_op(OpCode.CUSTOM, [(1, 4)], (1, 4)), "nothing is known of CUSTOM"),
        (make_op(OpCode.HASHTABLE_FIND, [(1, 4)], (1, 4)), "nothing is known of HASHTABLE_FIND"),
    ],
)
def test_what_cannot_be_sized_is_unknown(op: Op, reason: str) -> None:
    use = kernel_use(op, M4)
    assert use.function == "unknown"
    assert use.path is KernelPath.UNKNOWN
    assert use.scratch_bytes is None
    assert use.op_data_bytes is None
    assert reason in (use.why_not_faster or "")


def test_every_layer_of_tflm_is_covered() -> None:
    """No operator of TFLM's resolver falls through to "nothing is known"."""
    every = [code for code in OpCode if code not in (OpCode.UNKNOWN, OpCode.CUSTOM)]
    unknown = [
        code.name
        for code in every
        if "nothing is known"
        in (kernel_use(make_op(code, [(1, 4)], (1, 4)), M4).why_not_faster or "")
    ]
    for code in ("CONV_2D", "LSTM", "HASHTABLE", "RESIZE_BILINEAR", "TILE", "SELECT", "POW"):
        supported = code in {"CONV_2D", "RESIZE_BILINEAR"}
        assert (code not in unknown) is supported, code
    assert len(every) - len(unknown) == 100


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
@pytest.mark.parametrize("name", ["cortex-m0", "cortex-m4", "cortex-m33+nodsp", "cortex-m55"])
def test_tables_of_the_shared_models(path: Path, name: str) -> None:
    model = read(path)
    rows = scratch_table(model, Device.of(name))
    assert [row.op for row in rows] == list(model.ops())
    for row in rows:
        assert row.use.path is not KernelPath.UNKNOWN, row.op
        assert row.use.path is KernelPath.OPTIMIZED or row.use.why_not_faster, row.op


def test_custom_operators_of_tflm() -> None:
    op = make_op(OpCode.CUSTOM, [(1, 512)], (1, 514), dtype=DType.INT16)
    op.opcode.custom_code = "SignalRfft"
    use = kernel_use(op, M4)
    assert (use.scratch_bytes, use.op_data_bytes) == ((1024,), None)
    assert scratch_sizes(M4)(op) == (1024,)
    op.opcode.custom_code = "SignalWindow"
    assert kernel_use(op, M4).scratch_bytes == ()
    op.opcode.custom_code = "MyOwn"
    use = kernel_use(op, M4)
    assert use.scratch_bytes is None
    assert "custom operator MyOwn" in (use.why_not_faster or "")
    assert scratch_sizes(M4)(op) == ()


def test_plain_cores_of_two_names_have_one_table() -> None:
    if not MODELS:
        pytest.skip("the shared models are not there")
    for path in MODELS:
        model = read(path)
        tables = [
            [row.use for row in scratch_table(model, device)]
            for device in (M0, Device.of("cortex-m33+nodsp"))
        ]
        assert tables[0] == tables[1]
