"""A layer inside a segment that is read whole, as the gate of squeeze-and-excite is."""

from __future__ import annotations

import pytest

from tests.support.kit import Kit
from tflopt.ir import Model, OpCode
from tflopt.tiling.draw import write_segment
from tflopt.tiling.rows import NotTileableError
from tflopt.tiling.segment import Segment

pytestmark = pytest.mark.unit
BANDS = (0, 4, 8)


def gated() -> Model:
    """CONV_2D, the gate's 1x1 CONV_2D, MUL of both, CONV_2D."""
    n = Kit(3)
    x, squeezed = n.input((1, 8, 8, 4)), n.input((1, 1, 1, 4))
    wide, gate = n.conv2d(x, 6), n.conv2d(squeezed, 6, (1, 1))
    n.output(n.conv2d(n.binary(OpCode.MUL, wide, gate), 5))
    return n.model


@pytest.mark.parametrize("last", [2, 3])
def test_a_gate_of_the_segment_s_own_is_declined(last: int) -> None:
    model = gated()
    with pytest.raises(NotTileableError, match="it reads all of what a layer of its segment makes"):
        write_segment(model.main.ops[: last + 1], Segment(0, last, BANDS))


def test_a_gate_from_outside_is_read_whole_by_each_band() -> None:
    model = gated()
    sketch = write_segment(model.main.ops[2:], Segment(2, 3, BANDS))
    gate = model.main.ops[1].output
    assert sum(sketch.stand_ins[gate] in op.inputs for op in sketch.graph.ops) == 2
