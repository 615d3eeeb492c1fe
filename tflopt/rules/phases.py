"""The phases of the pipeline, as data: which rules run, how often, under which options.

A rule enters a phase by its stage, so nothing here names a rule.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from tflopt.config import Config, Strip
from tflopt.rewrite import Stage


class Mode(Enum):
    """How the rules of a phase take turns."""

    ONCE = "once"
    """Each rule of the whole model once, in order."""
    FIXPOINT = "fixpoint"
    """Local rules to a fixpoint, then those of the whole model; again while these change it."""
    REPEAT = "repeat"
    """As FIXPOINT, but again while anything changes: a rule may look at any operator before."""
    TRIAL = "trial"
    """The rules of the first stage, one operator after another on a copy, with FIXPOINT of the
    others; the copy is kept where the whole model is better."""
    SEARCH = "search"
    """FIXPOINT with what forms may spend computed anew, then ``after``; again while these change
    it: forms may fit between other tensors that are alive."""


@dataclass(frozen=True)
class Condition:
    """Under which options a phase runs, in words and as code."""

    text: str
    holds: Callable[[Config], bool]


ALWAYS = Condition("always", lambda config: True)
ROUNDS = Condition("with --allow-lsb", lambda config: config.allow_lsb > 0)
STRIPS = Condition("without --strip none", lambda config: config.strip is not Strip.NONE)


@dataclass(frozen=True)
class Phase:
    """One step of the pipeline.

    Args:
        stages: whose rules run; the phase is skipped where the first stage has none.
        after: whose rules of the whole model run after each round of a search.
        keeps_plan: a memory plan that the source model brings along is still right afterwards.
        is_first: rules may wait for others in it (see ``Rule.later``).
    """

    name: str
    mode: Mode
    stages: tuple[Stage, ...]
    when: Condition = ALWAYS
    after: tuple[Stage, ...] = ()
    keeps_plan: bool = False
    is_first: bool = False


PHASES = (
    Phase("clean", Mode.ONCE, (Stage.CLEAN,)),
    Phase("simplify", Mode.FIXPOINT, (Stage.SIMPLIFY,), is_first=True),
    Phase("round", Mode.FIXPOINT, (Stage.SIMPLIFY,), ROUNDS),
    Phase("calls", Mode.TRIAL, (Stage.CALLS, Stage.SIMPLIFY)),
    Phase("forms", Mode.SEARCH, (Stage.FORMS, Stage.SIMPLIFY), after=(Stage.ORDER,)),
    Phase("kernels", Mode.ONCE, (Stage.KERNELS,)),
    Phase("tile", Mode.ONCE, (Stage.TILE,)),
    Phase("strip", Mode.ONCE, (Stage.STRIP,), STRIPS, keeps_plan=True),
    Phase("order", Mode.ONCE, (Stage.ORDER,)),
    Phase("settle", Mode.REPEAT, (Stage.SETTLE,)),
    Phase("states", Mode.ONCE, (Stage.STATES,)),
    Phase("order states", Mode.ONCE, (Stage.ORDER,)),
    Phase("plan", Mode.ONCE, (Stage.PLAN,), keeps_plan=True),
)
"""In this order. Rules of the stage CLEAN run in every round and after every phase that changed
something, those of the stage STALE after each that left a plan wrong."""
AROUND_STATES = frozenset({Stage.CLEAN, Stage.STALE, Stage.STRIP, Stage.ORDER, Stage.PLAN})
"""What rules are for that may look at a model whose operators write variables: these don't take
what an operator writes for what all its readers read."""
MOST_ROUNDS = 8
"""Each layout costs less than the one before by its own measure, and three rounds were seen."""


def conditions(stage: Stage) -> tuple[Condition, ...]:
    """Under which options the phases run in which a stage is the first; empty for upkeep."""
    return tuple(phase.when for phase in PHASES if phase.stages[0] is stage)


def phase_of(stage: Stage) -> str:
    """The name of the phase in which a stage is the first; of upkeep, which has none, its own."""
    return next((phase.name for phase in PHASES if phase.stages[0] is stage), stage.value)
