"""The results that a model can have: none is worse than another in every resource.

::

    instructions
        |a                      every goal gives an end of it; then, from the fastest result on,
        |   b                   the best that takes a little less arena, and less again, until
        |      c                nothing does; the same for flash
        |           d
        +--------------- arena

Each point is the result of one command, which is given with it and makes it again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from tflopt.annotation.annotate import Annotate
from tflopt.config import Goal, Runtime, Strip, Tiling, make_tiling
from tflopt.ir import Model
from tflopt.product.choose import Draft, MakeDraft, choose, make_draft
from tflopt.product.settings import Settings
from tflopt.rewrite.watch import Watch, verify_runs
from tflopt.search.cost import Cost
from tflopt.target.kernel_sets import THIS_ISA

OVERLAP = "--overlap"
STEP = 0.02
"""The least by which the next point takes less: smaller differences are no choice."""
MAX_SLOWDOWN = 10.0
"""In percent, the default of --max-slowdown."""
STEPS = 8
"""Points of one walk for each unit of effort."""


@dataclass(frozen=True)
class Point:
    """One result: what it takes as written, and the options that make it."""

    cost: Cost
    options: tuple[str, ...]

    @property
    def is_for_one_isa(self) -> bool:
        """Whether its plan is right on the kernels of the target's instruction set alone."""
        return OVERLAP in self.options

    def beats(self, other: Point) -> bool:
        """Whether it is as good in every resource, and better in one.

        One that other kernels don't bear doesn't beat one that they do.
        """
        if self.is_for_one_isa and not other.is_for_one_isa:
            return False
        pairs = list(zip(self.cost.numbers, other.cost.numbers, strict=True))
        return all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)


@dataclass(frozen=True)
class Walk:
    """From the result of a goal on, with ever less of one resource."""

    goal: Goal
    option: str
    taken: Callable[[Cost], int]
    limited: Callable[[Settings, int], Settings]


WALKS = (
    Walk(
        Goal.SPEED,
        "--max-arena",
        lambda cost: cost.arena_bytes,
        lambda settings, limit: _tiled(replace(settings, max_arena_bytes=limit)),
    ),
    Walk(
        Goal.SPEED,
        "--max-flash",
        lambda cost: cost.flash_bytes,
        lambda settings, limit: replace(settings, max_flash_bytes=limit),
    ),
)


def _overlapping(settings: Settings, tiling: Tiling | None) -> Settings:
    plan = settings.config.plan
    plan = None if plan is None else replace(plan, overlap=THIS_ISA)
    return replace(settings, config=replace(settings.config, plan=plan, tiling=tiling))


def _banded(tiling: Tiling, settings: Settings) -> Settings:
    return replace(settings, config=replace(settings.config, tiling=tiling))


BANDS: dict[tuple[str, ...], Tiling] = {
    (): Tiling(),
    ("--max-slowdown", "5"): Tiling(0.05),
    ("--max-slowdown", "2"): Tiling(0.02),
}
"""Bands trade instructions for arena: by how much is a choice of its own."""


def _smallest(settings: Settings) -> Settings:
    settings = _for_goal(settings, Goal.FLASH)
    return replace(settings, config=replace(settings.config, strip=Strip.ALL, runtime=Runtime.TFLM))


FOR_TFLM = ("--runtime", "tflm")


VARIANTS: dict[tuple[str, ...], Callable[[Settings], Settings]] = {
    (OVERLAP,): lambda settings: _overlapping(settings, settings.config.tiling),
    **{("--tile", "auto", *slower): partial(_banded, tiling) for slower, tiling in BANDS.items()},
    **{
        (OVERLAP, "--tile", "auto", *slower): partial(_overlapping, tiling=tiling)
        for slower, tiling in BANDS.items()
    },
    ("--goal", "flash", "--strip", "all", *FOR_TFLM): _smallest,
}
"""Beside the goals, options that are exact too, with what they ask for: a plan for this ISA alone,
bands of rows, a file that only TFLM has to load."""


def explore(
    original: Model,
    data: bytes,
    settings: Settings,
    progress: Callable[[str], None],
    effort: float = 1.0,
) -> list[Point]:
    """The points that are found, by their arena from the largest to the smallest.

    Args:
        settings: what all results have in common; goal and limits are varied.
        progress: is told what is done next.
        effort: how many points are looked for, as a multiple of the default.
    """
    steps = max(1, int(STEPS * effort))
    explorer = _Explorer(original, data, settings, progress, steps, _Drafts())
    ends = [explorer.point(_for_goal(settings, goal), _goal_options(goal)) for goal in Goal]
    asked = settings.config.runtime is Runtime.TFLM
    for options, make in VARIANTS.items():
        own = tuple(word for word in options if not (asked and word in FOR_TFLM))
        ends.append(explorer.point(make(settings), own))
    points = [*ends, *(point for walk in WALKS for point in explorer.walk(walk))]
    return frontier(points)


def frontier(points: Sequence[Point]) -> list[Point]:
    """Those that no other one beats, each cost once."""
    unique = {point.cost.numbers: point for point in reversed(points)}.values()
    best = [point for point in unique if not any(other.beats(point) for other in unique)]
    return sorted(best, key=lambda point: (-point.cost.arena_bytes, point.cost.numbers))


def _for_goal(settings: Settings, goal: Goal) -> Settings:
    """As the command line takes a goal: the smallest file has no plan and no annotation."""
    settings = _tiled(replace(settings, config=replace(settings.config, goal=goal)))
    if goal is not Goal.FLASH:
        return settings
    config = replace(settings.config, plan=None)
    return replace(settings, config=config, annotate=Annotate.NONE)


def _tiled(settings: Settings) -> Settings:
    """With the bands that the command line allows by itself."""
    tiling = make_tiling(None, settings.config.goal, MAX_SLOWDOWN, settings.max_arena_bytes)
    return replace(settings, config=replace(settings.config, tiling=tiling))


def _goal_options(goal: Goal) -> tuple[str, ...]:
    return () if goal is Goal.BALANCED else ("--goal", goal.value)


@dataclass(frozen=True)
class _Drafts:
    """Makes each result once: neighbours on a walk try many of the same."""

    known: dict[str, Draft] = field(default_factory=dict)

    def __call__(self, original: Model, data: bytes, settings: Settings, watch: Watch) -> Draft:
        selection = settings.selection
        key = repr((sorted(selection.disable), settings.config, settings.annotate))
        if key not in self.known:
            self.known[key] = make_draft(original, data, settings, watch)
        return self.known[key]


def _say_nothing(_: str) -> None:
    """The progress of one point is no news: points are what is counted."""


@dataclass(frozen=True)
class _Explorer:
    original: Model
    data: bytes
    settings: Settings
    progress: Callable[[str], None]
    steps: int
    make: MakeDraft

    def point(self, settings: Settings, options: tuple[str, ...]) -> Point:
        """One result."""
        self.progress(" ".join(("exploring", *options)))
        draft = choose(self.original, self.data, settings, _say_nothing, verify_runs, self.make)
        return Point(draft.whole, options)

    def walk(self, walk: Walk) -> Iterator[Point]:
        """Points with ever less of a resource, until none has less."""
        settings, options = _for_goal(self.settings, walk.goal), _goal_options(walk.goal)
        last = self.point(settings, options)
        for _ in range(self.steps):
            limit = int(walk.taken(last.cost) * (1 - STEP))
            tried = walk.limited(settings, limit)
            last = self.point(tried, (*options, walk.option, str(limit)))
            if walk.taken(last.cost) > limit:
                return
            yield last
