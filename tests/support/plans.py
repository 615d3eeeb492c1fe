"""Plans and searches for bands of a session: each is made once, however many tests ask for it."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache

import pytest

from tflopt.io import write_bytes
from tflopt.ir import Model
from tflopt.target.device import Device
from tflopt.target.memory import PlanRequest
from tflopt.tiling.measure import Measure
from tflopt.tiling.search import SearchResult
from tflopt.tiling.wish import Wish

SOLVER = importlib.import_module("tflopt.plan.solve")
"""The module; the package has a function of that name."""
SEARCHER = importlib.import_module("tflopt.tiling.search")
AS_SHIPPED = SOLVER._remembered
SEARCH_AS_SHIPPED = SEARCHER.search
MOST_REMEMBERED = 1 << 12
ANY = Measure(1 << 20, 1 << 30, 1 << 10)
"""Of some model: what is wished for then tells one wish from another."""
Asked = tuple[Device, PlanRequest, Wish]


@dataclass
class Searches:
    """Stands for ``tflopt.tiling.search.search``."""

    known: dict[bytes, list[tuple[Asked, SearchResult, list[str]]]] = field(default_factory=dict)
    """By file: a device has no hash."""

    def __call__(
        self,
        model: Model,
        device: Device,
        request: PlanRequest,
        wish: Callable[[Measure], Wish],
        progress: Callable[[str], None] = lambda _: None,
    ) -> SearchResult:
        asked = device, request, wish(ANY)
        known = self.known.setdefault(write_bytes(model), [])
        match = next((entry for entry in known if entry[0] == asked), None)
        if match is None:
            said: list[str] = []
            match = asked, SEARCH_AS_SHIPPED(model, device, request, wish, said.append), said
            known.append(match)
        for line in match[2]:
            progress(line)
        return match[1]


@contextmanager
def _replaced(solver: Callable[..., object], search: Callable[..., SearchResult]) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SOLVER, "_remembered", solver)
        patch.setattr(SEARCHER, "search", search)
        yield


@contextmanager
def remembered_plans() -> Iterator[None]:
    """Within it nothing is forgotten: hundreds of tests plan the same models."""
    with _replaced(lru_cache(maxsize=MOST_REMEMBERED)(AS_SHIPPED.__wrapped__), Searches()):
        yield


@contextmanager
def plans_as_shipped() -> Iterator[None]:
    """Within it the solver and the search work as they do outside of the tests."""
    AS_SHIPPED.cache_clear()
    with _replaced(AS_SHIPPED, SEARCH_AS_SHIPPED):
        yield
