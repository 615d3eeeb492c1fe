"""Examples: what control flow calls, put where it is called."""

from __future__ import annotations

from tests.support.kit import Kit
from tests.support.rule_examples.example import example
from tflopt.ir import DType, OpCode, Value
from tflopt.ir.builder import Builder
from tflopt.ir.options import AddOptions, IfOptions, MulOptions, WhileOptions

QUANT = (0.1, 3)


@example(note="Two turns; the counter is folded by other rules.")
def unroll_while(n: Kit) -> Value:
    start, x = n.constant(0, DType.INT32), n.input((1, 4), quant=QUANT)
    condition, body = Builder(n.model), Builder(n.model)
    count = condition.input((), DType.INT32, None)
    condition.input((1, 4), quant=QUANT)
    limit = condition.constant(2, DType.INT32)
    condition.output(condition.op(OpCode.LESS, [count, limit], (), dtype=DType.BOOL))
    count, y = body.input((), DType.INT32, None), body.input((1, 4), quant=QUANT)
    one, gain = body.constant(1, DType.INT32), body.constant(9, DType.INT8, quant=(0.2, 1))
    body.output(body.op(OpCode.ADD, [count, one], (), options=AddOptions(), dtype=DType.INT32))
    body.output(body.op(OpCode.MUL, [y, gain], (1, 4), options=MulOptions(), quant=QUANT))
    loop = WhileOptions(condition.graph.index, body.graph.index)
    counted, last = n.ops(OpCode.WHILE, [start, x], [(), (1, 4)], loop, quant=QUANT)
    counted.quant, last.dtype = None, DType.INT8
    return last


@example()
def take_branch(n: Kit) -> Value:
    x, branches = n.input((1, 4), quant=QUANT), (Builder(n.model), Builder(n.model))
    for branch, code in zip(branches, (OpCode.RELU, OpCode.RELU6), strict=True):
        branch.output(branch.op(code, [branch.input((1, 4), quant=QUANT)], (1, 4), version=2))
    options = IfOptions(*(branch.graph.index for branch in branches))
    inputs = [n.constant([False], DType.BOOL), x]
    return n.op(OpCode.IF, inputs, (1, 4), options=options, dtype=DType.INT8, quant=QUANT)
