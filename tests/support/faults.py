"""Faults that a wrong rule would leave behind, each put into an optimized model at a random place.

A fault returns the operators that it changed, none where it finds no place. What they produce loses
its origin, as it does where a rule replaces operators, so that verification can't compare it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from tests.support import faults_compute, faults_structure
from tests.support.base_nets import NETS
from tests.support.fault import Fault, find
from tests.support.kit import Kit
from tests.support.paths import TESTDATA
from tflopt.config import Config
from tflopt.facts.offline_plan import PLAN_NAME
from tflopt.io import read_bytes, write_bytes
from tflopt.ir import Model, Op, OpCode, Padding
from tflopt.ir.clone import clone
from tflopt.ir.options import LeakyReluOptions
from tflopt.ir.types import Activation
from tflopt.ir.verify import verify
from tflopt.rules.pipeline import run_pipeline
from tflopt.verify.compare import Candidate, Verification, compare

FILES = ("streaming_variables", "tcn_causal_dilated", "torch_cnn", "unet")


def overlapping_plan(model: Model, rng: random.Random) -> Sequence[Op]:
    """What a layer writes lies in the memory plan where what it reads lies."""
    return _moved(model, rng, lambda offset, size: offset)


def plan_too_tight(model: Model, rng: random.Random) -> Sequence[Op]:
    """What a layer writes begins 16 bytes before the end of what it reads."""
    return _moved(model, rng, lambda offset, size: offset + (size - 1) // 16 * 16)


def _moved(model: Model, rng: random.Random, where: Callable[[int, int], int]) -> Sequence[Op]:
    plans = [entry.buffer for entry in model.metadata or () if entry.name == PLAN_NAME]
    layers = find(model, rng, OpCode.CONV_2D, OpCode.FULLY_CONNECTED, OpCode.DEPTHWISE_CONV_2D)
    if not plans or plans[0].data is None:
        return []
    table = plans[0].data.view("<i4").copy()
    place = {value: 3 + index for index, value in enumerate(model.main.values)}
    for op in layers:
        x, y = op.inputs[0], op.output
        if x is None or x.producer is None or table[place[x]] < 0 or table[place[y]] < 0:
            continue
        size, strides = (
            x.size_bytes or 0,
            (
                getattr(op.options, "stride_h", 1),
                getattr(op.options, "stride_w", 1),
            ),
        )
        # A stride reads ahead of what it writes, and may leave the end unread: no harm is done.
        if size >= 32 and (y.size_bytes or 0) >= 32 and strides == (1, 1):
            table[place[y]] = where(int(table[place[x]]), size)
            plans[0].data = np.frombuffer(table.tobytes(), np.uint8)
            return [op]
    return []


FAULTS: dict[str, Fault] = {
    **faults_compute.FAULTS,
    **faults_structure.FAULTS,
    "overlapping-plan": overlapping_plan,
    "plan-too-tight": plan_too_tight,
}
PLANNED = ("overlapping-plan", "plan-too-tight")


def assorted() -> Model:
    """A net with the operators that the other ones lack."""
    n = Kit(5)
    feed = n.feed(1, 6, 6, 4)
    n.output(*(n.conv2d(feed, 3, activation=Activation.RELU6) for _ in range(2)))
    x = n.conv2d(feed, 4, dilation=(2, 2))
    y = n.op(OpCode.LEAKY_RELU, [x], x.shape, options=LeakyReluOptions(0.2), quant=(0.04, -5))
    z = n.binary(OpCode.SUB, y, n.conv2d(y, 4, (3, 3)), quant=(0.06, 7))
    turned = n.transpose(n.unary(OpCode.TANH, z, quant=(1 / 128, 0)), 0, 3, 2, 1)
    cut = n.slice(turned, [0, 0, 1, 0], [1, 4, 4, 6])
    mean = n.reduce(OpCode.MEAN, z, [1, 2], quant=(0.03, 4))
    row = n.reduce(OpCode.MEAN, z, [1], keep=False, quant=(0.03, 4))
    pooled = n.pool(OpCode.AVERAGE_POOL_2D, z, (2, 2), padding=Padding.VALID)
    n.output(cut, n.conv2d(mean, 4, (1, 1)), row, pooled)
    return n.model


BASES = ("assorted", *NETS, *FILES)


@dataclass(frozen=True)
class Spoiled:
    """An original, and what a faulty rule made of it."""

    original: Candidate
    faulty: Candidate

    def verdict(self) -> Verification:
        """What the verification says."""
        return compare(self.original, self.faulty)


@cache
def _original(base: str) -> Model:
    if base in FILES:
        return read_bytes((TESTDATA / f"{base}.tflite").read_bytes())
    model = assorted() if base == "assorted" else NETS[base](random.Random(1))
    return read_bytes(write_bytes(model))


def spoil(name: str, base: str, seed: int) -> Spoiled | None:
    """A model that is optimized, with a fault; None where there is no place for it."""
    original = _original(base)
    model = clone(original)
    config = Config() if name in PLANNED else Config(plan=None)
    run_pipeline(model, config=config)
    changed = FAULTS[name](model, random.Random(seed))
    if not changed:
        return None
    for op in changed:
        for value in op.outputs:
            value.origin = None
    verify(model, name)
    return Spoiled(
        Candidate(original, write_bytes(original)),
        Candidate(model, write_bytes(model), derived=True),
    )
