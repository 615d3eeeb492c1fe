"""``round-softmax``: EXP, SUM and DIV, or SOFTMAX, in float."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from tests.support.check_rule import apply, check_declines, check_leaves_alone
from tests.support.graphs import Net
from tests.support.paths import needs_tflm
from tests.support.runtime import runtime
from tests.support.worth import Always, Never, check_declines_by
from tflopt.arith import softmax
from tflopt.arith.affine import Affine
from tflopt.arith.fixed_point import Ints
from tflopt.arith.transcendental import reciprocal_of_one_plus
from tflopt.config import Config, Goal
from tflopt.io import read_bytes, write_bytes
from tflopt.ir import Activation, DType, Model, OpCode, Value
from tflopt.ir.clone import clone
from tflopt.ir.options import (
    DequantizeOptions,
    DivOptions,
    ExpOptions,
    QuantizeOptions,
    ReducerOptions,
    SoftmaxOptions,
    SubOptions,
)
from tflopt.ir.text import dump
from tflopt.rules.islands import float_softmax
from tflopt.rules.islands.float_softmax import RECIPROCAL_ERROR, FloatSoftmax
from tflopt.rules.islands.integerize_islands import IntegerizeIslands
from tflopt.rules.islands.round_softmax import RoundSoftmax, replaced_ops
from tflopt.rules.pipeline import run_pipeline
from tflopt.run.samples import SampleOptions, make_samples
from tflopt.target import Target
from tflopt.target.device import Device

pytestmark = pytest.mark.runtime
RULE = RoundSoftmax(Always(), 1)
OUTPUT = softmax.OUTPUT
Quant = tuple[float, int]


def dequantize(n: Net, x: Value) -> Value:
    return n.op(
        OpCode.DEQUANTIZE, [x], x.shape, options=DequantizeOptions(), dtype=DType.FLOAT32, version=2
    )


def quantize(n: Net, x: Value, quant: Quant) -> Value:
    return n.op(
        OpCode.QUANTIZE, [x], x.shape, options=QuantizeOptions(), quant=quant, dtype=DType.INT8
    )


def reduce(n: Net, code: OpCode, x: Value, axis: int = -1, *, keep: bool = True) -> Value:
    shape = list(x.shape)
    shape[axis] = 1
    out = shape if keep else shape[:-1]
    return n.op(code, [x, n.constant([axis])], out, options=ReducerOptions(keep))


def written_out(n: Net, real: Value, *, shifted: bool = True, axis: int = -1) -> Value:
    """EXP over SUM of EXP, with and without REDUCE_MAX subtracted before."""
    if shifted:
        largest = reduce(n, OpCode.REDUCE_MAX, real, axis)
        real = n.op(OpCode.SUB, [real, largest], real.shape, options=SubOptions())
    above = n.op(OpCode.EXP, [real], real.shape, options=ExpOptions())
    below = reduce(n, OpCode.SUM, above, axis)
    return n.op(OpCode.DIV, [above, below], real.shape, options=DivOptions())


def island(
    shape: tuple[int, ...] = (3, 10),
    source: Quant = (0.07, -9),
    target: Quant = OUTPUT,
    *,
    shifted: bool = True,
) -> Net:
    n = Net()
    real = dequantize(n, n.input(shape, quant=source))
    n.output(quantize(n, written_out(n, real, shifted=shifted), target))
    return n


def off_by(model: Model, rule: RoundSoftmax = RULE, expected: str | None = None) -> int:
    """The largest difference on TFLM after the rule, which fires once and keeps its promises."""
    copy = clone(model)
    (hit,) = apply(copy, rule).hits
    assert hit.shown_by.startswith("not exact: ")
    if expected is not None:
        assert dump(copy) == inspect.cleandoc(expected)
    assert not apply(copy, rule).hits
    once = write_bytes(copy)
    assert write_bytes(read_bytes(once)) == once
    samples = make_samples(model, SampleOptions(40, seed=2))
    before, after = (runtime().run("tflm", write_bytes(m), samples) for m in (model, copy))
    pairs = zip(before, after, strict=True)
    return max(int(np.abs(a[0].astype(int) - b[0].astype(int)).max()) for a, b in pairs)


@needs_tflm
def test_exp_sum_and_div() -> None:
    expected = """
        graph(%0: i8[3,10]{0.07,-9}) -> %1
          %1: i8[3,10]{0.00390625,-128} = SOFTMAX(%0) beta=1.0
        """
    assert off_by(island(shifted=False).model, expected=expected) <= 1


@needs_tflm
def test_the_largest_is_subtracted_before() -> None:
    assert off_by(island((1, 4, 4, 6)).model) <= 1


@needs_tflm
def test_softmax_in_float() -> None:
    n = Net()
    real = dequantize(n, n.input((2, 9), quant=(0.2, 4)))
    y = n.op(OpCode.SOFTMAX, [real], real.shape, options=SoftmaxOptions(0.5))
    n.output(quantize(n, y, OUTPUT))
    expected = """
        graph(%0: i8[2,9]{0.2,4}) -> %1
          %1: i8[2,9]{0.00390625,-128} = SOFTMAX(%0) beta=0.5
        """
    assert off_by(n.model, expected=expected) <= 1


@needs_tflm
@pytest.mark.parametrize("scale", [1 / 255, 0.0052, 0.02])
def test_another_scale_of_the_output_takes_a_quantize(scale: float) -> None:
    n = island(target=(scale, -100))
    assert off_by(n.model) <= 1
    apply(n.model, RULE)
    assert [op.code for op in n.model.main.ops] == [OpCode.SOFTMAX, OpCode.QUANTIZE]


@needs_tflm
@pytest.mark.parametrize("seed", range(8))
def test_random_scales_are_off_by_the_bound_at_most(seed: int) -> None:
    rng = np.random.default_rng(seed)
    source = float(2.0 ** rng.uniform(-8, -2)), int(rng.integers(-128, 128))
    shape = int(rng.integers(1, 5)), int(rng.integers(1, 120))
    assert off_by(island(shape, source, shifted=bool(seed % 2)).model) <= 1


@needs_tflm
def test_each_exp_of_its_own_and_a_view_of_the_sum() -> None:
    n = Net()
    real = dequantize(n, n.input((2, 7), quant=(0.1, 0)))
    one, two = (n.op(OpCode.EXP, [real], real.shape, options=ExpOptions()) for _ in range(2))
    below = n.reshape(reduce(n, OpCode.SUM, two, keep=False), 2, 1)
    y = n.op(OpCode.DIV, [one, below], real.shape, options=DivOptions())
    n.output(quantize(n, y, OUTPUT))
    assert off_by(n.model) <= 1
    apply(n.model, RULE)
    assert [op.code for op in n.model.main.ops] == [OpCode.SOFTMAX]


def other_axis(n: Net, real: Value) -> Value:
    return written_out(n, real, axis=0)


def another_tensor(n: Net, real: Value) -> Value:
    """The sum of the exponentials of something else."""
    other = dequantize(n, n.input(real.shape, quant=(0.3, 0)))
    above, sums = (
        n.op(OpCode.EXP, [each], real.shape, options=ExpOptions()) for each in (real, other)
    )
    below = reduce(n, OpCode.SUM, sums)
    return n.op(OpCode.DIV, [above, below], real.shape, options=DivOptions())


def only_one_side_shifted(n: Net, real: Value) -> Value:
    shifted = written_out(n, real).producer
    assert shifted is not None
    below = shifted.inputs[1]
    above = n.op(OpCode.EXP, [real], real.shape, options=ExpOptions())
    return n.op(OpCode.DIV, [above, below], real.shape, options=DivOptions())


def clamped(n: Net, real: Value) -> Value:
    """A fused activation, which a softmax has not."""
    y = written_out(n, real)
    assert y.producer is not None
    y.producer.options = DivOptions(Activation.RELU_N1_TO_1)
    return y


def read_twice(n: Net, real: Value) -> Value:
    y = written_out(n, real)
    n.output(y)
    return y


@pytest.mark.parametrize(
    "body", [other_axis, another_tensor, only_one_side_shifted, clamped, read_twice]
)
def test_leaves_other_patterns_alone(body: Callable[[Net, Value], Value]) -> None:
    n = Net()
    real = dequantize(n, n.input((4, 4), quant=(0.07, -9)))
    n.output(quantize(n, body(n, real), OUTPUT))
    check_leaves_alone(n.model, RULE)


def test_declines_long_rows() -> None:
    """TFLM's interpreter ends the process for the sum of 512 equal elements."""
    check_declines(island((1, 512)).model, RULE, "TFLM's int8 SOFTMAX takes up to 511 elements")


