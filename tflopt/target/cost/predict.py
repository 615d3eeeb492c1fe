"""Predictions: a layer and a device in, instructions and how far to trust them out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from tflopt.facts.work import macs
from tflopt.ir import Model, Op
from tflopt.target.cost.calls import call_instructions
from tflopt.target.cost.copies import Features
from tflopt.target.cost.features import features_of
from tflopt.target.cost.features_data import extremes
from tflopt.target.cost.runs import NEVER, ONCE, Runs, calls_of, runs_of
from tflopt.target.cost.spec import LayerSpec, describe, detached
from tflopt.target.cost.tables import Fit, Table, table_for
from tflopt.target.device import Device
from tflopt.target.kernels import kernel_use

CALL_COST, BYTE_COST, MAC_COST = 300.0, 12.0, 10.0
"""What a kernel without a row is taken to cost for the call, for each byte that it reads or writes
and for each multiply-accumulate: the middle of TFLM's own loops."""


INVOKE_OVERHEAD, OPERATOR_OVERHEAD = 80, 100
"""What the interpreter adds to an invocation and to each operator, as measured on Cortex-M4 and
Cortex-M55: the difference of a whole invocation and its operators."""


class Basis(Enum):
    """Where a prediction comes from.

    MEASURED is a fit to measurements of this kernel on this ISA, ESTIMATED the bytes and products
    of a known kernel without measurements, UNKNOWN the same for a kernel nobody knows.
    """

    MEASURED = "measured"
    ESTIMATED = "estimated"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Prediction:
    """Instructions of one run of one layer.

    Attributes:
        least: with the data for which the kernel does least; that of ``instructions`` is usual.
        most: with the data for which it does most.
        kernel: the function that runs, as ``inspect`` names it.
        row: the row of the table that was used, empty without one.
        table: the core whose table was used.
    """

    instructions: int
    basis: Basis
    kernel: str
    row: str
    table: str
    least: int
    most: int


@dataclass(frozen=True)
class OpPrediction:
    """One operator of a model with its prediction, which is for one run.

    Attributes:
        runs: how often one inference runs it, other than the first.
    """

    subgraph: int
    index: int
    op: Op
    prediction: Prediction
    runs: Runs = ONCE

    @property
    def instructions(self) -> int:
        """In one inference."""
        return self.runs.usual * self.prediction.instructions


@dataclass(frozen=True)
class ModelPrediction:
    """Every operator of a model, as often as one inference runs it.

    What runs in the first inference only (CALL_ONCE) is in ``first_instructions``.
    """

    rows: tuple[OpPrediction, ...]

    @property
    def instructions(self) -> int:
        """One inference: the operators and the interpreter around them."""
        runs = sum(row.runs.usual for row in self.rows)
        return INVOKE_OVERHEAD + OPERATOR_OVERHEAD * runs + self.kernel_instructions

    @property
    def least_instructions(self) -> int:
        """The same with the data and the branches for which the model does least."""
        costs = (row.runs.least * (OPERATOR_OVERHEAD + row.prediction.least) for row in self.rows)
        return INVOKE_OVERHEAD + sum(costs)

    @property
    def most_instructions(self) -> int | None:
        """The same for which it does most, None where a loop's length follows from data."""
        total = INVOKE_OVERHEAD
        for row in self.rows:
            if row.runs.most is None:
                return None
            total += row.runs.most * (OPERATOR_OVERHEAD + row.prediction.most)
        return total

    @property
    def first_instructions(self) -> int:
        """What the first inference takes beyond each later one."""
        rows = [row for row in self.rows if row.runs == NEVER]
        return sum(OPERATOR_OVERHEAD + row.prediction.instructions for row in rows)

    def with_calls(self, row: OpPrediction) -> int:
        """One run of an operator with the subgraphs that it calls, each added up once."""
        return self._with_calls(row, {})

    def _with_calls(self, row: OpPrediction, known: dict[int, int]) -> int:
        total = row.prediction.instructions
        for index, runs in calls_of(row.op):
            if index not in known:
                known[index] = 0  # for a call that leads back here
                called = [inner for inner in self.rows if inner.subgraph == index]
                known[index] = sum(OPERATOR_OVERHEAD + self._with_calls(op, known) for op in called)
            total += runs.usual * known[index]
        return total

    @property
    def kernel_instructions(self) -> int:
        """The operators alone."""
        return sum(row.instructions for row in self.rows)

    @property
    def measured_share(self) -> float:
        """The part of the operators that rests on measurements, 1.0 for an empty model."""
        rows = [row for row in self.rows if row.prediction.basis is Basis.MEASURED]
        measured = sum(row.instructions for row in rows)
        return measured / self.kernel_instructions if self.kernel_instructions else 1.0


def predict_instructions(op: Op, device: Device) -> Prediction:
    """What one run of ``op`` costs on ``device``; never raises for a model that could be read."""
    return predict_layer(describe(op), device)


def predict_layer(spec: LayerSpec, device: Device, table: Table | None = None) -> Prediction:
    """What one run of a described layer costs, without a model that contains it."""
    if table is not None:
        return _predict(spec, device, table)
    return _predict_cached(spec, device)


def predict_model(model: Model, device: Device, table: Table | None = None) -> ModelPrediction:
    """Every operator of every subgraph, with how often it runs.

    ``table`` replaces the one that belongs to the device.
    """
    return ModelPrediction(
        tuple(
            OpPrediction(subgraph, index, op, predict_layer(describe(op), device, table), runs)
            for subgraph, (graph, runs) in enumerate(zip(model.graphs, runs_of(model), strict=True))
            for index, op in enumerate(graph.ops)
        )
    )


@lru_cache(maxsize=4096)
def _predict_cached(spec: LayerSpec, device: Device) -> Prediction:
    return _predict(spec, device, table_for(device.target))


def _predict(spec: LayerSpec, device: Device, table: Table) -> Prediction:
    op = detached(spec)
    use = kernel_use(op, device)
    call = call_instructions(spec)
    foreign = not device.is_confirmed
    if call is not None:
        basis = Basis.ESTIMATED if foreign else Basis.MEASURED
        return Prediction(call, basis, use.function, "", table.core, call, call)
    measured = None if foreign else features_of(spec, op, use, device.target.isa)
    fit = None if measured is None else table.rows.get(measured[0])
    if measured is None or fit is None:
        known = use.scratch_bytes is not None
        basis = Basis.ESTIMATED if known else Basis.UNKNOWN
        count = round(CALL_COST + BYTE_COST * spec.moved_bytes + MAC_COST * macs(op))
        return Prediction(count, basis, use.function, "", table.core, count, count)
    row, features = measured
    least, most = (_evaluate(fit, features | extreme) for extreme in extremes(spec, features))
    usual = _evaluate(fit, features)
    return Prediction(usual, Basis.MEASURED, use.function, row, table.core, least, most)


def _evaluate(fit: Fit, features: Features) -> int:
    return round(sum(cost * features.get(name, 0.0) for name, cost in fit.coefficients.items()))
