"""An offline plan for TFLM: we place the tensors, the runtime places the scratch around them.

::

    what we write:   offsets of tensors        -> metadata, in force on every core
    what we don't:   offsets of scratch        -> TFLM's greedy planner, at AllocateTensors

So the solver places both as if they were alike, only the tensors are kept, and the runtime's
planner is simulated on them. It looks for the lowest gap, so with one scratch buffer per
operator it always reaches the solver's height; with several it may not. Then other solutions are
tried, and the best simulated one wins. The head that is promised is always the simulated one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from tflopt.errors import PlanError, UsageError
from tflopt.plan.greedy import ONLINE, simulate_greedy
from tflopt.plan.lifetimes import (
    ARENA_ALIGNMENT,
    GraphDesc,
    ModelDesc,
    PlannedBuffer,
    TensorAlias,
    TensorRef,
    planned_buffers,
)
from tflopt.plan.lower_bound import lower_bound
from tflopt.plan.problem import Alias, Buffer, Lifetime, Problem, Solution, align_up, height_of
from tflopt.plan.recent import Recent
from tflopt.plan.settle_views import settled, view_pairs
from tflopt.plan.solve import SolveOptions, solve
from tflopt.plan.validate import validate

_REPAIRS = 3
_MANY = 1000
"""Buffers of which each further search takes seconds."""
_FOREVER = 1 << 40
OFFSET_LIMIT = 1 << 31
"""TFLM's offsets are of type int32."""


@dataclass(frozen=True)
class OfflineOptions:
    """``pins`` fix tensors; ``preserve_inputs`` keeps the graph's inputs intact to the end.

    ``reserve_head_bytes`` keeps the tensors out of the first bytes; scratch may use them.
    ``max_head_bytes`` turns a larger head into a `PlanError`. ``alignment`` divides every
    tensor's offset, for caches and DMA; the arena must then start at a multiple of it, while
    TFLM itself sees to 16 only.
    """

    solve: SolveOptions = field(default_factory=SolveOptions)
    pins: Mapping[TensorRef, int] = field(default_factory=dict)
    preserve_inputs: bool = False
    reserve_head_bytes: int = 0
    max_head_bytes: int | None = None
    alignment: int = ARENA_ALIGNMENT

    @property
    def restricts(self) -> bool:
        """Whether the runtime's own placement doesn't do."""
        reserved = bool(self.reserve_head_bytes)
        return bool(self.pins) or reserved or self.alignment > ARENA_ALIGNMENT


@dataclass(frozen=True)
class OfflinePlan:
    """``offsets`` per tensor of all subgraphs (-1: online), and the head the runtime will use.

    ``online_head_bytes`` is the head without any plan; ``scratch_offsets`` is where the runtime
    puts the scratch buffers, in their order. ``declined`` says why there is no plan, if so.
    """

    offsets: tuple[int, ...]
    head_bytes: int
    online_head_bytes: int
    lower_bound: int
    proven_optimal: bool
    scratch_offsets: tuple[int, ...] = ()
    method: str = ""
    declined: str = ""

    @property
    def is_useful(self) -> bool:
        """Whether the plan saves anything over none at all."""
        return self.head_bytes < self.online_head_bytes


@dataclass(frozen=True)
class HeadUse:
    """The simulated offsets of everything in the head, and its size."""

    buffers: tuple[PlannedBuffer, ...]
    offsets: tuple[int, ...]
    head_bytes: int


_HEADS: Recent[tuple[ModelDesc, tuple[int, ...] | None], HeadUse] = Recent()


def simulate_head(model: ModelDesc, offsets: Sequence[int] | None = None) -> HeadUse:
    """What the runtime makes of a model with the offline plan ``offsets``, or without one."""
    given = None if offsets is None else tuple(offsets)
    return _HEADS.of((model, given), lambda: _simulated(model, given))


