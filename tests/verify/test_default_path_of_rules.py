"""What a rule says of LiteRT's default path (XNNPACK) is so, on its example and around it."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.kit import Kit
from tests.support.paths import needs_litert
from tests.support.rule_examples import EXAMPLES
from tests.support.worth import Always
from tflopt.config import Config, Runtime
from tflopt.facts.exact_sums import Reduction, WeightedSum, as_one_sum
from tflopt.io import write_bytes
from tflopt.ir import Model, OpCode
from tflopt.ir.clone import clone
from tflopt.rewrite import Trace, run_rules
from tflopt.rules.forms.mean_to_convolution import MeanToConvolution
from tflopt.rules.forms.requantize_with_kernel import RequantizeWithKernel
from tflopt.rules.pipeline import RULES, applies
from tflopt.run.samples import SampleOptions
from tflopt.verify.compare import Candidate
from tflopt.verify.default_path import DefaultPath, run_default_path

pytestmark = [pytest.mark.runtime, needs_litert]
BOTH, ALONE = Config(runtime=Runtime.BOTH), Config(runtime=Runtime.TFLM)
DEFAULT = {rule.name: rule for rule in RULES if applies(rule, BOTH)}
UNLIKE = sorted(rule.name for rule in RULES if not rule.alike_on_default_path)
RUNS = sorted(set(DEFAULT) & set(EXAMPLES) - set(UNLIKE))
UNLOADABLE = {"add-zero-bias"}
"""LiteRT refuses what stands before it: a convolution without bias."""


def compared(one: Model, two: Model, inputs: int = 60) -> DefaultPath | None:
    pair = [Candidate(model, write_bytes(model)) for model in (one, two)]
    return run_default_path(pair[0], pair[1], SampleOptions(inputs, seed=3))[0]


@pytest.mark.parametrize("name", RUNS)
def test_a_default_rule_changes_nothing_there(name: str) -> None:
    rule = DEFAULT[name]
    example = EXAMPLES[name]
    if "runtime" in vars(example.rule) and vars(example.rule)["runtime"] is Runtime.TFLM:
        pytest.skip("its example is with --runtime tflm")
    found = compared(*example.models())
    if found is None:
        assert name in UNLOADABLE, rule
        pytest.skip("LiteRT loads none of them")
    assert found.total > 0
    assert not found.different, found


@pytest.mark.parametrize("name", UNLIKE)
def test_rules_that_may_are_left_out_where_litert_loads_the_file(name: str) -> None:
    rule = next(rule for rule in RULES if rule.name == name)
    assert applies(rule, ALONE)
    assert applies(rule, BOTH) is rule.is_needed


@pytest.mark.parametrize("name", ["dense-s16-to-conv", "fold-diamond"])
def test_they_do_change_it(name: str) -> None:
    found = compared(*EXAMPLES[name].models())
    assert found is not None
    assert found.different


def mean(count: int, scale: float, points: tuple[int, int], out: float) -> Model:
    n = Kit()
    x = n.input((1, count, 1, 40), quant=(scale, points[0]))
    n.output(n.reduce(OpCode.MEAN, x, [1], quant=(out, points[1])))
    return n.model


@pytest.mark.parametrize("seed", range(12))
def test_a_mean_becomes_a_convolution_only_where_both_round_alike(seed: int) -> None:
    rng = np.random.default_rng(seed)
    count = int(rng.choice([4, 9, 16, 20, 49, 64]))
    scale = float(np.float32(rng.uniform(0.01, 0.1)))
    out = scale if seed % 2 else float(np.float32(scale * rng.uniform(0.3, 1.2)))
    model = mean(count, scale, (int(rng.choice([-128, 0])), int(rng.choice([-128, 9]))), out)
    copy, trace = clone(model), Trace()
    run_rules(copy, [MeanToConvolution(Always(), Runtime.BOTH)], trace)
    found = compared(model, copy)
    assert found is not None
    assert not found.different


def test_the_form_that_tflm_needs_for_49_elements_would_change_it() -> None:
    """A bias of 1 makes up for MEAN's multiplier; in single precision it moves the outputs."""
    model = mean(49, 0.05, (-128, -128), 0.05)
    copy = clone(model)
    trace = Trace()
    run_rules(copy, [MeanToConvolution(Always(), Runtime.TFLM)], trace)
    assert trace.counts
    found = compared(model, copy)
    assert found is not None
    assert found.different
    left = Trace()
    run_rules(clone(model), [MeanToConvolution(Always(), Runtime.BOTH)], left)
    assert [miss.because.why.code for miss in left.near_misses] == ["litert"]


@pytest.mark.unit
def test_a_sum_near_a_half_is_no_proof() -> None:
    """Single precision may take it to either side, in whichever order factors are multiplied."""
    near = Reduction(3, float(np.float32(0.1)), 0, float(np.float32(0.2)), 0)
    assert not near.is_rounded_alike_in_floats(WeightedSum(1, float(np.float32(1 / 3)), 0, 0))
    exact = Reduction(4, 0.5, 0, 0.25, 0)
    assert exact.is_rounded_alike_in_floats(WeightedSum(1, 0.25, 0, 0))
    assert not exact.is_rounded_alike_in_floats(WeightedSum(1, 0.25, 1, 0))
    assert as_one_sum(exact, in_floats=True) is not None
    odd = Reduction(4, 0.5, 0, 0.5, 9)
    assert as_one_sum(odd) is not None
    assert as_one_sum(odd, in_floats=True) is None


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("pick", [0, 1])
def test_a_relu_that_requantizes_is_rounded_alike_in_other_kernels(seed: int, pick: int) -> None:
    rng = np.random.default_rng(seed)
    scale, n = float(np.float32(rng.uniform(0.01, 0.1))), Kit()
    x = n.input((1, 8, 8, 4), quant=(scale, int(rng.integers(-60, 60))))
    n.output(n.unary(OpCode.RELU, x, quant=(float(scale * rng.uniform(0.3, 1.2)), -128)))
    copy = clone(n.model)
    run_rules(copy, [RequantizeWithKernel(Always(pick=pick), Runtime.BOTH)], Trace())
    found = compared(n.model, copy)
    assert found is not None
    assert not found.different


def test_a_quantize_would_be_rounded_otherwise() -> None:
    """So it is another kernel's for TFLM alone."""
    n = Kit()
    x = n.input((1, 8, 8, 4), quant=(0.0431, -9))
    n.output(n.quantize(x, (0.0317, 5)))
    copy, trace = clone(n.model), Trace()
    run_rules(copy, [RequantizeWithKernel(Always(), Runtime.TFLM)], trace)
    assert trace.counts
    found = compared(n.model, copy)
    assert found is not None
    assert found.different
