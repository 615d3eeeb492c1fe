"""Tests of whole families that take long: each round runs a share of them, ``nox -s long`` all."""

from __future__ import annotations

from zlib import crc32

import pytest

SHARE = 4
"""Rounds until each has run: a week's runs see every one."""


def is_due(name: str, number: int) -> bool:
    """Whether the test of this name runs in round ``number``; the same in every process."""
    return crc32(name.encode()) % SHARE == number % SHARE


def rotate(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests marked ``long`` that another round runs."""
    number = config.getoption("--fuzz-round")
    left = [
        item
        for item in items
        if item.get_closest_marker("long") and not is_due(item.nodeid, number)
    ]
    config.hook.pytest_deselected(items=left)
    gone = set(left)
    items[:] = [item for item in items if item not in gone]