def _simulated(model: ModelDesc, offsets: Sequence[int] | None) -> HeadUse:
    flat = _flat_index(model)
    buffers = planned_buffers(model, offsets)
    requirements = [
        b.requirement(
            offsets[flat[b.ref]] if offsets is not None and isinstance(b.ref, TensorRef) else ONLINE
        )
        for b in buffers
    ]
    placement = simulate_greedy(requirements)
    return HeadUse(tuple(buffers), placement.offsets, placement.height)


def plan_offline(
    model: ModelDesc,
    aliases: Sequence[TensorAlias] = (),
    options: OfflineOptions | None = None,
) -> OfflinePlan:
    """The best plan found for ``model``; scratch sizes are those of its `OpDesc`.

    Raises `PlanError` if the head exceeds ``max_head_bytes`` or pins clash, `UsageError` for a
    pin of a tensor that isn't planned, and for options that leave no plan.
    """
    options, aliases = options or OfflineOptions(), list(aliases)
    if options.solve.time_limit_s is not None:  # how far it comes depends on the machine
        return _planned(model, aliases, options)
    return _PLANS.of((model, aliases, options), lambda: _planned(model, aliases, options))


_PLANS: Recent[tuple[ModelDesc, list[TensorAlias], OfflineOptions], OfflinePlan] = Recent()


def _planned(
    model: ModelDesc, aliases: Sequence[TensorAlias], options: OfflineOptions
) -> OfflinePlan:
    online = simulate_head(model)
    reason = _why_not(model)
    if reason:
        nothing = (ONLINE,) * model.tensor_count
        bound = lower_bound(_problem(online.buffers, (), OfflineOptions(), model))
        plan = _no_plan(nothing, online, bound, reason)
    else:
        plan = _best_plan(model, aliases, options, online)
    limit = options.max_head_bytes
    if limit is not None and plan.head_bytes > limit:
        from tflopt.plan.culprits import culprits_of

        problem = _problem(online.buffers, aliases, options, model)
        raise PlanError(plan.head_bytes, limit, culprits_of(problem, limit))
    return plan


def head_lower_bound(
    model: ModelDesc,
    aliases: Sequence[TensorAlias] = (),
    options: OfflineOptions | None = None,
) -> int:
    """A head that no plan with these aliases and options can be below."""
    buffers = planned_buffers(model)
    return lower_bound(_problem(buffers, aliases, options or OfflineOptions(), model))


def _no_plan(nothing: tuple[int, ...], online: HeadUse, bound: int, reason: str) -> OfflinePlan:
    head = online.head_bytes
    scratch = _scratch_offsets(online)
    return OfflinePlan(nothing, head, head, bound, head == bound, scratch, "none", reason)


def _why_not(model: ModelDesc) -> str:
    """A reason not to write any plan, or nothing."""
    variables = any(t.is_variable for graph in model.subgraphs[1:] for t in graph.tensors)
    if variables:
        return "TFLM looks up variables of later subgraphs in the wrong place of an offline plan"
    return ""


_NOTHING = Solution((), 0)


@dataclass
class _Best:
    """The best plan so far, as the runtime makes it, and what is known of all plans."""

    model: ModelDesc
    problem: Problem
    online: HeadUse
    use: HeadUse | None = None
    offsets: tuple[int, ...] = ()
    solution: Solution = _NOTHING
    bound: int = 0

    def offer(self, solution: Solution) -> None:
        """Simulate it, and keep it if it is better."""
        self.bound = max(self.bound, solution.lower_bound)
        if solution.proven:
            self.bound = max(self.bound, solution.height)
        offsets = _tensor_offsets(self.model, self.online.buffers, solution.offsets)
        use = simulate_head(self.model, offsets)
        if _breaks(self.problem, use):
            return
        if self.use is None or use.head_bytes < self.use.head_bytes:
            self.use, self.offsets, self.solution = use, offsets, solution

    def settle(self, aliases: Sequence[TensorAlias]) -> None:
        """Put views where their sources lie, as far as the head stays as small."""
        if self.use is None or len(self.use.buffers) > _MANY:
            return
        pairs = view_pairs(aliases, self.use.buffers, _flat_index(self.model))
        self.offsets = settled(self.offsets, pairs, self._accepts)
        self.use = simulate_head(self.model, self.offsets)

    def _accepts(self, offsets: tuple[int, ...]) -> bool:
        use = simulate_head(self.model, offsets)
        most = 0 if self.use is None else self.use.head_bytes
        return use.head_bytes <= most and not _breaks(self.problem, use)

    @property
    def is_proven(self) -> bool:
        """Whether no plan is better."""
        return self.use is not None and self.use.head_bytes <= self.bound

    @property
    def holds(self) -> bool:
        """Whether the runtime makes of it what the solver promised."""
        return self.use is not None and self.use.head_bytes <= self.solution.height


