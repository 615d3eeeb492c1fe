"""What a TFLM library is: read from its symbols, strings and the attributes of its objects.

Nothing is run. What a library doesn't show is left open and said: not each commit leaves a name,
and the goal of its build (``KERNELS_OPTIMIZED_FOR_SPEED`` or ``_SIZE``) shows only where each
function has a section of its own.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from tflopt.errors import UsageError
from tflopt.io.archive import Member, read_archive
from tflopt.io.beside import bytes_beside, json_of
from tflopt.io.build_attributes import SECTION, read_attributes
from tflopt.io.elf import Elf, is_elf, read_elf
from tflopt.target.built import target_built_for
from tflopt.target.cmsis_nn.versions import V4AB83CC, VE096196, find_version
from tflopt.target.cortex_m import Target
from tflopt.target.device import Device
from tflopt.target.setup import RUNTIMES, TFLM_3B20912, TFLM_90B983C, Build
from tflopt.target.tflm_kernels import NONE
from tflopt.texts import counted

LARGEST_LIBRARY_BYTES = 1 << 30
VERSION_FILE = "VERSION.txt"
VERSION_LINE = re.compile(r"^(tflite_micro|cmsis_nn)=([A-Za-z0-9._+-]+)$", re.MULTILINE)
NEW_OPERATORS = ("Register_DYNAMIC_UPDATE_SLICE", "Register_REDUCE_ALL", "Register_DECODE")
"""That TFLM 90b983c has, and 3b20912 not."""
NEW_SIZES, OLD_SIZES = (
    "arm_convolve_s8_get_buffer_size_mve",
    "arm_transpose_conv_s8_get_buffer_size_dsp",
)
"""That CMSIS-NN has from 4ab83cc on, and up to e096196."""
NEITHER_GOAL = b"KERNELS_OPTIMIZED_FOR_SIZE or KERNELS_OPTIMIZED_FOR_SPEED"
"""What SVDF's kernel says in a library that was compiled for neither."""
SUM = "arm_vector_sum_s8"
MOST_ABORTS = 0.3
"""With checks compiled in, nearly every kernel can call abort."""
PROFILE_VERSION = 1


class Certainty(Enum):
    """How a fact is known."""

    READ = "read"
    """The library says it."""
    GUESSED = "assumed"
    """It follows from what else was read, or is the usual."""
    WRONG = "wrong"
    """It was read, and something doesn't work so."""


@dataclass(frozen=True)
class Fact:
    """One thing that a library is: what, and how it is known."""

    name: str
    value: str
    certainty: Certainty
    why: str


@dataclass(frozen=True)
class Probe:
    """A library with what was found; ``device`` is what predictions are made for."""

    path: Path
    device: Device
    facts: tuple[Fact, ...]


def read_versions(folder: Path) -> dict[str, str]:
    """What ``VERSION.txt`` in or above a library's folder says, empty without one."""
    for place in (folder, folder / "lib", folder.parent):
        file = place / VERSION_FILE
        if file.is_file():
            return dict(VERSION_LINE.findall(file.read_text(encoding="utf-8", errors="replace")))
    return {}


def find_library(folder: Path) -> Path:
    """The static library of a folder, as ``--tflm-lib`` names it.

    Raises:
        UsageError: there is none, or several.
    """
    if folder.is_file():
        return folder
    archives = sorted({*folder.glob("lib/*.a"), *folder.glob("*.a")})
    if len(archives) != 1:
        many = ", ".join(archive.name for archive in archives)
        raise UsageError(
            f"{folder}: has {f'several libraries: {many}' if archives else 'no lib/*.a'}"
        )
    return archives[0]


def probe_library(folder: Path) -> Probe:
    """What the library in ``folder`` is.

    Raises:
        UsageError: there is none, or it is for no Cortex-M.
    """
    path = find_library(folder)
    members = read_archive(bytes_beside(path, LARGEST_LIBRARY_BYTES), str(path))
    library = _Library(list(_objects(members, str(path))))
    if not library.objects:
        raise UsageError(f"{path}: has no object that could be read")
    target = library.target(str(path))
    versions = read_versions(folder if folder.is_dir() else folder.parent)
    kernels = _kernels(library, versions)
    runtime = _runtime(library, versions)
    goal, compiler = _goal(library), _compiler(library)
    build = Build(goal.value in ("size", "neither"), armclang=compiler.value == "armclang")
    device = Device.of(target, kernels.value, runtime.value, str(build))
    read = Fact("target", str(target), Certainty.READ, library.cores())
    facts = (read, kernels, runtime, compiler, goal, _checks(library), *_extras(library))
    return Probe(path, device, facts)