def test_declines_what_overflows() -> None:
    n = island(source=(1.0, 0), shifted=False)
    check_declines(n.model, RULE, "its exponentials leave the range of a float")
    assert apply(island(source=(1.0, 0)).model, RULE).hits


def test_declines_a_finer_output() -> None:
    """Half a step of SOFTMAX is two steps of 1/1000."""
    n = island(target=(0.001, -128))
    check_declines(n.model, RULE, "the int8 SOFTMAX may be off by 2")
    assert apply(n.model, RoundSoftmax(Always(), 2)).hits


def test_declines_a_scale_that_softmax_refuses() -> None:
    check_declines(island(source=(1e-8, 0)).model, RULE, "SOFTMAX takes no scale as small as this")


@needs_tflm
def test_few_elements_differ() -> None:
    n = island((64, 20))
    copy = clone(n.model)
    apply(copy, RULE)
    samples = make_samples(n.model, SampleOptions(40, seed=2))
    before, after = (
        np.concatenate([sample[0] for sample in runtime().run("tflm", write_bytes(m), samples)])
        for m in (n.model, copy)
    )
    assert 0 < np.count_nonzero(before != after) < before.size / 1000


def test_the_exact_rules_name_the_option() -> None:
    trace = apply(island().model, IntegerizeIslands(), RULE)
    assert not trace.near_misses
    reason = "no int8 form is equal: SOFTMAX rounds differently"
    check_declines(island().model, IntegerizeIslands(), reason)


