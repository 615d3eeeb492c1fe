"""Many layers in one model, run once on the host's reference kernels and once on the device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from benchmarks.device_layers.families import FAMILIES, Spec
from benchmarks.device_layers.kit import LayerKit
from tests.support.runtime import RuntimeFailure, runtime
from tflopt.errors import RunnerError
from tflopt.io import write_bytes
from tflopt.ir import Model
from tflopt.run.runner import MissingOpError, Runner, Work

Arrays = list[npt.NDArray[np.generic]]
SAMPLES = 4


@dataclass(frozen=True)
class Difference:
    """One layer that the device computes otherwise, or that stops it: ``failure`` says how."""

    spec: Spec
    elements: int
    wrong: int
    max_diff: int
    failure: str = ""

    def __str__(self) -> str:
        what = self.failure or f"{self.wrong} of {self.elements} differ, at most {self.max_diff}"
        return f"{self.spec}: {what}"


@dataclass(frozen=True)
class Pack:
    """Layers side by side: each has its own inputs and its own output."""

    specs: tuple[Spec, ...]
    model: Model
    samples: list[Arrays]

    @cached_property
    def data(self) -> bytes:
        """The file."""
        return write_bytes(self.model)


class NoReferenceError(Exception):
    """The host's kernels refuse the pack."""


def make_pack(specs: Sequence[Spec]) -> Pack:
    """A model of ``specs`` and inputs for it: random ones, and the extremes in the last sample."""
    kit = LayerKit()
    inputs: list[Arrays] = [[] for _ in range(SAMPLES)]
    for spec in specs:
        known = len(kit.graph.inputs)
        kit.output(FAMILIES[spec.family].build(kit, spec.values))
        for position, value in enumerate(list(kit.graph.inputs)[known:]):
            dtype = value.dtype.numpy
            assert dtype is not None
            info = np.iinfo(dtype.name)
            for sample, feed in enumerate(inputs):
                rng = np.random.default_rng((spec.values["seed"], position, sample))
                array = rng.integers(info.min, info.max + 1, value.shape)
                if sample == SAMPLES - 1:
                    array = np.where(array < 0, info.min, info.max)
                feed.append(array.astype(dtype))
    return Pack(tuple(specs), kit.model, inputs)


def run_pack(specs: Sequence[Spec], device: Runner) -> list[Difference]:
    """The layers that differ; a pack that the device fails on is halved until one layer is left.

    Raises:
        NoReferenceError: the host's kernels refuse a layer.
    """
    if not specs:
        return []
    pack = make_pack(specs)
    try:
        expected = runtime().run("tflm", pack.data, pack.samples)
    except RuntimeFailure as failure:
        raise NoReferenceError(f"{specs[0].family}: {failure}") from failure
    try:
        with device.start(Work(pack.model, pack.data, pack.samples)) as job:
            found = job.outcome().outputs
    except (RunnerError, MissingOpError) as error:
        if len(specs) == 1:
            return [Difference(specs[0], 0, 0, 0, str(error)[:300])]
        half = len(specs) // 2
        return run_pack(specs[:half], device) + run_pack(specs[half:], device)
    return compare(pack, expected, found)


def compare(pack: Pack, expected: Sequence[Arrays], found: Sequence[Arrays]) -> list[Difference]:
    """Layer by layer, over all samples."""
    differences = []
    for position, spec in enumerate(pack.specs):
        old = np.stack([sample[position] for sample in expected]).astype(np.int64)
        new = np.stack([sample[position] for sample in found]).astype(np.int64)
        gap = np.abs(old - new)
        if gap.any():
            wrong = int(np.count_nonzero(gap))
            differences.append(Difference(spec, old.size, wrong, int(gap.max())))
    return differences
