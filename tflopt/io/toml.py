"""Texts in TOML: configurations, boards, published results."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from tflopt.errors import UsageError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def read_toml(text: str | bytes, where: str) -> Mapping[str, Any]:
    """The tables of a text; bytes are taken for UTF-8.

    Raises:
        UsageError: it is no TOML or no UTF-8; ``where`` names it.
    """
    try:
        table: Mapping[str, Any] = tomllib.loads(text if isinstance(text, str) else text.decode())
    except ValueError as error:  # no TOML, no UTF-8, or a number of thousands of digits
        raise UsageError(f"{where}: {error}") from None
    except RecursionError:
        raise UsageError(f"{where}: its tables are nested too deep") from None
    return table
