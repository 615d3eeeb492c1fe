"""Sizes as people write them, and arenas that are too small."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.support.graphs import Net
from tests.support.paths import TESTDATA
from tflopt.config import Config, Goal, Tiling
from tflopt.errors import InstructionsError, PlanError, UsageError
from tflopt.io import read
from tflopt.plan.offline import OfflineOptions
from tflopt.product.budget import (
    arena_with_overlap,
    check_arena,
    check_instructions,
    least_with_overlap,
)
from tflopt.rules.pipeline import run_pipeline
from tflopt.target.cost import predict_model
from tflopt.target.device import Device
from tflopt.target.kernel_sets import APART, EVERY
from tflopt.target.memory import PlanRequest, memory_of
from tflopt.target.quantities import parse_count, parse_size

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [
        ("0", 0),
        ("65536", 65536),
        ("64K", 65536),
        ("64k", 65536),
        ("64KB", 65536),
        ("64KiB", 65536),
        (" 64 K ", 65536),
        ("1.5MiB", 1572864),
        ("0.5k", 512),
        ("1g", 1 << 30),
        ("12B", 12),
    ],
)
def test_sizes(text: str, size_bytes: int) -> None:
    assert parse_size(text) == size_bytes


@pytest.mark.parametrize(
    "text", ["", "K", "-1", "1.5XB", "64 KK", "1e3", ".5K", "1.K", "0x10", "٣", "9" * 400]
)
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(UsageError, match="is not a size"):
        parse_size(text)


def test_the_limit_is_inclusive() -> None:
    model = read(TESTDATA / "mobilenet_v1.tflite")
    memory = memory_of(model, Device())
    need = memory.arena.minimum_bytes
    check_arena(model, memory, None)
    check_arena(model, memory, need)
    with pytest.raises(PlanError) as caught:
        check_arena(model, memory, need - 1)
    assert (caught.value.need_bytes, caught.value.limit_bytes) == (need, need - 1)
    assert "1 more than the limit" in str(caught.value)


def test_the_culprits_are_what_lives_at_the_peak() -> None:
    model = read(TESTDATA / "mobilenet_v1.tflite")
    memory = memory_of(model, Device())
    with pytest.raises(PlanError) as caught:
        check_arena(model, memory, 0)
    operator, *buffers = caught.value.culprits
    assert operator == "operator 3 DEPTHWISE_CONV_2D"
    assert "scratch of DEPTHWISE_CONV_2D 3" in buffers
    assert len(buffers) == 3


def test_names_that_were_stripped_are_those_of_the_original() -> None:
    original = read(TESTDATA / "mobilenet_v1.tflite")
    model = read(TESTDATA / "mobilenet_v1.tflite")
    run_pipeline(model)
    memory = memory_of(model, Device())
    for names, where in ((None, "tensor "), (original, "functional_1/")):
        with pytest.raises(PlanError) as caught:
            check_arena(model, memory, 0, None, names)
        assert any(name.startswith(where) for name in caught.value.culprits)


def test_where_planning_itself_needs_the_most_the_phase_is_named() -> None:
    n = Net()
    x = n.feed(1, 1)
    for _ in range(8):
        x = n.relu(x)
    n.output(x)
    memory = memory_of(n.model, Device())
    assert memory.arena.peak == "memory planning"
    with pytest.raises(PlanError, match="memory planning"):
        check_arena(n.model, memory, 0)


@pytest.mark.parametrize(
    ("config", "hint"),
    [
        (Config(plan=None), "--plan offline"),
        (Config(), "--overlap"),
        (
            Config(plan=PlanRequest(offline=OfflineOptions(preserve_inputs=True))),
            "--preserve-inputs",
        ),
        (
            Config(plan=PlanRequest(offline=OfflineOptions(reserve_head_bytes=16))),
            "--reserve-head",
        ),
        (Config(plan=PlanRequest(overlap="target")), "--tile auto"),
        (Config(plan=PlanRequest(overlap="target"), tiling=Tiling()), "no option is left"),
    ],
)
def test_what_could_help(config: Config, hint: str) -> None:
    model = read(TESTDATA / "ds_cnn.tflite")
    with pytest.raises(PlanError, match=hint):
        check_arena(model, memory_of(model, Device()), 0, config)


@pytest.mark.parametrize(
    ("text", "count"), [("1500000", 1_500_000), ("1500K", 1_500_000), ("1.5M", 1_500_000)]
)
def test_counts_are_decimal(text: str, count: int) -> None:
    assert parse_count(text) == count


@pytest.mark.parametrize("text", ["", "x", "-1", "1 MiB"])
def test_what_is_no_count(text: str) -> None:
    with pytest.raises(UsageError, match="is not a count"):
        parse_count(text)


def test_one_instruction_too_few_names_the_culprits() -> None:
    model, config = read(TESTDATA / "mobilenet_v1.tflite"), Config()
    need = predict_model(model, config.device).instructions
    check_instructions(model, config, need)
    check_instructions(model, config, None)
    with pytest.raises(InstructionsError) as caught:
        check_instructions(model, config, need - 1)
    assert caught.value.exit_code == 1
    assert f"takes {need:,} instructions (predicted), 1 more than the limit" in str(caught.value)
    assert len(caught.value.culprits) == 3
    assert str(caught.value).endswith("could help: --goal speed")
    with pytest.raises(InstructionsError, match="no option is left that helps; a model with less"):
        check_instructions(model, replace(config, goal=Goal.SPEED), need - 1)


@pytest.mark.parametrize("overlap", [APART, EVERY])
@pytest.mark.parametrize("stem", ["ds_cnn", "grouped_depthwise", "har_cnn", "inception", "svdf"])
def test_no_plan_with_overlaps_is_below_the_least(stem: str, overlap: str) -> None:
    model = read(TESTDATA / f"{stem}.tflite")
    config = Config(plan=PlanRequest(overlap=overlap))
    run_pipeline(model, config=config)
    least, arena = least_with_overlap(model, config), arena_with_overlap(model, config)
    assert arena is not None
    assert least <= arena
    assert bool(least) == (stem != "svdf")  # whose state a plan may take from the tail
