"""What every operator of a model costs as it stands, asked once until the model changes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from heapq import nlargest
from operator import itemgetter

from tflopt.facts.operators import CALLS
from tflopt.facts.work import moved_bytes
from tflopt.ir import Graph, Model, Op, Value
from tflopt.plan.in_place import skips_copy
from tflopt.plan.live import Moment
from tflopt.plan.problem import align_up
from tflopt.plan.tflm_sizes import ARM32
from tflopt.plan.timeline import Change, Timeline, ends_of_gap
from tflopt.rewrite.watch import Event
from tflopt.rewrite.watch import Moment as At
from tflopt.search.alike import Alike
from tflopt.search.cost import OP_FLASH_BYTES, TENSOR_FLASH_BYTES, Cost, constant_bytes
from tflopt.search.growth import Refusal
from tflopt.target.cost import Basis, LayerSpec, describe, predict_layer
from tflopt.target.cost.predict import INVOKE_OVERHEAD, OPERATOR_OVERHEAD
from tflopt.target.cost.runs import runs_of
from tflopt.target.device import Device
from tflopt.target.kernels import kernel_use
from tflopt.target.sharing import Sharing, moment_on

ALIGNMENT = 16
State = list[tuple[object, ...]]


@dataclass(frozen=True, slots=True)
class OpCost:
    """One operator: ``instructions`` is None where nothing is known of its kernel.

    ``tail_bytes`` is what TFLM and the kernel keep for it, without its tensors.
    """

    instructions: int | None
    tail_bytes: int
    scratch_count: int
    moved_bytes: int
    moment: Moment


@dataclass(frozen=True)
class ArenaParts:
    """What the arena of a model is made of, as far as the choice of operators decides it."""

    peak_bytes: int
    tail_bytes: int
    tensors: int
    planned: int
    scratch_count: int

    @property
    def arena_bytes(self) -> int:
        """The tail beside the head, or beside what the planner needs while it works.

        The head is no plan yet, and TFLM keeps some more; both are alike for all alternatives.
        """
        entries = ARM32.allocation_info * (self.tensors + self.scratch_count)
        planning = entries + ARM32.planner_per_buffer * (self.planned + self.scratch_count)
        return self.kept_bytes + max(self.peak_bytes, planning)

    @property
    def kept_bytes(self) -> int:
        """The tail: what stays from AllocateTensors on."""
        return self.tail_bytes + ARM32.eval_tensor * self.tensors


@dataclass
class Tally:
    """Sums over the operators and values of a model, kept while these come and go.

    Args:
        values: whether the planner places each value, and the flash that it takes as a constant.
    """

    instructions: int = 0
    tail_bytes: int = 0
    scratch_count: int = 0
    moved_bytes: int = 0
    operators: int = 0
    planned: int = 0
    constant_bytes: int = 0
    values: dict[Value, tuple[bool, int]] = field(default_factory=dict)

    def count(self, cost: OpCost, sign: int, runs: int) -> None:
        """An operator comes (1) or goes (-1) that runs so often in one inference."""
        self.instructions += sign * runs * (cost.instructions or 0)
        self.tail_bytes += sign * cost.tail_bytes
        self.scratch_count += sign * cost.scratch_count
        self.moved_bytes += sign * runs * cost.moved_bytes
        self.operators += sign

    def enter(self, value: Value) -> None:
        """A value is part of the model."""
        constant = value.is_constant
        planned = not (constant or value.is_variable)
        flash = constant_bytes(value) if constant else 0
        self.values[value] = planned, flash
        self.planned += planned
        self.constant_bytes += flash

    def leave(self, value: Value) -> bool:
        """A value is no longer part of it; whether it was."""
        known = value in self.values
        planned, flash = self.values.pop(value, (False, 0))
        self.planned -= planned
        self.constant_bytes -= flash
        return known


@dataclass
class GraphPage:
    """The operators of one graph: costs, operands, when which bytes are alive, how many values it
    has, and how often it runs in one inference."""

    costs: dict[Op, OpCost]
    operands: dict[Op, list[Value]]
    timeline: Timeline
    values: int
    runs: int


@dataclass
class Page:
    """A whole model: its graphs, and sums over all of them."""

    graphs: dict[Graph, GraphPage]
    tally: Tally
    _highest: list[tuple[int, Graph]] | None = None

    @property
    def parts(self) -> ArenaParts:
        """The parts of the arena."""
        tally, peak = self.tally, self.peak_bytes()
        tensors = len(tally.values)
        return ArenaParts(peak, tally.tail_bytes, tensors, tally.planned, tally.scratch_count)

    @property
    def total(self) -> Cost:
        """The cost in all."""
        tally = self.tally
        tables = len(tally.values) * TENSOR_FLASH_BYTES + tally.operators * OP_FLASH_BYTES
        work, flash = INVOKE_OVERHEAD + tally.instructions, tables + tally.constant_bytes
        return Cost(work, flash, self.parts.arena_bytes, tally.moved_bytes)

    def peak_bytes(self, graph: Graph | None = None, peak_bytes: int = 0) -> int:
        """The most bytes alive in any graph, with ``peak_bytes`` for ``graph``."""
        if self._highest is None:
            peaks = [(page.timeline.peak_bytes, other) for other, page in self.graphs.items()]
            self._highest = nlargest(2, peaks, key=itemgetter(0))
        others = (peak for peak, other in self._highest if other is not graph)
        return max(peak_bytes, *others, 0)

    def follow(self, graph: Graph, altered: Sequence[Op], device: Device, sharing: Sharing) -> bool:
        """Bring a graph's page up to date; whether that could be done."""
        known = self.graphs.get(graph)
        if known is None:
            return False
        self._highest = None
        _follow(known, self.tally, graph, altered, device, sharing)
        counts = len(known.costs), known.values
        return counts == (len(graph.ops), len(graph.values)) and (
            known.timeline.outputs == tuple(graph.outputs)
        )


