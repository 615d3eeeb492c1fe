"""Identities of the fixed-point arithmetic that hold without a runtime."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from tflopt.arith.accumulator import convolve, depthwise, is_one_multiplier
from tflopt.arith.affine import Affine, activation_range
from tflopt.arith.fixed_point import (
    NO_MULTIPLIER,
    divide_by_power_of_two,
    high_multiply,
    multiply,
    overflows,
    quantize_multiplier,
    wrap,
)
from tflopt.ir import Activation

pytestmark = pytest.mark.unit


def test_a_multiplier_of_one_changes_nothing() -> None:
    x = np.arange(-70000, 70000)
    assert np.array_equal(multiply(x, *quantize_multiplier(1.0)), x)


@pytest.mark.parametrize("real", [1.0, 0.5, 0.75, 3.1, 1e-9, 2.0**-31, 4e8])
def test_a_multiplier_stands_for_its_number(real: float) -> None:
    multiplier, shift = quantize_multiplier(real)
    assert 1 << 30 <= multiplier < 1 << 31
    assert float(multiplier) * 2.0 ** float(shift - 31) == pytest.approx(real, rel=2**-31)


def test_what_rounds_up_to_a_power_of_two_is_renormalized() -> None:
    assert [int(v) for v in quantize_multiplier(1 - 2.0**-40)] == [1 << 30, 1]


def test_what_is_too_small_becomes_nothing() -> None:
    assert [int(v) for v in quantize_multiplier(2.0**-33)] == [0, 0]


def test_halves_are_rounded_away_from_zero_by_the_shift_and_up_by_the_product() -> None:
    assert divide_by_power_of_two(np.array([6, -6, 5, -5]), 2).tolist() == [2, -2, 1, -1]
    half = 1 << 30
    assert high_multiply(np.array([1, -1, 3, -3]), half).tolist() == [1, 0, 2, -1]


def test_two_roundings_are_not_one() -> None:
    """0.375 is 0 when rounded once; 0.75 rounds to 1 and its half to 1."""
    assert int(multiply(3, *quantize_multiplier(0.125))) == 1


def test_overflow_is_seen() -> None:
    assert overflows(255, 24)
    assert not overflows(255, 22)
    assert int(wrap(1 << 31)) == -(1 << 31)


def test_ranges_of_activations() -> None:
    target = Affine.make(0.05, -10)
    expected = {
        Activation.NONE: (-128, 127),
        Activation.RELU: (-10, 127),
        Activation.RELU6: (-10, 110),
        Activation.RELU_N1_TO_1: (-30, 10),
    }
    for activation, limits in expected.items():
        low, high = activation_range(activation, target)
        assert (int(low), int(high)) == limits


def test_tanh_can_not_be_fused() -> None:
    with pytest.raises(KeyError):
        activation_range(Activation.TANH, Affine.make(1, 0))


def test_a_depthwise_convolution_is_one_with_as_many_groups_as_channels() -> None:
    rng = np.random.default_rng(1)
    x = rng.integers(-128, 128, (2, 5, 6, 3))
    weights = rng.integers(-127, 128, (1, 2, 3, 6))
    total = depthwise(x, weights, (2, 1), (1, 2))
    assert total.shape == (2, 2, 2, 6)
    window = x[1, 2:4, [1, 3, 5], 1]
    assert total[1, 1, 1, 3] == (window.T * weights[0, :, :, 3]).sum()
    whole = convolve(x, rng.integers(-127, 128, (4, 1, 1, 3)))
    assert whole.shape == (2, 5, 6, 4)


def test_the_two_precisions_of_fully_connected_can_differ() -> None:
    assert is_one_multiplier(Affine.make(0.5, 0), 0.25, Affine.make(0.125, 0))
    other = Affine.make(0.46858564019203186, 66), 0.0008121712016873062
    assert not is_one_multiplier(*other, Affine.make(0.0015222870279103518, -66))


def test_a_scale_that_overflows_has_no_multiplier() -> None:
    """``inspect --channels`` printed a warning of NumPy's; no bound may rest on it."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        multiplier, shift = quantize_multiplier([np.inf, -np.inf, np.nan, 0.5, 0.0])
    assert multiplier.tolist() == [NO_MULTIPLIER] * 3 + [1 << 30, 0]
    assert shift.tolist() == [0, 0, 0, 0, 0]
