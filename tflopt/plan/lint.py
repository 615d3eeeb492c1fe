"""Checks an existing offline plan, from any tool, for what TFLM takes on trust."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from tflopt.plan.encode import METADATA_NAME
from tflopt.plan.greedy import ONLINE
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

_LIMIT = 1 << 31


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
        return [Finding(Severity.ERROR, (METADATA_NAME,), reason)]
    refs = [TensorRef(s, t) for s, g in enumerate(model.subgraphs) for t in range(len(g.tensors))]
    flat = dict(zip(refs, offsets, strict=True))
    outputs = {TensorRef(0, tensor) for tensor in model.subgraphs[0].outputs}
    planned = [
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
    findings = [finding for placed in planned for finding in _lint_one(placed, model)]
    for i, first in enumerate(planned):
        for second in planned[:i]:
            findings.extend(_lint_pair(first, second, aliases))
    return findings


@dataclass(frozen=True)
class _Placed:
    """A tensor with its offset; ``size_bytes`` isn't rounded: within 16 bytes two may meet."""

    name: str
    ref: TensorRef
    offset: int
    size_bytes: int
    buffer: PlannedBuffer
    is_output: bool

    @property
    def lifetime(self) -> Lifetime:
        """The runtime's, and one step more for the application to read an output."""
        end = max(self.buffer.first_used, self.buffer.last_used) + 1
        return Lifetime(self.buffer.first_used, end + self.is_output)

    @property
    def span(self) -> str:
        return f"{self.offset}..{self.offset + self.size_bytes}"


def _exact_bytes(model: ModelDesc, ref: TensorRef) -> int:
    return model.subgraphs[ref.subgraph].tensors[ref.tensor].size_bytes


def _lint_one(placed: _Placed, model: ModelDesc) -> Iterator[Finding]:
    offset = placed.offset
    if offset < 0 or offset + placed.buffer.size_bytes >= _LIMIT:
        yield Finding(Severity.ERROR, (placed.name,), f"offset {offset} is out of range")
    if offset % ARENA_ALIGNMENT:
        reason = f"offset {offset} is not a multiple of {ARENA_ALIGNMENT}"
        yield Finding(Severity.ERROR, (placed.name,), reason)
    if placed.buffer.is_variable:
        reason = "a variable in the head: nothing protects it after its last use"
        severity = Severity.ERROR if len(model.subgraphs) > 1 else Severity.NOTE
        yield Finding(severity, (placed.name,), reason)


def _lint_pair(
    first: _Placed, second: _Placed, aliases: Sequence[TensorAlias]
) -> Iterator[Finding]:
    low, high = sorted((first, second), key=lambda placed: placed.offset)
    if high.offset >= low.offset + low.size_bytes or not high.size_bytes:
        return
    steps = first.lifetime.common_steps(second.lifetime)
    if not steps or any(_allows(alias, first, second) for alias in aliases):
        return
    step = max(first.lifetime.start, second.lifetime.start)
    names = (first.name, second.name)
    hands_over = first.lifetime.hands_over(second.lifetime)
    if hands_over and first.lifetime.start != second.lifetime.start:
        reason = f"bytes {first.span} and {second.span} overlap in step {step}, that of an operator"
        yield Finding(Severity.NOTE, names, reason + " which must be able to work in place")
    else:
        reason = f"bytes {first.span} and {second.span} overlap in {steps} steps from {step} on"
        yield Finding(Severity.ERROR, names, reason)


def _allows(alias: TensorAlias, first: _Placed, second: _Placed) -> bool:
    if not alias.shares_content and not first.lifetime.hands_over(second.lifetime):
        return False
    if (alias.first, alias.second) == (second.ref, first.ref):
        first, second = second, first
    elif (alias.first, alias.second) != (first.ref, second.ref):
        return False
    return alias.permits(first.offset, second.offset)
