"""Ranges against every input of small layers on TFLM; ``benchmarks/ranges.py`` runs more."""

from __future__ import annotations

import numpy as np
import pytest

from tests.ranges.layers import Layers, draw, every_input, misses
from tests.support.kit import Kit
from tests.support.paths import needs_tflm
from tests.support.planted import bias_of, set_data
from tflopt.ranges import ranges_of

pytestmark = [pytest.mark.runtime, needs_tflm]
COUNT, CHUNK = 320, 40


@pytest.mark.parametrize("start", range(0, COUNT, CHUNK))
def test_no_number_leaves_its_interval(start: int) -> None:
    found = {seed: misses(draw(seed)) for seed in range(start, start + CHUNK)}
    assert {seed: lines for seed, lines in found.items() if lines} == {}


def test_a_wrong_interval_is_seen() -> None:
    n = Kit()
    y = n.conv2d(n.feed(256, 1, 1, 1), 2, (1, 1))
    n.output(y)
    layers = Layers(n, [every_input(1).reshape(256, 1, 1, 1)], is_tight=True)
    ranges = ranges_of(n.graph)
    assert misses(layers, ranges) == []
    assert y.producer is not None
    bias = bias_of(y.producer)
    set_data(bias, bias.array() + np.int32(4000))
    assert len(misses(layers, ranges)) == 2
