"""The floor of an arena: what the neediest operator takes, whatever the order and the plan."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.arena_floor import arena_floor
from tests.support.kit import Kit
from tests.support.paths import every_model
from tflopt.io import read
from tflopt.ir import OpCode
from tflopt.target.device import Device
from tflopt.target.memory import memory_of

pytestmark = pytest.mark.unit
DEVICE = Device()


def head(n: Kit) -> int:
    """The floor without what TFLM keeps."""
    return arena_floor(n.model, DEVICE) - memory_of(n.model, DEVICE).arena.tail_bytes


@every_model
def test_no_model_takes_less(path: Path) -> None:
    """As they come; with scratch, variables, subgraphs and several outputs."""
    model = read(path)
    arena = memory_of(model, DEVICE).arena.used_bytes
    assert memory_of(model, DEVICE).arena.tail_bytes < arena_floor(model, DEVICE) <= arena


def test_operands_share_bytes_where_the_kernels_bear_it() -> None:
    n = Kit()
    n.output(n.relu(n.feed(1, 64)))
    assert head(n) == 64
    n = Kit()
    n.output(n.transpose(n.feed(8, 64), 1, 0))
    assert head(n) == 2 * 512


def test_both_sides_of_a_sum_and_all_parts_of_a_split_count() -> None:
    n = Kit()
    n.output(n.binary(OpCode.ADD, n.feed(1, 64), n.feed(1, 64)))
    assert head(n) == 2 * 64
    n = Kit()
    n.output(*n.split(n.feed(1, 64), 2, axis=1))
    assert head(n) == 64
