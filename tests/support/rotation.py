"""Tests of whole families that take long: each round runs a share of them, ``nox -s long`` all.

A round has at least one member of each family, and takes the same models of all families that go
over models: what is computed once for a model serves them all. ``long(by="board")`` names another
parameter whose values are taken alike.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from zlib import crc32

import pytest

from tests.support.paths import MODELS

SHARE = 4
"""Rounds until each has run: a week's runs see every one."""


@cache
def _turns() -> dict[Path, int]:
    """The turn of each model; large ones are in different turns."""
    return {path: turn for turn, path in enumerate(sorted(MODELS, key=_size))}


def _size(path: Path) -> tuple[int, str]:
    return path.stat().st_size, path.name


def due(turns: Sequence[int], number: int) -> set[int]:
    """Positions of the members of one family, each with a turn, that run in round ``number``."""
    found = {place for place, turn in enumerate(turns) if (turn - number) % SHARE == 0}
    return found or {number % len(turns)}


def turn_of(parameters: Iterable[object], family: str, place: int) -> int:
    """That of the model among the parameters, else by the test's place in its family."""
    paths = [value for value in parameters if isinstance(value, Path)]
    found = next((_turns()[path] for path in paths if path in _turns()), None)
    return place + crc32(family.encode()) if found is None else found


def turns_of(family: str, members: Sequence[pytest.Item]) -> list[int]:
    """The turn of each test of a family."""
    mark = members[0].get_closest_marker("long")
    by = None if mark is None else mark.kwargs.get("by")
    if by is None:
        return [turn_of(_parameters(item).values(), family, i) for i, item in enumerate(members)]
    values = list(dict.fromkeys(_parameters(item)[by] for item in members))
    return [values.index(_parameters(item)[by]) for item in members]


def _family(item: pytest.Item) -> str:
    return item.nodeid.partition("[")[0]


def _parameters(item: pytest.Item) -> Mapping[str, object]:
    return item.callspec.params if hasattr(item, "callspec") else {}


def rotate(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests marked ``long`` that another round runs."""
    number = config.getoption("--fuzz-round")
    families = defaultdict(list)
    for item in items:
        if item.get_closest_marker("long"):
            families[_family(item)].append(item)
    left: list[pytest.Item] = []
    for name, members in families.items():
        chosen = due(turns_of(name, members), number)
        left += [item for place, item in enumerate(members) if place not in chosen]
    config.hook.pytest_deselected(items=left)
    gone = set(left)
    items[:] = [item for item in items if item not in gone]
