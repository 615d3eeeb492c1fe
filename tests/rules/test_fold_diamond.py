"""``fold-diamond``."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.diamonds import form_of
from tests.support.check_rule import apply, check_declines, check_leaves_alone, check_rule
from tests.support.diamonds import (
    DIAMONDS,
    Build,
    absolute,
    calibrated,
    clamped,
    doubled,
    hard_sigmoid,
    hard_swish,
    leaky_relu,
    leaky_relu_requantized,
    negative_part,
    number,
    relu,
    silu,
    times,
)
from tests.support.graphs import QUANT
from tests.support.kit import Kit
from tests.support.paths import needs_tflm
from tests.support.runtime import runtime
from tests.support.worth import Always, Never, check_declines_by
from tflopt.config import Config, Goal, Runtime
from tflopt.io import write_bytes
from tflopt.ir import DType, OpCode, Value
from tflopt.ir.clone import clone
from tflopt.ir.node import Array
from tflopt.ir.options import LeakyReluOptions
from tflopt.ir.parse import parse
from tflopt.ir.verify import verify
from tflopt.rules.activations.diamond_forms import Distance, equal_forms
from tflopt.rules.activations.diamonds import MOST_OPS, regions
from tflopt.rules.activations.fold_diamond import FoldDiamond
from tflopt.rules.activations.fold_unary_chain import FoldUnaryChain
from tflopt.rules.constants.remove_dead import RemoveDead
from tflopt.rules.pipeline import run_pipeline
from tflopt.target.device import Device

pytestmark = pytest.mark.runtime
RULE = FoldDiamond(Always())
SHAPE = (1, 64)
ALWAYS: dict[Build, str] = {absolute: "ABS", doubled: "RESHAPE"}
Y = (0.05, -128)
"""No number of a tensor with these parameters is negative."""


def net(build: Build, quant: tuple[float, int] = QUANT) -> Kit:
    """The diamond between two ADDs, so that neither end is a port."""
    n = Kit()
    x = n.input(SHAPE, quant=quant)
    y = build(n, n.binary(OpCode.ADD, x, n.level(SHAPE, quant), quant=quant))
    assert y.quant is not None
    n.output(n.binary(OpCode.ADD, y, n.level(SHAPE), quant=y.quant.scalar()))
    return n


def minimum(n: Kit, x: Value) -> Value:
    return n.binary(OpCode.MINIMUM, n.unary(OpCode.RELU, x, quant=Y), x, quant=Y)


def after_relu(n: Kit, x: Value) -> Value:
    """MAXIMUM(x, -x) of what is never negative."""
    return absolute(n, n.unary(OpCode.RELU, x, quant=QUANT))


def relabelled(n: Kit, x: Value) -> Value:
    """RESHAPE to the same shape between the paths, as another rule leaves it to change a scale."""
    y = n.reshape(times(n, x, -1.0, QUANT), *x.shape, quant=(0.1, 3))
    return n.binary(OpCode.MAXIMUM, x, times(n, y, 0.5, QUANT), quant=QUANT)


def in_a_row(n: Kit, x: Value) -> Value:
    """One diamond on another."""
    return clamped(n, absolute(n, x))


def with_a_tail(n: Kit, x: Value) -> Value:
    """An operator after the paths meet, which another rule takes in."""
    return n.unary(OpCode.RELU, absolute(n, x), quant=QUANT)


@pytest.mark.parametrize(
    ("build", "left"),
    [
        (leaky_relu, ["PRELU"]),
        (leaky_relu_requantized, ["LEAKY_RELU"]),
        (absolute, ["ABS"]),
        (clamped, ["RELU"]),
        (negative_part, ["QUANTIZE"]),
        (doubled, ["RESHAPE"]),
        (relabelled, ["ABS"]),
        (in_a_row, ["ABS"]),
        (with_a_tail, ["ABS", "RELU"]),
        (after_relu, ["RELU"]),
    ],
)
def test_one_operator_does_what_several_do(build: Build, left: list[str]) -> None:
    copy = check_rule(net(build).model, RULE, runners=["tflm"])  # LiteRT rounds LEAKY_RELU once
    assert [op.code.name for op in copy.main.ops][1:-1] == left


def test_the_identity_goes() -> None:
    copy = check_rule(net(minimum, Y).model, RULE, hits=1)
    assert [op.code.name for op in copy.main.ops] == ["ADD", "ADD"]


def test_the_result_as_text() -> None:
    n = net(leaky_relu)
    check_rule(
        n.model,
        RULE,
        """
        graph(%0: i8[1,64]{0.05,3}) -> %3
          %1: i8[1,64]{0.05,3} = ADD(%0, const i8[1,64]{0.05,3})
          %2: i8[1,64]{0.05,3} = PRELU(%1, const i8[1]{0.0015748,0})
          %3: i8[1,64]{0.05,3} = ADD(%2, const i8[1,64]{0.05,3})
        """,
        hits=1,
    )


def test_slopes_are_tried_where_the_constant_rounds_otherwise() -> None:
    """LEAKY_RELU rounds twice on its way: with 0.3 itself it has another map."""
    n = Kit()
    x, quant = n.input(SHAPE, quant=(0.02, 0)), (0.012, 0)
    factor = n.constant([127], DType.INT8, quant=(0.3 / 127, 0))
    y = n.binary(OpCode.MUL, x, factor, quant=quant)
    n.output(n.binary(OpCode.MAXIMUM, n.quantize(x, quant), y, quant=quant))
    copy = check_rule(n.model, RULE, runners=["tflm"])
    (op,) = copy.main.ops
    assert isinstance(op.options, LeakyReluOptions)
    assert op.options.alpha != pytest.approx(0.3, abs=0.0005)
    assert op.options.alpha == pytest.approx(0.3, abs=0.002)


def test_what_others_read_stays() -> None:
    n = Kit()
    y = absolute(n, n.feed(*SHAPE))
    assert y.producer is not None
    between = y.producer.inputs[1]
    assert between is not None
    n.output(y, n.unary(OpCode.RELU, between))
    copy = check_rule(n.model, RULE, hits=1)
    assert [op.code.name for op in copy.main.ops] == ["MUL", "ABS", "RELU"]


def test_only_values_that_can_occur_count() -> None:
    """After RELU the sum of x and RELU(x) is twice x."""
    n = net(lambda n, x: doubled_by_relu(n, n.unary(OpCode.RELU, x, quant=QUANT)))
    copy = check_rule(n.model, RULE)
    assert [op.code.name for op in copy.main.ops][1:-1] == ["RELU", "RESHAPE"]
    whole = apply(net(doubled_by_relu).model, RULE)
    assert not whole.hits


def doubled_by_relu(n: Kit, x: Value) -> Value:
    return n.binary(OpCode.ADD, x, n.unary(OpCode.RELU, x, quant=QUANT), quant=(0.1, 3))


def test_the_report_says_what_was_enumerated() -> None:
    trace = apply(net(clamped).model, RULE)
    assert [hit.shown_by for hit in trace.hits] == ["enumeration of 256 values"]


@needs_tflm
@pytest.mark.parametrize("seed", range(3))
def test_random_diamonds_stay_exact_on_tflm(seed: int) -> None:
    """All 256 values through several diamonds of each kind, an operator before and one behind."""
    rng = np.random.default_rng(seed)
    n = Kit(seed)
    for _ in range(4):
        low, high = np.exp(rng.uniform(np.log(0.5), np.log(16.0), 2))
        feed = n.input((1, 256), quant=calibrated(-float(low), float(high)))
        for build in DIAMONDS.values():
            y = build(n, feed if rng.random() < 0.7 else relu(n, feed))
            n.output(y if rng.random() < 0.7 else n.unary(OpCode.RELU, y))
    before = write_bytes(n.model)
    assert len(apply(n.model, RULE).hits) > 16
    apply(n.model, RemoveDead())
    verify(n.model, "the rule")
    values: list[list[Array]] = [[np.arange(-128, 128, dtype=np.int8).reshape(1, 256)] * 4]
    one, two = (runtime().run("tflm", data, values)[0] for data in (before, write_bytes(n.model)))
    for index, (a, b) in enumerate(zip(one, two, strict=True)):
        assert np.array_equal(a, b), index


@pytest.mark.parametrize("build", [hard_swish, silu])
def test_declines_where_no_operator_has_the_map(build: Build) -> None:
    """The nearest one's distance is said once, at the last of the operators."""
    n = net(build, calibrated(-4.0, 5.0))
    model = clone(n.model)
    check_declines_by(model, RULE, "no operator has the same map: HARD_SWISH comes closest, ")
    assert len(apply(model, RULE).near_misses) == 1


