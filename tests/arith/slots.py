"""Many parameter sets of one kernel in one model, whose numbers are patched batch by batch.

A template holds ``count`` copies of an operator, whose scales, zero points and options are
markers. A batch replaces the markers in the file, so that a model costs no building.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tests.support.runtime import runtime
from tflopt.arith.affine import Affine
from tflopt.io import write_bytes
from tflopt.ir import DType, OpCode, Quantization, Value
from tflopt.ir.builder import Builder
from tflopt.ir.options import ReshapeOptions
from tflopt.run.runner import arena_guess

FLOAT_MARK = 0x7A000000
ZERO_MARK = 0x5A5A0000
ROLE_BITS = 16

Array = npt.NDArray[np.generic]
Numbers = dict[str, npt.NDArray[np.float32]]
Params = dict[str, Affine]


@dataclass(frozen=True)
class Drawn:
    """Parameter sets: affine parameters and plain numbers, each of shape (sets, 1)."""

    affine: Params
    numbers: Numbers

    def part(self, rows: slice) -> Drawn:
        """These sets alone."""
        affine = {
            role: Affine(each.scale[rows], each.zero_point[rows])
            for role, each in self.affine.items()
        }
        return Drawn(affine, {role: each[rows] for role, each in self.numbers.items()})


@dataclass
class Slot:
    """The place of one parameter set in a template."""

    net: Builder
    feeds: list[Value]
    index: int
    roles: dict[str, int]

    def mark(self, role: str) -> int:
        """The bits that stand for a number of this slot."""
        return (self.roles.setdefault(role, len(self.roles)) << ROLE_BITS) + self.index

    def quant(self, role: str) -> Quantization:
        """Marked parameters."""
        mark = self.mark(role)
        scale = np.array([FLOAT_MARK + mark], dtype=np.uint32).view(np.float32)
        zero = ((ZERO_MARK + (mark >> ROLE_BITS)) << 32) + self.index
        return Quantization(scale, np.array([zero], dtype=np.int64))

    def number(self, role: str) -> float:
        """A marked number for an option."""
        bits = np.array([FLOAT_MARK + self.mark(role)], dtype=np.uint32)
        return float(bits.view(np.float32)[0])

    def relabel(self, number: int, role: str) -> Value:
        """Feed ``number`` under marked parameters: RESHAPE copies and reads no quantization."""
        feed = self.feeds[number]
        inputs = [feed, self.net.constant(feed.shape)]
        options = ReshapeOptions(feed.shape)
        return self.net.op(
            OpCode.RESHAPE, inputs, feed.shape, options=options, quant=self.quant(role)
        )


@dataclass(frozen=True)
class Kernel:
    """A kernel under test.

    Args:
        draw: parameter sets.
        feed: the input tensors, the same for every set.
        build: adds the operator of one slot.
        expect: what the model of the kernel gives, by set; shaped (sets, elements).
    """

    name: str
    draw: Callable[[np.random.Generator, int], Drawn]
    feed: Callable[[np.random.Generator], list[Array]]
    build: Callable[[Slot], Value]
    expect: Callable[[Drawn, list[Array]], Array]


class Template:
    """``count`` slots of a kernel in a file with markers."""

    def __init__(self, kernel: Kernel, count: int) -> None:
        self.kernel, self.count = kernel, count
        net = Builder()
        feeds = [
            net.input(array.shape, DTYPES[array.dtype.name], quant=(1.0, 0))
            for array in kernel.feed(np.random.default_rng(0))
        ]
        self.roles: dict[str, int] = {}
        for index in range(count):
            net.output(kernel.build(Slot(net, feeds, index, self.roles)))
        data = write_bytes(net.model)
        self.arena_bytes = arena_guess(net.model) + len(data)
        words = np.frombuffer(bytearray(data), dtype=np.uint32)
        self.words = words
        self.floats = np.flatnonzero((words & 0xFF000000) == FLOAT_MARK)
        self.zeros = np.flatnonzero((words & 0xFFFFFF00) == ZERO_MARK)

    def patched(self, drawn: Drawn) -> bytes:
        """The file with the numbers of these sets."""
        words = self.words.copy()
        scales = np.zeros((len(self.roles), self.count), dtype=np.float32)
        zeros = np.zeros((len(self.roles), self.count), dtype=np.int64)
        for role, affine in drawn.affine.items():
            scales[self.roles[role]] = affine.scale.reshape(-1)
            zeros[self.roles[role]] = affine.zero_point.reshape(-1)
        for role, numbers in drawn.numbers.items():
            scales[self.roles[role]] = numbers.reshape(-1)
        marks = self.words[self.floats] - FLOAT_MARK
        words[self.floats] = scales.view(np.uint32)[marks >> ROLE_BITS, marks & 0xFFFF]
        low, high = self.words[self.zeros - 1], self.words[self.zeros] - ZERO_MARK
        values = zeros[high, low]
        words[self.zeros - 1] = (values & 0xFFFFFFFF).astype(np.uint32)
        words[self.zeros] = (values >> 32 & 0xFFFFFFFF).astype(np.uint32)
        return bytes(words.tobytes())

    def run(self, rng: np.random.Generator) -> Batch:
        """Run one batch on TFLM."""
        drawn, feeds = self.kernel.draw(rng, self.count), self.kernel.feed(rng)
        size = self.arena_bytes, self.count
        found = runtime().run("tflm", self.patched(drawn), [feeds], size)[0]
        return Batch(drawn, feeds, found)

    def mismatches(self, rng: np.random.Generator) -> list[str]:
        """Run one batch on TFLM; a line for each parameter set that the model gets wrong."""
        return self.run(rng).mismatches(self.kernel)


@dataclass(frozen=True)
class Batch:
    """Parameter sets, inputs, and what TFLM gave for each set."""

    drawn: Drawn
    feeds: list[Array]
    found: list[Array]

    @property
    def elements(self) -> int:
        """Numbers that are compared."""
        return sum(array.size for array in self.found)

    def mismatches(self, kernel: Kernel) -> list[str]:
        """A line for each parameter set that this model of the kernel gets wrong."""
        expected = kernel.expect(self.drawn, self.feeds)
        lines = []
        for index, array in enumerate(self.found):
            wanted = expected[index].reshape(-1)
            got = array.reshape(-1)
            wrong = wanted.astype(got.dtype).view(np.uint8) != got.view(np.uint8)
            if wrong.any():
                lines.append(f"{kernel.name} {self._describe(index, wanted, got)}")
        return lines

    def _describe(self, index: int, wanted: Array, got: Array) -> str:
        drawn = self.drawn
        numbers = {role: float(v.reshape(-1)[index]) for role, v in drawn.numbers.items()}
        affine = {
            role: (float(v.scale.reshape(-1)[index]), int(v.zero_point.reshape(-1)[index]))
            for role, v in drawn.affine.items()
        }
        first = int(np.flatnonzero(wanted != got)[0])
        return (
            f"{affine} {numbers}: {np.count_nonzero(wanted != got)} of "
            f"{got.size} differ, element {first}: {got[first]}, modelled as {wanted[first]}"
        )


DTYPES = {"int8": DType.INT8, "int16": DType.INT16, "float32": DType.FLOAT32}
