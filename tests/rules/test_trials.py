"""Which loops are written out: a copy is kept where the whole model is better for the goal."""

from __future__ import annotations

import pytest

from tests.support.loops import SIMPLE_RNN
from tests.support.paths import TESTDATA
from tflopt.config import Config, Goal, Limits
from tflopt.io import read, read_bytes, write_bytes
from tflopt.ir import Model, OpCode
from tflopt.ir.parse import parse
from tflopt.rewrite import Trace
from tflopt.rewrite.reason import Why
from tflopt.rules.calls.unroll_while import MOST_OPERATORS
from tflopt.rules.pipeline import Selection, run_pipeline
from tflopt.rules.trials import MOST_TRIALS, callees_first
from tflopt.target.cost import predict_model
from tflopt.target.device import Device

pytestmark = pytest.mark.unit
NAME = "unroll-while"
M55 = Device.of("cortex-m55")


def optimized(model: Model, config: Config | None = None, **options: object) -> tuple[Model, Trace]:
    copy = read_bytes(write_bytes(model))
    trace = run_pipeline(copy, Selection(), config or Config(device=M55, **options))  # type: ignore[arg-type]
    return copy, trace


def loops(model: Model) -> int:
    return sum(op.code is OpCode.WHILE for op in model.ops())


def reasons(trace: Trace) -> list[Why]:
    return [miss.because.why for miss in trace.near_misses if miss.rule == NAME]


def test_a_loop_that_pays_is_written_out() -> None:
    model = read(TESTDATA / "while_loop.tflite")
    copy, trace = optimized(model)
    assert trace.counts[NAME] == 1
    assert loops(copy) == 0
    assert len(copy.graphs) == 1
    before, after = (predict_model(m, M55).instructions for m in (model, copy))
    assert after < 0.5 * before
    assert len(write_bytes(copy)) < len(write_bytes(model))


def test_growth_is_bought_only_at_the_exchange() -> None:
    """Half of the instructions for almost twice the arena: TFLM keeps more for each operator."""
    copy, trace = optimized(parse(SIMPLE_RNN))
    assert loops(copy) == 1
    assert reasons(trace) == [Why.OVER_BUDGET]
    copy, trace = optimized(parse(SIMPLE_RNN), goal=Goal.SPEED)
    assert loops(copy) == 0


def test_no_growth_at_all() -> None:
    copy, trace = optimized(read(TESTDATA / "while_loop.tflite"), exchange=False)
    assert loops(copy) == 1
    assert reasons(trace) == [Why.OVER_BUDGET]


@pytest.mark.parametrize("goal", [Goal.FLASH, Goal.MEMORY])
def test_a_goal_that_loses_by_it_keeps_the_loop(goal: Goal) -> None:
    copy, trace = optimized(parse(SIMPLE_RNN), goal=goal)
    assert loops(copy) == 1
    assert reasons(trace) == [Why.OTHER_GOAL]


def test_a_limit_decides_first() -> None:
    model = parse(SIMPLE_RNN)
    limit = predict_model(model, M55).instructions * 3 // 4
    copy, _ = optimized(model, limits=Limits(None, None, limit))
    assert loops(copy) == 0
    tight, _ = optimized(read(TESTDATA / "while_loop.tflite"), limits=Limits(2580, None, None))
    assert loops(tight) == 1


def test_few_loops_are_tried() -> None:
    """Each is tried once, and kept or not; the rest is said to be too many."""
    head = SIMPLE_RNN.strip().splitlines()
    turn = head[3]
    count = MOST_TRIALS + 2
    more = []
    for n in range(count):
        line = turn
        for number in (3, 4, 5, 6):
            line = line.replace(f"%{number}:", f"%{100 + 4 * n + number}:")
        more.append(line if n == 0 else line.replace("%2)", f"%{100 + 4 * n + 2})"))
    last = 100 + 4 * (count - 1)
    tail = [head[4].replace("%5)", f"%{last + 5})"), *head[5:]]
    model = parse("\n".join([*head[:3], *more, *tail]))
    assert loops(model) == count
    copy, trace = optimized(model)
    found = reasons(trace)
    assert found.count(Why.OTHER) <= 2
    assert len(found) + trace.counts[NAME] == count
    assert loops(copy) >= 2


LEVEL = """
graph(%0: i32[], %1: i8[1,4]{{0.1,0}}) -> %2
  %2: bool[] = LESS(%0, const i32[] = {turns})
graph(%0: i32[], %1: i8[1,4]{{0.1,0}}) -> %2, %3
  %2: i32[] = ADD(%0, const i32[] = 1)
  {inner}
"""
LOOP = (
    "{result}i8[1,4]{{0.1,0}} = WHILE(const i32[] = 0, {data}) "
    "cond_subgraph_index={c} body_subgraph_index={b}"
)


def nest(levels: int, turns: int) -> Model:
    """Loops in loops: the innermost runs ``turns`` to the ``levels`` times."""

    def call(result: str, data: str, level: int) -> str:
        return LOOP.format(result=result, data=data, c=1 + 2 * level, b=2 + 2 * level)

    graphs = [f"graph(%0: i8[1,4]{{0.1,0}}) -> %3\n  {call('%2: i32[], %3: ', '%0', 0)}\n"]
    for level in range(levels):
        inner = call("%4: i32[], %3: ", "%1", level + 1)
        if level == levels - 1:
            inner = "%3: i8[1,4]{0.1,0} = FULLY_CONNECTED(%1, const i8[4,4]{0.01,0}, none)"
        graphs.append(LEVEL.format(turns=turns, inner=inner))
    return parse("".join(graphs))


@pytest.mark.parametrize("levels", [1, 2, 3, 6])
def test_loops_in_loops_multiply_up_to_a_limit(levels: int) -> None:
    copy, _ = optimized(nest(levels, 8), goal=Goal.SPEED)
    assert loops(copy) > 0 if levels > 3 else loops(copy) == 0
    assert sum(1 for _ in copy.ops()) <= 2 * MOST_OPERATORS


@pytest.mark.parametrize("levels", [1, 3])
def test_loops_of_a_billion_turns_stay(levels: int) -> None:
    copy, trace = optimized(nest(levels, 10**9), goal=Goal.SPEED)
    assert loops(copy) == levels
    assert set(reasons(trace)) == {Why.OTHER}


def test_what_is_called_comes_first() -> None:
    model = read(TESTDATA / "while_loop.tflite")
    order = [graph.index for graph in callees_first(model)]
    assert sorted(order) == [0, 1, 2]
    assert order[-1] == 0


def test_only_this_rule() -> None:
    model = read(TESTDATA / "while_loop.tflite")
    trace = run_pipeline(model, Selection([NAME]), Config(device=M55, goal=Goal.SPEED))
    assert trace.counts[NAME] == 1
    assert loops(model) == 0
