"""The arena of a model on a device: the runtime's accounting with the device's kernels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from tflopt.errors import UnsupportedError, UsageError
from tflopt.facts.offline_plan import OFFSET_LIMIT
from tflopt.ir import Model, Op
from tflopt.plan.costs import KernelMemory, describe_costs, variable_setup
from tflopt.plan.describe import describe, read_plan, runtime_bytes, write_plan
from tflopt.plan.find_aliases import OverlapGap, in_place_aliases, overlap_aliases
from tflopt.plan.lifetimes import ARENA_ALIGNMENT, ModelDesc, TensorAlias, TensorRef
from tflopt.plan.offline import (
    HeadUse,
    OfflineOptions,
    OfflinePlan,
    plan_offline,
    simulate_head,
)
from tflopt.plan.problem import align_up
from tflopt.plan.recent import Recent
from tflopt.plan.tflm import ArenaUse, OpCost, TwoArenas, arena_use, two_arenas
from tflopt.target.device import Device
from tflopt.target.kernel_sets import APART, EVERY, KernelSet, gap_on, trusted_sets
from tflopt.target.kernels import KernelRow, kernel_use, scratch_sizes, scratch_table
from tflopt.target.sharing import Sharing
from tflopt.target.use import KernelUse
from tflopt.target.vendor import is_program_plan


@dataclass(frozen=True)
class Memory:
    """What a model needs on a device, with the offline plan that it carries, if any.

    ``unknown`` names operators whose kernel's memory is not known; then all sizes are too small.
    """

    device: Device
    arena: ArenaUse
    head: HeadUse
    table: tuple[KernelRow, ...]
    has_plan: bool

    @property
    def unknown(self) -> tuple[str, ...]:
        """Operators that tflopt can't account for."""
        unknown = (
            row.op.opcode.label
            for row in self.table
            if row.use.scratch_bytes is None or row.use.op_data_bytes is None
        )
        return tuple(dict.fromkeys(unknown))

    @property
    def scratch_bytes(self) -> int:
        """The largest sum of scratch requests of one operator."""
        return max((row.use.scratch_total_bytes for row in self.table), default=0)

    @property
    def persistent_bytes(self) -> int:
        """What all kernels keep, without alignment."""
        return sum(row.use.persistent_total_bytes for row in self.table)


def memory_of(model: Model, device: Device) -> Memory:
    """Head, tail, minimum and the scratch table.

    Raises:
        ModelError: the model's offline plan is one that ``AllocateTensors`` refuses.
        UnsupportedError: :func:`why_no_memory` gives a reason.
    """
    reason = why_no_memory(model)
    if reason:
        raise UnsupportedError(f"the arena can't be computed: {reason}", path=model.path)
    return Account.of(model, device).memory(read_plan(model))


BEFORE_OPERATOR_DATA = (
    "interpreter",
    "application",
    "subgraphs",
    "tensors",
    "operators",
    "parameters",
)
"""The parts of the tail that TFLM allocates first."""
_ARENAS: Recent[tuple[object, ...], ArenaUse] = Recent()


@dataclass(frozen=True)
class Account:
    """What the arena of a model depends on but for its plan."""

    device: Device
    table: tuple[KernelRow, ...]
    description: ModelDesc
    costs: Sequence[Sequence[OpCost]]
    setup: Sequence[int]

    @classmethod
    def of(cls, model: Model, device: Device) -> Account:
        """Of a model that has an arena: see :func:`why_no_memory`."""
        table = tuple(scratch_table(model, device))
        uses = {row.op: row.use for row in table}
        description = describe(model, lambda op: uses[op].scratch_bytes or ())
        costs = describe_costs(model, lambda op: _kept(uses[op]))
        return cls(device, table, description, costs, variable_setup(model))

    def memory(self, offsets: Sequence[int] | None) -> Memory:
        """What is needed with an offline plan, or without one."""
        head = simulate_head(self.description, offsets)
        given = None if offsets is None else tuple(offsets)
        parts = self.description, self.costs, given, self.setup
        make = partial(arena_use, *parts[:3], setup=self.setup, head=head)
        arena = _ARENAS.of(parts, make)
        return Memory(self.device, arena, head, self.table, has_plan=offsets is not None)

    def least_bytes(self, head_bytes: int) -> int:
        """The least arena with a head of so many bytes, and the same tail."""
        parts = self.description, self.costs
        return arena_use(*parts, setup=self.setup, head_bytes=head_bytes).minimum_bytes

    @property
    def may_shrink_tail(self) -> bool:
        """Whether a plan, or another order of the operators, may need less beside the head.

        A plan takes variables from there. The first operator's data begins where no multiple of 16
        need be, and all others behind a multiple of 16: it matters which is first.
        """
        graphs = self.description.subgraphs
        if any(tensor.is_variable for graph in graphs for tensor in graph.tensors):
            return True
        parts = self.memory(None).arena.parts
        begin = sum(parts.get(part, 0) for part in BEFORE_OPERATOR_DATA) % ARENA_ALIGNMENT
        sizes = [cost.op_data_bytes for cost in self.costs[0] if cost.op_data_bytes]
        extra = [
            align_up(begin + size, ARENA_ALIGNMENT) - align_up(size, ARENA_ALIGNMENT)
            for size in sizes
        ]
        return bool(extra) and extra[0] > min(extra)


def two_arenas_of(model: Model, device: Device) -> TwoArenas:
    """What the same model needs of two arenas, one of them for what persists.

    Raises:
        ModelError, UnsupportedError: as :func:`memory_of`.
    """
    costs = describe_costs(model, partial(kernel_memory, device=device))
    description, setup = description_of(model, device), variable_setup(model)
    return two_arenas(description, costs, read_plan(model), setup=setup)


