"""Views at the address of what they show: RESHAPE copies nothing there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from tflopt.plan.lifetimes import PlannedBuffer, TensorAlias

Offsets = tuple[int, ...]
Pair = tuple[int, int]

MOST_TRIALS = 64
"""Each of them simulates the runtime's planner."""


def view_pairs(
    aliases: Iterable[TensorAlias], buffers: Iterable[PlannedBuffer], places: Mapping[object, int]
) -> list[Pair]:
    """The planned tensors of which one is a view of the other, the largest first."""
    sizes = {buffer.ref: buffer.size_bytes for buffer in buffers}
    views = [
        alias for alias in aliases if alias.is_view and {alias.first, alias.second} <= sizes.keys()
    ]
    views.sort(key=lambda view: -sizes[view.first])
    return [(places[view.first], places[view.second]) for view in views]


def settled(offsets: Offsets, pairs: Sequence[Pair], accepts: Callable[[Offsets], bool]) -> Offsets:
    """``offsets``, with as many of the pairs at one address as ``accepts`` lets.

    Args:
        offsets: of all tensors; negative ones stay.
        pairs: tensors and their views, the largest first.
        accepts: whether a plan with these offsets would do.
    """
    trials = 0
    for one, other in pairs:
        if offsets[one] == offsets[other] or min(offsets[one], offsets[other]) < 0:
            continue
        for place, target in ((other, one), (one, other)):
            trial = _moved(offsets, _joined(offsets, pairs, place), offsets[target])
            trials += 1
            if accepts(trial):
                offsets = trial
                break
        if trials >= MOST_TRIALS:
            break
    return offsets


def _joined(offsets: Offsets, pairs: Sequence[Pair], place: int) -> set[int]:
    """The tensor with all views that already lie where it lies."""
    members, ahead = {place}, [place]
    while ahead:
        here = ahead.pop()
        for pair in pairs:
            if here in pair and offsets[pair[0]] == offsets[pair[1]]:
                new = set(pair) - members
                members |= new
                ahead += new
    return members


def _moved(offsets: Offsets, places: set[int], target: int) -> Offsets:
    return tuple(target if place in places else old for place, old in enumerate(offsets))
