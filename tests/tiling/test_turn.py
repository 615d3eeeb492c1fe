"""Segments from the other end compute the same, and are looked at."""

from __future__ import annotations

import pytest

from tests.support.check_rule import check_same_outputs
from tests.tiling.test_forms import chain
from tests.tiling.test_random_cuts import tiled
from tflopt.tiling.bands import Memo, plan_bands
from tflopt.tiling.rows import NotTileableError
from tflopt.tiling.segment import Edge, Halo, Segment
from tflopt.tiling.turn import turns

BOUNDS = (0, 3, 9, 16)


@pytest.mark.unit
def test_a_turned_segment_has_the_same_bands_in_the_other_order() -> None:
    turned = Segment(0, 1, BOUNDS).turned()
    assert turned.bounds == (0, 7, 13, 16)
    assert turned.bands == ((13, 16), (7, 13), (0, 7))
    assert turned.turned() == Segment(0, 1, BOUNDS)


@pytest.mark.unit
def test_cuts_beside_those_of_the_other_end_are_looked_at() -> None:
    found = {each for (each,) in turns([Segment(0, 1, BOUNDS, halo=Halo.KEPT)])}
    assert {each.edge for each in found} == set(Edge)
    assert {each.bounds[1] for each in found} == {6, 7, 8}
    assert all(each.backwards and each.halo is Halo.TWICE for each in found)


@pytest.mark.unit
def test_rows_are_kept_for_later_bands_only() -> None:
    segment = Segment(0, 1, BOUNDS, halo=Halo.KEPT, backwards=True)
    with pytest.raises(NotTileableError, match="from the first to the last"):
        plan_bands(chain().main.ops[:2], segment, Memo())


@pytest.mark.runtime
@pytest.mark.parametrize("edge", list(Edge))
def test_the_last_band_may_run_first(edge: Edge) -> None:
    model = chain()
    copy = tiled(model, [Segment(0, 1, BOUNDS, edge=edge, backwards=True)])
    assert copy is not None
    check_same_outputs(model, copy)
