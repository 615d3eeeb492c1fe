"""What LiteRT's default path (XNNPACK) makes of two models: people evaluate accuracy there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tflopt.errors import RunnerError, UnsupportedError
from tflopt.facts.operators import WEIGHTED
from tflopt.facts.work import macs
from tflopt.ir import DType, Model
from tflopt.run.runner import LITERT_DEFAULT, HostRunner, MissingOpError, Outcome, Work, available
from tflopt.run.samples import SampleOptions, make_samples
from tflopt.verify.compare import Candidate
from tflopt.verify.layers import difference_of

FEWEST, MOST = 8, 200
WORK = 400_000_000
"""Multiply-accumulates that a comparison may take: small models run on more inputs."""


def has_delegated_layers(model: Model) -> bool:
    """Whether the default path may run a layer with other kernels than the reference ones."""
    inputs = ((op.code, value) for op in model.ops() for value in op.inputs)
    return any(
        code in WEIGHTED and value is not None and value.dtype is DType.INT8
        for code, value in inputs
    )


@dataclass(frozen=True)
class DefaultPath:
    """How many elements of all outputs differ there, of how many, and the largest difference."""

    different: int
    total: int
    most: float


def compare_on_default_path(original: Candidate, optimized: Candidate, seed: int) -> str:
    """How far outputs differ there, in one line; ``""`` where they don't, or can't be compared."""
    if not has_delegated_layers(original.model):
        return ""
    outcome, _ = run_default_path(original, optimized, SampleOptions(_count(original.model), seed))
    if outcome is None or not outcome.different:
        return ""
    most = outcome.most
    steps = f"{most:g} step{'' if most == 1 else 's'}" if np.isfinite(most) else "any number"
    return (
        "LiteRT's default path (XNNPACK) rounds this file otherwise than the original: "
        f"{outcome.different:,} of {outcome.total:,} outputs, by up to {steps}. "
        "TFLM and LiteRT's reference kernels don't."
    )


def _count(model: Model) -> int:
    """On how many inputs a difference is looked for: as many as take a moment."""
    return max(FEWEST, min(MOST, WORK // max(1, sum(macs(op) for op in model.ops()))))


def run_default_path(
    original: Candidate, optimized: Candidate, options: SampleOptions
) -> tuple[DefaultPath | None, str]:
    """What differs on these inputs; None where that can't be known, and why."""
    if not available(LITERT_DEFAULT):
        return None, "LiteRT is not installed"
    runner = HostRunner(LITERT_DEFAULT)
    try:
        samples = make_samples(original.model, options)
        works = [
            Work(candidate.model, candidate.data, samples) for candidate in (original, optimized)
        ]
        with runner.start(works[0]) as first, runner.start(works[1]) as second:
            return _difference(first.outcome(), second.outcome())
    except MissingOpError as error:
        return None, f"LiteRT has no operator {error.op}"
    except RunnerError as error:
        return None, error.message()
    except UnsupportedError as error:
        return None, error.reason


def _difference(one: Outcome, other: Outcome) -> tuple[DefaultPath | None, str]:
    count, total, most = 0, 0, 0.0
    for ours, theirs in zip(one.outputs, other.outputs, strict=True):
        for first, second in zip(ours, theirs, strict=True):
            total += first.size
            if first.shape != second.shape or first.dtype != second.dtype:
                return None, "outputs have other shapes or types"
            difference = difference_of(first, second)
            if difference is not None:
                count, most = count + difference.count, max(most, difference.max_diff)
    return DefaultPath(count, total, most), ""
