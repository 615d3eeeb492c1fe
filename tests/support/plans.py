"""The plans of a session: each problem is solved once, however many tests ask for it."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache

import pytest

SOLVER = importlib.import_module("tflopt.plan.solve")
"""The module; the package has a function of that name."""
AS_SHIPPED = SOLVER._remembered
MOST_REMEMBERED = 1 << 12


@contextmanager
def _replaced(solver: Callable[..., object]) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SOLVER, "_remembered", solver)
        yield


@contextmanager
def remembered_plans() -> Iterator[None]:
    """Within it no plan is forgotten: hundreds of tests plan the same models."""
    with _replaced(lru_cache(maxsize=MOST_REMEMBERED)(AS_SHIPPED.__wrapped__)):
        yield


@contextmanager
def plans_as_shipped() -> Iterator[None]:
    """Within it the solver works as it does outside of the tests."""
    AS_SHIPPED.cache_clear()
    with _replaced(AS_SHIPPED):
        yield
