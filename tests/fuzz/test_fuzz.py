"""A part of ``nox -s fuzz`` on every run, and that it would notice what it looks for."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from tests.fuzz import examine as examine_module
from tests.fuzz.examine import Combo, Examiner, combos, unstable
from tests.fuzz.generate import models, random_model
from tests.fuzz.shrink import shrink
from tests.support.paths import needs_tflm
from tests.support.runtime import runtime
from tflopt.io import write_bytes
from tflopt.ir import Buffer, Model, OpCode
from tflopt.ir.verify import verify
from tflopt.rewrite import Trace
from tflopt.rules.pipeline import run_pipeline

pytestmark = [pytest.mark.runtime, needs_tflm]
SIZE, FIXED, ROTATING = 20, 8, 8
"""Models of a batch; batches that are the same in every run; batches of the round alone."""
ROTATION = 10_000
"""Rounds until the same models come again."""
DISCARDS = 0.1
EFFORT = 0.1
"""Of the planner here: half of the time went into its searches, which tests/plan and the long run
are about. A plan that is found sooner is one all the same."""


def examine(seeds: Iterable[int]) -> int:
    """How many of the models TFLM doesn't run; fails at the first fault, and names its seed."""
    examiner, discarded = Examiner(runtime()), 0
    for seed in seeds:
        model = random_model(seed)
        ways = [replace(way, effort=EFFORT) for way in combos(random.Random(seed), 2)]
        found = examiner.examine(model, ways)
        assert not found.faults, (seed, [str(fault) for fault in found.faults])
        discarded += bool(found.discarded)
        if seed % 10 == 0:
            assert not unstable(model, Combo(overlap=None)), seed
    return discarded


@pytest.mark.long
@pytest.mark.parametrize("batch", range(FIXED))
def test_random_models_keep_their_bits(batch: int) -> None:
    assert examine(range(batch * SIZE, (batch + 1) * SIZE)) <= SIZE * DISCARDS


@pytest.mark.parametrize("batch", range(ROTATING))
def test_other_random_models_in_each_round(batch: int, fuzz_round: int) -> None:
    """``pytest --fuzz-round N`` repeats a round; a day is one, unless CI names its run."""
    first = FIXED * SIZE + (fuzz_round % ROTATION * ROTATING + batch) * SIZE
    assert examine(range(first, first + SIZE)) <= SIZE * DISCARDS


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(model=models())
def test_models_of_hypothesis_keep_their_bits(model: Model) -> None:
    verify(model, "the generator")
    found = Examiner(runtime()).examine(model, [Combo(effort=EFFORT)])
    assert not found.faults, [str(fault) for fault in found.faults]


def test_models_follow_from_their_seeds() -> None:
    assert write_bytes(random_model(7)) == write_bytes(random_model(7))
    assert write_bytes(random_model(7)) != write_bytes(random_model(8))


def test_models_are_of_many_kinds() -> None:
    counts: Counter[str] = Counter()
    ranks: set[int] = set()
    shapes: Counter[str] = Counter()
    for seed in range(300):
        model = random_model(seed)
        counts.update({op.opcode.label for op in model.ops()})
        ranks |= {len(value.shape) for value in model.main.values}
        shapes["graphs"] += len(model.graphs) > 1
        shapes["inputs"] += len(model.main.inputs) > 1
        shapes["outputs"] += len(model.main.outputs) > 1
        shapes["batch"] += any(v.shape[:1] > (1,) for v in model.main.inputs if len(v.shape) == 4)
    assert len(counts) >= 60, counts
    assert ranks >= {0, 1, 2, 3, 4, 5, 6}
    assert min(shapes.values()) >= 20, shapes


def test_a_wrong_weight_is_noticed_and_shrunk(monkeypatch: pytest.MonkeyPatch) -> None:

    def spoiled(model: Model, *options: object) -> Trace:
        trace = run_pipeline(model, *options)  # type: ignore[arg-type]
        for op in model.ops():
            if op.code is OpCode.CONV_2D and (weights := op.inputs[1]) is not None:
                data = weights.array().copy()
                data.reshape(-1)[:] = 1 - data.reshape(-1) // 2
                weights.buffer = Buffer(np.frombuffer(data.tobytes(), np.uint8))
                model.buffers.append(weights.buffer)
        return trace

    monkeypatch.setattr(examine_module, "run_pipeline", spoiled)
    examiner = Examiner(runtime())

    def fails(model: Model) -> bool:
        return any(f.kind == "mismatch" for f in examiner.examine(model, [Combo()]).faults)

    seed = next(seed for seed in range(100) if fails(random_model(seed)))
    small = shrink(random_model(seed), fails)
    assert [op.code for op in small.ops()] == [OpCode.CONV_2D]


def test_an_exception_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> Trace:
        raise IndexError("list index out of range")

    monkeypatch.setattr(examine_module, "run_pipeline", broken)
    found = Examiner(runtime()).examine(random_model(1), [Combo()])
    assert [fault.kind for fault in found.faults] == ["crash"]
    assert "IndexError" in str(found.faults[0])
