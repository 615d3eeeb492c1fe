"""Whole models on which a kernel would crash: plans, subgraphs, states, tables."""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest

from tests.facts.test_sound import CONV, DEPTHWISE, POOL, C, One, Shape, X, read_again
from tflopt.errors import ModelError
from tflopt.io import read_bytes, write_bytes
from tflopt.ir import (
    Buffer,
    DType,
    Metadata,
    Model,
    OpCode,
)
from tflopt.ir.builder import Builder
from tflopt.ir.options import (
    IfOptions,
    Options,
    SVDFOptions,
    TransposeConvOptions,
)

pytestmark = pytest.mark.unit


def transposed(stride: int, output: Shape, weights: Shape = (4, 3, 3, 4)) -> Model:
    b = Builder()
    x = b.input((1, 4, 4, 4))
    kernel = b.constant(np.ones(weights), DType.INT8, (0.5, 0))
    options = TransposeConvOptions(stride_w=stride, stride_h=stride)
    operands = [b.constant(output), kernel, x]
    b.output(b.op(C.TRANSPOSE_CONV, operands, output, options=options, dtype=DType.INT8))
    b.graph.ops[0].output.quant = x.quant
    return b.model


def test_a_transposed_convolution_fits_its_output() -> None:
    read_again(transposed(2, (1, 8, 8, 4)))
    for model in (
        transposed(2, (1, 3, 3, 4)),
        transposed(2, (2, 8, 8, 4)),
        transposed(0, (1, 4, 4, 4)),
        transposed(1 << 30, (1, 4, 4, 4)),
        transposed(2, (1, 8, 8, 5)),
    ):
        with pytest.raises(ModelError, match="TRANSPOSE_CONV"):
            read_again(model)


def planned(*words: int, drop: int = 0) -> Model:
    """Two tensors with a memory plan of these words."""
    model = One(C.RELU, (X,), (X,)).build()
    raw = struct.pack(f"<{len(words)}i", *words)
    buffer = Buffer(np.frombuffer(raw[: len(raw) - drop], np.uint8))
    model.buffers.append(buffer)
    model.metadata = [Metadata("OfflineMemoryAllocation", buffer)]
    return model


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (planned(1, 1), "8 bytes, too short for its header"),
        (planned(1, 1, 3, 0, 0, 0), "3 offsets for 2 tensors"),
        (planned(1, 1, -1), "-1 offsets for 2 tensors"),
        (planned(1, 1, 2, 0), "16 bytes where 20 are needed"),
        (planned(1, 1, 2, 0, 256, drop=1), "19 bytes where 20 are needed"),
        (planned(1, 1, 2, 0, -2), "offset -2 of tensor 1 lies outside of every arena"),
        (planned(1, 1, 2, 2**31 - 1, 0), "offset 2147483647 of tensor 0"),
    ],
)
def test_a_plan_that_the_runtime_can_not_follow_is_refused(model: Model, reason: str) -> None:
    with pytest.raises(ModelError, match=f"OfflineMemoryAllocation: {reason}"):
        read_again(model)


def test_a_plan_that_it_can_follow_is_read() -> None:
    assert read_again(planned(1, 1, 2, 0, 256)).metadata


def branching(then: int, inner: Shape = (4,)) -> Model:
    """A main graph with an IF, and a subgraph with another that calls ``then``."""
    b = Builder()
    x, condition = b.input((4,)), b.input((1,), DType.BOOL)
    b.output(b.op(C.IF, [condition, x], (4,), options=IfOptions(1, 1), quant=x.quant))
    b.graph.ops[0].output.dtype = DType.INT8
    below = Builder(b.model)
    y = below.input(inner)
    decide = below.constant([True], DType.BOOL)
    options = IfOptions(then, then)
    below.output(below.op(C.IF, [decide, y], inner, options=options, dtype=DType.INT8))
    last = Builder(b.model)
    z = last.input(inner)
    last.output(last.op(C.RELU, [z], inner))
    return b.model


def test_subgraphs_do_not_call_each_other_in_a_circle() -> None:
    read_again(branching(2))
    for then in (0, 1):
        with pytest.raises(ModelError, match="calls its caller again"):
            read_again(branching(then))
    with pytest.raises(ModelError, match="have other sizes than its own"):
        read_again(branching(2, (5,)))


def stateful(rank: int, state: DType) -> Model:
    b = Builder()
    operands = [
        b.input((1, 4)),
        b.constant(np.ones((4, 4)), DType.INT8, (0.5, 0)),
        b.constant(np.ones((4, 2)), DType.INT16, (0.5, 0)),
        b.constant(np.zeros(2)),
        b.value((1, 8), state, (0.5, 0)),
    ]
    operands[4].is_variable = True
    b.output(b.op(C.SVDF, operands, (1, 2), options=SVDFOptions(rank)))
    return b.model


