"""Logical tensors: a value together with the views and transposes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tflopt.facts.operators import TRANSPOSES, VIEWS
from tflopt.facts.transposes import permutation_of
from tflopt.ir import Graph, Op, Value, same_quantization
from tflopt.layout.labels import Label


@dataclass(eq=False)
class Group:
    """One tensor in one or more arrangements.

    Attributes:
        root: the value that an operator produces, or an input of the graph.
        sizes: the axes of the root that count, by their position there. An axis of size 1
            counts only where a caller may resize it.
        members: every value that holds the same elements, with its label.
        views: the RESHAPE, EXPAND_DIMS, SQUEEZE and TRANSPOSE between them, in execution order.
    """

    root: Value
    sizes: dict[int, int]
    members: dict[Value, Label]
    views: list[Op] = field(default_factory=list)

    @property
    def size_bytes(self) -> int:
        """Bytes of one copy."""
        return self.root.size_bytes or 0

    @property
    def label(self) -> Label:
        """The root's label."""
        return self.members[self.root]


Groups = Mapping[Value, Group]


def find_groups(graph: Graph) -> dict[Value, Group]:
    """The logical tensor of every value of the graph that can be arranged otherwise."""
    groups: dict[Value, Group] = {}
    for value in graph.inputs:
        _enter_root(value, groups)
    for op in graph.ops:
        label = _label_behind(op, groups)
        if label is None:
            for value in op.outputs:
                _enter_root(value, groups)
            continue
        source = op.operand(0)
        group = groups[source]
        group.members[op.output] = label
        group.views.append(op)
        groups[op.output] = group
    return groups


def is_dissolved(op: Op, groups: Groups) -> bool:
    """Whether the operator is a view or transpose inside of a group."""
    return bool(op.outputs) and op.output in groups and op in groups[op.output].views


def _enter_root(value: Value, groups: dict[Value, Group]) -> None:
    usable = value.size_bytes is not None and value.elements > 0 and not value.is_variable
    if not usable or value.is_constant or value.dtype.numpy is None or value in groups:
        return
    if value.quant is not None and value.quant.is_per_channel:
        return
    label = tuple(axis if _counts(value, axis) else None for axis in range(len(value.shape)))
    sizes = {axis: value.shape[axis] for axis in label if axis is not None}
    groups[value] = Group(value, sizes, {value: label})


def _is_open(value: Value, axis: int) -> bool:
    signature = value.extra.shape_signature
    return signature is not None and len(signature) == len(value.shape) and signature[axis] == -1


def _counts(value: Value, axis: int) -> bool:
    return value.shape[axis] != 1 or _is_open(value, axis)


def _label_behind(op: Op, groups: Groups) -> Label | None:
    """The label of the output of a view or transpose; None for any other operator."""
    source = op.input(0)
    if source is None or source not in groups or len(op.outputs) != 1:
        return None
    same = same_quantization(source.quant, op.output.quant) and source.dtype == op.output.dtype
    if not same or op.output.is_variable or op.output in groups:
        return None
    label = groups[source].members[source]
    if op.code in TRANSPOSES:
        return _transposed(op, label)
    if op.code in VIEWS:
        return _viewed(source, op.output, label)
    return None


def _transposed(op: Op, label: Label) -> Label | None:
    perm = permutation_of(op)
    if perm is None or len(perm) != len(label) or len(op.output.shape) != len(label):
        return None
    return tuple(label[axis] for axis in perm)


def _viewed(source: Value, output: Value, label: Label) -> Label | None:
    """None where the view merges or splits axes, or closes an open one."""
    before = [axis for axis, item in enumerate(label) if item is not None]
    after = [axis for axis in range(len(output.shape)) if _counts(output, axis)]
    kinds = [
        [(value.shape[axis], _is_open(value, axis)) for axis in axes]
        for value, axes in ((source, before), (output, after))
    ]
    if kinds[0] != kinds[1]:
        return None
    items = {axis: label[old] for axis, old in zip(after, before, strict=True)}
    return tuple(items.get(axis) for axis in range(len(output.shape)))
