"""What a device said of a model, beside what tflopt predicted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from tflopt.errors import TfloptError
from tflopt.ir import Model
from tflopt.plan.lifetimes import ScratchRef
from tflopt.run.device_report import DeviceReport, OperatorCost
from tflopt.target.device import Device
from tflopt.target.kernels import kernel_use
from tflopt.target.memory import Memory, memory_of


@dataclass(frozen=True)
class Fact:
    """One number as it was predicted and as the device used it; None where it isn't known.

    ``is_bound`` says that the device may use less: TFLM doesn't check a kernel's persistent
    buffers against the temporary tensors of the same moment, so an arena found by trying may be
    one in which they overlap without harm.
    """

    name: str
    predicted: int | None
    used: int | None
    is_bound: bool = False

    @property
    def differs(self) -> bool:
        """Whether both are known and the prediction is wrong."""
        if self.predicted is None or self.used is None:
            return False
        return self.used > self.predicted if self.is_bound else self.used != self.predicted


@dataclass(frozen=True)
class DeviceFacts:
    """A model on a device.

    ``memory`` are sizes in bytes. ``scratch`` names operators whose scratch requests are not those
    predicted, ``plan`` buffers that the runtime placed elsewhere; both are empty where all agree.
    """

    report: DeviceReport
    memory: tuple[Fact, ...]
    scratch: tuple[str, ...] = ()
    plan: tuple[str, ...] = ()
    unpredicted: str = ""

    @property
    def differences(self) -> tuple[str, ...]:
        """Everything in which the prediction was wrong."""
        numbers = [
            f"{fact.name}: predicted {fact.predicted:,}, used {fact.used:,}"
            for fact in self.memory
            if fact.differs
        ]
        return (*numbers, *self.scratch, *self.plan)


def device_facts(model: Model, report: DeviceReport, device: Device) -> DeviceFacts:
    """Compare a device's report with tflopt's accounting for that model and device."""
    try:
        memory = memory_of(model, device)
    except TfloptError as error:
        return DeviceFacts(report, tuple(_facts(None, report)), unpredicted=str(error))
    unknown = ", ".join(memory.unknown)
    return DeviceFacts(
        report,
        tuple(_facts(memory, report)),
        tuple(_scratch(memory, report)),
        tuple(_plan(memory, report)),
        f"no memory is predicted: nothing is known of {unknown}" if unknown else "",
    )


def _facts(memory: Memory | None, report: DeviceReport) -> Iterable[Fact]:
    """Nothing is predicted with an operator whose kernel's memory is unknown."""
    known = None if memory is None or memory.unknown else memory
    arena = None if known is None else known.arena
    used = report.arena_used_bytes
    yield Fact("arena used", None if arena is None else arena.used_bytes, used)
    yield Fact("head", None if arena is None else arena.head_bytes, report.head_bytes)
    yield Fact("tail", None if arena is None else arena.tail_bytes, report.tail_bytes)
    if report.least_arena_bytes is not None:
        least = None if arena is None else arena.minimum_bytes
        yield Fact("least arena", least, report.least_arena_bytes, is_bound=True)
    if report.scratch or report.buffers:
        predicted = None if known is None else known.scratch_bytes
        yield Fact("scratch", predicted, largest_scratch(report))


def largest_scratch(report: DeviceReport) -> int:
    """The largest sum of scratch requests of one operator."""
    sums: dict[tuple[int, int], int] = {}
    for request in report.scratch:
        key = (request.subgraph, request.operator)
        sums[key] = sums.get(key, 0) + request.size_bytes
    return max(sums.values(), default=0)


def _scratch(memory: Memory, report: DeviceReport) -> Iterable[str]:
    if not report.buffers:
        return
    asked: dict[tuple[int, int], list[int]] = {}
    for request in report.scratch:
        asked.setdefault((request.subgraph, request.operator), []).append(request.size_bytes)
    for row in memory.table:
        if row.use.scratch_bytes is None:
            continue
        used = asked.get((row.subgraph, row.index), [])
        if used != list(row.use.scratch_bytes):
            yield (
                f"scratch of operator {row.index} {row.op.opcode.label}: "
                f"predicted {list(row.use.scratch_bytes)}, used {used}"
            )


def _plan(memory: Memory, report: DeviceReport) -> Iterable[str]:
    """Buffers by tensor or by the order of scratch: size and offset."""
    if not report.buffers or memory.unknown:
        return
    expected: dict[object, tuple[int, int]] = {}
    requests = 0
    for buffer, offset in zip(memory.head.buffers, memory.head.offsets, strict=True):
        ref = buffer.ref
        key: object = ("scratch", requests)
        if isinstance(ref, ScratchRef):
            requests += 1
        else:
            key = (ref.subgraph, ref.tensor)
        expected[key] = (buffer.size_bytes, offset)
    actual: dict[object, tuple[int, int]] = {
        ("scratch", b.number) if b.is_scratch else (b.subgraph, b.number): (
            b.size_bytes,
            b.offset_bytes,
        )
        for b in report.buffers
    }
    for key in [*expected, *(key for key in actual if key not in expected)]:
        one, two = expected.get(key), actual.get(key)
        if one != two:
            yield f"buffer {key}: predicted (size, offset) {one}, the runtime has {two}"


@dataclass(frozen=True)
class OperatorRow:
    """An operator of the main graph with its cost and the kernel that tflopt says runs it."""

    index: int
    name: str
    kernel: str
    count: int
    share: float


def operator_rows(
    model: Model, operators: Sequence[OperatorCost], device: Device
) -> list[OperatorRow]:
    """The device's operators with tflopt's names of their kernels."""
    total = sum(cost.count for cost in operators) or 1
    ops = list(model.main.ops)
    return [
        OperatorRow(
            cost.index,
            cost.name,
            kernel_use(ops[cost.index], device).function,
            cost.count,
            cost.count / total,
        )
        for cost in operators
        if cost.index < len(ops)
    ]


def facts_json(facts: DeviceFacts) -> dict[str, object]:
    """Plain data for reports."""
    report = facts.report
    return {
        "board": report.board,
        "core": report.core,
        "isa": report.isa,
        "kernels": report.kernels,
        "library": report.library,
        "compiler": report.compiler,
        "memory": [{**asdict(fact), "differs": fact.differs} for fact in facts.memory],
        "differences": list(facts.differences),
        "unpredicted": facts.unpredicted,
        "unit": report.unit,
        "total": report.total,
        "operators": [asdict(operator) for operator in report.operators],
        "stack_high_water_bytes": report.stack_high_water_bytes,
        "annotation": report.annotation,
    }
