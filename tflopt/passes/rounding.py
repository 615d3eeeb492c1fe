"""What rules on float islands share: dropping what nobody reads, and giving up origins."""

from __future__ import annotations

from tflopt.ir import Op, Value
from tflopt.ir.traits import has_effect
from tflopt.rewrite import Rewriter


def remove_unread(value: Value | None, rw: Rewriter) -> None:
    """Drop the operators above a value that nobody reads any more."""
    op = None if value is None else value.producer
    if op is None or has_effect(op) or any(output.uses for output in op.outputs):
        return
    inputs = op.inputs
    rw.remove(op)
    for source in dict.fromkeys(inputs):
        remove_unread(source, rw)


def forget_origins(op: Op, rw: Rewriter) -> None:
    """From ``op`` on tensors no longer hold what those of the source model hold."""
    seen: dict[Value, None] = dict.fromkeys(op.outputs)
    queue = list(seen)
    while queue:
        value = queue.pop()
        rw.update(value, origin=None)
        for user in value.users:
            new = [output for output in user.outputs if output not in seen]
            seen.update(dict.fromkeys(new))
            queue += new
