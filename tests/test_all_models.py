"""Every model: optimized in this process, compared on TFLM, loaded in LiteRT."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from tests.support.paths import TESTDATA, every_model, needs_litert, needs_tflm, present
from tests.support.runtime import RuntimeFailure, runtime
from tflopt.annotation.annotate import Annotate
from tflopt.config import Config
from tflopt.io import WriteOptions, read_bytes
from tflopt.ir.verify import verify
from tflopt.product.optimize import Result, Settings, optimize_file_bytes
from tflopt.run.samples import SampleOptions, make_samples
from tflopt.target import Target
from tflopt.target.cost import predict_model
from tflopt.target.device import Device
from tflopt.target.runs import find_refusals

pytestmark = pytest.mark.runtime
# 0.33 s for each inference; the whole check with 32 inputs is a command of its own (README).
SLOW = {"mobilenet_v2_pytorch": 2}
# The original, byte for byte, already corrupts LiteRT's heap in one run of three (SVDF).
CRASHES_LITERT = {"keyword_scrambled_8bit"}
PLAIN = Settings(samples=None, layout=WriteOptions(share=True), annotate=Annotate.NONE)


def optimized(path: Path, settings: Settings) -> Result:
    data = path.read_bytes()
    return optimize_file_bytes(read_bytes(data, str(path)), data, settings)


@cache
def plain(path: Path, target: str = "cortex-m55") -> Result:
    """As most tests here look at it; none of them changes it."""
    return optimized(path, replace(PLAIN, config=Config(device=Device(Target.parse(target)))))


@needs_tflm
@every_model
def test_optimized_models_are_identical(path: Path) -> None:
    count = SLOW.get(path.stem, 32)
    result = optimized(path, replace(PLAIN, samples=SampleOptions(count)))
    verify(result.model, "the pipeline")
    verdict = result.verification
    assert verdict is not None
    if verdict.status == "not verified":
        pytest.skip(f"neither runner has all operators: {verdict.note}")
    assert verdict.status == "identical", verdict
    assert verdict.samples == count
    # A file of 408 bytes gains padding: its single operator leaves nothing to drop.
    assert len(result.data) <= len(result.source) + 16
    if verdict.runner != "tflm":
        assert "has no operator" in verdict.note or not present("tflite_micro"), verdict


@pytest.mark.long
@needs_litert
@every_model
def test_optimized_models_load_in_litert_where_the_original_does(path: Path) -> None:
    if path.stem in CRASHES_LITERT:
        pytest.skip("LiteRT corrupts its heap on the original")
    result = plain(path)
    samples = make_samples(result.original, SampleOptions(1))
    try:
        runtime().run("litert", result.source, samples)
    except RuntimeFailure as failure:
        pytest.skip(f"LiteRT does not run the original: {str(failure)[:200]}")
    runtime().run("litert", result.data, samples)


@pytest.mark.long
@every_model
def test_a_second_optimization_changes_nothing(path: Path) -> None:
    """Without the annotation, which names the source's digest."""
    first = plain(path)
    second = optimize_file_bytes(read_bytes(first.data), first.data, PLAIN)
    assert not second.trace.hits
    assert second.data == first.data


def test_optimizing_again_replaces_the_annotation() -> None:
    """Its old buffer must not stay behind."""
    data = (TESTDATA / "ds_cnn.tflite").read_bytes()
    sizes = []
    for _ in range(3):
        data = optimize_file_bytes(read_bytes(data), data, Settings(samples=None)).data
        sizes.append(len(read_bytes(data).buffers))
    assert len(set(sizes)) == 1


# A RESHAPE in the place of a QUANTIZE counts as a copy; the QUANTIZE it replaces does not.
RELABELLED_BYTES = 16
# A file may gain alignment.
PADDING_BYTES = 16


def check_exchange(grown: int, original: int, saved: int, instructions: int) -> None:
    """Nothing grows, but as docs/forms.md states: little, and for four times the percentage."""
    if grown <= 0:
        return
    assert grown <= max(original * 5 // 100, 4096)
    assert saved * original >= 4 * grown * instructions, "growth that isn't paid for"


def test_growth_that_is_refused() -> None:
    check_exchange(0, 1000, 0, 1000)
    check_exchange(50, 1000, 200, 1000)
    check_exchange(5000, 100_000, 200, 1000)
    for grown, original, saved in ((1, 1000, 0), (50, 1000, 199), (5001, 100_000, 900)):
        with pytest.raises(AssertionError):
            check_exchange(grown, original, saved, 1000)


@pytest.mark.long
@every_model
@pytest.mark.parametrize("target", ["cortex-m4", "cortex-m55"])
def test_no_resource_gets_worse(path: Path, target: str) -> None:
    result, device = plain(path, target), Device(Target.parse(target))
    data = result.source
    if result.hazards:
        pytest.skip("a layer that the core computes wrongly is routed around, at any price")
    assert result.memory_before is not None
    assert result.memory_after is not None
    arenas = [memory.arena for memory in (result.memory_before, result.memory_after)]
    costs = [predict_model(model, device).instructions for model in (result.original, result.model)]
    saved = costs[0] - costs[1]
    # Only a layer that CMSIS-NN refuses may become a slower one.
    mends = len(find_refusals(result.model)) < len(find_refusals(result.original))
    assert saved >= 0 or mends
    arena = arenas[0].minimum_bytes
    check_exchange(arenas[1].minimum_bytes - arena, arena, saved, costs[0])
    check_exchange(len(result.data) - len(data) - PADDING_BYTES, len(data), saved, costs[0])
    # A form that copies more must save four instructions for each byte.
    moved = result.after.moved_bytes - result.before.moved_bytes - RELABELLED_BYTES
    assert moved <= 0 or saved >= 4 * moved