def test_the_distance_of_a_hard_swish() -> None:
    """docs/exactness.md: it rounds the gate to 8 bits, HARD_SWISH to 16."""
    n = Kit()
    y = hard_swish(n, n.input(SHAPE, quant=calibrated(-4.0, 5.0)))
    assert y.producer is not None
    (region,) = list(regions(y.producer))
    found = equal_forms(region, np.arange(-128, 128))
    assert isinstance(found, Distance)
    assert found.name == "HARD_SWISH"
    assert 0 < found.differ < 40
    assert found.most <= 2


def test_declines_between_an_input_and_an_output() -> None:
    n = Kit()
    n.output(minimum(n, n.input(SHAPE, quant=Y)))
    reason = "it stands between an input or constant of the model and an output"
    check_declines(n.model, RULE, reason)


def test_declines_where_it_costs_more() -> None:
    check_declines_by(net(absolute).model, FoldDiamond(Never()), "ABS isn't better for the goal")


def test_declines_where_no_operator_would_go() -> None:
    """MAXIMUM alone takes fewer instructions than LEAKY_RELU."""
    n = Kit()
    y = leaky_relu_requantized(n, n.feed(*SHAPE))
    assert y.producer is not None
    between = [value for value in y.producer.inputs if value is not None]
    n.output(y, *(n.unary(OpCode.RELU, value) for value in between))
    check_declines_by(n.model, FoldDiamond(), "LEAKY_RELU isn't better for the goal")


