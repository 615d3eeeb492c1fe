"""All checks, in the order in which they build on each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tflopt.facts.operators import Kind, kind_of
from tflopt.facts.sound.calls import call_flaws
from tflopt.facts.sound.moves import MOVES
from tflopt.facts.sound.operands import operand_flaw
from tflopt.facts.sound.plan import plan_flaws
from tflopt.facts.sound.quantized import quantization_flaw
from tflopt.facts.sound.shapes import SHAPES
from tflopt.facts.sound.states import STATES
from tflopt.facts.sound.windows import WINDOWS
from tflopt.ir.model import Model
from tflopt.ir.node import Op
from tflopt.ir.opcodes import OpCode
from tflopt.ir.verify import Flaw, place

Check = Callable[[Op], str]
"""What is wrong at an operator whose operands are there, empty where nothing is."""

LONGEST = 240
"""Characters of a reason; shapes of up to six axes take far less."""
CHECKS: dict[Kind, Check] = {**SHAPES, **MOVES, **WINDOWS, **STATES}


def unsound(model: Model) -> Iterator[Flaw]:
    """Every reason for which a runtime would crash on a consistent model."""
    if not model.buffers and any(graph.values for graph in model.graphs):
        yield Flaw("buffers", "there are none; tensors without data name the empty one")
    for name in ("inputs", "outputs"):
        if name in model.main.absent:
            yield Flaw("subgraph 0", f"it has no vector of {name}; the runtime asks for its length")
    for index, entry in enumerate(model.opcodes):
        if entry.builtin < 0:
            yield Flaw(f"operator_codes[{index}]", f"there is no operator {entry.builtin}")
    yield from plan_flaws(model)
    yield from call_flaws(model)
    for op in model.ops():
        reason = op_flaw(op)
        if reason:
            yield Flaw(place(op), shortened(reason))


def shortened(reason: str) -> str:
    """A reason that fits on a line: a constant that is no list of axes may be long."""
    return reason if len(reason) <= LONGEST else f"{reason[: LONGEST - 3]}..."


def op_flaw(op: Op) -> str:
    """What is wrong at one operator; empty where nothing is, or where it isn't known."""
    if op.opcode.custom_code is not None or op.code is OpCode.UNKNOWN:
        return ""
    reason = operand_flaw(op) or quantization_flaw(op)
    check = CHECKS.get(kind_of(op))
    return check(op) if check is not None and not reason else reason
