"""The assignment of small networks against all others."""

from __future__ import annotations

from itertools import product
from math import prod

import pytest

from tests.support.regions import RandomRegion
from tflopt.layout.prices import Prices
from tflopt.layout.problem import bill_of, make_problem, original_bill, solve_problem
from tflopt.target.device import Device

pytestmark = pytest.mark.unit
MOST = 30_000


@pytest.mark.parametrize("seed", range(200, 260))
def test_no_assignment_moves_less(seed: int) -> None:
    model = RandomRegion(seed).draw(4 + seed % 4)
    problem = make_problem(model.main, Prices(Device(), by_speed=False))
    sizes = [len(forms) for forms in problem.forms]
    if prod(sizes) > MOST:
        pytest.skip("too many assignments to try")
    found = bill_of(problem, solve_problem(problem))
    bills = (bill_of(problem, values) for values in product(*map(range, sizes)))
    assert found <= original_bill(problem)
    assert found <= min(bills)
