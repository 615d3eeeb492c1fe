"""How often a loop turns, as far as its operators say it."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.loops import GRU, SIMPLE_RNN
from tests.support.runtime import runtime
from tflopt.facts.turns import MOST_PARTS, trip_count
from tflopt.io import write_bytes
from tflopt.ir import Model, OpCode
from tflopt.ir.node import Array
from tflopt.ir.parse import parse

TEXT = """
graph(%0: i8[1,4]{{0.1,0}}) -> %2
  %1: {kind}[], %2: i8[1,4]{{0.1,0}} = WHILE(const {kind}[] = {start}, %0) \
cond_subgraph_index=1 body_subgraph_index=2
graph(%0: {kind}[], %1: i8[1,4]{{0.1,0}}) -> %9
  {condition}
graph(%0: {kind}[], %1: i8[1,4]{{0.1,0}}) -> %2, %3
  %2: {kind}[] = {step}
  %3: i8[1,4]{{0.1,0}} = RELU(%1)
"""


def loop(
    condition: str = "LESS(%0, const i32[] = 5)",
    step: str = "ADD(%0, const i32[] = 1)",
    start: int = 0,
    kind: str = "i32",
) -> Model:
    lines = condition if "=" in condition.partition("(")[0] else f"%9: bool[] = {condition}"
    return parse(TEXT.format(condition=lines, step=step, start=start, kind=kind))


def turns(model: Model) -> int | None:
    (op,) = [op for op in model.ops() if op.code is OpCode.WHILE]
    return trip_count(op)


KNOWN = [
    (loop(), 5),
    (loop("LESS_EQUAL(%0, const i32[] = 5)"), 6),
    (loop("GREATER(const i32[] = 5, %0)"), 5),
    (loop("GREATER_EQUAL(const i32[] = 5, %0)"), 6),
    (loop("LESS(%0, const i32[] = 5)", "ADD(const i32[] = 2, %0)"), 3),
    (loop("GREATER(%0, const i32[] = -3)", "SUB(%0, const i32[] = 2)"), 2),
    (loop("GREATER_EQUAL(%0, const i32[] = -4)", "ADD(%0, const i32[] = -2)"), 3),
    (loop("LESS(const i32[] = -4, %0)", "SUB(%0, const i32[] = 3)"), 2),
    (loop(start=9), 0),
    (loop("LESS(%0, const i32[] = 5)", "ADD(%0, const i32[] = 0)", start=5), 0),
    (parse(SIMPLE_RNN), 8),
    (parse(GRU), 10),
    (parse(SIMPLE_RNN.replace("LESS(%0, const i32[] = 8)", "LESS(%0, const i32[] = 3)")), 3),
]


@pytest.mark.unit
@pytest.mark.parametrize(("model", "count"), KNOWN)
def test_it_is_known(model: Model, count: int) -> None:
    assert turns(model) == count


MOST = 2**31 - 1
OPEN = [
    loop("LESS(%0, const i32[] = 5)", "ADD(%0, const i32[] = 0)"),
    loop("LESS(%0, const i32[] = 5)", "ADD(%0, const i32[] = -1)"),
    loop("LESS(%0, const i32[] = 5)", "ADD(%0, %0)"),
    loop("LESS(%0, const i32[] = 5)", "SUB(const i32[] = 1, %0)"),
    loop("LESS(%0, const i32[] = 5)", "MUL(%0, const i32[] = 2)"),
    loop(
        "LESS(%0, const i32[] = 5)",
        "ADD(%0, const i32[] = 1) fused_activation_function=RELU6",
    ),
    loop(f"LESS(%0, const i32[] = {MOST})", "ADD(%0, const i32[] = 2)"),
    loop(f"LESS_EQUAL(%0, const i32[] = {MOST})"),
    loop("EQUAL(%0, const i32[] = 0)"),
    loop("LESS(const i32[] = 1, const i32[] = 5)"),
    loop("LESS(%0, const i8[] = 5)", "ADD(%0, const i8[] = 1)", kind="i8"),
    parse(SIMPLE_RNN.replace("LESS(%0, const i32[] = 8)", "EQUAL(%0, const i32[] = 8)")),
]


@pytest.mark.unit
@pytest.mark.parametrize("model", OPEN)
def test_it_depends_on_data_or_never_ends_or_overflows(model: Model) -> None:
    assert turns(model) is None


@pytest.mark.unit
def test_a_counter_may_reach_the_largest_number() -> None:
    model = loop(f"LESS(%0, const i32[] = {MOST})")
    assert turns(model) == MOST


@pytest.mark.unit
@pytest.mark.parametrize("parts", [2, MOST_PARTS, MOST_PARTS + 1, 400])
def test_a_condition_of_many_comparisons_is_left(parts: int) -> None:
    flags = [f"%{20 + n}: bool[] = LESS(%0, const i32[] = {9 + n})" for n in range(parts)]
    joined = ["%1000: bool[] = LOGICAL_AND(%20, %21)"]
    joined += [
        f"%{1000 + n}: bool[] = LOGICAL_AND(%{999 + n}, %{21 + n})" for n in range(1, parts - 1)
    ]
    lines = "\n".join([*flags, *joined])
    text = TEXT.replace("-> %9", f"-> %{1000 + parts - 2}")
    model = parse(
        text.format(condition=lines, step="ADD(%0, const i32[] = 1)", start=0, kind="i32")
    )
    assert turns(model) == (9 if parts <= MOST_PARTS else None)


@pytest.mark.runtime
@pytest.mark.parametrize(("model", "count"), KNOWN[:10])
def test_the_runtimes_turn_as_often(model: Model, count: int) -> None:
    """What a loop has counted is an output."""
    model.main.outputs[0] = model.main.ops[0].outputs[0]
    start = model.main.ops[0].input(0)
    assert start is not None
    (step,) = [op for op in model.graphs[2].ops if op.code in (OpCode.ADD, OpCode.SUB)]
    number = next(v.ints() for v in step.inputs if v is not None and v.has_data)
    first = start.ints()
    assert first
    assert number
    sign = -1 if step.code is OpCode.SUB else 1
    feeds: list[Array] = [np.zeros((1, 4), np.int8)]
    for name in ("tflm", "litert"):
        ((found,),) = runtime().run(name, write_bytes(model), [feeds])
        assert int(found) == first[0] + sign * count * number[0]
