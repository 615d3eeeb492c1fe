"""What rules on float islands share: dropping what nobody reads, and giving up origins."""

from __future__ import annotations

from tflopt.facts.operators import has_effect
from tflopt.ir import Op, Value
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


def ops_between(source: Value, op: Op) -> list[Op]:
    """``op`` and the operators down to ``source`` whose results nobody else reads, in order."""
    region = {op: None}
    queue: list[Value | None] = list(op.inputs)
    while queue:
        value = queue.pop()
        before = None if value is None or value is source else value.producer
        if before is not None and before not in region:
            region[before] = None
            queue += before.inputs
    while outside := [
        member for member in region if member is not op and not _is_within(member, region)
    ]:
        region = {member: None for member in region if member not in outside}
    return sorted(region, key=op.graph.ops.index)


def _is_within(op: Op, region: dict[Op, None]) -> bool:
    """Whether only operators of the region read the outputs."""
    return all(
        not value.is_graph_output and all(user in region for user in value.users)
        for value in op.outputs
    )


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
