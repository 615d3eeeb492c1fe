"""``look-up-elu``: TFLM's ELU for operators whose results are not negative."""

from __future__ import annotations

from typing import TypedDict

import numpy as np
import pytest

from tests.support.check_rule import apply, check_leaves_alone, check_rule
from tests.support.kit import Kit, Quant
from tests.support.worth import Always, Never, check_declines_by
from tflopt.config import Config, Goal, Runtime
from tflopt.ir import OpCode
from tflopt.rules.forms.look_up_elu import LookUpElu
from tflopt.search.worth import Worth
from tflopt.target import Target
from tflopt.target.device import Device


class Kinds(TypedDict):
    """Where the result must run."""

    runners: list[str]
    tflm_alone: bool


pytestmark = pytest.mark.runtime
RULE = LookUpElu(Always())
TFLM: Kinds = {"runners": ["tflm"], "tflm_alone": True}
"""LiteRT's reference kernels have no ELU."""


def relu(quant: Quant = (0.05, 3), out: Quant = (0.031, -128), *, size: int = 600) -> Kit:
    n = Kit()
    n.output(n.unary(OpCode.RELU, n.input((1, size), quant=quant), quant=out))
    return n


def test_relu() -> None:
    check_rule(
        relu().model,
        RULE,
        """
        graph(%0: i8[1,600]{0.05,3}) -> %1
          %1: i8[1,600]{0.031,-128} = ELU(%0)
        """,
        hits=1,
        **TFLM,
    )


def test_quantize_of_what_is_not_negative() -> None:
    """Whatever the zero points, as no negative number occurs."""
    n = Kit()
    x = n.unary(OpCode.RELU, n.input((1, 600), quant=(0.05, 3)))
    n.output(n.quantize(x, (0.073, -20)))
    copy = check_rule(n.model, RULE, hits=1, **TFLM)
    assert [op.code for op in copy.main.ops] == [OpCode.RELU, OpCode.ELU]


def test_random_scales() -> None:
    """Most round alike in floats; whatever is rewritten gives the same bits."""
    rng, n = np.random.default_rng(2), Kit()
    for _ in range(30):
        scales = 2.0 ** rng.uniform(-8, -2, 2)
        x = n.input((1, 300), quant=(float(scales[0]), int(rng.integers(-128, 128))))
        n.output(n.unary(OpCode.RELU, x, quant=(float(scales[1]), -128)))
    hits = apply(n.model, RULE).counts["look-up-elu"]
    assert hits >= 20


def test_random_scales_on_the_runtimes() -> None:
    rng, n = np.random.default_rng(4), Kit()
    for _ in range(10):
        scales = 2.0 ** rng.uniform(-8, -2, 2)
        x = n.input((1, 300), quant=(float(scales[0]), int(rng.integers(-128, 128))))
        n.output(n.unary(OpCode.RELU, x, quant=(float(scales[1]), -128)))
    check_rule(n.model, RULE, **TFLM)


@pytest.mark.parametrize("core", ["cortex-m4", "cortex-m55", "cortex-m3"])
def test_it_pays_for_many_elements(core: str) -> None:
    rule = LookUpElu(Worth(Goal.SPEED, Device(Target.parse(core))))
    check_rule(relu(size=4000).model, rule, hits=1, **TFLM)


def test_it_needs_the_word_that_tflm_is_enough() -> None:
    assert LookUpElu.suits(Config(runtime=Runtime.TFLM))
    assert not LookUpElu.suits(Config())


def test_declines() -> None:
    check_declines_by(relu().model, LookUpElu(Never()), "ELU isn't better")


def test_leaves_alone() -> None:
    """Negative numbers that ELU would hand on, and a rounding that floats don't have."""
    n = Kit()
    x = n.input((1, 600), quant=(0.05, 3))
    n.output(n.quantize(x, (0.073, -20)), n.unary(OpCode.RELU, x, quant=(0.05, 0)))
    check_leaves_alone(n.model, RULE)
