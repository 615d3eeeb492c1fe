"""Nothing is written that takes more than the original without its reason being told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.cli import Cli
from tests.support.graphs import Net
from tests.support.kit import Kit
from tests.support.paths import TESTDATA
from tflopt.annotation.annotate import Annotate
from tflopt.config import Config, Goal, Runtime
from tflopt.io import WriteOptions, read_bytes, write_bytes
from tflopt.product.growth import growth_notes, size_notes
from tflopt.product.optimize import Result, Settings, optimize_file_bytes
from tflopt.product.trades import trades
from tflopt.report.json_report import report
from tflopt.target import Target
from tflopt.target.cost import predict_model
from tflopt.target.device import Device
from tflopt.target.memory import PlanRequest

pytestmark = pytest.mark.unit
FAST = Settings(samples=None)
WAYS = {
    "default": FAST,
    **{f"goal {goal.value}": replace(FAST, config=Config(goal=goal)) for goal in Goal},
    "m4": replace(FAST, config=Config(device=Device(Target.parse("cortex-m4")))),
    "annotate none": replace(FAST, annotate=Annotate.NONE),
    "annotate file": replace(FAST, annotate=Annotate.FILE),
    "overlap": replace(FAST, config=Config(plan=PlanRequest(overlap="target"))),
    "no plan": replace(FAST, config=Config(plan=None)),
    "align 64": replace(FAST, layout=WriteOptions(share=True, data_alignment=64)),
    "tflm only": replace(FAST, config=Config(runtime=Runtime.TFLM)),
}


def optimized(data: bytes, settings: Settings) -> Result:
    return optimize_file_bytes(read_bytes(data), data, settings)


def grown(result: Result) -> set[str]:
    found = {"file"} if len(result.data) > len(result.source) else set()
    before, after = result.memory_before, result.memory_after
    if before is not None and after is not None:
        more = after.arena.minimum_bytes > before.arena.minimum_bytes
        found |= {"arena"} if more else set()
    return found


def slower(result: Result, settings: Settings) -> bool:
    old, new = (
        predict_model(model, settings.device).instructions
        for model in (result.original, result.model)
    )
    return new - old > 0.001 * old


def told(result: Result, settings: Settings) -> set[str]:
    starts = ("the file takes ", "the arena takes ")
    texts = [text for text in size_notes(result, settings) if text.startswith(starts)]
    assert all("bytes more than the original's" in text for text in texts)
    return {text.split()[1] for text in texts}


@pytest.mark.long
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("stem", ["har_cnn", "grouped_conv", "while_loop"])
def test_what_grows_is_told_once_and_nothing_else(stem: str, way: str) -> None:
    settings = WAYS[way]
    data = (TESTDATA / f"{stem}.tflite").read_bytes()
    for source in (data, optimized(data, replace(FAST, config=Config(goal=Goal.FLASH))).data):
        result = optimized(source, settings)
        assert told(result, settings) >= grown(result)
        longer = [t for t in size_notes(result, settings) if t.startswith("an inference takes ")]
        assert len(longer) == slower(result, settings)
        assert len(size_notes(result, settings)) <= 4
        notes = report(result, settings, "a", "b")["notes"]
        assert isinstance(notes, list)
        assert set(size_notes(result, settings)) <= set(notes)


def tiny(layers: int = 1) -> bytes:
    n = Net()
    x = n.feed(1, 16)
    for _ in range(layers):
        x = n.relu(x)
    n.output(x)
    return write_bytes(n.model, WriteOptions(share=True))


@pytest.mark.parametrize("layers", [1, 2, 5])
@pytest.mark.parametrize("way", WAYS)
def test_small_models(layers: int, way: str) -> None:
    result = optimized(tiny(layers), WAYS[way])
    assert told(result, WAYS[way]) == grown(result)


def planned() -> bytes:
    """A file that is as small as it gets, of a model that a plan helps."""
    n = Kit()
    x = n.feed(1, 16, 16, 8)
    y = n.conv2d(x, 8, kernel=(3, 3))
    n.output(n.add(n.conv2d(y, 8), n.conv2d(n.conv2d(y, 24, (1, 1)), 8, (1, 1))))
    settings = replace(FAST, config=Config(goal=Goal.FLASH, plan=None))
    return optimized(write_bytes(n.model), settings).data


def test_the_plan_and_the_mark_of_its_core_are_the_reasons() -> None:
    settings = WAYS["overlap"]
    result = optimized(planned(), settings)
    [note] = growth_notes(result, settings)
    assert "are the memory plan, with which the arena takes" in note
    assert f"{len(result.annotation)} are tflopt's annotation with which only the firmware" in note


def test_alignment_is_the_reason() -> None:
    layout = WriteOptions(share=True, data_alignment=1024)
    settings = replace(FAST, layout=layout, annotate=Annotate.NONE, config=Config(plan=None))
    result = optimized(planned(), settings)
    [note] = growth_notes(result, settings)
    assert note.endswith("tables, and data aligned to 1024 bytes.")


@pytest.mark.parametrize(
    ("stem", "settings", "why"),
    [
        ("int16_activations", FAST, "dense-s16-to-conv, shape-to-options, so that TFLM runs"),
        ("conv1d_stride2", FAST, "so that the device computes each layer rightly."),
        ("transposed_separable1d", WAYS["goal memory"], "dilate-flat-kernel, for --goal memory."),
    ],
)
def test_why_an_inference_takes_longer(stem: str, settings: Settings, why: str) -> None:
    result = optimized((TESTDATA / f"{stem}.tflite").read_bytes(), settings)
    [note] = growth_notes(result, settings)
    assert note.startswith("an inference takes ")
    assert "predicted instructions more than the original's (+" in note
    assert why in note


def test_a_dropped_plan_is_the_reason() -> None:
    """Its overlaps are proven for the kernels of one core only."""
    first = optimized(planned(), WAYS["overlap"])
    device = Device(Target.parse("cortex-m4"))
    settings = replace(FAST, config=Config(goal=Goal.FLASH, plan=None, device=device))
    [note] = growth_notes(optimized(first.data, settings), settings)
    assert note.startswith("the arena takes ")
    assert note.endswith("fits neither other tensors nor another core: dropped.")


def test_a_trade_is_not_told_twice() -> None:
    n = Kit()
    x = n.feed(1, 32, 32, 16)
    for _ in range(3):
        x = n.conv2d(x, 16, groups=16)
    n.output(x)
    settings = WAYS["no plan"]
    result = optimized(write_bytes(n.model), settings)
    assert [growth.resource for growth in trades(result, settings)] == ["arena"]
    assert not growth_notes(result, settings)


def test_both_ways_to_write_show_it(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(planned())
    options = ("--no-verify", "--overlap")
    one = cli("optimize", path, *options)
    many = cli("optimize", path, "-d", tmp_path / "all", *options)
    for ran in (one, many):
        assert "are the memory plan" in " ".join(ran.out.split()), ran.err
