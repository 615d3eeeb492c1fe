"""``merge-depthwise``: branches of a MixConv as one DEPTHWISE_CONV_2D."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
import pytest

from tests.support.check_rule import (
    check_declines,
    check_leaves_alone,
    check_rule,
    check_same_outputs,
)
from tests.support.field import field_case, field_model
from tests.support.kit import Kit
from tests.support.worth import Always, Never, check_declines_by
from tflopt.config import Config
from tflopt.io import read
from tflopt.ir import Activation, OpCode, Padding, Value
from tflopt.ir.clone import clone
from tflopt.product.optimize import Settings, optimize_file_bytes
from tflopt.rules.forms.merge_depthwise import MergeDepthwise
from tflopt.rules.pipeline import run_pipeline
from tflopt.run.samples import SampleOptions
from tflopt.target import Target
from tflopt.target.cost import predict_model
from tflopt.target.device import Device
from tflopt.target.memory import memory_of

pytestmark = pytest.mark.runtime
RULE = MergeDepthwise(Always())

STREAMING = """
graph(%0: i8[1,9,1,6]{0.05,3}) -> %6
  %1: i8[1,9,1,4]{0.05,3}, %2: i8[1,9,1,2]{0.05,3} = SPLIT_V(%0, [4, 2], [-1]) num_splits=2
  %3: i8[1,5,1,4]{0.05,3} = STRIDED_SLICE@2(%1, [0, -5, 0, 0], [0, 0, 0, 0], [1, 1, 1, 1]) begin_mask=13 end_mask=15
  %4: i8[1,1,1,4]{0.07,1} = DEPTHWISE_CONV_2D@3(%3, const i8[1,5,1,4]{per-channel 3}, const i32[4]{per-channel 0}) padding=VALID stride_w=1 stride_h=1 depth_multiplier=1
  %5: i8[1,1,1,2]{0.07,1} = DEPTHWISE_CONV_2D@3(%2, const i8[1,9,1,2]{per-channel 3}, const i32[2]{per-channel 0}) padding=VALID stride_w=1 stride_h=1 depth_multiplier=1
  %6: i8[1,1,1,6]{0.07,1} = CONCATENATION@2(%4, %5) axis=-1
