"""Plans of single segments, between what lives across them: small, and so quickly made.

A bound says what a head can't be below, a plan what it needs; the two differ by how well the
pieces of a segment fit into each other, which is much the same for segments that are cut alike.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tflopt.plan.solve import SolveOptions, solve
from tflopt.tiling.needs import lives_of
from tflopt.tiling.segment import Edge, Halo, Segment
from tflopt.tiling.windows import Windows
from tflopt.tiling.write import write_program

EFFORT = 0.1
WORK = 4
"""What a plan counts for, in measurements of the same segment."""
Kind = tuple[int, int, Halo, Edge, int]


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

    def plan(self, segment: Segment) -> int:
        """The head of a segment by a plan."""
        if segment not in self.known:
            head, bound = self._planned(segment)
            excess = head - bound
            self.known[segment] = head
            self.excess[_kind(segment)] = min(excess, self.excess.get(_kind(segment), excess))
        return self.known[segment]

    def _planned(self, segment: Segment) -> tuple[int, int]:
        windows = self.windows
        ops = windows.bench.model.main.ops[segment.first : segment.last + 1]
        program = write_program(ops, segment, windows.memo)
        windows.bench.count(WORK * len(program.steps))
        book = windows.bench.book
        costs = [book.of_step(step) for step in program.steps]
        lives, _ = lives_of(program, costs, windows.around(segment.first, segment.last))
        problem = lives.problem([cost.scratch_bytes for cost in costs])
        seed = book.request.offline.solve.seed
        return solve(problem, SolveOptions(effort=EFFORT, seed=seed)).height, lives.peak()


def _kind(segment: Segment) -> Kind:
    return segment.first, segment.last, segment.halo, segment.edge, segment.count
