"""Typed access to the plain data of a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias, cast

Plain: TypeAlias = Mapping[str, object]


def table(data: Plain, key: str) -> Plain:
    """The object at ``key``; an empty one where it is null or absent."""
    value = data.get(key)
    return cast("Plain", value) if isinstance(value, Mapping) else {}


def rows(data: Plain, key: str) -> Sequence[Plain]:
    """The list of objects at ``key``; an empty one where it is null or absent."""
    value = data.get(key)
    return cast("Sequence[Plain]", value) if isinstance(value, list) else ()


def number(data: Plain, key: str) -> int:
    """The number at ``key``, 0 where it is null or absent."""
    value = data.get(key)
    return value if isinstance(value, int) else 0


def optional(data: Plain, key: str) -> int | None:
    """The number at ``key``, None where it is null or absent."""
    value = data.get(key)
    return value if isinstance(value, int) else None


def text(data: Plain, key: str) -> str:
    """The text at ``key``, empty where it is null or absent."""
    value = data.get(key)
    return value if isinstance(value, str) else ""


def counts(data: Plain, key: str) -> dict[str, int]:
    """The numbers by name at ``key``."""
    return {name: value for name, value in table(data, key).items() if isinstance(value, int)}
