"""Layers in bands of rows: where that lowers the arena, and why not elsewhere."""

from __future__ import annotations

import pytest

from tests.support.check_rule import apply, check_declines, check_leaves_alone, check_rule
from tests.support.kit import Kit
from tests.support.plans import plans_as_shipped
from tflopt.config import Goal, Tile, Tiling, make_tiling
from tflopt.ir import Model, OpCode
from tflopt.ir.clone import clone
from tflopt.ir.text import dump
from tflopt.plan.describe import write_plan
from tflopt.rules.tiling.tile_layers import TileLayers
from tflopt.target.cost import predict_model
from tflopt.target.device import Device
from tflopt.target.kernel_sets import APART
from tflopt.target.memory import PlanRequest, memory_of, plan_memory

DEVICE = Device()
FREELY = Tiling(3.0)
AUTO = TileLayers(tiling=FREELY)
BANDED = "its layers are computed in bands already; start from the original model"


def wide(rows: int = 16) -> Model:
    """A tensor of 64 channels between two small ones."""
    n = Kit()
    x = n.conv2d(n.feed(1, rows, 32, 8), 64, (1, 1))
    n.output(n.conv2d(x, 4, (3, 3), stride=(2, 2)))
    return n.model


def arena(model: Model, request: PlanRequest | None = None) -> int:
    copy = clone(model)
    write_plan(copy, plan_memory(copy, DEVICE, request or PlanRequest()).offsets)
    return memory_of(copy, DEVICE).arena.minimum_bytes


def tiled(model: Model, tiling: Tiling | None) -> Model:
    copy = clone(model)
    apply(copy, TileLayers(tiling=tiling))
    return copy


@pytest.mark.runtime
def test_the_widest_tensor_is_never_whole() -> None:
    before = wide()
    after = check_rule(before, AUTO, hits=1)
    assert arena(after) < 0.6 * arena(before)
    largest = max(value.size_bytes or 0 for value in after.main.values if not value.is_constant)
    assert largest < 16 * 32 * 64


@pytest.mark.unit
def test_more_speed_is_more_arena() -> None:
    model = wide()
    allowed = (0.0, 0.5, 3.0)
    results = [tiled(model, Tiling(slower)) for slower in allowed]
    sizes = [arena(result) for result in results]
    assert sizes == sorted(sizes, reverse=True)
    work = predict_model(model, DEVICE).instructions
    for slower, result in zip(allowed, results, strict=True):
        assert predict_model(result, DEVICE).instructions <= (1 + slower) * work


@pytest.mark.unit
def test_an_arena_is_met_as_fast_as_possible() -> None:
    model = wide()
    free = tiled(model, FREELY)
    least, most = arena(free), arena(model)
    enough = (2 * most + least) // 3
    after = tiled(model, Tiling(None, enough))
    assert least < arena(after) <= enough
    faster = predict_model(after, DEVICE).instructions
    assert faster < predict_model(free, DEVICE).instructions


@pytest.mark.unit
def test_nothing_is_done_where_the_arena_is_enough() -> None:
    model = wide()
    check_leaves_alone(model, TileLayers(tiling=Tiling(None, arena(model))))
    check_leaves_alone(model, TileLayers())


@pytest.mark.unit
def test_the_search_is_deterministic() -> None:
    with plans_as_shipped():
        assert dump(tiled(wide(17), FREELY)) == dump(tiled(wide(17), FREELY))


@pytest.mark.unit
def test_declines_what_is_in_bands() -> None:
    check_declines(tiled(wide(), FREELY), AUTO, BANDED)


@pytest.mark.unit
def test_declines_without_a_plan_that_works_in_place() -> None:
    reason = "bands need an offline plan that works in place"
    check_declines(wide(), TileLayers(DEVICE, None, Tiling()), reason)
    apart = PlanRequest(in_place=False, overlap=APART)
    check_declines(wide(), TileLayers(DEVICE, apart, Tiling()), reason)


@pytest.mark.unit
def test_declines_pinned_tensors() -> None:
    pinned = TileLayers(DEVICE, PlanRequest(pins=(("input0", 0),)), Tiling())
    check_declines(wide(), pinned, "tensors are pinned, so nothing else is moved")


@pytest.mark.unit
def test_declines_where_another_operator_binds() -> None:
    n = Kit()
    x = n.feed(1, 16, 16, 8)
    n.output(n.softmax(n.fully_connected(n.reshape(x, 1, 2048), 700)))
    reason = "it needs the most memory, and bands don't help: it has no rows, or several images"
    check_declines(n.model, AUTO, reason)


@pytest.mark.unit
def test_declines_several_subgraphs() -> None:
    model = wide()
    Kit(0, model).feed(1)
    check_declines(model, AUTO, "the model has several subgraphs")


@pytest.mark.unit
def test_a_model_that_joins_rows_is_not_taken_for_one_in_bands() -> None:
    n = Kit()
    x = n.conv2d(n.feed(1, 16, 32, 8), 64, (1, 1))
    parts = [n.conv2d(x, 4, (3, 3), stride=(2, 2)) for _ in range(2)]
    for part in parts:
        part.quant = parts[0].quant
    n.output(n.concat(*parts, axis=1))
    trace = apply(n.model, AUTO)
    assert BANDED not in [miss.reason for miss in trace.near_misses]


@pytest.mark.unit
@pytest.mark.parametrize(
    ("tile", "goal", "limit", "expected"),
    [
        (None, Goal.BALANCED, None, None),
        (None, Goal.MEMORY, None, Tiling(0.1)),
        (None, Goal.BALANCED, 5000, Tiling(None, 5000)),
        (None, Goal.MEMORY, 5000, Tiling(0.1, 5000)),
        (Tile.AUTO, Goal.BALANCED, None, Tiling(0.1)),
        (Tile.AUTO, Goal.SPEED, 5000, Tiling(None, 5000)),
        (Tile.OFF, Goal.MEMORY, 5000, None),
    ],
)
def test_what_the_options_ask_for(
    tile: Tile | None, goal: Goal, limit: int | None, expected: Tiling | None
) -> None:
    assert make_tiling(tile, goal, 10, limit) == expected


@pytest.mark.unit
def test_tiles_name_what_they_are_of() -> None:
    """Bands of rows carry the origin of the layer that they are bands of."""
    model = wide()
    for index, value in enumerate(model.main.values):
        value.origin = None if index < 0 else value.origin
    after = tiled(model, FREELY)
    assert sum(op.code is OpCode.CONV_2D for op in after.main.ops) > 2