def two_sources(n: Kit, x: Value) -> Value:
    other = n.input(SHAPE, quant=QUANT)
    return n.binary(OpCode.MAXIMUM, x, n.binary(OpCode.ADD, x, other), quant=QUANT)


def a_chain(n: Kit, x: Value) -> Value:
    return hard_sigmoid(n, x)


def other_parameters(n: Kit, x: Value) -> Value:
    """TFLM compares the stored numbers, whatever they mean."""
    return n.binary(OpCode.MAXIMUM, x, n.unary(OpCode.RELU, x, quant=Y), quant=QUANT)


def broadcast(n: Kit, x: Value) -> Value:
    y = n.reduce(OpCode.REDUCE_MAX, x, [1])
    return n.binary(OpCode.MAXIMUM, x, y, quant=QUANT)


def other_shape(n: Kit, x: Value) -> Value:
    y = n.reshape(n.unary(OpCode.RELU, x, quant=QUANT), 1, 64, 1, quant=QUANT)
    return n.binary(OpCode.MAXIMUM, n.reshape(x, 1, 64, 1, quant=QUANT), y, quant=QUANT)


def different_constants(n: Kit, x: Value) -> Value:
    y = n.binary(OpCode.MUL, x, n.level((64,), (0.001, 0)), quant=QUANT)
    return n.binary(OpCode.MAXIMUM, x, y, quant=QUANT)


def squared(n: Kit, x: Value) -> Value:
    """One operator, and no other one that has the map."""
    return n.binary(OpCode.MUL, x, x, quant=(0.1, -128))


def too_long(n: Kit, x: Value) -> Value:
    y = x
    for _ in range(MOST_OPS):
        y = times(n, y, 0.9)
    return n.binary(OpCode.ADD, y, x, quant=QUANT)


def elu(n: Kit, x: Value) -> Value:
    """Its table is made by the device's C library."""
    return n.binary(OpCode.MAXIMUM, x, n.unary(OpCode.ELU, x, quant=QUANT), quant=QUANT)


@pytest.mark.parametrize(
    "build",
    [
        two_sources,
        a_chain,
        other_parameters,
        broadcast,
        other_shape,
        different_constants,
        squared,
        too_long,
        elu,
    ],
)
def test_leaves_alone(build: Build) -> None:
    check_leaves_alone(net(build).model, RULE)


