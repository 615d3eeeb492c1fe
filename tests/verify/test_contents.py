"""Tensors of two files are paired by what stays of them, as the rewriter's record has them."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from tests.support.cli import Cli
from tests.support.kit import Kit
from tests.support.paths import TESTDATA, needs_tflm
from tflopt.config import Tiling
from tflopt.io import read, read_bytes
from tflopt.ir import Model, OpCode
from tflopt.product import choose
from tflopt.product.optimize import Result, Settings, optimize_file_bytes
from tflopt.rules import pipeline
from tflopt.target.memory import PlanRequest
from tflopt.verify.contents import alike
from tflopt.verify.match import pairs_by_contents, pairs_by_origin

pytestmark = pytest.mark.unit
MODELS = ("conv1d_pairs", "ds_cnn", "mobilenet_v2", "resnet8", "tcn_causal_dilated", "torch_tcn")
LEAST = 0.5
"""Of the recorded pairs; what an operator only moves has none."""


@cache
def result(name: str) -> Result:
    path = TESTDATA / f"{name}.tflite"
    return optimize_file_bytes(read(path), path.read_bytes(), Settings(samples=None))


@pytest.mark.parametrize("name", MODELS)
def test_no_pair_is_wrong_and_most_are_there(name: str) -> None:
    recorded = pairs_by_origin(result(name).original, result(name).model)
    likely = pairs_by_contents(result(name).original, read_bytes(result(name).data))
    known = {pair.optimized: (pair.original, pair.origin) for pair in recorded}
    for pair in likely:
        assert known[pair.optimized] == (pair.original, pair.origin)
    assert len(likely) >= LEAST * len(recorded)


@pytest.mark.long
@pytest.mark.parametrize("model", ["mobilenet_v1", "resnet8"])
def test_bands_hold_the_rows_of_the_layer_that_they_are_of(model: str) -> None:
    """The record has also the layers inside of a segment, whose rows two files don't tell."""
    path = TESTDATA / f"{model}.tflite"
    settings = Settings(samples=None)
    config = replace(settings.config, tiling=Tiling(), plan=PlanRequest(overlap="target"))
    tiles = optimize_file_bytes(read(path), path.read_bytes(), replace(settings, config=config))
    recorded = pairs_by_origin(tiles.original, tiles.model)
    known = {pair.optimized: (pair.original, pair.origin) for pair in recorded}
    found = pairs_by_contents(tiles.original, read_bytes(tiles.data))
    bands = [pair for pair in found if pair.origin is not None and pair.origin.parts]
    assert len(bands) > 1
    for pair in bands:
        assert known[pair.optimized] == (pair.original, pair.origin)


def moves(one: tuple[int, ...], two: tuple[int, ...]) -> list[tuple[tuple[int, ...], ...] | None]:
    """How the axes of the only pair have moved, as far as that can be said."""
    first, second = Kit(), Kit()
    for n, shape in ((first, one), (second, two)):
        n.output(n.unary(OpCode.ABS, n.feed(*shape), quant=(0.25, 1)))
    origins = [origin for _, _, origin in alike(first.model, second.model)]
    return [None if origin is None else (origin.dims, origin.perm) for origin in origins]


def test_axes_that_moved() -> None:
    assert moves((1, 4, 5, 6), (4, 5, 6)) == [None]
    assert moves((1, 4, 5, 6), (1, 5, 6, 4)) == [((4, 5, 6), (1, 2, 0))]
    assert moves((4, 4, 6), (6, 4, 4)) == []  # either axis may have become either
    assert moves((4, 5), (20,)) == [None]


def test_an_activation_of_the_same_scale_stands_for_what_it_reads() -> None:
    one, two = Kit(), Kit()
    one.output(one.relu(one.dense(one.feed(1, 8), 4)))
    two.output(two.dense(two.feed(1, 8), 4))
    ((first, second, origin),) = alike(one.model, two.model)
    assert first.producer is not None and first.producer.code is OpCode.RELU
    assert second.is_graph_output and origin is None


@needs_tflm
@pytest.mark.runtime
def test_nothing_is_optimized_to_compare_files(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor a second time to verify what was optimized."""
    runs: list[str] = []
    made = pipeline.run_pipeline

    def counting(model: Model, *arguments: object, **options: object) -> object:
        runs.append(model.path)
        return made(model, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(choose, "run_pipeline", counting)
    monkeypatch.setattr(pipeline, "run_pipeline", counting)
    path, output = TESTDATA / "two_signatures.tflite", tmp_path / "o.tflite"
    assert cli("optimize", path, "-o", output, "--no-verify").code == 0
    once = len(runs)
    assert cli("optimize", path, "-o", output).code == 0
    assert len(runs) == 2 * once
    assert cli("validate", path, output, "--layers").code == 0
    assert len(runs) == 2 * once
