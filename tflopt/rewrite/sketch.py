"""Operators that might take the place of others, built apart so that their cost can be asked."""

from __future__ import annotations

from tflopt.ir import Op, Options, Origin, Value
from tflopt.rewrite.makers import Makers
from tflopt.rewrite.rewriter import Rewriter


class Sketch(Makers):
    """Operators in a model of their own, until :meth:`graft` puts them into the real one.

    ``results`` says which value here takes the place of which output of the real operator::

        sketch = Sketch()
        y = sketch.convolution([sketch.read(x), weights], shape, options, quant)
        sketch.results[op.output] = y
        sketch.graft(rw, op)
    """

    def __init__(self) -> None:
        super().__init__()
        self.stand_ins: dict[Value, Value] = {}
        self.results: dict[Value, Value] = {}
        self.parts: dict[Value, tuple[Value, int, range]] = {}
        """Of which of the real operators' outputs a value is a part: the axis, and its indices."""

    def read(self, value: Value) -> Value:
        """What stands here for a value of the real model; constants keep their data."""
        if value not in self.stand_ins:
            copy = self.value(value.shape, value.dtype, value.quant, value.name)
            copy.buffer = value.buffer
            self.stand_ins[value] = copy
        return self.stand_ins[value]

    def read_present(self, value: Value | None) -> list[Value]:
        """As :meth:`read`, nothing for an input that is left out."""
        return [] if value is None else [self.read(value)]

    def bare(self, value: Value) -> Value:
        """``value`` without the quantization that it took over from its operator's input."""
        value.quant = None
        return value

    def unscaled(self, value: Value) -> Value:
        """A value of this sketch without quantization: some kernels take no other."""
        value.quant = None
        return value

    def graft(self, rw: Rewriter, at: Op) -> None:
        """Put the operators in front of ``at``, and remove ``at``."""
        real = {copy: value for value, copy in self.stand_ins.items()}
        replaced = {new: old for old, new in self.results.items()}
        for op in self.graph.ops:
            inputs = [None if v is None else _real(rw, at, real, v) for v in op.inputs]
            for value in op.outputs:
                real[value] = _make(rw, at.output, value, replaced.get(value))
                if value in self.parts:
                    rw.update(real[value], origin=_origin(*self.parts[value]))
            outputs = [real[value] for value in op.outputs]
            assert op.options is None or isinstance(op.options, Options)
            rw.insert(at, op.code, inputs, outputs, op.options, op.opcode.version)
        for old, new in self.results.items():
            rw.replace_uses(old, real[new])
        rw.remove(at)


def _real(rw: Rewriter, at: Op, real: dict[Value, Value], value: Value) -> Value:
    if value not in real:
        real[value] = rw.constant(value.array(), at.output, quant=value.quant)
    return real[value]


def _make(rw: Rewriter, beside: Value, value: Value, old: Value | None) -> Value:
    made = rw.value(
        beside if old is None else old,
        shape=value.shape,
        dtype=value.dtype,
        quant=value.quant,
        same_elements=old is not None,
    )
    if value.quant is None and made.quant is not None:
        rw.update(made, quant=None)
    return made


def _origin(whole: Value, axis: int, indices: range) -> Origin | None:
    """The origin of a part of a value."""
    return None if whole.origin is None else whole.origin.taken(whole.shape, axis, indices)