def test_nothing_is_rounded_by_default() -> None:
    check_leaves_alone(island().model, RoundSoftmax(Always()))
    for steps, codes in ((0, 7), (1, 1)):
        copy = clone(island().model)
        run_pipeline(copy, None, Config(allow_lsb=steps, goal=Goal.MEMORY))
        assert len(copy.main.ops) == codes


@pytest.mark.parametrize(("target", "codes"), [("cortex-m3", 1), ("cortex-m55", 7)])
def test_the_cost_decides(target: str, codes: int) -> None:
    """A floating-point unit makes exponentials cheap."""
    copy = clone(island((8, 10)).model)
    run_pipeline(copy, None, Config(device=Device(Target.parse(target)), allow_lsb=1))
    assert len(copy.main.ops) == codes


def test_declines_where_it_costs_more() -> None:
    beginning = "SOFTMAX isn't better for the goal balanced: "
    check_declines_by(island().model, RoundSoftmax(Never(), 1), beginning)


def test_what_others_read_is_not_counted_as_gained() -> None:
    """The exponentials stay where they are an output of the model."""
    n = island(shifted=False)
    exp = next(op for op in n.model.main.ops if op.code is OpCode.EXP)
    n.output(exp.output)
    copy = clone(n.model)
    apply(copy, RULE)
    codes = [op.code for op in copy.main.ops]
    assert codes == [OpCode.DEQUANTIZE, OpCode.EXP, OpCode.SOFTMAX]
    before = [op.code for op in replaced_ops(found_in(n.model), n.model.main.ops[-1])]
    assert before == [OpCode.SUM, OpCode.DIV, OpCode.QUANTIZE]


# The bound.


def found_in(model: Model) -> FloatSoftmax:
    pattern = float_softmax.find_softmax(model.main.ops[-1])
    assert pattern is not None
    return pattern


def found(scale: float, count: int, *, beta: float = 1.0, out: Quant = OUTPUT) -> FloatSoftmax:
    n = island((1, count), (scale, 0), out)
    return replace(found_in(n.model), beta=beta)


def rows(rng: np.random.Generator, count: int) -> Ints:
    """Wide rows and rows of near values, which have large and small sums."""
    near = rng.integers(-128, 100, (200, 1)) + rng.integers(0, 5, (200, count))
    return np.concatenate([rng.integers(-128, 128, (200, count)), np.minimum(near, 127)])


@pytest.mark.parametrize("count", [1, 2, 10, 100, 511])
@pytest.mark.parametrize("scale", [0.001, 0.02, 0.3, 3.0])
def test_probabilities_lie_within_the_bound(scale: float, count: int) -> None:
    """The int8 result is the rounded probability, but where the bound reaches a half."""
    pattern = found(scale, count)
    error = float_softmax.error_bound(pattern)
    data = rows(np.random.default_rng(count), count)
    real = np.float64(np.float32(scale)) * data
    terms = np.exp(real - real.max(axis=1, keepdims=True))
    exact = 256 * terms / terms.sum(axis=1, keepdims=True)
    got = softmax.softmax(data, Affine.make(scale, 0), 1.0) + 128
    assert np.all(got <= exact + 0.5 + 256 * error)
    assert np.all((got >= exact - 0.5 - 256 * error) | (got == 255))
    assert error < 1 / 256


def test_a_worse_library_gives_a_larger_distance(monkeypatch: pytest.MonkeyPatch) -> None:
    pattern = found(0.3, 100)
    assert float_softmax.softmax_distance(pattern) == 1
    monkeypatch.setattr(float_softmax, "EXP_ERROR", 0.01)
    assert float_softmax.softmax_distance(pattern) == 6


def test_the_reciprocal_is_as_exact_as_the_bound_says() -> None:
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.integers(0, 2**31, 200_000), np.arange(1000), 2**31 - np.arange(1, 99)])
    wanted = 1 / (1 + x / 2.0**31)
    assert np.abs(reciprocal_of_one_plus(x) / 2.0**31 - wanted).max() < RECIPROCAL_ERROR
