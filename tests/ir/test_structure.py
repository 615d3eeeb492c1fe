"""Use-def chains, ports, clones, the verifier and the text form."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.support.everything import Everything, carried
from tests.support.graphs import Net
from tests.support.objects import assert_same_fields
from tests.support.paths import TESTDATA
from tflopt.io import read, write_bytes
from tflopt.ir import (
    Graph,
    Op,
    OpCode,
    Use,
    Value,
)
from tflopt.ir.clone import clone
from tflopt.ir.text import dump
from tflopt.ir.verify import verify

pytestmark = pytest.mark.unit


def two_layers() -> Net:
    n = Net()
    n.output(n.relu(n.relu(n.feed(2, 3))))
    return n


# --- Uses and ports.


def test_values_know_their_producer_and_readers_in_order() -> None:
    n = Net()
    x = n.feed(2)
    one, two = n.add(x, x), n.relu(x)
    n.output(two, two)
    first, second = n.graph.ops
    assert x.uses == (Use(first, 0), Use(first, 1), Use(second, 0))
    assert x.users == (first, second)
    assert x.producer is None
    assert one.producer is first
    assert two.uses == (Use(n.graph, 0), Use(n.graph, 1))
    assert two.is_graph_output
    assert not one.is_graph_output
    assert x.is_graph_input


def test_a_value_is_read_only_by_these() -> None:
    n = Net()
    x = n.feed(2)
    n.output(n.add(x, x), n.relu(x))
    first, second = n.graph.ops
    assert x.is_read_only_by({first, second})
    assert not x.is_read_only_by({first})
    assert not first.output.is_read_only_by({first, second})


def test_a_graph_knows_where_its_operators_stand() -> None:
    """Whatever came and went since it was last asked, at the front and far away."""
    n = Net()
    x = n.feed(2)
    ops = [n.relu(x).producer for _ in range(3000)]
    n.output(x)
    first, *_, last = ops
    assert first is not None
    assert last is not None
    assert n.graph.place(last) == 2999
    for op in ops[:2000]:
        assert op is not None
        assert n.graph.holds(op)
        n.graph.remove(op)
        assert not n.graph.holds(op)
        assert n.graph.ops[n.graph.place(last)] is last
    with pytest.raises(ValueError, match="is not in list"):
        n.graph.place(first)
    n.graph.ops.reverse()
    assert n.graph.place(last) == 0
    n.graph.ops = [*n.graph.ops[500:], *n.graph.ops[:500]]
    assert n.graph.place(last) == 500
    again = n.relu(x).producer
    assert again is not None
    assert n.graph.holds(again)
    assert n.graph.place(again) == 1000


def test_replacing_a_port_moves_the_use() -> None:
    n = two_layers()
    first, last = (op.output for op in n.graph.ops)
    n.graph.outputs[0] = first
    assert last.uses == ()
    assert Use(n.graph, 0) in first.uses
    assert list(n.graph.outputs) == [first]
    x = n.graph.inputs[0]
    n.graph.inputs[0] = first
    assert not x.is_graph_input
    assert first.is_graph_input


def test_a_port_that_is_listed_twice_stays_a_port_after_one_is_replaced() -> None:
    n = Net()
    x, y = n.feed(2), n.relu(n.feed(2))
    n.graph.inputs.append(x)
    n.graph.inputs[0] = y
    assert x.is_graph_input
    n.output(y, y)
    n.graph.outputs[0] = x
    assert y.uses == (Use(n.graph, 1),)


def test_remove_refuses_while_an_output_is_read_and_names_the_readers() -> None:
    n = two_layers()
    n.graph.ops[1].output.name = "scores"
    with pytest.raises(ValueError, match=r"still read by <RELU -> scores>"):
        n.graph.remove(n.graph.ops[0])
    with pytest.raises(ValueError, match="still read by"):
        n.graph.remove(n.graph.ops[1])
    assert len(n.graph.ops) == 2
    verify(n.model, "a refusal")


def test_remove_value_refuses_while_it_is_in_use() -> None:
    n = two_layers()
    for value in list(n.graph.values):
        with pytest.raises(ValueError, match="still in use"):
            n.graph.remove_value(value)


def test_two_operators_cannot_produce_one_value() -> None:
    n = two_layers()
    first, second = n.graph.ops
    with pytest.raises(ValueError, match="has a producer"):
        second.set_outputs([first.output])
    assert second.outputs


def check_links(graph: Graph) -> None:
    """Uses and producers, recomputed from the operators alone."""
    uses: dict[Value, set[tuple[int, int]]] = {value: set() for value in graph.values}
    producers: dict[Value, Op] = {}
    for op in graph.ops:
        for index, value in enumerate(op.inputs):
            if value is not None:
                uses[value].add((id(op), index))
        for value in op.outputs:
            assert value not in producers
            producers[value] = op
    for index, value in enumerate(graph.outputs):
        uses[value].add((id(graph), index))
    for value in graph.values:
        assert {(id(use.user), use.position) for use in value.uses} == uses[value]
        assert value.producer is producers.get(value)
        assert (value in graph.inputs) == (value in list(graph.inputs))


class RandomEdits(RuleBasedStateMachine):
    """Whatever the structural methods do, or refuse, the chains stay true."""

    def __init__(self) -> None:
        super().__init__()
        self.net = Net()
        self.net.feed(2)
        self.graph = self.net.graph

    def pick(self, items: list[Value], number: int) -> Value:
        return items[number % len(items)]

    @rule(numbers=st.lists(st.integers(0, 99), min_size=1, max_size=3), at=st.integers(0, 99))
    def insert(self, numbers: list[int], at: int) -> None:
        values = list(self.graph.values)
        op = Op(self.graph, self.net.model.opcode(OpCode.ADD), None)
        op.set_inputs([self.pick(values, n) if n % 7 else None for n in numbers])
        op.set_outputs([self.net.value((2,))])
        before = self.graph.ops[at % len(self.graph.ops)] if self.graph.ops else None
        assert self.graph.insert(op, before) is op

    @precondition(lambda self: self.graph.ops)
    @rule(which=st.integers(0, 99), index=st.integers(0, 9), value=st.integers(0, 99))
    def set_input(self, which: int, index: int, value: int) -> None:
        op = self.graph.ops[which % len(self.graph.ops)]
        new = self.pick(list(self.graph.values), value) if value % 5 else None
        op.set_input(index % len(op.inputs), new)

    @precondition(lambda self: self.graph.ops)
    @rule(which=st.integers(0, 99), numbers=st.lists(st.integers(0, 99), max_size=4))
    def set_inputs(self, which: int, numbers: list[int]) -> None:
        values = list(self.graph.values)
        op = self.graph.ops[which % len(self.graph.ops)]
        op.set_inputs([self.pick(values, n) for n in numbers] or [None])

    @precondition(lambda self: self.graph.ops)
    @rule(which=st.integers(0, 99))
    def remove(self, which: int) -> None:
        op = self.graph.ops[which % len(self.graph.ops)]
        read = any(value.uses for value in op.outputs)
        try:
            self.graph.remove(op)
        except ValueError:
            assert read
            assert op in self.graph.ops
        else:
            assert not read

    @rule(value=st.integers(0, 99))
    def add_output(self, value: int) -> None:
        self.graph.outputs.append(self.pick(list(self.graph.values), value))

    @precondition(lambda self: len(self.graph.outputs) > 0)
    @rule(which=st.integers(0, 99), value=st.integers(0, 99))
    def move_output(self, which: int, value: int) -> None:
        index = which % len(self.graph.outputs)
        self.graph.outputs[index] = self.pick(list(self.graph.values), value)

    @rule(which=st.integers(0, 99), value=st.integers(0, 99))
    def move_input(self, which: int, value: int) -> None:
        index = which % len(self.graph.inputs)
        self.graph.inputs[index] = self.pick(list(self.graph.values), value)

    @rule(value=st.integers(0, 99))
    def remove_value(self, value: int) -> None:
        chosen = self.pick(list(self.graph.values), value)
        try:
            self.graph.remove_value(chosen)
        except ValueError:
            assert chosen in self.graph.values

    @invariant()
    def links_are_true(self) -> None:
        check_links(self.graph)
        check_links(clone(self.net.model).main)


RandomEdits.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
TestRandomEdits = RandomEdits.TestCase


# --- Clones.


def test_a_clone_has_every_field_and_shares_only_data() -> None:
    data = Everything(0).build()
    model = carried(data)
    copy = clone(model)
    assert_same_fields(data, write_bytes(copy))
    assert write_bytes(copy) == write_bytes(model)
    for one, two in zip(model.buffers, copy.buffers, strict=True):
        assert one is not two
        assert one.data is two.data


def test_edits_of_a_clone_do_not_reach_the_original() -> None:
    model = read(TESTDATA / "conv1d_stride2.tflite")
    before, text = write_bytes(model), dump(model)
    copy = clone(model)
    for value in copy.main.values:
        value.name, value.shape, value.quant = "x", (1,), None
        value.extra.has_rank = not value.extra.has_rank
        value.extra.shape_signature = (-1,)
    for op in list(copy.main.ops):
        op.options = None
        op.set_inputs([])
        op.extra.debug_metadata_index = 5
    for entry in copy.opcodes:
        entry.version = 99
    for buffer in copy.buffers:
        buffer.data = None
    copy.main.name = "other"
    copy.description = "other"
    for metadata in copy.metadata or ():
        metadata.name = "other"
    assert dump(model) == text
    assert write_bytes(model) == before
