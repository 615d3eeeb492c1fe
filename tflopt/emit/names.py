"""Names and literals of C: whatever a file or tensor is called, the result compiles."""

from __future__ import annotations

import re

import numpy as np

from tflopt.errors import UsageError

IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
SECTION = re.compile(r"[A-Za-z0-9_.$-]+")
SUFFIXES = (".tflite", ".opt")


def identifier(text: str) -> str:
    """``text`` with everything that C forbids replaced; never reserved, never empty.

    It is used with a suffix (``kws_data``), so that keywords need no care.
    """
    clean = re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_")
    return clean if IDENTIFIER.fullmatch(clean) else f"model_{clean}".rstrip("_")


def model_name(file_name: str) -> str:
    """``kws-large.opt.tflite`` -> ``kws_large``."""
    for suffix in SUFFIXES:
        file_name = file_name.removesuffix(suffix)
    return identifier(file_name)


def check_name(name: str) -> str:
    """A name that the user chose.

    Raises:
        UsageError: it is no identifier of C, or one with ``__``, which C++ reserves.
    """
    if not IDENTIFIER.fullmatch(name) or "__" in name:
        near = identifier(name)
        raise UsageError(f"--name {name!r} is not a C identifier; {near!r} would do")
    return name


def check_section(name: str, option: str = "--section") -> str:
    """A linker section; empty for the compiler's own.

    Raises:
        UsageError: it has characters that need quoting.
    """
    if name and not SECTION.fullmatch(name):
        raise UsageError(f"{option} {name!r}: letters, digits and . _ $ - only")
    return name


def string_literal(text: str) -> str:
    """``text`` as UTF-8 between double quotes; bytes that could confuse a compiler as octal."""
    raw = text.encode("utf-8", "surrogateescape")
    return '"' + "".join(_character(byte) for byte in raw) + '"'


def _character(byte: int) -> str:
    plain = 0x20 <= byte < 0x7F and chr(byte) not in '"\\?'  # ?? starts a trigraph in C11
    return chr(byte) if plain else f"\\{byte:03o}"


def float_literal(value: float) -> str:
    """A ``float`` constant that reads back as exactly this float32."""
    text = f"{np.float32(value):.9g}"
    return text + ("f" if any(c in text for c in ".e") else ".0f")
