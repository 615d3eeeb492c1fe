"""The tables against whole arenas: their sums must give what TFLM reports on two emulated cores.

A small model of TFLM's arena (facts B1 and B2) adds up everything but the kernels' memory by
itself and takes that from the scratch table; ``arena_used_bytes`` was measured with QEMU.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from tests.support.arenas import MEASURED
from tests.support.kit import Kit
from tests.support.paths import SHARED
from tflopt.io import read
from tflopt.ir import DType, Graph, Model, Op, OpCode, Value
from tflopt.ir.options import CumsumOptions
from tflopt.target.device import Device
from tflopt.target.kernels import KernelRow, scratch_table
from tflopt.target.memory import memory_of

pytestmark = pytest.mark.unit
MODELS = SHARED
CORES = ("cortex-m55", "cortex-m4")
# Bytes and alignment of the parameters that TFLM parses from the file.
PARAMS = {
    OpCode.CONV_2D: (28, 4),
    OpCode.DEPTHWISE_CONV_2D: (28, 4),
    OpCode.FULLY_CONNECTED: (5, 1),
    OpCode.AVERAGE_POOL_2D: (40, 4),
    OpCode.RESHAPE: (36, 4),
    OpCode.SOFTMAX: (4, 4),
    OpCode.ADD: (2, 1),
    OpCode.MEAN: (1, 1),
    OpCode.SVDF: (8, 4),
    OpCode.UNIDIRECTIONAL_SEQUENCE_LSTM: (16, 4),
}


class Tail:
    """TFLM's tail: it grows down from an address that is a multiple of 16."""

    def __init__(self) -> None:
        self.used = 0

    def allocate(self, size: int, alignment: int) -> None:
        self.used = -(-(self.used + size) // alignment) * alignment


def tail_bytes(model: Model, rows: list[KernelRow]) -> int:
    tail = Tail()
    for size in (36, 44, 36, 8, 8 * len(model.graphs)):
        tail.allocate(size, 4)
    for graph in model.graphs:
        tail.allocate(12 * len(graph.values), 4)
        tail.allocate(32 * len(graph.ops), 4)
    for row in rows:
        tail.allocate(*PARAMS.get(row.op.code, (0, 1)))
    allocate_kernels(tail, rows)
    for value in model.main.values:
        tail.allocate(*((value.size_bytes or 0, 16) if value.is_variable else (0, 1)))
    for ports in (model.main.inputs, model.main.outputs):
        tail.allocate(4 * len(ports), 16)
        for value in ports:
            quantized = value.quant is not None and value.quant.is_set
            tail.allocate(32 + (12 + 8 if quantized else 0), 4)
    return tail.used


def allocate_kernels(tail: Tail, rows: list[KernelRow]) -> None:
    for row in rows:
        if row.use.op_data_bytes:
            tail.allocate(row.use.op_data_bytes, 16)
    for row in rows:
        for buffer in row.use.persistent:
            tail.allocate(buffer.size_bytes, buffer.alignment)
    tail.allocate(4 * sum(len(row.use.scratch_bytes or ()) for row in rows), 4)


def buffers(graph: Graph, rows: list[KernelRow]) -> Iterator[tuple[int, int, int]]:
    """(size, first, last) in TFLM's order: tensors by index, then scratch."""
    clock = {op: index + 1 for index, op in enumerate(graph.ops)}
    for value in graph.values:
        if not (value.is_constant or value.is_variable):
            yield (-(-(value.size_bytes or 0) // 16) * 16, *lifetime(value, graph, clock))
    for row in rows:
        for size in row.use.scratch_bytes or ():
            yield -(-size // 16) * 16, clock[row.op], clock[row.op]


def lifetime(value: Value, graph: Graph, clock: dict[Op, int]) -> tuple[int, int]:
    first = 0 if value.producer is None else clock[value.producer]
    uses = [clock[user] for user in value.users]
    return first, len(graph.ops) if value.is_graph_output else max([first, *uses])


def head_bytes(graph: Graph, rows: list[KernelRow]) -> int:
    """First fit by size, of equal sizes the later first, as TFLM's planner does."""
    everything = list(enumerate(buffers(graph, rows)))
    placed: list[tuple[int, int, int, int]] = []
    for _, (size, first, last) in sorted(everything, key=lambda item: (-item[1][0], -item[0])):
        offset = 0
        for start, end, other_first, other_last in sorted(placed):
            if other_first <= last and first <= other_last:
                if start - offset >= size:
                    break
                offset = max(offset, end)
        placed.append((offset, offset + size, first, last))
    return max(end for _, end, _, _ in placed)


@pytest.mark.parametrize(
    ("name", "core", "used"),
    [
        (name, core, used)
        for name, numbers in MEASURED.items()
        for core, used in zip(CORES, numbers, strict=True)
        if used is not None
    ],
)
def test_sums_give_the_measured_arena(name: str, core: str, used: int) -> None:
    path = MODELS / f"{name}.tflite"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    model = read(path)
    rows = scratch_table(model, Device.of(core))
    assert head_bytes(model.main, rows) + tail_bytes(model, rows) == used


def late(code: OpCode, *codes: OpCode) -> Model:
    """The operators in a row over 24 bytes, the first of them ``code``."""
    n = Kit()
    x = n.feed(1, 3, 2, 4)
    for each in (code, *codes):
        options = CumsumOptions() if each is OpCode.CUMSUM else None
        more = [n.constant(np.int32(1), DType.INT32)] if each is OpCode.CUMSUM else []
        inputs = [x, x] if each is OpCode.ADD_N else [x, *more]
        quant = (16 / 256, 127) if each is OpCode.LOG_SOFTMAX else None
        x = n.op(each, inputs, x.shape, options=options, quant=quant)
    n.output(x)
    return n.model


@pytest.mark.parametrize(
    ("codes", "tail"),
    [
        ([OpCode.CUMSUM], 372),
        ([OpCode.CUMSUM, OpCode.CUMSUM], 484),
        ([OpCode.CUMSUM, OpCode.RELU], 468),
        ([OpCode.ADD_N, OpCode.RELU], 452),
        ([OpCode.LOG_SOFTMAX], 356),
        ([OpCode.LOG_SOFTMAX, OpCode.RELU], 436),
    ],
)
def test_data_that_prepare_allocates_lies_behind_what_init_does(
    codes: list[OpCode], tail: int
) -> None:
    """Measured with QEMU on a cortex-m4; in the operators' order some took 16 bytes less."""
    memory = memory_of(late(*codes), Device.of("cortex-m4"))
    assert memory.arena.tail_bytes == tail
