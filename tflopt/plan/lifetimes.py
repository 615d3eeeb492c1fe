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

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tflopt.facts.offline_plan import ONLINE
from tflopt.plan.greedy import Requirement
from tflopt.plan.problem import align_up

ARENA_ALIGNMENT = 16
"""MicroArenaBufferAlignment: TFLM rounds every size in the head up to it."""

NEVER = -1
"""The step of a tensor that nothing has touched."""


@dataclass(frozen=True, slots=True)
class TensorDesc:
    """A tensor as the runtime's allocator sees it; ``channels`` counts its quantization scales.

    ``channels`` is 0 where the model has no scale or no zero point: then nothing is allocated.
    """

    size_bytes: int
    name: str = ""
    is_constant: bool = False
    is_variable: bool = False
    channels: int = 0


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class TensorRef:
    """A tensor by its subgraph and its index there."""

    subgraph: int
    tensor: int


@dataclass(frozen=True, slots=True)
class ScratchRef:
    """A scratch buffer by its operator and the order of its request."""

    subgraph: int
    op: int
    request: int


@dataclass(frozen=True, slots=True)
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

    @property
    def is_view(self) -> bool:
        """Whether both hold the same at one address."""
        return self.shares_content and (self.low, self.high) == (0, 0)

    def permits(self, offset_first: int, offset_second: int) -> bool:
        """Whether the two may stay at these offsets even if the bytes overlap."""
        distance = offset_first - offset_second
        above = self.low is None or distance >= self.low
        return above and (self.high is None or distance <= self.high)


@dataclass(frozen=True, slots=True)
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

    def mark(self, first: int, last: int) -> None:
        self.create(first)
        self.use(last)


@dataclass
class _Clock:
    """The steps of every subgraph, each looked at once however often it runs.

    A run takes the same steps wherever it begins. What counts of a subgraph is where its first
    and its last run begin: a tensor is created in the first, and used for the last time in the
    last. Where a subgraph calls itself the inner run is left out; the runtime doesn't survive it.
    """

    model: ModelDesc
    tensors: list[list[_Span]] = field(default_factory=list)
    scratch: dict[tuple[int, int], _Span] = field(default_factory=dict)
    lengths: dict[int, int] = field(default_factory=dict)
    ends: dict[int, list[int]] = field(default_factory=dict)
    calls: dict[int, list[tuple[int, int]]] = field(default_factory=dict)

    def visit(self) -> None:
        """Mark all runs that begin with subgraph 0."""
        self._measure(0, set())
        first, last = {0: 0}, {0: 0}
        for index in reversed(self.lengths):  # callers before what they call
            for called, offset in self.calls[index]:
                early, late = first[index] + offset, last[index] + offset
                first[called] = min(first.get(called, early), early)
                last[called] = max(last.get(called, late), late)
        for index in self.lengths:
            self._mark(index, first[index], last[index])

    def _measure(self, index: int, active: set[int]) -> int:
        """The steps of one run; the subgraphs that it calls are entered before it."""
        if index in active:
            return 0
        if index not in self.lengths:
            active.add(index)
            step, ends = 0, []
            calls: list[tuple[int, int]] = []
            for op in self.model.subgraphs[index].ops:
                step += 1
                for called in op.subgraphs_called:
                    step += 1
                    if called not in active:
                        calls.append((called, step))
                    step += self._measure(called, active)
                ends.append(step)
            active.remove(index)
            self.lengths[index], self.calls[index], self.ends[index] = step, calls, ends
        return self.lengths[index]

    def _mark(self, index: int, first: int, last: int) -> None:
        graph, spans, step = self.model.subgraphs[index], self.tensors[index], 0
        for tensor in graph.inputs:
            spans[tensor].mark(first, last)
        for number, op in enumerate(graph.ops):
            step += 1
            scratch = self.scratch.setdefault((index, number), _Span())
            made = [spans[tensor] for tensor in op.outputs if tensor >= 0]
            for span in (*made, scratch):
                span.create(first + step)
            step = self.ends[index][number]
            read = [spans[tensor] for tensor in op.inputs if tensor >= 0]
            for span in (*read, *made, scratch):
                span.use(last + step)
        for tensor in graph.outputs:
            spans[tensor].mark(first + step, last + step)


def steps_of(model: ModelDesc) -> Iterator[tuple[int, int, int]]:
    """(step, subgraph, operator) by the runtime's clock, from the first operator's step on.

    An operator that calls subgraphs has a step more for each, with that one's own steps behind it.
    """
    yield from _steps(model, 0, [1], ())


def _steps(
    model: ModelDesc, subgraph: int, clock: list[int], callers: tuple[int, ...]
) -> Iterator[tuple[int, int, int]]:
    for index, op in enumerate(model.subgraphs[subgraph].ops):
        yield clock[0], subgraph, index
        clock[0] += 1
        for called in op.subgraphs_called:
            yield clock[0], subgraph, index
            clock[0] += 1
            if called not in (*callers, subgraph):
                yield from _steps(model, called, clock, (*callers, subgraph))


def planned_buffers(model: ModelDesc, offline: Sequence[int] | None = None) -> list[PlannedBuffer]:
    """Everything that the runtime plans in the head, in the order in which it adds it.

    ``offline`` is an offset per tensor of all subgraphs, if the model has such a plan: it decides
    only whether variables are planned here (offset given) or kept in the tail. A scratch
    request of an operator in a subgraph that is never called has no size that the
    runtime sets: it counts with 0 bytes here, and such a model is best not planned.
    """
    clock = _Clock(model, tensors=[[_Span() for _ in g.tensors] for g in model.subgraphs])
    clock.visit()
    return [*_planned_tensors(model, clock, offline), *_planned_scratch(model, clock)]


def _planned_tensors(
    model: ModelDesc, clock: _Clock, offline: Sequence[int] | None
) -> list[PlannedBuffer]:
    buffers, flat = [], 0
    for number, graph in enumerate(model.subgraphs):
        for index, tensor in enumerate(graph.tensors):
            given = offline is not None and offline[flat] != ONLINE
            flat += 1
            if tensor.is_variable and not given:
                continue
            if not tensor.is_variable and (tensor.is_constant or tensor.size_bytes == 0):
                continue
            span = clock.tensors[number][index]
            buffers.append(
                PlannedBuffer(
                    TensorRef(number, index),
                    tensor.name or f"tensor {index} of subgraph {number}",
                    align_up(tensor.size_bytes, ARENA_ALIGNMENT),
                    span.first,
                    span.last,
                    tensor.is_variable,
                )
            )
    return buffers


def _planned_scratch(model: ModelDesc, clock: _Clock) -> list[PlannedBuffer]:
    buffers = []
    for number, graph in enumerate(model.subgraphs):
        for index, op in enumerate(graph.ops):
            span = clock.scratch.get((number, index))
            for request, size in enumerate(op.scratch_bytes):
                name = f"scratch {request} of {op.name or f'operator {index}'}"
                first, last = (span.first, span.last) if span else (NEVER, NEVER)
                rounded = align_up(size, ARENA_ALIGNMENT) if span else 0
                ref = ScratchRef(number, index, request)
                buffers.append(PlannedBuffer(ref, name, rounded, first, last))
    return buffers
