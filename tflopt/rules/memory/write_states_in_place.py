"""Let the operator that computes a state write it where the next inference reads it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from tflopt.config import Config, Runtime
from tflopt.facts.operators import CALLS, EFFECTS, VARIABLES
from tflopt.facts.referred import referred
from tflopt.facts.state import named
from tflopt.ir import DType, Model, Op, OpCode, Value
from tflopt.plan.in_place import aliases_at
from tflopt.rewrite import ModelRule, Rewriter, Stage, Trace
from tflopt.rules.memory.longer_states import lengthen_states
from tflopt.rules.memory.plan_memory import PlanMemory

OTHER_EFFECTS = EFFECTS - VARIABLES - CALLS
"""What such an operator does to resources isn't known; those that call name what they touch."""
BYTE = 8


@dataclass(frozen=True)
class WriteStatesInPlace(ModelRule):
    """Keep a state in a tensor that lasts, written by what computes it (--runtime tflm only).

    A resource variable is copied twice in each inference: READ_VARIABLE hands out what it holds,
    ASSIGN_VARIABLE takes the new state. Here one tensor with ``is_variable`` stands for what was
    read and for what was assigned, and both operators go.

    Exact: TFLM gives such a tensor bytes of its own (``AllocateVariables``), which only its writer
    changes. That operator runs once in each inference, after all that read the old state (or it may
    write over what it reads, as the planner knows it), and those that read the new one follow it.
    Both kinds start alike, when the interpreter is made and when it is reset: an int8 tensor with
    its zero point and others with zeros (``MicroInterpreterGraph::ResetVariableTensors``), a
    resource with the zero point, as an int8, of what is assigned to it and without quantization
    with zeros (``micro_resource_variable.cc``; 3b20912 and 90b983c).

    A state that is cut from what it was joined with (CONCATENATION, then GATHER) gives way to that
    where the arena then is smaller: it is cut when the next inference begins
    (``tflopt/rules/memory/longer_states.py``).

    LiteRT's reference kernels run such a file unless an operator writes what it reads, but
    ai-edge-litert 1.2 and 1.4 end the process where XNNPACK takes part of it, since readers and
    writer of such a tensor wait for each other there.
    """

    name: ClassVar[str] = "write-states-in-place"
    number: ClassVar[int] = 100
    stages: ClassVar[tuple[Stage, ...]] = (Stage.STATES,)
    keep: frozenset[str] = frozenset()
    plan: PlanMemory = field(default_factory=PlanMemory)

    @classmethod
    def from_config(cls, config: Config) -> WriteStatesInPlace:
        """The rule with the names that stay, and the plan that comes behind it."""
        return cls(config.keep, PlanMemory.from_config(config))

    @classmethod
    def suits(cls, config: Config) -> bool:
        """LiteRT's default path doesn't survive such a file."""
        return config.runtime is Runtime.TFLM

    def rewrite_model(self, model: Model, rw: Rewriter) -> None:
        """Each variable for itself, then those whose wholes had better be kept."""
        if any(op.code in OTHER_EFFECTS for op in model.ops()):
            return
        place = {op: number for number, op in enumerate(model.main.ops)}
        for state in _states(model):
            reason = state.why_not(place, self.keep)
            if reason:
                rw.remark(state.assigns[-1], reason)
            else:
                _join(state, rw)
        if rw.changed:
            lengthen_states(model, self.plan, rw)


def leave_states(model: Model, trace: Trace) -> None:
    """Say that other rules leave a model as it is whose operators write variables."""
    for op in model.ops():
        if any(value.is_variable for value in op.outputs):
            told = "it writes a tensor that lasts; other rules leave the model as it is"
            trace.decline(WriteStatesInPlace.name, op, told, op)
            return


