"""Segments for a smaller and smaller head: at each, the cheapest choice of whole runs.

For a given head every operator either fits as it is or is in a segment that fits. The tail and the
instructions of such a choice add up, so the cheapest are found as shortest paths over the
operators: all choices at each operator of which none is worse in both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tflopt.plan.tflm_sizes import ARM32
from tflopt.tiling.needs import Need
from tflopt.tiling.segment import Segment
from tflopt.tiling.windows import Windows

STEP = 0.95
"""By how much the head shrinks from one round to the next, at least."""
MARGIN = 3
"""A segment begins and ends at an operator that doesn't fit, or next but one to it."""
WIDEST = 6
"""Choices that are kept at each operator."""


@dataclass(frozen=True)
class Choice:
    """Some segments, and what they add to the model as it is."""

    segments: tuple[Segment, ...]
    head_bytes: int
    tail_bytes: int
    instructions: int


def sweep(
    windows: Windows, most_instructions: int, is_spent: Callable[[], bool]
) -> Iterator[Choice]:
    """Choices of segments for smaller and smaller heads, until there are none.

    Args:
        most_instructions: how many more than the model as it is.
        is_spent: whether to stop; asked before each round.
    """
    count = len(windows.bench.model.main.ops)
    head = max((windows.op(index).head_bytes for index in range(count)), default=0)
    while head > 0 and not is_spent():
        target = int(head * STEP)
        choices = _choices(windows, target, most_instructions)
        if not choices:
            return
        yield from choices
        head = min(target, max(choice.head_bytes for choice in choices))


def _choices(windows: Windows, head: int, most: int) -> Sequence[Choice]:
    """The choices for one head."""
    count = len(windows.bench.model.main.ops)
    hot = [windows.op(index).head_bytes > head for index in range(count)]
    steps = _segments_by_start(windows, hot, head, most)
    front: list[list[Choice]] = [[] for _ in range(count + 1)]
    front[0] = [Choice((), 0, 0, 0)]
    for index in range(count):
        front[index] = _best(front[index], most)
        if not front[index]:
            continue
        if not hot[index]:
            need = windows.op(index)
            front[index + 1] += [_with(choice, need.head_bytes) for choice in front[index]]
        for segment, need, plain in steps[index]:
            front[segment.last + 1] += [
                _with(choice, need.head_bytes, segment, need, plain) for choice in front[index]
            ]
    return _best(front[count], most)


def _segments_by_start(
    windows: Windows, hot: Sequence[bool], head: int, most: int
) -> list[list[tuple[Segment, Need, Need]]]:
    """Every option that covers an operator that doesn't fit, with its need and that without."""
    options: list[list[tuple[Segment, Need, Need]]] = [[] for _ in hot]
    for run, ends in windows.runs:
        first, last = run
        if ends > head or not any(hot[first : last + 1]):
            continue
        if not any(hot[first : first + MARGIN]) or not any(hot[last - MARGIN + 1 : last + 1]):
            continue
        plain = windows.whole(first, last)
        for segment in windows.options(run, head, plain.instructions + most):
            need = windows.segment(segment)
            assert need is not None
            options[first].append((segment, need, plain))
    return options


def _with(
    choice: Choice,
    head: int,
    segment: Segment | None = None,
    need: Need | None = None,
    plain: Need | None = None,
) -> Choice:
    head = max(choice.head_bytes, head)
    if segment is None or need is None or plain is None:
        return Choice(choice.segments, head, choice.tail_bytes, choice.instructions)
    tail = choice.tail_bytes + need.tail_bytes - plain.tail_bytes
    tail += ARM32.eval_tensor * len(need.controls)
    work = choice.instructions + need.instructions - plain.instructions
    return Choice((*choice.segments, segment), head, tail, work)


def _best(choices: Sequence[Choice], most: int) -> list[Choice]:
    """Those of which none is worse in tail and instructions, evenly spread if there are many."""
    kept: list[Choice] = []
    for choice in sorted(choices, key=lambda option: (option.tail_bytes, option.instructions)):
        if choice.instructions > most:
            continue
        if not kept or choice.instructions < kept[-1].instructions:
            kept.append(choice)
    if len(kept) <= WIDEST:
        return kept
    return [kept[round(place * (len(kept) - 1) / (WIDEST - 1))] for place in range(WIDEST)]
