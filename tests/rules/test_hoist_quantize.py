"""``hoist-quantize``: QUANTIZE behind float operators that pick among their inputs' elements."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tests.support.check_rule import apply, check_declines, check_leaves_alone, check_rule
from tests.support.kit import Kit, Quant
from tests.support.worth import check_declines_by
from tflopt.ir import Activation, DType, OpCode, Value
from tflopt.ir.options import (
    ConcatenationOptions,
    GatherOptions,
    MirrorPadOptions,
    PackOptions,
    PadV2Options,
)
from tflopt.rules.activations.fold_unary_chain import FoldUnaryChain
from tflopt.rules.islands.hoist_quantize import HoistQuantize
from tflopt.rules.islands.integerize_islands import IntegerizeIslands

pytestmark = pytest.mark.runtime
RULE = HoistQuantize()
SHAPE = (1, 4, 4, 3)
ONE, TWO, OUT = (0.05, 3), (0.0413, -7), (0.05, 3)
Build = Callable[[Kit], Value]


def real(n: Kit, quant: Quant = ONE, shape: tuple[int, ...] = SHAPE) -> Value:
    return n.dequantize(n.input(shape, quant=quant))


def join(n: Kit, *values: Value, fused: Activation = Activation.NONE) -> Value:
    shape = (*SHAPE[:3], sum(value.shape[3] for value in values))
    options = ConcatenationOptions(3, fused)
    return n.op(OpCode.CONCATENATION, values, shape, options=options)


def concatenation(n: Kit) -> Value:
    return join(n, real(n), real(n, TWO))


def pack(n: Kit) -> Value:
    values = [real(n), real(n, TWO)]
    return n.op(OpCode.PACK, values, (2, *SHAPE), options=PackOptions(2, 0))


def padv2(n: Kit) -> Value:
    amounts = n.constant([[0, 0], [1, 1], [1, 1], [0, 0]])
    inputs = [real(n), amounts, n.floats(1.37)]
    return n.op(OpCode.PADV2, inputs, (1, 6, 6, 3), options=PadV2Options())


def mirror_pad(n: Kit) -> Value:
    amounts = n.constant([[0, 0], [1, 1], [1, 1], [0, 0]])
    return n.op(OpCode.MIRROR_PAD, [real(n), amounts], (1, 6, 6, 3), options=MirrorPadOptions())


def gather(n: Kit) -> Value:
    inputs = [real(n), n.constant([3, 0, 0])]
    return n.op(OpCode.GATHER, inputs, (1, 3, 4, 3), options=GatherOptions(1))


def larger(n: Kit) -> Value:
    return n.binary(OpCode.MAXIMUM, real(n), real(n, TWO))


def smaller_than_one(n: Kit) -> Value:
    return n.binary(OpCode.MINIMUM, real(n), n.floats([1.0]))


def resize(n: Kit) -> Value:
    return n.resize_nearest(real(n), 8, 8)


def pool(n: Kit) -> Value:
    return n.pool(OpCode.MAX_POOL_2D, real(n), (2, 2), stride=(2, 2))


BUILDS: dict[str, Build] = {
    "CONCATENATION": concatenation,
    "PACK": pack,
    "PADV2": padv2,
    "MIRROR_PAD": mirror_pad,
    "GATHER": gather,
    "MAXIMUM": larger,
    "MINIMUM": smaller_than_one,
    "RESIZE_NEAREST_NEIGHBOR": resize,
    "MAX_POOL_2D": pool,
}


@pytest.mark.parametrize("name", BUILDS)
def test_rewrites(name: str) -> None:
    n = Kit()
    n.output(n.quantize(BUILDS[name](n), OUT))
    rules = (IntegerizeIslands(), FoldUnaryChain())
    copy = check_rule(n.model, RULE, hits=1, together_with=rules)
    found = [op.code.name for op in copy.main.ops]
    assert found[-1] == name
    assert set(found[:-1]) <= {"QUANTIZE"}


def test_the_result_as_text() -> None:
    n = Kit()
    joined = join(n, real(n), n.floats(np.full((1, 4, 4, 1), -0.99)))
    n.output(n.quantize(joined, OUT))
    check_rule(
        n.model,
        RULE,
        """
        graph(%0: i8[1,4,4,3]{0.05,3}) -> %3
          %1: f32[1,4,4,3] = DEQUANTIZE(%0)
          %2: i8[1,4,4,3]{0.05,3} = QUANTIZE(%1)
          %3: i8[1,4,4,4]{0.05,3} = CONCATENATION(%2, const i8[1,4,4,1]{0.05,3}) axis=3
        """,
        hits=1,
    )


def test_one_tensor_in_two_places_is_quantized_once() -> None:
    n = Kit()
    x = real(n)
    n.output(n.quantize(join(n, x, x), OUT))
    copy = check_rule(n.model, RULE, hits=1)
    assert [op.code.name for op in copy.main.ops] == ["DEQUANTIZE", "QUANTIZE", "CONCATENATION"]


def test_joins_of_joins() -> None:
    n = Kit()
    n.output(n.quantize(join(n, concatenation(n), real(n, (0.03, 9))), OUT))
    copy = check_rule(n.model, RULE, hits=2, together_with=[IntegerizeIslands()])
    assert [op.code.name for op in copy.main.ops].count("CONCATENATION") == 2
    assert all(value.dtype is not DType.FLOAT32 for op in copy.main.ops for value in op.outputs)


@pytest.mark.parametrize("code", [OpCode.RELU, OpCode.RELU6])
def test_a_clamp_in_between_works_on_bytes(code: OpCode) -> None:
    n = Kit()
    n.output(n.quantize(n.unary(code, concatenation(n)), (0.0625, -9)))
    copy = check_rule(n.model, RULE, hits=2, together_with=[IntegerizeIslands()])
    clamp = copy.main.ops[-1]
    assert clamp.code is code
    assert [value.dtype for value in clamp.inputs if value is not None] == [DType.INT8]


def test_an_input_without_an_equal_form_is_quantized_behind_its_dequantize() -> None:
    """0.031 / 0.05 has ties that floats and integers round differently."""
    n = Kit()
    n.output(n.quantize(join(n, real(n), real(n, (0.031, -7))), OUT))
    copy = check_rule(n.model, RULE, hits=1, together_with=[IntegerizeIslands(), FoldUnaryChain()])
    names = [op.code.name for op in copy.main.ops]
    assert names == ["DEQUANTIZE", "QUANTIZE", "CONCATENATION"]


def test_a_float_input_of_the_model_is_quantized_before_it_is_joined() -> None:
    n = Kit()
    n.output(n.quantize(join(n, real(n), n.input(SHAPE, DType.FLOAT32)), OUT))
    check_rule(n.model, RULE, hits=1)


@pytest.mark.parametrize("seed", range(6))
def test_random_scales(seed: int) -> None:
    """Whatever is rewritten is exact: check_rule runs both on inputs of many values."""
    rng = np.random.default_rng(seed)
    n = Kit()
    quants = [(float(rng.uniform(0.01, 0.1)), int(rng.integers(-128, 128))) for _ in range(4)]
    joined = join(n, *(real(n, quant) for quant in quants[:3]))
    out = (max(scale for scale, _ in quants[:3]), quants[3][1])
    n.output(n.quantize(joined, out))
    rules = (IntegerizeIslands(), FoldUnaryChain())
    check_rule(n.model, RULE, hits=1, together_with=rules)


def read_by_others(n: Kit) -> Value:
    joined = concatenation(n)
    n.output(joined)
    return n.quantize(joined, OUT)


def compared_with_a_float(n: Kit) -> Value:
    other = n.input(SHAPE, DType.FLOAT32)
    return n.quantize(n.binary(OpCode.MAXIMUM, real(n), other), OUT)


def beyond_32_bits(n: Kit) -> Value:
    return n.quantize(n.binary(OpCode.MAXIMUM, real(n), real(n, (1e9, 0))), OUT)


def a_large_constant(n: Kit) -> Value:
    return n.quantize(join(n, real(n), n.floats(np.full(SHAPE, 1e12))), OUT)


def a_limit_in_between(n: Kit) -> Value:
    return n.quantize(n.unary(OpCode.RELU6, concatenation(n)), (1e-9, 3))


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (read_by_others, "others read the float result as well"),
        (compared_with_a_float, "it compares with what stays a float"),
        (beyond_32_bits, "what it compares may leave 32 bits when it is quantized"),
        (a_large_constant, "a constant leaves 32 bits when it is quantized"),
        (a_limit_in_between, "its limit lies between two quantized values"),
    ],
)
def test_declines(build: Build, reason: str) -> None:
    n = Kit()
    n.output(build(n))
    check_declines(n.model, RULE, reason)


def test_declines_where_no_input_has_an_equal_form() -> None:
    n = Kit()
    x = n.input(SHAPE, quant=(0.031, -7), name="a")
    y = n.input(SHAPE, quant=(0.031, 7), name="b")
    n.output(n.quantize(join(n, n.dequantize(x), n.dequantize(y)), OUT))
    check_declines_by(n.model, RULE, "no int8 form of ")
    assert "of 256 differ, by up to 1" in apply(n.model, RULE).near_misses[0].reason


def floats_only(n: Kit) -> Value:
    return n.quantize(join(n, n.input(SHAPE, DType.FLOAT32), n.floats(np.ones(SHAPE))), OUT)


def an_activation(n: Kit) -> Value:
    return n.quantize(join(n, real(n), real(n, TWO), fused=Activation.RELU), OUT)


def to_int16(n: Kit) -> Value:
    return n.quantize(concatenation(n), (0.001, 0), DType.INT16)


def no_pick(n: Kit) -> Value:
    return n.quantize(n.unary(OpCode.RELU, real(n)), OUT)


@pytest.mark.parametrize("build", [floats_only, an_activation, to_int16, no_pick])
def test_leaves_alone(build: Build) -> None:
    n = Kit()
    n.output(build(n))
    check_leaves_alone(n.model, RULE)
