"""Texts in TOML: what is wrong with one is told with its name."""

from __future__ import annotations

import pytest

from tflopt.errors import UsageError
from tflopt.io.toml import read_toml

pytestmark = pytest.mark.unit


def test_text_and_bytes_are_read_alike() -> None:
    text = 'name = "\N{SNOWMAN}"\n'
    assert read_toml(text, "x") == read_toml(text.encode(), "x") == {"name": "\N{SNOWMAN}"}


@pytest.mark.parametrize(
    "text",
    ["a = ", b"a = '\xff'", "a = " + "9" * 5000, "a = " + "[" * 100_000],
    ids=["no TOML", "no UTF-8", "thousands of digits", "nested"],
)
def test_what_is_no_toml_is_told_with_its_name(text: str | bytes) -> None:
    with pytest.raises(UsageError, match=r"^c\.toml: "):
        read_toml(text, "c.toml")
