"""A timeline that follows a model says what the whole sequence of operators says."""

from __future__ import annotations

import pytest

from tests.fuzz.generate import random_model
from tflopt.config import Config, Goal
from tflopt.ir import Model
from tflopt.plan import live
from tflopt.plan.timeline import Change, Timeline
from tflopt.rules.pipeline import run_pipeline
from tflopt.search.book import Book, Page
from tflopt.target.device import Device

pytestmark = pytest.mark.unit


def sum_of_all(line: Timeline, change: Change) -> int:
    """The peak afterwards, looked for in the whole sequence."""
    slots = {op: slot for op, slot in line.places.items() if op not in change.gone}
    assert len({*slots.values(), *change.came.values()}) == len(slots) + len(change.came)
    slots.update(change.came)
    order = sorted(slots, key=slots.__getitem__)
    moments = [change.moments.get(op) or line.moments[op] for op in order]
    lives = live.Lives[int](change.same)
    for value in line.inputs:
        lives.see(value, 0)
    for index, moment in enumerate(moments):
        lives.visit(moment, index)
    for value in change.outputs:
        lives.see(value, len(moments))
    return max(live._profile(lives, moments), default=0)


def state(page: Page) -> tuple[object, ...]:
    peaks = [each.timeline.peak_bytes for each in page.graphs.values()]
    costs = [[each.costs[op] for op in each.timeline.order] for each in page.graphs.values()]
    return page.parts, page.total, peaks, costs


@pytest.mark.long
@pytest.mark.parametrize("goal", Goal)
@pytest.mark.parametrize("first", (0, 20))
def test_it_follows_all_rules(goal: Goal, first: int, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = [0, 0]
    peak_after, page_of = Timeline.peak_after, Book.page

    def compared(line: Timeline, change: Change) -> int:
        found = peak_after(line, change)
        assert found == sum_of_all(line, change)
        tried[0] += 1
        return found

    def noted(book: Book, model: Model, device: Device, in_place: bool) -> Page:
        page = page_of(book, model, device, in_place)
        if book.follows:
            tried[1] += 1
            assert state(page) == state(page_of(Book(), model, device, in_place))
        return page

    monkeypatch.setattr(Timeline, "peak_after", compared)
    monkeypatch.setattr(Book, "page", noted)
    for seed in range(first, first + 12):
        run_pipeline(random_model(seed), config=Config(goal=goal))
    assert tried[0] > 12
    assert tried[1] > 24
