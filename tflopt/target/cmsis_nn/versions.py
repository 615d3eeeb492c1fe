"""The CMSIS-NN versions whose sizes and dispatch are known, and what differs between them.

CMSIS-NN's last tag is v7.0.0 and its pack file says 0.0.0 on every commit, so a later version is
named by its commit; ``describe`` is what ``git describe --tags`` prints for it.
"""

from __future__ import annotations

from dataclasses import dataclass

from tflopt.errors import UsageError
from tflopt.texts import near_match


@dataclass(frozen=True)
class Version:
    """One CMSIS-NN version and the facts about it that decide a function or a size.

    Attributes:
        name: what ``--cmsis-nn`` takes and what the annotation stores.
        sizes_check_channels: the ``get_buffer_size`` wrappers require filter channels equal to
            input channels for the 1x1 and 1xN paths, as the kernels do (commit c01c0a14). Before
            it, grouped convolutions asked for the wrong path's buffer.
        transpose_conv_rows_right: ``arm_transpose_conv_s8`` is right when the top padding is no
            multiple of the stride (commit 4a8f5b5d).
    """

    name: str
    describe: str
    date: str
    note: str
    sizes_check_channels: bool
    transpose_conv_rows_right: bool

    def __str__(self) -> str:
        return self.name


V7_0_0 = Version("7.0.0", "v7.0.0", "2024-11-11", "last tagged release", False, False)
VE096196 = Version(
    "e096196", "v7.0.0-3-ge096196a", "2025-02-18", "pinned by TFLM 3b20912", False, False
)
V4AB83CC = Version(
    "4ab83cc", "v7.0.0-33-g4ab83cc", "2026-06-17", "pinned by TFLM 90b983c", True, False
)
V99F736A = Version("99f736a", "v7.0.0-43-g99f736a", "2026-07-15", "newest known", True, True)

VERSIONS: tuple[Version, ...] = (V7_0_0, VE096196, V4AB83CC, V99F736A)
NEWEST = V99F736A


def find_version(text: str) -> Version:
    """The version that ``text`` names: its name, ``git describe`` text, or a longer commit hash.

    Raises:
        UsageError: unknown; the message lists the known versions.
    """
    spelling = text.strip().lower()
    for version in VERSIONS:
        if spelling in {version.name, version.describe} or _same_commit(spelling, version.name):
            return version
    names = [version.name for version in VERSIONS]
    near = near_match(spelling, names)
    hint = f"; {near}" if near else ""
    known = ", ".join(f"{version.name} ({version.note})" for version in VERSIONS)
    raise UsageError(f"unknown CMSIS-NN version {text!r}{hint} (known: {known})")


def _same_commit(spelling: str, name: str) -> bool:
    is_hash = 7 <= len(spelling) <= 40 and set(spelling) <= set("0123456789abcdef")
    return is_hash and spelling.startswith(name)
