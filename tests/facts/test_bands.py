"""Which layer a band comes from, read off the structure, is what the rewriter knows."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from tests.support.conv_nets import random_net
from tests.support.kit import Kit
from tests.tiling.test_random_cuts import draw, tiled
from tflopt.facts.banded import banded_op, joins_bands
from tflopt.facts.bands import Tile, tiles_of
from tflopt.io import read_bytes, write_bytes
from tflopt.ir import Model, Op, OpCode, Value
from tflopt.ir.options import ConcatenationOptions
from tflopt.tiling.segment import Segment

pytestmark = pytest.mark.unit
SEEDS = 24


def _cut(seed: int) -> Model | None:
    rng = random.Random(seed)
    model = read_bytes(write_bytes(random_net(rng, in_time=seed % 4 == 0)))
    segments = draw(rng, model)
    return tiled(model, segments) if segments else None


def _known(value: Value) -> int | None:
    """The tensor of the original of which the rewriter says that these are rows."""
    return None if value.origin is None else value.origin.tensor


def _layers(tiles: dict[Value, Tile]) -> dict[tuple[Value, ...], set[int]]:
    """What the rewriter says of all that is said to be of one layer; padded rows are of another."""
    found: dict[tuple[Value, ...], set[int]] = {}
    for value, tile in tiles.items():
        if value.producer is not None and value.producer.code is OpCode.PAD:
            continue
        known = {_known(each) for each in (value, *tile.layer)} - {None}
        found.setdefault(tile.layer, set()).update(n for n in known if n is not None)
    return found


@pytest.mark.parametrize("seed", range(SEEDS))
def test_bands_of_one_layer_are_told_as_such(seed: int) -> None:
    model = _cut(seed)
    if model is None:
        return
    tiles = tiles_of(model)
    known = _layers(tiles)
    assert all(len(tensors) <= 1 for tensors in known.values())
    told = Counter(tensor for tensors in known.values() for tensor in tensors)
    assert all(count == 1 for count in told.values()), "one layer under two names"
    # What the rewriter says of two operators' tensors, neither of which only moves rows.
    made = Counter(
        _known(op.output) for op in model.main.ops if op.output not in tiles and not _moves(op)
    )
    assert all(count == 1 for layer, count in made.items() if layer is not None)


def _moves(op: Op) -> bool:
    return op.code in (OpCode.SPLIT_V, OpCode.PAD) or joins_bands(op)


def test_a_model_without_bands_has_none() -> None:
    n = Kit(1)
    x = n.input((1, 8, 8, 4))
    n.output(n.conv2d(n.conv2d(x, 6), 5))
    assert tiles_of(n.model) == {}


def test_a_join_of_branches_in_bands_is_one() -> None:
    """Each band ends with a join of channels: such a file isn't put in bands once more."""
    n = Kit(2)
    x = n.input((1, 8, 8, 4))
    branches = n.conv2d(x, 4), n.conv2d(x, 6)
    n.output(
        n.op(OpCode.CONCATENATION, branches, (1, 8, 8, 10), options=ConcatenationOptions(axis=3))
    )
    assert banded_op(n.model) is None
    model = tiled(n.model, [Segment(0, 2, (0, 4, 8))])
    assert model is not None
    assert banded_op(model) is not None
    layers = {tile.layer for tile in tiles_of(model).values() if len(tile.layer) > 1}
    codes = sorted(layer[0].producer.code.name for layer in layers if layer[0].producer)
    assert codes == ["CONCATENATION", "CONV_2D", "CONV_2D"]
