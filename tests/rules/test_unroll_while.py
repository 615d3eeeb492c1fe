"""``unroll-while``: the turns of a loop one after another."""

from __future__ import annotations

import pytest

from tests.support.check_rule import apply, check_declines, check_leaves_alone, check_rule
from tests.support.flash import real_model
from tests.support.loops import GRU, LOOPS, SIMPLE_RNN
from tflopt.config import Runtime
from tflopt.ir import Model, Op, OpCode, Signature, Value
from tflopt.ir.parse import parse
from tflopt.rewrite import COPIES_VARIABLE
from tflopt.rules.calls.unroll_while import MOST_OPERATORS, UnrollWhile
from tflopt.rules.constants.fold_constants import FoldConstants

pytestmark = pytest.mark.runtime
RULE, ALONE = UnrollWhile(), UnrollWhile(runtime=Runtime.TFLM)
EARLY = "LiteRT overwrites a tensor of the loop before another one takes it over"
PORTS = "%0: i32[], %1: i8[1,4]{0.1,0}, %2: i8[1,4]{0.1,0}"
CONDITION = f"graph({PORTS}) -> %3\n  %3: bool[] = LESS(%0, const i32[] = 3)"
MAIN = """
graph(%0: i8[1,4]{{0.1,0}}, %1: i8[1,4]{{0.1,0}}) -> %5, %6
  %2: i32[], %3: i8[1,4]{{0.1,0}}, %4: i8[1,4]{{0.1,0}} = WHILE({start}, %0, %1) \
cond_subgraph_index=1 body_subgraph_index=2
  %5: i8[1,4]{{0.1,0}} = RELU(%3)
  %6: i8[1,4]{{0.1,0}} = RELU(%4)
"""


def loop(
    body: str,
    ports: str = "%3, %4, %5",
    condition: str = CONDITION,
    main: str = MAIN,
    start: str = "const i32[] = 0",
) -> str:
    """A loop of a counter and two tensors."""
    lines = f"graph({PORTS}) -> {ports}\n  %3: i32[] = ADD(%0, const i32[] = 1)\n{body}"
    return f"{main.format(start=start)}\n{condition}\n{lines}"


ADDS = """  %4: i8[1,4]{0.1,0} = ADD(%1, %2)
  %5: i8[1,4]{0.1,0} = LEAKY_RELU@2(%1) alpha=0.5"""
WEIGHED = """  %4: i8[1,4]{0.1,0} = FULLY_CONNECTED(%1, const i8[4,4]{0.01,0}, none)
  %5: i8[1,4]{0.1,0} = ADD(%4, %2)"""


def test_the_turns_stand_one_after_another_and_constants_once() -> None:
    check_rule(
        loop(WEIGHED),
        RULE,
        """
        graph(%0: i8[1,4]{0.1,0}, %1: i8[1,4]{0.1,0}) -> %8, %9
          %2: i8[1,4]{0.1,0} = FULLY_CONNECTED(%0, const i8[4,4]{0.01,0}, none)
          %3: i8[1,4]{0.1,0} = ADD(%2, %1)
          %4: i8[1,4]{0.1,0} = FULLY_CONNECTED(%2, const i8[4,4]{0.01,0}, none)
          %5: i8[1,4]{0.1,0} = ADD(%4, %3)
          %6: i8[1,4]{0.1,0} = FULLY_CONNECTED(%4, const i8[4,4]{0.01,0}, none)
          %7: i8[1,4]{0.1,0} = ADD(%6, %5)
          %8: i8[1,4]{0.1,0} = RELU(%6)
          %9: i8[1,4]{0.1,0} = RELU(%7)
        """,
        hits=1,
    )


def test_constants_share_their_record_and_their_data() -> None:
    model = check_rule(loop(WEIGHED), RULE)
    layers = [op for op in model.ops() if op.code is OpCode.FULLY_CONNECTED]
    assert len(layers) == 3
    assert len({op.operand(1) for op in layers}) == 1
    assert len(model.graphs) == 1


def test_tensors_change_places_at_once() -> None:
    """``a, b = b, a + b``: what is handed on is what the turn began with."""
    model = check_rule(loop("  %4: i8[1,4]{0.1,0} = ADD(%1, %2)", "%3, %2, %4"), RULE)
    assert [op.code for op in model.ops()].count(OpCode.ADD) == 3


