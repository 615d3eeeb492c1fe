"""Random models: from a seed, or from hypothesis, which shrinks them."""

from __future__ import annotations

import random

import numpy as np
from hypothesis import strategies as st

from tests.fuzz import steps_compute, steps_moves, steps_patterns, steps_rare, steps_types
from tests.fuzz.grower import Grower, Step
from tests.support.deoptimize import deoptimize, plan
from tflopt.ir import Buffer, DType, Metadata, Model, OpCode
from tflopt.rules.pipeline import Selection, run_pipeline

GROUPS: tuple[tuple[float, dict[str, Step]], ...] = (
    (0.32, steps_compute.STEPS),
    (0.20, steps_moves.STEPS),
    (0.25, steps_patterns.STEPS),
    (0.12, steps_types.STEPS),
    (0.11, steps_rare.STEPS),
)
LACKING = 0.06
"""Share of models with an operator that TFLM lacks; these are compared on LiteRT."""
PLANNED = 0.1
"""Share of models that carry a memory plan already."""
LABELLED = 0.2
"""Share of models with texts and metadata."""
WORSE = 0.3
"""Share of models that the de-optimizer makes worse."""


def grow(rng: random.Random) -> Model:
    """One model: inputs, some steps, and all that nobody reads as outputs."""
    g = Grower(rng)
    g.enter(4 if g.chance(0.7) else rng.randint(1, 6))
    for _ in range(rng.choice((0, 0, 1, 2))):
        g.enter(rng.choice((1, 2, 3, 4, 4, 5)))
    if g.chance(0.05):
        g.enter(4, DType.INT16)
    for _ in range(rng.randint(1, 9)):
        _step(g)
    summed = any(op.code is OpCode.SUM for op in g.graph.ops)  # which wraps around on LiteRT
    if g.chance(LACKING) and not summed:
        steps_rare.UNSUPPORTED[g.random.choice(sorted(steps_rare.UNSUPPORTED))](g)
    if not g.graph.ops:
        g.keep(g.relu(g.live[0]))
    return finish(g)


def _step(g: Grower) -> None:
    weights = [weight for weight, _ in GROUPS]
    for _ in range(4):
        steps = g.random.choices([steps for _, steps in GROUPS], weights)[0]
        if steps[g.random.choice(sorted(steps))](g):
            return


def finish(g: Grower) -> Model:
    """Unread results become outputs, now and then one that is read too."""
    unread = [
        value
        for op in g.graph.ops
        for value in op.outputs
        if not value.uses and value.dtype is not DType.RESOURCE
    ]
    kept = unread if g.chance(0.8) else unread[-1:]
    read = [value for value in g.live if value.producer is not None and value not in kept]
    if not kept or (read and g.chance(0.25)):
        kept.append(g.random.choice(read))
    g.output(*kept)
    if g.chance(LABELLED):
        g.model.description = "made at random"
        g.graph.name = "main"
        entry = Metadata("min_runtime_version", Buffer(np.frombuffer(b"1.5.0", np.uint8)))
        g.model.buffers.append(entry.buffer)
        g.model.metadata = [entry]
    return g.model


def random_model(seed: int) -> Model:
    """The model of a seed."""
    rng = random.Random(seed)
    model = grow(rng)
    if rng.random() < WORSE:
        model = deoptimize(model, plan(rng.getrandbits(32), rng.randint(1, 4)))[0]
    if rng.random() < PLANNED:
        run_pipeline(model, Selection(only=("plan-memory",)))
    return model


def models() -> st.SearchStrategy[Model]:
    """Random models for hypothesis: it controls every choice of the generator."""
    return st.builds(grow, st.randoms(use_true_random=False))
