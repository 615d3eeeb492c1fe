"""A table of a configuration file: typed keys, and a suggestion for what is misspelled."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from enum import Enum
from pathlib import Path
from typing import TypeVar

from tflopt.errors import UsageError
from tflopt.product.options import Option
from tflopt.target.quantities import parse_count, parse_size
from tflopt.texts import near_match

MOST, MOST_COUNT = 2**31 - 1, 2**63 - 1
SHOWN = 60
"""Characters of a wrong value in a message."""
Choice = TypeVar("Choice", bound=Enum)
SIZES: Mapping[Callable[[str], int], str] = {
    parse_size: "a size such as 65536 or '64K'",
    parse_count: "a count such as 1500000 or '1.5M'",
}


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
                hint = near_match(key, known) or f"known: {', '.join(sorted(known))}"
                raise UsageError(f"{where}: unknown key {key!r}; {hint}")

    def _wrong(self, key: str, expected: str) -> UsageError:
        return UsageError(f"{self.where}: {key} must be {expected}, not {_shown(self.table[key])}")

    def option(self, option: Option) -> object:
        """The value of an option in the type of its field."""
        key, default = option.key, option.default
        if key not in self.table:
            return default
        if option.is_list:
            return self.texts(key)
        if option.spec.parse is not None:
            return self._parsed(key, option.spec.parse, SIZES[option.spec.parse])
        if issubclass(option.kind, Enum):
            return self.choice(key, option.kind)
        if option.kind is bool:
            return self.flag(key)
        if option.kind is Path:
            return Path(self.text(key)) if self.text(key) else None
        if option.kind is str:
            return self.text(key)
        return self.number(key, option)

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

    def number(self, key: str, option: Option) -> float:
        """A number within the option's bounds; an integer where its field is one."""
        value, spec = self.table[key], option.spec
        kinds, word = (int, "an integer") if option.kind is int else ((int, float), "a number")
        if not isinstance(value, kinds) or isinstance(value, bool) or value < spec.floor:
            raise self._wrong(key, word if spec.least is None else f"{word} from {spec.least} on")
        most = min(spec.ceiling, MOST)
        if not value <= most:  # so that NaN is refused, too
            raise self._wrong(key, f"{word} up to {most}")
        return value

    def _parsed(self, key: str, parse: Callable[[str], int], what: str) -> int | None:
        value = self.table.get(key)
        plain = isinstance(value, int) and not isinstance(value, bool)
        if value is None or (isinstance(value, int) and plain and 0 <= value <= MOST_COUNT):
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
        if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
            raise self._wrong(key, "a list of strings")
        return tuple(value)

    def choice(self, key: str, kind: type[Choice]) -> Choice:
        """One of the values of an enumeration."""
        text = self.table[key]
        for member in kind:
            if member.value == text:
                return member
        raise self._wrong(key, "one of " + ", ".join(str(member.value) for member in kind))

    def tables(self, key: str) -> list[dict[str, object]]:
        """An array of tables."""
        value = self.table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(table, dict) for table in value):
            raise self._wrong(key, f"an array of tables: [[{key}]]")
        return value


def _shown(value: object) -> str:
    """A value in a message; Python refuses to print numbers of thousands of digits."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):
        return "what it is"
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
