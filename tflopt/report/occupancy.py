"""What lies where in the arena at each step, as the memory map draws it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from tflopt.ir import Model, Op
from tflopt.plan.lifetimes import ModelDesc, PlannedBuffer, ScratchRef, steps_of
from tflopt.plan.offline import head_lower_bound
from tflopt.product.labels import Labels
from tflopt.target.memory import Memory, PlanRequest, aliases_of, description_of


def occupancy(
    model: Model, memory: Memory, request: PlanRequest, original: Model | None = None
) -> dict[str, object]:
    """Buffers over steps and addresses, and the bound that no plan can be below.

    Steps are the runtime's: 0 hands over the inputs, each operator takes the next one, and a
    called subgraph takes steps of its own. Step -1 is there for buffers that live before, or
    that no operator touches. ``live_bytes`` counts what is in use at a step.
    ``read_by`` are operators of the buffer's subgraph; an output lives to the subgraph's end.
    Tensors that lost their names are called as in ``original``. ``origin`` says which rows of which
    layer a buffer holds where layers are in bands, and whose band an operator's scratch is for.

    Args:
        request: which overlaps the bound allows; pins are left out of it.
    """
    description = description_of(model, memory.device)
    aliases = aliases_of(model, memory.device, request)
    options = replace(request.offline, pins={})
    places = zip(memory.head.buffers, memory.head.offsets, strict=True)
    readers, labels = _Readers(model), Labels(model, original)
    bound = head_lower_bound(description, aliases, options)
    return {
        "head_bytes": memory.head.head_bytes,
        # A plan from elsewhere (Vela's) may share bytes that the bound keeps apart.
        "lower_bound_bytes": min(bound, memory.head.head_bytes),
        "steps": _step_rows(model, description, memory.head.buffers),
        "buffers": [
            {
                "name": labels.name(buffer),
                "origin": labels.origin(buffer),
                "kind": _kind(buffer),
                **readers.of(buffer),
                "offset_bytes": offset,
                "size_bytes": buffer.size_bytes,
                "first_step": _span(buffer)[0],
                "last_step": _span(buffer)[1],
            }
            for buffer, offset in places
        ],
    }


def _step_rows(
    model: Model, description: ModelDesc, buffers: Sequence[PlannedBuffer]
) -> list[dict[str, object]]:
    labels = {key: op.opcode.label for key, op in _ops(model)}
    early = any(buffer.first_used < 0 for buffer in buffers)
    start: list[Step] = [(-1, None, None)] if early else []
    return [
        {
            "step": step,
            "subgraph": subgraph,
            "index": index,
            "operator": labels.get((subgraph, index), ""),
            "live_bytes": sum(buffer.size_bytes for buffer in buffers if _is_live(buffer, step)),
        }
        for step, subgraph, index in [*start, (0, None, None), *steps_of(description)]
    ]


Step = tuple[int, int | None, int | None]


def _ops(model: Model) -> Iterator[tuple[tuple[int | None, int | None], Op]]:
    for number, graph in enumerate(model.graphs):
        for index, op in enumerate(graph.ops):
            yield (number, index), op


class _Readers:
    """Who needs a buffer, by tables that are made once."""

    def __init__(self, model: Model) -> None:
        self._values = [list(graph.values) for graph in model.graphs]
        self._outputs = [set(graph.outputs) for graph in model.graphs]
        self._places = [{op: at for at, op in enumerate(graph.ops)} for graph in model.graphs]

    def of(self, buffer: PlannedBuffer) -> dict[str, object]:
        """``subgraph``, ``read_by`` and ``is_output`` of a buffer; scratch has no reader."""
        ref, places = buffer.ref, self._places[buffer.ref.subgraph]
        if isinstance(ref, ScratchRef):
            return {"subgraph": ref.subgraph, "read_by": [], "is_output": False}
        value = self._values[ref.subgraph][ref.tensor]
        return {
            "subgraph": ref.subgraph,
            "read_by": sorted(places[op] for op in value.users),
            "is_output": value in self._outputs[ref.subgraph],
        }


def _span(buffer: PlannedBuffer) -> tuple[int, int]:
    return buffer.first_used, max(buffer.first_used, buffer.last_used)


def _is_live(buffer: PlannedBuffer, step: int) -> bool:
    first, last = _span(buffer)
    return first <= step <= last


def _kind(buffer: PlannedBuffer) -> str:
    if isinstance(buffer.ref, ScratchRef):
        return "scratch"
    return "variable" if buffer.is_variable else "tensor"