def test_a_state_has_the_type_of_its_weights_and_a_rank() -> None:
    read_again(stateful(2, DType.INT16))
    with pytest.raises(ModelError, match="a state of INT8, weights in time of INT16"):
        read_again(stateful(2, DType.INT8))
    for rank in (0, 3, -2):
        with pytest.raises(ModelError, match=f"4 filters of rank {rank}"):
            read_again(stateful(rank, DType.INT16))


def without_buffers() -> Model:
    model = One(C.RELU, (X,), (X,)).build()
    for value in model.main.values:
        value.buffer = None
    model.buffers = []
    return model


def with_wider_input() -> Model:
    b = Builder()
    x = b.input(X, DType.FLOAT32)
    b.output(b.op(C.AVERAGE_POOL_2D, [x], (1, 4, 4, 4), options=POOL, dtype=DType.BOOL))
    return b.model


def without_code() -> Model:
    model = One(C.RELU, (X,), (X,)).build()
    model.opcodes[0].builtin = -112
    model.opcodes[0].stored = (-112, -112)
    return model


def without_ports(name: str) -> Model:
    b = Builder()
    if name == "inputs":
        b.output(b.value((4,)))
    else:
        b.input((4,))
    b.graph.absent = frozenset({name})
    return b.model


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (partial(without_ports, "inputs"), "subgraph 0: it has no vector of inputs"),
        (partial(without_ports, "outputs"), "subgraph 0: it has no vector of outputs"),
        (with_wider_input, "FLOAT32 in, BOOL out"),
        (without_code, "operator_codes.0.: there is no operator -112"),
        (without_buffers, "buffers: there are none"),
        (lambda: One(C.VAR_HANDLE, (), ((1,),)).build(), "no VarHandleOptions"),
        (lambda: One(C.IF, ((1,),), ((1,),)).build(), "no IfOptions"),
    ],
)
def test_tables_that_the_runtime_reads_are_there(build: Callable[[], Model], reason: str) -> None:
    with pytest.raises(ModelError, match=reason):
        read_again(build())


def test_a_file_that_is_only_carried_is_not_asked() -> None:
    data = write_bytes(One(C.ADD, (X,), (X,)).build())
    assert write_bytes(read_bytes(data, checks_kernels=False)) == data


def _with_int16(code: OpCode, bias: DType) -> Model:
    b = Builder()
    x = b.input((1, 4, 4, 2), DType.INT16, (0.001, 0))
    weights = b.constant(np.ones((1, 2, 2, 2)), DType.INT8, (0.01, 0))
    last = b.constant([1, 2], bias)
    if code is OpCode.TRANSPOSE_CONV:
        weights = b.constant(np.ones((2, 2, 2, 2)), DType.INT8, (0.01, 0))
        inputs = [b.constant([1, 8, 8, 2]), weights, x, last]
        options: Options = TransposeConvOptions(stride_w=2, stride_h=2)
        b.output(b.op(code, inputs, (1, 8, 8, 2), options=options, dtype=x.dtype, quant=x.quant))
    else:
        b.output(b.op(code, [x, weights, last], (1, 4, 4, 2), options=DEPTHWISE))
    return b.model


@pytest.mark.parametrize("code", [OpCode.DEPTHWISE_CONV_2D, OpCode.TRANSPOSE_CONV])
def test_an_int32_bias_of_an_int16_layer_is_refused_by_name(code: OpCode) -> None:
    """TFLM reads past its end: two runs of one file gave different outputs, exit code 1."""
    data = write_bytes(_with_int16(code, DType.INT32))
    with pytest.raises(ModelError, match="the bias is int32; with int16 inputs the kernel"):
        read_bytes(data)
    assert read_bytes(write_bytes(_with_int16(code, DType.INT64))).main.ops


def test_an_int32_bias_of_an_int16_convolution_is_fine() -> None:
    """``conv.cc`` looks at the bias's type."""
    b = Builder()
    x = b.input((1, 4, 4, 2), DType.INT16, (0.001, 0))
    weights = b.constant(np.ones((3, 2, 2, 2)), DType.INT8, (0.01, 0))
    b.output(b.op(OpCode.CONV_2D, [x, weights, b.constant([1, 2, 3])], (1, 4, 4, 3), options=CONV))
    assert read_bytes(write_bytes(b.model)).main.ops
