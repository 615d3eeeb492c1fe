"""``write-states-in-place``: a tensor that lasts instead of a resource that is copied."""

from __future__ import annotations

import pytest

from tests.support.check_rule import apply, check_declines, check_leaves_alone, check_rule
from tests.support.paths import needs_tflm
from tests.support.runtime import runtime
from tflopt.config import Config, Runtime
from tflopt.facts.state import writes_states
from tflopt.io import read_bytes, write_bytes
from tflopt.ir import Model, OpCode, Signature
from tflopt.ir.clone import clone
from tflopt.ir.parse import parse
from tflopt.rules.memory.reorder_operators import order_problem
from tflopt.rules.memory.write_states_in_place import WriteStatesInPlace
from tflopt.rules.pipeline import Selection, run_pipeline
from tflopt.run.samples import SampleOptions, make_samples
from tflopt.target.device import Device
from tflopt.verify.match import match

pytestmark = pytest.mark.runtime
RULE = WriteStatesInPlace()
Q = "{0.05,-7}"
HANDLE = "resource[] = VAR_HANDLE() container= shared_name="

TAIL = f"""
graph(%0: i8[1,1,4]{Q}) -> %3
  %1: {HANDLE}rows
  %2: i8[1,3,4]{Q} = READ_VARIABLE(%1)
  %3: i8[1,4,4]{Q} = CONCATENATION(%2, %0) axis=1
  %4: i8[1,3,4]{Q} = SLICE(%3, [0, 1, 0], [1, 3, 4])
   = ASSIGN_VARIABLE(%1, %4)
"""
"""The last three rows are kept, for the next to be joined with them."""

HEAD = f"""
graph(%0: i8[1,1,4]{Q}) -> %5
  %1: {HANDLE}rows
  %2: i8[1,4,4]{Q} = READ_VARIABLE(%1)
  %3: i8[1,3,4]{Q} = SLICE(%2, [0, 1, 0], [1, 3, 4])
  %4: i8[1,4,4]{Q} = CONCATENATION(%3, %0) axis=1
   = ASSIGN_VARIABLE(%1, %4)
  %5: i8[1,4,4]{Q} = RELU(%4)
"""
"""Four rows are kept, and read as they are then."""

LEAK = f"""
graph(%0: i8[1,4]{Q}) -> %4
  %1: {HANDLE}level
  %2: i8[1,4]{Q} = READ_VARIABLE(%1)
  %3: i8[1,4]{Q} = ADD(%2, %0)
   = ASSIGN_VARIABLE(%1, %3)
  %4: i8[1,4]{Q} = RELU(%3)
"""
"""An operator that may write over what it reads."""

OFF_BY_ONE = (
    LEAK.replace("[1,4]", "[1,3,4]")
    .replace("ADD(%2, %0)", "CONCATENATION(%5, %6) axis=1")
    .replace(
        "  %3:",
        f"  %5: i8[1,1,4]{Q} = SLICE(%0, [0, 0, 0], [1, 1, 4])\n"
        f"  %6: i8[1,2,4]{Q} = SLICE(%2, [0, 0, 0], [1, 2, 4])\n  %3:",
    )
)


def check(text: str, expected: str | None = None) -> Model:
    return check_rule(text, RULE, expected, hits=1, runners=["tflm"], tflm_alone=True)


def test_the_tail_is_written_where_it_is_read() -> None:
    check(
        TAIL,
        f"""
        graph(%0: i8[1,1,4]{Q}) -> %2
          %2: i8[1,4,4]{Q} = CONCATENATION(%1: var i8[1,3,4]{Q}, %0) axis=1
          %1 = SLICE(%2, [0, 1, 0], [1, 3, 4])
        """,
    )


def test_who_reads_the_new_state_follows() -> None:
    check(
        HEAD,
        f"""
        graph(%0: i8[1,1,4]{Q}) -> %3
          %2: i8[1,3,4]{Q} = SLICE(%1: var i8[1,4,4]{Q}, [0, 1, 0], [1, 3, 4])
          %1 = CONCATENATION(%2, %0) axis=1
          %3: i8[1,4,4]{Q} = RELU(%1)
        """,
    )
    check(OFF_BY_ONE)


