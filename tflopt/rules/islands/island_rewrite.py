"""What the rules on float islands share: finding one, the nearest form, and putting it in."""

from __future__ import annotations

from itertools import product

import numpy as np

from tflopt.arith import floating
from tflopt.arith.affine import affine_of
from tflopt.arith.c_library import End
from tflopt.arith.fixed_point import Ints, ints
from tflopt.facts.clamps import moved
from tflopt.ir import DType, Op, Value, same_quantization
from tflopt.rewrite import Declined, Reason, Rewriter, Why
from tflopt.rewrite.makers import turn_into_reshape
from tflopt.rules.islands.island_forms import Distance, Form, forms_of, nearest, place, reference_of
from tflopt.rules.islands.islands import Island, Leaf, is_known_by_ends
from tflopt.rules.islands.rounding import remove_unread


def float_input(op: Op) -> Value | None:
    """What a QUANTIZE from float to int8 reads."""
    value = op.input(0)
    if value is None or value.dtype is not DType.FLOAT32 or op.output.dtype is not DType.INT8:
        return None
    return value if affine_of(op.output) is not None else None


def require_known(island: Island, op: Op) -> None:
    """Decline where something under the island isn't an int8 tensor of a fitting shape."""
    reason = unknown(island)
    if reason is not None:
        raise Declined(reason, op)


def unknown(island: Island) -> Reason | None:
    """Why the island is not a function of one or two int8 tensors, in words; None where it is."""
    if island.blocked:
        value = _unmoved(island.blocked[0])
        what = "an input of the model" if value.is_graph_input else "computed in float"
        text = f"it reads {{name}}, which is {what} and not quantized"
        return Why.NOT_QUANTIZED(text, name=value.name or "a tensor")
    count = len(island.tensors)
    if count > 2:
        text = "it depends on {count} int8 tensors through sums that stay float"
        return Why.NOT_QUANTIZED(text, count=count)
    if _broadcast([leaf.value.shape for leaf in island.tensors]) != island.root.shape:
        return Why.OTHER("its tensors have other shapes than its result")
    return None


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


def constant_result(island: Island, op: Op) -> Ints | None:
    """What a QUANTIZE gives of an island over constants, element by element; None over others,
    and where C libraries may give different results.
    """
    target, shape = affine_of(op.output), op.output.shape
    leaves = island.leaves
    if target is None or not leaves or _is_unknown(island) or not is_known_by_ends(island):
        return None
    if not all(leaf.value.is_constant and leaf.value.elements for leaf in leaves.values()):
        return None
    floats = {
        real: floating.dequantize(ints(leaf.value.array()), leaf.params)
        for real, leaf in leaves.items()
    }
    bounded, results = island.bounded, list[Ints]()
    for sides in product(End, repeat=len(bounded)):
        result = island.evaluate(floats, dict(zip(bounded, sides, strict=True)))
        if not floating.is_quantizable(result, target):
            return None
        results.append(floating.quantize(result, target))
    one = all(np.array_equal(result, results[0]) for result in results)
    return np.broadcast_to(results[0], shape) if one else None


def _is_unknown(island: Island) -> bool:
    """Whether something isn't known under an island, or it has another shape than its leaves."""
    shapes = [leaf.value.shape for leaf in island.tensors]
    return bool(island.blocked) or _broadcast(shapes) != island.root.shape


def store_result(result: Ints, op: Op, rw: Rewriter) -> None:
    """Let the readers of a QUANTIZE, or the caller, have a constant."""
    root, output = op.inputs[0], op.output
    data = result.astype(np.int8)
    constant = rw.constant(data, output, quant=output.quant, name=output.name)
    if output.is_graph_output:
        rw.set_inputs(op, [constant])
        turn_into_reshape(rw, op)
    else:
        rw.replace_uses(output, constant)
        rw.remove(op)
    remove_unread(root, rw)


def nearest_form(island: Island, leaves: list[Leaf], op: Op) -> tuple[Form, Distance]:
    """The int8 form nearest to the island; declines where there is none."""
    outcome = look_for_form(island, leaves, op.output)
    if isinstance(outcome, Reason):
        raise Declined(outcome, op)
    return outcome


def look_for_form(island: Island, leaves: list[Leaf], out: Value) -> tuple[Form, Distance] | Reason:
    """The int8 form nearest to the island with the quantization of ``out``; else why not."""
    target = affine_of(out)
    assert target is not None
    if not is_known_by_ends(island):
        return Why.OTHER("what it makes of a C library's function isn't known by its ends")
    reference = reference_of(island, leaves, target)
    if reference is None:
        return Why.OTHER("its values leave 32 bits when they are quantized")
    closest = nearest(reference, forms_of(island, leaves, out))
    return Why.NOT_QUANTIZED("no int8 operator takes these scales") if closest is None else closest


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
        turn_into_reshape(rw, op)
    remove_unread(root, rw)
