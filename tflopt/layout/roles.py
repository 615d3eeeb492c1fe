"""Which role each operator has, and those of the inputs and outputs of the graph."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tflopt.facts.traits import VIEWS
from tflopt.ir import Graph, Op, OpCode
from tflopt.layout.along_last import ALONG_LAST, along_last_role
from tflopt.layout.dense import dense_role, reshape_role
from tflopt.layout.dropping import REDUCTIONS, pick_role, reduce_role
from tflopt.layout.elementwise import ELEMENTWISE, elementwise_role
from tflopt.layout.groups import Groups, is_dissolved
from tflopt.layout.role import Candidates, Form, Operand, Role, all_operands
from tflopt.layout.slices import (
    PADS,
    SPLITS,
    concatenation_role,
    gather_role,
    pad_role,
    slice_role,
    split_role,
    strided_slice_role,
)
from tflopt.layout.stacking import stack_role
from tflopt.layout.windows import WINDOWS, window_role

Maker = Callable[[Op, Groups], Role | None]
MAKERS: dict[OpCode, Maker] = {
    **dict.fromkeys(ELEMENTWISE, elementwise_role),
    **dict.fromkeys(WINDOWS, window_role),
    **dict.fromkeys(PADS, pad_role),
    **dict.fromkeys(SPLITS, split_role),
    **dict.fromkeys(REDUCTIONS, reduce_role),
    **dict.fromkeys(ALONG_LAST, along_last_role),
    **dict.fromkeys(VIEWS, reshape_role),
    OpCode.SLICE: slice_role,
    OpCode.STRIDED_SLICE: lambda op, groups: (
        strided_slice_role(op, groups) or pick_role(op, groups)
    ),
    OpCode.PACK: stack_role,
    OpCode.UNPACK: stack_role,
    OpCode.GATHER: gather_role,
    OpCode.CONCATENATION: concatenation_role,
    OpCode.FULLY_CONNECTED: dense_role,
}
FREE_PORT = "the caller hands it over in this arrangement"


@dataclass(frozen=True)
class PortRole(Role):
    """An input or output of the graph: as it is, or in any arrangement where that is allowed."""

    is_free: bool = False

    def forms(self, candidates: Candidates) -> Iterator[Form]:
        """As the base class says."""
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
    maker = MAKERS.get(op.code)
    plain = op.extra.custom_options is None and not op.extra.intermediates
    role = maker(op, groups) if maker is not None and plain else None
    if role is not None and _covers_all(role, op, groups):
        return role
    return Role(op, all_operands(op, groups), f"{op.opcode.label} stays as it is")


def _covers_all(role: Role, op: Op, groups: Groups) -> bool:
    """Whether the role knows of every tensor of the operator that can change."""
    values = [value for value in (*op.inputs, *op.outputs) if value is not None]
    return len(role.operands) == sum(value in groups for value in values)
