"""The choices that rules take as their options."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


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


@dataclass(frozen=True)
class Config:
    """Options of the pipeline; ``keep`` names tensors, signatures or metadata that stay."""

    runtime: Runtime = Runtime.BOTH
    strip: Strip = Strip.DEFAULT
    keep: frozenset[str] = frozenset()
