"""Makes clean models worse without changing what they compute, as exporters do.

:func:`deoptimize` applies mutations from :mod:`tests.support.mutations` and its siblings. Each is
exact for every input, so original and result must agree on TFLM bit for bit; and an optimizer
must find its way back to no more moved bytes than the clean model has.
"""

from __future__ import annotations

import random
from collections.abc import Collection
from dataclasses import dataclass

from tests.support import mutations_layout, mutations_ops, mutations_windows
from tests.support.mutation import Mutation, Site
from tflopt.io import read_bytes, write_bytes
from tflopt.ir import Model
from tflopt.ir.verify import verify

MUTATIONS: dict[str, Mutation] = {
    **mutations_layout.MUTATIONS,
    **mutations_ops.MUTATIONS,
    **mutations_windows.MUTATIONS,
}
TRIES = 6


@dataclass(frozen=True)
class Step:
    """One mutation with the seed that picks its place."""

    name: str
    seed: int


def plan(seed: int, count: int, names: Collection[str] | None = None) -> list[Step]:
    """``count`` random steps; which of them find a place depends on the model."""
    rng = random.Random(seed)
    pool = sorted(names or MUTATIONS)
    return [Step(rng.choice(pool), rng.getrandbits(32)) for _ in range(count)]


def deoptimize(clean: Model, steps: Collection[Step]) -> tuple[Model, list[str]]:
    """A worse copy of ``clean``, written and read back, and the mutations that found a place.

    Raises:
        VerifyError: a mutation left an inconsistent graph.
    """
    model = read_bytes(write_bytes(clean))
    done = []
    for step in steps:
        rng = random.Random(step.seed)
        if any(MUTATIONS[step.name](Site(model, rng)) for _ in range(TRIES)):
            verify(model, step.name)
            done.append(step.name)
    return read_bytes(write_bytes(model)), done