def test_an_elementwise_operator_writes_over_the_old_state() -> None:
    check(
        LEAK,
        f"""
        graph(%0: i8[1,4]{Q}) -> %2
          %1 = ADD(%1: var i8[1,4]{Q}, %0)
          %2: i8[1,4]{Q} = RELU(%1)
        """,
    )


def test_a_state_that_is_read_twice() -> None:
    text = TAIL.replace("  %3:", f"  %5: i8[1,3,4]{Q} = READ_VARIABLE(%1)\n  %3:")
    copy = check(text.replace("CONCATENATION(%2, %0)", "CONCATENATION(%5, %0)"))
    assert len(copy.main.ops) == 2


@pytest.mark.parametrize(
    ("short", "quant"), [("f32", ""), ("i16", "{0.05,0}"), ("i8", "{0.1,127}")]
)
def test_other_types_and_zero_points(short: str, quant: str) -> None:
    check(
        TAIL.replace(f"i8[1,1,4]{Q}", f"{short}[1,1,4]{quant}")
        .replace("i8", short)
        .replace(Q, quant)
    )


@needs_tflm
@pytest.mark.parametrize("text", [TAIL, HEAD, LEAK, OFF_BY_ONE])
def test_both_go_on_alike_and_start_anew_alike(text: str) -> None:
    """Forty steps, and as many after the interpreter is reset; the state is seen in the output."""
    model = parse(text)
    copy = clone(model)
    apply(copy, RULE)
    samples = make_samples(model, SampleOptions(40, seed=3))
    steps = [*samples, None, *samples[::-1]]
    one, two = (runtime().run("tflm", write_bytes(each), steps) for each in (model, copy))
    assert [[a.tolist() for a in step] for step in one] == [[a.tolist() for a in s] for s in two]
    alone = runtime().run("tflm", write_bytes(copy), [samples[-2]])
    assert alone[0][0].tolist() != two[38][0].tolist()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (TAIL.replace("-> %3", "-> %4"), "it is an input or an output of the model"),
        (TAIL.replace("-> %3", "-> %2"), "it is an input or an output of the model"),
        (TAIL.replace("(%1, %4)", "(%1, %0)").replace("[1,1,4]", "[1,3,4]").replace(
            "[1,4,4]", "[1,6,4]"), "no operator computes what is assigned"),
        (TAIL + "   = ASSIGN_VARIABLE(%1, %4)\n", "it is assigned more than once"),
        (TAIL + f"  %5: i8[1,3,4]{Q} = READ_VARIABLE(%1)\n", "it is read after it is assigned"),
        (TAIL + f"  %5: i8[1,3,4]{Q} = RELU(%2)\n",
         "the old state is read when the new one is there"),
        (OFF_BY_ONE.replace("CONCATENATION(%5, %6)", "CONCATENATION(%5, %5, %5)") +
         f"  %7: i8[1,3,4]{Q} = ADD(%2, %3)\n", "the old state is read when the new one is there"),
        (TAIL.replace(f"%4: i8[1,3,4]{Q}", "%4: i8[1,3,4]{0.05,-8}"),
         "what is read has another type, shape or quantization than what is assigned"),
        (TAIL.replace(f"%2: i8[1,3,4]{Q}", f"%2: i8[1,1,3,4]{Q}").replace("[1,4,4]", "[1,1,4,4]"),
         "what is read has another type, shape or quantization than what is assigned"),
        (TAIL.replace(Q, ""), "without a zero point TFLM of 2025 doesn't start"),
        (TAIL.replace("i8", "i16"), "TFLM starts with other numbers"),
    ],
)  # fmt: skip
def test_declines(text: str, reason: str) -> None:
    check_declines(text, RULE, reason)


@pytest.mark.parametrize("place", [1, 3])
def test_declines_what_is_fed_although_an_operator_makes_it(place: int) -> None:
    """As hostile files have it: what is read, or what is assigned, is an input as well."""
    model = parse(TAIL)
    model.main.inputs.append(model.main.ops[place].output)
    check_declines(model, RULE, "it is an input or an output of the model")


def test_declines_what_may_not_be_written_over() -> None:
    """TRANSPOSE reads elements again that it has written."""
    text = f"""
    graph(%0: i8[3,3]{Q}) -> %4
      %1: {HANDLE}state
      %2: i8[3,3]{Q} = READ_VARIABLE(%1)
      %4: i8[3,3]{Q} = ADD(%0, %2)
      %3: i8[3,3]{Q} = TRANSPOSE(%2, [1, 0])
       = ASSIGN_VARIABLE(%1, %3)
    """
    check_declines(text, RULE, "the old state is read when the new one is there")


