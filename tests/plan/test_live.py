"""The bytes that are alive at each operator, as the planner would share them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.kit import Kit
from tests.support.paths import TESTDATA
from tflopt.io import read
from tflopt.ir import DType, Model, OpCode
from tflopt.plan.live import live_bytes
from tflopt.target import Target
from tflopt.target.device import Device
from tflopt.target.kernel_sets import APART, EVERY
from tflopt.target.kernels import scratch_sizes
from tflopt.target.memory import PlanRequest, plan_memory, why_no_memory
from tflopt.target.sharing import Sharing, moment_on

pytestmark = pytest.mark.unit
DEVICE = Device(Target.parse("cortex-m4"))


def alive(model: Model, sharing: Sharing = Sharing.IN_PLACE) -> list[int]:
    scratch = scratch_sizes(DEVICE)
    graph = model.main
    moments = [moment_on(op, scratch(op), DEVICE, sharing) for op in graph.ops]
    return live_bytes(graph.inputs, graph.outputs, moments)


def test_an_elementwise_operator_writes_over_an_input_that_nobody_reads_later() -> None:
    n = Kit()
    x = n.feed(1, 8, 8, 4)
    y = n.op(OpCode.LOGISTIC, [x], x.shape, quant=(1 / 256, -128))
    n.output(y)
    assert alive(n.model) == [256]
    assert alive(n.model, Sharing.APART) == [512]
    n.output(x)
    assert alive(n.model) == [512], "the input is read after the last operator"


def test_parts_lie_in_their_concatenation() -> None:
    n = Kit()
    x = n.feed(1, 1, 1, 64)
    parts = [n.conv2d(x, 64, (1, 1)), n.conv2d(x, 64, (1, 1))]
    n.output(n.concat(*parts, axis=3))
    assert alive(n.model)[-1] == 128
    assert alive(n.model, Sharing.APART)[-1] == 256


def test_a_view_has_its_inputs_bytes() -> None:
    n = Kit()
    x = n.feed(1, 4, 4, 4)
    n.output(n.reshape(x, 1, 64))
    assert alive(n.model) == [64]
    assert alive(n.model, Sharing.APART) == [128]


PLACED_WIDER = {"dilated_conv2d", "har_cnn", "tcn_causal_dilated", "unet"}
"""Where no offsets are as low as the bytes that are alive, with the overlaps of two operators."""


@pytest.mark.parametrize("path", sorted(TESTDATA.glob("*.tflite")), ids=lambda path: path.stem)
def test_it_is_the_head_that_the_planner_reaches(path: Path) -> None:
    """Of all test models; what has no plan of its own is left out."""
    model = read(path)
    if len(model.graphs) > 1 or why_no_memory(model):
        pytest.skip("not planned as a whole")
    if any(v.is_variable or v.dtype is DType.RESOURCE for v in model.main.values):
        pytest.skip("its states are planned apart")
    heads = [plan_memory(model, DEVICE, PlanRequest(overlap=o)).head_bytes for o in (APART, EVERY)]
    assert max(alive(model)) == heads[0]
    least = max(alive(model, Sharing.OVERLAPPING))
    assert least < heads[1] if path.stem in PLACED_WIDER else least == heads[1]