def test_leaves_variables_alone() -> None:
    n = Kit()
    state = n.feed(*SHAPE)
    y = absolute(n, state)
    n.output(n.binary(OpCode.ADD, y, n.feed(*SHAPE)))
    state.is_variable = True
    assert y.producer is not None
    assert not list(regions(y.producer))


def test_leaves_floats_alone() -> None:
    n = Kit()
    x = n.input(SHAPE, DType.FLOAT32)
    n.output(n.binary(OpCode.MAXIMUM, x, n.unary(OpCode.RELU, x)))
    check_leaves_alone(n.model, RULE)


def test_constants_of_both_kinds_are_what_exporters_write() -> None:
    quants = {number(Kit(seed), 0.1).quant for seed in range(6)}
    assert len(quants) == 2


def test_a_sixth_of_them_is_measured_where_only_the_scale_changes() -> None:
    """Another rule turns the last MUL of a hard-swish into a RESHAPE; the reason stays."""
    n = net(hard_swish, calibrated(-4.0, 5.0))
    trace = apply(n.model, FoldUnaryChain(), RULE)
    assert trace.counts == {"fold-unary-chain": 1}
    beginning = "no operator has the same map: HARD_SWISH comes closest, "
    assert [miss.reason.startswith(beginning) for miss in trace.near_misses] == [True]


def test_the_benchmark_measures_what_the_rule_sees() -> None:
    """The table of docs/exactness.md, for a few draws."""
    found = {build: {str(form_of(build, seed)) for seed in range(4)} for build in ALWAYS}
    assert found == {build: {form} for build, form in ALWAYS.items()}
    assert all(isinstance(form_of(hard_swish, seed), Distance) for seed in range(4))


def test_a_path_does_not_become_another_form_before_it_meets_the_other() -> None:
    """TFLM's ELU is the fastest that the QUANTIZE can be, and nothing that a map is known of."""
    model = parse(
        """
        graph(%0: i8[1,1,1,8]{0.05,127}) -> %6, %7
          %1: i8[1,1,1,64]{0.05,3} = CONV_2D(%0, const i8[64,1,3,8]{per-channel 0}, \
const i32[64]{per-channel 0}) stride_w=1 stride_h=1 fused_activation_function=RELU6
          %2: i8[1,64,1,1]{0.05,3} = RESHAPE(%1, [1, 64, 1, 1]) new_shape=[1, 64, 1, 1]
          %3: i8[1,64,1,1]{0.0320196,-67} = QUANTIZE(%2)
          %4: i8[1,64,1,1]{0.015,3} = MUL(%2, const i8[1]{0.00117647,-128})
          %5: i8[1,64,1,1]{0.0320196,-67} = QUANTIZE(%4)
          %6: i8[1,64,1,1]{0.0320196,-67} = MAXIMUM(%3, %5)
          %7: f32[1,64,1,1] = DEQUANTIZE(%2)
        """
    )
    config = Config(device=Device.of("cortex-m0"), runtime=Runtime.TFLM)
    assert "fold-diamond" in run_pipeline(model, config=config).counts
    codes = {op.code for op in model.main.ops}
    assert codes.isdisjoint({OpCode.MUL, OpCode.MAXIMUM})


@pytest.mark.parametrize(
    ("outputs", "besides"),
    [("%2, %1", ""), ("%2, %3", "%3: i8[1,144]{0.00199216,-128} = RESHAPE(%1, [1, 144])")],
)
def test_a_path_that_others_read_does_not_become_another_form_either(
    outputs: str, besides: str
) -> None:
    """x - RELU(x), with RELU's output read elsewhere: as ELU its map would be unknown."""
    model = parse(
        f"""
        graph(%0: i8[1,9,2,8]{{0.004,0}}) -> {outputs}
          %1: i8[1,9,2,8]{{0.00199216,-128}} = RELU(%0)
          %2: i8[1,9,2,8]{{0.00200784,127}} = SUB(%0, %1)
          {besides}
        """
    )
    config = Config(device=Device.of("cortex-m55"), goal=Goal.SPEED, runtime=Runtime.TFLM)
    assert "fold-diamond" in run_pipeline(model, config=config).counts
    assert OpCode.SUB not in {op.code for op in model.main.ops}
