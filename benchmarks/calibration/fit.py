"""Nonnegative least squares in relative terms, and the errors on layers that were held out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tflopt.target.cost.tables import Fit

Vector = npt.NDArray[np.float64]
FLOOR = 400.0
"""Instructions below which an error counts as one in absolute terms: the timer's step is 40."""
HELD_OUT_EVERY = 4
DIGITS = 6


@dataclass(frozen=True)
class Sample:
    """One measured layer."""

    features: Mapping[str, float]
    instructions: float


def fit_row(samples: Sequence[Sample]) -> Fit:
    """Coefficients from three layers of four; the fourth ones say how wrong they are."""
    names = list(dict.fromkeys(name for sample in samples for name in sample.features))
    matrix = np.array([[s.features.get(name, 0.0) for name in names] for s in samples])
    measured = np.array([s.instructions for s in samples])
    held_out = np.arange(len(samples)) % HELD_OUT_EVERY == HELD_OUT_EVERY - 1
    costs = _fit(matrix[~held_out], measured[~held_out])
    errors = _errors(matrix[held_out] @ costs, measured[held_out])
    return Fit(
        coefficients={n: _rounded(c) for n, c in zip(names, costs, strict=True) if c > 0},
        layers=int((~held_out).sum()),
        held_out=int(held_out.sum()),
        median_error=round(float(np.median(errors)), 4),
        p90_error=round(float(np.quantile(errors, 0.9)), 4),
    )


def _fit(matrix: Vector, measured: Vector) -> Vector:
    weights = 1.0 / np.maximum(measured, FLOOR)
    scale = np.maximum(np.abs(matrix).max(axis=0), 1e-9)
    found = nonnegative_least_squares(matrix / scale * weights[:, None], measured * weights)
    return np.asarray(found / scale)


def _errors(predicted: Vector, measured: Vector) -> Vector:
    return np.asarray(np.abs(predicted - measured) / np.maximum(measured, FLOOR))


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")


def nonnegative_least_squares(matrix: Vector, target: Vector) -> Vector:
    """The x >= 0 that minimizes ``|matrix x - target|`` (Lawson and Hanson's active set)."""
    columns = matrix.shape[1]
    x = np.zeros(columns)
    active = np.zeros(columns, dtype=bool)
    for _ in range(10 * columns):
        gradient = matrix.T @ (target - matrix @ x)
        gradient[active] = -np.inf
        best = int(np.argmax(gradient))
        if gradient[best] <= 1e-9:
            break
        active[best] = True
        x = _inside(matrix, target, x, active)
    return x


def _inside(matrix: Vector, target: Vector, x: Vector, active: npt.NDArray[np.bool_]) -> Vector:
    """The least squares of the active columns, leaving out those that would turn negative."""
    while True:
        trial = np.zeros_like(x)
        trial[active] = np.linalg.lstsq(matrix[:, active], target, rcond=None)[0]
        negative = active & (trial <= 0)
        if not negative.any():
            return trial
        step = np.min(x[negative] / (x[negative] - trial[negative]))
        x = x + step * (trial - x)
        active &= x > 1e-12
