"""How far a model with rounded islands is from the original (``--allow-lsb``)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tflopt.errors import RunnerError
from tflopt.ir import DType, Model, OpCode, Value
from tflopt.run.registry import HOSTS
from tflopt.run.runner import HostRunner, MissingOpError, Work
from tflopt.run.samples import Sample, SampleOptions, make_samples
from tflopt.verify.compare import Candidate, Verification, without_plan


def with_measure(
    exact: Verification, original: Candidate, rounded: Candidate, options: SampleOptions
) -> Verification:
    """The verdict on the exact rules, with how far the outputs are off with the others.

    Float inputs are drawn within the range of the QUANTIZE that reads them: beyond it a rounded
    island may be off by more. Nothing is measured where the exact part isn't identical.
    """
    if exact.status != "identical":
        return exact
    samples = _in_range(original.model, make_samples(original.model, options), options.seed)
    pair = [without_plan(candidate) for candidate in (original, rounded)]
    runner = HostRunner(exact.runner if exact.runner in HOSTS else HOSTS[0])
    try:
        with (
            runner.start(Work(pair[0].model, pair[0].data, samples)) as first,
            runner.start(Work(pair[1].model, pair[1].data, samples)) as second,
        ):
            expected, actual = first.outcome().outputs, second.outcome().outputs
    except (RunnerError, MissingOpError) as error:
        return replace(exact, status="not verified", note=f"rounded islands: {error}")
    parts = [
        _describe(value, [row[number] for row in expected], [row[number] for row in actual])
        for number, value in enumerate(original.model.main.outputs)
    ]
    note = "; ".join(filter(None, [exact.note, *parts]))
    return replace(exact, status="rounded", samples=len(samples), note=note)


def _describe(value: Value, expected: Sample, actual: Sample) -> str:
    one, two = (np.stack(arrays).astype(np.float64) for arrays in (expected, actual))
    apart = np.abs(one - two)
    unit = "" if value.dtype is DType.FLOAT32 else " steps"
    return (
        f"output {value.name or ''}: {np.count_nonzero(apart):,} of {apart.size:,} elements are "
        f"off, by up to {np.nanmax(apart):g}{unit}, {np.nanmean(apart):.3g}{unit} on average"
    )


def _in_range(model: Model, samples: Sequence[Sample], seed: int) -> list[Sample]:
    rng = np.random.default_rng(seed)
    limits = [_limits(value) for value in model.main.inputs]
    return [
        [
            array if limit is None else rng.uniform(*limit, array.shape).astype(array.dtype)
            for array, limit in zip(sample, limits, strict=True)
        ]
        for sample in samples
    ]


def _limits(value: Value) -> tuple[float, float] | None:
    """The floats that a QUANTIZE of an input can tell apart."""
    for op in value.users:
        quant = op.output.quant if op.code is OpCode.QUANTIZE else None
        if value.dtype is DType.FLOAT32 and quant is not None and quant.count == 1:
            scale, zero = quant.scalar()
            return scale * (-128 - zero), scale * (127 - zero)
    return None
