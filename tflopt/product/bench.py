"""What each operator of a model costs: measured on a device, or predicted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tflopt.errors import RunnerError
from tflopt.ir import Model, OpCode
from tflopt.run.device_report import DeviceReport, OperatorCost
from tflopt.run.runner import MissingOpError, Runner, Work
from tflopt.run.samples import SampleOptions, make_samples
from tflopt.target.cost import caveats, predict_model
from tflopt.target.cost.tables import table_for
from tflopt.target.cycles import Clocking, TimeRange, time_of, time_of_count
from tflopt.target.device import Device

INPUT = 6
"""The number of the sample that covers the whole range of values."""
PREDICTED, INSTRUCTIONS = "predicted", "instructions"


@dataclass(frozen=True)
class Bench:
    """One model: the unit, the cost of an invocation and of each operator of the main graph.

    ``total`` of a device also counts what the runtime does between operators. ``report`` is the
    device's own, ``note`` says how far a prediction can be trusted, ``time`` how long it takes.
    """

    unit: str
    total: int
    operators: tuple[OperatorCost, ...]
    report: DeviceReport | None = None
    note: str = ""
    time: TimeRange | None = None


def measure(models: Sequence[tuple[Model, bytes]], runner: Runner, seed: int = 0) -> list[Bench]:
    """Run each model on a seeded input, all of them at the same time.

    A model with something that runs only once runs twice, and the second inference counts.

    Raises:
        RunnerError: a model can't be run, or the runner is no device.
        UnsupportedError: an input has a type for which no values can be made.
    """
    if not runner.is_device:
        raise RunnerError(runner.name, "it counts no instructions; take qemu, fvp or predicted")
    works = []
    for model, data in models:
        samples = make_samples(model, SampleOptions(INPUT + 1, seed))[-1:]
        once = any(op.code is OpCode.CALL_ONCE for op in model.ops())
        works.append(Work(model, data, samples * 2 if once else samples))
    runs = [runner.start(work) for work in works]
    try:
        return [_result(runner, run.outcome().device) for run in runs]
    except MissingOpError as missing:
        raise RunnerError(runner.name, f"its library has no operator {missing.op}") from None
    finally:
        for run in runs:
            run.close()


def _result(runner: Runner, report: DeviceReport | None) -> Bench:
    if report is None or report.total is None:
        raise RunnerError(runner.name, "the firmware reported no cost")
    return Bench(report.unit, report.total, report.operators, report)


def predict(model: Model, device: Device) -> Bench:
    """The same from the cost table of the device's core."""
    prediction = predict_model(model, device)
    operators = tuple(
        OperatorCost(row.index, row.op.opcode.label, prediction.with_calls(row))
        for row in prediction.rows
        if row.subgraph == 0
    )
    share = f"{100 * prediction.measured_share:.0f} % of it rests on measured kernels"
    note = "; ".join([share, *_stand_in(device), *caveats(prediction)])
    return Bench(INSTRUCTIONS, prediction.instructions, operators, note=note)


def _stand_in(device: Device) -> list[str]:
    """Says that another core's table was taken, which most cores have."""
    core = table_for(device.target).core
    if core == str(device.target.cpu):
        return []
    return [f"counted on a {core}, the nearest core that was measured"]


def timed(model: Model, bench: Bench, device: Device, clocking: Clocking) -> Bench:
    """The same with the time that its instructions take; an FVP's cycles are no time."""
    if bench.unit != INSTRUCTIONS:
        return replace(bench, note=f"{bench.note}; no time follows from {bench.unit}".lstrip("; "))
    if bench.report is None:
        time = time_of(predict_model(model, device), device.target, clocking)
    else:
        time = time_of_count(bench.total, bench.total, device.target, clocking)
    return replace(bench, time=time)
