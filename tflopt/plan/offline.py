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

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial

from tflopt.errors import PlanError, UsageError
from tflopt.facts.offline_plan import OFFSET_LIMIT, ONLINE
from tflopt.plan.greedy import simulate_greedy
from tflopt.plan.lifetimes import (
    ModelDesc,
    PlannedBuffer,
    ScratchRef,
    TensorAlias,
    TensorRef,
    planned_buffers,
)
from tflopt.plan.lower_bound import lower_bound, together
from tflopt.plan.offline_problem import FOREVER, as_problem
from tflopt.plan.offline_problem import OfflineOptions as OfflineOptions
from tflopt.plan.problem import Problem, Solution, align_up, height_of
from tflopt.plan.recent import Recent
from tflopt.plan.settle_views import settled, view_pairs
from tflopt.plan.solve import solve
from tflopt.plan.validate import validate

_REPAIRS = 3
_MANY = 1000
"""Buffers of which each further search takes seconds."""


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
    *,
    head_only: bool = False,
) -> OfflinePlan:
    """The best plan found for ``model``; scratch sizes are those of its `OpDesc`.

    ``head_only``: the plan isn't written; views may lie apart from what they show, where that
    doesn't matter for the head.

    Raises `PlanError` if the head exceeds ``max_head_bytes`` or pins clash, `UsageError` for a
    pin of a tensor that isn't planned, and for options that leave no plan.
    """
    options, aliases = options or OfflineOptions(), list(aliases)
    if options.solve.time_limit_s is not None:  # how far it comes depends on the machine
        planned = _planned(model, aliases, options)
    else:
        question = (model, aliases, options)
        planned = _PLANS.of(question, lambda: _planned(model, aliases, options))
    plan = planned.unsettled
    if not (head_only and plan.proven_optimal):
        plan = planned.settled
    limit = options.max_head_bytes
    if limit is not None and plan.head_bytes > limit:
        from tflopt.plan.culprits import culprits_of

        problem = as_problem(planned_buffers(model), aliases, options, model)
        raise PlanError(plan.head_bytes, limit, culprits_of(problem, limit))
    return plan


@dataclass
class _Planned:
    """A plan, and the same with views at the place of what they show, once that is asked for."""

    unsettled: OfflinePlan
    settle: Callable[[], OfflinePlan] | None = None

    @cached_property
    def settled(self) -> OfflinePlan:
        """The plan to write."""
        return self.unsettled if self.settle is None else self.settle()


_PLANS: Recent[tuple[ModelDesc, list[TensorAlias], OfflineOptions], _Planned] = Recent()


def _planned(model: ModelDesc, aliases: Sequence[TensorAlias], options: OfflineOptions) -> _Planned:
    online = simulate_head(model)
    reason = _why_not(model)
    if not reason:
        return _best_plan(model, aliases, options, online)
    nothing = (ONLINE,) * model.tensor_count
    bound = lower_bound(as_problem(online.buffers, (), OfflineOptions(), model))
    return _Planned(_no_plan(nothing, online, bound, reason))


def head_lower_bound(
    model: ModelDesc,
    aliases: Sequence[TensorAlias] = (),
    options: OfflineOptions | None = None,
) -> int:
    """A head that no plan with these aliases and options can be below."""
    buffers = planned_buffers(model)
    return lower_bound(as_problem(buffers, aliases, options or OfflineOptions(), model))


def head_floor(model: ModelDesc, aliases: Sequence[TensorAlias] = ()) -> int:
    """A head that no plan with these aliases is below, in whatever order the operators run: what
    the neediest one reads and writes, with its scratch.
    """
    buffers = planned_buffers(model)
    index = {buffer.ref: place for place, buffer in enumerate(buffers)}
    sets = []
    for place, op in enumerate(model.subgraphs[0].ops):
        tensors = [TensorRef(0, tensor) for tensor in (*op.inputs, *op.outputs)]
        scratch = [ScratchRef(0, place, number) for number in range(len(op.scratch_bytes))]
        sets.append({index[ref] for ref in (*tensors, *scratch) if ref in index})
    return together(as_problem(buffers, aliases, OfflineOptions(), model, handed_over=False), sets)


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

    def settle(self, aliases: Sequence[TensorAlias]) -> OfflinePlan:
        """Put views where their sources lie, as far as the head stays as small."""
        if self.use is not None and len(self.use.buffers) <= _MANY:
            pairs = view_pairs(aliases, self.use.buffers, _flat_index(self.model))
            self.offsets = settled(self.offsets, pairs, self._accepts)
            self.use = simulate_head(self.model, self.offsets)
        return self.plan()

    def plan(self) -> OfflinePlan:
        """As it is now; none where the model alone has more bytes than the runtime has offsets for.

        Raises:
            UsageError: none was found.
            PlanError: what is asked for takes more bytes than that.
        """
        use = self.use
        if use is None:
            raise UsageError(
                "no plan was found that keeps to what is pinned, preserved or reserved"
            )
        if use.head_bytes >= OFFSET_LIMIT:
            if self.online.head_bytes < OFFSET_LIMIT:
                raise PlanError(use.head_bytes, OFFSET_LIMIT - 1)
            reason = f"{use.head_bytes:,} bytes are more than the runtime has offsets for"
            online = (ONLINE,) * self.model.tensor_count
            return _no_plan(online, self.online, self.bound, reason)
        return OfflinePlan(
            self.offsets,
            use.head_bytes,
            self.online.head_bytes,
            self.bound,
            self.is_proven,
            _scratch_offsets(use),
            self.solution.method,
        )

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
) -> _Planned:
    best = _Best(model, as_problem(online.buffers, aliases, options, model), online)
    for solution in _candidates(best, options):
        best.offer(solution)
        if best.is_proven:
            break
    return _Planned(best.plan(), partial(best.settle, aliases))


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
    kept = [i for i, b in enumerate(problem.buffers) if b.lifetime.end == FOREVER]
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
