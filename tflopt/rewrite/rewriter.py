"""The only way in which rules change a model; it records what changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from tflopt.facts.operators import VIEWS
from tflopt.ir import (
    Buffer,
    DType,
    Graph,
    Metadata,
    Model,
    Op,
    OpCode,
    OpExtra,
    Options,
    Origin,
    Quantization,
    Value,
    ValueExtra,
)
from tflopt.ir.calls import drop_graph
from tflopt.ir.node import Array
from tflopt.ir.types import dtype_of
from tflopt.plan.describe import write_plan
from tflopt.rewrite.reason import Reason, reason_of
from tflopt.texts import counted

MOST_TOUCHED = 64
"""Readers of one value that look again when one of them comes or goes. Where there are more, the
next round of a fixpoint, in which all operators are visited, is early enough: each of thousands of
readers would else visit all the others."""


class Rewriter:
    """Edits of one model.

    ``touched`` holds the operators that deserve another look, ``altered`` those that came, went, or
    whose options or values are others now, in a rule's turn; ``removed`` those that went in all.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self.touched: dict[Op, None] = {}
        self.altered: dict[Op, None] = {}
        self.removed: set[Op] = set()
        self.edits: list[str] = []
        self.updates = 0
        self.shown_by = ""
        self.remarks: list[tuple[Op, Reason]] = []
        self.say: Callable[[str], None] = lambda _: None
        """Where a rule that searches for long says how far it is."""

    def begin(self) -> None:
        """Start a rule's turn."""
        self.edits = []
        self.updates = 0
        self.touched = {}
        self.altered = {}
        self.shown_by = ""

    def prove(self, how: str, values: int = 0) -> None:
        """Record how this firing was shown to be exact, where the rule has several ways.

        Args:
            how: "structure", "arithmetic" or "enumeration"; else the words for the report.
            values: how many values were enumerated.
        """
        self.shown_by = f"{how} of {values:,} values" if values else how

    def note(self, text: str) -> None:
        """Record an edit in words."""
        self.edits.append(text)

    def remark(self, op: Op, reason: Reason | str) -> None:
        """Say why a rule of the whole model leaves an operator as it is."""
        self.remarks.append((op, reason_of(reason)))

    @property
    def changed(self) -> bool:
        """Whether the rule's turn changed anything."""
        return bool(self.edits) or self.updates > 0

    def update(self, target: object, **fields: object) -> None:
        """Set plain fields of a value, an operator's extras, a graph or the model.

        For rules that touch many places and sum them up in one :meth:`note`.

        Raises:
            AttributeError: ``target`` has no such field.
        """
        for name, content in fields.items():
            getattr(target, name)
            setattr(target, name, content)
            self.updates += 1
        if isinstance(target, Op):
            self.altered[target] = None
        elif isinstance(target, Value):
            self._alter(target)

    def _alter(self, value: Value) -> None:
        """A value is another one to the operators that make and read it."""
        if value.producer is not None:
            self.altered[value.producer] = None
        self.altered.update(dict.fromkeys(value.users))

    def _touch(self, *values: Value | None) -> None:
        for value in values:
            if value is None:
                continue
            if value.producer is not None:
                self.touched[value.producer] = None
            if value.use_count <= MOST_TOUCHED:
                self.touched.update(dict.fromkeys(value.users))

    def _renew(self, op: Op) -> None:
        self.touched[op] = None
        self.altered[op] = None

    def set_input(self, op: Op, index: int, value: Value | None) -> None:
        """Let ``op`` read another value at ``index``."""
        _hand_down(op.inputs[index], value)
        self._touch(op.inputs[index])
        op.set_input(index, value)
        self._touch(value)
        self._renew(op)
        self.note(f"{op.opcode.label} reads {_name(value)}")

    def set_inputs(self, op: Op, values: Sequence[Value | None]) -> None:
        """Let ``op`` read other values."""
        self._touch(*op.inputs)
        op.set_inputs(values)
        self._touch(*values)
        self._renew(op)
        self.note(f"{op.opcode.label} reads {', '.join(_name(value) for value in values)}")

    def set_options(self, op: Op, options: Options) -> None:
        """Change an operator's options."""
        op.options = options
        self._renew(op)
        self.note(f"{op.opcode.label} gets new options")

    def set_code(self, op: Op, code: OpCode, options: Options | None, version: int = 1) -> None:
        """Turn ``op`` into another builtin operator; its values stay."""
        old = op.opcode.label
        op.opcode = self.model.opcode(code, version)
        op.options = options
        op.extra = OpExtra(debug_metadata_index=op.extra.debug_metadata_index)
        self._renew(op)
        self.note(f"{old} becomes {code.name}")

    def set_shape(self, value: Value, shape: Sequence[int]) -> None:
        """Give a value another shape; the elements keep their order."""
        self.note(f"{_name(value)} gets the shape {list(shape)}")
        value.shape = tuple(shape)
        value.extra = replace(value.extra, shape_signature=None, shape_absent=False)
        self._touch(value)
        self._alter(value)

    def arrange(self, value: Value, axes: Sequence[int | None]) -> None:
        """Give a value another shape by moving its axes; the elements move along.

        Args:
            axes: for each axis of the result the axis it was, None for a dimension of 1. All axes
                but those of size 1 are in it.
        """
        shape, signature, origin = _arranged(value, axes)
        self.note(f"{_name(value)} gets the shape {list(shape)}")
        value.shape, value.origin = shape, origin
        value.extra = replace(value.extra, shape_signature=signature, shape_absent=False)
        self._touch(value)
        self._alter(value)

    def arranged(self, like: Value, axes: Sequence[int | None]) -> Value:
        """A new value with the elements of ``like`` and its axes moved, as :meth:`arrange` does."""
        shape, signature, origin = _arranged(like, axes)
        value = self.value(like, shape=shape)
        value.extra, value.origin = replace(value.extra, shape_signature=signature), origin
        return value

    def take(self, value: Value, axis: int, indices: Sequence[int]) -> None:
        """Give a value only some indices of an axis."""
        shape, signature = value.shape, value.extra.shape_signature
        if value.origin is not None:
            value.origin = value.origin.taken(shape, axis, indices)
        value.shape = (*shape[:axis], len(indices), *shape[axis + 1 :])
        if signature is not None and len(signature) == len(shape):
            signature = (*signature[:axis], len(indices), *signature[axis + 1 :])
        value.extra = replace(value.extra, shape_signature=signature)
        self._touch(value)
        self._alter(value)
        self.note(f"{_name(value)} loses {shape[axis] - len(indices)} of {shape[axis]} channels")

    def set_quant(self, value: Value, quant: Quantization | None) -> None:
        """Give a value another quantization."""
        value.quant = quant
        self._touch(value)
        self._alter(value)
        self.note(f"{_name(value)} gets another quantization")

    def set_name(self, value: Value, name: str | None) -> None:
        """Rename a value."""
        value.name = name
        self.note(f"renamed to {name}")

    def can_replace(self, old: Value, new: Value) -> bool:
        """Whether every reader of ``old`` may read ``new``.

        Not where the caller reads ``old`` and ``new`` is an input, a constant or another output:
        each output of a model is a tensor of its own with its own name.
        """
        if not old.is_graph_output:
            return True
        return not (new.is_graph_input or new.is_constant or new.is_graph_output or new.is_variable)

    def replace_uses(self, old: Value, new: Value) -> None:
        """Let every reader of ``old`` read ``new``, which takes over an output's name.

        Raises:
            ValueError: :meth:`can_replace` says no.
        """
        if not self.can_replace(old, new):
            raise ValueError(f"{old!r} is an output that {new!r} can't stand for")
        self._touch(old)
        if old.is_graph_output:
            self._take_over(old, new)
        for use in old.uses:
            if isinstance(use.user, Graph):
                use.user.outputs[use.position] = new
            else:
                use.user.set_input(use.position, new)
                self._renew(use.user)
        self._touch(new)
        self.note(f"{_name(old)} is replaced by {_name(new)}")

    def _take_over(self, old: Value, new: Value) -> None:
        old.name, new.name = new.name, old.name
        new.extra = replace(new.extra, shape_signature=old.extra.shape_signature)
        if new.origin is None or old.origin is not None:
            new.origin = old.origin
        for signature in self.model.signatures or ():
            if signature.graph is old.graph and signature.outputs is not None:
                signature.outputs = [
                    (name, new if value is old else value) for name, value in signature.outputs
                ]

    def constant(
        self,
        data: Array,
        like: Value,
        *,
        quant: Quantization | None = None,
        name: str | None = None,
    ) -> Value:
        """A new constant in the graph of ``like``, in a buffer of its own."""
        graph = like.graph
        raw = np.frombuffer(np.ascontiguousarray(data).tobytes(), dtype=np.uint8)
        buffer = Buffer(raw)
        self.model.buffers.append(buffer)
        value = Value(graph, dtype_of(data), data.shape, name=name, quant=quant, buffer=buffer)
        return graph.add_value(value)

    def value(
        self,
        like: Value,
        *,
        shape: Sequence[int] | None = None,
        dtype: DType | None = None,
        quant: Quantization | None = None,
        same_elements: bool = False,
    ) -> Value:
        """A new value beside ``like``; ``same_elements`` claims its elements in its order."""
        graph = like.graph
        value = Value(
            graph,
            like.dtype if dtype is None else dtype,
            like.shape if shape is None else shape,
            name=like.name,
            quant=like.quant if quant is None else quant,
            buffer=self.model.buffers[0],
        )
        value.extra = ValueExtra(has_rank=like.extra.has_rank)
        value.origin = like.origin if same_elements else None
        return graph.add_value(value)

    def insert(
        self,
        before: Op | Graph,
        code: OpCode,
        inputs: Sequence[Value | None],
        outputs: Sequence[Value],
        options: Options | None = None,
        version: int = 1,
    ) -> Op:
        """A new operator in front of another one, or at the end of a graph."""
        graph = before if isinstance(before, Graph) else before.graph
        op = Op(graph, self.model.opcode(code, version), options)
        op.set_inputs(inputs)
        op.set_outputs(outputs)
        graph.insert(op, None if isinstance(before, Graph) else before)
        self._touch(*inputs, *outputs)
        self._renew(op)
        self.note(f"new {code.name}")
        return op

    def set_outputs(self, op: Op, values: Sequence[Value]) -> None:
        """Let ``op`` produce other values."""
        self._touch(*op.outputs)
        op.set_outputs(values)
        self._touch(*values)
        self.altered[op] = None
        self.note(f"{op.opcode.label} produces {', '.join(_name(value) for value in values)}")

    def remove(self, op: Op) -> None:
        """Remove an operator that nobody reads any more.

        Raises:
            ValueError: an output is still read.
        """
        inputs = op.inputs
        op.graph.remove(op)
        self.removed.add(op)
        self.touched.pop(op, None)
        self.altered[op] = None
        self._touch(*inputs)
        self.note(f"removed {op.opcode.label}")

    def bypass(self, op: Op, source: Value) -> None:
        """Let the readers of ``op``'s output read ``source``, and remove ``op``."""
        self.replace_uses(op.output, source)
        self.remove(op)

    def remove_value(self, value: Value) -> None:
        """Drop a value that nobody produces or reads."""
        value.graph.remove_value(value)
        self.note(f"dropped tensor {_name(value)}")

    def remove_graph(self, graph: Graph) -> None:
        """Drop a subgraph that nothing calls; those behind it get other numbers."""
        self.removed.update(graph.ops)
        self.altered.update(dict.fromkeys(graph.ops))
        drop_graph(graph)
        self.note("dropped a subgraph that nothing calls")

    def keep_buffers(self, kept: list[Buffer]) -> None:
        """Drop all other buffers."""
        self.note(f"dropped {counted(len(self.model.buffers) - len(kept), 'buffer')}")
        self.model.buffers = kept

    def keep_opcodes(self, used: set[int]) -> None:
        """Drop the operator codes whose ``id`` is not in ``used``."""
        kept = [entry for entry in self.model.opcodes if id(entry) in used]
        self.note(f"dropped {len(self.model.opcodes) - len(kept)} operator codes")
        self.model.opcodes = kept

    def keep_metadata(self, kept: list[Metadata], reason: str) -> None:
        """Drop all other metadata entries."""
        for entry in self.model.metadata or ():
            if entry not in kept:
                self.note(f"dropped metadata {entry.name!r}: {reason}")
        self.model.metadata = kept

    def set_plan(self, offsets: Sequence[int] | None, reason: str) -> None:
        """Replace the model's offline memory plan; None drops it."""
        write_plan(self.model, offsets)
        self.note(reason)


def _hand_down(old: Value | None, new: Value | None) -> None:
    """What is read in front of a view has the elements of what the view gives."""
    view = None if old is None else old.producer
    if old is None or new is None or view is None or new.origin is not None:
        return
    if view.code in VIEWS and view.input(0) is new:
        new.origin = old.origin


def _arranged(
    value: Value, axes: Sequence[int | None]
) -> tuple[tuple[int, ...], tuple[int, ...] | None, Origin | None]:
    """Shape, signature and origin of a value after its axes are moved."""
    shape, signature, origin = value.shape, value.extra.shape_signature, value.origin
    moved = tuple(1 if axis is None else shape[axis] for axis in axes)
    if signature is not None and len(signature) == len(shape):
        signature = tuple(1 if axis is None else signature[axis] for axis in axes)
    else:
        signature = None
    return moved, signature, None if origin is None else origin.rearranged(shape, axes)


def _name(value: Value | None) -> str:
    return "nothing" if value is None else value.name or "an unnamed tensor"
