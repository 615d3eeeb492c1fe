from __future__ import annotations

import numpy as np
import pytest

from tflopt.errors import ModelError, UnsupportedError
from tflopt.facts.windows import Axis
from tflopt.io.reading.reader import read_bytes
from tflopt.io.writing.writer import write_bytes
from tflopt.ir import Buffer, DType, Metadata, Model, OpCode
from tflopt.ir.builder import Builder
from tflopt.ir.options import (
    AddOptions,
    ConcatenationOptions,
    IfOptions,
    Pool2DOptions,
    SplitOptions,
)
from tflopt.ir.types import Padding
from tflopt.plan.describe import describe, read_plan, runtime_bytes, tensor_refs, write_plan
from tflopt.plan.find_aliases import in_place_aliases, kernel_gap, op_window, overlap_aliases
from tflopt.plan.lifetimes import TensorAlias, TensorRef
from tflopt.plan.overlap import Window
from tflopt.plan.reference_kernels import reference_scratch

pytestmark = pytest.mark.unit


def _add_and_reshape() -> Model:
    b = Builder()
    x = b.input((1, 4, 4, 2))
    y = b.op(OpCode.ADD, [x, x], (1, 4, 4, 2), options=AddOptions())
    b.output(b.op(OpCode.RESHAPE, [y, b.constant([1, 32])], (1, 32)))
    return b.model


def test_a_description_has_everything_the_allocator_looks_at() -> None:
    graph = describe(_add_and_reshape(), lambda op: (len(op.inputs),)).subgraphs[0]
    assert [t.size_bytes for t in graph.tensors] == [32, 32, 8, 32]
    assert [t.is_constant for t in graph.tensors] == [False, False, True, False]
    assert [(list(op.inputs), list(op.outputs)) for op in graph.ops] == [
        ([0, 0], [1]),
        ([1, 2], [3]),
    ]
    assert [op.scratch_bytes for op in graph.ops] == [(2,), (2,)]
    assert [op.name for op in graph.ops] == ["ADD #0", "RESHAPE #1"]
    assert (list(graph.inputs), list(graph.outputs)) == ([0], [3])


def test_sizes_are_those_of_the_runtime() -> None:
    b = Builder()
    assert runtime_bytes(b.value((3, 3), DType.INT4)) == 9
    assert runtime_bytes(b.value((), DType.FLOAT32)) == 4
    assert runtime_bytes(b.value((), DType.RESOURCE)) == 4
    with pytest.raises(UnsupportedError, match="no size for STRING"):
        runtime_bytes(b.value((1,), DType.STRING))


def test_called_subgraphs_are_found() -> None:
    b = Builder()
    x = b.input((1,), DType.BOOL)
    b.output(b.op(OpCode.IF, [x], (1,), options=IfOptions(1, 2)))
    for _ in range(2):
        Builder(b.model).input((1,))
    assert describe(b.model, lambda _: ()).subgraphs[0].ops[0].subgraphs_called == (1, 2)
    b.model.opcodes[0].stored = (int(OpCode.IF), 0)  # only the deprecated field: TFLM sees no IF
    assert describe(b.model, lambda _: ()).subgraphs[0].ops[0].subgraphs_called == ()


def test_plans_survive_a_file() -> None:
    model = _add_and_reshape()
    assert read_plan(model) is None
    write_plan(model, [0, 32, -1, 32])
    again = read_bytes(write_bytes(model))
    assert read_plan(again) == [0, 32, -1, 32]
    write_plan(again, [64, 32, -1, 0])
    assert read_plan(again) == [64, 32, -1, 0]
    assert len(again.metadata or ()) == 1
    assert len(again.buffers) == len(model.buffers)
    write_plan(again, None)
    assert read_plan(again) is None
    assert len(again.buffers) == len(model.buffers) - 1


def test_the_last_plan_counts_and_a_malformed_one_is_reported() -> None:
    model = _add_and_reshape()
    write_plan(model, [0, 32, -1, 32])
    assert model.metadata is not None
    model.metadata.append(Metadata("OfflineMemoryAllocation", Buffer(np.zeros(4, np.uint8))))
    with pytest.raises(ModelError, match="too short"):
        read_plan(model)


def _pairs(aliases: list[TensorAlias]) -> list[tuple[int, int, int | None, int | None, bool]]:
    return [(a.first.tensor, a.second.tensor, a.low, a.high, a.shares_content) for a in aliases]


def test_views_and_elementwise_operators() -> None:
    found = _pairs(in_place_aliases(_add_and_reshape()))
    assert found == [(0, 1, 0, None, False), (0, 1, 0, None, False), (1, 3, 0, 0, True)]


