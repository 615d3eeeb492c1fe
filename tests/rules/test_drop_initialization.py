"""``drop-initialization``: variables that TFLM fills with the same numbers anyway."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from tests.support.check_rule import check_declines, check_leaves_alone, check_rule
from tests.support.graphs import Net
from tests.support.paths import needs_tflm
from tests.support.runtime import RuntimeFailure, runtime
from tflopt.config import Config, Runtime
from tflopt.io import write_bytes
from tflopt.ir import DType, Model, OpCode, Quantization, Signature, Value
from tflopt.ir.options import (
    AssignVariableOptions,
    CallOnceOptions,
    ReadVariableOptions,
    VarHandleOptions,
)
from tflopt.rules.constants.drop_initialization import DropInitialization
from tflopt.rules.pipeline import Selection, run_pipeline
from tflopt.run.samples import SampleOptions, make_samples

pytestmark = pytest.mark.runtime
RULE = DropInitialization()
SHAPE = (1, 3, 4)
POINT = -7
QUANT = (0.05, POINT)


@dataclass
class Stream:
    """Three rows of the past, joined with a new one; the last three are kept.

    Args:
        start: what the initialization assigns.
        after: whether the call stands behind what the graph itself assigns.
    """

    start: object = POINT
    dtype: DType = DType.INT8
    quant: Quantization | tuple[float, int] | None = QUANT
    after: bool = False

    def build(self) -> tuple[Model, Net]:
        """The model, and the net of its second subgraph."""
        n = Net()
        x = n.feed(1, 1, 4)
        x.dtype, x.quant = self.dtype, _quant(self.quant)
        if not self.after:
            call(n)
        variable = handle(n)
        old = n.op(
            OpCode.READ_VARIABLE,
            [variable],
            SHAPE,
            options=ReadVariableOptions(),
            dtype=self.dtype,
            quant=self.quant,
        )
        both = n.concat(old, x, axis=1)
        assign(n, variable, n.slice(both, (0, 1, 0), SHAPE))
        if self.after:
            call(n)
        n.output(both)
        start = Net(n.model)
        data = np.broadcast_to(np.asarray(self.start, self.dtype.numpy), SHAPE)
        assign(start, handle(start), start.constant(data, self.dtype, quant=self.quant))
        return n.model, start


def _quant(given: Quantization | tuple[float, int] | None) -> Quantization | None:
    return Quantization.per_tensor(*given) if isinstance(given, tuple) else given


def call(n: Net, graph: int = 1) -> None:
    n.ops(OpCode.CALL_ONCE, [], [], CallOnceOptions(graph))


def handle(n: Net, name: str = "state") -> Value:
    options = VarHandleOptions("", name)
    return n.op(OpCode.VAR_HANDLE, [], (), options=options, dtype=DType.RESOURCE)


def assign(n: Net, variable: Value, value: Value) -> None:
    n.ops(OpCode.ASSIGN_VARIABLE, [variable, value], [], AssignVariableOptions())


def check(stream: Stream) -> Model:
    return check_rule(stream.build()[0], RULE, hits=1, runners=["tflm"], tflm_alone=True)


def test_the_call_its_subgraph_and_their_numbers_go() -> None:
    copy = check(Stream())
    assert len(copy.graphs) == 1
    codes = [op.code for op in copy.ops()]
    assert OpCode.CALL_ONCE not in codes
    assert codes.count(OpCode.ASSIGN_VARIABLE) == 1
    assert "CALL_ONCE" not in [entry.label for entry in copy.opcodes]


@pytest.mark.parametrize(
    "stream",
    [
        Stream(0, DType.FLOAT32, None),
        Stream(-128, quant=(0.05, -128)),
        Stream(127, quant=(0.05, 127)),
        Stream(0, DType.INT16, (0.05, 0)),
    ],
)
def test_what_tflm_fills_a_variable_with(stream: Stream) -> None:
    check(stream)


@needs_tflm
def test_another_start_is_seen_in_the_output() -> None:
    """Else the tests above couldn't fail."""
    models = [Stream(POINT).build()[0], Stream(POINT + 1).build()[0]]
    samples = make_samples(models[0], SampleOptions(1, seed=1))
    one, two = (runtime().run("tflm", write_bytes(model), samples)[0][0] for model in models)
    assert not np.array_equal(one, two)


def test_litert_refuses_to_run_the_result() -> None:
    copy = check(Stream())
    samples = make_samples(copy, SampleOptions(1, seed=1))
    with pytest.raises(RuntimeFailure):
        runtime().run("litert", write_bytes(copy), samples)


@pytest.mark.parametrize(
    "stream",
    [
        Stream(POINT + 1),
        Stream([[[POINT] * 4, [POINT] * 4, [POINT, POINT, POINT, 0]]]),
        Stream(0),
        Stream(1.0, DType.FLOAT32, None),
    ],
)
def test_declines_other_numbers(stream: Stream) -> None:
    check_declines(stream.build()[0], RULE, "TFLM starts with other numbers")


def test_declines_a_variable_that_the_graph_only_reads() -> None:
    """Nothing but ASSIGN_VARIABLE allocates it."""
    n = Net()
    call(n)
    options = ReadVariableOptions()
    x = n.op(OpCode.READ_VARIABLE, [handle(n)], SHAPE, options=options, quant=QUANT)
    x.dtype = DType.INT8
    n.output(n.concat(n.feed(1, 1, 4), x, axis=1))
    start = Net(n.model)
    data = np.full(SHAPE, POINT)
    assign(start, handle(start), start.constant(data, DType.INT8, quant=QUANT))
    check_declines(n.model, RULE, "TFLM starts with other numbers")


def test_declines_a_value_of_another_size() -> None:
    model, start = Stream().build()
    value = start.constant(np.full((1, 2, 4), POINT), DType.INT8, quant=QUANT)
    start.graph.ops[-1].set_input(1, value)
    check_declines(model, RULE, "TFLM starts with other numbers")


def test_declines_what_computes() -> None:
    model, start = Stream().build()
    value = start.graph.ops[-1].operand(1)
    assign(start, handle(start), start.relu(value))
    check_declines(model, RULE, "it does more than to assign constants")


def test_declines_what_comes_too_late() -> None:
    check_declines(Stream(after=True).build()[0], RULE, "an operator with an effect runs before it")


def test_declines_a_subgraph_with_another_use() -> None:
    model, start = Stream().build()
    model.signatures = [Signature(start.graph, "start", [], [])]
    check_declines(model, RULE, "something else uses the subgraph that it calls")


def test_declines_a_subgraph_whose_name_is_kept() -> None:
    model, start = Stream().build()
    start.graph.name = "start"
    check_declines(
        model, DropInitialization(frozenset({"start"})), "--keep names the subgraph that it calls"
    )
    check_rule(model, RULE, hits=1, runners=["tflm"], tflm_alone=True)


def test_a_call_of_nothing_stays_out_of_sight() -> None:
    n = Net()
    n.output(n.relu(n.feed(2, 3)))
    check_leaves_alone(n.model, RULE)


@pytest.mark.parametrize(("wanted", "graphs"), [(Runtime.BOTH, 2), (Runtime.TFLM, 1)])
def test_the_pipeline_uses_it_for_tflm_alone(wanted: Runtime, graphs: int) -> None:
    model = Stream().build()[0]
    run_pipeline(model, Selection(), Config(runtime=wanted, plan=None))
    assert len(model.graphs) == graphs
