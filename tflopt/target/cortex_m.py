"""The cores as a compiler sees them, with the vector instructions that firmware is built with.

The Cortex-M line, and Espressif's chips that memory is predicted for.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from tflopt.errors import UsageError
from tflopt.texts import near_match


class Isa(Enum):
    """What CMSIS-NN is compiled for: plain C, the DSP extension, or Helium (MVE) on top of DSP."""

    SCALAR = "scalar"
    DSP = "dsp"
    MVE = "mve"

    def __str__(self) -> str:
        return self.value


class Cpu(Enum):
    """A core; the value is its GCC ``-mcpu`` name, or the name of Espressif's chip."""

    M0 = "cortex-m0"
    M0PLUS = "cortex-m0plus"
    M3 = "cortex-m3"
    M4 = "cortex-m4"
    M7 = "cortex-m7"
    M23 = "cortex-m23"
    M33 = "cortex-m33"
    M35P = "cortex-m35p"
    M52 = "cortex-m52"
    M55 = "cortex-m55"
    M85 = "cortex-m85"
    ESP32 = "esp32"
    ESP32_S3 = "esp32-s3"

    def __str__(self) -> str:
        return self.value

    @property
    def is_espressif(self) -> bool:
        """Whether it is an Xtensa core, for which TFLM is built with ESP-NN."""
        return self in (Cpu.ESP32, Cpu.ESP32_S3)

    @property
    def default_isa(self) -> Isa:
        """What GCC generates code for when only the core is named."""
        return _DEFAULT_ISA[self]

    @property
    def legal_isas(self) -> tuple[Isa, ...]:
        """Every ISA this core can be built with, the default first."""
        reduced = _REDUCTION.get(self)
        return (self.default_isa,) if reduced is None else (self.default_isa, reduced[1])


_DEFAULT_ISA = {
    Cpu.M0: Isa.SCALAR,
    Cpu.M0PLUS: Isa.SCALAR,
    Cpu.M3: Isa.SCALAR,
    Cpu.M4: Isa.DSP,
    Cpu.M7: Isa.DSP,
    Cpu.M23: Isa.SCALAR,
    Cpu.M33: Isa.DSP,
    Cpu.M35P: Isa.DSP,
    Cpu.M52: Isa.MVE,
    Cpu.M55: Isa.MVE,
    Cpu.M85: Isa.MVE,
    Cpu.ESP32: Isa.SCALAR,
    Cpu.ESP32_S3: Isa.SCALAR,
}

# DSP is a licensing option of M33 and M35P; MVE one of M52, M55 and M85, whose DSP always stays.
_REDUCTION = {
    Cpu.M33: ("nodsp", Isa.SCALAR),
    Cpu.M35P: ("nodsp", Isa.SCALAR),
    Cpu.M52: ("nomve", Isa.DSP),
    Cpu.M55: ("nomve", Isa.DSP),
    Cpu.M85: ("nomve", Isa.DSP),
}

# GCC's extensions that change no integer kernel: floating point, branch protection, custom
# instructions and the size of the multiplier. "+nomve.fp" keeps integer MVE.
_IRRELEVANT = frozenset(
    {"nofp", "nofp.dp", "nomve.fp", "nopacbti"} | {f"cdecp{n}" for n in range(8)}
)
_ALIASES = {
    "cortex-m0.small-multiply": "cortex-m0",
    "cortex-m0plus.small-multiply": "cortex-m0plus",
}
_ESPRESSIF = {"esp32": Cpu.ESP32, "esp32-s3": Cpu.ESP32_S3, "esp32s3": Cpu.ESP32_S3}


@dataclass(frozen=True)
class Target:
    """A core and the ISA its firmware is built with; only legal combinations exist.

    Raises:
        UsageError: the core can't be built with that ISA.
    """

    cpu: Cpu
    isa: Isa

    def __post_init__(self) -> None:
        legal = self.cpu.legal_isas
        if self.isa not in legal:
            known = " or ".join(str(isa) for isa in legal)
            raise UsageError(f"{self.cpu} has no {self.isa} build; legal: {known}")

    def __str__(self) -> str:
        """The shortest GCC spelling, which :meth:`parse` reads back."""
        if self.isa is self.cpu.default_isa:
            return self.cpu.value
        return f"{self.cpu.value}+{_REDUCTION[self.cpu][0]}"

    @classmethod
    def parse(cls, text: str) -> Target:
        """The target that a GCC ``-mcpu`` spelling names, upper or lower case.

        Extensions that no integer kernel depends on (``+nofp``, ``+nomve.fp``, ``+nopacbti``)
        are accepted and dropped; ``m4`` and ``-mcpu=cortex-m4`` mean ``cortex-m4``.

        Raises:
            UsageError: an unknown core or extension, with the known ones and a near match.
        """
        cpu, extensions = _split(text)
        isa = cpu.default_isa
        for extension in extensions:
            isa = _apply(cpu, isa, extension)
        return cls(cpu, isa)


def all_targets() -> tuple[Target, ...]:
    """Every legal Cortex-M target, in the order of the cores, defaults first."""
    arm = (cpu for cpu in Cpu if not cpu.is_espressif)
    return tuple(Target(cpu, isa) for cpu in arm for isa in cpu.legal_isas)


def predicted_targets() -> tuple[Target, ...]:
    """Those that memory is predicted for, and nothing else."""
    return tuple(Target(cpu, cpu.default_isa) for cpu in Cpu if cpu.is_espressif)


def _split(text: str) -> tuple[Cpu, list[str]]:
    name = text.strip().lower().removeprefix("-mcpu=")
    if name in _ESPRESSIF:
        return _ESPRESSIF[name], []
    if name and not name.startswith("cortex-"):
        name = f"cortex-{name}"
    if name == "cortex-m0+" or name.startswith("cortex-m0++"):
        name = name.replace("cortex-m0+", "cortex-m0plus", 1)
    core, *extensions = name.split("+")
    try:
        return Cpu(_ALIASES.get(core, core)), extensions
    except ValueError:
        raise UsageError(_unknown_core(text, core)) from None


def _unknown_core(text: str, core: str) -> str:
    names = [cpu.value for cpu in Cpu]
    near = near_match(core, names)
    hint = f"; {near}" if near else ""
    known = ", ".join(str(target) for target in (*all_targets(), *predicted_targets()))
    return f"unknown target {text!r}{hint} (known: {known})"


def _apply(cpu: Cpu, isa: Isa, extension: str) -> Isa:
    reduction = _REDUCTION.get(cpu)
    if reduction is not None and extension == reduction[0]:
        return reduction[1]
    if extension in _IRRELEVANT:
        return isa
    if extension in {"nodsp", "nomve"}:
        legal = ", ".join(str(Target(cpu, legal_isa)) for legal_isa in cpu.legal_isas)
        raise UsageError(f"{cpu} can't be built with +{extension}; legal: {legal}")
    raise UsageError(
        f"unknown extension +{extension} of {cpu}; known: +nodsp (M33, M35P), "
        "+nomve (M52, M55, M85), and +nofp, +nomve.fp, +nopacbti, which change no integer kernel"
    )