@dataclass
class _State:
    """A resource variable: what reads it and what assigns to it, in order."""

    reads: list[Op] = field(default_factory=list)
    assigns: list[Op] = field(default_factory=list)

    @property
    def new(self) -> Value:
        """What is assigned."""
        return self.assigns[0].operand(1)

    @property
    def olds(self) -> list[Value]:
        """What is read."""
        return [read.output for read in self.reads]

    def why_not(self, place: dict[Op, int], keep: frozenset[str]) -> str:
        """Why one tensor can't stand for it, or ``""``."""
        if any(op not in place for op in (*self.reads, *self.assigns)):
            return "a subgraph that is called touches the variable"
        if len(self.assigns) != 1:
            return "it is assigned more than once"
        writer = self.new.producer
        if writer is None or writer.code in VARIABLES | CALLS:
            return "no operator computes what is assigned"
        if any(place[read] > place[self.assigns[0]] for read in self.reads):
            return "it is read after it is assigned"
        reason = _unlike(self.olds, self.new) or _held(self.olds, self.new, keep)
        if reason:
            return reason
        late = (op for old in self.olds for op in old.users if place[op] >= place[writer])
        if not all(op is writer and _may_write_over(op, self.olds, self.new) for op in late):
            return "the old state is read when the new one is there"
        return ""


def _states(model: Model) -> Iterator[_State]:
    """The variables that are read and assigned; none where a resource goes ways of its own."""
    states: dict[tuple[str, str], _State] = {}
    for op in model.ops():
        for value in (*op.inputs, *op.outputs):
            if value is None or value.dtype is not DType.RESOURCE:
                continue
            name = named(value)
            if name is None or op.code not in VARIABLES:
                return
            state = states.setdefault(name, _State())
            if op.code is OpCode.READ_VARIABLE and op.outputs:
                state.reads.append(op)
            elif op.code is OpCode.ASSIGN_VARIABLE and op.input(1) is not None:
                state.assigns.append(op)
            elif op.code is not OpCode.VAR_HANDLE:
                return
    if len({name for _, name in states}) == len(states):  # TFLM doesn't look at absent containers
        yield from (state for state in states.values() if state.reads and state.assigns)


def _unlike(olds: Sequence[Value], new: Value) -> str:
    """Whether one tensor can be all of them, and starts as the variable does."""
    if any((old.dtype, old.shape, old.quant) != (new.dtype, new.shape, new.quant) for old in olds):
        return "what is read has another type, shape or quantization than what is assigned"
    if new.dtype.bits is None or new.dtype.bits < BYTE:
        return f"elements of {new.dtype.name}"
    quantized = new.quant is not None and new.quant.is_set
    points = new.quant.zero_point if quantized and new.quant is not None else None
    if new.dtype is DType.INT8 and points is None:
        return "without a zero point TFLM of 2025 doesn't start"
    if new.dtype is not DType.INT8 and points is not None and points[:1].astype(np.int8).any():
        return "TFLM starts with other numbers"
    return ""


def _held(olds: Sequence[Value], new: Value, keep: frozenset[str]) -> str:
    """What else wants the tensors as they are."""
    values = {*olds, new}
    if any(value.is_graph_output or value.is_graph_input for value in values):
        return "it is an input or an output of the model"
    if any(value.name in keep for value in values):
        return "--keep names the tensor"
    held = not values.isdisjoint(referred(new.graph))
    return "something else refers to the tensor" if held else ""


def _may_write_over(writer: Op, olds: Sequence[Value], new: Value) -> bool:
    """Whether an operator may have its output where its input lies, on every core."""
    pairs = [alias for alias in aliases_at(writer) if alias.second is new]
    right = {a.first for a in pairs if (a.low or 0) <= 0 and (a.high is None or a.high >= 0)}
    return all(old in right for old in olds if old in writer.inputs)


def _join(state: _State, rw: Rewriter) -> None:
    """One tensor instead of what is read and what is assigned."""
    new, writer, values = state.new, state.new.producer, (*state.olds, state.new)
    assert writer is not None
    kept = rw.value(new)
    rw.update(kept, is_variable=True)
    for value in values:
        rw.replace_uses(value, kept)
    for op in (*state.reads, *state.assigns):
        rw.remove(op)
    rw.set_outputs(writer, [kept if value is new else value for value in writer.outputs])
    for value in values:
        rw.remove_value(value)
    rw.note(f"{writer.opcode.label} writes a state of {kept.size_bytes:,} bytes")