@dataclass(eq=False)
class Book:
    """The page of a model, renewed when the model has changed.

    ``refused`` collects, by operator, what was good but for its growth, and ``alike`` has the
    operators by what they compute, for a book that follows. A book that ``follows`` is
    told of each change, and renews what it concerns; another one looks at everything.
    """

    follows: bool = False
    refused: dict[Op, list[Refusal]] = field(default_factory=dict)
    alike: Alike = field(default_factory=Alike)
    _page: Page | None = None
    _state: State = field(default_factory=list)
    _key: tuple[object, ...] = ()
    _altered: dict[Op, None] = field(default_factory=dict)

    def page(self, model: Model, device: Device, sharing: Sharing) -> Page:
        """What the model costs as it is."""
        key = (model, device, sharing)
        if key != self._key or not self._is_current(model, device, sharing):
            self._page = _page(model, device, sharing)
            self._key = key
        self._altered.clear()
        assert self._page is not None
        return self._page

    def told(self, event: Event) -> None:
        """A watch: the model has changed."""
        if event.moment is At.FIRED:
            self._altered.update(dict.fromkeys(event.altered))
            self.alike.alter(event.altered)
            if not event.altered:  # it may be anywhere
                self._page = None
        elif event.moment is At.RAN:
            self.forget()

    def forget(self) -> None:
        """The model may have changed anywhere."""
        self._page, self._key = None, ()
        self.alike.forget()

    def _is_current(self, model: Model, device: Device, sharing: Sharing) -> bool:
        if self._page is None:
            return False
        if not self.follows:
            state, self._state = self._state, _state(model)
            return state == self._state
        return _renewed(self._page, model, device, sharing, self._altered)


def _state(model: Model) -> State:
    """Everything that a page depends on; the objects themselves, so that none is mistaken."""
    return [
        (op, op.opcode, op.options, *op.inputs, *((v, v.shape, v.dtype) for v in op.outputs))
        for op in model.ops()
    ]


def _page(model: Model, device: Device, sharing: Sharing) -> Page:
    graphs, tally = {}, Tally()
    for graph, often in zip(model.graphs, runs_of(model), strict=True):
        runs = max(1, often.usual)
        costs = {op: cost_of(op, device, sharing) for op in graph.ops}
        moments = {op: cost.moment for op, cost in costs.items()}
        line = Timeline(graph.inputs, graph.outputs, moments)
        graphs[graph] = GraphPage(
            costs, {op: _operands(op) for op in costs}, line, len(graph.values), runs
        )
        for cost in costs.values():
            tally.count(cost, 1, runs)
        for value in graph.values:
            tally.enter(value)
    return Page(graphs, tally)


