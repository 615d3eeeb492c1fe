"""A timeline that follows a model says what the whole sequence of operators says."""

from __future__ import annotations

import pytest

from tests.fuzz.generate import random_model
from tflopt.config import Config, Goal
from tflopt.ir import Model, OpCode, Value
from tflopt.ir.builder import Builder
from tflopt.ir.options import ReshapeOptions
from tflopt.plan import live
from tflopt.plan.timeline import Change, Timeline
from tflopt.rules.pipeline import run_pipeline
from tflopt.search.book import Book, Page
from tflopt.target.device import Device
from tflopt.target.sharing import Sharing

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


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many forms were weighed and pages looked at: each is compared with the whole sequence."""
    tried = [0, 0]
    peak_after, page_of = Timeline.peak_after, Book.page

    def compared(line: Timeline, change: Change) -> int:
        found = peak_after(line, change)
        assert found == sum_of_all(line, change)
        tried[0] += 1
        return found

    def noted(book: Book, model: Model, device: Device, sharing: Sharing) -> Page:
        page = page_of(book, model, device, sharing)
        if book.follows:
            tried[1] += 1
            assert state(page) == state(page_of(Book(), model, device, sharing))
        return page

    monkeypatch.setattr(Timeline, "peak_after", compared)
    monkeypatch.setattr(Book, "page", noted)
    return tried


@pytest.mark.long
@pytest.mark.parametrize("goal", Goal)
@pytest.mark.parametrize("first", (0, 20))
def test_it_follows_all_rules(goal: Goal, first: int, tried: list[int]) -> None:
    for seed in range(first, first + 12):
        run_pipeline(random_model(seed), config=Config(goal=goal))
    assert tried[0] > 12
    assert tried[1] > 24


def test_what_becomes_a_view_lived_for_itself_before(tried: list[int]) -> None:
    """Found by seeds that a day's run doesn't take."""
    run_pipeline(random_model(263), config=Config(goal=list(Goal)[263 % len(Goal)]))
    assert tried[0]


def views_of_each_other(count: int, twins: int = 1) -> Model:
    """Views of views, each of which is read besides, by equal operators and by one that isn't."""
    b = Builder()
    x = b.input((4, 4), quant=(0.05, 3))
    for number in range(count):
        shape = [(16,), (2, 8), (4, 4), (1, 16)][number % 4]
        x = b.op(OpCode.RESHAPE, [x, b.constant(shape)], shape, options=ReshapeOptions(shape))
        read = [b.op(OpCode.LOGISTIC, [x], shape, quant=(1 / 256, -128)) for _ in range(twins)]
        read.append(b.op(OpCode.TANH, [x], shape, quant=(1 / 128, 0)))
        for value in read:
            b.output(b.op(OpCode.RELU, [value], shape, quant=(0.004, -128)))
    if count % 2:
        b.output(x)
    return b.model


@pytest.mark.long
@pytest.mark.parametrize("goal", Goal)
@pytest.mark.parametrize("count", [4, 9])
def test_it_follows_views_of_one_root(goal: Goal, count: int, tried: list[int]) -> None:
    run_pipeline(views_of_each_other(count, twins=2), config=Config(goal=goal))
    assert tried[0] > count


def test_a_root_is_not_looked_through_for_each_of_its_views(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A form of what reads one view can't change which values share its bytes."""
    seen, weighed, see, peak_after = [0], [0], live.Lives.see, Timeline.peak_after

    def counted(self: live.Lives[object], value: Value, end: object) -> None:
        seen[0] += 1
        see(self, value, end)

    def noted(line: Timeline, change: Change) -> int:
        weighed[0] += 1
        return peak_after(line, change)

    monkeypatch.setattr(live.Lives, "see", counted)
    monkeypatch.setattr(Timeline, "peak_after", noted)
    for_each = []
    for count in (8, 24):
        seen[0] = weighed[0] = 0
        run_pipeline(views_of_each_other(count))
        for_each.append(seen[0] / weighed[0])
    assert for_each[1] < 1.3 * for_each[0]