def test_broadcast_operands_and_constants_stay_apart() -> None:
    b = Builder()
    x, small = b.input((1, 4)), b.input((1, 1))
    y = b.op(OpCode.ADD, [x, small], (1, 4), options=AddOptions())
    b.output(b.op(OpCode.ADD, [b.constant([[1, 2, 3, 4]], DType.INT8), y], (1, 4)))
    refs = tensor_refs(b.model)
    aliases = in_place_aliases(b.model)
    assert [(a.first, a.second) for a in aliases] == [
        (refs[x], refs[y]),
        (refs[y], refs[b.graph.outputs[0]]),
    ]


def test_wider_elements_lie_below_their_input() -> None:
    b = Builder()
    x = b.input((1, 8), DType.FLOAT32)
    narrow = b.op(OpCode.QUANTIZE, [x], (1, 8), dtype=DType.INT8)
    b.output(b.op(OpCode.QUANTIZE, [narrow], (1, 8), dtype=DType.INT16))
    # the last of 8 elements is read after 7 are written, 2 bytes each
    assert _pairs(in_place_aliases(b.model)) == [(0, 1, 0, None, False), (1, 2, 16, None, False)]


def test_concatenation_and_split_share_slices() -> None:
    b = Builder()
    x, y = b.input((1, 2, 16)), b.input((1, 3, 16))
    whole = b.op(OpCode.CONCATENATION, [x, y], (1, 5, 16), options=ConcatenationOptions(1))
    axis = b.constant(1)
    b.output(whole)
    split = b.op(OpCode.SPLIT, [axis, whole], (1, 5, 16), options=SplitOptions(1), dtype=DType.INT8)
    b.output(split)
    found = _pairs(in_place_aliases(b.model))
    assert found == [(0, 2, 0, 0, True), (1, 2, 32, 32, True), (4, 2, 0, 0, True)]


@pytest.mark.parametrize("dtype", [DType.INT4, DType.INT8])
def test_packed_elements_share_nothing(dtype: DType) -> None:
    b = Builder()
    parts = [b.input((1, 32), dtype) for _ in range(2)]
    options = ConcatenationOptions(0)
    whole = b.op(OpCode.CONCATENATION, parts, (2, 32), options=options, dtype=dtype)
    b.output(b.op(OpCode.RELU, [whole], (2, 32), dtype=dtype))
    assert bool(in_place_aliases(b.model)) is (dtype is DType.INT8)


def test_pads_may_be_written_below_their_input() -> None:
    b = Builder()
    x = b.input((1, 4, 4, 8))
    b.output(b.op(OpCode.PAD, [x, b.constant([[0, 0], [1, 1], [1, 1], [0, 0]])], (1, 6, 6, 8)))
    # 6 + 3 * 2 + 1 pixels of 8 channels, rounded up
    assert _pairs(in_place_aliases(b.model)) == [(0, 2, 112, None, False)]


def test_diagonal_overlap_uses_the_gap_it_is_given() -> None:
    b = Builder()
    x = b.input((1, 4, 4, 8))
    options = Pool2DOptions(Padding.SAME, 2, 2, 3, 3)
    b.output(b.op(OpCode.MAX_POOL_2D, [x], (1, 2, 2, 8), options=options))
    (op,) = b.graph.ops
    axis = Axis(4, kernel=3, stride=2, before=0, out=2)
    assert op_window(op) == Window(axis, axis, 8, 8)
    assert kernel_gap(op, "arm_max_pool_s8", "dsp") == 8
    assert kernel_gap(op, "unknown", "dsp") is None
    assert _pairs(overlap_aliases(b.model, lambda _: 17)) == [(0, 1, 32, None, False)]
    assert _pairs(overlap_aliases(b.model, lambda _: -17)) == [(0, 1, -16, None, False)]
    assert overlap_aliases(b.model, lambda _: None) == []


@pytest.mark.parametrize(
    ("dtype", "scratch"),
    [(DType.INT8, (4 * 8, 4 * 4, 4 * 2)), (DType.FLOAT32, (4 * 4, 4 * 2))],
)
def test_reference_scratch_of_mean(dtype: DType, scratch: tuple[int, ...]) -> None:
    b = Builder()
    x = b.input((1, 4, 4, 8), dtype)
    b.output(b.op(OpCode.MEAN, [x, b.constant([1, 2])], (1, 8), dtype=dtype))
    assert reference_scratch(b.graph.ops[0]) == scratch
    assert TensorRef(0, 2) in tensor_refs(b.model).values()
