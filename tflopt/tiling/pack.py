"""Plans of single segments, between what lives across them: small, and so quickly made.

A bound says what a head can't be below, a plan what it needs; the two differ by how well the
pieces of a segment fit into each other, which is much the same for segments that are cut alike.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tflopt.plan.solve import SolveOptions, solve
from tflopt.tiling.needs import lives_of, program_of
from tflopt.tiling.program import Program
from tflopt.tiling.segment import Edge, Halo, Segment
from tflopt.tiling.windows import Windows
from tflopt.tiling.write import write_program

EFFORTS, LOOSE, HOPELESS = (0.1, 0.5), 1.01, 1.05
"""Of the planner, the second where the first stays so much above the bound, and neither below what
is asked for nor so much above that."""
BESIDE = 2
"""Operators on either side of a segment that are planned with it: what they share must fit both."""
WORK = 4
"""What a plan counts for, in measurements of the same segment."""
Kind = tuple[int, int, Halo, Edge, int, bool]


@dataclass
class Packs:
    """The heads of segments, as planned where they are, else by what others are above the bound."""

    windows: Windows
    known: dict[Segment, int] = field(default_factory=dict)
    excess: dict[Kind, int] = field(default_factory=dict)
    """How far plans stayed above their bounds, at the least, for each kind of segment."""

    def head(self, segment: Segment) -> int:
        """The head of a segment that can be cut, as far as it is known."""
        if segment in self.known:
            return self.known[segment]
        need = self.windows.segment(segment)
        assert need is not None
        return need.head_bytes + self.excess.get(_kind(segment), 0)

    def plan(self, segment: Segment, target_bytes: int) -> int:
        """The head of a segment by a plan, more exactly where it is near what is wanted."""
        if segment not in self.known:
            head, bound = self._planned(segment, target_bytes)
            excess = head - bound
            self.known[segment] = head
            self.excess[_kind(segment)] = min(excess, self.excess.get(_kind(segment), excess))
        return self.known[segment]

    def _planned(self, segment: Segment, target_bytes: int) -> tuple[int, int]:
        windows, book = self.windows, self.windows.bench.book
        ops = windows.bench.model.main.ops
        need = windows.segment(segment)
        assert need is not None
        first, last = self._beside(segment, need.head_bytes)
        program = Program()
        for op in ops[first : segment.first]:
            program = program.then(program_of(op))
        run = ops[segment.first : segment.last + 1]
        program = program.then(write_program(run, segment, windows.memo))
        for op in ops[segment.last + 1 : last + 1]:
            program = program.then(program_of(op))
        windows.bench.count(WORK * len(program.steps))
        costs = [book.of_step(step) for step in program.steps]
        lives, _ = lives_of(program, costs, windows.around(first, last))
        problem = lives.problem([cost.scratch_bytes for cost in costs])
        seed = book.request.offline.solve.seed
        height = 0
        for effort in EFFORTS:
            height = solve(problem, SolveOptions(effort=effort, seed=seed)).height
            near = target_bytes < height <= HOPELESS * target_bytes
            if height <= LOOSE * need.head_bytes or not near:
                break
        return height, need.head_bytes

    def _beside(self, segment: Segment, head_bytes: int) -> tuple[int, int]:
        """The run with a few operators before and after it that need no more."""
        windows, first, last = self.windows, segment.first, segment.last
        while first > max(0, segment.first - BESIDE):
            if windows.op(first - 1).head_bytes > head_bytes:
                break
            first -= 1
        while last < min(windows.count - 1, segment.last + BESIDE):
            if windows.op(last + 1).head_bytes > head_bytes:
                break
            last += 1
        return first, last


def _kind(segment: Segment) -> Kind:
    return (
        segment.first,
        segment.last,
        segment.halo,
        segment.edge,
        segment.count,
        segment.backwards,
    )
