"""``write-states-in-place`` keeps what a state is cut from where the arena is smaller then."""

from __future__ import annotations

import pytest

from tests.rules.test_write_states_in_place import HANDLE, Q
from tests.support.check_rule import apply, check_rule
from tests.support.paths import needs_tflm
from tests.support.runtime import runtime
from tflopt.io import write_bytes
from tflopt.ir import Model
from tflopt.ir.clone import clone
from tflopt.ir.parse import parse
from tflopt.rewrite import Rewriter
from tflopt.rules.memory.longer_states import lengthen_states, whole_of
from tflopt.rules.memory.plan_memory import PlanMemory
from tflopt.rules.memory.write_states_in_place import WriteStatesInPlace
from tflopt.run.samples import SampleOptions, make_samples
from tflopt.target.device import Device
from tflopt.target.memory import memory_of

pytestmark = pytest.mark.runtime
RULE = WriteStatesInPlace()

LAYER = """DEPTHWISE_CONV_2D(%3, const i8[1,8,1,64]{per-channel 3}, \
const i32[64]{per-channel 0}) padding=VALID stride_w=1 stride_h=1 depth_multiplier=1"""

WIDE = f"""
graph(%0: i8[1,1,1,64]{Q}) -> %5
  %1: {HANDLE}rows
  %2: i8[1,7,1,64]{Q} = READ_VARIABLE(%1)
  %3: i8[1,8,1,64]{Q} = CONCATENATION(%2, %0) axis=1
  %4: i8[1,7,1,64]{Q} = SLICE(%3, [0, 1, 0, 0], [1, 7, 1, 64])
   = ASSIGN_VARIABLE(%1, %4)
  %5: i8[1,1,1,64]{Q} = {LAYER}
"""
"""Eight rows lie beside the scratch of the layer that reads them."""

NARROW = WIDE.replace(f"i8[1,1,1,64]{Q} = {LAYER}", f"i8[1,8,1,64]{Q} = RELU(%3)")
"""Seven rows and one lie beside the eight in any case."""


def arena(model: Model) -> int:
    return memory_of(model, Device()).arena.minimum_bytes


def test_the_whole_is_kept_beside_a_large_reader() -> None:
    copy = check_rule(
        parse(WIDE),
        RULE,
        f"""
        graph(%0: i8[1,1,1,64]{Q}) -> %3
          %2: i8[1,7,1,64]{Q} = SLICE(%1: var i8[1,8,1,64]{Q}, [0, 1, 0, 0], [1, 7, 1, 64])
          %1 = CONCATENATION(%2, %0) axis=1
          %3: i8[1,1,1,64]{Q} = {LAYER.replace("%3", "%1")}
        """,
        hits=1,
        runners=["tflm"],
        tflm_alone=True,
    )
    short = parse(
        f"""
        graph(%0: i8[1,1,1,64]{Q}) -> %5
          %3: i8[1,8,1,64]{Q} = CONCATENATION(%1: var i8[1,7,1,64]{Q}, %0) axis=1
          %1 = SLICE(%3, [0, 1, 0, 0], [1, 7, 1, 64])
          %5: i8[1,1,1,64]{Q} = {LAYER}
        """
    )
    whole, row = 8 * 64, 64
    assert arena(copy) == arena(short) - whole + row


def test_the_state_stays_where_the_whole_takes_more() -> None:
    copy = check_rule(parse(NARROW), RULE, hits=1, runners=["tflm"], tflm_alone=True)
    (state,) = [value for value in copy.main.values if value.is_variable]
    assert state.shape == (1, 7, 1, 64)


def test_only_those_that_pay() -> None:
    """Two streams, one after the other: the wide one decides what the arena is."""
    small = f"""
      %11: {HANDLE}few
      %12: i8[1,3,1,64]{Q} = READ_VARIABLE(%11)
      %13: i8[1,4,1,64]{Q} = CONCATENATION(%12, %5) axis=1
      %14: i8[1,3,1,64]{Q} = SLICE(%13, [0, 1, 0, 0], [1, 3, 1, 64])
       = ASSIGN_VARIABLE(%11, %14)
      %15: i8[1,4,1,64]{Q} = RELU(%13)
    """
    model = parse(WIDE + small)
    assert apply(model, RULE).hits
    shapes = {value.shape for value in model.main.values if value.is_variable}
    assert shapes == {(1, 8, 1, 64), (1, 3, 1, 64)}


@needs_tflm
def test_both_go_on_alike_and_start_anew_alike() -> None:
    model = parse(WIDE)
    copy = clone(model)
    apply(copy, RULE)
    samples = make_samples(model, SampleOptions(20, seed=5))
    steps = [*samples, None, *samples[::-1]]
    one, two = (runtime().run("tflm", write_bytes(each), steps) for each in (model, copy))
    assert [[a.tobytes() for a in step] for step in one] == [[a.tobytes() for a in s] for s in two]


STATE = f"""
graph(%0: i8[1,1,4]{Q}) -> %3
  %2: i8[1,4,4]{Q} = CONCATENATION(%1: var i8[1,3,4]{Q}, %0) axis=1
  %1 = SLICE(%2, [0, 1, 0], [1, 3, 4])
  %3: i8[1,4,4]{Q} = RELU(%2)
"""


def test_a_whole_that_can_be_kept() -> None:
    ops = parse(STATE).main.ops
    assert [whole_of(op) for op in ops] == [None, ops[0].output, None]


def test_what_is_fed_stays() -> None:
    for value in (parse(STATE).main.ops[0].output, parse(STATE).main.ops[1].output):
        value.graph.inputs.append(value)
        assert not any(whole_of(op) for op in value.graph.ops)


CUT = "SLICE(%2, [0, 1, 0], [1, 3, 4])"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(STATE.replace("-> %3", "-> %2"), id="an output"),
        pytest.param(STATE.replace("RELU(%2)", "CONCATENATION(%1, %0) axis=1"), id="read later"),
        pytest.param(STATE.replace(CUT, "PAD(%2, [[0, 0], [-1, 0], [0, 0]])"), id="not cut"),
        pytest.param(STATE.replace(f"%2: i8[1,4,4]{Q}", "%2: i8[1,4,4]{0.05,0}"), id="a point"),
        pytest.param(STATE.replace("CONCATENATION(%1", "Custom(%1"), id="an effect"),
        pytest.param(STATE.replace(CUT, "CONCATENATION(%0, %0, %0) axis=1"), id="joined"),
    ],
)
def test_what_stays_as_it_is(text: str) -> None:
    model = parse(text)
    assert not any(whole_of(op) for op in model.main.ops)
    rw = Rewriter(model)
    lengthen_states(model, PlanMemory(), rw)
    assert not rw.changed
