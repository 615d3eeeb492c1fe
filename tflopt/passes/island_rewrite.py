"""What the rules on float islands share: finding one, the nearest form, and putting it in."""

from __future__ import annotations

import numpy as np

from tflopt.arith.affine import affine_of
from tflopt.ir import DType, Op, OpCode, Value, same_quantization
from tflopt.ir.options import ReshapeOptions
from tflopt.passes.clamps import moved
from tflopt.passes.island_forms import Distance, Form, forms_of, nearest, place, wanted_of
from tflopt.passes.islands import Island, Leaf
from tflopt.passes.rounding import remove_unread
from tflopt.rewrite import Rewriter, require


def float_input(op: Op) -> Value | None:
    """What a QUANTIZE from float to int8 reads."""
    value = op.input(0)
    if value is None or value.dtype is not DType.FLOAT32 or op.output.dtype is not DType.INT8:
        return None
    return value if affine_of(op.output) is not None else None


def require_known(island: Island, op: Op) -> None:
    """Decline where something under the island isn't an int8 tensor of a fitting shape."""
    if island.blocked:
        value = _unmoved(island.blocked[0])
        what = "an input of the model" if value.is_graph_input else "computed in float"
        name = value.name or "a tensor"
        require(False, f"it reads {name}, which is {what} and not quantized", at=op)
    count = len(island.tensors)
    require(count <= 2, f"it depends on {count} int8 tensors through sums that stay float", at=op)
    shapes = [leaf.value.shape for leaf in island.tensors]
    fits = _broadcast(shapes) == op.output.shape
    require(fits, "its tensors have other shapes than its result", at=op)


def _unmoved(value: Value) -> Value:
    """The value before it was transposed, viewed or sliced."""
    while (op := value.producer) is not None and (source := moved(op)) is not None:
        value = source
    return value


def _broadcast(shapes: list[tuple[int, ...]]) -> tuple[int, ...] | None:
    try:
        return tuple(np.broadcast_shapes(*shapes))
    except ValueError:
        return None


def nearest_form(island: Island, leaves: list[Leaf], op: Op) -> tuple[Form, Distance]:
    """The int8 form nearest to the island; declines where there is none."""
    target = affine_of(op.output)
    assert target is not None
    wanted = wanted_of(island, leaves, target)
    require(wanted is not None, "its values leave 32 bits when they are quantized", at=op)
    assert wanted is not None
    found = nearest(wanted, forms_of(island, leaves, op.output))
    require(found is not None, "no int8 operator takes these scales", at=op)
    assert found is not None
    return found


def replace_island(form: Form, leaves: list[Leaf], op: Op, rw: Rewriter) -> None:
    """Put the form in, and drop float operators that nobody reads any more."""
    root, source = op.inputs[0], leaves[0].value
    if form.steps:
        place(form, leaves, op, rw)
    elif same_quantization(source.quant, op.output.quant) and rw.can_replace(op.output, source):
        rw.bypass(op, source)
    else:
        shape = np.asarray(op.output.shape, dtype=np.int32)
        rw.set_inputs(op, [source, rw.constant(shape, op.output)])
        rw.set_code(op, OpCode.RESHAPE, ReshapeOptions(op.output.shape))
    remove_unread(root, rw)
