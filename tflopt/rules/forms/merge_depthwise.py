"""Compute depthwise convolutions of neighbouring channels at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from tflopt.facts.blocks import Block, blocks_of, taken
from tflopt.facts.convolution import Convolution, convolution
from tflopt.facts.joins import join_of
from tflopt.facts.windows import is_open
from tflopt.ir import Op, OpCode, Value, same_quantization
from tflopt.ir.options import ConcatenationOptions
from tflopt.rewrite import BY_ARITHMETIC, Exactness, Rewriter, Why, require, required
from tflopt.rewrite.sketch import Sketch
from tflopt.rules.forms.depthwise_union import Branch, draw_union, union_of
from tflopt.search.worth import FormRule

CHANNELS = 3


class MergeDepthwise(FormRule):
    """Run DEPTHWISE_CONV_2D of neighbouring channels, joined behind, as one, if that is better.

    MixConv splits a tensor by channels, runs kernels of several sizes and joins the results; a
    streaming network cuts the rows that each kernel reads. One kernel that spans all of them has
    zeros where a branch reads nothing. Exact: a product with a weight of zero is zero whatever
    the input's zero point, and each channel keeps its weights, bias and multiplier.
    """

    name: ClassVar[str] = "merge-depthwise"
    number: ClassVar[int] = 80
    rank: ClassVar[int] = 10
    exactness: ClassVar[Exactness] = BY_ARITHMETIC
    anchors: ClassVar[frozenset[OpCode]] = frozenset({OpCode.CONCATENATION})

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Merge the first run of inputs that are such convolutions."""
        join = join_of(op)
        if join is None or join.axis != CHANNELS or len(op.output.shape) != CHANNELS + 1:
            return
        values = join.parts
        start, run = _longest_run([_candidate(value) for value in values])
        if len(run) < 2:
            return
        _check_alike(op, run)
        union = union_of(run)
        union = required(union, "the kernels read beyond what was cut for them", at=op)
        sketch = Sketch()
        merged = draw_union(sketch, run, union)
        joined = [
            *map(sketch.read, values[:start]),
            merged,
            *map(sketch.read, values[start + len(run) :]),
        ]
        sketch.results[op.output] = merged if len(joined) == 1 else _join(sketch, op, joined)
        old = _only_for(op, [branch.conv.op for branch in run])
        choice = self.worth.compare(old, sketch)
        require(choice.is_worth_it, choice.why_not("one DEPTHWISE_CONV_2D"), at=op)
        sketch.graft(rw, op)
        for gone in reversed(old[:-1]):
            rw.remove(gone)


def _candidate(value: Value) -> Convolution | None:
    """The depthwise convolution that nobody else reads."""
    op = value.producer
    conv = None if op is None else convolution(op)
    if conv is None or not conv.is_depthwise or not conv.is_int8:
        return None
    shared = value.is_graph_output or len(value.uses) != 1 or is_open(conv.data)
    return None if shared else conv


def _longest_run(convs: Sequence[Convolution | None]) -> tuple[int, list[Branch]]:
    """The first longest run of convolutions that read neighbouring channels of one tensor."""
    best: tuple[int, list[Branch]] = (0, [])
    for start in range(len(convs)):
        run = _run_from(convs[start:])
        if len(run) > len(best[1]):
            best = start, run
    return best


def _run_from(convs: Sequence[Convolution | None]) -> list[Branch]:
    first = convs[0]
    runs = [] if first is None else [_along(convs, block) for block in blocks_of(first.data)]
    return max(runs, key=len, default=[])


def _along(convs: Sequence[Convolution | None], first: Block) -> list[Branch]:
    """Convolutions one after the other, as far as they read the source's next channels."""
    run: list[Branch] = []
    channel = first.region.begin[CHANNELS] if first.region.begin else 0
    for conv in convs:
        blocks = [] if conv is None else blocks_of(conv.data)
        block = next((candidate for candidate in blocks if candidate.source is first.source), None)
        if conv is None or block is None or block.region.begin[CHANNELS] != channel:
            break
        run.append(Branch(conv, block))
        channel += block.region.size[CHANNELS]
    return run


def _check_alike(op: Op, run: Sequence[Branch]) -> None:
    first = run[0].conv
    for conv in (branch.conv for branch in run):
        same = same_quantization(conv.op.output.quant, op.output.quant)
        require(same, Why.QUANTIZATION("the results differ in quantization"), at=conv.op)
        strides = conv.options.stride_h, conv.options.stride_w
        alike = strides == (first.options.stride_h, first.options.stride_w)
        require(alike, "the strides differ", at=conv.op)
        function = conv.options.fused_activation_function
        alike = function is first.options.fused_activation_function
        require(alike, "the activations differ", at=conv.op)
        alike = conv.multiplier == first.multiplier
        require(alike, "the depth multipliers differ", at=conv.op)


def _join(sketch: Sketch, op: Op, values: Sequence[Value]) -> Value:
    options, quant, version = ConcatenationOptions(CHANNELS), op.output.quant, op.opcode.version
    shape = op.output.shape
    return sketch.op(op.code, values, shape, options=options, quant=quant, version=version)


def _only_for(op: Op, convs: Sequence[Op]) -> list[Op]:
    """The CONCATENATION and what stands in front for it alone, in the graph's order."""
    gone, look = {op}, list(convs)
    while look:
        current = look.pop()
        uses = [use for value in current.outputs for use in value.uses]
        if current in gone or any(use.op not in gone for use in uses):
            continue
        gone.add(current)
        sources = [value.producer for value in current.inputs if value is not None]
        look += [source for source in sources if source is not None and _moves(source)]
    return [member for member in op.graph.ops if member in gone]


def _moves(op: Op) -> bool:
    return any(taken(op, output) is not None for output in op.outputs)
