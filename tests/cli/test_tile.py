"""``optimize --tile``, and ``--max-arena`` that bands reach."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.cli import Cli
from tests.support.kit import Kit
from tflopt.io import write_bytes

pytestmark = pytest.mark.unit


@pytest.fixture
def model(tmp_path: Path) -> str:
    """A tensor of 64 channels between two small ones."""
    n = Kit()
    x = n.conv2d(n.feed(1, 16, 32, 8), 64, (1, 1))
    n.output(n.conv2d(x, 4, (3, 3), stride=(2, 2)))
    path = tmp_path / "wide.tflite"
    path.write_bytes(write_bytes(n.model))
    return str(path)


def arena(cli: Cli, tmp_path: Path, model: str, *options: str) -> int:
    """The arena of the result."""
    out, report = tmp_path / "out.tflite", tmp_path / "out.json"
    done = cli("optimize", model, "-o", str(out), "--report", str(report), "-q", *options)
    assert done.code == 0, done.err
    size = json.loads(report.read_text())["output"]["arena"]["minimum_bytes"]
    assert isinstance(size, int)
    return size


def test_bands_are_used_where_they_are_asked_for(cli: Cli, tmp_path: Path, model: str) -> None:
    without = arena(cli, tmp_path, model)
    slow = ("--max-slowdown", "300")
    assert arena(cli, tmp_path, model, "--tile", "auto", *slow) < 0.6 * without
    assert arena(cli, tmp_path, model, "--goal", "memory", *slow) < 0.6 * without
    assert arena(cli, tmp_path, model, "--goal", "memory", "--tile", "off") == without


def test_an_arena_that_is_missed_is_met_with_bands(cli: Cli, tmp_path: Path, model: str) -> None:
    without = arena(cli, tmp_path, model)
    limit = without * 7 // 10
    assert arena(cli, tmp_path, model, "--max-arena", str(limit)) <= limit
    assert arena(cli, tmp_path, model, "--max-arena", str(without)) == without
    off = cli("optimize", model, "--max-arena", str(limit), "--tile", "off", "--no-verify")
    assert off.code == 1
    assert "--tile auto" in off.err


def test_what_is_in_bands_stays_as_it_is(cli: Cli, tmp_path: Path, model: str) -> None:
    options = ("--tile", "auto", "--max-slowdown", "300", "--no-verify", "-q")
    first, again = tmp_path / "first.tflite", tmp_path / "again.tflite"
    assert cli("optimize", model, "-o", str(first), *options).code == 0
    assert cli("optimize", str(first), "-o", str(again), *options).code == 0
    assert again.read_bytes() == first.read_bytes()


def test_the_report_says_how_layers_were_cut(cli: Cli, tmp_path: Path, model: str) -> None:
    out, report = tmp_path / "out.tflite", tmp_path / "out.json"
    options = ("--tile", "auto", "--max-slowdown", "300", "--report", str(report))
    done = cli("optimize", model, "-o", str(out), *options)
    assert done.code == 0, done.err
    assert "tile-layers" in done.out
    passes = json.loads(report.read_text())["passes"]
    edits = [h["edits"] for p in passes if p["name"] == "tile-layers" for h in p["hits"]]
    assert "in 2 bands" in edits[0][0] or "bands of" in edits[0][0]


def test_the_file_grows_by_two_percent_or_2500_bytes_at_most(cli: Cli, tmp_path: Path) -> None:
    """Bands of this model could save more with more operators."""
    n = Kit()
    x = n.conv2d(n.feed(1, 32, 32, 8), 64, (1, 1))
    x = n.conv2d(x, 4, (3, 3), stride=(2, 2))
    n.output(n.fully_connected(n.reshape(x, 1, x.elements), 8))
    path = tmp_path / "dense.tflite"
    path.write_bytes(write_bytes(n.model))
    sizes = {}
    for tile in ("off", "auto"):
        out = tmp_path / f"{tile}.tflite"
        options = ("--tile", tile, "--max-slowdown", "900", "--no-verify", "-q")
        done = cli("optimize", str(path), "-o", str(out), *options)
        assert done.code == 0, done.err
        sizes[tile] = out.stat().st_size
    assert 0 < sizes["auto"] - sizes["off"] <= max(2560, 0.02 * sizes["off"])
