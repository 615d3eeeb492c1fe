"""One trial of the optimizer against the de-optimizer, and the least that shows a failure."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache

from tests.support.base_nets import NETS, TESTED_FILES, from_file
from tests.support.deoptimize import Step, deoptimize, plan
from tests.support.runtime import RuntimeFailure, runtime
from tflopt.config import Config
from tflopt.facts.work import MOVES, moved_bytes
from tflopt.io import write_bytes
from tflopt.ir import Model
from tflopt.ir.clone import clone
from tflopt.rewrite import NearMiss
from tflopt.rules.pipeline import Selection, run_pipeline
from tflopt.run.samples import SampleOptions, make_samples

BASES = sorted([*NETS, *TESTED_FILES])
CONFIG = Config(plan=None)
PRICED = Selection(
    disable=("mean-to-convolution", "flatten-mean", "look-up-table", "fold-stride-into-channels")
)
"""Without the rules that pay for fewer instructions with a RESHAPE, or a GATHER out of a table:
bytes are all that counts."""
SAMPLES = 8
VARIANTS = 4
"""Different clean models of each base net."""


@dataclass(frozen=True)
class Trial:
    """A base net, and the steps that make it worse."""

    base: str
    variant: int
    steps: tuple[Step, ...]

    def clean(self) -> Model:
        """The model as it should be."""
        return _clean(self.base, self.variant)

    def worse(self) -> Model:
        """The model as the optimizer gets it."""
        return deoptimize(self.clean(), self.steps)[0]


@dataclass(frozen=True)
class Finding:
    """What came of a trial; ``fault`` is empty where all went well."""

    trial: Trial
    fault: str
    clean_bytes: int = 0
    worse_bytes: int = 0
    found_bytes: int = 0
    done: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    near_misses: tuple[NearMiss, ...] = field(default=(), repr=False)


@cache
def _clean(base: str, variant: int) -> Model:
    return NETS[base](random.Random(variant)) if base in NETS else from_file(base)


def make_trial(seed: int) -> Trial:
    """The trial of a seed."""
    rng = random.Random(seed)
    base = BASES[seed % len(BASES)]
    return Trial(base, rng.randrange(VARIANTS), tuple(plan(seed, rng.randint(3, 10))))


def moves(model: Model) -> int:
    """Bytes that all pure data movement writes."""
    return sum(moved_bytes(op) for op in model.ops())


def run_trial(trial: Trial, *, on_tflm: bool = True) -> Finding:
    """De-optimize, optimize, and compare with the clean model in bytes and in bits."""
    clean = trial.clean()
    worse, done = deoptimize(clean, trial.steps)
    found = clone(worse)
    trace = run_pipeline(found, PRICED, CONFIG)
    sizes = [moves(model) for model in (clean, worse, found)]
    left = [op.opcode.label for op in found.ops() if op.code in MOVES]
    fault = "" if sizes[2] <= sizes[0] else "more bytes"
    if on_tflm:
        fault = _difference(clean, worse, found) or fault
    return Finding(
        trial,
        fault,
        clean_bytes=sizes[0],
        worse_bytes=sizes[1],
        found_bytes=sizes[2],
        done=tuple(done),
        left=tuple(left),
        near_misses=tuple(trace.near_misses),
    )


def _difference(clean: Model, worse: Model, found: Model) -> str:
    samples = make_samples(clean, SampleOptions(SAMPLES, seed=1))
    outputs = []
    for name, model in (("clean", clean), ("de-optimized", worse), ("optimized", found)):
        try:
            answer = runtime().run("tflm", write_bytes(model), samples)
        except RuntimeFailure as failure:
            return f"the {name} model does not run: {failure}"
        outputs.append([[value.tobytes() for value in sample] for sample in answer])
    if outputs[0] != outputs[1]:
        return "the de-optimizer is not exact"
    return "" if outputs[0] == outputs[2] else "outputs differ"


def shrink(finding: Finding) -> Finding:
    """The same fault with as few steps as leaving out one at a time gives."""
    best, smaller = finding, True
    while smaller:
        smaller = False
        for index in range(len(best.trial.steps)):
            again = run_trial(_without(best.trial, index), on_tflm=best.fault != "more bytes")
            if again.fault == best.fault:
                best, smaller = again, True
                break
    return best


def _without(trial: Trial, index: int) -> Trial:
    steps: Sequence[Step] = trial.steps
    return replace(trial, steps=(*steps[:index], *steps[index + 1 :]))
