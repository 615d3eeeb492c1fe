"""Sums over operators in slots: as a plain list has them, whatever comes and goes."""

from __future__ import annotations

import random
from itertools import accumulate

import pytest

from tflopt.ir import OpCode
from tflopt.ir.builder import Builder
from tflopt.plan import slots
from tflopt.plan.live import Moment
from tflopt.plan.slots import FREE, Edit, Slots
from tflopt.plan.timeline import Change, Timeline, ends_of_gap

pytestmark = pytest.mark.unit


class Plain:
    """What is asked of the slots, by three lists and nothing else."""

    def __init__(self, count: int) -> None:
        self.fed = self.unread = 0
        self.starts, self.stops, self.extra = [0] * count, [0] * count, [FREE] * count

    def apply(self, edit: Edit) -> None:
        self.fed, self.unread = self.fed + edit.fed, self.unread + edit.unread
        for slot, grows in edit.starts.items():
            self.starts[slot] += grows
        for slot, grows in edit.stops.items():
            self.stops[slot] += grows
        for slot, extra in edit.extra.items():
            self.extra[slot] = extra

    @property
    def taken(self) -> list[int]:
        return [slot for slot, extra in enumerate(self.extra) if extra != FREE]

    def peak(self) -> int:
        """What is fed and never read lives at the first operator alone."""
        started, stopped = (list(accumulate(part)) for part in (self.starts, self.stops))
        alive = [
            self.fed - self.unread + started[i] - stopped[i] + self.stops[i] + self.extra[i]
            for i in self.taken
        ]
        if alive:
            alive[0] += self.unread
        return max(alive, default=0)


def random_edit(rng: random.Random, line: Plain) -> Edit:
    """Operators come and go with what starts and stops there; some bytes are fed."""
    edit = Edit()
    for slot in rng.sample(range(len(line.extra)), rng.choice([1, 3, 30])):
        if line.extra[slot] == FREE:
            edit.extra[slot] = rng.randrange(9)
            edit.add(slot, rng.randrange(5), ends=False)
            edit.add(slot, rng.randrange(5), ends=True)
        elif rng.random() < 0.5:
            edit.extra[slot] = FREE
            edit.add(slot, -line.starts[slot], ends=False)
            edit.add(slot, -line.stops[slot], ends=True)
    edit.add(float("-inf"), rng.randrange(3), ends=rng.random() < 0.5)
    edit.add(float("inf"), 7, ends=rng.random() < 0.5)
    return edit


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("operators", [1, 40, 300])
def test_the_peak_is_that_of_the_plain_sums(seed: int, operators: int) -> None:
    rng = random.Random(seed)
    line = Slots(operators)
    plain = Plain(line.count)
    assert line.peak(Edit()) == plain.peak() == 0
    for _ in range(60):
        edit = random_edit(rng, plain)
        peak = line.peak(edit)
        plain.apply(edit)
        line.apply(edit)
        assert peak == line.peak(Edit()) == plain.peak()


@pytest.mark.parametrize("rooms", [{0: 1}, {3: 2}, {10: 5}, {0: 40, 7: 3, 10: 100}])
def test_all_move_apart_and_nothing_else_changes(rooms: dict[int, int]) -> None:
    line, rng = Slots(10), random.Random(0)
    edit = Edit()
    for slot in line.first(10):
        edit.extra[slot] = rng.randrange(9)
        edit.add(slot, 5, ends=False)
        edit.add(slot, rng.randrange(5), ends=True)
    line.apply(edit)
    before = line.peak(Edit())
    moved = line.spread(list(line.first(10)), rooms)
    assert line.peak(Edit()) == before
    ends = [-1, *moved, line.count]
    for number, room in rooms.items():
        assert ends[number + 1] - ends[number] > room


@pytest.mark.parametrize("count", [250, 1000])
def test_a_change_adds_up_a_few_slots_however_many_operators_there_are(
    count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Readers of one value go, the last one first: each time another one is the last."""
    b = Builder()
    x = b.input((1, 64), quant=(0.1, 0))
    results = [b.op(OpCode.RELU, [x], (1, 64)) for _ in range(count)]
    b.output(*results)
    ops = list(b.graph.ops)
    moments = {op: Moment((x, op.output), 0) for op in ops}
    line = Timeline(b.graph.inputs, b.graph.outputs, moments)
    seen, added = [0], slots._added

    def counted(starts: slots.Sums, stops: slots.Sums, extra: slots.Sums) -> object:
        seen[0] += len(starts)
        return added(starts, stops, extra)

    monkeypatch.setattr(slots, "_added", counted)
    spreads, spread = [0], Slots.spread

    def noted(self: Slots, taken: list[int], rooms: dict[int, int]) -> list[int]:
        spreads[0] += 1
        return spread(self, taken, rooms)

    monkeypatch.setattr(Slots, "spread", noted)
    for number, op in enumerate(reversed(ops[1:])):
        assert line.ranked(x)[-1] is op
        outputs = results[: -1 - number]
        change = Change((op,), {}, {}, outputs)
        assert line.peak_after(change) == 64 * (count - number)
        line.apply(change)
    assert line.order == ops[:1]
    assert seen[0] <= 16 * slots.BLOCK * count
    assert spreads[0] == 0


def test_many_may_come_at_one_place() -> None:
    b = Builder()
    x = b.input((1, 64), quant=(0.1, 0))
    for _ in range(3):
        x = b.op(OpCode.RELU, [x], (1, 64))
    b.output(x)
    first, *_, last = ops = list(b.graph.ops)
    moments = {op: Moment((op.operand(0), op.output), 0) for op in ops}
    line = Timeline(b.graph.inputs, b.graph.outputs, moments)
    for _ in range(300):
        op = b.op(OpCode.RELU, [x], (1, 64)).producer
        assert op is not None
        order = line.order
        ends = ends_of_gap(order, order.index(last), lambda other: other is not last)
        assert ends == (order[-2], None)
        (room,) = line.rooms([(order[-2], last, 1)])
        line.apply(Change((), {op: room[0]}, {op: Moment((x, op.output), 0)}, b.graph.outputs))
        assert line.order == [*order[:-1], op, last]
    assert line.order[0] is first