class _Library:
    """All objects, and what is asked of them together."""

    def __init__(self, objects: Sequence[tuple[str, Elf]]) -> None:
        self.objects = objects
        self.defined = {s.name for _, elf in objects for s in elf.symbols if s.is_defined}
        self.attributes = [
            read_attributes(section.data)
            for _, elf in objects
            if (section := elf.section(SECTION)) is not None
        ]

    def has(self, name: str) -> bool:
        """Whether a function of that name, mangled or not, is defined."""
        return any(name in symbol for symbol in self.defined)

    def target(self, where: str) -> Target:
        """The core that most objects are for, with the best instructions of any of them."""
        names = Counter(build.cpu.lower() for build in self.attributes if build.cpu)
        if not names:
            raise UsageError(f"{where}: was not built for a Cortex-M")
        return target_built_for(names.most_common(1)[0][0], self.attributes)

    def cores(self) -> str:
        """What the objects say, for people."""
        names = Counter(build.cpu for build in self.attributes if build.cpu)
        told = ", ".join(f"{count} for {name}" for name, count in names.most_common(3))
        return f"{counted(len(self.objects), 'object')}: {told}"

    def users(self, name: str, symbol: str) -> list[str]:
        """Sections that call a function, of objects with that name in theirs."""
        return [
            section
            for member, elf in self.objects
            if name in member
            for section in elf.sections_that_use(symbol)
        ]

    def strings(self, name: str) -> Iterator[bytes]:
        """The contents of the constant sections of objects with that name in theirs."""
        for member, elf in self.objects:
            if name in member:
                yield from (
                    bytes(section.data) for section in elf.sections if ".rodata" in section.name
                )


def _objects(members: Iterator[Member], where: str) -> Iterator[tuple[str, Elf]]:
    for member in members:
        if is_elf(member.data):
            yield member.name, read_elf(member.data, f"{where}({member.name})")


def _kernels(library: _Library, versions: Mapping[str, str]) -> Fact:
    name = "CMSIS-NN"
    if library.has("esp_nn_"):
        why = "it links ESP-NN, whose memory isn't known: sizes are those of TFLM's own kernels"
        return Fact(name, NONE, Certainty.WRONG, why)
    if "arm_convolve_wrapper_s8" not in library.defined:
        return Fact(name, NONE, Certainty.READ, "no arm_convolve_wrapper_s8: TFLM's own kernels")
    named = versions.get("cmsis_nn", "")
    try:
        return Fact(name, find_version(named).name, Certainty.READ, VERSION_FILE)
    except UsageError:
        pass
    if NEW_SIZES in library.defined and OLD_SIZES not in library.defined:
        why = f"it has {NEW_SIZES}; later commits look alike"
        return Fact(name, V4AB83CC.name, Certainty.GUESSED, why)
    return Fact(name, VE096196.name, Certainty.GUESSED, "it lacks what later versions have")


def _runtime(library: _Library, versions: Mapping[str, str]) -> Fact:
    named = versions.get("tflite_micro", "")
    for runtime in RUNTIMES:
        if named.startswith(runtime.name):
            return Fact("TFLM", runtime.name, Certainty.READ, VERSION_FILE)
    new = [name for name in NEW_OPERATORS if library.has(name)]
    if new:
        return Fact("TFLM", TFLM_90B983C.name, Certainty.GUESSED, f"it has {new[0]}")
    why = f"it has no {NEW_OPERATORS[0]}"
    return Fact("TFLM", TFLM_3B20912.name, Certainty.GUESSED, why)


