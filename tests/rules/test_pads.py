"""merge-pads, sink-pad and trim-pad."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.check_rule import check_declines, check_leaves_alone, check_rule
from tests.support.windows import Windows, image
from tflopt.facts.operators import SLICES
from tflopt.ir import DType, Model, OpCode, Quantization, Value
from tflopt.ir.options import HardSwishOptions, LeakyReluOptions, QuantizeOptions
from tflopt.rules.movement.fold_pad import FoldPad
from tflopt.rules.movement.merge_pads import MergePads
from tflopt.rules.movement.sink_pad import SinkPad
from tflopt.rules.movement.trim_pad import TrimPad

pytestmark = pytest.mark.runtime
Build = Callable[[Windows], None]


def test_two_pads_become_one() -> None:
    n = Windows()
    x = n.pad(n.pad(n.feed(1, 4, 4, 2), *image((1, 0))), *image((2, 3), (0, 1)))
    n.output(n.relu(x))
    check_rule(
        n.model,
        MergePads(),
        """
        graph(%0: i8[1,4,4,2]{0.05,3}) -> %2
          %1: i8[1,10,6,2]{0.05,3} = PAD(%0, [0, 0, 3, 3, 1, 1, 0, 0])
          %2: i8[1,10,6,2]{0.05,3} = RELU(%1)
        """,
        hits=1,
    )


def test_padv2_of_one_value_merges_too() -> None:
    n = Windows()
    x = n.padv2(n.padv2(n.feed(1, 4, 4, 2), 9, *image((1, 0))), 9, *image((0, 1)))
    n.output(n.relu(n.pad(n.padv2(x, 3, *image((1, 1))), *image((1, 1)))))
    copy = check_rule(n.model, MergePads(), hits=2)
    assert [op.code.name for op in copy.main.ops] == ["PADV2", "PAD", "RELU"]


def two_values(n: Windows) -> None:
    n.output(n.relu(n.pad(n.padv2(n.feed(2, 3), 7, (1, 1), (0, 0)), (1, 1), (0, 0))))


def middle_is_read(n: Windows) -> None:
    middle = n.pad(n.feed(2, 3), (1, 1), (0, 0))
    n.output(n.relu(n.pad(middle, (1, 1), (0, 0))), n.relu(middle))


def middle_is_an_output(n: Windows) -> None:
    middle = n.pad(n.feed(2, 3), (1, 1), (0, 0))
    n.output(n.relu(n.pad(middle, (1, 1), (0, 0))), middle)


def of_a_variable(n: Windows) -> None:
    state = n.value((2, 3), DType.INT8, (0.05, 3))
    state.is_variable = True
    n.output(n.relu(n.pad(n.pad(state, (1, 1), (0, 0)), (1, 1), (0, 0))))


def requantized(n: Windows) -> None:
    middle = n.pad(n.feed(2, 3), (1, 1), (0, 0))
    middle.quant = Quantization.per_tensor(0.05, 4)
    n.output(n.relu(n.pad(middle, (1, 1), (0, 0))))


def floats(n: Windows) -> None:
    x = n.input((2, 3), DType.FLOAT32)
    n.output(n.pad(n.pad(x, (1, 1), (0, 0)), (1, 1), (0, 0)))


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (two_values, "the two pad with different values"),
        (middle_is_read, "another operator reads the tensor in between"),
        (middle_is_an_output, "another operator reads the tensor in between"),
        (of_a_variable, "it copies a variable that may change later"),
        (requantized, "it changes the quantization of what it hands on"),
        (floats, "the padding is not an int8 or int16 constant"),
    ],
)
def test_merging_declines(build: Build, reason: str) -> None:
    n = Windows()
    build(n)
    check_declines(n.model, MergePads(), reason)


def test_merging_leaves_alone_a_single_pad() -> None:
    n = Windows()
    n.output(n.relu(n.pad(n.feed(2, 3), (1, 1), (0, 0))))
    check_leaves_alone(n.model, MergePads())


# --- sink-pad

OTHER = (0.07, -11)


def unary(
    n: Windows, x: Value, code: OpCode, quant: tuple[float, int] = OTHER, version: int = 2
) -> Value:
    options = {
        OpCode.LEAKY_RELU: LeakyReluOptions(0.25),
        OpCode.HARD_SWISH: HardSwishOptions(),
        OpCode.QUANTIZE: QuantizeOptions(),
    }
    return n.op(code, [x], x.shape, options=options.get(code), quant=quant, version=version)


def test_a_pad_sinks_to_the_convolution_that_takes_it() -> None:
    n = Windows()
    x = n.pad(n.feed(1, 5, 5, 2), *image((1, 1)))
    n.output(n.conv2d(unary(n, x, OpCode.RELU)))
    check_rule(
        n.model,
        SinkPad(),
        """
        graph(%0: i8[1,5,5,2]{0.05,3}) -> %2
          %1: i8[1,5,5,2]{0.07,-11} = RELU(%0)
          %2: i8[1,5,5,4]{0.05,3} = CONV_2D(%1, const i8[4,3,3,2]{per-channel 0}, \
const i32[4]{per-channel 0}) stride_w=1 stride_h=1
        """,
        hits=1,
        together_with=[FoldPad()],
    )


SINKING = [
    (OpCode.RELU, OTHER, 2),
    (OpCode.RELU6, (0.05, 3), 2),
    (OpCode.LEAKY_RELU, OTHER, 2),
    (OpCode.HARD_SWISH, OTHER, 1),
    (OpCode.TANH, (1 / 128, 0), 2),
    (OpCode.QUANTIZE, OTHER, 2),
]


@pytest.mark.parametrize(("code", "quant", "version"), SINKING)
def test_every_operator_keeps_zero(code: OpCode, quant: tuple[float, int], version: int) -> None:
    """All zero points of the input, and many of the output: the padding is compared with them."""
    n = Windows()
    for point in range(-128, 128, 5):
        x = n.input((1, 2), quant=(0.05, point))
        behind = quant if code is OpCode.TANH else (quant[0], max(-128, min(127, 7 - point)))
        if code is OpCode.RELU6:
            behind = (0.05, point)
        n.output(n.transpose(unary(n, n.pad(x, (0, 0), (1, 1)), code, behind, version), 1, 0))
    copy = check_rule(n.model, SinkPad(), hits=len(n.graph.inputs))
    order = [op.code for op in copy.main.ops]
    assert order == [code, OpCode.PAD, OpCode.TRANSPOSE] * len(n.graph.inputs)


def test_floats_are_padded_after_they_are_quantized() -> None:
    n = Windows()
    x = n.pad(n.input((1, 5), DType.FLOAT32), (0, 0), (2, 0))
    y = n.op(
        OpCode.QUANTIZE, [x], x.shape, options=QuantizeOptions(), quant=OTHER, dtype=DType.INT8
    )
    n.output(n.relu(y))
    copy = check_rule(n.model, SinkPad(), hits=2)
    assert [op.code.name for op in copy.main.ops] == ["QUANTIZE", "RELU", "PAD"]


def sinks_other_value(n: Windows) -> None:
    n.output(unary(n, n.padv2(n.feed(1, 5), 7, (0, 0), (1, 1)), OpCode.RELU))


def sinks_past_reader(n: Windows) -> None:
    x = n.pad(n.feed(1, 5), (0, 0), (1, 1))
    n.output(unary(n, x, OpCode.RELU), n.relu(x))


def sinks_clamp(n: Windows) -> None:
    n.output(unary(n, n.pad(n.feed(1, 5), (0, 0), (1, 1)), OpCode.RELU6))


def sinks_wider(n: Windows) -> None:
    x = n.pad(n.feed(1, 5), (0, 0), (1, 1))
    options = QuantizeOptions()
    quant, dtype = (0.001, 0), DType.INT16
    n.output(n.op(OpCode.QUANTIZE, [x], x.shape, options=options, quant=quant, dtype=dtype))


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (sinks_other_value, "it pads with another value than 0"),
        (sinks_past_reader, "another operator reads the padded tensor"),
        (sinks_clamp, "the operator behind doesn't map 0 to 0"),
        (sinks_wider, "the elements behind are wider"),
    ],
)
def test_sinking_declines(build: Build, reason: str) -> None:
    n = Windows()
    build(n)
    check_declines(n.model, SinkPad(), reason)


def test_sinking_leaves_alone_what_maps_0_elsewhere() -> None:
    n = Windows()
    x = n.pad(n.feed(1, 5), (0, 0), (1, 1))
    n.output(n.op(OpCode.LOGISTIC, [x], x.shape, quant=(1 / 256, -128)))
    check_leaves_alone(n.model, SinkPad())


# --- trim-pad


def pads_of(model: Model) -> list[Value | None]:
    return [op.output for op in model.main.ops if op.code is OpCode.PAD]


@pytest.mark.parametrize("strided", [False, True])
def test_a_slice_trims_the_pad(strided: bool) -> None:
    """Over every block of a padded row, and on both runtimes."""
    n = Windows()
    for first in range(7):
        for last in range(first + 1, 8):
            x = n.pad(n.relu(n.feed(1, 4)), (0, 0), (2, 1))
            if strided:
                n.output(n.relu(n.strided(x, [0, first], [1, last])))
            else:
                n.output(n.relu(n.slice(x, [0, first], [1, last - first])))
    copy = check_rule(n.model, TrimPad())
    slices = [op for op in copy.main.ops if op.code in SLICES]
    behind_pads = [op for op in slices if op.inputs[0] in pads_of(copy)]
    assert len(behind_pads) == 4, "those that take nothing but padding stay"


def test_a_pad_behind_that_is_dropped_again() -> None:
    n = Windows()
    x = n.pad(n.relu(n.feed(1, 1, 6, 2)), *image((0, 0), (2, 2)))
    n.output(n.relu(n.slice(x, [0, 0, 0, 0], [1, 1, 8, 2])))
    check_rule(
        n.model,
        TrimPad(),
        """
        graph(%0: i8[1,1,6,2]{0.05,3}) -> %3
          %1: i8[1,1,6,2]{0.05,3} = RELU(%0)
          %2: i8[1,1,8,2]{0.05,3} = PAD(%1, [0, 0, 0, 0, 2, 0, 0, 0])
          %3: i8[1,1,8,2]{0.05,3} = RELU(%2)
        """,
        hits=1,
    )


def trims_shared(n: Windows) -> None:
    x = n.pad(n.feed(1, 4), (0, 0), (2, 1))
    n.output(n.relu(n.slice(x, [0, 0], [1, 4])), n.relu(x))


def trims_padding_only(n: Windows) -> None:
    n.output(n.relu(n.slice(n.pad(n.feed(1, 4), (0, 0), (2, 1)), [0, 0], [1, 2])))


def trims_input_to_output(n: Windows) -> None:
    n.output(n.slice(n.pad(n.feed(1, 4), (0, 0), (2, 1)), [0, 2], [1, 4]))


def trims_open(n: Windows) -> None:
    x = n.pad(n.feed(1, 4), (0, 0), (2, 1))
    x.extra.shape_signature = (-1, 7)
    n.output(n.relu(n.slice(x, [0, 0], [1, 4])))


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (trims_shared, "another operator reads what it cuts"),
        (trims_padding_only, "it takes nothing but padding"),
        (
            trims_input_to_output,
            "it stands between an input or constant of the model and an output",
        ),
        (trims_open, "a dimension is open (-1)"),
    ],
)
def test_trimming_declines(build: Build, reason: str) -> None:
    n = Windows()
    build(n)
    check_declines(n.model, TrimPad(), reason)


def test_trimming_leaves_alone_steps() -> None:
    n = Windows()
    x = n.pad(n.feed(4, 4), (2, 2), (2, 2))
    n.output(n.relu(n.strided(x, [0, 0], [8, 8], 2)))
    check_leaves_alone(n.model, TrimPad())
