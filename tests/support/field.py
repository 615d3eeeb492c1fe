"""Models from the field: situations that people met, in the shared folder; skips without it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.paths import ROOT


def field_case(name: str) -> Path:
    """A model of the shared cases."""
    return _find(f"field/cases/{name}.tflite")


def field_model(name: str) -> Path:
    """A real model of the shared ones."""
    return _find(f"models/{name}.tflite", f"field/models/{name}.tflite")


def _find(*names: str) -> Path:
    for folder in (ROOT.parent, ROOT.parents[1]):  # beside the repository, or a worktree's folder
        for name in names:
            if (folder / "shared" / name).is_file():
                return folder / "shared" / name
    pytest.skip(f"no shared model {names[0]}")
