"""A second opinion: are random models, composed as exporters write them, still the same?

``python benchmarks/judge.py --count 10000`` composes models from the motifs of
``benchmarks/judging``, with several readers, outputs that are read on or are inputs, and
subgraphs, and optimizes each with one combination of options after another. Original and result run
on TFLM twice, in processes whose fresh memory is filled with different bytes
(``MALLOC_PERTURB_``): an original that then differs from itself is undefined, and set aside. A
difference, a result that doesn't run, or an error is written to ``--keep`` and is exit code 1.

It shares nothing with tflopt's rules, plan and layout, nor with the comparison of ``optimize``.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.judging.further import FURTHER
from benchmarks.judging.layers import RARER
from benchmarks.judging.motifs import MOST, MOTIFS, Motif, Net
from benchmarks.judging.state import STATEFUL, branched
from tests.support.runtime import Outputs, Runtime, RuntimeFailure
from tflopt.config import Config, Goal, IoLayout, Strip, Tiling
from tflopt.config import Runtime as Loader
from tflopt.errors import TfloptError
from tflopt.io import read_bytes, write_bytes
from tflopt.ir import DType, Model, OpCode, Value
from tflopt.product.optimize import optimize
from tflopt.target import Target
from tflopt.target.device import Device
from tflopt.target.memory import PlanRequest

FILLS = ("85", "170")
SHAPES = ((1, 8, 8, 3), (1, 6, 5, 4), (2, 4, 4, 2), (1, 12, 4), (1, 16), (3, 8), (1, 2, 3, 4, 2))
SAMPLES = 4
TARGETS = ("cortex-m55", "cortex-m4", "cortex-m0")
PLANS = (
    None,
    PlanRequest(),
    PlanRequest(in_place=False),
    PlanRequest(offline=replace(PlanRequest().offline, preserve_inputs=True)),
)
OPTIONS = [
    Config(
        runtime=loader,
        strip=strip,
        device=Device(Target.parse(target)),
        plan=plan,
        goal=goal,
        route_around=route,
        io_layout=IoLayout.KEEP,
        tiling=tiling,
    )
    for goal, plan, loader, strip, target, route, tiling in product(
        Goal, PLANS, Loader, Strip, TARGETS, (True, False), (None, Tiling(0.5))
    )
]
"""Every combination that promises equal bits and the same interface."""


def compose(seed: int) -> Model:
    """One model; the same for the same seed."""
    rng = np.random.default_rng(seed)
    net = Net(rng)
    values = [net.b.input(SHAPES[int(rng.integers(len(SHAPES)))], quant=net.quant())]
    if rng.random() < 0.3:
        values.append(net.b.input(SHAPES[int(rng.integers(len(SHAPES)))], quant=net.quant()))
    made: list[Value] = []
    for _ in range(int(rng.integers(3, 14))):
        recent = values[-2:] if rng.random() < 0.8 else values
        source = recent[int(rng.integers(len(recent)))]
        motif = _motif(rng)
        found = motif(net, source)
        if found is not None and 0 < found.elements <= MOST:
            values.append(found)
            made.append(found)
    under = branched(net, made[-1]) if made and rng.random() < 0.1 else None
    made += [] if under is None else [under]
    ends = made[-1:] or [net.b.op(OpCode.RELU, [values[0]], values[0].shape)]
    ends += [value for value in made[:-1] if not value.uses or rng.random() < 0.1]
    net.b.output(*dict.fromkeys(ends))
    if rng.random() < 0.1:
        net.b.output(values[0])
    return net.b.model


def _motif(rng: np.random.Generator) -> Motif:
    """One of all; those that keep state or call subgraphs come up in one place of ten."""
    room: Sequence[Motif] = STATEFUL if rng.random() < 0.1 else (*MOTIFS, *RARER, *FURTHER)
    return room[int(rng.integers(len(room)))]


def samples(model: Model, seed: int) -> list[list[npt.NDArray[np.generic]]]:
    """The lowest, the highest, and inputs over the whole range."""
    rng = np.random.default_rng(seed)
    found = []
    for number in range(SAMPLES):
        feed: list[npt.NDArray[np.generic]] = []
        for value in model.main.inputs:
            if value.dtype is DType.BOOL:
                feed.append(np.full(value.shape, bool(number % 2)))
            elif number < 2:
                feed.append(np.full(value.shape, (-128, 127)[number], np.int8))
            else:
                feed.append(rng.integers(-128, 128, value.shape).astype(np.int8))
        found.append(feed)
    return found


@dataclass(frozen=True)
class Verdict:
    """What came of one model: ``same``, ``undefined``, ``refused`` by TFLM, or a finding."""

    kind: str
    detail: str = ""


class Judge:
    """Two runtimes with different fresh memory."""

    def __init__(self) -> None:
        self.runtimes = [Runtime() for _ in FILLS]

    def stop(self) -> None:
        """End the processes."""
        for runtime in self.runtimes:
            runtime.stop()
            runtime.log.close()

    def run(self, model: Model, data: bytes, feed: Outputs) -> Iterator[Outputs]:
        """Outputs in each of them."""
        has_state = any(graph is not model.main for graph in model.graphs)
        size = None if has_state else (1 << 22, len(model.main.outputs))
        for fill, runtime in zip(FILLS, self.runtimes, strict=True):
            os.environ["MALLOC_PERTURB_"] = fill
            try:
                yield runtime.run("tflm", data, feed, size)
            finally:
                del os.environ["MALLOC_PERTURB_"]

    def judge(self, model: Model, config: Config, seed: int) -> Verdict:
        """Compare a model with what tflopt makes of it."""
        data = write_bytes(model)
        try:
            original = read_bytes(data)
            result = optimize(original, config=config)
        except TfloptError as error:
            return Verdict("internal" if "internal" in str(error) else "declined", str(error))
        except Exception as error:  # what a rule never foresaw is a finding like any other
            return Verdict("internal", f"{type(error).__name__}: {error}")
        feed = samples(original, seed)
        try:
            before = list(self.run(original, data, feed))
        except RuntimeFailure as failure:
            return Verdict("refused", str(failure)[:200])
        if not equal(before[0], before[1]):
            return Verdict("undefined")
        try:
            after = list(self.run(result, write_bytes(result), feed))
        except RuntimeFailure as failure:
            return Verdict("does not run", str(failure)[:300])
        if interface(original) != interface(result):
            return Verdict("different", "the interface")
        return Verdict("same" if all(equal(before[0], each) for each in after) else "different")


def equal(one: Outputs, two: Outputs) -> bool:
    """Bit for bit."""
    return all(
        (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes())
        for ours, theirs in zip(one, two, strict=True)
        for a, b in zip(ours, theirs, strict=True)
    )


def interface(model: Model) -> list[tuple[object, ...]]:
    """What a caller must know of inputs and outputs to read their numbers."""
    ports = (*model.main.inputs, *model.main.outputs)
    return [(value.dtype, value.shape, *_quantization(value)) for value in ports]


def _quantization(value: Value) -> list[object]:
    found = value.quant
    vectors = () if found is None else (found.scale, found.zero_point)
    return [None if vector is None else vector.tolist() for vector in vectors]


FINDINGS = ("different", "does not run", "internal")


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 1 where anything was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, default=Path("build/judge"))
    chosen = parser.parse_args(arguments)
    judge, counts = Judge(), Counter[str]()
    try:
        for seed in range(chosen.seed, chosen.seed + chosen.count):
            model, config = compose(seed), OPTIONS[seed * 7919 % len(OPTIONS)]
            verdict = judge.judge(model, config, seed)
            counts[verdict.kind] += 1
            if verdict.kind in FINDINGS:
                chosen.keep.mkdir(parents=True, exist_ok=True)
                (chosen.keep / f"{seed}.tflite").write_bytes(write_bytes(model))
                sys.stdout.write(f"seed {seed}: {verdict.kind} {verdict.detail}\n  {config}\n")
    finally:
        judge.stop()
    told = ", ".join(f"{kind} {count:,}" for kind, count in counts.most_common())
    sys.stdout.write(f"{chosen.count:,} models from seed {chosen.seed}: {told}\n")
    return int(any(counts[kind] for kind in FINDINGS))


if __name__ == "__main__":
    sys.exit(main())
