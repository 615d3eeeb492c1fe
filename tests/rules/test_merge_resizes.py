"""``merge-resizes``: UpSampling2D in one RESIZE_NEAREST_NEIGHBOR."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.check_rule import check_leaves_alone, check_rule
from tests.support.cli import Cli
from tests.support.field import field_case
from tests.support.kit import Kit
from tests.support.paths import needs_litert
from tflopt.io import read, write_bytes
from tflopt.ir import Model, OpCode, Value
from tflopt.ir.options import ResizeNearestNeighborOptions, TileOptions
from tflopt.rules.movement.merge_resizes import MergeResizes
from tflopt.target.device import Device
from tflopt.target.memory import memory_of

pytestmark = pytest.mark.runtime
RULE = MergeResizes()


def chain(high: int, wide: int, *, channels: int = 3, swapped: bool = False) -> Model:
    """An image of 4 x 2, rows and then pixels repeated; ``swapped``: pairs of rows."""
    n = Kit()
    width = 2 * channels * (2 if swapped else 1)
    rows = 2 if swapped else 4
    x = n.reshape(n.relu(n.feed(1, 4, 2, channels)), 1, rows, 1, width)
    y = n.resize_nearest(x, rows, high)
    pixels = rows * high * width // channels
    z = n.resize_nearest(n.reshape(y, 1, pixels, 1, channels), pixels, wide)
    n.output(n.relu(n.reshape(z, 1, 4 * high, 2 * wide, channels)))
    return n.model


@pytest.mark.parametrize(("high", "wide"), [(2, 2), (3, 2), (2, 5)])
def test_two_become_one(high: int, wide: int) -> None:
    copy = check_rule(chain(high, wide), RULE, hits=1)
    resizes = [op for op in copy.main.ops if op.code is OpCode.RESIZE_NEAREST_NEIGHBOR]
    assert [op.output.shape for op in resizes] == [(1, 4 * high, 2 * wide, 3)]
    assert OpCode.RESHAPE not in [op.code for op in copy.main.ops]


def test_elements_in_another_order_are_left_alone() -> None:
    check_leaves_alone(chain(2, 2, swapped=True), RULE)


def test_aligned_corners_are_left_alone() -> None:
    model = chain(2, 2)
    for op in model.main.ops:
        if op.code is OpCode.RESIZE_NEAREST_NEIGHBOR:
            op.options = ResizeNearestNeighborOptions(align_corners=True)
    check_leaves_alone(model, RULE)


def test_a_tensor_that_others_read_is_left_alone() -> None:
    model = chain(2, 2)
    first = next(op for op in model.main.ops if op.code is OpCode.RESIZE_NEAREST_NEIGHBOR)
    model.main.outputs.append(first.output)
    check_leaves_alone(model, RULE)


def upsampling(high: int, wide: int) -> Model:
    """Built otherwise than the model from the field: no layers around it."""
    n = Kit()
    x = n.relu(n.feed(1, 4, 2, 3))
    a = n.reshape(x, 1, 4, 1, 6)
    times, tile = n.constant([1, 1, high, 1]), TileOptions()
    rows = n.op(OpCode.TILE, [a, times], (1, 4, high, 6), options=tile)
    b: Value = n.reshape(rows, 1, 4 * high * 2, 1, 3)
    shape = (1, 8 * high, wide, 3)
    pixels = n.op(OpCode.TILE, [b, n.constant([1, 1, wide, 1])], shape, options=TileOptions())
    n.output(n.relu(n.reshape(pixels, 1, 4 * high, 2 * wide, 3)))
    return n.model


@needs_litert
def test_upsampling2d_from_the_field(cli: Cli) -> None:
    ran = cli("optimize", field_case("c07_upsampling2d_fixed_batch"), "-o", "out.tflite")
    assert "identical on litert-optimized" in ran.out
    model = read("out.tflite")
    assert [op.code.name for op in model.main.ops] == [
        "CONV_2D",
        "RESIZE_NEAREST_NEIGHBOR",
        "CONV_2D",
    ]
    for target in ("cortex-m4", "cortex-m55"):
        case = field_case("c07_upsampling2d_fixed_batch")
        where = ("-o", f"{target}.tflite", "--target", target, "--no-verify")
        assert cli("optimize", case, *where).code == 0
        arena = memory_of(read(f"{target}.tflite"), Device.of(target)).arena
        assert arena.minimum_bytes <= 2416


def test_the_same_built_otherwise(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(write_bytes(upsampling(3, 2)))
    assert cli("optimize", path, "-o", "out.tflite", "--no-verify").code == 0
    codes = [op.code for op in read("out.tflite").main.ops]
    assert codes.count(OpCode.RESIZE_NEAREST_NEIGHBOR) == 1
    assert OpCode.RESHAPE not in codes