def why_no_memory(model: Model) -> str:
    """Why no arena can be computed for a model, empty where it can.

    TFLM has no size for some types, and its offsets are 31 bits wide.
    """
    total = 0
    for graph in model.graphs:
        for value in graph.values:
            try:
                size = runtime_bytes(value)
            except UnsupportedError as error:
                return error.reason
            total += 0 if value.is_constant else size
    return (
        "" if total < OFFSET_LIMIT else f"its tensors need {total:,} bytes, more than TFLM can plan"
    )


def description_of(model: Model, device: Device) -> ModelDesc:
    """The model as the allocator sees it on this device."""
    return describe(model, scratch_sizes(device))


@dataclass(frozen=True)
class PlanRequest:
    """What kind of plan is wanted.

    Args:
        in_place: tensors may share bytes where every kernel is proven to allow it.
        overlap: how closely an output may follow the input it consumes: ``every`` as all kernels
            bear it, TFLM's own and CMSIS-NN's; ``target`` as TFLM's own and CMSIS-NN's on this ISA
            do; ``all`` as CMSIS-NN's on every ISA do; ``""`` not at all.
        offline: kept inputs, reserved bytes, the solver's effort and seed.
        pins: offsets of tensors of the main graph, by their names.
    """

    in_place: bool = True
    overlap: str = EVERY
    offline: OfflineOptions = field(default_factory=OfflineOptions)
    pins: tuple[tuple[str, int], ...] = ()

    @property
    def trusts_some(self) -> bool:
        """Whether some kernels may not bear the plan."""
        return self.overlap not in (APART, EVERY)

    @property
    def sharing(self) -> Sharing:
        """What estimates may count on: overlaps as every set of kernels bears them."""
        if not self.in_place:
            return Sharing.APART
        return Sharing.IN_PLACE if self.overlap == APART else Sharing.OVERLAPPING

    @property
    def restricts(self) -> bool:
        """Whether a plan is asked for that does something else than lower the arena."""
        options = self.offline
        return bool(self.pins) or options.preserve_inputs or options.restricts


def plan_memory(
    model: Model, device: Device, request: PlanRequest, *, head_only: bool = False
) -> OfflinePlan:
    """The best plan that is found for a device, right on the kernels that the request trusts.

    Args:
        head_only: it isn't written, and only its head is looked at.

    Raises:
        PlanError: ``max_head_bytes`` can't be met, or pins clash.
        UsageError: a pinned tensor is not planned.
    """
    if is_program_plan(model):
        return _plan_as_it_is(model, device)
    aliases = aliases_of(model, device, request)
    options = replace(request.offline, pins=_resolve_pins(model, request))
    return plan_offline(description_of(model, device), aliases, options, head_only=head_only)


def planned_arena(model: Model, device: Device, request: PlanRequest | None) -> ArenaUse:
    """The arena with the best plan that is found, which the model then carries; without one where
    no plan is wanted or none lowers the head.
    """
    if request is not None:
        plan = plan_memory(model, device, request, head_only=True)
        write_plan(model, plan.offsets if plan.is_useful else None)
    return memory_of(model, device).arena


def _plan_as_it_is(model: Model, device: Device) -> OfflinePlan:
    """A plan that a vendor's operators rely on: there is no other."""
    description, offsets = description_of(model, device), read_plan(model) or []
    used, online = simulate_head(description, offsets), simulate_head(description)
    return OfflinePlan(
        offsets=tuple(offsets),
        head_bytes=used.head_bytes,
        online_head_bytes=online.head_bytes,
        lower_bound=used.head_bytes,
        proven_optimal=False,
        declined="it is part of the program",
    )


def _resolve_pins(model: Model, request: PlanRequest) -> dict[TensorRef, int]:
    index = {value.name: number for number, value in enumerate(model.main.values)}
    for name, _ in request.pins:
        if name not in index:
            raise UsageError(f"tensor {name!r} can't be pinned: the optimized model has no such")
    return {TensorRef(0, index[name]): offset for name, offset in request.pins}


def aliases_of(model: Model, device: Device, request: PlanRequest) -> list[TensorAlias]:
    """The pairs of tensors that may share bytes; none where nothing is proven of the kernels."""
    if not device.is_confirmed:
        return []
    return _aliases(model, gap_of(device, request), in_place=request.in_place)


def aliases_on(model: Model, kernels: KernelSet, device: Device) -> list[TensorAlias]:
    """The pairs of tensors that may share bytes where these kernels run."""
    return _aliases(model, partial(gap_on, kernels=(kernels,), device=device), in_place=True)


def _aliases(model: Model, gap: OverlapGap | None, *, in_place: bool) -> list[TensorAlias]:
    aliases = in_place_aliases(model) if in_place else []
    if gap is not None:
        known = {(alias.first, alias.second) for alias in aliases}
        aliases += [a for a in overlap_aliases(model, gap) if (a.first, a.second) not in known]
    return aliases


def gap_of(device: Device, request: PlanRequest) -> OverlapGap | None:
    """How far an output must stay behind the input it consumes; None without overlaps."""
    if request.overlap == APART:
        return None
    kernels = trusted_sets(request.overlap, device.target)
    return partial(gap_on, kernels=kernels, device=device)


def kernel_memory(op: Op, device: Device) -> KernelMemory:
    """What the kernel of an operator keeps in the arena."""
    return _kept(kernel_use(op, device))


def _kept(use: KernelUse) -> KernelMemory:
    return KernelMemory(use.op_data_bytes or 0, [request.size_bytes for request in use.persistent])
