"""What a model takes with some segments in bands, without writing it.

Segments don't change each other: each is written once, in a sketch, and a candidate is the
operators of several sketches between those of the model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from tflopt.ir import Model, Op, Value
from tflopt.plan.costs import op_cost
from tflopt.plan.describe import describe_tensor
from tflopt.plan.lifetimes import GraphDesc, ModelDesc, OpDesc, TensorAlias, TensorRef
from tflopt.plan.offline import head_lower_bound, plan_offline
from tflopt.plan.tflm import OpCost, arena_use
from tflopt.rewrite.sketch import Sketch
from tflopt.target.cost.predict import INVOKE_OVERHEAD
from tflopt.tiling.apply import constant_key
from tflopt.tiling.costs import CostBook, tensors_of
from tflopt.tiling.draw import write_segment
from tflopt.tiling.rows import NotTileableError
from tflopt.tiling.segment import Segment

PLAN_WORK = 100
"""What a plan counts for, in measurements of the same model."""


@dataclass(frozen=True)
class Measure:
    """A candidate: ``arena_bytes`` is exact with its plan, else a lower bound."""

    arena_bytes: int
    instructions: int
    operators: int
    planned: bool = False


@dataclass
class Draft:
    """Operators in execution order, some in sketches; ``same`` says which value is which."""

    inputs: Sequence[Value]
    outputs: Sequence[Value]
    ops: Sequence[Op]
    same: Mapping[Value, Value]
    values: list[Value] = field(default_factory=list)
    index: dict[Value, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        known: dict[object, int] = {}
        ports = (*self.inputs, *self.outputs)
        for value in (*ports, *(value for op in self.ops for value in tensors_of(op))):
            if value in self.index:
                continue
            real = self.same.get(value, value)
            number = known.setdefault(constant_key(real) or real, len(self.values))
            if number == len(self.values):
                self.values.append(real)
            self.index[value] = number

    def describe(self, book: CostBook) -> ModelDesc:
        """What TFLM's allocator would see."""
        ops = [
            OpDesc(
                [-1 if value is None else self.index[value] for value in op.inputs],
                [self.index[value] for value in op.outputs],
                book.of(op).scratch_bytes,
            )
            for op in self.ops
        ]
        inputs, outputs = (
            [self.index[value] for value in side] for side in (self.inputs, self.outputs)
        )
        tensors = [describe_tensor(value) for value in self.values]
        return ModelDesc([GraphDesc(tensors, inputs, outputs, ops)])

    def costs(self, book: CostBook) -> list[OpCost]:
        """What every operator adds to the tail."""
        return [op_cost(op, book.of(op).kernel, self.index) for op in self.ops]

    def aliases(self, book: CostBook) -> list[TensorAlias]:
        """Which tensors may share bytes."""
        aliases = []
        for op in self.ops:
            places = [TensorRef(0, self.index[value]) for value in tensors_of(op)]
            for sharing in book.of(op).sharing:
                first, second = places[sharing.first], places[sharing.second]
                aliases.append(replace(sharing.alias, first=first, second=second))
        return aliases


@dataclass
class Bench:
    """Measures candidates of one model; the caches are shared by all of them."""

    model: Model
    book: CostBook
    sketches: dict[Segment, Sketch | None] = field(default_factory=dict)
    evaluations: int = 0
    work: int = 0
    """Measured operators; a plan counts as many measurements."""

    def sketch(self, segment: Segment) -> Sketch | None:
        """The segment in bands; None where it can't be, or only with a new defect."""
        if segment not in self.sketches:
            self.sketches[segment] = self._write(segment)
        return self.sketches[segment]

    def _write(self, segment: Segment) -> Sketch | None:
        ops = self.model.main.ops[segment.first : segment.last + 1]
        try:
            sketch = write_segment(ops, segment)
        except NotTileableError:
            return None
        known = {name for op in ops for name in self.book.hazards_of(op)}
        new = {name for op in sketch.graph.ops for name in self.book.hazards_of(op)}
        return sketch if new <= known else None

    def count(self, operators: int) -> None:
        """One more measurement was made, of so many operators."""
        self.evaluations += 1
        self.work += operators

    def draft(self, segments: Sequence[Segment]) -> Draft | None:
        """The model with these segments in bands; None where one can't be."""
        ops: list[Op] = []
        same: dict[Value, Value] = {}
        at = 0
        for segment in sorted(segments, key=lambda run: run.first):
            sketch = self.sketch(segment)
            if sketch is None or segment.first < at:
                return None
            same |= {copy: value for value, copy in sketch.stand_ins.items()}
            same |= {result: value for value, result in sketch.results.items()}
            ops += [*self.model.main.ops[at : segment.first], *sketch.graph.ops]
            at = segment.last + 1
        ops += self.model.main.ops[at:]
        graph = self.model.main
        return Draft(list(graph.inputs), list(graph.outputs), ops, same)

    def measure(self, segments: Sequence[Segment], effort: float = 0.0) -> Measure | None:
        """Arena and instructions; a plan is made with the effort, none for 0.

        None where a segment can't be computed in bands.
        """
        draft = self.draft(segments)
        if draft is None:
            return None
        self.count(len(draft.ops))
        book, costs = self.book, draft.costs(self.book)
        model, aliases = draft.describe(book), draft.aliases(book)
        options = book.request.offline
        work = INVOKE_OVERHEAD + sum(book.of(op).instructions for op in draft.ops)
        if effort:
            self.work += int(PLAN_WORK * effort * len(draft.ops))
            plan = replace(options, solve=replace(options.solve, effort=effort))
            head = plan_offline(model, aliases, plan, head_only=True).head_bytes
        else:
            head = head_lower_bound(model, aliases, options)
        arena = arena_use(model, [costs], head_bytes=head).minimum_bytes
        return Measure(arena, work, len(draft.ops), planned=effort > 0)
