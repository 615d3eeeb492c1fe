"""``remove-dead``: operators, tensors, buffers and codes that nothing reads, effects excepted."""

from __future__ import annotations

import pytest

from tests.support.check_rule import apply, check_leaves_alone, check_rule
from tests.support.graphs import QUANT, Net
from tflopt.facts.operators import EFFECTS
from tflopt.io import read_bytes, write_bytes
from tflopt.ir import Buffer, DType, Metadata, OpCode, OperatorCode, Signature
from tflopt.ir.options import (
    AssignVariableOptions,
    CallOnceOptions,
    ReadVariableOptions,
    SVDFOptions,
    VarHandleOptions,
)
from tflopt.ir.parse import parse
from tflopt.ir.text import dump
from tflopt.rules.constants.remove_dead import RemoveDead

pytestmark = pytest.mark.runtime
RULE = RemoveDead()


def test_dead_chains_go_with_their_tensors_buffers_and_codes() -> None:
    n = Net()
    x = n.relu(n.feed(2, 3))
    n.pad(n.transpose(x, 1, 0), (1, 0), (0, 0))
    n.output(n.relu(x))
    copy = check_rule(
        n.model,
        RULE,
        """
        graph(%0: i8[2,3]{0.05,3}) -> %2
          %1: i8[2,3]{0.05,3} = RELU(%0)
          %2: i8[2,3]{0.05,3} = RELU(%1)
        """,
        hits=1,
    )
    assert len(copy.main.values) == 3
    assert len(copy.buffers) == 1
    assert [entry.label for entry in copy.opcodes] == ["RELU"]


def test_an_unused_input_stays() -> None:
    n = Net()
    n.output(n.relu(n.feed(2)))
    n.feed(3)
    n.constant([7])
    copy = check_rule(n.model, RULE, hits=1)
    assert len(copy.main.inputs) == 2
    assert len(copy.main.values) == 3


def test_one_live_output_keeps_the_operator() -> None:
    n = Net()
    n.output(n.relu(n.split(n.feed(4), 2)[1]))
    check_leaves_alone(n.model, RULE)


def test_what_signatures_and_operators_name_stays() -> None:
    n = Net()
    y = n.relu(n.feed(2))
    inner, named = n.value((2,), quant=QUANT), n.value((2,), quant=QUANT)
    n.output(y)
    n.graph.ops[0].extra.intermediates = (inner,)
    n.model.signatures = [Signature(n.graph, "s", [("a", named)], [("b", y)])]
    check_leaves_alone(n.model, RULE)


def test_metadata_keeps_its_buffers_and_buffer_0_stays() -> None:
    n = Net()
    n.output(n.relu(n.feed(2)))
    kept, dropped = Buffer(None), Buffer(None)
    n.model.buffers += [dropped, kept]
    n.model.metadata = [Metadata("m", kept)]
    first = n.model.buffers[0]
    apply(n.model, RULE)
    assert n.model.buffers == [first, kept]


def effects(code: OpCode) -> Net:
    n = Net()
    x = n.relu(n.feed(2))
    n.output(n.relu(x))
    name = "mine" if code is OpCode.CUSTOM else None
    entry = OperatorCode(9999 if code is OpCode.UNKNOWN else int(code), name)
    n.custom(entry, [x], [(2,)])
    return n


@pytest.mark.parametrize("code", sorted(EFFECTS), ids=lambda code: code.name)
def test_operators_with_effects_stay(code: OpCode) -> None:
    check_leaves_alone(effects(code).model, RULE)


@pytest.mark.parametrize(
    "code",
    [
        OpCode.ASSIGN_VARIABLE, OpCode.CALL_ONCE, OpCode.CUSTOM, OpCode.IF, OpCode.WHILE,
        OpCode.STABLEHLO_CASE, OpCode.STABLEHLO_CUSTOM_CALL, OpCode.RANDOM_UNIFORM,
        OpCode.HASHTABLE_IMPORT, OpCode.UNKNOWN,
    ],
)  # fmt: skip
def test_the_list_of_effects_has(code: OpCode) -> None:
    assert code in EFFECTS


def test_assignments_and_initialization_survive_without_outputs() -> None:
    n = Net()
    handle = n.op(
        OpCode.VAR_HANDLE, [], (), dtype=DType.RESOURCE, options=VarHandleOptions("c", "v")
    )
    value = n.op(
        OpCode.READ_VARIABLE,
        [handle],
        (2,),
        dtype=DType.INT8,
        quant=QUANT,
        options=ReadVariableOptions(),
    )
    n.ops(OpCode.ASSIGN_VARIABLE, [handle, value], [], AssignVariableOptions())
    n.ops(OpCode.CALL_ONCE, [], [], CallOnceOptions(0))
    n.output(n.relu(n.feed(2)))
    check_leaves_alone(n.model, RULE)


def with_state(*, shared: bool) -> Net:
    n = Net()
    x = n.relu(n.feed(1, 2))
    weights = n.constant([[1, 2]], DType.INT8, quant=QUANT)
    time = n.constant([[1]], DType.INT8, quant=QUANT)
    state = n.value((1, 1), DType.INT16, QUANT)
    state.is_variable = True
    n.op(OpCode.SVDF, [x, weights, time, None, state], (1, 1), options=SVDFOptions(1))
    n.output(n.relu(x))
    if shared:
        n.output(state)
    return n


def test_an_operator_goes_with_the_state_that_only_it_sees() -> None:
    model = with_state(shared=False).model
    assert apply(model, RULE).hits
    assert len(model.main.ops) == 2


def test_an_operator_stays_while_its_state_is_an_output() -> None:
    check_leaves_alone(with_state(shared=True).model, RULE)


def test_subgraphs_are_swept_as_well() -> None:
    n = Net()
    n.output(n.relu(n.feed(2)))
    body = Net(n.model)
    body.relu(body.relu(x := body.feed(2)))
    body.output(body.relu(x))
    apply(n.model, RULE)
    assert [len(graph.ops) for graph in n.model.graphs] == [1, 1]
    assert dump(read_bytes(write_bytes(n.model))) == dump(n.model)


def test_idempotent_without_anything_dead() -> None:
    n = Net()
    n.output(n.relu(n.feed(2)))
    check_leaves_alone(n.model, RULE)


def test_a_variable_that_an_operator_writes_stays_while_the_operator_does() -> None:
    """Nobody reads it, and nothing counts as its producer."""
    text = """
    graph(%0: i8[2,3]{0.05,3}) -> %1
      %1: i8[2,3]{0.05,3}, %2: var i8[2,3]{0.05,3} = SPLIT([0], %0) num_splits=2
    """
    model = parse(text.replace("%0: i8[2,3]", "%0: i8[4,3]"))
    check_leaves_alone(model, RULE)
    assert len(model.main.values) == 4


def test_a_variable_that_nobody_reads_goes_with_its_writer() -> None:
    check_rule(
        """
        graph(%0: i8[2,3]{0.05,3}) -> %1
          %1: i8[2,3]{0.05,3} = RELU(%0)
          %2: var i8[2,3]{0.05,3} = RELU(%1)
        """,
        RULE,
        """
        graph(%0: i8[2,3]{0.05,3}) -> %1
          %1: i8[2,3]{0.05,3} = RELU(%0)
        """,
        hits=1,
    )
