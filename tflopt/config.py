"""The choices that rules take as their options."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from tflopt.target import Isa
from tflopt.target.device import Device
from tflopt.target.memory import PlanRequest
from tflopt.target.sharing import Sharing


class Runtime(Enum):
    """Which runtimes must load the file."""

    BOTH = "both"
    """TFLM and LiteRT; where they need different fields the stricter one decides."""
    TFLM = "tflm"
    """TFLM alone, which reads less."""


class Strip(Enum):
    """How much of what no kernel reads is dropped."""

    NONE = "none"
    DEFAULT = "default"
    """All but the names by which users look tensors up: inputs, outputs, signatures."""
    METADATA_ZIP = "metadata-zip"
    """The same, and an archive behind the model: labels and the like, which no kernel reads."""
    ALL = "all"


class Plan(Enum):
    """Whether an offline memory plan is written."""

    OFFLINE = "offline"
    NONE = "none"


class Tile(Enum):
    """Whether layers may be computed in bands of rows."""

    OFF = "off"
    AUTO = "auto"
    """Where that lowers the arena: the least, or the fastest that fits into --max-arena."""


class Goal(Enum):
    """What decides where one form of an operator is better in one resource and worse in another."""

    BALANCED = "balanced"
    """Never slower than the original; arena and flash grow only where that is paid for."""
    SPEED = "speed"
    """The fewest predicted instructions."""
    MEMORY = "memory"
    """The smallest arena."""
    FLASH = "flash"
    """The smallest file."""


class IoLayout(Enum):
    """In which arrangement of their axes the caller hands over inputs and takes outputs."""

    KEEP = "keep"
    """As in the source model."""
    NHWC = "nhwc"
    """As the layers want them: channels last, 1-D signals with a height of 1."""


@dataclass(frozen=True)
class Tiling:
    """Layers may be computed in bands of rows.

    Args:
        max_slowdown: the least arena is looked for that costs at most this part of the predicted
            instructions more; None: the fewest instructions in ``max_arena_bytes``.
        max_arena_bytes: the arena that has to be enough.
    """

    max_slowdown: float | None = 0.10
    max_arena_bytes: int | None = None

    def misses(self, arena_bytes: int) -> bool:
        """Whether an arena is larger than what has to be enough."""
        return self.max_arena_bytes is not None and arena_bytes > self.max_arena_bytes


def make_tiling(
    tile: Tile | None, goal: Goal, slowdown_percent: float, max_arena_bytes: int | None
) -> Tiling | None:
    """What the options ask for; None for no bands.

    Without ``tile``, bands are part of the goal memory, and the way into an arena that is missed.
    """
    asked = goal is Goal.MEMORY or max_arena_bytes is not None
    if not (asked if tile is None else tile is Tile.AUTO):
        return None
    fits = max_arena_bytes is not None and goal is not Goal.MEMORY
    return Tiling(None if fits else slowdown_percent / 100, max_arena_bytes)


@dataclass(frozen=True)
class Limits:
    """What the result may take at most; None for no limit."""

    arena_bytes: int | None = None
    flash_bytes: int | None = None
    instructions: int | None = None

    def __bool__(self) -> bool:
        return self != Limits()


@dataclass(frozen=True)
class Config:
    """Options of the pipeline.

    Args:
        keep: names of tensors, signatures or metadata that stay.
        device: the build whose memory counts.
        plan: what kind of offline plan to write, None for none.
        goal: which resource decides between two forms of an operator.
        route_around: whether layers that the device computes wrongly are written otherwise.
        io_layout: whether inputs and outputs keep their arrangement.
        narrow_outputs: whether int64 outputs of the model may become int32, which TFLM has.
        tiling: whether layers may be computed in bands, None for not at all.
        allow_lsb: how many steps an integer form of float operators may be off; 0: exact only.
        limits: what the search tries to stay within, whatever the goal.
        exchange: a balanced result may grow a little where that makes it much faster.
    """

    runtime: Runtime = Runtime.BOTH
    strip: Strip = Strip.DEFAULT
    keep: frozenset[str] = frozenset()
    device: Device = field(default_factory=Device)
    plan: PlanRequest | None = field(default_factory=PlanRequest)
    goal: Goal = Goal.BALANCED
    route_around: bool = True
    io_layout: IoLayout = IoLayout.KEEP
    allow_lsb: int = 0
    narrow_outputs: bool = False
    tiling: Tiling | None = None
    limits: Limits = field(default_factory=Limits)
    exchange: bool = True

    @property
    def sharing(self) -> Sharing:
        """Which bytes the plan will let tensors share."""
        return Sharing.APART if self.plan is None else self.plan.sharing

    @property
    def mve(self) -> bool:
        """Whether the device's kernels are those for MVE (Helium)."""
        return self.device.target.isa is Isa.MVE
