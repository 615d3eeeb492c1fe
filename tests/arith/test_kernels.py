"""The models of the integer kernels against the real TFLM; ``benchmarks/kernels.py`` runs more."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.arith.other_kernels import OTHERS, others_in
from tests.arith.slots import Array, Drawn, Kernel, Template
from tests.arith.unary_kernels import UNARY, unary_in
from tests.support.paths import needs_tflm
from tflopt.arith.affine import Precision

pytestmark = [pytest.mark.runtime, needs_tflm]
SLOTS, BATCHES = 100, 3
BY_NAME = {kernel.name: kernel for kernel in (*UNARY, *OTHERS)}
IN = {each: [*unary_in(each), *others_in(each)] for each in Precision}


def mismatches(kernel: Kernel) -> list[str]:
    template = Template(kernel, SLOTS)
    rngs = [np.random.default_rng(seed) for seed in range(BATCHES)]
    return [line for rng in rngs for line in template.mismatches(rng)]


@pytest.mark.parametrize("name", BY_NAME)
def test_the_model_is_tflm(name: str) -> None:
    assert mismatches(BY_NAME[name]) == []


def test_one_precision_is_right_for_all_kernels_that_depend_on_it() -> None:
    """It is the runtime's version that decides between them."""
    found = {each: [line for kernel in IN[each] for line in mismatches(kernel)] for each in IN}
    assert [] in found.values(), found


@pytest.mark.parametrize(
    ("name", "other"),
    [("RELU6", "TANH"), ("ADD", "MUL"), ("MEAN", "SUM"), ("LOGISTIC", "RELU6")],
)
def test_the_comparison_can_fail(name: str, other: str) -> None:
    wrong = replace(BY_NAME[name], expect=BY_NAME[other].expect)
    assert len(mismatches(wrong)) > SLOTS


def test_one_wrong_number_is_seen() -> None:
    relu = BY_NAME["RELU6"]

    def expect(drawn: Drawn, feeds: list[Array]) -> Array:
        rows = np.array(relu.expect(drawn, feeds))
        rows[7, 0] += 1
        return rows

    found = mismatches(replace(relu, expect=expect))
    assert len(found) == BATCHES
    assert "1 of 256 differ" in found[0]
