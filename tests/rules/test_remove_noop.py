"""``remove-noop``: every operator that can do nothing, and its near relatives that do."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.check_rule import check_declines, check_leaves_alone, check_rule
from tests.support.graphs import QUANT, Net
from tflopt.ir import Activation, DType, OpCode, Value
from tflopt.ir.options import (
    BroadcastToOptions,
    CastOptions,
    ConcatenationOptions,
    MirrorPadOptions,
    PadV2Options,
    QuantizeOptions,
    SplitVOptions,
    StridedSliceOptions,
    TileOptions,
)
from tflopt.rules.constants.remove_noop import RemoveNoop

pytestmark = pytest.mark.runtime
RULE = RemoveNoop()
SHAPE = (2, 3, 4)
Build = Callable[[Net, Value], Value]


def quantize(n: Net, x: Value, quant: tuple[float, int] = QUANT) -> Value:
    return n.op(OpCode.QUANTIZE, [x], x.shape, options=QuantizeOptions(), quant=quant, version=2)


def pad_v2(n: Net, x: Value) -> Value:
    value = n.constant([3], DType.INT8, quant=QUANT)
    inputs = [x, n.constant([[0, 0]] * 3), value]
    return n.op(OpCode.PADV2, inputs, x.shape, options=PadV2Options(), version=2)


def mirror_pad(n: Net, x: Value) -> Value:
    inputs = [x, n.constant([[0, 0]] * 3)]
    return n.op(OpCode.MIRROR_PAD, inputs, x.shape, options=MirrorPadOptions(), version=2)


def split_v(n: Net, x: Value) -> Value:
    inputs = [x, n.constant([2]), n.constant(0)]
    return n.op(OpCode.SPLIT_V, inputs, x.shape, options=SplitVOptions(1), version=2)


def broadcast(n: Net, x: Value) -> Value:
    inputs = [x, n.constant(x.shape)]
    return n.op(OpCode.BROADCAST_TO, inputs, x.shape, options=BroadcastToOptions(), version=3)


def tile(n: Net, x: Value) -> Value:
    inputs = [x, n.constant([1] * len(x.shape))]
    return n.op(OpCode.TILE, inputs, x.shape, options=TileOptions(), version=2)


def cast(n: Net, x: Value) -> Value:
    options = CastOptions(int(DType.INT8), int(DType.INT8))
    return n.op(OpCode.CAST, [x], x.shape, options=options)


def squeeze_nothing(n: Net, x: Value) -> Value:
    from tflopt.ir.options import SqueezeOptions

    return n.op(OpCode.SQUEEZE, [x], x.shape, options=SqueezeOptions())


NOOPS: dict[str, Build] = {
    "RESHAPE": lambda n, x: n.reshape(x, *SHAPE),
    "SQUEEZE": squeeze_nothing,
    "TRANSPOSE": lambda n, x: n.transpose(x, 0, 1, 2),
    "PAD": lambda n, x: n.pad(x, (0, 0), (0, 0), (0, 0)),
    "PADV2": pad_v2,
    "MIRROR_PAD": mirror_pad,
    "SLICE": lambda n, x: n.slice(x, [0, 0, 0], [2, 3, 4]),
    "SLICE -1": lambda n, x: n.slice(x, [0, 0, 0], [-1, -1, -1]),
    "STRIDED_SLICE": lambda n, x: n.strided(x, [0, 0, 0], [2, 3, 4]),
    "QUANTIZE": quantize,
    "CONCATENATION": lambda n, x: n.concat(x),
    "SPLIT": lambda n, x: n.split(x, 1)[0],
    "SPLIT_V": split_v,
    "BROADCAST_TO": broadcast,
    "TILE": tile,
    "CAST": cast,
}
NOT_ON_TFLM = {"TILE", "CAST"}
NOT_ON_LITERT = {"PADV2", "CAST", "BROADCAST_TO"}


@pytest.mark.parametrize("name", NOOPS)
def test_an_operator_that_does_nothing_is_removed(name: str) -> None:
    n = Net()
    x = n.relu(n.feed(*SHAPE))
    n.output(n.relu(NOOPS[name](n, x)))
    runners = {"tflm", "litert"}
    runners -= {"tflm"} if name in NOT_ON_TFLM else set()
    runners -= {"litert"} if name in NOT_ON_LITERT else set()
    check_rule(
        n.model,
        RULE,
        """
        graph(%0: i8[2,3,4]{0.05,3}) -> %2
          %1: i8[2,3,4]{0.05,3} = RELU(%0)
          %2: i8[2,3,4]{0.05,3} = RELU(%1)
        """,
        hits=1,
        runners=runners,
    )


def test_a_chain_of_noops_vanishes() -> None:
    n = Net()
    x = n.relu(n.feed(*SHAPE))
    for build in (NOOPS["RESHAPE"], NOOPS["PAD"], quantize, NOOPS["SPLIT"]):
        x = build(n, x)
    n.output(n.relu(x))
    assert len(check_rule(n.model, RULE, hits=4).main.ops) == 2


def test_an_output_keeps_its_name_and_place() -> None:
    n = Net()
    y = n.reshape(n.relu(n.feed(2, 3)), 2, 3)
    y.name = "scores"
    n.output(n.relu(n.feed(2, 3)), y)
    copy = check_rule(n.model, RULE, hits=1)
    assert [v.name for v in copy.main.outputs][1] == "scores"
    assert len({v.name for v in copy.main.values}) == len(copy.main.values)


def test_an_output_in_the_middle_stays() -> None:
    n = Net()
    middle = n.relu(n.feed(2, 3))
    same = n.reshape(middle, 2, 3)
    n.output(middle, n.relu(same))
    copy = check_rule(n.model, RULE, hits=1)
    assert [op.code.name for op in copy.main.ops] == ["RELU", "RELU"]


def test_all_readers_are_moved() -> None:
    n = Net()
    x = n.relu(n.feed(2, 3))
    same = n.reshape(x, 2, 3)
    n.output(n.add(same, same), n.add(x, same), n.relu(same))
    check_rule(
        n.model,
        RULE,
        """
        graph(%0: i8[2,3]{0.05,3}) -> %2, %3, %4
          %1: i8[2,3]{0.05,3} = RELU(%0)
          %2: i8[2,3]{0.05,3} = ADD(%1, %1)
          %3: i8[2,3]{0.05,3} = ADD(%1, %1)
          %4: i8[2,3]{0.05,3} = RELU(%1)
        """,
        hits=1,
    )


def input_to_output(n: Net) -> None:
    n.output(n.reshape(n.feed(2, 3), 2, 3))


def constant_to_output(n: Net) -> None:
    n.output(n.relu(n.feed(1)))
    n.output(n.reshape(n.constant([1, 2], DType.INT8, quant=QUANT), 2))


def two_outputs(n: Net) -> None:
    x = n.relu(n.feed(2, 3))
    n.output(x, n.reshape(x, 2, 3))


def requantized(n: Net) -> None:
    n.output(n.relu(quantize(n, n.relu(n.feed(2, 3)), (0.1, 0))))


def variable(n: Net) -> None:
    state = n.value((2, 3), DType.INT8, QUANT)
    state.is_variable = True
    n.output(n.relu(n.reshape(state, 2, 3)))


BOUND = "it stands between an input or constant of the model and an output"


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (input_to_output, BOUND),
        (constant_to_output, BOUND),
        (two_outputs, BOUND),
        (requantized, "it changes the quantization of what it hands on"),
        (variable, "it copies a variable that may change later"),
    ],
)
def test_declines(build: Callable[[Net], None], reason: str) -> None:
    n = Net()
    build(n)
    check_declines(n.model, RULE, reason)


def test_input_to_output_through_two_noops_keeps_one() -> None:
    n = Net()
    n.output(n.reshape(n.reshape(n.feed(2, 3), 2, 3), 2, 3))
    copy = check_rule(n.model, RULE, hits=1)
    assert len(copy.main.ops) == 1


def reversed_(n: Net, x: Value) -> Value:
    return n.strided(x, [-1] * 3, [0] * 3, -1)


def computed_pads(n: Net, x: Value) -> Value:
    return n.op(OpCode.PAD, [x, n.input((3, 2), DType.INT32)], x.shape)


def clamped(n: Net, x: Value) -> Value:
    options = ConcatenationOptions(0, Activation.RELU)
    return n.op(OpCode.CONCATENATION, [x], x.shape, options=options)


def float_to_int(n: Net, x: Value) -> Value:
    return n.op(OpCode.CAST, [x], x.shape, dtype=DType.INT32, options=CastOptions())


WORKERS: dict[str, Build] = {
    "RESHAPE": lambda n, x: n.reshape(x, 4, 6),
    "TRANSPOSE of equal sides": lambda n, x: n.transpose(n.slice(x, [0, 0, 0], [2, 2, 2]), 1, 0, 2),
    "PAD": lambda n, x: n.pad(x, (0, 0), (1, 0), (0, 0)),
    "PAD and cut": lambda n, x: n.pad(x, (0, 0), (1, -1), (0, 0)),
    "computed PAD": computed_pads,
    "SLICE": lambda n, x: n.slice(x, [1, 0, 0], [1, 3, 4]),
    "STRIDED_SLICE": lambda n, x: n.strided(x, [0, 0, 0], [2, 3, 4], 2),
    "reversed": reversed_,
    "CONCATENATION": lambda n, x: n.concat(x, x),
    "clamped CONCATENATION": clamped,
    "SPLIT": lambda n, x: n.concat(*n.split(x, 2)),
    "CAST": float_to_int,
}


@pytest.mark.parametrize("name", WORKERS)
def test_leaves_alone_what_does_something(name: str) -> None:
    n = Net()
    x = n.relu(n.feed(*SHAPE))
    n.output(n.relu(WORKERS[name](n, x)))
    check_leaves_alone(n.model, RULE)


def test_strides_of_one_with_masks() -> None:
    """Same shape and stride 1, a new axis in front and another one shrunk: the same elements."""
    n = Net()
    x = n.relu(n.feed(1, 4))
    inputs = [x, n.constant([0, 0, 0]), n.constant([1, 1, 4]), n.constant([1, 1, 1])]
    options = StridedSliceOptions(new_axis_mask=1, shrink_axis_mask=2)
    n.output(n.relu(n.op(OpCode.STRIDED_SLICE, inputs, (1, 4), options=options, version=2)))
    check_rule(n.model, RULE, hits=1, runners=["litert"])
