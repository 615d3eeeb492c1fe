"""What the solver is asked: the runtime's buffers with what the application wants of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tflopt.errors import UsageError
from tflopt.facts.offline_plan import OFFSET_LIMIT
from tflopt.plan.lifetimes import (
    ARENA_ALIGNMENT,
    GraphDesc,
    ModelDesc,
    PlannedBuffer,
    TensorAlias,
    TensorRef,
)
from tflopt.plan.problem import Alias, Buffer, Lifetime, Problem
from tflopt.plan.solve import SolveOptions

FOREVER = 1 << 40


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


def as_problem(
    buffers: Sequence[PlannedBuffer],
    aliases: Sequence[TensorAlias],
    options: OfflineOptions,
    model: ModelDesc,
    *,
    handed_over: bool = True,
) -> Problem:
    """The solver's problem; a reserved head becomes one more buffer at its end.

    ``handed_over``: an operator overwrites only what nobody reads after it; else in some order of
    the operators nobody may.
    """
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
    if handed_over:
        relations = [a for a in relations if a.shares_content or _hands_over(solver_buffers, a)]
    if options.reserve_head_bytes:
        reserved, size = len(solver_buffers), options.reserve_head_bytes
        solver_buffers.append(Buffer("reserved head", Lifetime(-1, FOREVER), size, 1, 0))
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
            end = FOREVER
    return Lifetime(buffer.first_used, end)


def _hands_over(buffers: Sequence[Buffer], alias: Alias) -> bool:
    return buffers[alias.first].lifetime.hands_over(buffers[alias.second].lifetime)
