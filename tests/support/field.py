"""Models from the field: situations that people met, in the shared folder; skips without it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.paths import ROOT


def field_case(name: str) -> Path:
    """A model of the shared cases."""
    for folder in (ROOT.parent, ROOT.parents[1]):  # beside the repository, or a worktree's folder
        path = folder / "shared" / "field" / "cases" / f"{name}.tflite"
        if path.is_file():
            return path
    pytest.skip(f"no shared model {name}")
