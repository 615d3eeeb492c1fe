"""Turn a FULLY_CONNECTED into a 1x1 convolution."""

from __future__ import annotations

from typing import ClassVar

from tflopt.arith.affine import affine_of
from tflopt.facts.operators import VIEWS
from tflopt.ir import DType, Op, OpCode, same_quantization
from tflopt.ir.options import FullyConnectedOptions
from tflopt.ranges.interval import open_axes
from tflopt.rewrite import BY_ARITHMETIC, Exactness, Rewriter, Why, require
from tflopt.rules.forms.dense_forms import Dense, as_convolution, same_multipliers
from tflopt.search.worth import FormRule


class FullyConnectedToConv(FormRule):
    """Run FULLY_CONNECTED as CONV_2D with a 1x1 kernel, a pixel for each row, if better.

    Exact: the same products are summed up, and the multipliers, which FULLY_CONNECTED computes in
    single precision with one weight scale, are compared.
    """

    name: ClassVar[str] = "fully-connected-to-conv"
    number: ClassVar[int] = 62
    rank: ClassVar[int] = 130
    exactness: ClassVar[Exactness] = BY_ARITHMETIC
    alike_on_litert: ClassVar[bool] = False
    anchors: ClassVar[frozenset[OpCode]] = frozenset({OpCode.FULLY_CONNECTED})

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Replace the operator."""
        dense = dense_of(op)
        if dense is None:
            return
        zero_points = dense.quant.zero_point
        symmetric = zero_points is not None and not zero_points.any()
        require(symmetric, "the weights have zero points", at=op)
        require(
            same_multipliers(dense), Why.ROUNDS("CONV_2D would compute another multiplier"), at=op
        )
        view = _view_after(op)
        region = [op] if view is None else [op, view]
        sketch = as_convolution(dense, region[-1].output)
        choice = self.worth.compare(region, sketch)
        require(choice.is_worth_it, choice.why_not("CONV_2D"), at=op)
        sketch.graft(rw, region[-1])
        if view is not None:
            rw.remove(op)


def _view_after(op: Op) -> Op | None:
    """The only reader, where it shows the output in another shape: one view does for both."""
    output = op.output
    if output.is_graph_output or len(output.uses) != 1:
        return None
    reader = output.users[0]
    fits = reader.code in VIEWS and same_quantization(output.quant, reader.output.quant)
    return reader if fits and not open_axes(output) | open_axes(reader.output) else None


def dense_of(op: Op) -> Dense | None:
    """An int8 FULLY_CONNECTED with constant weights and bias, else None."""
    data, weights, bias = op.input(0), op.input(1), op.input(2)
    if data is None or weights is None or not isinstance(op.options, FullyConnectedOptions):
        return None
    if any(v.dtype is not DType.INT8 for v in (data, weights, op.output)):
        return None
    if affine_of(data) is None or affine_of(op.output) is None or not weights.has_array:
        return None
    quant, shape = weights.quant, weights.shape
    if quant is None or not quant.is_set or len(shape) != 2 or min(shape) < 1:
        return None
    if quant.count not in (1, shape[0]) or weights.extra.sparsity is not None:
        return None
    if bias is not None and (bias.dtype is not DType.INT32 or not bias.has_array):
        return None
    rows = data.elements // shape[1]
    if data.elements != rows * shape[1] or op.output.elements != rows * shape[0] or not rows:
        return None
    fused = op.options.fused_activation_function
    return Dense(op, data, weights.array(), quant, bias, fused)
