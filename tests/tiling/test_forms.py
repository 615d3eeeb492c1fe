"""What stands between the layers of a band: how it is padded, cut and handed on."""

from __future__ import annotations

import pytest

from tests.support.check_rule import check_same_outputs
from tests.support.kit import Kit
from tests.tiling.test_random_cuts import tiled
from tflopt.ir import Model, OpCode
from tflopt.tiling.program import Control
from tflopt.tiling.rows import NotTileableError
from tflopt.tiling.segment import Edge, Halo, Segment
from tflopt.tiling.write import write_program
from tflopt.verify.match import pairs_by_origin

CUTS = (0, 8, 16)


def chain(layers: int = 3) -> Model:
    n = Kit()
    x = n.feed(1, 16, 8, 8)
    for _ in range(layers):
        x = n.conv2d(x, 8)
    n.output(x)
    return n.model


def codes(model: Model, segment: Segment) -> list[OpCode]:
    ops = model.main.ops[segment.first : segment.last + 1]
    return [step.code for step in write_program(ops, segment).steps]


@pytest.mark.unit
def test_wrong_rows_are_cut_off_once_where_they_may_go_along() -> None:
    """Both bands of three layers cut rows off: at each layer, or at the last. And the input."""
    early, late = (
        codes(chain(), Segment(0, 2, CUTS, edge=edge)).count(OpCode.SPLIT_V)
        for edge in (Edge.CUT, Edge.LESS)
    )
    assert (early, late) == (1 + 2 * 3, 1 + 2 * 1)


@pytest.mark.unit
def test_rows_that_are_kept_and_those_that_are_read_come_of_one_cut() -> None:
    """The sum reads rows of the first layer, whose others are kept for the second band.

    One cut of the input, one of the first layer and one of the second.
    """
    n = Kit()
    x = n.conv2d(n.feed(1, 16, 8, 8), 8, (1, 1))
    n.output(n.binary(OpCode.ADD, x, n.conv2d(n.conv2d(x, 8), 8)))
    found = codes(n.model, Segment(0, 3, CUTS, halo=Halo.KEPT))
    assert found.count(OpCode.SPLIT_V) == 3


@pytest.mark.runtime
def test_the_largest_part_is_what_is_left() -> None:
    """Bands of unlike sizes cut two rows each: one small constant, which LiteRT takes as well."""
    model = chain()
    segment = Segment(0, 2, (0, 9, 16), halo=Halo.KEPT, edge=Edge.CUT)
    steps = write_program(model.main.ops, segment).steps
    cuts = [step for step in steps if step.code is OpCode.SPLIT_V]
    sizes = {step.inputs[1] for step in cuts}
    shapes = {tuple(part.shape for part in step.outputs) for step in cuts}
    assert len(sizes) < len(shapes)
    assert all(isinstance(each, Control) and each.numbers.count(-1) == 1 for each in sizes)
    copy = tiled(model, [segment])
    assert copy is not None
    check_same_outputs(model, copy)


@pytest.mark.unit
@pytest.mark.parametrize(("channels", "pads"), [((1, 64), True), ((64, 1), False)])
def test_the_form_is_the_one_with_fewer_bytes(channels: tuple[int, int], pads: bool) -> None:
    """A narrow input is cheaper padded; of a wide one a row more is less than all its edges."""
    n = Kit()
    n.output(n.conv2d(n.feed(1, 16, 8, channels[0]), channels[1]))
    found = codes(n.model, Segment(0, 0, CUTS, edge=Edge.LESS))
    assert (OpCode.PAD in found) is pads


@pytest.mark.long
@pytest.mark.runtime
@pytest.mark.parametrize("halo", list(Halo))
@pytest.mark.parametrize("edge", list(Edge))
@pytest.mark.parametrize("stride", [1, 2])
def test_a_segment_may_have_several_outputs(halo: Halo, edge: Edge, stride: int) -> None:
    """One inner layer is read far behind the segment, another is an output of the model."""
    n = Kit()
    one = n.conv2d(n.feed(1, 16, 8, 4), 6)
    two = n.conv2d(one, 5, (3, 3), stride=(stride, 1))
    three = n.conv2d(two, 3)
    n.output(two)
    n.output(n.conv2d(three, 2))
    n.output(n.conv2d(one, 2))
    model = n.model
    size = 16 // stride
    copy = tiled(model, [Segment(0, 2, (0, 3, size - 2, size), halo=halo, edge=edge)])
    assert copy is not None
    check_same_outputs(model, copy)
    assert all(pair.original >= 0 for pair in pairs_by_origin(model, copy))


@pytest.mark.unit
@pytest.mark.parametrize("halo", list(Halo))
def test_a_layer_that_nothing_in_the_segment_reads_is_declined(halo: Halo) -> None:
    n = Kit()
    x = n.conv2d(n.feed(1, 16, 8, 4), 6)
    n.output(n.conv2d(x, 5))
    n.output(n.conv2d(x, 3))
    with pytest.raises(NotTileableError, match="outside alone"):
        write_program(n.model.main.ops, Segment(0, 2, CUTS, halo=halo))
