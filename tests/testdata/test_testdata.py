"""The generated models are those that were checked in, and all are described."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

TESTDATA = Path(__file__).resolve().parents[2] / "testdata"
MODELS = sorted(TESTDATA.glob("*/*.tflite"))
LIMIT_BYTES = 5_000_000

pytestmark = pytest.mark.unit


def listed_sums() -> dict[str, str]:
    lines = (TESTDATA / "SHA256SUMS").read_text().splitlines()
    return {name: digest for digest, name in (line.split("  ", 1) for line in lines)}


def test_checksums_list_exactly_the_models() -> None:
    present = {str(path.relative_to(TESTDATA)) for path in MODELS}
    assert present
    assert set(listed_sums()) == present


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_checksum_matches(path: Path) -> None:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert listed_sums()[str(path.relative_to(TESTDATA))] == digest


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_is_a_tflite_flatbuffer(path: Path) -> None:
    assert path.read_bytes()[4:8] == b"TFL3"


def test_readme_lists_every_model_with_its_size() -> None:
    text = (TESTDATA / "README.md").read_text()
    missing = [p.stem for p in MODELS if f"| {p.stem} | {p.stat().st_size:,} |" not in text]
    assert missing == []


def test_total_size_stays_small() -> None:
    assert sum(path.stat().st_size for path in MODELS) < LIMIT_BYTES
