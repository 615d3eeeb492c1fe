"""fold-shape, and limits of what is computed."""

from __future__ import annotations

import tracemalloc
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest

from tests.rules.test_fold_constants import RULE
from tests.support.check_rule import (
    apply,
    check_declines,
    check_leaves_alone,
    check_rule,
)
from tests.support.windows import Windows
from tflopt.config import Runtime
from tflopt.facts.evaluate import MOST_BYTES, evaluate
from tflopt.ir import DType, OpCode, Value
from tflopt.ir.options import (
    CastOptions,
    GatherOptions,
    MulOptions,
    PackOptions,
    ReshapeOptions,
    ShapeOptions,
    StridedSliceOptions,
)
from tflopt.rules.constants.remove_dead import RemoveDead
from tflopt.rules.views.fold_shape import FoldShape
from tflopt.rules.views.shape_to_options import ShapeToOptions

pytestmark = pytest.mark.runtime


def reshaped_by_shape(n: Windows, *signature: int) -> None:
    """A flattening as converters write it for an open batch: SHAPE, STRIDED_SLICE, PACK."""
    x = n.relu(n.feed(1, 3, 4))
    shape = n.op(OpCode.SHAPE, [x], (3,), options=ShapeOptions(DType.INT32), dtype=DType.INT32)
    shape.quant = None
    masks = StridedSliceOptions(shrink_axis_mask=1)
    ends: list[Value | None] = [n.constant([0]), n.constant([1]), n.constant([1])]
    batch = n.op(OpCode.STRIDED_SLICE, [shape, *ends], (), options=masks)
    sizes = n.op(OpCode.PACK, [batch, n.constant(12)], (2,), options=PackOptions(2))
    y = n.op(OpCode.RESHAPE, [x, sizes], (1, 12), options=ReshapeOptions())
    if signature:
        x.extra.shape_signature = (-1, 3, 4)
        y.extra.shape_signature = signature
    n.output(n.relu(y))


def test_a_computed_shape_becomes_a_fixed_one() -> None:
    n = Windows()
    reshaped_by_shape(n)
    check_rule(
        n.model,
        FoldShape(),
        """
        graph(%0: i8[1,3,4]{0.05,3}) -> %3
          %1: i8[1,3,4]{0.05,3} = RELU(%0)
          %2: i8[1,12]{0.05,3} = RESHAPE(%1) new_shape=[1, 12]
          %3: i8[1,12]{0.05,3} = RELU(%2)
        """,
        together_with=[RULE, ShapeToOptions()],
    )


def test_a_computed_shape_keeps_its_open_batch() -> None:
    n = Windows()
    reshaped_by_shape(n, -1, 12)
    apply(n.model, FoldShape(), RULE, RemoveDead())
    assert [op.code.name for op in n.model.main.ops] == ["RELU", "RESHAPE", "RELU"]
    assert n.model.main.ops[1].options == ReshapeOptions((-1, 12))


def read_shape(n: Windows, code: OpCode, *signature: int) -> None:
    x = n.feed(1, 3)
    x.extra.shape_signature = signature or None
    shape = (2,) if code is OpCode.SHAPE else ()
    y = n.op(code, [x], shape, dtype=DType.INT32)
    y.quant = None
    n.output(n.op(OpCode.CAST, [y], shape, options=CastOptions(), dtype=DType.FLOAT32))


@pytest.mark.parametrize("code", [OpCode.SHAPE, OpCode.RANK])
def test_shapes_are_constant(code: OpCode) -> None:
    n = Windows()
    read_shape(n, code)
    copy = check_rule(n.model, FoldShape(), hits=1, runners=[])
    value = copy.main.ops[0].inputs[0]
    assert value is not None
    assert value.ints() == ((1, 3) if code is OpCode.SHAPE else (2,))


