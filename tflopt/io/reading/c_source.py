"""A model as firmware carries it: an array in C source, as ``xxd -i`` writes it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tflopt.errors import ModelError
from tflopt.io.schema import IDENTIFIER

MAX_SOURCE_BYTES = 1 << 28
"""Largest C source that is read, some 40 MiB of model; a documented limit."""
COMMENT = re.compile(rb"//[^\n]*|/\*.*?\*/", re.DOTALL)
ARRAY = re.compile(rb"(\w+)\s*\[[^\[\]]{0,64}\][^;{}=]{0,256}=\s*\{([^{};]*)\}")
NUMBER = re.compile(rb"0[xX][0-9a-fA-F]+|\d+")
PLAIN = re.compile(rb"[\s,0-9a-fA-FxXuUlL]*")
START_NUMBERS = 8
"""Numbers up to the end of a FlatBuffer's identifier."""
HEAD_BYTES = 4096


def model_in_c_source(source: bytes) -> bytes | None:
    """The model that an array of bytes in C or C++ source holds, None if no array holds one.

    Raises:
        ModelError: several arrays hold a model, one has what is not a byte, or it is too large.
    """
    if source[4:8] == IDENTIFIER or b"{" not in source or b"\0" in source[:HEAD_BYTES]:
        return None
    if len(source) > MAX_SOURCE_BYTES:
        raise ModelError(f"a C source larger than {MAX_SOURCE_BYTES >> 20} MiB")
    arrays = [match for match in ARRAY.finditer(COMMENT.sub(b" ", source)) if _is_model(match[2])]
    if not arrays:
        return None
    if len(arrays) > 1:
        names = ", ".join(match[1].decode() for match in arrays)
        raise ModelError(f"holds {len(arrays)} models ({names}); leave one in the source")
    name, body = arrays[0][1].decode(), arrays[0][2]
    if PLAIN.fullmatch(body) is None:
        raise ModelError("has more than plain numbers between the braces", f"array {name}")
    try:
        return bytes(_numbers(body))
    except ValueError:
        raise ModelError("has a number that is not a byte", f"array {name}") from None


def _is_model(body: bytes) -> bool:
    start = NUMBER.findall(body[: 64 * START_NUMBERS])[:START_NUMBERS]
    return [_number(text) for text in start[4:]] == list(IDENTIFIER)


def _numbers(body: bytes) -> Iterator[int]:
    return (_number(match[0]) for match in NUMBER.finditer(body))


def _number(text: bytes) -> int:
    """A number of C; -1 for one with an 8 or 9 behind a leading zero, which makes it octal."""
    if text[1:2] in (b"x", b"X"):
        return int(text, 16) if len(text) <= len(b"0xff") else -1
    if len(text) > len(b"0377"):
        return -1
    if text.startswith(b"0") and text.strip(b"01234567"):
        return -1
    return int(text, 8 if text.startswith(b"0") else 10)
