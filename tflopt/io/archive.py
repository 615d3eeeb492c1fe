"""Static libraries: the members of an ``ar`` archive, GNU's and BSD's form."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tflopt.errors import UsageError

MAGIC = b"!<arch>\n"
HEADER_BYTES = 60
INDEXES = ("/", "/SYM64/", "__.SYMDEF", "__.SYMDEF SORTED")


@dataclass(frozen=True)
class Member:
    """One file of an archive."""

    name: str
    data: memoryview


def read_archive(data: bytes, where: str) -> Iterator[Member]:
    """The members, without the archive's own index and names.

    Raises:
        UsageError: no archive, or a damaged one; ``where`` names it.
    """
    if not data.startswith(MAGIC):
        raise UsageError(f"{where}: is no static library")
    view, at, long_names = memoryview(data), len(MAGIC), b""
    while at + HEADER_BYTES <= len(data):
        header = data[at : at + HEADER_BYTES]
        name, size_text = header[:16].decode("ascii", "replace").rstrip(), header[48:58].strip()
        at += HEADER_BYTES
        if header[58:] != b"`\n" or not size_text.isdigit() or at + int(size_text) > len(data):
            raise UsageError(f"{where}: is a damaged static library")
        size = int(size_text)
        content = view[at : at + size]
        at += size + size % 2
        if name == "//":
            long_names = bytes(content)
        elif name not in INDEXES:
            yield _named(name, content, long_names)


def _named(name: str, content: memoryview, long_names: bytes) -> Member:
    if name.startswith("#1/") and name[3:].isdecimal():
        length = int(name[3:])
        return Member(
            bytes(content[:length]).rstrip(b"\0").decode("utf-8", "replace"), content[length:]
        )
    if name.startswith("/") and name[1:].isdecimal():
        long_name = long_names[int(name[1:]) :].split(b"\n", 1)[0]
        return Member(long_name.rstrip(b"/").decode("utf-8", "replace"), content)
    return Member(name.rstrip("/"), content)
