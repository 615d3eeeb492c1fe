"""Which channels never changed on inputs that the user has: information, no proof."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from tflopt.errors import RunnerError, UsageError
from tflopt.io import write_bytes
from tflopt.io.beside import MOST_ARRAY_BYTES, arrays_of, bytes_beside
from tflopt.ir import Model, Value
from tflopt.run.runner import HostRunner, MissingOpError, Work, available
from tflopt.run.samples import Array, Sample
from tflopt.texts import counted
from tflopt.verify.compare import Candidate, without_plan

MOST_SAMPLES = 256
"""A file may hold any number; these are enough to see what moves."""


def read_inputs(path: Path, model: Model) -> list[Sample]:
    """Samples out of an ``.npz`` file: for each input of the model an array under its name, or
    ``input0``, ``input1``..., of the input's shape or with samples along one more axis in front.

    Raises:
        UsageError: the file can't be read, or an array doesn't fit.
    """
    data = bytes_beside(path, MOST_ARRAY_BYTES)
    try:
        arrays = arrays_of(data)
    except ValueError as error:
        raise UsageError(f"{path} can't be read as .npz: {error}") from None
    columns = [_samples(arrays, number, value) for number, value in enumerate(model.main.inputs)]
    counts = {len(column) for column in columns}
    if len(counts) != 1:
        raise UsageError(f"{path}: the inputs have different numbers of samples: {sorted(counts)}")
    return [list(row) for row in zip(*columns, strict=True)][:MOST_SAMPLES]


def _samples(arrays: dict[str, Array], number: int, value: Value) -> list[Array]:
    names = [name for name in (value.name, f"input{number}") if name in arrays]
    if not names:
        known = ", ".join(sorted(arrays)) or "nothing"
        raise UsageError(f"no array for input {number} ({value.name}); the file has {known}")
    array, dtype = arrays[names[0]], value.dtype.numpy
    if array.shape[-len(value.shape) :] != value.shape and array.shape[1:] != value.shape[1:]:
        raise UsageError(f"{names[0]} has the shape {list(array.shape)}, not {list(value.shape)}")
    if array.dtype != dtype:
        raise UsageError(f"{names[0]} holds {array.dtype}, the input takes {dtype}")
    size = value.elements
    if not size or array.size % size:
        raise UsageError(
            f"{names[0]} has {counted(array.size, 'element')}, no multiple of {size:,}"
        )
    return list(array.reshape(-1, *value.shape))


def unchanging_channels(
    model: Model, samples: list[Sample], values: list[Value]
) -> dict[Value, npt.NDArray[np.bool_]]:
    """For each value the channels, along its last axis, that had one number on all samples.

    Raises:
        RunnerError: no runner is installed, or the model can't be run with all tensors kept.
    """
    names = [name for name in ("tflm", "litert") if available(name)]
    if not names:
        raise RunnerError("auto", "--inputs runs the model: pip install 'tflopt[verify]'")
    if not values or not samples:
        return {}
    candidate = without_plan(Candidate(model, write_bytes(model)))
    place = {value: index for index, value in enumerate(model.main.values)}
    tensors = [place[value] for value in values]
    work = Work(candidate.model, candidate.data, samples, tensors, keeps=True)
    with HostRunner(names[0]).start(work) as run:
        try:
            outcome = run.outcome()
        except MissingOpError as missing:
            raise RunnerError(names[0], f"it has no operator {missing.op}") from None
    masks = {}
    for number, value in enumerate(values):
        rows = np.concatenate(
            [np.asarray(sample[number]).reshape(-1, value.shape[-1]) for sample in outcome.tensors]
        )
        masks[value] = np.asarray((rows == rows[0]).all(axis=0))
    return masks
