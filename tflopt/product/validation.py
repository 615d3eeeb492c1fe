"""Comparing two models with their memory plans in force, wherever a runner can honour them."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from tflopt.annotation.annotate import is_for_device_only
from tflopt.io import write_bytes
from tflopt.ir import Model
from tflopt.run.runner import Runner
from tflopt.run.samples import SampleOptions
from tflopt.run.shared import sharing
from tflopt.verify.around import compare_around
from tflopt.verify.compare import Candidate, Layers, Verification, compare, without_plan
from tflopt.verify.signatures import compare_signatures

OVERLAP_NOTE = (
    "without the memory plan: its overlaps follow the order in which CMSIS-NN's kernels on the "
    "target read and write, which a host's kernels don't share"
)


def validate(
    original: Model,
    optimized: Model,
    *,
    runner: str | Runner = "auto",
    samples: SampleOptions | None = None,
    layers: bool = False,
    reference: str | Runner | None = None,
) -> Verification:
    """Run two models on the same inputs and compare their outputs bit for bit.

    Args:
        original: what the outputs must be those of.
        optimized: any model with the same inputs and outputs.
        runner: ``auto``, ``tflm``, ``litert``, or a runner on a device.
        samples: how many inputs, from which seed.
        layers: compare inner tensors as well; without it that is done where outputs differ.
        reference: runs the original instead of ``runner``.

    Raises:
        RunnerError: no runner is installed.
        UsageError: there is no such runner.
    """
    pair = [Candidate(model, write_bytes(model)) for model in (original, optimized)]
    return validate_files(*pair, runner=runner, samples=samples, layers=layers, reference=reference)


def validate_files(
    original: Candidate,
    optimized: Candidate,
    *,
    runner: str | Runner = "auto",
    samples: SampleOptions | None = None,
    layers: bool = False,
    reference: str | Runner | None = None,
) -> Verification:
    """As :func:`validate`, with the bytes that the runtimes get."""
    overlaps = (is_for_device_only(original.model), is_for_device_only(optimized.model))
    with sharing():
        return compare_in_force(
            original,
            optimized,
            overlaps,
            runner=runner,
            options=samples,
            layers="always" if layers else "different",
            reference=reference,
        )


def compare_in_force(
    original: Candidate,
    optimized: Candidate,
    overlaps: tuple[bool, bool],
    *,
    runner: str | Runner,
    options: SampleOptions | None,
    layers: Layers = "derived",
    reference: str | Runner | None = None,
) -> Verification:
    """Compare with the plans in force, but where ``overlaps`` names one that only a device can run
    and the runner isn't one.
    """
    hosts = [_is_host(reference or runner), _is_host(runner)]
    dropped = [host and overlap for host, overlap in zip(hosts, overlaps, strict=True)]
    pair = [
        without_plan(candidate) if drop else candidate
        for candidate, drop in zip((original, optimized), dropped, strict=True)
    ]
    both = partial(
        compare,
        runner=runner,
        options=options,
        layers=layers,
        reference=reference,
    )
    verdict = compare_around(pair[0], pair[1], both)
    verdict = compare_signatures(pair[0], pair[1], verdict, both)
    if any(dropped):
        return replace(verdict, note="; ".join(filter(None, [verdict.note, OVERLAP_NOTE])))
    return verdict


def _is_host(runner: str | Runner) -> bool:
    return isinstance(runner, str) or not runner.is_device
