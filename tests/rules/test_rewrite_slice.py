"""``rewrite-slice``: SLICE as STRIDED_SLICE, both as GATHER."""

from __future__ import annotations

from itertools import product

import pytest

from tests.support.check_rule import apply, check_leaves_alone, check_rule
from tests.support.kit import Kit
from tests.support.worth import Always, Never, check_declines_by
from tflopt.config import Goal
from tflopt.facts.blocks import taken
from tflopt.ir import DType, OpCode
from tflopt.rules.forms.rewrite_slice import RewriteSlice
from tflopt.search.worth import Worth
from tflopt.target import Target
from tflopt.target.cost import predict_instructions
from tflopt.target.device import Device

pytestmark = pytest.mark.runtime
RULE = RewriteSlice(Always())
DEVICES = [Device(Target.parse(name)) for name in ("cortex-m4", "cortex-m55")]

TAIL = """
graph(%0: i8[1,9,1,16]{0.05,3}) -> %1
  %1: i8[1,8,1,16]{0.05,3} = STRIDED_SLICE@2(%0, [0, -8, 0, 0], [0, 0, 0, 16], [1, 1, 1, 1]) begin_mask=13 end_mask=15
"""  # noqa: E501


def test_the_tail_of_a_window() -> None:
    check_rule(
        TAIL,
        RULE,
        """
        graph(%0: i8[1,9,1,16]{0.05,3}) -> %1
          %1: i8[1,8,1,16]{0.05,3} = GATHER(%0, [1, 2, 3, 4, 5, 6, 7, 8]) axis=1
        """,
        hits=1,
    )


@pytest.mark.parametrize("axis", [0, 1, 2, 3])
@pytest.mark.parametrize("dtype", [DType.INT8, DType.FLOAT32, DType.INT16, DType.INT32])
def test_every_axis_and_type(axis: int, dtype: DType) -> None:
    """GATHER takes int8 and float32 only."""
    n = Kit()
    x = n.input((3, 4, 5, 6), dtype, None if dtype is DType.FLOAT32 else (0.05, 0))
    begin, size = [0] * 4, list(x.shape)
    begin[axis], size[axis] = 1, 2
    n.output(n.slice(x, begin, size))
    copy = check_rule(n.model, RULE, hits=1)
    gathered = dtype in (DType.INT8, DType.FLOAT32)
    code = OpCode.GATHER if gathered else OpCode.STRIDED_SLICE
    assert [op.code for op in copy.main.ops] == [code]


def block_of_two_axes(*, strided: bool) -> Kit:
    n = Kit()
    x = n.feed(1, 6, 6, 4)
    begin, end = [0, 1, 2, 0], [1, 5, 5, 4]
    size = [b - a for a, b in zip(begin, end, strict=True)]
    n.output(n.strided(x, begin, end) if strided else n.slice(x, begin, size))
    return n


def test_several_axes_at_once_are_no_gather() -> None:
    copy = check_rule(block_of_two_axes(strided=False).model, RULE, hits=1)
    assert [op.code for op in copy.main.ops] == [OpCode.STRIDED_SLICE]
    check_leaves_alone(block_of_two_axes(strided=True).model, RULE)


@pytest.mark.parametrize("device", DEVICES, ids=str)
def test_what_is_predicted_decides(device: Device) -> None:
    """It never goes to what costs more, and wide rows by GATHER."""
    rule, fired = RewriteSlice(Worth(Goal.SPEED, device=device)), 0
    for rows, width, axis in product((2, 9, 24), (8, 64, 256), (1, 3)):
        n = Kit()
        x, begin = n.feed(1, rows, 1, width), [0] * 4
        begin[axis] = 1
        n.output(n.strided(x, begin, [1, rows, 1, width]))
        before = predict_instructions(n.model.main.ops[0], device).instructions
        hit = bool(apply(n.model, rule).hits)
        op = n.model.main.ops[0]
        assert predict_instructions(op, device).instructions <= before - hit
        assert op.code is OpCode.GATHER or axis == 3
        fired += hit
    assert fired >= 9


def test_the_block_of_a_gather_is_known() -> None:
    copy = check_rule(TAIL, RULE, hits=1)
    op = copy.main.ops[0]
    block = taken(op, op.output)
    assert block is not None
    assert block.region.begin == (0, 1, 0, 0)
    assert block.region.size == (1, 8, 1, 16)


def test_declines() -> None:
    check_declines_by(_tail().model, RewriteSlice(Never()), "GATHER isn't better")


def _tail() -> Kit:
    n = Kit()
    n.output(n.strided(n.feed(1, 9, 1, 4), [0, 1, 0, 0], [1, 9, 1, 4]))
    return n


def test_leaves_alone() -> None:
    """A step, and a slice of everything."""
    n = Kit()
    x = n.feed(1, 9, 1, 4)
    n.output(n.strided(x, [0, 0, 0, 0], [1, 9, 1, 4], 2), n.slice(x, [0] * 4, x.shape))
    check_leaves_alone(n.model, RULE)
