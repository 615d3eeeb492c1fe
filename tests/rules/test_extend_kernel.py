"""extend-kernel: zero rows and columns instead of a PAD."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.support.check_rule import apply, check_leaves_alone, check_rule
from tests.support.flash import real_model
from tests.support.windows import Windows, image, padded_layers
from tflopt.config import Config, Goal
from tflopt.ir import OpCode, Quantization
from tflopt.rewrite import ModelRule, Rewriter
from tflopt.rules.constants.remove_dead import RemoveDead
from tflopt.rules.forms.extend_kernel import ExtendKernel, extend, extensions
from tflopt.rules.movement.fold_pad import FoldPad
from tflopt.rules.pipeline import run_pipeline
from tflopt.target.device import Device
from tflopt.target.kernel_sets import APART
from tflopt.target.memory import PlanRequest, memory_of, plan_memory

pytestmark = pytest.mark.runtime
RULE = ExtendKernel()
Build = Callable[[Windows], None]


def stride_2(n: Windows) -> None:
    """The PAD's output is the largest tensor by far."""
    x = n.pad(n.feed(1, 80, 80, 16), *image((1, 1)))
    n.output(n.depthwise2d(x, stride=(2, 2)))


def test_a_pad_at_the_peak_is_folded() -> None:
    n = Windows()
    stride_2(n)
    copy = check_rule(
        n.model,
        RULE,
        """
        graph(%0: i8[1,80,80,16]{0.05,3}) -> %1
          %1: i8[1,40,40,16]{0.05,3} = DEPTHWISE_CONV_2D(%0, const i8[1,4,4,16]{per-channel 3}, \
const i32[16]{per-channel 0}) stride_w=2 stride_h=2 depth_multiplier=1
        """,
        hits=1,
    )
    weights = copy.main.ops[0].inputs[1]
    assert weights is not None
    data = weights.array()
    assert not data[:, 3].any()
    assert not data[:, :, 3].any()


class ExtendAll(ModelRule):
    """Every PAD that can be folded, at the peak or not."""

    name = "extend-all"
    exactness = RULE.exactness

    def rewrite_model(self, model: object, rw: Rewriter) -> None:
        """Fold them."""
        for op in list(rw.model.ops()):
            if extensions(op, mve=False) is not None:
                extend(op, rw, mve=False)


@pytest.mark.parametrize("depthwise", [False, True])
def test_every_extension_is_right(depthwise: bool) -> None:
    """Sizes, strides, dilations and uneven paddings; compared on both runtimes."""
    n = padded_layers([(0, 1), (1, 1), (2, 0), (2, 1), (1, 3)], depthwise)
    copy = check_rule(n.model, ExtendAll(), hits=1)
    left = sum(op.code is OpCode.PAD for op in copy.main.ops)
    assert 0 < left < 40


def test_only_what_lowers_the_arena_is_extended() -> None:
    n = Windows()
    x = n.depthwise2d(n.pad(n.feed(1, 80, 80, 16), *image((1, 1))), stride=(2, 2))
    n.output(n.depthwise2d(n.pad(x, *image((1, 1))), stride=(2, 2)))
    copy = check_rule(n.model, RULE, hits=1)
    assert [op.code.name for op in copy.main.ops] == [
        "DEPTHWISE_CONV_2D",
        "PAD",
        "DEPTHWISE_CONV_2D",
    ]


def test_what_is_kept_for_a_pad_counts_where_it_is_a_part_of_the_arena() -> None:
    """In a small model; the head is the same without the PAD."""
    n = Windows()
    x = n.conv2d(n.feed(1, 32, 32, 8), 1, (1, 1), stride=(4, 4))
    n.output(n.depthwise2d(n.pad(x, *image((1, 1))), stride=(2, 2)))
    before, copy = memory_of(n.model, Device()).arena, check_rule(n.model, RULE, hits=1)
    after = memory_of(copy, Device()).arena
    assert before.head_bytes == after.head_bytes
    assert after.minimum_bytes < 0.99 * before.minimum_bytes


def test_other_goals_extend_nothing() -> None:
    n = Windows()
    stride_2(n)
    check_leaves_alone(n.model, ExtendKernel(Goal.BALANCED))


def not_symmetric(n: Windows) -> None:
    stride_2(n)
    weights = n.graph.ops[-1].inputs[1]
    assert weights is not None
    weights.quant = Quantization.per_tensor(0.01, 3)


def other_value(n: Windows) -> None:
    n.output(n.depthwise2d(n.padv2(n.feed(1, 80, 80, 16), 7, *image((1, 1))), stride=(2, 2)))


def too_wide(n: Windows) -> None:
    n.output(n.conv2d(n.pad(n.feed(1, 1, 9, 8), *image((0, 0), (8, 0))), 2, (1, 3)))


def other_reader(n: Windows) -> None:
    x = n.pad(n.feed(1, 80, 80, 16), *image((1, 1)))
    n.output(n.depthwise2d(x, stride=(2, 2)), n.relu(x))


def below_the_peak(n: Windows) -> None:
    x = n.conv2d(n.feed(1, 64, 64, 8), 1, (1, 1), stride=(4, 4))
    n.output(n.depthwise2d(n.pad(x, *image((1, 1))), stride=(2, 2)))


def at_the_kernel(n: Windows) -> None:
    """The scratch for 16 taps of 256 channels takes more than the PAD."""
    n.output(n.conv2d(n.pad(n.feed(1, 2, 2, 256), *image((1, 1))), 4, (3, 3), stride=(2, 2)))


@pytest.mark.parametrize(
    "build", [not_symmetric, other_value, too_wide, other_reader, below_the_peak, at_the_kernel]
)
def test_leaves_alone(build: Build) -> None:
    n = Windows()
    build(n)
    check_leaves_alone(n.model, RULE)


def test_a_pad_that_cannot_be_folded_is_refused() -> None:
    n = Windows()
    other_value(n)
    with pytest.raises(ValueError, match="can't be folded"):
        extend(n.graph.ops[0], Rewriter(n.model), mve=True)


def test_pytorch_s_mobilenet_needs_less() -> None:
    """Where outputs may follow their inputs its PADs aren't at the peak."""
    model, apart = real_model("mobilenet_v2_pytorch"), PlanRequest(overlap=APART)
    apply(model, FoldPad(), RemoveDead())
    before = plan_memory(model, Device(), apart).head_bytes
    apply(model, replace(RULE, plan=apart), RemoveDead())
    after = plan_memory(model, Device(), apart).head_bytes
    assert after < 0.98 * before


def test_the_pipeline_extends_for_memory_alone() -> None:
    n = Windows()
    stride_2(n)
    assert "extend-kernel" not in run_pipeline(n.model, config=Config()).counts
    assert run_pipeline(n.model, config=Config(goal=Goal.MEMORY)).counts["extend-kernel"] == 1
