"""``integerize-mean`` and ``round-mean``, for MEAN and AVERAGE_POOL_2D."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.check_rule import apply, check_declines, check_leaves_alone, check_rule
from tests.support.graphs import Net
from tests.support.kit import Kit
from tflopt.ir import Activation, DType, OpCode, Padding, Value
from tflopt.ir.options import DequantizeOptions, QuantizeOptions, ReducerOptions
from tflopt.rules.islands.integerize_mean import IntegerizeMean
from tflopt.rules.islands.round_mean import RoundMean

pytestmark = pytest.mark.runtime
RULE = IntegerizeMean()
Quant = tuple[float, int]
FINE = ((0.0801, 3), (0.0203, -11))


def mean(
    n: Net,
    shape: tuple[int, ...] = (1, 2, 2, 5),
    source: Quant = (0.0531, 3),
    target: Quant = (0.0531, 3),
    *,
    output: bool = False,
) -> Value:
    """DEQUANTIZE, MEAN over height and width, QUANTIZE."""
    x = n.input(shape, quant=source)
    real = n.op(
        OpCode.DEQUANTIZE, [x], shape, options=DequantizeOptions(), dtype=DType.FLOAT32, version=2
    )
    out = (shape[0], 1, 1, shape[3])
    axes, options = n.constant([1, 2]), ReducerOptions(keep_dims=True)
    y = n.op(OpCode.MEAN, [real, axes], out, options=options)
    if output:
        n.output(y)
    return n.op(
        OpCode.QUANTIZE, [y], out, options=QuantizeOptions(), quant=target, dtype=DType.INT8
    )


def test_a_mean_of_few_elements() -> None:
    """A multiplier between 1/2 and 1 has no second rounding; all 1,021 sums are compared."""
    n = Net()
    n.output(mean(n, source=FINE[0], target=FINE[1]))
    check_rule(
        n.model,
        RULE,
        """
        graph(%0: i8[1,2,2,5]{0.0801,3}) -> %1
          %1: i8[1,1,1,5]{0.0203,-11} = MEAN(%0, [1, 2]) keep_dims=True
        """,
        hits=1,
    )


def test_the_report_says_what_was_enumerated() -> None:
    n = Net()
    n.output(mean(n, source=FINE[0], target=FINE[1]))
    assert [hit.shown_by for hit in apply(n.model, RULE).hits] == ["enumeration of 1,021 values"]


@pytest.mark.parametrize("seed", range(5))
def test_random_scales(seed: int) -> None:
    """Outputs that are about four times as fine as the inputs, so that some means agree."""
    rng = np.random.default_rng(seed)
    n = Net()
    for _ in range(8):
        scale = float(rng.uniform(0.02, 0.08))
        zeros = rng.integers(-128, 128, 2)
        target = (scale / float(rng.uniform(2.5, 4.5)), int(zeros[1]))
        n.output(mean(n, source=(scale, int(zeros[0])), target=target))
    check_rule(n.model, RULE)


def test_declines_where_two_roundings_differ_from_one() -> None:
    n = Net()
    n.output(mean(n))
    trace = apply(n.model, RULE)
    assert not trace.hits
    (miss,) = trace.near_misses
    assert miss.reason == "the int8 MEAN is not equal: 379 of 1,021 differ, by up to 1"


def test_the_option_takes_it_anyway() -> None:
    n = Net()
    n.output(mean(n))
    (hit,) = apply(n.model, RoundMean(1)).hits
    assert hit.shown_by.startswith("not exact: ")
    assert [op.code for op in n.model.main.ops] == [OpCode.MEAN]


def test_nothing_is_rounded_by_default() -> None:
    n = Net()
    n.output(mean(n))
    check_leaves_alone(n.model, RoundMean())


def test_a_float_mean_that_others_read_stays() -> None:
    n = Net()
    n.output(mean(n, source=FINE[0], target=FINE[1], output=True))
    check_leaves_alone(n.model, RULE)


def test_declines_too_many_elements() -> None:
    n = Net()
    n.output(mean(n, (1, 130, 130, 1)))
    (miss,) = apply(n.model, RULE).near_misses
    assert miss.reason == "it sums up too many elements"


# --- AVERAGE_POOL_2D


def pool(
    n: Kit,
    window: int = 3,
    *,
    padding: Padding = Padding.VALID,
    fused: Activation = Activation.NONE,
    source: Quant = (0.0531, 3),
    target: Quant = (0.0531, 3),
) -> Value:
    """DEQUANTIZE, AVERAGE_POOL_2D, QUANTIZE."""
    x = n.dequantize(n.input((1, 6, 7, 8), quant=source))
    y = n.pool(OpCode.AVERAGE_POOL_2D, x, (window, window), padding=padding, activation=fused)
    return n.quantize(y, target)


@pytest.mark.parametrize("fused", [Activation.NONE, Activation.RELU, Activation.RELU6])
@pytest.mark.parametrize("window", [3, 5])
def test_windows_of_an_odd_number_of_elements(window: int, fused: Activation) -> None:
    """There are no halves, which both round, and floats round as they happen to fall."""
    n = Kit()
    n.output(pool(n, window, fused=fused))
    copy = check_rule(n.model, RULE, hits=1)
    assert [op.code for op in copy.main.ops] == [OpCode.AVERAGE_POOL_2D]


def test_windows_at_the_edge_count_as_well() -> None:
    n = Kit()
    n.output(pool(n, padding=Padding.SAME))
    reasons = [miss.reason for miss in apply(n.model, RULE).near_misses]
    assert len(reasons) == 1
    assert reasons[0].startswith("the int8 AVERAGE_POOL_2D is not equal: ")
    assert f"of {1021 + 1531 + 2296:,} differ, by up to 1" in reasons[0]


@pytest.mark.parametrize("seed", range(4))
def test_random_pools(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = Kit()
    for _ in range(6):
        quant = (float(rng.uniform(0.001, 0.9)), int(rng.integers(-128, 128)))
        n.output(pool(n, source=quant, target=quant))
    check_rule(n.model, RULE, hits=6)


def test_pools_decline() -> None:
    n = Kit()
    n.output(pool(n, target=(0.06, 3)))
    check_declines(n.model, RULE, "AVERAGE_POOL_2D can't change the quantization")
    n = Kit()
    n.output(pool(n, 2))
    reason = "the int8 AVERAGE_POOL_2D is not equal: 255 of 1,021 differ, by up to 1"
    check_declines(n.model, RULE, reason)


def test_the_option_takes_a_pool_that_is_near() -> None:
    n = Kit()
    n.output(pool(n, 2))
    (hit,) = apply(n.model, RoundMean(1)).hits
    assert hit.shown_by == "not exact: 255 of 1,021 differ, by up to 1"
    assert [op.code for op in n.model.main.ops] == [OpCode.AVERAGE_POOL_2D]


def test_a_float_pool_that_others_read_stays() -> None:
    n = Kit()
    y = pool(n)
    assert y.producer is not None
    (middle,) = y.producer.inputs
    assert middle is not None
    n.output(middle, y)
    check_leaves_alone(n.model, RULE)