def _best_plan(
    model: ModelDesc, aliases: Sequence[TensorAlias], options: OfflineOptions, online: HeadUse
) -> OfflinePlan:
    best = _Best(model, _problem(online.buffers, aliases, options, model), online)
    for solution in _candidates(best, options):
        best.offer(solution)
        if best.is_proven:
            break
    best.settle(aliases)
    use = best.use
    if use is None:
        raise UsageError("no plan was found that keeps to what is pinned, preserved or reserved")
    if use.head_bytes >= OFFSET_LIMIT:
        raise PlanError(use.head_bytes, OFFSET_LIMIT - 1)
    return OfflinePlan(
        best.offsets,
        use.head_bytes,
        online.head_bytes,
        best.bound,
        best.is_proven,
        _scratch_offsets(use),
        best.solution.method,
    )


def _candidates(best: _Best, options: OfflineOptions) -> Iterator[Solution]:
    """Solutions to simulate, until one of them is proven to be the best.

    Another seed gives other solutions where the first doesn't hold. Where it does, only what
    depends on the seed is searched again, and of many buffers nothing.
    """
    problem, online = best.problem, best.online
    for attempt in range(_REPAIRS):
        solver = replace(options.solve, seed=options.solve.seed + attempt)
        if best.holds:
            if len(problem.buffers) > _MANY:
                break
            solver = replace(solver, exact=False, beam=False, peaks=False)
        yield _head_only(solve(problem, solver), online)
    if not options.restricts:
        yield Solution(online.offsets, online.head_bytes, method="runtime")
    if options.preserve_inputs:
        yield from _inputs_on_top(problem, online, options)


def _head_only(solution: Solution, online: HeadUse) -> Solution:
    """Without the buffers that the problem has beyond those of the runtime."""
    return replace(solution, offsets=solution.offsets[: len(online.buffers)])


def _inputs_on_top(
    problem: Problem, online: HeadUse, options: OfflineOptions
) -> Iterator[Solution]:
    """The runtime doesn't know of preserved inputs; above everything scratch can't hit them."""
    base = solve(problem, options.solve)
    kept = [i for i, b in enumerate(problem.buffers) if b.lifetime.end == _FOREVER]
    top = align_up(base.height, options.alignment)
    offsets = list(base.offsets)
    for index in kept:
        if problem.buffers[index].fixed_offset is None:
            offsets[index] = top
            top = align_up(top + problem.buffers[index].size_bytes, options.alignment)
    height = height_of(problem, offsets)
    yield _head_only(Solution(tuple(offsets), height, method="inputs on top"), online)


def _breaks(problem: Problem, use: HeadUse) -> bool:
    """Whether the simulated placement violates the problem, for example a preserved input."""
    extra = [b.fixed_offset or 0 for b in problem.buffers[len(use.offsets) :]]
    offsets = (*use.offsets, *extra)
    return bool(validate(problem, Solution(offsets, height_of(problem, offsets))))


