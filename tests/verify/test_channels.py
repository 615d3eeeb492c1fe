"""Two files of which one has some of the other's channels: which stayed, and a fault in them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.support.in_process import InProcess
from tests.support.kit import Kit
from tests.support.paths import needs_tflm
from tests.support.planted import bias_of, kill, saturate, set_data, weights_of
from tflopt.config import Config
from tflopt.io import read_bytes, write_bytes
from tflopt.ir import Activation, Model, OpCode, Padding, Value
from tflopt.ir.clone import clone
from tflopt.product.validation import validate_files
from tflopt.rules.pipeline import run_pipeline
from tflopt.run.samples import SampleOptions
from tflopt.verify.channels import is_same_layer, thinned
from tflopt.verify.compare import Candidate, Verification
from tflopt.verify.match import Pair, pairs_by_contents, pairs_by_origin

pytestmark = [pytest.mark.runtime, needs_tflm]
RELU = Activation.RELU


def layers(n: Kit) -> Value:
    """Three layers with channels that are always the same, then one that reads all others."""
    x = n.conv2d(n.feed(1, 6, 5, 3), 8, (1, 1), activation=RELU, quant=(0.05, -128))
    kill(x, [1])
    saturate(x, [1], 900)
    saturate(x, [4])
    x = n.depthwise(x, activation=RELU, quant=(0.06, -128))
    x = n.pool(OpCode.MAX_POOL_2D, x, (2, 2))
    return n.conv2d(x, 5, (1, 1), padding=Padding.VALID, quant=(0.07, 3))


def optimized() -> tuple[Model, Model]:
    n = Kit()
    n.output(layers(n))
    original = read_bytes(write_bytes(n.model))
    model = clone(original)
    run_pipeline(model, config=Config(plan=None))
    return original, model


def cold(original: Model, other: Model) -> Verification:
    files = [write_bytes(each) for each in (original, other)]
    pair = [Candidate(read_bytes(data), data) for data in files]
    return validate_files(pair[0], pair[1], runner=InProcess(), samples=SampleOptions(4))


def places(pairs: tuple[Pair, ...]) -> dict[int, object]:
    return {pair.optimized: (pair.original, pair.origin) for pair in pairs}


def test_the_channels_that_stayed_are_those_of_the_record() -> None:
    original, model = optimized()
    recorded = places(pairs_by_origin(original, model))
    likely = places(pairs_by_contents(original, read_bytes(write_bytes(model))))
    assert likely == recorded
    assert sum("parts=(Part" in str(each) for each in likely.values()) >= 2


def test_nothing_is_said_where_rows_are_alike() -> None:
    """Each of two channels may be the one that stayed; behind it, a layer of its own tells."""
    original, model = optimized()
    assert len(list(thinned(original, model, {}))) == 3
    for graph, to, of in ((original.main, 2, 3), (model.main, 1, 2)):
        for read in (weights_of, bias_of):
            value = read(graph.ops[0])
            data = value.array().copy()
            data[to] = data[of]
            set_data(value, data)
            assert value.quant is not None
            assert value.quant.scale is not None
            scale = value.quant.scale.copy()
            scale[to:] = scale[of]
            value.quant = replace(value.quant, scale=scale)
    left = [twin for _, twin, _ in thinned(original, model, {})]
    assert left == [op.output for op in model.main.ops[1:3]]


@pytest.mark.parametrize("number", [0, 1])
def test_a_step_in_what_stayed_is_found(number: int) -> None:
    original, model = optimized()
    assert cold(original, model).status == "identical"
    faulty = clone(model)
    weights = weights_of(faulty.main.ops[number])
    data = weights.array().copy()
    place = np.unravel_index(int(np.argmin(np.abs(data))), data.shape)
    data[place] += 1
    set_data(weights, data)
    found = cold(original, faulty)
    assert found.status == "different"


def test_layers_are_the_same_if_no_other_is_made_of_their_numbers() -> None:
    original, model = optimized()
    one, two = original.main.ops[-1].output, clone(original).main.ops[-1].output
    assert is_same_layer(one, two)
    assert two.producer is not None
    bias = bias_of(two.producer).array().copy()
    set_data(bias_of(two.producer), bias + np.eye(1, len(bias), dtype=bias.dtype)[0])
    assert is_same_layer(one, two)
    set_data(bias_of(two.producer), bias + 1)
    assert not is_same_layer(one, two)
    assert not is_same_layer(one, model.main.ops[0].output)
    n = Kit()
    x = n.feed(1, 4, 4, 3)
    n.output(n.conv2d(x, 4), n.conv2d(x, 4))
    first, second = n.model.main.ops
    for read in (weights_of, bias_of):
        set_data(read(second), read(first).array())
        read(second).quant = read(first).quant
    assert not is_same_layer(first.output, clone(n.model).main.ops[0].output)
