"""fold-constants and fold-shape."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import pytest

from tests.support.check_rule import (
    apply,
    check_declines,
    check_leaves_alone,
    check_rule,
)
from tests.support.windows import Windows
from tflopt.ir import Activation, DType, OpCode, Options, Value
from tflopt.ir.options import (
    AddOptions,
    CastOptions,
    ConcatenationOptions,
    DequantizeOptions,
    DivOptions,
    GatherOptions,
    MulOptions,
    PackOptions,
    QuantizeOptions,
    StridedSliceOptions,
    SubOptions,
    UnpackOptions,
)
from tflopt.rules.constants.fold_constants import FoldConstants

pytestmark = pytest.mark.runtime
RULE = FoldConstants()
Build = Callable[[Windows], None]
DATA = np.arange(-6, 6, dtype=np.int8).reshape(3, 4)


def folded(
    code: OpCode,
    inputs: Sequence[npt.ArrayLike],
    shape: Sequence[int],
    options: Options | None = None,
    dtypes: Sequence[DType] = (),
    out: DType = DType.INT32,
) -> npt.NDArray[np.generic]:
    """What the rule puts in the place of one operator."""
    n = Windows()
    kinds = [*dtypes, *[DType.INT32] * (len(inputs) - len(dtypes))]
    values = [n.constant(data, kind) for data, kind in zip(inputs, kinds, strict=True)]
    y = n.op(code, values, shape, options=options, dtype=out)
    reader = n.op(OpCode.CAST, [y], shape, dtype=DType.FLOAT32)
    n.output(reader)
    trace = apply(n.model, RULE)
    assert trace.counts["fold-constants"] == 1, trace
    value = n.model.main.ops[0].inputs[0]
    assert value is not None
    assert value.dtype is out
    return value.array()


Case = tuple[OpCode, list[npt.ArrayLike], Options | None, npt.ArrayLike]
CASES: list[Case] = [
    (OpCode.ADD, [[1, -2], [[3], [4]]], AddOptions(), [[4, 1], [5, 2]]),
    (OpCode.SUB, [[1, -2], [3, 4]], SubOptions(), [-2, -6]),
    (OpCode.MUL, [[3, -2], [3, 4]], MulOptions(), [9, -8]),
    (OpCode.DIV, [[7, -7, 7], [2, 2, -2]], DivOptions(), [3, -3, -3]),
    (OpCode.FLOOR_DIV, [[7, -7, 7], [2, 2, -2]], None, [3, -4, -4]),
    (OpCode.FLOOR_MOD, [[7, -7, 7], [2, 2, -2]], None, [1, 1, -1]),
    (OpCode.MAXIMUM, [[7, -7], [2, 2]], None, [7, 2]),
    (OpCode.MINIMUM, [[7, -7], [2, 2]], None, [2, -7]),
    (OpCode.RESHAPE, [[[1, 2], [3, 4]], [4]], None, [1, 2, 3, 4]),
    (OpCode.EXPAND_DIMS, [[1, 2], 0], None, [[1, 2]]),
    (OpCode.SQUEEZE, [[[1, 2]]], None, [1, 2]),
    (OpCode.TRANSPOSE, [[[1, 2], [3, 4]], [1, 0]], None, [[1, 3], [2, 4]]),
    (OpCode.SLICE, [[1, 2, 3, 4], [1], [-1]], None, [2, 3, 4]),
    (OpCode.STRIDED_SLICE, [[1, 2, 3, 4], [3], [0], [-2]], StridedSliceOptions(), [4, 2]),
    (OpCode.STRIDED_SLICE, [[1, 2, 3], [1], [2], [1]], StridedSliceOptions(0, 0, 0, 0, 1), 2),
    (OpCode.STRIDED_SLICE, [[1, 2, 3], [1], [2], [1]], StridedSliceOptions(1, 1), [1, 2, 3]),
    (OpCode.CONCATENATION, [[[1], [2]], [[3], [4]]], ConcatenationOptions(1), [[1, 3], [2, 4]]),
    (OpCode.PACK, [1, 2, 3], PackOptions(3), [1, 2, 3]),
    (OpCode.GATHER, [[10, 20, 30], [2, 0]], GatherOptions(), [30, 10]),
    (OpCode.TILE, [[[1, 2]], [2, 2]], None, [[1, 2, 1, 2], [1, 2, 1, 2]]),
    (OpCode.BROADCAST_TO, [[[1], [2]], [2, 2]], None, [[1, 1], [2, 2]]),
    (OpCode.FILL, [[2, 2], 7], None, [[7, 7], [7, 7]]),
    (OpCode.RANGE, [3, -4, -2], None, [3, 1, -1, -3]),
    (OpCode.ZEROS_LIKE, [[1, 2]], None, [0, 0]),
]


@pytest.mark.parametrize(("code", "inputs", "options", "expected"), CASES)
def test_integers(
    code: OpCode,
    inputs: list[npt.ArrayLike],
    options: Options | None,
    expected: npt.ArrayLike,
) -> None:
    found = folded(code, inputs, np.shape(expected), options)
    assert np.array_equal(found, np.asarray(expected, np.int32))


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (OpCode.EQUAL, [False, True, False]),
        (OpCode.NOT_EQUAL, [True, False, True]),
        (OpCode.LESS, [True, False, False]),
        (OpCode.LESS_EQUAL, [True, True, False]),
        (OpCode.GREATER, [False, False, True]),
        (OpCode.GREATER_EQUAL, [False, True, True]),
    ],
)
def test_comparisons(code: OpCode, expected: list[bool]) -> None:
    found = folded(code, [[1, 2, 3], [2, 2, 2]], (3,), out=DType.BOOL)
    assert found.tolist() == expected


def test_choices() -> None:
    kinds = [DType.BOOL]
    rows = folded(
        OpCode.SELECT, [[True, False], [[1, 1], [1, 1]], [[2, 2], [2, 2]]], (2, 2), None, kinds
    )
    assert rows.tolist() == [[1, 1], [2, 2]]
    single = folded(OpCode.SELECT_V2, [[True, False], [1, 1], [2, 2]], (2,), None, kinds)
    assert single.tolist() == [1, 2]


def test_several_outputs_of_which_one_is_read() -> None:
    n = Windows()
    shapes: list[Sequence[int]] = [(2,)] * 3
    rows = n.ops(OpCode.UNPACK, [n.constant([[1, 2], [3, 4], [5, 6]])], shapes, UnpackOptions(3))
    n.output(n.op(OpCode.CAST, [rows[1]], (2,), dtype=DType.FLOAT32))
    apply(n.model, RULE)
    value = n.model.main.ops[0].inputs[0]
    assert value is not None
    assert value.ints() == (3, 4)


def test_all_of_it_vanishes_in_front_of_what_computes() -> None:
    n = Windows()
    x = n.feed(3, 4)
    constant = n.constant(DATA, DType.INT8, quant=(0.05, 3))
    y = n.concat(n.transpose(n.transpose(constant, 1, 0), 1, 0), axis=0)
    n.output(n.add(x, n.slice(y, [0, 0], [3, 4])))
    check_rule(
        n.model,
        RULE,
        """
        graph(%0: i8[3,4]{0.05,3}) -> %1
          %1: i8[3,4]{0.05,3} = ADD(%0, const i8[3,4]{0.05,3})
        """,
        hits=4,
    )


@pytest.mark.parametrize("zero_point", [-128, 3, 127])
def test_every_int8_is_dequantized_as_the_runtime_does(zero_point: int) -> None:
    n = Windows()
    x = n.input((1, 256), DType.FLOAT32)
    numbers = np.arange(-128, 128).reshape(1, 256)
    constant = n.constant(numbers, DType.INT8, quant=(0.012345, zero_point))
    options, kind = DequantizeOptions(), DType.FLOAT32
    y = n.op(OpCode.DEQUANTIZE, [constant], (1, 256), options=options, dtype=kind, version=2)
    n.output(n.add(x, y))
    check_rule(n.model, FoldConstants(growth_bytes=1024), hits=1)


def test_floats_are_quantized_as_the_runtime_does() -> None:
    """Halves, numbers beside them, and numbers out of range."""
    n = Windows()
    halves = (np.arange(-300, 300) + np.float32(0.5)) * np.float32(0.1)
    numbers = np.concatenate([halves, np.nextafter(halves, np.float32(0)), [1e6, -1e6, -0.0]])
    constant = n.constant(numbers.reshape(1, -1), DType.FLOAT32)
    options, quant = QuantizeOptions(), (0.1, 5)
    shape = constant.shape
    y = n.op(OpCode.QUANTIZE, [constant], shape, options=options, quant=quant, dtype=DType.INT8)
    n.output(n.add(n.input(shape, quant=quant), y))
    check_rule(n.model, RULE, hits=1)


def test_halves_become_floats() -> None:
    found = folded(
        OpCode.DEQUANTIZE, [[0.5, -1.25]], (2,), DequantizeOptions(), [DType.FLOAT16], DType.FLOAT32
    )
    assert found.tolist() == [0.5, -1.25]


def test_what_tflm_cannot_run_is_folded_at_any_size() -> None:
    assert folded(OpCode.RANGE, [0, 1000, 1], (1000,)).shape == (1000,)


def grows(n: Windows) -> None:
    n.output(n.relu(n.op(OpCode.FILL, [n.constant([400]), n.constant(7)], (400,))))


def is_output(n: Windows) -> None:
    n.output(n.transpose(n.constant(DATA, DType.INT8), 1, 0))


def quantized_sum(n: Windows) -> None:
    constant = n.constant(DATA, DType.INT8, quant=(0.05, 3))
    n.output(n.relu(n.add(constant, constant)))


def overflow(n: Windows) -> None:
    constant = n.constant([2**31 - 1])
    n.output(n.op(OpCode.CAST, [n.add(constant, constant)], (1,), dtype=DType.FLOAT32))


def by_zero(n: Windows) -> None:
    values: list[Value | None] = [n.constant([1]), n.constant([0])]
    n.output(n.op(OpCode.CAST, [n.op(OpCode.FLOOR_DIV, values, (1,))], (1,), dtype=DType.FLOAT32))


def fused(n: Windows) -> None:
    options = AddOptions(Activation.RELU)
    y = n.op(OpCode.ADD, [n.constant([-5]), n.constant([1])], (1,), options=options)
    n.output(n.op(OpCode.CAST, [y], (1,), dtype=DType.FLOAT32))


def truncated(n: Windows) -> None:
    options = CastOptions()
    y = n.op(
        OpCode.CAST, [n.constant([1.5], DType.FLOAT32)], (1,), options=options, dtype=DType.INT32
    )
    n.output(n.relu(y))


LEFT = "its arithmetic is left to the runtime"


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (grows, "the file would grow by 1592 bytes"),
        (is_output, "an output of the model can't be a constant"),
        (quantized_sum, LEFT),
        (overflow, LEFT),
        (by_zero, LEFT),
        (fused, LEFT),
        (truncated, LEFT),
    ],
)
def test_declines(build: Build, reason: str) -> None:
    n = Windows()
    build(n)
    check_declines(n.model, RULE, reason)


def computed(n: Windows) -> None:
    n.output(n.transpose(n.relu(n.feed(2, 3)), 1, 0))


def variable(n: Windows) -> None:
    state = n.constant(DATA, DType.INT8, quant=(0.05, 3))
    state.is_variable = True
    n.output(n.relu(n.transpose(state, 1, 0)))


@pytest.mark.parametrize("build", [computed, variable])
def test_leaves_alone(build: Build) -> None:
    n = Windows()
    build(n)
    check_leaves_alone(n.model, RULE)
