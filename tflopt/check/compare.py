"""Runs original and optimized side by side and compares them bit for bit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from tflopt.check.runner import Job, MissingOpError, Outcome, available
from tflopt.check.samples import Array, Sample, SampleOptions, make_samples
from tflopt.errors import MismatchError, RunnerError, UnsupportedError
from tflopt.io import write_bytes
from tflopt.ir import Model
from tflopt.ir.clone import clone
from tflopt.passes.drop_stale_plan import PLAN
from tflopt.plan.describe import write_plan

Status = Literal["identical", "different", "not verified"]
RUNNERS = ("tflm", "litert")
INTERNAL_SAMPLES = 8


@dataclass(frozen=True)
class Verification:
    """The verdict. ``samples`` run in a row on one interpreter, so that state carries over.

    ``tensors`` counts the inner tensors that were compared as well; ``note`` says why a runner
    was passed over or why nothing could be verified.
    """

    status: Status
    runner: str = ""
    samples: int = 0
    seed: int = 0
    outputs: int = 0
    tensors: int = 0
    mismatch: MismatchError | None = None
    note: str = ""


@dataclass(frozen=True)
class Candidate:
    """A model together with the bytes that a runtime gets.

    ``derived`` says that its values know their origins in the model it is compared with, so that
    inner tensors can be compared too; a model that was read from a file knows only its own.
    """

    model: Model
    data: bytes
    derived: bool = False


def compare(
    original: Candidate,
    optimized: Candidate,
    *,
    runner: str = "auto",
    options: SampleOptions | None = None,
) -> Verification:
    """Compare on ``runner``; ``auto`` takes TFLM, else LiteRT's reference kernels.

    Raises:
        RunnerError: no runner is installed, or the one asked for isn't.
    """
    options = options or SampleOptions()
    runners = _choose(runner)
    try:
        _same_interface(original.model, optimized.model)
        samples = make_samples(original.model, options)
    except MismatchError as mismatch:
        return Verification("different", runner=mismatch.runner, mismatch=mismatch)
    except UnsupportedError as error:
        return Verification("not verified", note=error.reason)
    notes: list[str] = []
    for name in runners:
        try:
            return _compare_on(name, original, optimized, samples, options, "; ".join(notes))
        except MismatchError as mismatch:
            return Verification("different", name, seed=options.seed, mismatch=mismatch)
        except MissingOpError as missing:
            notes.append(f"{name} has no operator {missing.op}")
        except RunnerError as error:
            notes.append(f"{name}: {error.reason}")
    return Verification("not verified", note="; ".join(notes))


def _choose(runner: str) -> list[str]:
    names = list(RUNNERS) if runner == "auto" else [runner]
    found = [name for name in names if available(name)]
    if not found:
        what = "neither tflite-micro nor ai-edge-litert is" if runner == "auto" else "it is not"
        raise RunnerError(
            runner, f"{what} installed: pip install 'tflopt[verify]', or use --no-verify"
        )
    return found


def _same_interface(original: Model, optimized: Model) -> None:
    for kind in ("inputs", "outputs"):
        ours = [(v.dtype, v.shape) for v in getattr(original.main, kind)]
        theirs = [(v.dtype, v.shape) for v in getattr(optimized.main, kind)]
        if ours != theirs:
            raise MismatchError(
                output=f"the models have different {kind}",
                first_index=(),
                count=abs(len(ours) - len(theirs)),
                max_diff=0.0,
                runner="the interface",
            )


def _compare_on(
    runner: str,
    original: Candidate,
    optimized: Candidate,
    samples: list[Sample],
    options: SampleOptions,
    note: str,
) -> Verification:
    with (
        Job(runner, original.model, original.data, samples, []) as first,
        Job(runner, optimized.model, optimized.data, samples, []) as second,
    ):
        expected = first.outcome()
        found = _optimized_outcome(second, runner)
    mismatch = _first_mismatch(expected, found, optimized.model, runner)
    tensors = 0
    if mismatch is None and optimized.derived:
        inner = samples[:: max(1, len(samples) // INTERNAL_SAMPLES)]
        tensors, mismatch = _compare_inner(runner, original, optimized, inner)
    return Verification(
        status="identical" if mismatch is None else "different",
        runner=runner,
        samples=len(samples),
        seed=options.seed,
        outputs=len(original.model.main.outputs),
        tensors=tensors,
        mismatch=mismatch,
        note=note,
    )


def _optimized_outcome(job: Job, runner: str) -> Outcome:
    """The original runs, so a runner that fails on the optimized model shows a difference."""
    try:
        return job.outcome()
    except MissingOpError as missing:
        reason = f"the optimized model has operator {missing.op}, which the runner lacks"
    except RunnerError as error:
        reason = f"the optimized model does not run: {error.reason}"
    raise MismatchError(reason, (), 0, 0.0, runner)


def _first_mismatch(
    expected: Outcome, found: Outcome, model: Model, runner: str
) -> MismatchError | None:
    for sample, (ours, theirs) in enumerate(zip(expected.outputs, found.outputs, strict=True)):
        for number, (one, two) in enumerate(zip(ours, theirs, strict=True)):
            if one.dtype == two.dtype and one.shape == two.shape and one.tobytes() == two.tobytes():
                continue
            name = model.main.outputs[number].name or ""
            return _describe(f"output {number} ({name})", one, two, runner, sample)
    return None


def _describe(output: str, one: Array, two: Array, runner: str, sample: int) -> MismatchError:
    if one.shape != two.shape or one.dtype != two.dtype:
        return MismatchError(f"{output}: shape or type", (), one.size, 0.0, runner, sample)
    width = one.dtype.itemsize
    raw = [np.ascontiguousarray(a).view(np.uint8).reshape(*a.shape, width) for a in (one, two)]
    differs = (raw[0] != raw[1]).any(axis=-1)
    first = tuple(int(axis) for axis in np.argwhere(differs)[0])
    diff = np.abs(one.astype(np.float64) - two.astype(np.float64))
    largest = float(np.nanmax(diff)) if diff.size else 0.0
    return MismatchError(output, first, int(differs.sum()), largest, runner, sample)


def inner_pairs(original: Model, optimized: Model) -> list[tuple[int, int, str]]:
    """Inner tensors that hold the same elements: index in each model, and the name."""
    old = list(original.main.values)
    pairs = []
    for index, value in enumerate(optimized.main.values):
        if value.origin is None or value.producer is None or value.origin.subgraph != 0:
            continue
        twin = old[value.origin.tensor] if value.origin.tensor < len(old) else None
        if twin is not None and twin.producer is not None and twin.dtype == value.dtype:
            pairs.append((value.origin.tensor, index, value.name or f"tensor {index}"))
    return pairs


def without_plan(candidate: Candidate) -> Candidate:
    """The same model without an offline memory plan, which not every run can honour."""
    if all(entry.name != PLAN for entry in candidate.model.metadata or ()):
        return candidate
    model = clone(candidate.model)
    write_plan(model, None)
    return Candidate(model, write_bytes(model), candidate.derived)


def _compare_inner(
    runner: str, original: Candidate, optimized: Candidate, samples: Sequence[Sample]
) -> tuple[int, MismatchError | None]:
    """Outputs are a weak witness: saturation hides faults, so compare what lies between."""
    pairs = inner_pairs(original.model, optimized.model)
    if not pairs:
        return 0, None
    original, optimized = without_plan(original), without_plan(optimized)
    try:
        with (
            Job(runner, original.model, original.data, samples, [p[0] for p in pairs]) as first,
            Job(runner, optimized.model, optimized.data, samples, [p[1] for p in pairs]) as second,
        ):
            expected, found = first.outcome().digests, second.outcome().digests
    except (RunnerError, MissingOpError):
        return 0, None
    for sample, (ours, theirs) in enumerate(zip(expected, found, strict=True)):
        for (_, _, name), one, two in zip(pairs, ours, theirs, strict=True):
            if one != two:
                return len(pairs), MismatchError(f"inner tensor {name}", (), 1, 0.0, runner, sample)
    return len(pairs), None
