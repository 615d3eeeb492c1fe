"""The device: everything of a firmware build that decides sizes, functions and costs."""

from __future__ import annotations

from dataclasses import dataclass, field

from tflopt.target.cmsis_nn.library import CmsisNn
from tflopt.target.cmsis_nn.versions import NEWEST, Version, find_version
from tflopt.target.cortex_m import Target
from tflopt.target.library import KernelLibrary


@dataclass(frozen=True)
class Device:
    """A firmware build: the core that it runs on and the kernels that it links."""

    target: Target = field(default_factory=lambda: Target.parse("cortex-m55"))
    kernels: KernelLibrary = field(default_factory=CmsisNn)

    @classmethod
    def of(cls, target: Target | str, cmsis_nn: Version | str = NEWEST) -> Device:
        """The device that ``--target`` and ``--cmsis-nn`` name.

        Raises:
            UsageError: an unknown core or version.
        """
        core = Target.parse(target) if isinstance(target, str) else target
        version = find_version(cmsis_nn) if isinstance(cmsis_nn, str) else cmsis_nn
        return cls(core, CmsisNn(version))

    @property
    def cmsis_nn(self) -> Version | None:
        """The version of CMSIS-NN, None where other kernels are linked."""
        return self.kernels.facts if isinstance(self.kernels, CmsisNn) else None