def test_declines_a_variable_of_a_subgraph() -> None:
    start = f"""
    graph() ->
      %0: {HANDLE}rows
       = ASSIGN_VARIABLE(%0, const i8[1,3,4]{Q} = -7)
    """
    called = TAIL.replace("  %1:", "   = CALL_ONCE() init_subgraph_index=1\n  %1:", 1)
    check_declines(called + start, RULE, "a subgraph that is called touches the variable")


def test_declines_what_someone_refers_to() -> None:
    model = parse(TAIL)
    model.main.ops[3].output.name = "mine"
    check_declines(model, WriteStatesInPlace(frozenset({"mine"})), "--keep names the tensor")
    value = model.main.ops[3].output
    model.signatures = [Signature(model.main, "serve", [], [("y", value)])]
    check_declines(model, RULE, "something else refers to the tensor")


@pytest.mark.parametrize(
    "text",
    [
        TAIL.replace("SLICE(%3, [0, 1, 0], [1, 3, 4])", "Custom(%3)"),
        TAIL.replace(" = ASSIGN_VARIABLE(%1, %4)", f"%5: i8[1,3,4]{Q} = RELU(%4)"),
        TAIL.replace("shared_name=rows", "shared_name="),
        TAIL + f"  %6: resource[] = VAR_HANDLE() container=a shared_name=rows\n"
        f"  %7: i8[1,3,4]{Q} = READ_VARIABLE(%6)\n",
    ],
)
def test_leaves_alone_what_it_cannot_follow(text: str) -> None:
    check_leaves_alone(text, RULE)


@pytest.mark.parametrize(("wanted", "written"), [(Runtime.BOTH, False), (Runtime.TFLM, True)])
def test_the_pipeline_uses_it_for_tflm_alone(wanted: Runtime, written: bool) -> None:
    model = parse(TAIL)
    run_pipeline(model, Selection(), Config(runtime=wanted))
    assert writes_states(model) is written
    assert any(op.code is OpCode.READ_VARIABLE for op in model.ops()) is not written


def test_rules_that_follow_values_leave_such_a_model_alone() -> None:
    """Both RELU would be one operator for a rule that merges those of one tensor: one reads the old
    state, one the new. The operator that writes would be removed as one that changes nothing."""
    text = f"""
    graph(%0: i8[1,4]{Q}) -> %5
      %2: i8[1,4]{Q} = RELU(%1: var i8[1,4]{Q})
      %1 = RESHAPE(%0, [1, 4]) new_shape=[1, 4]
      %3: i8[1,4]{Q} = RELU(%1)
      %5: i8[2,4]{Q} = CONCATENATION(%2, %3)
    """
    model = parse(text)
    trace = run_pipeline(model, Selection(), Config(runtime=Runtime.TFLM))
    assert [op.code for op in model.main.ops] == [op.code for op in parse(text).main.ops]
    (miss,) = trace.near_misses
    assert miss.reason == "it writes a tensor that lasts; other rules leave the model as it is"


def test_the_order_keeps_readers_and_writer_where_they_are() -> None:
    model = parse(TAIL + f"  %5: i8[1,3,4]{Q} = RELU(%4)\n")
    apply(model, RULE)
    model = read_bytes(write_bytes(model))
    places = [op.code for op in model.main.ops]
    reader, writer, later = (
        places.index(c) for c in (OpCode.CONCATENATION, OpCode.SLICE, OpCode.RELU)
    )
    tasks = order_problem(model, Device()).tasks
    assert reader in tasks[writer].after
    assert writer in tasks[later].after


@pytest.mark.parametrize("derived", [True, False])
def test_verification_compares_no_variable(derived: bool) -> None:
    """What it holds changes in the course of an inference."""
    model = read_bytes(write_bytes(parse(HEAD)))
    copy = clone(model)
    apply(copy, RULE)
    if not derived:
        copy = read_bytes(write_bytes(copy))
    names = [value.name for value in model.main.values]
    assert [v.name for v in copy.main.values if v.is_variable and v.name in names]
    values = list(copy.main.values)
    pairs = match(model, copy, derived=derived).pairs
    assert len(pairs) == 2
    assert not any(values[pair.optimized].is_variable for pair in pairs)
