"""Checks an existing offline plan, from any tool, for what TFLM takes on trust."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

from tflopt.facts.offline_plan import OFFSET_LIMIT, ONLINE, PLAN_NAME
from tflopt.plan.lifetimes import (
    ARENA_ALIGNMENT,
    ModelDesc,
    PlannedBuffer,
    TensorAlias,
    TensorRef,
    planned_buffers,
)
from tflopt.plan.problem import Lifetime
from tflopt.texts import counted


class Severity(Enum):
    """``ERROR``: the model computes garbage or crashes. ``NOTE``: legal, but worth knowing."""

    ERROR = "error"
    NOTE = "note"


@dataclass(frozen=True)
class Finding:
    """Something in an existing plan that the runtime doesn't check."""

    severity: Severity
    tensors: tuple[str, ...]
    reason: str

    def __str__(self) -> str:
        return f"{self.severity.value}: {' and '.join(self.tensors)}: {self.reason}"


def lint(
    model: ModelDesc, offsets: Sequence[int], aliases: Sequence[TensorAlias] = ()
) -> list[Finding]:
    """What is wrong or remarkable in a plan from any tool; never raises on a malformed one.

    ``aliases`` are known to be safe and pass in silence. Any other overlap of two tensors that
    live together is an error, or a note if one operator ends the one and creates the
    other: that may be aliasing on purpose, which only the kernel can judge.
    """
    if len(offsets) != model.tensor_count:
        reason = f"{counted(len(offsets), 'offset')} for {counted(model.tensor_count, 'tensor')}"
        return [Finding(Severity.ERROR, (PLAN_NAME,), reason)]
    planned = _placed(model, offsets)
    findings = [finding for placed in planned for finding in _lint_one(placed, model)]
    return findings + clashes(_meetings(planned), aliases)


def meetings(model: ModelDesc, offsets: Sequence[int]) -> list[Meeting]:
    """The pairs of tensors that share bytes while both are alive; none in a malformed plan."""
    fits = len(offsets) == model.tensor_count
    return _meetings(_placed(model, offsets)) if fits else []


def clashes(met: Sequence[Meeting], aliases: Sequence[TensorAlias]) -> list[Finding]:
    """What is wrong or remarkable of these pairs, where ``aliases`` are known to be safe."""
    known: dict[frozenset[TensorRef], list[TensorAlias]] = {}
    for alias in aliases:
        known.setdefault(frozenset((alias.first, alias.second)), []).append(alias)
    return [
        _clash(first, second)
        for first, second in met
        if not any(
            _allows(alias, first, second)
            for alias in known.get(frozenset((first.ref, second.ref)), ())
        )
    ]


def _placed(model: ModelDesc, offsets: Sequence[int]) -> list[_Placed]:
    refs = [TensorRef(s, t) for s, g in enumerate(model.subgraphs) for t in range(len(g.tensors))]
    flat = dict(zip(refs, offsets, strict=True))
    outputs = {TensorRef(0, tensor) for tensor in model.subgraphs[0].outputs}
    return [
        _Placed(
            buffer.name,
            buffer.ref,
            flat[buffer.ref],
            _exact_bytes(model, buffer.ref),
            buffer,
            buffer.ref in outputs,
        )
        for buffer in planned_buffers(model, offsets)
        if isinstance(buffer.ref, TensorRef) and flat[buffer.ref] != ONLINE
    ]


def _meetings(planned: Sequence[_Placed]) -> list[Meeting]:
    by_offset = sorted(range(len(planned)), key=lambda i: planned[i].offset)
    pairs, below = [], list[int]()
    for high in by_offset:
        placed = planned[high]
        below = [i for i in below if planned[i].end > placed.offset]
        if placed.size_bytes:
            met = (i for i in below if planned[i].lifetime.common_steps(placed.lifetime))
            pairs += [(max(high, low), min(high, low)) for low in met]
            below.append(high)
    return [(planned[i], planned[j]) for i, j in sorted(pairs)]


@dataclass(frozen=True)
class _Placed:
    """A tensor with its offset; ``size_bytes`` isn't rounded: within 16 bytes two may meet."""

    name: str
    ref: TensorRef
    offset: int
    size_bytes: int
    buffer: PlannedBuffer
    is_output: bool

    @cached_property
    def lifetime(self) -> Lifetime:
        """The runtime's, and one step more for the application to read an output."""
        end = max(self.buffer.first_used, self.buffer.last_used) + 1
        return Lifetime(self.buffer.first_used, end + self.is_output)

    @property
    def end(self) -> int:
        """The first byte behind it."""
        return self.offset + self.size_bytes

    @property
    def span(self) -> str:
        return f"{self.offset}..{self.end}"


Meeting = tuple[_Placed, _Placed]
"""The tensor that comes later in the model first."""


def _exact_bytes(model: ModelDesc, ref: TensorRef) -> int:
    return model.subgraphs[ref.subgraph].tensors[ref.tensor].size_bytes


def _lint_one(placed: _Placed, model: ModelDesc) -> Iterator[Finding]:
    offset = placed.offset
    if offset < 0 or offset + placed.buffer.size_bytes >= OFFSET_LIMIT:
        yield Finding(Severity.ERROR, (placed.name,), f"offset {offset} is out of range")
    if offset % ARENA_ALIGNMENT:
        reason = f"offset {offset} is not a multiple of {ARENA_ALIGNMENT}"
        yield Finding(Severity.ERROR, (placed.name,), reason)
    if placed.buffer.is_variable:
        reason = "a variable in the head: nothing protects it after its last use"
        severity = Severity.ERROR if len(model.subgraphs) > 1 else Severity.NOTE
        yield Finding(severity, (placed.name,), reason)


def _clash(first: _Placed, second: _Placed) -> Finding:
    steps = first.lifetime.common_steps(second.lifetime)
    step = max(first.lifetime.start, second.lifetime.start)
    names = (first.name, second.name)
    hands_over = first.lifetime.hands_over(second.lifetime)
    if hands_over and first.lifetime.start != second.lifetime.start:
        reason = f"bytes {first.span} and {second.span} overlap in step {step}, that of an operator"
        return Finding(Severity.NOTE, names, reason + " which must be able to work in place")
    reason = f"bytes {first.span} and {second.span} overlap in {steps} steps from {step} on"
    return Finding(Severity.ERROR, names, reason)


def _allows(alias: TensorAlias, first: _Placed, second: _Placed) -> bool:
    if not alias.shares_content and not first.lifetime.hands_over(second.lifetime):
        return False
    if (alias.first, alias.second) == (second.ref, first.ref):
        first, second = second, first
    elif (alias.first, alias.second) != (first.ref, second.ref):
        return False
    return alias.permits(first.offset, second.offset)
