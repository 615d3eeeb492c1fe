"""Where the test models are, and which runtimes are installed."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TESTDATA = ROOT / "testdata" / "models"
SHARED = ROOT.parent / "shared" / "models"
MODELS = [
    path
    for folder in (SHARED, TESTDATA)
    if folder.is_dir()
    for path in sorted(folder.glob("*.tflite"))
    if not path.name.endswith(".opt.tflite")
]


def present(module: str) -> bool:
    """Whether a package is installed, without importing it."""
    return find_spec(module) is not None


needs_tflm = pytest.mark.skipif(not present("tflite_micro"), reason="tflite-micro is missing")
needs_litert = pytest.mark.skipif(not present("ai_edge_litert"), reason="ai-edge-litert is missing")
every_model = pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
