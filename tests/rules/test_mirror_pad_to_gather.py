"""``mirror-pad-to-gather``: rows copied by their index."""

from __future__ import annotations

import pytest

from tests.support.check_rule import check_declines, check_leaves_alone, check_rule
from tests.support.kit import Kit
from tests.support.worth import Always, Never, check_declines_by
from tflopt.config import Goal
from tflopt.ir import DType, OpCode
from tflopt.ir.options import MirrorPadOptions
from tflopt.rules.forms.mirror_pad_to_gather import MirrorPadToGather
from tflopt.search.worth import Worth
from tflopt.target import Target
from tflopt.target.cost import predict_model
from tflopt.target.device import Device

pytestmark = pytest.mark.runtime
RULE = MirrorPadToGather(Always())
Pairs = list[tuple[int, int]]
IMAGE: Pairs = [(0, 0), (1, 2), (2, 1), (0, 0)]


def padded(
    amounts: Pairs = IMAGE,
    mode: int = 0,
    shape: tuple[int, ...] = (1, 5, 4, 3),
    dtype: DType = DType.INT8,
) -> Kit:
    n = Kit()
    x = n.input(shape, dtype, None if dtype is DType.FLOAT32 else (0.05, 3))
    out = [size + a + b for size, (a, b) in zip(shape, amounts, strict=True)]
    inputs, options = [x, n.constant(amounts)], MirrorPadOptions(mode)
    n.output(n.op(OpCode.MIRROR_PAD, inputs, out, options=options, version=2))
    return n


def test_an_image() -> None:
    check_rule(
        padded().model,
        RULE,
        """
        graph(%0: i8[1,5,4,3]{0.05,3}) -> %2
          %1: i8[1,5,7,3]{0.05,3} = GATHER(%0, [2, 1, 0, 1, 2, 3, 2]) axis=2
          %2: i8[1,8,7,3]{0.05,3} = GATHER(%1, [1, 0, 1, 2, 3, 4, 3, 2]) axis=1
        """,
        hits=1,
    )


@pytest.mark.parametrize("mode", [0, 1])
@pytest.mark.parametrize("dtype", [DType.INT8, DType.FLOAT32])
@pytest.mark.parametrize(
    "amounts", [[(0, 0), (4, 4), (0, 3), (0, 0)], [(0, 0), (0, 0), (1, 1), (2, 1)]]
)
def test_modes_types_and_axes(mode: int, dtype: DType, amounts: Pairs) -> None:
    check_rule(padded(amounts, mode, dtype=dtype).model, RULE, hits=1)


@pytest.mark.parametrize("core", ["cortex-m4", "cortex-m55"])
def test_what_it_saves(core: str) -> None:
    device = Device(Target.parse(core))
    source = padded(shape=(1, 24, 24, 16)).model
    copy = check_rule(source, MirrorPadToGather(Worth(Goal.SPEED, device)), hits=1)
    before, after = (predict_model(each, device).instructions for each in (source, copy))
    assert after < before / 20


def test_declines() -> None:
    check_declines_by(padded().model, MirrorPadToGather(Never()), "GATHER isn't better")
    wide = padded(dtype=DType.INT16).model
    check_declines(wide, RULE, "GATHER takes int8 and float32 only")


def test_leaves_alone() -> None:
    check_leaves_alone(padded([(0, 0)] * 4).model, RULE)
