"""The smallest model that still fails: operators, outputs and options go while it does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from functools import partial

import numpy as np

from tflopt.errors import TfloptError
from tflopt.io import read_bytes, write_bytes
from tflopt.ir import Buffer, Graph, Model, Op, OpCode, Options, Value
from tflopt.ir.clone import clone
from tflopt.ir.model import Ports
from tflopt.ir.node import Use
from tflopt.ir.types import Activation
from tflopt.ir.verify import verify
from tflopt.rewrite import Trace, run_model_rule
from tflopt.rules.constants.remove_dead import RemoveDead

Change = Callable[[Model], bool]
"""Makes a model smaller in place; False where it has nothing to do."""
ROUNDS = 400
FLOW = (OpCode.IF, OpCode.WHILE, OpCode.CALL_ONCE)


def shrink(model: Model, fails: Callable[[Model], bool]) -> Model:
    """A smaller model for which ``fails`` holds too; ``model`` itself must fail."""
    best, budget = model, ROUNDS
    smaller = True
    while smaller and budget > 0:
        smaller = False
        for change in _changes(best):
            budget -= 1
            candidate = _changed(best, change)
            if candidate is None or _size(candidate) >= _size(best):
                continue
            if fails(candidate):
                best, smaller = candidate, True
                break
            if budget <= 0:
                break
    return best


def _size(model: Model) -> tuple[int, ...]:
    """What shrinking makes smaller, the most important first."""
    ops = list(model.ops())
    fused = sum(getattr(op.options, "fused_activation_function", 0) != 0 for op in ops)
    ports = len(model.main.outputs) + len(model.main.inputs)
    varied = sum(
        len(set(value.array().reshape(-1).tolist())) > 1
        for graph in model.graphs
        for value in graph.values
        if value.has_data and value.dtype.numpy is not None
    )
    return len(ops), len(model.main.outputs), fused, varied, ports


def _changed(model: Model, change: Change) -> Model | None:
    """A written and read copy with the change; None where that isn't a model."""
    copy = clone(model)
    try:
        if not change(copy):
            return None
        run_model_rule(copy, RemoveDead(), Trace())
        verify(copy, "shrinking")
        return read_bytes(write_bytes(copy))
    except (TfloptError, ValueError, IndexError):
        return None


def _changes(model: Model) -> Iterator[Change]:
    """Coarse changes first: the shortest beginning that fails, then its shortest end."""
    count = len(model.main.ops)
    for index in range(len(model.main.outputs) if len(model.main.outputs) > 1 else 0):
        yield partial(_only_output, index=index)
    for index in range(count - 1):
        yield partial(_end_at, index=index)
    for index in reversed(range(count - 1)):
        yield partial(_start_behind, index=index)
    for index in range(count):
        yield partial(_drop, index=index)
    for index in range(count):
        yield partial(_bypass, index=index)
    for index in range(count):
        yield partial(_plain_options, index=index)
    for index in range(count):
        yield partial(_plain_weights, index=index)
    yield _unused_inputs
    yield _only_main


def _only_output(model: Model, index: int) -> bool:
    set_ports(model.main, list(model.main.inputs), [model.main.outputs[index]])
    return True


def _end_at(model: Model, index: int) -> bool:
    """Let what an operator gives be the only output."""
    op = model.main.ops[index]
    if not op.outputs or list(model.main.outputs) == [op.output]:
        return False
    set_ports(model.main, list(model.main.inputs), [op.output])
    return True


def _start_behind(model: Model, index: int) -> bool:
    """Let what an operator gives be an input."""
    graph, op = model.main, model.main.ops[index]
    if op.code in FLOW or not op.outputs or any(v.is_graph_output for v in op.outputs):
        return False
    outputs = [value for value in op.outputs if value.uses]
    op.set_outputs([])
    op.set_inputs([])
    graph.ops.remove(op)
    set_ports(graph, [*graph.inputs, *outputs], list(graph.outputs))
    return True


def _drop(model: Model, index: int) -> bool:
    """Remove an operator with an effect whose outputs nobody reads."""
    graph, op = model.main, model.main.ops[index]
    if any(value.uses for value in op.outputs):
        return False
    graph.remove(op)
    return True


def _bypass(model: Model, index: int) -> bool:
    """Let the readers of an operator read its input."""
    op = model.main.ops[index]
    sources = [v for v in op.inputs if v is not None and not v.is_constant]
    if not op.outputs or not sources:
        return False
    source = next((v for v in sources if v.shape == op.output.shape), None)
    if source is None or source.dtype is not op.output.dtype or op.output.is_graph_output:
        return False
    for use in op.output.uses:
        if isinstance(use.user, Op):
            use.user.set_input(use.position, source)
    return True


def _plain_options(model: Model, index: int) -> bool:
    """No fused activation."""
    op = model.main.ops[index]
    if not isinstance(op.options, Options):
        return False
    for entry in fields(op.options):
        if entry.name != "fused_activation_function":
            continue
        if getattr(op.options, entry.name) is Activation.NONE:
            return False
        op.options = replace(op.options, **{entry.name: Activation.NONE})
        return True
    return False


def _plain_weights(model: Model, index: int) -> bool:
    """Weights of one in place of random ones."""
    op = model.main.ops[index]
    large = [v for v in op.inputs if v is not None and v.has_data and v.elements > 4]
    large = [v for v in large if v.quant is not None and v.dtype.numpy is not None]
    done = False
    for value in large:
        if not (value.array() == 1).all():
            data = np.ones(value.shape, value.dtype.numpy)
            value.buffer = Buffer(np.frombuffer(data.tobytes(), np.uint8))
            model.buffers.append(value.buffer)
            done = True
    return done


def _unused_inputs(model: Model) -> bool:
    graph = model.main
    used = [value for value in graph.inputs if value.uses]
    if len(used) == len(graph.inputs) or not used:
        return False
    set_ports(graph, used, list(graph.outputs))
    return True


def _only_main(model: Model) -> bool:
    """Drop the other graphs where nothing runs them."""
    if len(model.graphs) == 1 or any(op.code in FLOW for op in model.main.ops):
        return False
    model.signatures = None
    model.graphs = model.graphs[:1]
    return True


def set_ports(graph: Graph, inputs: list[Value], outputs: list[Value]) -> None:
    """Give a graph other inputs and outputs, which rules never do."""
    for index, value in enumerate(graph.outputs):
        value._uses.pop(Use(graph, index), None)
    graph.model.signatures = None
    graph.inputs = Ports(graph, are_outputs=False)
    graph.outputs = Ports(graph, are_outputs=True)
    for value in inputs:
        graph.inputs.append(value)
    for value in dict.fromkeys(outputs):
        graph.outputs.append(value)
