"""Turn a MEAN into a convolution with equal weights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from tflopt.arith.affine import affine_of
from tflopt.config import Config, Runtime
from tflopt.facts.exact_sums import MOST_SUMS, Reduction, WeightedSum, as_one_sum, as_two_sums
from tflopt.facts.reductions import Extents, extents_of
from tflopt.ir import DType, Op, OpCode
from tflopt.rewrite import BY_ENUMERATION, Exactness, Reason, Rewriter, Why, require
from tflopt.rewrite.sketch import Sketch
from tflopt.rules.forms.mean_forms import WINDOWS, draw
from tflopt.search.worth import MOST_ELEMENTS, FormRule, Worth


@dataclass(frozen=True)
class MeanToConvolution(FormRule):
    """Run MEAN as a convolution with equal weights, if that is better.

    CMSIS-NN has no MEAN. Exact: weight, weight scale and bias are chosen so that the convolution
    gives MEAN's output for every sum that the elements can have; all of them are compared. Where
    MEAN rounds in a way that one bias can't give on both sides of zero, two convolutions, each
    saturated on one side, are added up.

    Where LiteRT loads the file too, its default path (XNNPACK) must also give the same: MEAN and
    convolution are requantized in single precision there, and compared so for every sum.
    """

    name: ClassVar[str] = "mean-to-convolution"
    number: ClassVar[int] = 59
    rank: ClassVar[int] = 100
    exactness: ClassVar[Exactness] = BY_ENUMERATION
    anchors: ClassVar[frozenset[OpCode]] = frozenset({OpCode.MEAN})

    runtime: Runtime = Runtime.BOTH

    @classmethod
    def from_config(cls, config: Config) -> MeanToConvolution:
        """The rule for the goal, and for the runtimes that load the file."""
        return cls(Worth.from_config(config), config.runtime)

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Replace the operator by the best form."""
        extents = extents_of(op)
        reduction = None if extents is None else reduction_of(op, extents.count)
        if extents is None or reduction is None or extents.count == 1:
            return
        require(bool(op.output.shape), "RESHAPE to a scalar needs a shape of no elements", at=op)
        require(255 * extents.count <= MOST_SUMS, "too many sums to compare", at=op)
        small = extents.inner * extents.count <= MOST_ELEMENTS
        require(small, "a convolution would take too many weights", at=op)
        in_floats = self.runtime is Runtime.BOTH
        sketches = list(_forms(op, extents, reduction, in_floats))
        require(bool(sketches), _no_form(reduction, in_floats), at=op)
        sketch, choice = self.worth.best([op], sketches)
        require(choice.is_worth_it, choice.why_not("a convolution"), at=op)
        sketch.graft(rw, op)
        rw.prove("enumeration", 255 * extents.count + 1)


def reduction_of(op: Op, count: int) -> Reduction | None:
    """The arithmetic of an int8 MEAN over ``count`` elements, None for other types."""
    data = op.input(0)
    source, target = affine_of(data), affine_of(op.output)
    if data is None or source is None or target is None:
        return None
    if data.dtype is not DType.INT8 or op.output.dtype is not DType.INT8:
        return None
    if min(source.scale, target.scale) <= 0:
        return None
    return Reduction(
        count,
        float(source.scale),
        int(source.zero_point),
        float(target.scale),
        int(target.zero_point),
    )


def _no_form(reduction: Reduction, in_floats: bool) -> Reason:
    if in_floats and _sums(reduction, in_floats=False) is not None:
        return Why.LITERT("a convolution would be rounded otherwise on LiteRT's default path")
    return Why.OTHER("no weights and bias give MEAN's rounding for every sum")


def _sums(reduction: Reduction, in_floats: bool) -> tuple[WeightedSum, ...] | None:
    one = as_one_sum(reduction, in_floats)
    return as_two_sums(reduction, in_floats) if one is None else (one,)


def _forms(op: Op, extents: Extents, reduction: Reduction, in_floats: bool) -> Iterator[Sketch]:
    sums = _sums(reduction, in_floats)
    if sums is None:
        return
    for window in WINDOWS:
        if window.fits(extents):
            yield draw(op, extents, sums, window, in_floats)
