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
import atexit
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.progress import track

from benchmarks.judging.further import FURTHER
from benchmarks.judging.layers import RARER
from benchmarks.judging.lookups import LOOKUPS
from benchmarks.judging.motifs import MOST, MOTIFS, Motif, Net
from benchmarks.judging.state import STATEFUL, branched
from benchmarks.judging.wide import WIDE, widened
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
WIDE_SHARE = 0.1
"""Of models whose inputs are int16."""
TOLD_EVERY = 100
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


def compose(seed: int, *, spelled: bool = False) -> Model:
    """One model; the same for the same seed.

    Args:
        spelled: what TFLM lacks is written by operators that it has.
    """
    rng = np.random.default_rng(seed)
    net = Net(rng, spelled=spelled)
    net.kind = DType.INT16 if rng.random() < WIDE_SHARE else DType.INT8
    values = [_input(net)]
    if rng.random() < 0.3:
        values.append(_input(net))
    made: list[Value] = []
    for _ in range(int(rng.integers(3, 14))):
        recent = values[-2:] if rng.random() < 0.8 else values
        source = recent[int(rng.integers(len(recent)))]
        net.kind = source.dtype
        found = _motif(net)(net, source)
        if found is not None and 0 < found.elements <= MOST:
            values.append(found)
            made.append(found)
    net.kind = values[-1].dtype
    under = branched(net, made[-1]) if made and rng.random() < 0.1 else None
    made += [] if under is None else [under]
    ends = made[-1:] or [net.b.op(OpCode.RELU, [values[0]], values[0].shape)]
    ends += net.ends
    ends += [value for value in made[:-1] if not value.uses or rng.random() < 0.1]
    net.b.output(*dict.fromkeys(ends))
    if rng.random() < 0.1:
        net.b.output(values[0])
    return net.b.model


def _input(net: Net) -> Value:
    shape = SHAPES[int(net.rng.integers(len(SHAPES)))]
    return net.b.input(shape, net.kind, net.quant())


def _motif(net: Net) -> Motif:
    """One of all; those that keep state or call subgraphs come up in one place of ten."""
    room: Sequence[Motif] = (*MOTIFS, *RARER, *FURTHER, *LOOKUPS, widened)
    if net.kind is DType.INT16:
        room = WIDE
    elif net.rng.random() < 0.1:
        room = STATEFUL
    return room[int(net.rng.integers(len(room)))]


def samples(model: Model, seed: int) -> list[list[npt.NDArray[np.generic]]]:
    """The lowest, the highest, and inputs over the whole range."""
    rng = np.random.default_rng(seed)
    found = []
    for number in range(SAMPLES):
        feed: list[npt.NDArray[np.generic]] = []
        for value in model.main.inputs:
            if value.dtype is DType.BOOL:
                feed.append(np.full(value.shape, bool(number % 2)))
            else:
                kind = np.int16 if value.dtype is DType.INT16 else np.int8
                low, high = np.iinfo(kind).min, np.iinfo(kind).max
                ends = (low, high) if number > 1 else ((low, high)[number],) * 2
                feed.append(rng.integers(*ends, value.shape, endpoint=True).astype(kind))
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
        has_state = any(op.code is OpCode.VAR_HANDLE for op in model.ops())
        size = None if has_state else (1 << 22, len(model.main.outputs))
        for fill, runtime in zip(FILLS, self.runtimes, strict=True):
            os.environ["MALLOC_PERTURB_"] = fill
            try:
                yield runtime.run("tflm", data, feed, size)
            finally:
                del os.environ["MALLOC_PERTURB_"]

    def judge(
        self, model: Model, config: Config, seed: int, spelled: Model | None = None
    ) -> Verdict:
        """Compare a model with what tflopt makes of it.

        Args:
            spelled: what runs in place of the original, where TFLM lacks an operator of it.
        """
        data, runnable = write_bytes(model), write_bytes(spelled or model)
        try:
            original = read_bytes(data)
            result = optimize(original, config=config)
        except TfloptError as error:
            return Verdict("internal" if "internal" in str(error) else "declined", str(error))
        except Exception as error:  # what a rule never foresaw is a finding like any other
            return Verdict("internal", f"{type(error).__name__}: {error}")
        feed = samples(original, seed)
        try:
            before = list(self.run(original, runnable, feed))
        except RuntimeFailure as failure:
            return Verdict("refused", str(failure)[:200])
        if not equal(before[0], before[1]):
            return Verdict("undefined")
        if spelled is not None and labels(result) & (labels(model) - labels(spelled)):
            return Verdict("refused", "an operator that TFLM lacks is left")
        try:
            after = list(self.run(result, write_bytes(result), feed))
        except RuntimeFailure as failure:
            return Verdict("does not run", str(failure)[:300])
        if interface(original) != interface(result):
            return Verdict("different", "the interface")
        return Verdict("same" if all(equal(before[0], each) for each in after) else "different")


def labels(model: Model) -> set[str]:
    """Names of the operators."""
    return {op.opcode.label for op in model.ops()}


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


@dataclass(frozen=True)
class Finding:
    """What came of the model of a seed, and with which options."""

    seed: int
    verdict: Verdict
    config: Config


_judges: list[Judge] = []


def examine(seed: int) -> Finding:
    """Compose, optimize and compare one model, with the runtimes of this process."""
    if not _judges:
        _judges.append(Judge())
        atexit.register(_judges[0].stop)
    config = OPTIONS[seed * 7919 % len(OPTIONS)]
    verdict = _judges[0].judge(compose(seed), config, seed, compose(seed, spelled=True))
    return Finding(seed, verdict, config)


def examined(seeds: Sequence[int], jobs: int) -> Iterator[Finding]:
    """All of them, in the order in which they end."""
    if jobs == 1:
        yield from map(examine, seeds)
        return
    with get_context("spawn").Pool(jobs) as pool:
        yield from pool.imap_unordered(examine, seeds, 8)
        pool.close()
        pool.join()


def shown(findings: Iterator[Finding], count: int) -> Iterator[Finding]:
    """The same, with a bar on a terminal, and a line now and then where it isn't one."""
    if sys.stderr.isatty():
        console = Console(stderr=True)
        yield from track(findings, "models", total=count, console=console, transient=True)
        return
    for number, each in enumerate(findings, 1):
        yield each
        if number % TOLD_EVERY == 0:
            print(f"{number:,} of {count:,}", file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 1 where anything was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--keep", type=Path, default=Path("build/judge"))
    chosen = parser.parse_args(arguments)
    counts, seeds = Counter[str](), range(chosen.seed, chosen.seed + chosen.count)
    for each in shown(examined(seeds, chosen.jobs), chosen.count):
        counts[each.verdict.kind] += 1
        if each.verdict.kind in FINDINGS:
            chosen.keep.mkdir(parents=True, exist_ok=True)
            (chosen.keep / f"{each.seed}.tflite").write_bytes(write_bytes(compose(each.seed)))
            told = f"seed {each.seed}: {each.verdict.kind} {each.verdict.detail}"
            print(f"{told}\n  {each.config}", flush=True)
    told = ", ".join(f"{kind} {count:,}" for kind, count in counts.most_common())
    print(f"{chosen.count:,} models from seed {chosen.seed}: {told}")
    return int(any(counts[kind] for kind in FINDINGS))


if __name__ == "__main__":
    sys.exit(main())
