"""Ranges of time: from published results, to the outside, with two digits."""

from __future__ import annotations

import pytest

from tests.support.field import field_model
from tflopt.errors import UsageError
from tflopt.io import read
from tflopt.target import Target, all_targets
from tflopt.target.cost import predict_model
from tflopt.target.cost.tables import CORES
from tflopt.target.cycles import (
    Clocking,
    MemorySpeed,
    factor_of,
    parse_memory,
    published,
    time_of_count,
)
from tflopt.target.cycles.published import BENCHMARKS, reference_instructions
from tflopt.target.cycles.time import rounded
from tflopt.target.device import Device

pytestmark = pytest.mark.unit
M4 = Target.parse("cortex-m4")
MODELS = {"ad": "ad01_int8", "kws": "kws_ref_model", "vww": "vww_96_int8", "ic": "ic_resnet8_int8"}


def test_a_published_result_is_inside_of_the_range_that_rests_on_it() -> None:
    rows = [row for row in published() if row.use == "direct"]
    assert len(rows) >= 4
    for row in rows:
        target = Target.parse(str(row.cpu))
        assert factor_of(target).ground == "measured"
        for name in BENCHMARKS:
            count = reference_instructions(target)[name]
            found = time_of_count(count, count, target, Clocking(row.clock_hz))
            assert found.least_ms <= row.ms[name] <= found.most_ms


def test_a_core_without_a_direct_result_is_taken_by_proportion() -> None:
    """By hand for the ends' ground: HALE on a Cortex-M7 and a Cortex-M4, of one round."""
    factor = factor_of(Target.parse("cortex-m7"))
    m7 = next(r for r in published() if str(r.cpu) == "cortex-m7" and r.by == "Bosch")
    m4 = next(r for r in published() if r.cpu is M4.cpu and (r.by, r.round) == ("Bosch", m7.round))
    anchor = next(row for row in published() if row.use == "direct" and row.cpu is M4.cpu)
    one = m7.cycles("ic") / m4.cycles("ic") * anchor.cycles("ic") / reference_instructions(M4)["ic"]
    assert factor.ground == "by proportion"
    assert factor.least <= one <= factor.most


@pytest.mark.parametrize("target", all_targets(), ids=str)
def test_every_core_has_a_range_and_a_ground(target: Target) -> None:
    factor = factor_of(target)
    assert 0.5 < factor.least < factor.most < 10
    assert factor.ground in ("measured", "by proportion", "stand-in")
    assert factor.why


def test_a_stand_in_is_no_faster_than_the_core_it_is_taken_from() -> None:
    m85, m55 = factor_of(Target.parse("cortex-m85")), factor_of(Target.parse("cortex-m55"))
    assert (m55.ground, m55.least) == ("stand-in", m85.least)
    assert m55.most > m85.most
    reduced = factor_of(Target.parse("cortex-m33+nodsp"))
    assert reduced.ground == "stand-in"


@pytest.mark.parametrize("core", CORES)
def test_the_instructions_of_the_reference_models_are_those_of_today(core: str) -> None:
    target = Target.parse(core)
    found = {
        name: predict_model(read(field_model(stem)), Device(target)).instructions
        for name, stem in MODELS.items()
    }
    assert found == reference_instructions(target)


@pytest.mark.parametrize(
    ("value", "down", "up"),
    [(112.4, 110, 120), (0.0734, 0.073, 0.074), (96.0, 96, 96), (0, 0, 0), (999.5, 990, 1000)],
)
def test_two_digits_to_the_outside(value: float, down: float, up: float) -> None:
    assert rounded(value, up=False) == pytest.approx(down)
    assert rounded(value, up=True) == pytest.approx(up)


def test_waits_of_flash_raise_the_upper_end_alone() -> None:
    fast = time_of_count(10**6, 10**6, M4, Clocking(10**8))
    slow = time_of_count(10**6, 10**6, M4, Clocking(10**8, parse_memory("flash-ws=4")))
    assert slow.least == fast.least
    assert slow.most == fast.most + 10**6  # 4 waits for 4 instructions of 4 bytes
    wide = parse_memory("flash-ws=4, flash-line=32")
    assert wide == MemorySpeed(4, 32)
    assert time_of_count(10**6, 10**6, M4, Clocking(10**8, wide)).most < slow.most


@pytest.mark.parametrize(
    "text", ["", "flash-ws", "flash-ws=-1", "flash-ws=65", "flash-line=2", "ram=1", "flash-ws=4,,"]
)
def test_no_memory(text: str) -> None:
    with pytest.raises(UsageError, match="says nothing of memory"):
        parse_memory(text)
