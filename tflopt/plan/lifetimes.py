"""When TFLM thinks each tensor and scratch buffer is live: its clock, reproduced.

From ``micro_allocation_info.cc`` of tflite-micro 90b983c. Steps are *allocation scopes*:

- Step 0 creates the inputs of subgraph 0. Each operator takes the next step.
- An operator that calls subgraphs (IF, WHILE, CALL_ONCE) takes one step more for each of them, and
  its operators take theirs, before the operator's inputs are marked as used and its own
  outputs are marked once more. So everything that it reads outlives the subgraphs it calls.
- A tensor lives from the step that first creates it to the one that last uses it, both included.
  An operator's inputs and outputs therefore always clash, and working in place is impossible
  unless an offline plan says so.
- A graph output lives to the last step of its subgraph. A scratch buffer lives from the first to
  the last step of its operator.
- A tensor that no visited operator touches keeps ``[-1, -1]``. It is planned all the same if it is
  neither constant nor variable, and clashes with every other tensor that begins at -1.
- A variable is planned only if an offline plan gives it an offset, and then lives from -1 to its
  last use: nothing protects it between that and the next invocation.

Subgraphs that are never called are not visited: their tensors stay at ``[-1, -1]``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tflopt.plan.greedy import ONLINE, Requirement
from tflopt.plan.problem import align_up

ARENA_ALIGNMENT = 16
"""MicroArenaBufferAlignment: TFLM rounds every size in the head up to it."""

NEVER = -1
"""The step of a tensor that nothing has touched."""


@dataclass(frozen=True)
class TensorDesc:
    """A tensor as the runtime's allocator sees it; ``channels`` counts its quantization scales.

    ``channels`` is 0 where the model has no scale or no zero point: then nothing is allocated.
    """

    size_bytes: int
    name: str = ""
    is_constant: bool = False
    is_variable: bool = False
    channels: int = 0


@dataclass(frozen=True)
class OpDesc:
    """One operator: tensor indices (-1 for an absent one), called subgraphs, scratch requests.

    ``scratch_bytes`` are in the order in which the kernel's Prepare asks for them.
    """

    inputs: Sequence[int]
    outputs: Sequence[int]
    scratch_bytes: Sequence[int] = ()
    subgraphs_called: Sequence[int] = ()
    name: str = ""


@dataclass(frozen=True)
class GraphDesc:
    """One subgraph, its operators in the order of the file."""

    tensors: Sequence[TensorDesc]
    inputs: Sequence[int]
    outputs: Sequence[int]
    ops: Sequence[OpDesc]


@dataclass(frozen=True)
class ModelDesc:
    """All subgraphs; the first one is the one that runs."""

    subgraphs: Sequence[GraphDesc]

    @property
    def tensor_count(self) -> int:
        """Tensors of all subgraphs, constants included: the length of an offline plan."""
        return sum(len(graph.tensors) for graph in self.subgraphs)

    @property
    def scratch_count(self) -> int:
        """Scratch requests of all operators."""
        return sum(len(op.scratch_bytes) for graph in self.subgraphs for op in graph.ops)


@dataclass(frozen=True)
class TensorRef:
    """A tensor by its subgraph and its index there."""

    subgraph: int
    tensor: int


@dataclass(frozen=True)
class ScratchRef:
    """A scratch buffer by its operator and the order of its request."""

    subgraph: int
    op: int
    request: int


@dataclass(frozen=True)
class TensorAlias:
    """Two tensors may share bytes iff ``low <= offset(first) - offset(second) <= high``.

    The meaning of the fields is that of `tflopt.plan.problem.Alias`; ``reason`` names the
    operator that makes it safe.
    """

    first: TensorRef
    second: TensorRef
    low: int | None
    high: int | None
    shares_content: bool = False
    reason: str = ""

    def permits(self, offset_first: int, offset_second: int) -> bool:
        """Whether the two may stay at these offsets even if the bytes overlap."""
        distance = offset_first - offset_second
        above = self.low is None or distance >= self.low
        return above and (self.high is None or distance <= self.high)


@dataclass(frozen=True)
class PlannedBuffer:
    """What the runtime hands to its planner: rounded size, inclusive first and last step."""

    ref: TensorRef | ScratchRef
    name: str
    size_bytes: int
    first_used: int
    last_used: int
    is_variable: bool = False

    def requirement(self, offline_offset: int = ONLINE) -> Requirement:
        """The same as an input of the greedy simulation."""
        return Requirement(self.size_bytes, self.first_used, self.last_used, offline_offset)


@dataclass
class _Span:
    first: int = NEVER
    last: int = NEVER

    def create(self, step: int) -> None:
        if self.first == NEVER:
            self.first = step

    def use(self, step: int) -> None:
        self.last = step


@dataclass
class _Clock:
    model: ModelDesc
    step: int = 0
    tensors: list[list[_Span]] = field(default_factory=list)
    scratch: dict[tuple[int, int], _Span] = field(default_factory=dict)
    active: set[int] = field(default_factory=set)

    def visit(self, index: int) -> None:
        """Mark one run of a subgraph, and recursively of those that it calls."""
        if index in self.active:
            return  # a model that calls itself would never end; the runtime doesn't survive it
        self.active.add(index)
        graph, spans = self.model.subgraphs[index], self.tensors[index]
        for tensor in graph.inputs:
            self._touch(spans, tensor)
        for number, op in enumerate(graph.ops):
            self._visit_op(op, spans, self.scratch.setdefault((index, number), _Span()))
        for tensor in graph.outputs:
            self._touch(spans, tensor)
        self.active.remove(index)

    def _visit_op(self, op: OpDesc, spans: Sequence[_Span], scratch: _Span) -> None:
        self.step += 1
        for tensor in op.outputs:
            if tensor >= 0:
                spans[tensor].create(self.step)
        scratch.create(self.step)
        for called in op.subgraphs_called:
            self.step += 1
            self.visit(called)
        for tensor in (*op.inputs, *op.outputs):
            if tensor >= 0:
                spans[tensor].use(self.step)
        scratch.use(self.step)

    def _touch(self, spans: Sequence[_Span], tensor: int) -> None:
        spans[tensor].create(self.step)
        spans[tensor].use(self.step)


def planned_buffers(model: ModelDesc, offline: Sequence[int] | None = None) -> list[PlannedBuffer]:
    """Everything that the runtime plans in the head, in the order in which it adds it.

    ``offline`` is an offset per tensor of all subgraphs, if the model has such a plan: it decides
    only whether variables are planned here (offset given) or kept in the tail. A scratch
    request of an operator in a subgraph that is never called has no size that the
    runtime sets: it counts with 0 bytes here, and such a model is best not planned.
    """
    clock = _Clock(model, tensors=[[_Span() for _ in g.tensors] for g in model.subgraphs])
    clock.visit(0)
    return [*_planned_tensors(model, clock, offline), *_planned_scratch(model, clock)]


def _planned_tensors(
    model: ModelDesc, clock: _Clock, offline: Sequence[int] | None
) -> list[PlannedBuffer]:
    found, flat = [], 0
    for number, graph in enumerate(model.subgraphs):
        for index, tensor in enumerate(graph.tensors):
            given = offline is not None and offline[flat] != ONLINE
            flat += 1
            if tensor.is_variable and not given:
                continue
            if not tensor.is_variable and (tensor.is_constant or tensor.size_bytes == 0):
                continue
            span = clock.tensors[number][index]
            found.append(
                PlannedBuffer(
                    TensorRef(number, index),
                    tensor.name or f"tensor {index} of subgraph {number}",
                    align_up(tensor.size_bytes, ARENA_ALIGNMENT),
                    span.first,
                    span.last,
                    tensor.is_variable,
                )
            )
    return found


def _planned_scratch(model: ModelDesc, clock: _Clock) -> list[PlannedBuffer]:
    found = []
    for number, graph in enumerate(model.subgraphs):
        for index, op in enumerate(graph.ops):
            span = clock.scratch.get((number, index))
            for request, size in enumerate(op.scratch_bytes):
                name = f"scratch {request} of {op.name or f'operator {index}'}"
                first, last = (span.first, span.last) if span else (NEVER, NEVER)
                rounded = align_up(size, ARENA_ALIGNMENT) if span else 0
                ref = ScratchRef(number, index, request)
                found.append(PlannedBuffer(ref, name, rounded, first, last))
    return found
