"""The distances of TFLM's reference kernels, run by them: right, and wrong with a byte less."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tests.support.kit import Kit
from tests.support.paths import needs_tflm
from tests.support.runtime import Outputs, runtime
from tflopt.facts.offline_plan import ONLINE
from tflopt.io import write_bytes
from tflopt.ir import Model, Op, OpCode, Padding, Value
from tflopt.ir.clone import clone
from tflopt.ir.options import Pool2DOptions
from tflopt.plan.describe import write_plan_bytes
from tflopt.target.device import Device
from tflopt.target.kernel_sets import KernelSet, gap_on

pytestmark = [pytest.mark.runtime, needs_tflm]
SAMPLES = 24
Layer = Callable[[Kit, Value], Value]
LAYERS: dict[str, tuple[tuple[int, ...], Layer]] = {
    "conv": ((1, 7, 6, 5), lambda n, x: n.conv2d(x, 7)),
    "conv-stride": ((1, 9, 8, 3), lambda n, x: n.conv2d(x, 5, stride=(2, 2))),
    "conv-valid": ((1, 8, 7, 4), lambda n, x: n.conv2d(x, 9, padding=Padding.VALID)),
    "conv-dilated": ((1, 9, 9, 2), lambda n, x: n.conv2d(x, 3, dilation=(2, 2))),
    "conv-one-channel": ((1, 7, 6, 1), lambda n, x: n.conv2d(x, 1)),
    "pointwise": ((1, 6, 5, 8), lambda n, x: n.conv2d(x, 12, (1, 1))),
    "pointwise-narrow": ((1, 6, 5, 12), lambda n, x: n.conv2d(x, 3, (1, 1))),
    "one-row": ((1, 1, 19, 4), lambda n, x: n.conv2d(x, 6, (1, 5))),
    "depthwise": ((1, 7, 6, 5), lambda n, x: n.depthwise(x)),
    "depthwise-stride": ((1, 9, 9, 6), lambda n, x: n.depthwise(x, (5, 5), stride=(2, 2))),
    "depthwise-times-3": ((1, 7, 5, 4), lambda n, x: n.depthwise(x, multiplier=3)),
    "dense-rows": ((9, 7), lambda n, x: n.fully_connected(x, 11)),
    "dense-narrow": ((9, 12), lambda n, x: n.fully_connected(x, 5)),
    "average": ((1, 8, 7, 5), lambda n, x: _pool(n, x, OpCode.AVERAGE_POOL_2D, 3, 1)),
    "maximum": ((1, 8, 7, 5), lambda n, x: _pool(n, x, OpCode.MAX_POOL_2D, 2, 2)),
}


def _pool(n: Kit, x: Value, code: OpCode, size: int, stride: int) -> Value:
    options = Pool2DOptions(Padding.SAME, stride, stride, size, size)
    out = (1, *(-(-extent // stride) for extent in x.shape[1:3]), x.shape[3])
    return n.op(code, [x], out, options=options, quant=(0.05, 3), version=2)


def one_layer(name: str) -> Model:
    shape, layer = LAYERS[name]
    n = Kit(1)
    n.output(layer(n, n.feed(*shape)))
    return n.model


def at_distance(model: Model, distance: int) -> Model:
    """A copy in which the input lies so far above the output."""
    copy = clone(model)
    values, base = list(copy.main.values), max(0, -distance)
    offsets = [ONLINE] * len(values)
    offsets[values.index(copy.main.inputs[0])] = base + distance
    offsets[values.index(copy.main.outputs[0])] = base
    header = [1, 1, len(values)]
    write_plan_bytes(copy, np.array(header + offsets, "<i4").tobytes())
    return copy


def samples_of(model: Model) -> Outputs:
    rng = np.random.default_rng(3)
    shape = model.main.inputs[0].shape
    return [[rng.integers(-128, 128, shape, np.int8)] for _ in range(SAMPLES)]


def same(model: Model, distance: int) -> bool:
    samples = samples_of(model)
    pair = (write_bytes(model), write_bytes(at_distance(model, distance)))
    expected, found = (runtime().run("tflm", data, samples) for data in pair)
    return all(np.array_equal(a[0], b[0]) for a, b in zip(expected, found, strict=True))


def distance_of(op: Op, *kernels: KernelSet) -> int | None:
    return gap_on(op, kernels or (KernelSet.REFERENCE,), Device())


@pytest.mark.parametrize("name", LAYERS)
def test_one_byte_less_corrupts(name: str) -> None:
    model = one_layer(name)
    distance = distance_of(model.main.ops[0])
    assert distance is not None
    for more in (0, 1, 7, 16):
        assert same(model, distance + more), more
    assert not same(model, distance - 1)


@pytest.mark.parametrize("name", LAYERS)
def test_what_every_set_bears_is_right_here(name: str) -> None:
    model = one_layer(name)
    (op,) = model.main.ops
    every = distance_of(op, *KernelSet)
    each = [distance_of(op, kernels) for kernels in KernelSet]
    assert every == (None if None in each else max(one for one in each if one is not None))
    assert every is None or same(model, every)
