"""The assignment of small networks against all others."""

from __future__ import annotations

from itertools import product
from math import prod

import pytest

from tests.support.kit import Kit
from tests.support.regions import RandomRegion
from tflopt.ir import Op
from tflopt.ir.clone import clone
from tflopt.layout import prices
from tflopt.layout.prices import Prices
from tflopt.layout.problem import bill_of, make_problem, original_bill, solve_problem
from tflopt.layout.role import Form, Role
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


def test_layers_alike_are_priced_once(monkeypatch: pytest.MonkeyPatch) -> None:
    n = Kit()
    x = n.feed(1, 8, 6, 4)
    for _ in range(3):
        x = n.conv2d(x, 4)
    n.output(x)
    drawn: list[Role] = []
    sketched = prices.sketched

    def counted(role: Role, form: Form) -> Op:
        drawn.append(role)
        return sketched(role, form)

    monkeypatch.setattr(prices, "sketched", counted)
    found = [make_problem(each.main, Prices(Device())) for each in (n.model, clone(n.model))]
    assert found[0].prices == found[1].prices
    assert len(drawn) == len(found[0].forms[1]) > 1
