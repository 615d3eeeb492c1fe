"""The device: everything of a firmware build that decides sizes, functions and costs."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field, replace
from functools import cached_property

from tflopt.errors import UsageError
from tflopt.target.by_layer import ByLayer
from tflopt.target.cmsis_nn.library import CmsisNn
from tflopt.target.cmsis_nn.versions import Version, find_version
from tflopt.target.cortex_m import Cpu, Target
from tflopt.target.esp_nn.library import VERSION, EspNn
from tflopt.target.library import KernelLibrary
from tflopt.target.setup import FOR_SPEED, NEWEST_RUNTIME, Build, Runtime, Setup, find_runtime
from tflopt.target.tflm_kernels import NONE, TflmKernels
from tflopt.target.use import KernelUse


@dataclass(frozen=True)
class Device:
    """A firmware build: its core, the kernels that it links, TFLM's version, and its flags."""

    target: Target = field(default_factory=lambda: Target.parse("cortex-m55"))
    kernels: KernelLibrary = field(default_factory=CmsisNn)
    runtime: Runtime = NEWEST_RUNTIME
    build: Build = FOR_SPEED

    @classmethod
    def of(
        cls,
        target: Target | str,
        cmsis_nn: Version | str = "",
        tflm: str = NEWEST_RUNTIME.name,
        build: str = "speed",
    ) -> Device:
        """The device that ``--target``, ``--cmsis-nn``, ``--tflm`` and ``--build`` name.

        Args:
            cmsis_nn: empty for the one that goes with that TFLM, ``none`` for TFLM's own kernels.

        Raises:
            UsageError: an unknown core, version or build, or a core that is for predictions alone.
        """
        core = Target.parse(target) if isinstance(target, str) else target
        if core.cpu.is_espressif:
            raise UsageError(
                f"{core} is for inspect and fit alone: what ESP-NN keeps in memory is known, what "
                "its kernels compute is not"
            )
        runtime = find_runtime(tflm)
        named = cmsis_nn or runtime.cmsis_nn
        return cls(core, _library(named), runtime, Build.parse(build))

    @classmethod
    def to_predict(
        cls, target: str, cmsis_nn: str = "", tflm: str = NEWEST_RUNTIME.name, build: str = "speed"
    ) -> Device:
        """The same, also for the chips whose memory is all that is known of them.

        Raises:
            UsageError: as :meth:`of`, or versions that such a chip has no prediction for.
        """
        core = Target.parse(target)
        if not core.cpu.is_espressif:
            return cls.of(core, cmsis_nn, tflm, build)
        named = cmsis_nn.strip().lower()
        asked = (find_runtime(tflm), Build.parse(build))
        if named not in ("", VERSION, NONE) or asked != (NEWEST_RUNTIME, FOR_SPEED):
            raise UsageError(
                f"{core} is predicted with TFLM {NEWEST_RUNTIME.name}, built for speed with "
                f"--cmsis-nn {VERSION} or {NONE}"
            )
        return cls(core, TflmKernels() if named == NONE else _esp_nn(core))

    @property
    def is_confirmed(self) -> bool:
        """Whether the core ran its kernels, so that costs and overlaps are known, too."""
        return not self.target.cpu.is_espressif

    def on(self, core: Target) -> Device:
        """The same build on another core, with its own library and versions where it has such."""
        if not core.cpu.is_espressif:
            return replace(self, target=core)
        own = isinstance(self.kernels, TflmKernels)
        return Device(core, self.kernels if own else _esp_nn(core))

    def __hash__(self) -> int:
        return self._hash

    def __reduce__(self) -> tuple[type[Device], tuple[object, ...]]:
        """Without what was remembered; hashes of texts differ between processes."""
        return Device, (self.target, self.kernels, self.runtime, self.build)

    @cached_property
    def _hash(self) -> int:
        return hash((self.target, self.kernels, self.runtime, self.build))

    @cached_property
    def setup(self) -> Setup:
        """What the kernel library is asked with."""
        return Setup(self.target.isa, self.build, self.runtime)

    @cached_property
    def uses(self) -> ByLayer[KernelUse]:
        """What each kind of layer was found to use."""
        return ByLayer()

    @cached_property
    def gaps(self) -> dict[Hashable, ByLayer[int | None]]:
        """The same of how closely outputs may follow inputs, by sets of kernels."""
        return {}

    @property
    def cmsis_nn(self) -> Version | None:
        """The version of CMSIS-NN, None where other kernels are linked."""
        return self.kernels.facts if isinstance(self.kernels, CmsisNn) else None


def _esp_nn(core: Target) -> EspNn:
    return EspNn(vectors=core.cpu is Cpu.ESP32_S3)


def _library(named: Version | str) -> KernelLibrary:
    if named == NONE:
        return TflmKernels()
    return CmsisNn(find_version(named) if isinstance(named, str) else named)
