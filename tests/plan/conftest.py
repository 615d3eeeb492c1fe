"""Property tests of the planner search for a while, and machines are shared: no deadline."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.support.plans import plans_as_shipped

settings.register_profile("planner", deadline=None)
settings.load_profile("planner")


@pytest.fixture(scope="module", autouse=True)
def _as_shipped() -> Iterator[None]:
    """The solver is what these tests are about."""
    with plans_as_shipped():
        yield
