"""Tensors of two files are paired by their elements; a doubtful pair gives no alarm."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from tests.support.fault import constant, put
from tests.support.graphs import Net
from tests.support.in_process import InProcess
from tests.support.paths import needs_tflm
from tflopt.io import write_bytes
from tflopt.ir import Model
from tflopt.product.validation import validate
from tflopt.run.runner import Work
from tflopt.run.samples import SampleOptions, make_samples
from tflopt.verify.match import BY_CONTENTS, Matches
from tflopt.verify.values import equal_matches

pytestmark = [pytest.mark.runtime, needs_tflm]
FEW = SampleOptions(4)
ORDER = (2, 0, 3, 1)


def layers(order: Sequence[int] = (0, 1, 2, 3), more: bool = False) -> Model:
    """Two layers between which four channels stand in an order that no output shows."""
    n = Net()
    hidden = n.dense(n.feed(1, 8), 4)
    n.output(n.dense(n.relu(hidden) if more else hidden, 3))
    first, last = n.graph.ops[0], n.graph.ops[-1]
    rng = np.random.default_rng(5)
    for op, shape, axis in ((first, (4, 8), 0), (last, (3, 4), 1)):
        weights, bias = rng.integers(-127, 128, shape), constant(op, 2)
        put(op, 1, np.take(weights, order, axis).astype(np.int8))
        if bias is not None and axis == 0:
            put(op, 2, np.take(bias, order).astype(np.int32))
    return n.model


def matched(one: Model, two: Model) -> Matches:
    samples = make_samples(one, FEW)
    first, second = (Work(model, write_bytes(model), samples) for model in (one, two))
    return equal_matches((InProcess(), InProcess()), first, second, Matches((), BY_CONTENTS))


def test_equal_elements_make_a_pair() -> None:
    one, two = layers(), layers()
    found = matched(one, two)
    assert [(pair.operator_index, pair.operator) for pair in found.pairs] == [
        (0, "FULLY_CONNECTED"),
        (1, "FULLY_CONNECTED"),
    ]
    assert not found.doubtful


def test_channels_in_another_order_are_a_doubtful_pair() -> None:
    found = matched(layers(), layers(ORDER))
    assert [pair.operator_index for pair in found.pairs] == [1]
    assert [pair.operator_index for pair in found.doubtful] == [0]


@pytest.mark.parametrize("more", [False, True])
def test_and_give_no_alarm(more: bool) -> None:
    found = validate(layers(more=more), layers(ORDER, more), runner=InProcess(), samples=FEW)
    assert found.status == "identical", found
    assert found.regions
