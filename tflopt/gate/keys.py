"""A table of a configuration file: typed keys, and a suggestion for what is misspelled."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Mapping
from enum import Enum
from typing import TypeVar

from tflopt.errors import UsageError
from tflopt.product.budget import parse_count, parse_size

Choice = TypeVar("Choice", bound=Enum)


class Keys:
    """Reads keys of ``table``; every error names the place and the key.

    Raises:
        UsageError: a key is not among ``known``, or a value has the wrong type.
    """

    def __init__(self, table: Mapping[str, object], where: str, known: Collection[str]) -> None:
        self.table = table
        self.where = where
        for key in table:
            if key not in known:
                near = difflib.get_close_matches(key, known, n=1)
                hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(sorted(known))}"
                raise UsageError(f"{where}: unknown key {key!r}; {hint}")

    def _wrong(self, key: str, expected: str) -> UsageError:
        return UsageError(f"{self.where}: {key} must be {expected}, not {self.table[key]!r}")

    def text(self, key: str, default: str = "") -> str:
        """A string."""
        value = self.table.get(key, default)
        if not isinstance(value, str):
            raise self._wrong(key, "a string")
        return value

    def flag(self, key: str, default: bool = False) -> bool:
        """A boolean."""
        value = self.table.get(key, default)
        if not isinstance(value, bool):
            raise self._wrong(key, "true or false")
        return value

    def number(self, key: str, default: int, least: int) -> int:
        """An integer from ``least`` on."""
        value = self.table.get(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise self._wrong(key, f"an integer from {least} on")
        return value

    def size(self, key: str) -> int | None:
        """Bytes, or a string such as ``64K``."""
        return self._parsed(key, parse_size, "a size such as 65536 or '64K'")

    def count(self, key: str) -> int | None:
        """A number, or a string such as ``1.5M``."""
        return self._parsed(key, parse_count, "a count such as 1500000 or '1.5M'")

    def _parsed(self, key: str, parse: Callable[[str], int], what: str) -> int | None:
        value = self.table.get(key)
        if value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 0):
            return value
        if not isinstance(value, str):
            raise self._wrong(key, what)
        try:
            return parse(value)
        except UsageError as error:
            raise UsageError(f"{self.where}: {key}: {error.reason}") from None

    def texts(self, key: str) -> tuple[str, ...] | None:
        """A list of strings."""
        value = self.table.get(key)
        if value is None:
            return None
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise self._wrong(key, "a list of strings")
        return tuple(value)

    def choice(self, key: str, kind: type[Choice], default: Choice) -> Choice:
        """One of the values of an enumeration."""
        text = self.table.get(key, default.value)
        for each in kind:
            if each.value == text:
                return each
        raise self._wrong(key, "one of " + ", ".join(str(each.value) for each in kind))

    def tables(self, key: str) -> list[dict[str, object]]:
        """An array of tables."""
        value = self.table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
            raise self._wrong(key, f"an array of tables: [[{key}]]")
        return value
