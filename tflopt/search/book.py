"""What every operator of a model costs as it stands, asked once until the model changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tflopt.facts.work import moved_bytes
from tflopt.ir import Graph, Model, Op, Value
from tflopt.plan.live import Moment, Same, live_bytes, moment_of
from tflopt.plan.problem import align_up
from tflopt.plan.tflm_sizes import ARM32
from tflopt.search.cost import Cost, flash_estimate
from tflopt.search.growth import Refusal
from tflopt.target.cost import Basis, predict_instructions
from tflopt.target.cost.predict import INVOKE_OVERHEAD, OPERATOR_OVERHEAD
from tflopt.target.device import Device
from tflopt.target.kernels import kernel_use

ALIGNMENT = 16
State = list[tuple[object, ...]]


@dataclass(frozen=True)
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


@dataclass(frozen=True)
class GraphPage:
    """The operators of one graph in their order, with their costs and places."""

    ops: Sequence[Op]
    costs: Sequence[OpCost]
    places: Mapping[Op, int]
    peak_bytes: int


@dataclass(frozen=True)
class Page:
    """A whole model: its graphs, the parts of its arena, and its cost in all."""

    graphs: Mapping[Graph, GraphPage]
    parts: ArenaParts
    total: Cost


@dataclass(eq=False)
class Book:
    """The page of a model, renewed when the model has changed.

    ``refused`` collects, by operator, what was good but for its growth.
    """

    _page: Page | None = None
    _state: State = field(default_factory=list)
    _key: tuple[object, ...] = ()
    refused: dict[Op, list[Refusal]] = field(default_factory=dict)

    def page(self, model: Model, device: Device, in_place: bool) -> Page:
        """What the model costs as it is."""
        key, state = (model, device, in_place), _state(model)
        if self._page is None or key != self._key or state != self._state:
            self._page = _page(model, device, in_place)
            self._key, self._state = key, state
        return self._page


def _state(model: Model) -> State:
    """Everything that a page depends on; the objects themselves, so that none is mistaken."""
    return [
        (op, op.opcode, op.options, *op.inputs, *((v, v.shape, v.dtype) for v in op.outputs))
        for op in model.ops()
    ]


def _page(model: Model, device: Device, in_place: bool) -> Page:
    graphs = {graph: _graph_page(graph, device, in_place) for graph in model.graphs}
    costs = [cost for page in graphs.values() for cost in page.costs]
    values = [value for graph in model.graphs for value in graph.values]
    parts = ArenaParts(
        max((page.peak_bytes for page in graphs.values()), default=0),
        sum(cost.tail_bytes for cost in costs),
        len(values),
        sum(not (value.is_constant or value.is_variable) for value in values),
        sum(cost.scratch_count for cost in costs),
    )
    work = INVOKE_OVERHEAD + sum(cost.instructions or 0 for cost in costs)
    moved = sum(cost.moved_bytes for cost in costs)
    return Page(graphs, parts, Cost(work, flash_estimate(model), parts.arena_bytes, moved))


def _graph_page(graph: Graph, device: Device, in_place: bool) -> GraphPage:
    ops = list(graph.ops)
    costs = [cost_of(op, device, in_place) for op in ops]
    peak = peak_of(graph, [cost.moment for cost in costs], {})
    return GraphPage(ops, costs, {op: index for index, op in enumerate(ops)}, peak)


def peak_of(graph: Graph, moments: Sequence[Moment], same: Same) -> int:
    """The most bytes that are alive at one operator of a graph, with these for its operators."""
    return max(live_bytes(graph.inputs, graph.outputs, moments, same), default=0)


def cost_of(op: Op, device: Device, in_place: bool) -> OpCost:
    """What one operator costs."""
    use = kernel_use(op, device)
    found = predict_instructions(op, device)
    known = found.basis is not Basis.UNKNOWN
    scratch = use.scratch_bytes or ()
    buffers = (use.op_data_bytes or 0, *(each.size_bytes for each in use.persistent))
    fixed = ARM32.node_and_registration + ARM32.parameters.get(op.code, 0)
    handles = ARM32.scratch_handle * len(scratch)
    return OpCost(
        found.instructions + OPERATOR_OVERHEAD if known else None,
        fixed + handles + sum(align_up(size, ALIGNMENT) for size in buffers),
        len(scratch),
        moved_bytes(op),
        moment_of(op, scratch, in_place),
    )


def total_instructions(costs: Iterable[OpCost]) -> int | None:
    """The sum, None where one of them is not known."""
    found = [cost.instructions for cost in costs]
    return None if None in found else sum(each for each in found if each is not None)


def owned(ops: Sequence[Op]) -> set[Value]:
    """The constants that only these operators read."""
    region = set(ops)
    read = (value for op in ops for value in op.inputs)
    return {v for v in read if v is not None and v.is_constant and only_in(v, region)}


def only_in(value: Value, region: set[Op]) -> bool:
    """Whether nobody else reads a value."""
    return all(use.op in region for use in value.uses)
