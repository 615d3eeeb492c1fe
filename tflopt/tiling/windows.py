"""Runs of operators that could be a segment, and what each takes in so many bands.

The head that a model needs is the most that any of its operators or segments needs, while tail and
instructions add up. So every run is measured alone, between the tensors that live across it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from tflopt.ir import Op, Value
from tflopt.plan.offline import head_lower_bound
from tflopt.plan.tflm_sizes import ARM32
from tflopt.tiling.bands import check_run
from tflopt.tiling.measure import Bench, Draft, Measure
from tflopt.tiling.rows import NotTileableError, reads_of
from tflopt.tiling.segment import HEIGHT, WIDTH, Edge, Halo, Segment, even_bounds

LONGEST = 14
"""Operators in one segment."""
COUNTS = (2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20)
"""Bands that are tried."""
TRIES = 7
"""Counts that are tried from a guess on."""
HOT, SHORT = 0.7, 6
"""Which operators need much, as a part of what the largest needs; and what a short run is."""
MODES = tuple((halo, edge) for halo in Halo for edge in Edge)
Run = tuple[int, int]


@dataclass(frozen=True)
class Need:
    """What some operators need: ``head_bytes`` no plan can be below, the rest adds up."""

    head_bytes: int
    tail_bytes: int
    instructions: int


@dataclass
class Windows:
    """All runs of a model's operators, measured when they are asked for."""

    bench: Bench
    plain: dict[int, Need] = field(default_factory=dict)
    banded: dict[Segment, Need | None] = field(default_factory=dict)

    @cached_property
    def _lives(self) -> dict[Value, tuple[int, int]]:
        """From which operator to which every tensor lives; ports from -1 or to the end."""
        graph = self.bench.model.main
        spans: dict[Value, tuple[int, int]] = dict.fromkeys(graph.inputs, (-1, -1))
        for index, op in enumerate(graph.ops):
            for value in op.outputs:
                spans[value] = (index, index)
            for each in op.inputs:
                if each in spans:
                    spans[each] = (spans[each][0], index)
        keeps = self.bench.book.request.offline.preserve_inputs
        for value in (*graph.outputs, *(graph.inputs if keeps else ())):
            spans[value] = (spans[value][0], len(graph.ops))
        return spans

    @cached_property
    def runs(self) -> tuple[tuple[Run, int], ...]:
        """Runs that can be cut, with the largest tensor at either end in bytes."""
        return tuple(self._find_runs())

    def _find_runs(self) -> Iterator[tuple[Run, int]]:
        ops = self.bench.model.main.ops
        for first in range(len(ops)):
            for last in range(first, min(len(ops), first + LONGEST)):
                if self._refusal(last) is not None:
                    break
                run = ops[first : last + 1]
                try:
                    check_run(run)
                except NotTileableError:
                    continue
                inside = {op.output for op in run}
                outside = [v for op in run for v in op.inputs if v in self._lives]
                ends = [*(v for v in outside if v not in inside), run[-1].output]
                yield (first, last), max(v.size_bytes or 0 for v in ends)

    def _refusal(self, index: int) -> str | None:
        """Why an operator can't be in a segment."""
        op = self.bench.model.main.ops[index]
        axis = self.axis(index)
        try:
            reads_of(op, axis, (0, op.output.shape[axis] if len(op.output.shape) > axis else 1))
        except NotTileableError as error:
            return error.reason
        return None

    def refusals(self) -> dict[int, str]:
        """Why operators can't be in a segment, by their index."""
        found = {index: self._refusal(index) for index in range(len(self.bench.model.main.ops))}
        return {index: reason for index, reason in found.items() if reason is not None}

    def axis(self, index: int) -> int:
        """Along which axis an operator's output would be cut."""
        shape = self.bench.model.main.ops[index].output.shape
        return WIDTH if len(shape) > WIDTH and shape[HEIGHT] == 1 else HEIGHT

    @cached_property
    def hottest(self) -> tuple[tuple[Run, int], ...]:
        """Runs with one of the operators that need the most memory, and few others."""
        heads = [self.op(index).head_bytes for index in range(self.count)]
        limit = HOT * max(heads)
        short = [each for each in self.runs if each[0][1] - each[0][0] < SHORT]
        hot = [each for each in short if max(heads[each[0][0] : each[0][1] + 1]) >= limit]
        return tuple(hot) or self.runs

    @property
    def count(self) -> int:
        """How many operators the model has."""
        return len(self.bench.model.main.ops)

    def rows(self, index: int) -> int:
        """How many rows an operator's output has; 0 for none."""
        shape, axis = self.bench.model.main.ops[index].output.shape, self.axis(index)
        return shape[axis] if len(shape) > axis else 0

    def op(self, index: int) -> Need:
        """What an operator needs as it is."""
        if index not in self.plain:
            op = self.bench.model.main.ops[index]
            self.plain[index] = self._need(self._draft(index, index, [op], {}))
        return self.plain[index]

    def whole(self, first: int, last: int) -> Need:
        """What a run adds up to as it is."""
        needs = [self.op(index) for index in range(first, last + 1)]
        head = max(need.head_bytes for need in needs)
        tail = sum(need.tail_bytes for need in needs)
        return Need(head, tail, sum(need.instructions for need in needs))

    @cached_property
    def _plain_arena(self) -> Measure:
        bound = self.bench.measure(())
        assert bound is not None
        return bound

    def estimate(self, segments: Sequence[Segment]) -> Measure | None:
        """What a choice takes at least, from its segments alone; None where one can't be cut.

        All but exact: the tail's alignment, and constants that segments share, aside.
        """
        heads = [self.op(index).head_bytes for index in range(self.count)]
        plain = max(heads)
        tail = work = 0
        for segment in segments:
            need = self.segment(segment)
            if need is None:
                return None
            old = self.whole(segment.first, segment.last)
            tail += need.tail_bytes - old.tail_bytes
            work += need.instructions - old.instructions
            heads[segment.first : segment.last + 1] = [0] * (segment.last + 1 - segment.first)
            heads[segment.first] = need.head_bytes
        base = self._plain_arena
        arena = base.arena_bytes + max(heads) - plain + tail
        return Measure(arena, base.instructions + work, base.operators)

    def segment(self, segment: Segment) -> Need | None:
        """What a segment needs in its bands, None where it can't be cut so."""
        if segment not in self.banded:
            sketch = self.bench.sketch(segment)
            need = None
            if sketch is not None:
                same = {copy: value for value, copy in sketch.stand_ins.items()}
                same |= {result: value for value, result in sketch.results.items()}
                draft = self._draft(segment.first, segment.last, sketch.graph.ops, same)
                self.bench.count(draft)
                need = self._need(draft)
            self.banded[segment] = need
        return self.banded[segment]

    def _draft(self, first: int, last: int, ops: list[Op], same: dict[Value, Value]) -> Draft:
        """The run alone: what lives before it is an input, what lives after it an output."""
        before, after = [], []
        for value, (start, end) in self._lives.items():
            if start < first <= end:
                before.append(value)
            if start <= last < end:
                after.append(value)
        return Draft(before, after, ops, same)

    def _need(self, draft: Draft) -> Need:
        book = self.bench.book
        head = head_lower_bound(draft.describe(book), draft.aliases(book))
        tensors = len(draft.values) - len({*draft.inputs})
        tail = ARM32.eval_tensor * tensors + sum(book.of(op).tail_bytes for op in draft.ops)
        return Need(head, tail, sum(book.of(op).instructions for op in draft.ops))

    def options(self, run: Run, head_bytes: int, most: int) -> Iterator[Segment]:
        """For each mode the fewest bands that need no more than so much head and instructions."""
        first, last = run
        axis, size = self.axis(last), self.rows(last)
        counts = [count for count in COUNTS if count <= size]
        guess = self.whole(first, last).head_bytes / head_bytes
        start = min(bisect_left(counts, guess), max(0, len(counts) - 1))
        for halo, edge in MODES:
            row = [Segment(first, last, even_bounds(size, n), axis, halo, edge) for n in counts]
            found = self._fewest(row, start, head_bytes, most)
            if found is not None:
                yield found

    def _fewest(self, row: list[Segment], start: int, head_bytes: int, most: int) -> Segment | None:
        """The first of ``row`` that fits, looked for from ``start`` on; more bands need less."""
        lowest: int | None = None
        for place in range(start, min(len(row), start + TRIES)):
            need = self.segment(row[place])
            if need is None or need.instructions > most:
                return None
            if need.head_bytes <= head_bytes:
                return self._fewer(row, place, head_bytes)
            if lowest is not None and need.head_bytes >= lowest:
                return None
            lowest = need.head_bytes
        return None

    def _fewer(self, row: list[Segment], place: int, head_bytes: int) -> Segment:
        """Down from one that fits to the last that does."""
        while place > 0:
            need = self.segment(row[place - 1])
            if need is None or need.head_bytes > head_bytes:
                break
            place -= 1
        return row[place]
