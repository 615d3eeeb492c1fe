"""Makes operators of a program, in a sketch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from tflopt.ir import Op, OpCode, Options, Padding, Value
from tflopt.ir.options import (
    ConcatenationOptions,
    Conv2DOptions,
    DepthwiseConv2DOptions,
    PadOptions,
    Pool2DOptions,
    SplitVOptions,
)
from tflopt.rewrite.sketch import Sketch
from tflopt.tiling.program import Control, Input, Part, Program, Step
from tflopt.tiling.segment import Segment
from tflopt.tiling.write import write_program

WINDOW_OPTIONS = Conv2DOptions | DepthwiseConv2DOptions | Pool2DOptions
VERSION = 2
"""Of SPLIT_V, CONCATENATION and PAD, the first that take int8."""


def write_segment(ops: Sequence[Op], segment: Segment) -> Sketch:
    """The operators that make the outputs of a segment band by band.

    Raises:
        NotTileableError: they can't be computed in these bands.
    """
    program = write_program(ops, segment)
    drawing = _Drawing(program)
    for step in program.steps:
        drawing.add(step)
    for value, part in program.results.items():
        drawing.sketch.results[value] = drawing.values[part]
    return drawing.sketch


def draw_step(step: Step) -> Op:
    """One step alone, for whoever asks what it costs."""
    drawing = _Drawing(Program())
    drawing.add(step)
    return drawing.sketch.graph.ops[0]


@dataclass
class _Drawing:
    program: Program
    sketch: Sketch = field(default_factory=Sketch)
    values: dict[Part | Control, Value] = field(default_factory=dict)

    def add(self, step: Step) -> None:
        """One more operator."""
        inputs = [self._value(source) for source in step.inputs]
        made = self.sketch.ops(
            step.code,
            inputs,
            [part.shape for part in step.outputs],
            _options(step),
            step.outputs[0].like.quant,
            step.outputs[0].like.dtype,
            VERSION if step.op is None else step.op.opcode.version,
        )
        for part, value in zip(step.outputs, made, strict=True):
            self.values[part] = value
            if part in self.program.origins:
                self.sketch.parts[value] = self.program.origins[part]

    def _value(self, source: Input) -> Value | None:
        if source is None:
            return None
        if source not in self.values:
            self.values[source] = self._new(source)
        return self.values[source]

    def _new(self, source: Part | Control) -> Value:
        if isinstance(source, Control):
            return self.sketch.constant(
                np.array(source.numbers, dtype=np.int32).reshape(source.shape)
            )
        if source.real is not None:
            return self.sketch.read(source.real)
        return self.sketch.value(source.shape, source.like.dtype, source.like.quant)


def _options(step: Step) -> Options | None:
    if step.op is not None:
        options = step.op.options
        assert isinstance(options, Options | None)
        if not step.valid:
            return options
        assert isinstance(options, WINDOW_OPTIONS)
        return replace(options, padding=Padding.VALID)
    match step.code:
        case OpCode.SPLIT_V:
            return SplitVOptions(num_splits=len(step.outputs))
        case OpCode.CONCATENATION:
            return ConcatenationOptions(axis=step.axis)
        case _:
            return PadOptions()
