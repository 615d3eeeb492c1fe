"""Models on which a kernel would crash, or leave its tensors, are refused with the reason."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import pytest

from tests.support.paths import MODELS
from tflopt.errors import ModelError
from tflopt.facts.sound import unsound
from tflopt.io import read_bytes, write_bytes
from tflopt.ir import (
    Activation,
    Buffer,
    DType,
    Metadata,
    Model,
    OpCode,
    Padding,
    Quantization,
    Value,
)
from tflopt.ir.builder import Builder
from tflopt.ir.options import (
    AddOptions,
    ConcatenationOptions,
    Conv2DOptions,
    DepthToSpaceOptions,
    DepthwiseConv2DOptions,
    FullyConnectedOptions,
    GatherOptions,
    IfOptions,
    MirrorPadOptions,
    Options,
    PackOptions,
    Pool2DOptions,
    ReducerOptions,
    SoftmaxOptions,
    SVDFOptions,
    TransposeConvOptions,
    UnpackOptions,
)

pytestmark = pytest.mark.unit
CONV = Conv2DOptions(stride_w=1, stride_h=1)
DEPTHWISE = DepthwiseConv2DOptions(stride_w=1, stride_h=1, depth_multiplier=1)
POOL = Pool2DOptions(Padding.VALID, 2, 2, 2, 2)
SHARPER = SoftmaxOptions(1.0)
Shape = tuple[int, ...]


@dataclass(frozen=True)
class One:
    """A model of one operator; ``inputs`` are shapes of activations, lists of constants, None."""

    code: OpCode
    inputs: tuple[Shape | list[int] | None, ...]
    outputs: tuple[Shape, ...]
    options: Options | None = None
    weights: Shape = ()
    bias: int = 0
    quant: tuple[float, int] | Quantization | None = (0.5, 0)
    scales: int = 1

    def build(self) -> Model:
        b = Builder()
        operands = [self._operand(b, each) for each in self.inputs]
        if self.weights:
            quant = Quantization.per_channel([0.5] * self.scales, 0)
            operands.append(b.constant(np.ones(self.weights), DType.INT8, quant))
        if self.bias:
            operands.append(b.constant(np.zeros(self.bias)))
        b.output(*b.ops(self.code, operands, self.outputs, self.options, self.quant, DType.INT8))
        return b.model

    @staticmethod
    def _operand(b: Builder, each: Shape | list[int] | None) -> Value | None:
        if each is None:
            return None
        return b.constant(each) if isinstance(each, list) else b.input(each)


C = OpCode
X: Shape = (1, 8, 8, 4)
UNSOUND: list[tuple[str, One, str]] = [
    ("one operand", One(C.ADD, (X,), (X,), AddOptions()), "input 1 is missing"),
    ("operand -1", One(C.ADD, (X, None), (X,), AddOptions()), "input 1 is missing"),
    ("no output", One(C.RELU, (X,), ()), "no output"),
    ("part -1", One(C.CONCATENATION, (X, None), (X,), ConcatenationOptions(3)), "input 1 is miss"),
    ("no options", One(C.CONV_2D, (X,), (X,), None, (4, 3, 3, 4)), "options are missing"),
    ("stride 0", One(C.CONV_2D, (X,), (X,), Conv2DOptions(), (4, 3, 3, 4)), "stride_h of 0"),
    ("short bias", One(C.CONV_2D, (X,), (X,), CONV, (4, 3, 3, 4), 3), "a bias of 3 for 4"),
    ("depth", One(C.CONV_2D, (X,), (X,), CONV, (4, 3, 3, 3)), "for 4 channels"),
    ("room", One(C.CONV_2D, (X,), ((1, 8, 8, 5),), CONV, (4, 3, 3, 4)), r"\[1, 8, 8, 4\]"),
    ("scales", One(C.CONV_2D, (X,), (X,), CONV, (4, 3, 3, 4), scales=3), "3 scales for 4"),
    ("rank", One(C.CONV_2D, ((8, 8, 4),), (X,), CONV, (4, 3, 3, 4)), "not four sizes"),
    (
        "multiplier",
        One(C.DEPTHWISE_CONV_2D, (X,), (X,), DEPTHWISE, (1, 3, 3, 8)),
        "for 4 channels times 1",
    ),
    ("window 0", One(C.MAX_POOL_2D, (X,), (X,), Pool2DOptions(Padding.SAME, 1, 1)), "filter_heig"),
    ("pooled", One(C.AVERAGE_POOL_2D, (X,), (X,), POOL), r"options give \[1, 4, 4, 4\]"),
    (
        "dense depth",
        One(C.FULLY_CONNECTED, ((1, 5),), ((1, 3),), FullyConnectedOptions(), (3, 4)),
        "5 elements in",
    ),
    (
        "dense bias",
        One(C.FULLY_CONNECTED, ((1, 4),), ((1, 3),), FullyConnectedOptions(), (3, 4), 2),
        "a bias of 2 for 3",
    ),
    ("no scale", One(C.RELU, (X,), (X,), quant=Quantization()), "output 0 has no scale"),
    ("scale 0", One(C.RELU, (X,), (X,), quant=(0.0, 0)), "output 0 has the scale 0"),
    ("scale nan", One(C.RELU, (X,), (X,), quant=(float("nan"), 0)), "output 0 has the scale nan"),
    ("scale inf", One(C.MEAN, (X, [1, 2]), ((1, 4),), quant=(float("inf"), 0)), "the scale inf"),
    ("tiny", One(C.ADD, (X, X), (X,), AddOptions(), quant=(1e-9, 0)), "too large for that of its"),
    ("beta", One(C.SOFTMAX, ((1, 4),), ((1, 4),), SoftmaxOptions(0.0)), "a beta of 0"),
    ("larger", One(C.RELU, ((1, 9),), ((1, 8),)), "9 elements in, 8 out"),
    ("bent", One(C.RELU, ((1, 9),), ((9,),)), r"\[1, 9\] in, \[9\] out: it keeps the shape"),
    ("softmax", One(C.SOFTMAX, ((1, 9),), ((1, 8),), SHARPER), "9 elements in, 8 out"),
    ("broadcast", One(C.ADD, (X, (3,)), (X,), AddOptions()), "don't go together"),
    ("broadcast room", One(C.ADD, ((1, 4), (4, 1)), ((1, 4),), AddOptions()), r"give \[4, 4\]"),
    ("reduced axis", One(C.MEAN, (X, [7]), ((1, 4),), ReducerOptions()), "axis 7 of 4"),
    ("reduced", One(C.MEAN, (X, [1, 2]), ((1, 3),), ReducerOptions()), "4 elements are left"),
    ("best", One(C.ARG_MAX, (X, [9]), ((1, 8, 8),)), "axis 9 of 4"),
    ("joined", One(C.CONCATENATION, (X, X), (X,), ConcatenationOptions(3)), "the parts have 8"),
    ("joined axis", One(C.CONCATENATION, (X, X), (X,), ConcatenationOptions(4)), "axis 4 of 4"),
    ("split", One(C.SPLIT, ([9], X), (X,)), "axis 9 of 4"),
    ("pack", One(C.PACK, ((4,),), ((2, 4),), PackOptions(2, 0)), "options for 2 tensors, it has 1"),
    ("unpack", One(C.UNPACK, ((2, 4),), ((4,),), UnpackOptions(2, 0)), "options for 2 tensors"),
    ("order", One(C.TRANSPOSE, (X, [0, 1, 2, 2]), (X,)), "is not an order of 4 axes"),
    ("ordered", One(C.TRANSPOSE, ((2, 3), [1, 0]), ((2, 3),)), r"inputs give \[3, 2\]"),
    ("pad", One(C.PAD, ((2, 2), [0, -1, 0, 0]), ((2, 1),)), "a padding of -1"),
    ("padded", One(C.PAD, ((2, 2), [0, 1, 0, 0]), ((2, 2),)), r"inputs give \[3, 2\]"),
    ("slice", One(C.SLICE, ((4,), [2], [3]), ((3,),)), r"reaches outside of \[4\]"),
    ("pick", One(C.GATHER, ((4,), [5]), ((1,),), GatherOptions()), "an index of 5"),
    ("point", One(C.GATHER_ND, ((4, 4), [0, 9]), ((1,),)), "an index of 9 among 4"),
    ("points", One(C.GATHER_ND, ((4,), [0, 0]), ((1,),)), "indices of the shape"),
    ("axes", One(C.SLICE, ((1,) * 6, [0] * 6, [1] * 6), ((1,) * 6,)), "aborts above 5"),
    ("mirror", One(C.MIRROR_PAD, ((3,), [3, 0]), ((6,),), MirrorPadOptions(0)), "a padding of 3"),
    ("block", One(C.DEPTH_TO_SPACE, (X,), (X,), DepthToSpaceOptions()), "a block of 0"),
    ("blocks", One(C.SPACE_TO_BATCH_ND, (X, [0, 1], [0] * 4), (X,)), "blocks of"),
    ("resize", One(C.RESIZE_BILINEAR, (X, [4, 4]), ((1, 4, 4, 5),)), "can't be resized"),
    ("choice", One(C.SELECT, (X, X, X), ((1, 8),)), "a choice of 256 and 256 elements, 8 out"),
    ("long", One(C.TRANSPOSE, (X, list(range(999))), (X,)), r"4, 5, .*\.\.\.$"),
    ("clamp", One(C.RELU_0_TO_1, ((1, 9),), ((1, 8),)), "9 elements in, 8 out"),
    ("sizes", One(C.RESIZE_BILINEAR, (X, [4]), ((1, 4, 4, 4),)), r"its sizes are INT32\[1\]"),
    ("tile", One(C.TILE, ((2,), [2]), ((3,),)), r"inputs give \[4\]"),
    ("reshape", One(C.RESHAPE, ((4,), [5]), ((5,),)), "4 elements in, 5 out"),
]


def read_again(model: Model) -> Model:
    return read_bytes(write_bytes(model), "model.tflite")


@pytest.mark.parametrize(("one", "reason"), [c[1:] for c in UNSOUND], ids=[c[0] for c in UNSOUND])
def test_what_a_kernel_can_not_bear_is_refused(one: One, reason: str) -> None:
    with pytest.raises(ModelError, match=reason) as caught:
        read_again(one.build())
    place = f"model.tflite: subgraph 0 operator 0 ({one.code.name}): "
    assert str(caught.value).startswith(place)


@pytest.mark.parametrize("code", [C.GREATER, C.EQUAL, C.LESS_EQUAL])
def test_comparisons_of_coarse_numbers_are_refused(code: OpCode) -> None:
    """TFLM aborts on a scale of 1 or more (QuantizeMultiplierSmallerThanOneExp)."""
    for scale, wrong in ((0.999, False), (1.0, True), (3.25, True)):
        b = Builder()
        inputs = [b.input((4,), quant=(scale, 3)), b.input((4,))]
        b.output(*b.ops(code, inputs, ((4,),), None, None, DType.BOOL))
        reasons = [flaw.reason for flaw in unsound(b.model)]
        assert any("1 or more, on which the kernel aborts" in one for one in reasons) is wrong


@pytest.mark.parametrize(("dtype", "bits"), [(DType.INT8, 20), (DType.INT16, 15)])
def test_sums_of_coarse_numbers_are_refused(dtype: DType, bits: int) -> None:
    for scale, wrong in ((0.499, False), (0.5, True)):
        b = Builder()
        inputs = [b.input((4,), dtype, quant=(scale * 2**bits, 0)) for _ in range(2)]
        b.output(*b.ops(C.ADD, inputs, ((4,),), AddOptions(), (1.0, 0), dtype))
        reasons = [flaw.reason for flaw in unsound(b.model)]
        assert any("too large for that of its output" in one for one in reasons) is wrong


SOUND = [
    One(C.CONV_2D, (X,), (X,), CONV, (4, 3, 3, 4), 4, scales=4),
    One(C.CONV_2D, (X,), (X,), CONV, (4, 3, 3, 2)),
    One(C.DEPTHWISE_CONV_2D, (X,), (X,), DEPTHWISE, (1, 3, 3, 4), 4),
    One(C.FULLY_CONNECTED, ((2, 2, 4),), ((4, 3),), FullyConnectedOptions(), (3, 4), 3),
    One(C.AVERAGE_POOL_2D, (X,), ((1, 4, 4, 4),), POOL),
    One(C.ADD, (X, (4,)), (X,), AddOptions(Activation.RELU)),
    One(C.MAXIMUM, ((3, 4), (1, 1, 1, 1)), ((3, 4),)),
    One(C.MEAN, (X, [-1, -2]), ((1, 8),), ReducerOptions()),
    One(C.CONCATENATION, (X, X), ((1, 8, 8, 8),), ConcatenationOptions(-1)),
    One(C.SPLIT, ([-1], X), ((1, 8, 8, 1), (1, 8, 8, 3))),
    One(C.SLICE, ((4, 4), [1, 0], [-1, 2]), ((3, 2),)),
    One(C.SPACE_TO_BATCH_ND, (X, [2, 4], [0, 0, 0, 0]), ((8, 4, 2, 4),)),
    One(C.RESHAPE, ((1, 1),), ((0,),)),
    One(C.MIRROR_PAD, ((3,), [3, 0]), ((6,),), MirrorPadOptions(1)),
    One(C.GATHER_ND, ((4, 4), [0, 3]), ((1,),)),
    One(C.SOFTMAX, ((1, 4),), ((1, 4),), SHARPER, quant=(1 / 256, -128)),
]


@pytest.mark.parametrize("one", SOUND, ids=lambda one: one.code.name)
def test_what_is_right_passes(one: One) -> None:
    assert not list(unsound(read_again(one.build())))


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_real_models_pass(path: object) -> None:
    from tflopt.io import read

    assert read(str(path)).graphs


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