def test_tensors_that_only_change_places() -> None:
    """LiteRT (2.3.0) overwrites one of them before the other takes it over, which nobody wants."""
    source = loop("", "%3, %2, %1")
    check_declines(source, RULE, EARLY)
    check_rule(
        source,
        ALONE,
        """
        graph(%0: i8[1,4]{0.1,0}, %1: i8[1,4]{0.1,0}) -> %2, %3
          %2: i8[1,4]{0.1,0} = RELU(%1)
          %3: i8[1,4]{0.1,0} = RELU(%0)
        """,
        runners=["tflm"],
    )
    with pytest.raises(AssertionError, match="litert"):
        check_rule(source, ALONE, runners=["litert"])


def test_a_tensor_takes_over_what_another_one_was() -> None:
    """``a, b = f(a), a``: the same in LiteRT; ``b, a = b, f(a)`` isn't."""
    body = "  %4: i8[1,4]{0.1,0} = ADD(%1, %2)"
    check_declines(loop(body, "%3, %4, %1"), RULE, EARLY)
    check_rule(loop(body, "%3, %4, %1"), ALONE, runners=["tflm"])
    check_rule(loop(body, "%3, %2, %4"), RULE)


def test_a_constant_is_handed_on() -> None:
    body = "  %4: i8[1,4]{0.1,0} = ADD(%1, %2)\n  %5: i8[1,4]{0.1,0} = RELU(const i8[1,4]{0.1,0})"
    source = parse(loop(body))
    graph = source.graphs[2]
    relu = graph.ops[-1]
    graph.outputs[2] = relu.operand(0)
    graph.remove(relu)
    model = check_rule(source, RULE)
    assert sum(op.code is OpCode.ADD for op in model.ops()) == 3


@pytest.mark.parametrize("turns", [0, 1, 2, 7])
def test_as_many_turns_as_the_limit_says(turns: int) -> None:
    condition = CONDITION.replace("= 3)", f"= {turns})")
    model = check_rule(loop(ADDS, condition=condition), RULE)
    assert sum(op.code is OpCode.LEAKY_RELU for op in model.ops()) == turns


@pytest.mark.parametrize("name", sorted(LOOPS))
def test_recurrent_networks(name: str) -> None:
    model = check_rule(LOOPS[name], RULE, together_with=[FoldConstants()], hits=1)
    assert sum(op.code is OpCode.TANH for op in model.ops()) == {"gru": 10, "simple_rnn": 8}[name]
    assert not {OpCode.LESS, OpCode.PACK} & {op.code for op in model.ops()}


def test_a_real_model() -> None:
    model = check_rule(real_model("while_loop"), RULE, hits=1)
    assert sum(op.code is OpCode.FULLY_CONNECTED for op in model.ops()) == 3


INNER = """
graph(%0: i32[], %1: i8[1,4]{0.1,0}) -> %2
  %2: bool[] = LESS(%0, const i32[] = 2)
graph(%0: i32[], %1: i8[1,4]{0.1,0}) -> %2, %3
  %2: i32[] = ADD(%0, const i32[] = 1)
  %3: i8[1,4]{0.1,0} = LEAKY_RELU@2(%1) alpha=0.5
"""
CALLS = """  %9: i32[], %4: i8[1,4]{0.1,0} = WHILE(const i32[] = 0, %1) \
cond_subgraph_index=3 body_subgraph_index=4
  %5: i8[1,4]{0.1,0} = ADD(%4, %2)"""


def test_a_loop_in_a_loop_is_written_out_as_well() -> None:
    model = check_rule(loop(CALLS) + INNER, RULE)
    assert sum(op.code is OpCode.LEAKY_RELU for op in model.ops()) == 3 * 2
    assert len(model.graphs) == 1


def test_an_inner_loop_that_stays_gets_new_numbers() -> None:
    """Its graphs move up where those of the outer one were; each turn calls them."""
    inner = INNER.replace("ADD(%0, const i32[] = 1)", "ADD(%0, %0)").replace(
        "LESS(%0, const i32[] = 2)", "GREATER(%0, const i32[] = 0)"
    )
    model = check_rule(loop(CALLS) + inner, RULE, hits=1)
    loops = [op for op in model.ops() if op.code is OpCode.WHILE]
    assert len(loops) == 3
    assert len(model.graphs) == 3


def test_a_body_that_others_call_stays() -> None:
    """Two loops of one body: each is written out, and only then the body goes."""
    main = MAIN.replace(
        "  %5: i8[1,4]{{0.1,0}} = RELU(%3)",
        "  %7: i32[], %8: i8[1,4]{{0.1,0}}, %9: i8[1,4]{{0.1,0}} = WHILE({start}, %3, %4) "
        "cond_subgraph_index=1 body_subgraph_index=2\n"
        "  %5: i8[1,4]{{0.1,0}} = ADD(%3, %8)",
    )
    model = check_rule(loop(ADDS, main=main), RULE, hits=2)
    assert sum(op.code is OpCode.LEAKY_RELU for op in model.ops()) == 5
    assert len(model.graphs) == 1


