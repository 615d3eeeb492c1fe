"""What a form of an operator costs on a device."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, fields, replace

from tflopt.ir import Op, Value
from tflopt.ir.builder import Builder
from tflopt.layout.dense import RowsRole
from tflopt.layout.dropping import ReduceRole
from tflopt.layout.labels import shape_of
from tflopt.layout.problem import FormPrice
from tflopt.layout.role import Form, Role
from tflopt.layout.windows import WindowRole
from tflopt.rewrite import Rewriter
from tflopt.target.cost.predict import predict_instructions
from tflopt.target.cost.spec import describe
from tflopt.target.device import Device
from tflopt.target.hazards import hazards_at

PRICED = (WindowRole, RowsRole, ReduceRole)
"""What other operators cost doesn't depend on their form."""


@dataclass(frozen=True)
class Prices:
    """Known defects and predicted instructions.

    Args:
        by_speed: whether instructions count at all.
        route_around: whether defects that the model meets as it is are to be left, even where
            that costs copies; further ones are never met.
    """

    device: Device
    by_speed: bool = True
    route_around: bool = True

    def __call__(self, role: Role, forms: Sequence[Form]) -> list[FormPrice]:
        """The price of each form of a role; of layers alike it is computed once."""
        if len(forms) < 2 or not isinstance(role, PRICED):
            return [FormPrice()] * len(forms)
        remembered = role.operator.graph.model.remembered
        known = remembered.setdefault(_Known, _Known())
        assert isinstance(known, _Known)
        prices = known.setdefault((self, *_layer_of(role)), {})
        for form in forms:
            if form not in prices:
                prices[form] = self._price(role, form)
        return [prices[form] for form in forms]

    def _price(self, role: Role, form: Form) -> FormPrice:
        op = sketched(role, form)
        defects = len(hazards_at(op, self.device))
        if defects and not (self.route_around and isinstance(role, WindowRole)):
            known = hazards_at(sketched(role, role.original), self.device)
            defects = max(0, defects - len(known))
        if not self.by_speed:
            return FormPrice(defects)
        return FormPrice(defects, predict_instructions(op, self.device).instructions)


class _Known(dict[Hashable, dict[Form, FormPrice]]):
    """For all clones of one model, the forms of each kind of layer with their prices."""


def _layer_of(role: Role) -> tuple[Hashable, ...]:
    """All that the operator in a form depends on, but for what no price does: large constants."""
    own = (
        getattr(role, attribute.name)
        for attribute in fields(role)
        if attribute.name not in ("op", "operands")
    )
    tensors = ((o.is_output, o.index, o.base, *o.group.sizes.items()) for o in role.operands)
    return type(role), describe(role.operator), role.original, *own, *tensors


def sketched(role: Role, form: Form) -> Op:
    """The operator as it would be in a form, in a model of its own."""
    assert role.op is not None
    builder = Builder()
    values = {v: _stand_in(builder, v) for v in (*role.op.inputs, *role.op.outputs) if v}
    op = Op(builder.graph, role.op.opcode, role.op.options)
    op.set_inputs([None if value is None else values[value] for value in role.op.inputs])
    op.set_outputs([values[value] for value in role.op.outputs])
    builder.graph.insert(op)
    if form != role.original:
        replace(role, op=op).apply(form, Rewriter(builder.model))
    for operand, label in zip(role.operands, form.labels, strict=True):
        operand.value(op).shape = shape_of(label, operand.group.sizes)
    return op


def _stand_in(builder: Builder, value: Value) -> Value:
    copy = builder.value(value.shape, value.dtype, value.quant, value.name)
    copy.buffer = value.buffer
    return copy
