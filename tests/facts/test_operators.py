"""The table of operators is the only one, it is complete, and its rows agree with each other."""

from __future__ import annotations

import ast
from collections import defaultdict

import pytest

from tests.facts.test_named_operators import PACKAGE, named
from tflopt.facts.operators import EFFECTS, ELEMENTWISE, OPERATORS, VIEWS, Kind, Trait
from tflopt.facts.tflm import IN_PLACE, KERNELS, Overlap
from tflopt.ir import OpCode

pytestmark = pytest.mark.unit


def files_by_operator() -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for path in PACKAGE.rglob("*.py"):
        for name in named(ast.parse(path.read_text())):
            found[name].add(str(path.relative_to(PACKAGE)))
    return found


def test_every_operator_that_is_named_anywhere_has_a_row() -> None:
    rows = {code.name for code in OPERATORS}
    nowhere = {name: files for name, files in files_by_operator().items() if name not in rows}
    assert nowhere == {}
    assert named(ast.parse("x = OpCode.NOT_YET, other.ADD")) == {"NOT_YET"}


def test_every_kernel_of_tflm_is_of_an_operator_with_a_row() -> None:
    assert KERNELS.keys() <= OPERATORS.keys()
    kinds = {OPERATORS[code].kind for code in KERNELS}
    without = {row.kind for row in OPERATORS.values()} - kinds
    assert without == {Kind.TILE}, "TFLM has a kernel of every other kind"


@pytest.mark.parametrize("code", OPERATORS)
def test_a_row_does_not_contradict_itself(code: OpCode) -> None:
    row = OPERATORS[code]
    own = [row.data, *row.controls, *(i for i in (row.weights, row.bias) if i is not None)]
    assert len(set(own)) == len(own)
    assert not row.needs or row.data in row.needs
    assert (row.channel_axis is None) or row.weights is not None
    assert Trait.EFFECT not in row.traits or Trait.REARRANGES not in row.traits


def test_what_may_write_over_its_input_has_no_effect_and_only_views_keep_the_content() -> None:
    assert not IN_PLACE.keys() & EFFECTS
    views = {code for code, rule in IN_PLACE.items() if rule.overlap is Overlap.VIEW}
    assert views == VIEWS
    assert IN_PLACE.keys() - VIEWS <= ELEMENTWISE | {OpCode.SOFTMAX}
