"""An order of operators in which all of them need little, not only those that need the most.

Bands bring down what needs the most. What does then was never the peak, so that nobody looked for
another order there.
"""

from __future__ import annotations

from tflopt.facts.state import States
from tflopt.ir import Model, Op
from tflopt.ir.clone import clone
from tflopt.tiling.costs import CostBook
from tflopt.tiling.measure import Bench
from tflopt.tiling.needs import need_of, program_of
from tflopt.tiling.windows import Windows

MOST_STEPS = 4
"""For each operator."""


def calmed(model: Model, book: CostBook) -> tuple[Model, list[int]]:
    """A copy with neighbours swapped wherever the two then need less, and the old places in it.

    Exact: what one reads of the other, and state that both touch, keeps them in order.
    """
    trial = clone(model)
    ops = trial.main.ops
    waits, places = _waits(ops), {op: index for index, op in enumerate(ops)}
    at, windows = 0, Windows(Bench(trial, book))
    for _ in range(MOST_STEPS * len(ops)):
        if at + 1 >= len(ops):
            break
        if ops[at] in waits[ops[at + 1]] or not _gains(windows, at):
            at += 1
            continue
        ops[at], ops[at + 1] = ops[at + 1], ops[at]
        at, windows = max(at - 1, 0), Windows(Bench(trial, book))
    return trial, [places[op] for op in ops]


def _waits(ops: list[Op]) -> dict[Op, set[Op]]:
    """What must run before each."""
    states, waits = States(), dict[Op, set[Op]]()
    for number, op in enumerate(ops):
        makers = {value.producer for value in op.inputs if value is not None}
        waits[op] = {ops[index] for index in states.before(op, number)}
        waits[op] |= {maker for maker in makers if maker is not None}
    return waits


def _gains(windows: Windows, at: int) -> bool:
    """Whether an operator and the next need less the other way round."""
    bench, around = windows.bench, windows.around(at, at + 1)
    one, two = (program_of(op) for op in bench.model.main.ops[at : at + 2])
    now, then = (
        need_of(pair, around, bench.book).head_bytes for pair in (one.then(two), two.then(one))
    )
    return then < now
