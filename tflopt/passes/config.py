"""The choices that rules take as their options."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from tflopt.target.memory import Device, PlanRequest


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
    ALL = "all"


class Plan(Enum):
    """Whether an offline memory plan is written."""

    OFFLINE = "offline"
    NONE = "none"


@dataclass(frozen=True)
class Config:
    """Options of the pipeline.

    Args:
        keep: names of tensors, signatures or metadata that stay.
        device: the build whose memory counts.
        plan: what kind of offline plan to write, None for none.
    """

    runtime: Runtime = Runtime.BOTH
    strip: Strip = Strip.DEFAULT
    keep: frozenset[str] = frozenset()
    device: Device = field(default_factory=Device)
    plan: PlanRequest | None = field(default_factory=PlanRequest)
