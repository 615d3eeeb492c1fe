"""What may take the place of a region of elementwise operators: a view, or one operator."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tflopt.arith import unary
from tflopt.arith.affine import Affine, Precision, affine_of
from tflopt.arith.fixed_point import INT8_MAX, INT8_MIN, Ints
from tflopt.facts.tables import (
    EVERY_INT8,
    LARGEST_RATIO,
    SingleOperator,
    at,
    product_is_defined,
    single_number,
    single_operators,
    unary_table,
)
from tflopt.ir import DType, OpCode, Value, same_quantization
from tflopt.ir.options import AbsOptions, LeakyReluOptions
from tflopt.rewrite import Reason, Why
from tflopt.rewrite.sketch import Sketch
from tflopt.rules.activations.diamonds import Region

SLOPES = 33
"""Values of alpha that are tried for LEAKY_RELU."""
PRELU_AXES = 4
"""TFLM's PRELU takes no more."""


@dataclass(frozen=True, eq=False)
class Form:
    """An operator of one input, PRELU with the number of a constant as its slope."""

    operator: SingleOperator
    slope: tuple[int, Affine] | None = None

    def sketch(self, region: Region) -> Sketch:
        """The operator in the place of the region."""
        sketch, output = Sketch(), region.last.output
        inputs = [sketch.read(region.source)]
        if self.slope is not None:
            number, params = self.slope
            quant = (float(params.scale), int(params.zero_point))
            inputs.append(sketch.constant([number], DType.INT8, quant))
        sketch.results[output] = sketch.op(
            self.operator.code,
            inputs,
            output.shape,
            options=self.operator.options,
            quant=output.quant,
            version=self.operator.version,
        )
        return sketch


@dataclass(frozen=True, order=True)
class Distance:
    """In how many of ``values`` the nearest operator differs from a region, and by how much."""

    differ: int
    most: int = 0
    name: str = ""
    values: int = 0

    @property
    def reason(self) -> Reason:
        """Why the region stays."""
        if not self.name:
            return Why.OTHER("TFLM has no operator of one input between these scales")
        return Why.OTHER(
            "no operator has the same map: {nearest} comes closest, "
            "{differ} of {values} values differ, by up to {most}",
            nearest=self.name,
            differ=self.differ,
            values=self.values,
            most=self.most,
        )


def equal_forms(region: Region, values: Ints) -> list[Sketch] | Distance:
    """Forms with the same map; none where nothing changes, the nearest one's distance instead."""
    source, output = region.source, region.last.output
    if np.all(at(region.table, values) == values):
        same = same_quantization(source.quant, output.quant)
        return [] if same else [_relabel(region)]
    nearest = Distance(len(values))
    for some in (_plain(region), _bent(region, values)):
        pairs = [(_distance(region, form, values), form) for form in some]
        exact = [form.sketch(region) for gap, form in pairs if not gap.differ]
        if exact:
            return exact
        nearest = min([nearest, *(gap for gap, _ in pairs)])
    return nearest


def _distance(region: Region, form: Form, values: Ints) -> Distance:
    """Compares both for the values that can occur."""
    gap = np.abs(at(region.table, values) - at(form.operator.table, values)).max(axis=0)
    differ = int(np.count_nonzero(gap))
    return Distance(differ, int(gap.max()), form.operator.code.name, len(values))


def _relabel(region: Region) -> Sketch:
    """RESHAPE, where only the meaning of the numbers changes; its options carry the shape."""
    sketch, output = Sketch(), region.last.output
    sketch.results[output] = sketch.relabel(sketch.read(region.source), output.shape, output.quant)
    return sketch


def _plain(region: Region) -> Iterator[Form]:
    """Operators that TFLM has between the parameters of both ends, and that have no options."""
    source, target = affine_of(region.source), affine_of(region.last.output)
    if source is None or target is None:
        return
    yield from (Form(candidate) for candidate in single_operators(source, target))
    results = unary_table(OpCode.ABS, AbsOptions(), source, target)
    if results is not None:
        yield Form(SingleOperator(OpCode.ABS, AbsOptions(), 2, results))


def _bent(region: Region, values: Ints) -> Iterator[Form]:
    """LEAKY_RELU and PRELU with slopes that may give the map's negative part."""
    source, target = affine_of(region.source), affine_of(region.last.output)
    if source is None or target is None:
        return
    yield from _leaky_relus(region, source, target, values)
    if len(region.last.output.shape) <= PRELU_AXES:
        yield from _prelus(region, source, target)


def _leaky_relus(region: Region, source: Affine, target: Affine, values: Ints) -> Iterator[Form]:
    """No slope changes what comes of positive numbers, so where these differ one is enough."""
    positive = values[values >= source.zero_point]
    for alpha in _slopes(region, source, target):
        options = LeakyReluOptions(alpha)
        results = unary_table(OpCode.LEAKY_RELU, options, source, target)
        if results is None:
            return
        yield Form(SingleOperator(OpCode.LEAKY_RELU, options, 2, results))
        if not np.array_equal(at(results, positive), at(region.table, positive)):
            return


def _slopes(region: Region, source: Affine, target: Affine) -> list[float]:
    """The constants of the region, then slopes around those that round to its negative part.

    Rounding twice, as LEAKY_RELU does, may need a slope beside the one that rounding once needs.
    """
    real = [float(p.scale) * (number - int(p.zero_point)) for number, p in _constants(region)]
    x = (EVERY_INT8 - source.zero_point) * (source.double / target.double)
    y = region.table[0] - target.zero_point
    bends = (x < 0) & (region.table[0] > INT8_MIN) & (region.table[0] < INT8_MAX)
    if not bends.any():
        return [float(np.float32(slope)) for slope in real]
    ends = np.stack([(y[bends] - 0.5) / x[bends], (y[bends] + 0.5) / x[bends]])
    low, high = sorted((float(ends.min(axis=0).max()), float(ends.max(axis=0).min())))
    spare = max(high - low, abs(low) / 1000) / 2
    grid = np.linspace(low - spare, high + spare, SLOPES)
    return [float(np.float32(slope)) for slope in (*real, *grid)]


def _prelus(region: Region, source: Affine, target: Affine) -> Iterator[Form]:
    """With a factor of the region: the products are those of MUL, whatever they round to."""
    small = float(source.scale / target.scale) < LARGEST_RATIO
    for number, params in _constants(region):
        if small and product_is_defined(source, params, target):
            results = unary.prelu(EVERY_INT8, number, source, params, target)
            both = np.stack([results] * len(Precision))
            yield Form(SingleOperator(OpCode.PRELU, None, 1, both), (number, params))


def _constants(region: Region) -> list[tuple[int, Affine]]:
    """The number and the parameters of each factor."""
    muls = [op for op in region.ops if op.code is OpCode.MUL]
    return [pair for op in muls for value in op.inputs if (pair := _constant(value)) is not None]


def _constant(value: Value | None) -> tuple[int, Affine] | None:
    number = None if value is None or not value.is_constant else single_number(value)
    params = affine_of(value)
    return None if number is None or params is None else (int(number[0]), params)
