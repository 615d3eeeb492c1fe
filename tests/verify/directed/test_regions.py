"""Where two models are cut, and what their inputs keep to."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.support.graphs import Net
from tests.support.in_process import InProcess
from tests.support.paths import needs_tflm
from tflopt.ir import Activation, DType, Model, OpCode, Origin, Value
from tflopt.ir.clone import clone
from tflopt.ir.options import Conv2DOptions
from tflopt.ir.origin import Part
from tflopt.run.samples import SampleOptions, make_samples
from tflopt.verify.directed.cuts import Cuts, cuts_of
from tflopt.verify.directed.regions import Cut, Region, is_same, regions_of
from tflopt.verify.directed.run import Directed, drive
from tflopt.verify.match import BY_NAME, Matches, Pair

unit = pytest.mark.unit


def labels(region: Region) -> list[list[str]]:
    return [[op.opcode.label for op in side] for side in region.ops]


def chain() -> Model:
    n = Net()
    x = n.feed(1, 4, 4, 3)
    y = n.conv(x, 5, (1, 1))
    z = n.relu(n.transpose(y, 0, 2, 1, 3))
    n.output(n.conv(z, 2, (1, 1)))
    return n.model


def by_number(one: Model, two: Model, *numbers: tuple[int, int]) -> list[Cut]:
    """Cuts at the outputs of operators, and at the ports."""
    inner = [Cut(one.main.ops[a].output, two.main.ops[b].output) for a, b in numbers]
    ports = zip(
        [*one.main.inputs, *one.main.outputs], [*two.main.inputs, *two.main.outputs], strict=True
    )
    return [*inner, *(Cut(a, b) for a, b in ports)]


@unit
@pytest.mark.parametrize("of_optimized", [False, True])
def test_what_takes_any_number_may_become_what_fails_on_some(of_optimized: bool) -> None:
    """A table: its index is a CAST, which gives what lay in memory for some floats."""
    plain, table = Net(), Net()
    for n, codes in ((plain, [OpCode.ABS]), (table, [OpCode.CAST, OpCode.ABS, OpCode.CAST])):
        x = n.feed(1, 4)
        kinds = [DType.INT8] if len(codes) == 1 else [DType.INT32, DType.INT32, DType.INT8]
        for code, kind in zip(codes, kinds, strict=True):
            x = n.op(code, [x], (1, 4), dtype=kind)
        n.output(x)
    one, two = (plain, table) if of_optimized else (table, plain)
    cuts = by_number(one.model, two.model)
    assert len(regions_of(cuts, cuts[1:])) == of_optimized


@unit
def test_a_change_makes_one_region() -> None:
    one = chain()
    two = clone(one)
    weights = two.main.ops[0].inputs[1]
    assert weights is not None
    assert weights.buffer is not None
    assert weights.buffer.data is not None
    weights.buffer.data = np.asarray(weights.buffer.data ^ 1, np.uint8)
    cuts = by_number(one, two, (0, 0), (1, 1), (2, 2))
    found = regions_of(cuts, cuts[:3])
    assert [labels(region) for region in found] == [[["CONV_2D"], ["CONV_2D"]]]


@unit
def test_nothing_differs_in_a_copy() -> None:
    one = chain()
    two = clone(one)
    cuts = by_number(one, two, (0, 0), (1, 1), (2, 2))
    assert not regions_of(cuts, [*cuts[:3], cuts[-1]])


@unit
def test_a_region_grows_where_one_side_looks_through_a_cut() -> None:
    """The optimized model reads in front of TRANSPOSE what the original reads behind it."""
    one = chain()
    two = clone(one)
    two.main.ops[2].set_input(0, two.main.ops[0].output)
    cuts = by_number(one, two, (0, 0), (1, 1))
    region = regions_of(cuts, [Cut(one.main.ops[2].output, two.main.ops[2].output)])[0]
    assert labels(region)[0][0] == "TRANSPOSE"
    assert labels(region)[1] == labels(region)[0][1:]


@unit
def test_another_quantization_is_another_region() -> None:
    one = chain()
    two = clone(one)
    two.main.ops[0].output.quant = two.main.inputs[0].quant
    two.main.ops[1].output.quant = None
    cuts = by_number(one, two, (0, 0), (1, 1), (2, 2))
    assert len(regions_of(cuts, cuts[:3])) == 2
    assert is_same(Region(cuts[0], (), (), ((), ()))) == (
        cuts[0].original.quant == cuts[0].optimized.quant
    )


def clamped() -> Model:
    """A convolution that clamps, and RELU behind it, which does nothing."""
    n = Net()
    y = n.conv(n.feed(1, 4, 4, 3), 5, (1, 1))
    options = y.producer.options if y.producer else None
    assert isinstance(options, Conv2DOptions)
    assert y.producer is not None
    y.producer.options = replace(options, fused_activation_function=Activation.RELU)
    z = n.op(OpCode.RELU, [y], y.shape, quant=y.quant)
    n.output(n.conv(z, 2, (1, 1)))
    return n.model


def driven(one: Model, two: Model, cuts: list[Cut], results: list[Cut]) -> Directed:
    samples = make_samples(one, SampleOptions(4))
    return drive(InProcess(), one, Cuts(tuple(cuts), tuple(results)), samples, 0)


@needs_tflm
@pytest.mark.runtime
def test_inputs_keep_to_the_ranges_that_rules_rely_on() -> None:
    one = clamped()
    two = clone(one)
    two.main.ops[2].set_input(0, two.main.ops[0].output)
    outputs = [Cut(one.main.outputs[0], two.main.outputs[0])]
    inner = [Cut(one.main.ops[0].output, two.main.ops[0].output)]
    found = driven(one, two, inner, outputs)
    assert (found.regions, found.finding) == (1, None)
    one.main.ops[0].options = one.main.ops[2].options  # no clamp: now RELU does something
    assert driven(one, two, inner, outputs).finding is not None


def twins(*, merged: bool, unlike: int = 0) -> Model:
    """Two equal channels and one reader of both, or one channel that counts twice."""
    n = Net()
    x = n.feed(1, 2, 2, 3)
    row = np.array([5, -7, 9])
    y = _conv(n, x, np.stack([row] if merged else [row, row]))
    weights = np.array([[40 + unlike]]) if merged else np.array([[20, 20]])
    n.output(_conv(n, y, weights))
    return n.model


def _conv(n: Net, x: Value, rows: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> Value:
    weights = n.constant(rows[:, None, None, :], DType.INT8, quant=(0.02, 0))
    bias = n.constant(np.zeros(len(rows)))
    shape = (*x.shape[:3], len(rows))
    options = Conv2DOptions(stride_w=1, stride_h=1)
    return n.op(OpCode.CONV_2D, [x, weights, bias], shape, options=options, version=3)


@needs_tflm
@pytest.mark.runtime
def test_what_a_rule_dropped_may_be_known_from_what_it_kept() -> None:
    """The original reads both twins: numbers that differ between them say nothing."""
    one, two = twins(merged=False), twins(merged=True)
    first, second = one.main.ops[0].output, two.main.ops[0].output
    origin = Origin(0, 0, parts=(Part(first.shape, 3, (0,)),))
    outputs = [Cut(one.main.outputs[0], two.main.outputs[0])]
    assert driven(one, two, [Cut(first, second, origin)], outputs).finding is None


@unit
def test_a_name_alone_is_not_trusted() -> None:
    one = clamped()
    two = clone(one)
    values = list(one.main.values)
    places = [values.index(op.output) for op in one.main.ops]
    named = Matches(tuple(Pair(n, n, "t", "CONV_2D", 0) for n in places), BY_NAME)
    assert len(cuts_of(one, two, named, rearranged=False).results) == 3
    two.main.ops[0].options = two.main.ops[2].options
    assert len(cuts_of(one, two, named, rearranged=False).results) == 2
