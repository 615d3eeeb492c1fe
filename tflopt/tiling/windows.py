"""Runs of operators that could be a segment, and what each takes in so many bands.

The head that a model needs is the most that any of its operators or segments needs, while tail and
instructions add up. So every run is measured alone, between the tensors that live across it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from tflopt.facts.windows import HEIGHT, WIDTH
from tflopt.ir import Value
from tflopt.plan.tflm_sizes import ARM32
from tflopt.tiling.apply import constant_key
from tflopt.tiling.bands import Memo, outputs_of
from tflopt.tiling.measure import Bench, Measure
from tflopt.tiling.needs import Around, Need, band_head, need_of, program_of
from tflopt.tiling.program import Control, Program
from tflopt.tiling.rows import NotTileableError, reads_of
from tflopt.tiling.segment import Edge, Halo, Segment, even_bounds
from tflopt.tiling.write import write_program

LONGEST = 14
"""Operators in one segment."""
COUNTS = (2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20)
"""Bands that are tried."""
MOST_PROGRAMS = 500
"""That are remembered."""
TRIES = 7
"""Counts that are tried from a guess on."""
HOT, SHORT = 0.7, 6
"""Which operators need much, as a part of what the largest needs; and what a short run is."""
MODES = tuple((halo, edge) for halo in Halo for edge in Edge)
Run = tuple[int, int]


@dataclass(frozen=True)
class Estimate:
    """A choice: its arena without the head, and the head of what is in no segment."""

    rest_bytes: int
    head_bytes: int
    instructions: int
    operators: int


@dataclass
class Windows:
    """All runs of a model's operators, measured when they are asked for."""

    bench: Bench
    plain: dict[int, Need] = field(default_factory=dict)
    banded: dict[Segment, Need | None] = field(default_factory=dict)
    programs: dict[Segment, Program | None] = field(default_factory=dict)
    """The last ones: a fit asks for the bands that it found once more."""
    memo: Memo = field(default_factory=Memo)
    arounds: dict[Run, Around] = field(default_factory=dict)
    heads_without: dict[tuple[Run, ...], int] = field(default_factory=dict)
    """What operators outside of some runs need."""
    band_heads: dict[tuple[Segment, int], tuple[int | None, int]] = field(default_factory=dict)
    """Of one band, with how many steps the segment had."""

    @cached_property
    def _lives(self) -> dict[Value, tuple[int, int]]:
        """From which operator to which every tensor lives; ports from -1 or to the end."""
        graph = self.bench.model.main
        spans: dict[Value, tuple[int, int]] = dict.fromkeys(graph.inputs, (-1, -1))
        for index, op in enumerate(graph.ops):
            for value in op.outputs:
                spans[value] = (index, index)
            for source in op.inputs:
                if source in spans:
                    spans[source] = (spans[source][0], index)
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
                outputs = outputs_of(run)
                if any(self._is_near(value, first) for value in outputs[:-1]):
                    continue
                inside = {op.output for op in run}
                outside = [v for op in run for v in op.inputs if v in self._lives]
                ends = [*(v for v in outside if v not in inside), *outputs]
                yield (first, last), max(v.size_bytes or 0 for v in ends)

    def _is_near(self, value: Value, first: int) -> bool:
        """Whether a run from ``first`` on could have all readers of a value."""
        return not value.is_graph_output and self._lives[value][1] < first + LONGEST

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
        reasons = {index: self._refusal(index) for index in range(len(self.bench.model.main.ops))}
        return {index: reason for index, reason in reasons.items() if reason is not None}

    def axis(self, index: int) -> int:
        """Along which axis an operator's output would be cut."""
        shape = self.bench.model.main.ops[index].output.shape
        return WIDTH if len(shape) > WIDTH and shape[HEIGHT] == 1 else HEIGHT

    @cached_property
    def hottest(self) -> tuple[tuple[Run, int], ...]:
        """Runs with one of the operators that need the most memory, and few others."""
        heads = [self.op(index).head_bytes for index in range(self.count)]
        limit = HOT * max(heads)
        short = [run for run in self.runs if run[0][1] - run[0][0] < SHORT]
        hot = [run for run in short if max(heads[run[0][0] : run[0][1] + 1]) >= limit]
        return tuple(hot) or self.runs

    @property
    def count(self) -> int:
        """How many operators the model has."""
        return len(self.bench.model.main.ops)

    def rows(self, index: int) -> int:
        """How many rows an operator's output has; 0 for none."""
        shape, axis = self.bench.model.main.ops[index].output.shape, self.axis(index)
        return shape[axis] if len(shape) > axis else 0

    def moved(self, segment: Segment, first: int, last: int) -> Segment | None:
        """A segment with other operators, in as many bands; None where there is no such run."""
        if not 0 <= first <= last < self.count:
            return None
        size = self.rows(last)
        moved = segment.moved(first, last, size) if size > 1 else segment
        return moved if size > 1 and moved.count > 1 else None

    def halved(self, first: int, last: int) -> Segment | None:
        """A run in two bands; None where it has one row."""
        bounds = even_bounds(self.rows(last), 2)
        return Segment(first, last, bounds, self.axis(last)) if len(bounds) > 2 else None

    def op(self, index: int) -> Need:
        """What an operator needs as it is."""
        if index not in self.plain:
            op = self.bench.model.main.ops[index]
            around = self.around(index, index)
            self.plain[index] = need_of(program_of(op), around, self.bench.book)
        return self.plain[index]

    def whole(self, first: int, last: int) -> Need:
        """What a run adds up to as it is."""
        needs = [self.op(index) for index in range(first, last + 1)]
        head = max(need.head_bytes for need in needs)
        tail = sum(need.tail_bytes for need in needs)
        return Need(head, tail, sum(need.instructions for need in needs), len(needs))

    @cached_property
    def _plain_arena(self) -> Measure:
        bound = self.bench.measure(())
        assert bound is not None
        return bound

    def head(self, segments: Sequence[Segment]) -> int | None:
        """A head that no plan of a choice can be below; None where a segment can't be cut."""
        needs = [self.segment(segment) for segment in segments]
        heads = [need.head_bytes for need in needs if need is not None]
        if len(heads) < len(needs):
            return None
        return max([*heads, self.head_without(segments)])

    def head_without(self, segments: Sequence[Segment]) -> int:
        """What the operators outside of some segments need."""
        runs = tuple((segment.first, segment.last) for segment in segments)
        if runs not in self.heads_without:
            inside = {index for first, last in runs for index in range(first, last + 1)}
            others = (index for index in range(self.count) if index not in inside)
            self.heads_without[runs] = max((self.op(i).head_bytes for i in others), default=0)
        return self.heads_without[runs]

    def estimate(self, segments: Sequence[Segment]) -> Estimate | None:
        """What a choice takes but for its head; None where one of the segments can't be cut.

        All but exact: the tail's alignment aside.
        """
        base, plain = self._plain_arena, self.head_without(())
        tail = work = operators = 0
        controls = set[Control]()
        for segment in segments:
            need = self.segment(segment)
            if need is None:
                return None
            old = self.whole(segment.first, segment.last)
            tail += need.tail_bytes - old.tail_bytes
            work += need.instructions - old.instructions
            operators += need.operators - old.operators
            controls |= need.controls
        tail += ARM32.eval_tensor * len(controls - self._plain_controls)
        return Estimate(
            base.arena_bytes - plain + tail,
            self.head_without(segments),
            base.instructions + work,
            base.operators + operators,
        )

    @cached_property
    def _plain_controls(self) -> set[Control]:
        """Small constants that the model has anyway."""
        values = self.bench.model.main.values
        return {
            Control(value.shape, value.ints() or ())
            for value in values
            if constant_key(value) is not None
        }

    def segment(self, segment: Segment) -> Need | None:
        """What a segment needs in its bands, None where it can't be cut so."""
        if segment not in self.banded:
            self.banded[segment] = self._measured(segment)
        return self.banded[segment]

    def _measured(self, segment: Segment) -> Need | None:
        program = self.program(segment)
        if program is None:
            return None
        return need_of(program, self.around(segment.first, segment.last), self.bench.book)

    def program(self, segment: Segment) -> Program | None:
        """The steps of a segment in its bands, counted as measured; None where it can't be cut."""
        if segment in self.programs:
            program = self.programs[segment]
        else:
            ops = self.bench.model.main.ops[segment.first : segment.last + 1]
            try:
                program = write_program(ops, segment, self.memo)
            except NotTileableError:
                program = None
            if len(self.programs) >= MOST_PROGRAMS:
                del self.programs[next(iter(self.programs))]
            self.programs[segment] = program
        if program is not None:
            self.bench.count(len(program.steps))
        return program

    def band_head(self, segment: Segment, band: int) -> int | None:
        """A head that one band can't be below; None where the segment can't be cut.

        Fitting asks for the same bands at many heads. What is known counts as measured again, so
        that the effort of a search follows from the model alone.
        """
        key = segment, band
        if key in self.band_heads:
            head, steps = self.band_heads[key]
            if steps:
                self.bench.count(steps)
            return head
        program = self.program(segment)
        head = None
        if program is not None:
            head = band_head(
                program, band, self.around(segment.first, segment.last), self.bench.book
            )
        self.band_heads[key] = head, 0 if program is None else len(program.steps)
        return head

    def around(self, first: int, last: int) -> Around:
        """What lives before a run, and what lives after it."""
        if (first, last) not in self.arounds:
            lives = self._lives.items()
            before = [value for value, (start, end) in lives if start < first <= end]
            after = [value for value, (start, end) in lives if start <= last < end]
            self.arounds[first, last] = Around(before, after)
        return self.arounds[first, last]

    def options(self, run: Run, head_bytes: int, most: int) -> Iterator[Segment]:
        """For each mode the fewest bands that need no more than so much head and instructions."""
        first, last = run
        axis, size = self.axis(last), self.rows(last)
        counts = [count for count in COUNTS if count <= size]
        guess = self.whole(first, last).head_bytes / head_bytes
        start = min(bisect_left(counts, guess), max(0, len(counts) - 1))
        for halo, edge in MODES:
            row = [Segment(first, last, even_bounds(size, n), axis, halo, edge) for n in counts]
            fewest = self._fewest(row, start, head_bytes, most)
            if fewest is not None:
                yield fewest

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
