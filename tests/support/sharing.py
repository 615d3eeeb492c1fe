"""Runtimes that are imported once for a whole session, and tests that must not have it so."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tflopt.run.shared import _servers


@contextmanager
def own_processes() -> Iterator[None]:
    """Within it runs start their own processes, as they do outside of the tests."""
    token = _servers.set(None)
    try:
        yield
    finally:
        _servers.reset(token)
