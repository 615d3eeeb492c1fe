"""Predictions: a layer and a device in, instructions and how far to trust them out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from tflopt.facts.work import macs
from tflopt.ir import Model, Op
from tflopt.target.cost.features import features_of
from tflopt.target.cost.spec import LayerSpec, describe, detached
from tflopt.target.cost.tables import Table, table_for
from tflopt.target.kernels import kernel_use
from tflopt.target.memory import Device

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
        kernel: the function that runs, as ``inspect`` names it.
        row: the row of the table that was used, empty without one.
        table: the core whose table was used.
    """

    instructions: int
    basis: Basis
    kernel: str
    row: str
    table: str


@dataclass(frozen=True)
class OpPrediction:
    """One operator of a model with its prediction."""

    subgraph: int
    index: int
    op: Op
    prediction: Prediction


@dataclass(frozen=True)
class ModelPrediction:
    """Every operator of a model, each counted once."""

    rows: tuple[OpPrediction, ...]

    @property
    def instructions(self) -> int:
        """One invocation: the operators and the interpreter around them."""
        return INVOKE_OVERHEAD + OPERATOR_OVERHEAD * len(self.rows) + self.kernel_instructions

    @property
    def kernel_instructions(self) -> int:
        """The operators alone."""
        return sum(row.prediction.instructions for row in self.rows)

    @property
    def measured_share(self) -> float:
        """The part of the operators that rests on measurements, 1.0 for an empty model."""
        rows = [row.prediction for row in self.rows]
        measured = sum(p.instructions for p in rows if p.basis is Basis.MEASURED)
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
    """Every operator of every subgraph; the body of a loop counts once.

    ``table`` replaces the one that belongs to the device.
    """
    return ModelPrediction(
        tuple(
            OpPrediction(subgraph, index, op, predict_layer(describe(op), device, table))
            for subgraph, graph in enumerate(model.graphs)
            for index, op in enumerate(graph.ops)
        )
    )


@lru_cache(maxsize=4096)
def _predict_cached(spec: LayerSpec, device: Device) -> Prediction:
    return _predict(spec, device, table_for(device.target))


def _predict(spec: LayerSpec, device: Device, table: Table) -> Prediction:
    op = detached(spec)
    use = kernel_use(op, device.target, device.cmsis_nn)
    measured = features_of(spec, op, use, device.target.isa)
    fitted = None if measured is None else _evaluate(table, *measured)
    if fitted is not None and measured is not None:
        return Prediction(fitted, Basis.MEASURED, use.function, measured[0], table.core)
    known = use.scratch_bytes is not None
    basis = Basis.ESTIMATED if known else Basis.UNKNOWN
    count = round(CALL_COST + BYTE_COST * spec.moved_bytes + MAC_COST * macs(op))
    return Prediction(count, basis, use.function, "", table.core)


def _evaluate(table: Table, row: str, features: dict[str, float]) -> int | None:
    fit = table.rows.get(row)
    if fit is None:
        return None
    return round(sum(cost * features.get(name, 0.0) for name, cost in fit.coefficients.items()))
