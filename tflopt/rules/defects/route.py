"""The base of the rules of this room."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tflopt.config import Config
from tflopt.rewrite import Rule
from tflopt.target.device import Device

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclass(frozen=True)
class RouteRule(Rule):
    """Writes a layer otherwise that the device computes wrongly; none with ``--no-route-around``.

    Args:
        device: the build whose kernels count.
    """

    device: Device = field(default_factory=Device)

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """The rule for the device."""
        return cls(config.device)

    @classmethod
    def suits(cls, config: Config) -> bool:
        """Whether layers may be routed around defects."""
        return config.route_around
