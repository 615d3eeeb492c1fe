"""Keeping what a state is cut from, in place of the state.

::

    state --[CONCATENATION x]-- whole --[GATHER]-- state    the whole lies in the head while it is
                                  +-- readers               read
    whole --[GATHER]-- rows --[CONCATENATION x]-- whole     the whole is the state: only the rows
                                                    +-- readers        that stay lie in the head

The same operators run in another order: what is cut off is cut off when the next inference begins.
At the start both hold one number throughout, so what is cut from the whole is what the state holds.
"""

from __future__ import annotations

from collections.abc import Iterable

from tflopt.facts.evaluate import sources_of
from tflopt.facts.large import is_large
from tflopt.facts.operators import CALLS, EFFECTS, PADS, VARIABLES
from tflopt.facts.referred import referred
from tflopt.ir import Model, Op, Value
from tflopt.ir.clone import clone
from tflopt.rewrite import Rewriter
from tflopt.rules.memory.plan_memory import PlanMemory
from tflopt.target.memory import memory_of, why_no_memory

MOST = 64
"""States that are tried one by one, with a plan for each."""


def lengthen_states(model: Model, plan: PlanMemory, rw: Rewriter) -> None:
    """Keep wholes where the arena, planned, then is smaller; as few as lead there."""
    places = [n for n, op in enumerate(model.main.ops) if whole_of(op) is not None]
    if not places or len(places) > MOST or is_large(model.main) or why_no_memory(model):
        return
    chosen = set(places)
    least = _arena_bytes(model, chosen, plan)
    for place in places:
        fewer = _arena_bytes(model, chosen - {place}, plan)
        if fewer <= least:
            chosen, least = chosen - {place}, fewer
    if chosen and least < _arena_bytes(model, (), plan):
        _lengthen(model, chosen, rw)


def whole_of(op: Op) -> Value | None:
    """What a state is cut from that ``op`` writes, where that can be kept; else None.

    The state is read before it is written and by nobody later, and nobody but ``op`` would read
    what is kept before it is there anew.
    """
    whole = op.input(0)
    if whole is None or len(op.outputs) != 1 or not op.output.is_variable or op.code in PADS:
        return None
    state, maker, ops = op.output, whole.producer, op.graph.ops
    if maker is None or maker.code in VARIABLES | CALLS | EFFECTS or state in op.inputs:
        return None
    alike = (whole.dtype, whole.quant) == (state.dtype, state.quant)
    ports = any(v.is_graph_input or v.is_graph_output for v in (whole, state))
    if not alike or ports or sources_of(op) is None:
        return None
    if whole in referred(op.graph):
        return None
    later = set(ops[ops.index(op) :])
    return whole if later.isdisjoint(state.users) else None


def _lengthen(model: Model, places: Iterable[int], rw: Rewriter) -> None:
    """Keep the wholes that these operators read."""
    for op in [model.main.ops[place] for place in places]:
        whole = whole_of(op)
        if whole is not None:
            _keep(op, whole, rw)


def _keep(op: Op, whole: Value, rw: Rewriter) -> None:
    state, maker, graph = op.output, whole.producer, op.graph
    assert maker is not None
    kept, rows = rw.value(whole), rw.value(state)
    rw.update(kept, is_variable=True)
    rw.replace_uses(whole, kept)
    rw.set_outputs(maker, [kept if value is whole else value for value in maker.outputs])
    rw.replace_uses(state, rows)
    rw.set_outputs(op, [rows])
    rw.remove_value(whole)
    rw.remove_value(state)
    readers = {maker, *rows.users}
    others = [other for other in graph.ops if other is not op]
    first = next(place for place, other in enumerate(others) if other in readers)
    rw.update(graph, ops=[*others[:first], op, *others[first:]])
    rw.note(f"{maker.opcode.label} writes a state of {kept.size_bytes:,} bytes, cut off later")


def _arena_bytes(model: Model, places: Iterable[int], plan: PlanMemory) -> tuple[int, int]:
    """The least arena with these wholes kept and the plan that will be written, and what is in use
    of it in the end: the planner's own tables may be what needs most."""
    trial = clone(model)
    _lengthen(trial, places, Rewriter(trial))
    plan.rewrite_model(trial, Rewriter(trial))
    arena = memory_of(trial, plan.device).arena
    return arena.minimum_bytes, arena.used_bytes