def _operands(op: Op) -> list[Value]:
    return [value for value in (*op.inputs, *op.outputs) if value is not None]


def _renewed(
    page: Page, model: Model, device: Device, sharing: Sharing, altered: Iterable[Op]
) -> bool:
    """Bring a page up to date; whether that could be done."""
    if any(op.code in CALLS for op in altered):
        return False  # others may run more often now
    graphs = dict.fromkeys(op.graph for op in altered)
    return len(page.graphs) == len(model.graphs) and all(
        page.follow(graph, [op for op in altered if op.graph is graph], device, sharing)
        for graph in graphs
    )


def _follow(
    known: GraphPage,
    tally: Tally,
    graph: Graph,
    altered: Sequence[Op],
    device: Device,
    sharing: Sharing,
) -> None:
    """All other operators are in the order they were."""
    present = [op for op in altered if graph.holds(op)]
    gone = [op for op in altered if op in known.costs and not graph.holds(op)]
    new = {op: cost_of(op, device, sharing) for op in present}
    at = _slots(known.timeline, graph, [op for op in present if op not in known.costs])
    concerned: dict[Value, None] = {}
    for op in altered:
        concerned.update(dict.fromkeys((*known.operands.pop(op, ()), *_operands(op))))
        if op in known.costs:
            tally.count(known.costs.pop(op), -1, known.runs)
    for op, cost in new.items():
        known.costs[op], known.operands[op] = cost, _operands(op)
        tally.count(cost, 1, known.runs)
    for value in concerned:
        known.values -= tally.leave(value)
        if value in graph.values:
            tally.enter(value)
            known.values += 1
    moments = {op: cost.moment for op, cost in new.items()}
    known.timeline.apply(Change(gone, at, moments, graph.outputs))


def _slots(line: Timeline, graph: Graph, entering: Sequence[Op]) -> dict[Op, int]:
    """Slots in a timeline for operators that are in the graph and not yet in it."""
    gaps: dict[tuple[Op | None, Op | None], list[Op]] = {}
    for place in sorted(graph.place(op) for op in entering):
        ends = ends_of_gap(graph.ops, place, line.places.__contains__)
        gaps.setdefault(ends, []).append(graph.ops[place])
    rooms = line.rooms([(*ends, len(ops)) for ends, ops in gaps.items()])
    pairs = zip(gaps.values(), rooms, strict=True)
    return {op: slot for ops, room in pairs for op, slot in zip(ops, room, strict=True)}


def cost_of(op: Op, device: Device, sharing: Sharing) -> OpCost:
    """What one operator costs; a view that a plan puts in place copies nothing."""
    use = kernel_use(op, device)
    free = sharing is not Sharing.APART and skips_copy(op)
    scratch = use.scratch_bytes or ()
    buffers = (use.op_data_bytes or 0, *(request.size_bytes for request in use.persistent))
    fixed = ARM32.node_and_registration + ARM32.parameters.get(op.code, 0)
    handles = ARM32.scratch_handle * len(scratch)
    return OpCost(
        instructions_of(op, device, sharing),
        fixed + handles + sum(align_up(size, ALIGNMENT) for size in buffers),
        len(scratch),
        0 if free else moved_bytes(op),
        moment_on(op, scratch, device, sharing),
    )


def instructions_of(op: Op, device: Device, sharing: Sharing) -> int | None:
    """Of these alone, None where nothing is known of its kernel."""
    free = sharing is not Sharing.APART and skips_copy(op)
    prediction = predict_layer(_of_nothing(describe(op)) if free else describe(op), device)
    known = prediction.basis is not Basis.UNKNOWN
    return prediction.instructions + OPERATOR_OVERHEAD if known else None


def _of_nothing(spec: LayerSpec) -> LayerSpec:
    """The operator for tensors without elements: its call alone."""
    return replace(spec, outputs=tuple(replace(output, shape=(0,)) for output in spec.outputs))


def total_instructions(counts: Iterable[int | None]) -> int | None:
    """The sum, None where one of them is not known."""
    known = list(counts)
    return None if None in known else sum(count for count in known if count is not None)


def owned(ops: Sequence[Op]) -> set[Value]:
    """The constants that only these operators read."""
    region = set(ops)
    read = (value for op in ops for value in op.inputs)
    return {v for v in read if v is not None and v.is_constant and v.is_read_only_by(region)}
