"""The one cost vector: what operators take of every resource, as a rule weighs it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tflopt.ir import Model, Value

OP_FLASH_BYTES = 40
"""An operator's table, its vectors and its options: the mean of what the writer makes of them."""
TENSOR_FLASH_BYTES = 56
"""A tensor's table with shape and quantization, of which some are shared."""


@dataclass(frozen=True)
class Cost:
    """What operators or a model take: predicted instructions, bytes of the file, of the arena.

    ``instructions`` is None where an operator's cost is not known. ``moved_bytes`` are those that
    pure data movement writes.
    """

    instructions: int | None
    flash_bytes: int
    arena_bytes: int
    moved_bytes: int = 0

    @property
    def numbers(self) -> tuple[int, int, int]:
        """The first three; unknown instructions count as none."""
        return self.instructions or 0, self.flash_bytes, self.arena_bytes

    def changed(self, before: Cost, after: Cost) -> Cost:
        """This whole with one of its parts replaced."""
        pairs = zip(self.numbers, before.numbers, after.numbers, strict=True)
        work, flash, arena = (whole + new - old for whole, old, new in pairs)
        moved = self.moved_bytes + after.moved_bytes - before.moved_bytes
        return Cost(work, flash, arena, moved)

    def times(self, runs: int) -> Cost:
        """What runs so often in one inference; bytes are there once."""
        work = None if self.instructions is None else self.instructions * runs
        return replace(self, instructions=work, moved_bytes=self.moved_bytes * runs)

    def __str__(self) -> str:
        work = "unknown" if self.instructions is None else f"{self.instructions:,}"
        return (
            f"{work} instructions, {self.flash_bytes:,} bytes of flash, "
            f"{self.arena_bytes:,} of arena"
        )


def flash_estimate(model: Model) -> int:
    """Constants and tables, without names and whatever else may be dropped."""
    constants = {v for graph in model.graphs for v in graph.values if v.is_constant}
    tensors = sum(len(graph.values) for graph in model.graphs)
    ops = sum(len(graph.ops) for graph in model.graphs)
    tables = tensors * TENSOR_FLASH_BYTES + ops * OP_FLASH_BYTES
    return tables + sum(constant_bytes(value) for value in constants)


def constant_bytes(value: Value) -> int:
    """Data and scales; zero points of weights are all zero and shared."""
    scales = 0 if value.quant is None else 4 * value.quant.count
    return (value.size_bytes or 0) + (scales if scales > 4 else 0)
