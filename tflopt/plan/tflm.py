"""The runtime's own accounting: what `arena_used_bytes()` will say, and the least arena.

::

    arena start                                                        arena end
    | head: plan, scratch | ... free ... | tail: structures, OpData, I/O tensors |
    |---- temporaries ---->              <---- grows downwards, never shrinks ----|

The head is what `tflopt.plan.offline.simulate_head` says. The tail is replayed here allocation by
allocation with its alignment, and at each one the head and the temporaries of that moment are
added: the greatest sum is the least arena with which AllocateTensors succeeds. It can exceed the
final use, because the planner works in the free space, with 24 bytes per tensor or scratch buffer
and 40 per planned one, before the head is reserved.

Sources: ``micro_allocator.cc``, ``micro_interpreter.cc`` and ``single_arena_buffer_allocator.cc``
of tflite-micro 90b983c. The arena's start is taken to be aligned to 16, as is its size.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tflopt.plan.lifetimes import ARENA_ALIGNMENT, ModelDesc, TensorDesc, planned_buffers
from tflopt.plan.offline import HeadUse, simulate_head
from tflopt.plan.problem import align_up
from tflopt.plan.tflm_sizes import ARM32, ARM32_TWO_ARENAS, StructSizes

MAX_REQUESTS_PER_OP = 12
"""kMaxScratchBuffersPerOp: room for so many requests is kept while an operator prepares."""


@dataclass(frozen=True, slots=True)
class OpCost:
    """What one operator adds to the tail, and the temporary tensors of its Prepare.

    ``persistent_bytes`` are its AllocatePersistentBuffer calls in order, without OpData.
    ``prepare_tensors`` are indices of its subgraph, with repetition.
    """

    parameter_bytes: int = 0
    parameter_alignment: int = 4
    op_data_bytes: int = 0
    persistent_bytes: Sequence[int] = ()
    prepare_tensors: Sequence[int] = ()


@dataclass(frozen=True)
class ArenaUse:
    """``used_bytes`` is arena_used_bytes(); ``minimum_bytes`` the least arena that works.

    The minimum is a multiple of 16, for an arena that starts at one. ``parts`` splits the tail;
    ``peak`` names what the minimum is due to.
    """

    head_bytes: int
    tail_bytes: int
    minimum_bytes: int
    peak: str
    parts: dict[str, int]

    @property
    def used_bytes(self) -> int:
        """Head and tail together."""
        return self.head_bytes + self.tail_bytes


@dataclass
class _Arena:
    """Bytes used from either end; the end of the arena is a multiple of 16."""

    head: int = 0
    temp: int = 0
    tail: int = 0
    needed: int = 0
    front: int = 0
    peak: str = ""
    parts: dict[str, int] = field(default_factory=dict)

    def keep(self, what: str, size: int, alignment: int) -> None:
        """AllocatePersistentBuffer: aligned downwards."""
        before = self.tail
        self.tail = align_up(self.tail + size, alignment)
        self.parts[what] = self.parts.get(what, 0) + self.tail - before
        self._need(self.head, what)

    def resize(self, what: str, size: int) -> None:
        """ResizeBuffer: the head now has ``size`` bytes and there are no temporaries."""
        self.head = self.temp = size
        self._need(size, what)

    def borrow(self, what: str, size: int, alignment: int) -> None:
        """AllocateTemp: behind the head and the other temporaries."""
        self.temp = align_up(self.temp, alignment) + size
        self._need(self.temp, what)

    def _need(self, front: int, what: str) -> None:
        self.front = max(self.front, front)
        total = front + self.tail
        if align_up(total, ARENA_ALIGNMENT) > align_up(self.needed, ARENA_ALIGNMENT):
            self.needed, self.peak = total, what


def arena_use(
    model: ModelDesc,
    costs: Sequence[Sequence[OpCost]],
    offsets: Sequence[int] | None = None,
    sizes: StructSizes = ARM32,
    setup: Sequence[int] = (),
    head_bytes: int | None = None,
    head: HeadUse | None = None,
) -> ArenaUse:
    """Head, tail and minimum of ``model`` with the offline plan ``offsets``, or without one.

    ``head`` is what `simulate_head` says of both, where that is known. ``head_bytes`` takes the
    place of the head that a plan would give: with a lower bound of the head all that comes out are
    lower bounds.

    ``costs`` has one entry per operator of each subgraph. ``setup`` are the sizes of what the
    application allocates before the model (resource variables, for one).
    """
    arena = _replayed(model, costs, offsets, sizes, setup, head_bytes, head)
    minimum = align_up(arena.needed, ARENA_ALIGNMENT)
    return ArenaUse(arena.head, arena.tail, minimum, arena.peak, arena.parts)


@dataclass(frozen=True)
class TwoArenas:
    """The least sizes where ``MicroAllocator::Create`` gets two arenas, which may be far apart.

    Multiples of 16, for arenas that start at one.
    """

    persistent_bytes: int
    non_persistent_bytes: int


def two_arenas(
    model: ModelDesc,
    costs: Sequence[Sequence[OpCost]],
    offsets: Sequence[int] | None = None,
    sizes: StructSizes = ARM32_TWO_ARENAS,
    setup: Sequence[int] = (),
) -> TwoArenas:
    """As :func:`arena_use`, with the tail in an arena of its own."""
    arena = _replayed(model, costs, offsets, sizes, setup, None)
    return TwoArenas(align_up(arena.tail, ARENA_ALIGNMENT), align_up(arena.front, ARENA_ALIGNMENT))


def _replayed(
    model: ModelDesc,
    costs: Sequence[Sequence[OpCost]],
    offsets: Sequence[int] | None,
    sizes: StructSizes,
    setup: Sequence[int],
    head_bytes: int | None,
    head: HeadUse | None = None,
) -> _Arena:
    arena = _Arena()
    _start(arena, model, sizes, setup)
    for graph_costs in costs:
        for cost in graph_costs:
            if cost.parameter_bytes:
                arena.keep("parameters", cost.parameter_bytes, cost.parameter_alignment)
    for graph_costs in costs:
        for cost in graph_costs:
            if cost.op_data_bytes:
                arena.keep("operator data", cost.op_data_bytes, ARENA_ALIGNMENT)
    _prepare(arena, model, costs, sizes)
    if head is None and head_bytes is None:
        head = simulate_head(model, offsets)
    buffers = planned_buffers(model, offsets) if head is None else head.buffers
    _plan(arena, model, offsets, sizes, len(buffers))
    if head_bytes is None and head is not None:
        head_bytes = head.head_bytes
    assert head_bytes is not None
    arena.resize("head", head_bytes)
    _interface(arena, model, sizes)
    return arena


def _start(arena: _Arena, model: ModelDesc, sizes: StructSizes, setup: Sequence[int]) -> None:
    word = sizes.pointer
    for size in sizes.interpreter_setup[:-1]:
        arena.keep("interpreter", size, word)
    for size in setup:
        arena.keep("application", size, ARENA_ALIGNMENT)
    for size in sizes.interpreter_setup[-1:]:
        arena.keep("interpreter", size, word)
    arena.resize("scratch requests", sizes.scratch_request * MAX_REQUESTS_PER_OP)
    arena.keep("subgraphs", sizes.subgraph_allocations * len(model.subgraphs), word)
    for graph in model.subgraphs:
        arena.keep("tensors", sizes.eval_tensor * len(graph.tensors), word)
    for graph in model.subgraphs:
        arena.keep("operators", sizes.node_and_registration * len(graph.ops), word)


def _prepare(
    arena: _Arena, model: ModelDesc, costs: Sequence[Sequence[OpCost]], sizes: StructSizes
) -> None:
    requests = 0
    for graph, graph_costs in zip(model.subgraphs, costs, strict=True):
        for op, cost in zip(graph.ops, graph_costs, strict=True):
            for size in cost.persistent_bytes:
                arena.keep("kernel buffers", size, ARENA_ALIGNMENT)
            for index in cost.prepare_tensors:
                _borrow_tensor(arena, graph.tensors[index], sizes, f"prepare {op.name}")
            requests += len(op.scratch_bytes)
            room = sizes.scratch_request * (requests + MAX_REQUESTS_PER_OP)
            arena.resize("scratch requests", room)


def _borrow_tensor(arena: _Arena, tensor: TensorDesc, sizes: StructSizes, what: str) -> None:
    arena.borrow(what, sizes.tensor, sizes.pointer)
    if tensor.channels:
        arena.borrow(what, sizes.affine_quantization, sizes.pointer)
        arena.borrow(what, sizes.int_array_header + 4 * tensor.channels, 4)


def _plan(
    arena: _Arena,
    model: ModelDesc,
    offsets: Sequence[int] | None,
    sizes: StructSizes,
    planned: int,
) -> None:
    scratch = model.scratch_count
    if scratch:
        arena.keep("scratch handles", sizes.scratch_handle * scratch, sizes.pointer)
    what = "memory planning"
    arena.borrow(what, sizes.pointer * len(model.subgraphs), sizes.pointer)
    entries = model.tensor_count + scratch
    arena.borrow(what, sizes.allocation_info * entries, sizes.pointer)
    for size in _tail_variables(model, offsets):
        arena.keep("variables", size, ARENA_ALIGNMENT)
    unaligned = arena.tail
    arena.tail = align_up(unaligned, ARENA_ALIGNMENT)  # GetAvailableMemory rounds down
    arena.borrow(what, sizes.planner_per_buffer * planned, ARENA_ALIGNMENT)
    arena.tail = unaligned


def _tail_variables(model: ModelDesc, offsets: Sequence[int] | None) -> Iterable[int]:
    """Variables without an offset. TFLM indexes the plan by subgraph here, not across them."""
    for graph in model.subgraphs:
        for index, tensor in enumerate(graph.tensors):
            if tensor.is_variable and (offsets is None or offsets[index] == -1):
                yield tensor.size_bytes


def _interface(arena: _Arena, model: ModelDesc, sizes: StructSizes) -> None:
    main = model.subgraphs[0]
    for ports in (main.inputs, main.outputs):
        arena.keep("interface", sizes.pointer * len(ports), ARENA_ALIGNMENT)
        for index in ports:
            arena.keep("interface", sizes.tensor, sizes.pointer)
            channels = main.tensors[index].channels
            if channels:
                arena.keep("interface", sizes.affine_quantization, sizes.pointer)
                arena.keep("interface", sizes.int_array_header + 4 * channels, 4)