def test_an_open_shape_is_constant_for_tflm_alone() -> None:
    n = Windows()
    read_shape(n, OpCode.SHAPE, -1, 3)
    check_declines(n.model, FoldShape(), "a dimension is open (-1) for LiteRT")
    check_rule(n.model, FoldShape(Runtime.TFLM), hits=1, runners=["tflm"])
    n = Windows()
    read_shape(n, OpCode.RANK, -1, 3)
    check_rule(n.model, FoldShape(), hits=1, runners=[])


def test_two_open_dimensions_stay_computed() -> None:
    n = Windows()
    reshaped_by_shape(n, -1, -1)
    check_declines(n.model, FoldShape(), "several dimensions are open (-1)")


def test_shapes_that_leave_the_model_stay() -> None:
    n = Windows()
    y = n.op(OpCode.SHAPE, [n.feed(1, 3)], (2,), dtype=DType.INT32)
    n.output(y)
    check_declines(n.model, FoldShape(), "an output of the model can't be constant")


def test_a_constant_shape_is_left_alone() -> None:
    n = Windows()
    n.output(n.relu(n.reshape(n.feed(2, 3), 6)))
    check_leaves_alone(n.model, FoldShape())


HUGE = 1 << 30


@pytest.mark.parametrize(
    ("code", "inputs", "shape"),
    [
        (OpCode.BROADCAST_TO, [[1], [HUGE]], (HUGE,)),
        (OpCode.FILL, [[HUGE], 7], (HUGE,)),
        (OpCode.RANGE, [0, HUGE, 1], (HUGE,)),
        (OpCode.TILE, [[1], [HUGE]], (HUGE,)),
        (OpCode.TILE, [[1], [HUGE]], (4,)),
        (OpCode.RANGE, [0, HUGE, 1], (4,)),
        (OpCode.MUL, [np.ones((1 << 14, 1)), np.ones((1, 1 << 14))], (1 << 14, 1 << 14)),
        (OpCode.MUL, [np.ones((1 << 14, 1)), np.ones((1, 1 << 14))], (4,)),
        (OpCode.GATHER, [np.ones((1, 1 << 14)), np.zeros(1 << 14)], (1 << 14, 1 << 14)),
        (OpCode.GATHER, [np.ones((1, 1 << 14)), np.zeros(1 << 14)], (4,)),
        (OpCode.SELECT_V2, [np.ones((1 << 14, 1)), np.ones((1, 1 << 14)), 2], (4,)),
    ],
)
def test_sizes_are_compared_before_anything_is_computed(
    code: OpCode, inputs: Sequence[npt.ArrayLike], shape: Sequence[int]
) -> None:
    """Each took gigabytes of memory for a file of 800 bytes."""
    n = Windows()
    dtypes = [DType.BOOL if code is OpCode.SELECT_V2 else DType.INT32]
    kinds = [*dtypes, *[DType.INT32] * (len(inputs) - 1)]
    values = [n.constant(data, kind) for data, kind in zip(inputs, kinds, strict=True)]
    options = {OpCode.MUL: MulOptions(), OpCode.GATHER: GatherOptions()}.get(code)
    y = n.op(code, values, shape, options=options, dtype=DType.INT32)
    tracemalloc.start()
    try:
        assert evaluate(next(n.model.ops()), [value.array() for value in values]) is None
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()
    assert y.elements > 0


def test_all_that_is_computed_stays_below_a_limit() -> None:
    """16 results of 4 MiB, of a file of a few kilobytes."""
    n, elements = Windows(), 1 << 20
    for _ in range(16):
        tiled = n.op(OpCode.TILE, [n.constant([1]), n.constant([elements])], (elements,))
        n.output(n.op(OpCode.CAST, [tiled], (elements,), dtype=DType.FLOAT32))
    trace = apply(n.model, RULE)
    assert trace.counts[RULE.name] == MOST_BYTES // (4 * elements) - 1
    assert sum(buffer.size_bytes for buffer in n.model.buffers) < MOST_BYTES
