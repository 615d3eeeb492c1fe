"""What to emit, and for which build."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from hashlib import sha256

from tflopt.emit.names import check_name, check_section
from tflopt.errors import UsageError
from tflopt.ir import Model
from tflopt.plan.lifetimes import ARENA_ALIGNMENT
from tflopt.target.annotation import Annotation
from tflopt.target.device import Device

LEAST_ALIGNMENT = 16
"""TFLM reads tensor data in place, and the converter aligns it to 16 bytes within the file."""

MOST_ALIGNMENT = 1 << 28
"""What gcc accepts for an object."""


class Language(Enum):
    """What the array is written in; its header suits both."""

    C = "c"
    CPP = "cpp"


class Layout(Enum):
    """Where the files go: side by side, with a csolution layer, or as an Arduino library."""

    PLAIN = "plain"
    ARDUINO = "arduino"
    CSOLUTION = "csolution"


@dataclass(frozen=True)
class EmitOptions:
    """How models are emitted.

    Args:
        device: the build whose arena is stated.
        section: the linker section of the model, empty for the compiler's choice.
        alignment: of the model in memory, a power of two, 16 at least.
        incbin: an assembly file that includes the model instead of an array.
        main: also a minimal ``main.cc``.
        language: C or C++ for the array.
        arena_bytes: the arena to state instead of the computed one.
        layout: of the files.
        arena_alignment: of the arena in memory, a power of two, 16 at least; that with which
            the model was planned.
        drop_annotation: leave tflopt's annotation out of the array; the header has its numbers.
        arena_section: the linker section of the arena (DTCM, for example), empty for the compiler's
            choice.

    Raises:
        UsageError: a section or alignment that makes no sense, or what a layout doesn't have.
    """

    device: Device = field(default_factory=Device)
    section: str = ""
    alignment: int = LEAST_ALIGNMENT
    incbin: bool = False
    main: bool = False
    language: Language = Language.CPP
    arena_bytes: int | None = None
    layout: Layout = Layout.PLAIN
    arena_alignment: int = ARENA_ALIGNMENT
    drop_annotation: bool = False
    arena_section: str = ""

    def __post_init__(self) -> None:
        check_section(self.section)
        check_section(self.arena_section, "--arena-section")
        _check("--align", self.alignment, LEAST_ALIGNMENT)
        _check("--arena-alignment", self.arena_alignment, ARENA_ALIGNMENT)
        if self.layout is Layout.ARDUINO and (self.incbin or self.main):
            option = "--incbin" if self.incbin else "--main"
            raise UsageError(f"{option} and --layout arduino exclude each other")


def _check(option: str, alignment: int, least: int) -> None:
    if alignment < least or alignment & (alignment - 1) or alignment > MOST_ALIGNMENT:
        raise UsageError(
            f"{option} {alignment}: must be a power of two from {least} to {MOST_ALIGNMENT}"
        )


@dataclass(frozen=True)
class NamedModel:
    """A model, its bytes, and the prefix of its identifiers and files.

    ``annotation`` is what was taken out of the bytes.
    """

    name: str
    model: Model
    data: bytes
    annotation: Annotation | None = None

    def __post_init__(self) -> None:
        check_name(self.name)

    @property
    def sha256(self) -> str:
        """Of the file."""
        return sha256(self.data).hexdigest()
