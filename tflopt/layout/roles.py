"""Which role each operator has, and those of the inputs and outputs of the graph."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tflopt.facts.operators import Kind, kind_of
from tflopt.ir import Graph, Op
from tflopt.layout.along_last import along_last_role
from tflopt.layout.dense import dense_role, reshape_role
from tflopt.layout.dropping import pick_role, reduce_role
from tflopt.layout.elementwise import elementwise_role
from tflopt.layout.groups import Groups, is_dissolved
from tflopt.layout.role import Candidates, Form, Operand, Role, all_operands
from tflopt.layout.slices import (
    concatenation_role,
    gather_role,
    pad_role,
    slice_role,
    split_role,
    strided_slice_role,
)
from tflopt.layout.stacking import stack_role
from tflopt.layout.windows import window_role

Maker = Callable[[Op, Groups], Role | None]
MAKERS: dict[Kind, Maker] = {
    **dict.fromkeys((Kind.UNARY, Kind.BINARY, Kind.COMPARISON), elementwise_role),
    **dict.fromkeys((Kind.CONVOLUTION, Kind.DEPTHWISE, Kind.TRANSPOSE_CONV), window_role),
    **dict.fromkeys((Kind.POOL, Kind.RESIZE), window_role),
    **dict.fromkeys((Kind.STACK, Kind.UNSTACK), stack_role),
    **dict.fromkeys((Kind.PAD, Kind.MIRROR_PAD), pad_role),
    Kind.SPLIT: split_role,
    Kind.REDUCTION: reduce_role,
    **dict.fromkeys((Kind.SOFTMAX, Kind.NORMALIZATION), along_last_role),
    Kind.VIEW: reshape_role,
    Kind.SLICE: slice_role,
    Kind.STRIDED_SLICE: lambda op, groups: strided_slice_role(op, groups) or pick_role(op, groups),
    Kind.GATHER: gather_role,
    Kind.JOIN: concatenation_role,
    Kind.DENSE: dense_role,
}
FREE_PORT = "the caller hands it over in this arrangement"


@dataclass(frozen=True)
class PortRole(Role):
    """An input or output of the graph: as it is, or in any arrangement where that is allowed."""

    is_free: bool = False

    def forms(self, candidates: Candidates) -> Iterator[Form]:
        """The forms to choose from."""
        yield self.original
        own = self.operands[0]
        if self.is_free:
            for label in candidates[own.group]:
                if label != own.base:
                    yield Form((), (label,))


def find_roles(graph: Graph, groups: Groups, free_ports: bool) -> list[Role]:
    """The role of every input, operator and output; views inside of a group have none."""
    roles: list[Role] = []
    for index, value in enumerate(graph.inputs):
        if value in groups and value in graph.inputs[:index]:
            continue
        if value in groups:
            operand = Operand(True, index, groups[value], groups[value].members[value])
            roles.append(PortRole(None, (operand,), "", (), 0, free_ports))
    for op in graph.ops:
        if not is_dissolved(op, groups):
            roles.append(_role_of(op, groups))
    for index, value in enumerate(graph.outputs):
        if value in groups:
            operand = Operand(False, index, groups[value], groups[value].members[value])
            roles.append(PortRole(None, (operand,), "", (), 0, free_ports))
    return roles


def _role_of(op: Op, groups: Groups) -> Role:
    maker = MAKERS.get(kind_of(op))
    plain = op.extra.custom_options is None and not op.extra.intermediates
    role = maker(op, groups) if maker is not None and plain else None
    if role is not None and _covers_all(role, op, groups):
        return role
    return Role(op, all_operands(op, groups), f"{op.opcode.label} stays as it is")


def _covers_all(role: Role, op: Op, groups: Groups) -> bool:
    """Whether the role knows of every tensor of the operator that can change."""
    values = [value for value in (*op.inputs, *op.outputs) if value is not None]
    return len(role.operands) == sum(value in groups for value in values)
