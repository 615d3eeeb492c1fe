"""Rewriting around a memory plan that a vendor's operators rely on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

from tflopt.config import Config
from tflopt.errors import UnsupportedError
from tflopt.facts.offline_plan import ONLINE
from tflopt.ir import Model, Op, Value
from tflopt.ir.clone import clone
from tflopt.plan.describe import plan_bytes, read_plan, write_plan, write_plan_bytes
from tflopt.plan.lifetimes import ARENA_ALIGNMENT, PlannedBuffer, TensorRef
from tflopt.plan.offline import simulate_head
from tflopt.rewrite import ModelRule, Trace, run_model_rule
from tflopt.target.device import Device
from tflopt.target.memory import description_of, memory_of, why_no_memory
from tflopt.target.vendor import is_program_plan, vendor_ops


@dataclass(frozen=True)
class _Kept:
    """What may not change: the vendors' operators, and where tensors lie that stay."""

    ops: list[tuple[Op, tuple[Value | None, ...], tuple[Value, ...]]]
    values: list[Value]
    offsets: dict[Value, int]
    sizes: dict[Value, int | None]
    overlaps: set[frozenset[Value]]
    arena_bytes: int
    raw: bytes


def run_around_vendors(
    model: Model,
    config: Config,
    rewrite: Callable[[Model], Trace],
    tidy: Sequence[ModelRule],
) -> Trace:
    """Rewrite around operators whose code addresses tensors where the model's plan has them.

    Tried on a copy first. Where something would move, only ``tidy`` runs: rules that leave tensors
    and operators as they are.

    Raises:
        UnsupportedError: another plan is asked for.
    """
    first = vendor_ops(model)[0]
    if config.plan is not None and config.plan.restricts:
        reason = "its memory plan is part of the program and can't be changed"
        raise UnsupportedError(reason, first.opcode.label, model.path)
    moved = rewrite_around(clone(model), config.device, rewrite)
    if not moved:
        traces: list[Trace] = []
        rewrite_around(model, config.device, lambda same: traces.append(rewrite(same)))
        return traces[0]
    trace = Trace()
    keep_verbatim(model, lambda same: [run_model_rule(same, rule, trace) for rule in tidy])
    trace.decline("plan-memory", first, f"other operators are left as they are: {moved}", first)
    return trace


def rewrite_around(model: Model, device: Device, rewrite: Callable[[Model], object]) -> str:
    """Rewrite ``model`` and keep its plan offset by offset; why that isn't possible, or ``""``.

    Tensors that stay keep their offset, new ones get none: the runtime puts them where nothing else
    is alive. Where ``rewrite`` changes what a vendor's operator reads or writes, makes tensors
    overlap that did not, or needs a larger arena, the model is in no state to be used.
    """
    reason = why_no_memory(model)
    if reason or not is_program_plan(model):
        return reason or "the model has no memory plan"
    kept = _keep(model, device)
    write_plan(model, None)
    rewrite(model)
    return _restore(model, kept) or _what_moved(model, kept, device)


def keep_verbatim(model: Model, rewrite: Callable[[Model], object]) -> None:
    """Let ``rewrite`` change everything but tensors and operators; the plan stays as it is."""
    raw = plan_bytes(model)
    write_plan(model, None)
    rewrite(model)
    write_plan_bytes(model, raw)


def _keep(model: Model, device: Device) -> _Kept:
    values = [value for graph in model.graphs for value in graph.values]
    offsets = dict(zip(values, read_plan(model) or (), strict=True))
    return _Kept(
        [(op, tuple(op.inputs), tuple(op.outputs)) for op in vendor_ops(model)],
        values,
        offsets,
        {value: value.size_bytes for value in values},
        _overlaps(model, device, offsets),
        memory_of(model, device).arena.minimum_bytes,
        plan_bytes(model) or b"",
    )


def _restore(model: Model, kept: _Kept) -> str:
    values = [value for graph in model.graphs for value in graph.values]
    if values == kept.values:
        write_plan_bytes(model, kept.raw)
        return ""
    offsets = [kept.offsets.get(value, ONLINE) for value in values]
    if any(at != ONLINE and (at < 0 or at % ARENA_ALIGNMENT) for at in offsets):
        return f"offsets that are no multiples of {ARENA_ALIGNMENT}"
    write_plan(model, offsets)
    return ""


def _what_moved(model: Model, kept: _Kept, device: Device) -> str:
    now = [(op, tuple(op.inputs), tuple(op.outputs)) for op in vendor_ops(model)]
    if now != kept.ops:
        return "it changes what a vendor's operator reads or writes"
    sizes = {value: value.size_bytes for graph in model.graphs for value in graph.values}
    fixed = [value for value, at in kept.offsets.items() if at != ONLINE and value in sizes]
    if any(sizes[value] != kept.sizes[value] for value in fixed):
        return "it changes the size of a tensor that has its place"
    if not _overlaps(model, device, kept.offsets) <= kept.overlaps:
        return "it makes tensors overlap that did not"
    if memory_of(model, device).arena.minimum_bytes > kept.arena_bytes:
        return "it needs a larger arena"
    return ""


def _overlaps(model: Model, device: Device, offsets: dict[Value, int]) -> set[frozenset[Value]]:
    """Pairs of tensors with a fixed place that hold something at the same time and share bytes.

    Scratch that a vendor's operator is given holds something while that operator runs: TFLM takes
    it to be alive from the start, as nobody writes it.
    """
    graphs = [list(graph.values) for graph in model.graphs]
    plan = [offsets.get(value, ONLINE) for values in graphs for value in values]
    spans: dict[Value, PlannedBuffer] = {}
    for buffer in simulate_head(description_of(model, device), plan).buffers:
        if isinstance(buffer.ref, TensorRef):
            spans[graphs[buffer.ref.subgraph][buffer.ref.tensor]] = buffer
    steps = {value: _steps(value, spans) for value in spans if offsets.get(value, ONLINE) != ONLINE}
    pairs = set()
    for one, other in combinations(steps, 2):
        at, place = offsets[one], offsets[other]
        apart = at >= place + spans[other].size_bytes or place >= at + spans[one].size_bytes
        if not apart and not steps[one].isdisjoint(steps[other]):
            pairs.add(frozenset((one, other)))
    return pairs


def _steps(value: Value, spans: dict[Value, PlannedBuffer]) -> frozenset[int]:
    span = spans[value]
    if value.producer is None and not value.is_graph_input:
        makes = [spans[out].first_used for op in value.users for out in op.outputs if out in spans]
        return frozenset(makes)
    return frozenset(range(span.first_used, max(span.first_used, span.last_used) + 1))