def _problem(
    buffers: Sequence[PlannedBuffer],
    aliases: Sequence[TensorAlias],
    options: OfflineOptions,
    model: ModelDesc,
) -> Problem:
    """The solver's problem; a reserved head becomes one more buffer at its end."""
    index = {b.ref: i for i, b in enumerate(buffers)}
    unknown = [ref for ref in options.pins if ref not in index]
    if unknown:
        raise UsageError(f"tensor {unknown[0].tensor} can't be pinned: it isn't planned")
    _check_options(options)
    solver_buffers = []
    for buffer in buffers:
        pin = options.pins.get(buffer.ref) if isinstance(buffer.ref, TensorRef) else None
        lifetime = _lifetime(buffer, model.subgraphs[0], options)
        # Scratch is placed by the runtime, which knows of no other alignment than its own.
        alignment = options.alignment if isinstance(buffer.ref, TensorRef) else ARENA_ALIGNMENT
        solver_buffers.append(Buffer(buffer.name, lifetime, buffer.size_bytes, alignment, pin))
    relations = [
        Alias(index[a.first], index[a.second], a.low, a.high, a.shares_content)
        for a in aliases
        if a.first in index and a.second in index
    ]
    # An operator can only overwrite what nobody reads after it.
    relations = [a for a in relations if a.shares_content or _hands_over(solver_buffers, a)]
    if options.reserve_head_bytes:
        reserved, size = len(solver_buffers), options.reserve_head_bytes
        solver_buffers.append(Buffer("reserved head", Lifetime(-1, _FOREVER), size, 1, 0))
        relations += [
            Alias(i, reserved, None, None, shares_content=True)
            for i, b in enumerate(buffers)
            if not isinstance(b.ref, TensorRef)
        ]
    return Problem(solver_buffers, relations)


def _check_options(options: OfflineOptions) -> None:
    alignment = options.alignment
    if alignment < ARENA_ALIGNMENT or alignment & (alignment - 1) or alignment >= OFFSET_LIMIT:
        most = OFFSET_LIMIT // 2
        raise UsageError(
            f"can't align to {alignment}: no power of two from {ARENA_ALIGNMENT} to {most}"
        )
    crooked = [at for at in options.pins.values() if at < 0 or at % alignment]
    if crooked:
        raise UsageError(f"can't pin at {crooked[0]}: not a multiple of {alignment}")
    highest = max([options.reserve_head_bytes, *options.pins.values()])
    if highest >= OFFSET_LIMIT:
        raise UsageError(f"no tensor can lie at {highest}: TFLM's offsets have 31 bits")


def _lifetime(buffer: PlannedBuffer, graph: GraphDesc, options: OfflineOptions) -> Lifetime:
    """The runtime's, but longer where the application reads or keeps a tensor.

    It reads the outputs after the last operator, which must not overwrite one of them while it
    writes another. All outputs live to the last step anyway, so this costs nothing.
    """
    ref, end = buffer.ref, max(buffer.first_used, buffer.last_used) + 1
    if isinstance(ref, TensorRef) and ref.subgraph == 0:
        end += ref.tensor in graph.outputs
        if options.preserve_inputs and ref.tensor in graph.inputs:
            end = _FOREVER
    return Lifetime(buffer.first_used, end)


def _hands_over(buffers: Sequence[Buffer], alias: Alias) -> bool:
    return buffers[alias.first].lifetime.hands_over(buffers[alias.second].lifetime)


def _flat_index(model: ModelDesc) -> dict[object, int]:
    refs = (TensorRef(s, t) for s, g in enumerate(model.subgraphs) for t in range(len(g.tensors)))
    return {ref: i for i, ref in enumerate(refs)}


def _tensor_offsets(
    model: ModelDesc, buffers: Sequence[PlannedBuffer], offsets: Sequence[int]
) -> tuple[int, ...]:
    flat = _flat_index(model)
    plan = [ONLINE] * model.tensor_count
    for buffer, offset in zip(buffers, offsets, strict=True):
        if isinstance(buffer.ref, TensorRef):
            plan[flat[buffer.ref]] = offset
    return tuple(plan)


def _scratch_offsets(use: HeadUse) -> tuple[int, ...]:
    pairs = zip(use.buffers, use.offsets, strict=True)
    return tuple(offset for buffer, offset in pairs if not isinstance(buffer.ref, TensorRef))