def test_a_body_that_a_signature_names_stays() -> None:
    model = parse(loop(ADDS))
    body = model.graphs[2]
    model.signatures = [
        Signature(model.main, "main", _named(model, 0, 0), _named(model, 0, 1)),
        Signature(body, "step", _named(model, 2, 0), _named(model, 2, 1)),
    ]
    copy = check_rule(model, RULE, runners=["tflm"])
    assert len(copy.graphs) == 2
    assert copy.signatures is not None
    assert copy.signatures[1].graph is copy.graphs[1]


def _named(model: Model, number: int, side: int) -> list[tuple[str | None, Value]]:
    graph = model.graphs[number]
    ports = (graph.inputs, graph.outputs)[side]
    return [(f"port{place}", value) for place, value in enumerate(ports)]


def limited(number: int) -> str:
    return CONDITION.replace("= 3)", f"= {number})")


STATE = """  %4: i8[1,4]{0.1,0} = ADD(%1, %2)
  %5: i8[1,4]{0.1,0} = SVDF@3(%4, const i8[4,4]{0.1,0}, const i16[4,2]{0.1,0}, none, \
%6: var i8[1,8]{0.1,0}) rank=1"""
DECLINED = [
    (
        loop(ADDS, condition=CONDITION.replace("LESS(%0, const i32[] = 3)", "EQUAL(%1, %2)")),
        "how often it turns depends on what it computes",
    ),
    (
        loop(ADDS, condition=limited(10**9)),
        f"its turns are 3000000000 operators; {MOST_OPERATORS} are supported",
    ),
    (
        loop("", "%3, %1, %2", condition=limited(2**31 - 2)),
        f"its turns are {2**31 - 2} operators; {MOST_OPERATORS} are supported",
    ),
    (loop(STATE), "what it calls has a state"),
    (loop(ADDS.replace("LEAKY_RELU@2(%1) alpha=0.5", "CUSTOM(%1)")), "what it calls has a state"),
    (
        loop(ADDS, main=MAIN.replace("%0: i8[1,4]{{0.1,0}}", "%0: i8[1,4]{{0.2,0}}")),
        "what it hands on has other quantization inside",
    ),
    (
        loop(ADDS, main=MAIN.replace("%0: i8[1,4]{{0.1,0}}", "%0: i8[4]{{0.1,0}}")),
        "what it hands on has another shape or type inside",
    ),
    (
        loop("", "%3, %1, %2", main=MAIN.replace("-> %5, %6", "-> %3, %6")),
        "it stands between an input or constant of the model and an output",
    ),
    (
        loop(ADDS, "%3, %4, %4", main=MAIN.replace("-> %5, %6", "-> %3, %4")),
        "two outputs of the model would be one tensor",
    ),
]


@pytest.mark.parametrize(("source", "reason"), DECLINED)
def test_declines(source: str, reason: str) -> None:
    check_declines(source, RULE, reason)


def test_a_name_that_stays() -> None:
    model = parse(loop(ADDS))
    model.graphs[2].name = "body"
    check_declines(model, UnrollWhile(frozenset({"body"})), "--keep names what it calls")


def test_a_loop_may_not_begin_with_a_variable() -> None:
    """What is copied from it at the beginning isn't what it holds later."""
    source = loop(
        ADDS, main=MAIN.replace("WHILE({start}, %0,", "WHILE({start}, %7: var i8[1,4]{{0.1,0}},")
    )
    check_declines(source, RULE, str(COPIES_VARIABLE))


@pytest.mark.parametrize("more", [0, 1])
def test_the_most_turns(more: int) -> None:
    """Three operators a turn."""
    turns = MOST_OPERATORS // 3 + more
    model = parse(loop(ADDS, condition=limited(turns)))
    assert bool(apply(model, RULE).hits) is not bool(more)


def test_leaves_alone_what_is_no_loop() -> None:
    check_leaves_alone("graph(%0: i8[4]{0.1,0}) -> %1\n  %1: i8[4]{0.1,0} = RELU(%0)", RULE)


def test_the_loops_are_what_exporters_write() -> None:
    for text in (GRU, SIMPLE_RNN):
        (op,) = [op for op in parse(text).ops() if op.code is OpCode.WHILE]
        assert isinstance(op, Op)
        assert len(op.inputs) == 4
