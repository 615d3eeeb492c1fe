"""Models on which a kernel would crash, or leave its tensors, are refused with the reason."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from tests.support.paths import MODELS, TESTDATA
from tflopt.errors import ModelError
from tflopt.facts.sound import unsound
from tflopt.io import read_bytes, write_bytes
from tflopt.ir import (
    Activation,
    DType,
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


def test_an_lstm_gives_three_axes() -> None:
    """A hazard's text asked an output without axes for its last one."""
    model = read_bytes((TESTDATA.parent / "hazards" / "lstm_state.tflite").read_bytes())
    model.main.outputs[0].shape = ()
    with pytest.raises(ModelError, match="its output has 0 axes, not 3"):
        read_again(model)


def test_only_operators_that_call_are_asked_for_their_subgraphs() -> None:
    """Options may be those of another operator; ADD with those of IF was an internal error."""
    one = One(OpCode.ADD, ((2, 3), (2, 3)), ((2, 3),), IfOptions(7, 9))
    assert read_again(one.build()).main.ops[0].code is OpCode.ADD