def _goal(library: _Library) -> Fact:
    if any(NEITHER_GOAL in text for text in library.strings("svdf")):
        why = (
            "compiled without KERNELS_OPTIMIZED_FOR_SPEED and _SIZE: SVDF doesn't run, and kernel "
            "sums of dense layers are scratch on MVE, as with --build size"
        )
        return Fact("build", "neither", Certainty.WRONG, why)
    users = library.users("svdf", SUM)
    if any("Prepare" in user for user in users):
        return Fact("build", "speed", Certainty.READ, "SVDF sums its weights up in Prepare")
    if any("Eval" in user for user in users):
        return Fact("build", "size", Certainty.READ, "SVDF sums its weights up in each invocation")
    why = "TFLM's default; this library doesn't show it. --build size says otherwise"
    return Fact("build", "speed", Certainty.GUESSED, why)


def _compiler(library: _Library) -> Fact:
    comments = Counter(
        text.decode("utf-8", "replace").strip()
        for _, elf in library.objects
        if (section := elf.section(".comment")) is not None
        for text in bytes(section.data).split(b"\0")
        if text.strip()
    )
    first = comments.most_common(1)[0][0] if comments else ""
    if "Component: ARM Compiler" in first or "Component: Arm Compiler" in first:
        return Fact("compiler", "armclang", Certainty.READ, first)
    if first:
        return Fact("compiler", "gcc" if "GCC" in first else "other", Certainty.READ, first)
    return Fact("compiler", "gcc", Certainty.GUESSED, "the objects don't say it")


def _checks(library: _Library) -> Fact:
    kernels = [elf for name, elf in library.objects if "kernels" in name and "arm_" not in name]
    checked = [
        elf for elf in kernels if any("bort" in s.name for s in elf.symbols if not s.is_defined)
    ]
    share = len(checked) / len(kernels) if kernels else 0.0
    if share > MOST_ABORTS:
        why = "kernels call abort: without NDEBUG layers stop the firmware (tflopt help hazards)"
        return Fact("checks", "on", Certainty.READ, why)
    return Fact("checks", "off", Certainty.READ, "kernels don't call abort: built with NDEBUG")


def _extras(library: _Library) -> Iterator[Fact]:
    if library.has("CompressedAllocations") or library.has("DecompressionState"):
        why = "USE_TFLM_COMPRESSION: kernels ask for further scratch, which isn't predicted"
        yield Fact("compression", "on", Certainty.WRONG, why)


def profile_text(probe: Probe) -> str:
    """A profile, which later runs name: what they take for the device."""
    device = probe.device
    table = {
        "profile": PROFILE_VERSION,
        "target": str(device.target),
        "tflm": device.runtime.name,
        "cmsis_nn": device.kernels.version,
        "build": str(device.build),
        "library": str(probe.path),
    }
    return json.dumps(table, indent=2) + "\n"


def read_profile(path: Path) -> Device:
    """The device of a profile; ``build`` may be changed by hand.

    Raises:
        UsageError: no such file, or no profile.
    """
    try:
        table = json_of(bytes_beside(path))
        if not isinstance(table, dict):
            raise TypeError
        if table["profile"] != PROFILE_VERSION:
            raise UsageError(f"{path}: is a profile of another version of tflopt")
        texts = [table[key] for key in ("target", "cmsis_nn", "tflm", "build")]
        if not all(isinstance(text, str) for text in texts):
            raise TypeError
        return Device.of(*texts)
    except (ValueError, KeyError, TypeError):
        raise UsageError(f"{path}: is no profile; 'tflopt targets --probe' writes one") from None


def profiled(path: Path, target: str, cmsis_nn: str, tflm: str, build: str) -> Device:
    """The device of a profile, beside what is said of the device otherwise.

    Raises:
        UsageError: no profile, or something else is said than it has.
    """
    device, usual = read_profile(path), Device()
    said = Device.of(target, cmsis_nn, tflm, build)
    differs = (
        said.target not in (usual.target, device.target)
        or said.runtime not in (usual.runtime, device.runtime)
        or said.build not in (usual.build, device.build)
        or (cmsis_nn and said.kernels != device.kernels)
    )
    if differs:
        raise UsageError(
            f"{path}: is of {device.target}, {device.runtime}, {device.kernels}, built for "
            f"{device.build}; leave out --target, --tflm, --cmsis-nn and --build"
        )
    return device
