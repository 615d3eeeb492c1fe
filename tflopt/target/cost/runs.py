"""How often each subgraph runs in one inference: branches, loops, and what runs only once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tflopt.facts.turns import trip_count
from tflopt.ir import Model, Op
from tflopt.ir.options import CallOnceOptions, IfOptions, WhileOptions


@dataclass(frozen=True)
class Runs:
    """How often a graph runs in one inference that isn't the first.

    Attributes:
        usual: what a prediction counts: a branch as taken, a loop of unknown length as one pass.
        least: with every branch that leads here left aside.
        most: None where a loop's length follows from data.
    """

    usual: int
    least: int
    most: int | None

    def times(self, inner: Runs) -> Runs:
        """Those of a graph that runs so often in each run of this one."""
        most = None
        if self.most is not None and inner.most is not None:
            most = self.most * inner.most
        return Runs(self.usual * inner.usual, self.least * inner.least, most)

    def plus(self, other: Runs) -> Runs:
        """Of a graph that is called from two places."""
        if self.most is None or other.most is None:
            return Runs(self.usual + other.usual, self.least + other.least, None)
        return Runs(self.usual + other.usual, self.least + other.least, self.most + other.most)


NEVER, ONCE, PERHAPS, OPEN = Runs(0, 0, 0), Runs(1, 1, 1), Runs(1, 0, 1), Runs(1, 0, None)


def runs_of(model: Model) -> list[Runs]:
    """For each subgraph; the first one runs once. A call that leads back to its graph is none.

    Each is looked at once, after all that call it, however many ways lead there.
    """
    runs = [NEVER] * len(model.graphs)
    calls: dict[int, list[tuple[int, Runs]]] = {}
    if runs:
        runs[0] = ONCE
        _look_up(model, 0, set(), calls)
    for index in reversed(calls):
        for inner, call_runs in calls[index]:
            runs[inner] = runs[inner].plus(runs[index].times(call_runs))
    return runs


def _look_up(
    model: Model, index: int, active: set[int], calls: dict[int, list[tuple[int, Runs]]]
) -> None:
    """Enter the calls of a graph behind those of all that it calls."""
    active.add(index)
    mine = [call for op in model.graphs[index].ops for call in calls_of(op)]
    mine = [call for call in mine if 0 <= call[0] < len(model.graphs) and call[0] not in active]
    for inner, _ in mine:
        if inner not in calls:
            _look_up(model, inner, active, calls)
    active.remove(index)
    calls[index] = mine


def calls_of(op: Op) -> Iterator[tuple[int, Runs]]:
    """The subgraphs that an operator calls, and how often in one run of it."""
    options = op.options
    if isinstance(options, CallOnceOptions):
        yield options.init_subgraph_index, NEVER
    elif isinstance(options, IfOptions):
        yield options.then_subgraph_index, PERHAPS
        yield options.else_subgraph_index, PERHAPS
    elif isinstance(options, WhileOptions):
        trips = trip_count(op)
        passes = OPEN if trips is None else Runs(trips, trips, trips)
        yield options.body_subgraph_index, passes
        yield options.cond_subgraph_index, passes.plus(ONCE)
