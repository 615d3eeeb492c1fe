"""What is compared where outputs change is what would be compared for every sum."""

from __future__ import annotations

import random

import numpy as np
import numpy.typing as npt
import pytest

from tflopt.arith.fixed_point import INT8_MAX, Ints, clamp
from tflopt.arith.reduction import every_sum
from tflopt.facts import exact_sums
from tflopt.facts.exact_sums import Reduction, WeightedSum, as_one_sum, is_off_halves, neighbour

pytestmark = pytest.mark.unit


def everywhere(mean: Reduction, form: WeightedSum) -> bool:
    """Sum by sum."""
    ratio = mean.scale / mean.out_scale
    sums = every_sum(mean.count) - mean.zero_point * mean.count
    factors = ratio / mean.count, ratio * form.scale
    real = sums * factors[0], (form.weight * sums + form.bias) * factors[1]
    one, two = (clamp(np.rint(each) + form.zero_point) for each in real)
    if not (one == two).all():
        return False
    if all(np.frexp(factor)[0] == 0.5 for factor in factors) and form.zero_point % 2 == 0:
        return True
    inside = np.abs(real[0] + form.zero_point) < INT8_MAX + 2
    return all(is_off_halves(each[inside]) for each in real)


def test_it_is_the_same_as_sum_by_sum() -> None:
    rng = random.Random(1)
    found: list[bool] = []
    for _ in range(300):
        count, scale = rng.choice((2, 3, 4, 5, 8, 9)), rng.choice((0.5, 0.05, 0.1))
        ratio = rng.choice((0.5, 1, 1, 1.7))
        zero, weight = rng.choice((-128, 0, 3)), rng.choice((1, 2, 3, 127))
        mean = Reduction(count, scale, zero, scale * ratio, rng.choice((zero, -4)))
        nominal = neighbour(np.float32(1 / (count * weight)), rng.choice((0, 1, -4)))
        form = WeightedSum(weight, float(nominal), rng.choice((0, 0, 1)), mean.out_zero_point)
        found.append(everywhere(mean, form))
        assert mean.is_rounded_alike_in_floats(form) is found[-1]
    assert 20 < sum(found) < 280


def test_no_weights_are_tried_where_none_can_be_right(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before, all of them were, for each a table of every sum."""
    tried: list[object] = []

    def never(*arguments: object) -> None:
        tried.append(arguments)

    monkeypatch.setattr(exact_sums, "least_accumulators", never)
    odd = Reduction(4, 0.5, 0, 0.5, 11)
    assert as_one_sum(odd, in_floats=True) is None
    assert not tried
    as_one_sum(odd)
    assert tried


def usable(
    _levels: Ints, _accumulators: Ints, _first: Ints, multipliers: Ints, shifts: Ints
) -> npt.NDArray[np.bool_]:
    """Every multiplier that the kernels take, be there hope or not."""
    return np.asarray((multipliers != 0) & (shifts <= 0))


@pytest.mark.parametrize("seed", range(38, 55))
def test_no_weight_is_left_out_that_is_right(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(seed)
    scale = rng.uniform(0.005, 0.2)
    out_scale = rng.choice((scale, scale * rng.uniform(0.3, 1.5), scale / 2))
    zeros = rng.choice((-128, 127, 0, -20)), rng.choice((-128, 127, 0, 60))
    mean = Reduction(rng.choice((2, 4, 9, 25, 49)), scale, zeros[0], out_scale, zeros[1])
    quick = as_one_sum.__wrapped__(mean)
    monkeypatch.setattr(exact_sums, "_hopeful", usable)
    assert as_one_sum.__wrapped__(mean) == quick
    assert (quick is None) == (seed in {41, 47, 52, 53, 54})
