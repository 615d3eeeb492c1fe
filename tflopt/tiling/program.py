"""A segment in bands as plain data: steps on parts of tensors, which nobody has written yet.

A search measures many of them; only what is kept becomes operators (`tflopt.tiling.draw`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from typing import NamedTuple

from tflopt.ir import Op, OpCode, Value

Shape = tuple[int, ...]


@dataclass(eq=False, slots=True)
class Part:
    """A tensor of a program: some rows of ``like``, whose type and quantization it has.

    ``real`` is the value of the model that it is, None for one that the program makes. Nobody
    changes it; it isn't frozen since a search makes millions, and making frozen ones is slow.
    """

    shape: Shape
    like: Value
    real: Value | None = None

    @property
    def elements(self) -> int:
        """Its elements, which are bytes: all that a program makes is int8."""
        return prod(self.shape)


class Control(NamedTuple):
    """A small constant of int32: sizes, an axis, amounts. Equal ones are one tensor."""

    shape: Shape
    numbers: tuple[int, ...]


Input = Part | Control | None


@dataclass(eq=False, slots=True)
class Step:
    """One operator: a layer in a band (``op``), or SPLIT_V, CONCATENATION or PAD around it.

    ``valid``: the layer's own padding is replaced by VALID. Nobody changes it, as a `Part`.
    """

    code: OpCode
    inputs: tuple[Input, ...]
    outputs: tuple[Part, ...]
    axis: int
    op: Op | None = None
    valid: bool = False


@dataclass
class Program:
    """Steps in execution order.

    Attributes:
        reads: the part that stands for each value of the model, weights as well.
        results: the part that takes the place of each output of the segment.
        ends: how many steps there are up to the end of each band; the last ones join the bands.
        origins: for parts that a layer made: the layer's output, the axis and the rows of it.
    """

    steps: list[Step] = field(default_factory=list)
    reads: dict[Value, Part] = field(default_factory=dict)
    results: dict[Value, Part] = field(default_factory=dict)
    ends: list[int] = field(default_factory=list)
    origins: dict[Part, tuple[Value, int, range]] = field(default_factory=dict)

    def read(self, value: Value) -> Part:
        """What stands for a value of the model."""
        if value not in self.reads:
            self.reads[value] = Part(value.shape, value, value)
        return self.reads[value]

    def then(self, other: Program) -> Program:
        """Both, one after the other."""
        return Program(
            [*self.steps, *other.steps],
            self.reads | other.reads,
            self.results | other.results,
            [],
            self.origins | other.origins,
        )