"""  # noqa: E501


def test_a_streaming_mixconv() -> None:
    copy = check_rule(
        STREAMING,
        RULE,
        """
        graph(%0: i8[1,9,1,6]{0.05,3}) -> %1
          %1: i8[1,1,1,6]{0.07,1} = DEPTHWISE_CONV_2D(%0, const i8[1,9,1,6]{per-channel 3}, const i32[6]{per-channel 0}) padding=VALID stride_w=1 stride_h=1 depth_multiplier=1
        """,  # noqa: E501
        hits=1,
    )
    weights = copy.main.ops[0].inputs[1]
    assert weights is not None
    taps = weights.array()
    assert not taps[:, :4, :, :4].any(), "the kernel of five reads the last five rows"
    assert taps[:, 4:, :, :4].all(axis=1).any()
    assert taps[:, 0, :, 4:].any()


def parts_of(n: Kit, x: Value, sizes: Sequence[int]) -> list[Value]:
    """Blocks of channels, by SLICE."""
    found, first = [], 0
    for size in sizes:
        found.append(n.slice(x, [0, 0, 0, first], [*x.shape[:3], size]))
        first += size
    return found


@pytest.mark.parametrize(
    ("stride", "padding", "multiplier"),
    list(product([(1, 1), (2, 2), (2, 1)], [Padding.SAME, Padding.VALID], [1, 2])),
)
def test_kernels_of_several_sizes(
    stride: tuple[int, int], padding: Padding, multiplier: int
) -> None:
    """As in MixNet: each kernel reads all rows. VALID gives outputs of several sizes."""
    n = Kit()
    x = n.relu(n.feed(1, 9, 8, 6))
    kernels = [(3, 3), (5, 5), (1, 1)] if padding is Padding.SAME else [(3, 3), (3, 3), (3, 3)]
    options = {"stride": stride, "padding": padding, "multiplier": multiplier}
    data = zip(parts_of(n, x, [2, 3, 1]), kernels, strict=True)
    n.output(n.concat(*(n.depthwise(part, kernel, **options) for part, kernel in data), axis=3))  # type: ignore[arg-type]
    check_rule(n.model, RULE, hits=1)


@pytest.mark.parametrize(
    ("first", "second", "cuts"),
    [((2, 4), (0, 8), False), ((3, 3), (1, 4), True), ((0, 1), (7, 1), False)],
)
def test_rows_cut_on_both_sides(
    first: tuple[int, int], second: tuple[int, int], cuts: bool
) -> None:
    """Each branch reads from some row on; what none reads is cut off once, by a SLICE."""
    n = Kit()
    x = n.relu(n.feed(1, 9, 1, 4))
    values = []
    for part, (begin, kernel) in zip(parts_of(n, x, [2, 2]), (first, second), strict=True):
        rows = n.slice(part, [0, begin, 0, 0], [1, kernel + 1, 1, 2])
        values.append(n.depthwise(rows, (kernel, 1), padding=Padding.VALID))
    n.output(n.concat(*values, axis=3))
    copy = check_rule(n.model, RULE, hits=1)
    codes = [op.opcode.label for op in copy.main.ops]
    assert codes == ["RELU", *["SLICE"] * cuts, "DEPTHWISE_CONV_2D"]


@pytest.mark.parametrize("dilations", [(2, 2), (2, 4), (1, 3)])
def test_dilation(dilations: tuple[int, int]) -> None:
    """What all steps have in common stays; the rest becomes zeros."""
    n = Kit()
    first, second = parts_of(n, n.feed(1, 16, 3, 5), [3, 2])
    both = [
        n.depthwise(part, (3, 1), dilation=(step, 1), padding=Padding.SAME)
        for part, step in zip((first, second), dilations, strict=True)
    ]
    n.output(n.concat(*both, axis=3))
    check_rule(n.model, RULE, hits=1)


def test_other_inputs_stay_joined() -> None:
    n = Kit()
    x, y = n.feed(1, 4, 4, 4), n.feed(1, 4, 4, 3)
    first, second = parts_of(n, x, [2, 2])
    n.output(n.concat(y, n.depthwise(first), n.depthwise(second, (5, 5)), y, axis=3))
    check_rule(
        n.model,
        RULE,
        """
        graph(%0: i8[1,4,4,4]{0.05,3}, %1: i8[1,4,4,3]{0.05,3}) -> %3
          %2: i8[1,4,4,4]{0.05,3} = DEPTHWISE_CONV_2D(%0, const i8[1,5,5,4]{per-channel 3}, const i32[4]{per-channel 0}) stride_w=1 stride_h=1 depth_multiplier=1
          %3: i8[1,4,4,10]{0.05,3} = CONCATENATION(%1, %2, %1) axis=3
        """,  # noqa: E501
        hits=1,
    )


def test_a_part_that_is_read_elsewhere_stays() -> None:
    n = Kit()
    first, second = parts_of(n, n.relu(n.feed(1, 4, 4, 4)), [2, 2])
    n.output(n.concat(n.depthwise(first), n.depthwise(second, (5, 5)), axis=3), n.relu(first))
    copy = check_rule(n.model, RULE, hits=1)
    assert [op.opcode.label for op in copy.main.ops].count("SLICE") == 1


def branches(**second: object) -> Kit:
    """Two branches, of which the second differs."""
    n = Kit()
    one, two = parts_of(n, n.feed(1, 8, 4, 4), [2, 2])
    n.output(n.concat(n.depthwise(one), n.depthwise(two, **second), axis=3))  # type: ignore[arg-type]
    return n


def test_declines() -> None:
    check_declines_by(branches().model, MergeDepthwise(Never()), "one DEPTHWISE_CONV_2D isn't")
    relu = branches(activation=Activation.RELU)
    check_declines(relu.model, RULE, "the activations differ")
    other = branches(multiplier=2)
    check_declines(other.model, RULE, "the depth multipliers differ")


def test_declines_where_a_branch_pads_within_its_cut() -> None:
    n = Kit()
    one, two = parts_of(n, n.feed(1, 8, 4, 4), [2, 2])
    cut = [n.slice(part, [0, 2, 0, 0], [1, 6, 4, 2]) for part in (one, two)]
    n.output(n.concat(n.depthwise(cut[0]), n.depthwise(cut[1], (5, 5)), axis=3))
    check_declines(n.model, RULE, "the kernels read beyond what was cut for them")


def test_leaves_alone() -> None:
    n = Kit()
    x = n.feed(1, 4, 4, 2)
    n.output(n.concat(n.depthwise(x), n.depthwise(x), axis=3))
    check_leaves_alone(n.model, RULE)
    n = Kit()
    one, two = parts_of(n, n.feed(1, 4, 4, 4), [2, 2])
    n.output(n.concat(n.depthwise(two), n.depthwise(one), axis=3))
    check_leaves_alone(n.model, RULE)


def test_zeros_stand_in_for_a_missing_bias() -> None:
    n = Kit()
    one, two = parts_of(n, n.feed(1, 6, 6, 4), [2, 2])
    values = [n.depthwise(one), n.depthwise(two, (5, 5))]
    conv = values[0].producer
    assert conv is not None
    conv.set_inputs(conv.inputs[:2])
    n.output(n.concat(*values, axis=3))
    copy = check_rule(n.model, RULE, hits=1, runners=["tflm"])
    bias = copy.main.ops[0].inputs[2]
    assert bias is not None
    assert not np.any(bias.array()[:2])
    assert bias.quant is not None
    assert bias.quant.count == 4


@pytest.mark.parametrize(("core", "most"), [("cortex-m55", 0.70), ("cortex-m4", 0.65)])
def test_a_wake_word_network_of_the_field(core: str, most: float) -> None:
    """Measured on QEMU with TFLM 90b983c: 0.655 of the instructions on M55, 0.592 on M4."""
    source = read(field_model("mww_okay_nabu_pymicro"))
    device, copy = Device(Target.parse(core)), clone(source)
    trace = run_pipeline(copy, None, Config(device=device))
    assert trace.counts["merge-depthwise"] == 3
    assert sum(op.code is OpCode.DEPTHWISE_CONV_2D for op in copy.ops()) == 5
    before, after = (predict_model(each, device).instructions for each in (source, copy))
    assert after <= most * before
    arenas = [memory_of(each, device).arena.minimum_bytes for each in (source, copy)]
    assert arenas[1] <= 0.88 * arenas[0]
    check_same_outputs(source, copy, ["tflm"])


@pytest.mark.parametrize(("core", "most"), [("cortex-m55", 0.354), ("cortex-m4", 0.61)])
def test_a_mixconv_of_the_field(core: str, most: float) -> None:
    """One operator of five, in a file that is smaller by more than what a plan would take."""
    path, device = field_case("L1_mixconv"), Device(Target.parse(core))
    data = path.read_bytes()
    settings = Settings(config=Config(device=device), samples=SampleOptions(8))
    result = optimize_file_bytes(read(path), data, settings)
    assert [op.code for op in result.model.main.ops] == [OpCode.DEPTHWISE_CONV_2D]
    assert len(result.data) <= 2476
    assert result.verification is not None
    assert (result.verification.status, result.verification.runner) == ("identical", "tflm")
    before, after = (
        predict_model(each, device).instructions for each in (result.original, result.model)
    )
    assert after <= most * before
