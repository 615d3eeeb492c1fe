"""Runs models for :mod:`tests.support.runtime`: one child for the whole session."""

from __future__ import annotations

import os
import pickle
import sys
from unittest import mock

import numpy as np
import numpy.typing as npt

from tflopt.io import read_bytes
from tflopt.run.runner import arena_guess
from tflopt.run.worker import Engine, TflmEngine, make_engine

Sample = list[npt.NDArray[np.generic]]


def size_of(data: bytes) -> tuple[int, int]:
    """Arena bytes that surely do, and the number of outputs."""
    model = read_bytes(data)
    return arena_guess(model) + len(data), len(model.main.outputs)


def make_plain(job: dict[str, object], data: bytes) -> Engine:
    """TFLM with a model without resource variables.

    To count them the package parses the whole file in Python, which takes longer than all else.
    """
    from tflite_micro.python.tflite_micro import runtime

    with mock.patch.object(runtime, "count_resource_variables", return_value=0):
        return make_engine(job, data, preserve=False)


def step(engine: Engine, sample: Sample | None) -> Sample:
    """One invocation, or None: TFLM's interpreter is reset."""
    if sample is not None:
        return engine.run(list(sample))
    assert isinstance(engine, TflmEngine)
    engine.interpreter.reset()
    return []


def main() -> None:
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # runtimes print to stdout
    while True:
        try:
            runner, data, samples, size = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        arena_bytes, outputs = size or size_of(data)
        job: dict[str, object] = {"runner": runner, "arena_bytes": arena_bytes, "outputs": outputs}
        try:
            engine = (
                make_engine(job, data, preserve=False) if size is None else make_plain(job, data)
            )
            answer: object = [step(engine, sample) for sample in samples]
        except (RuntimeError, ValueError) as error:
            answer = str(error)
        pickle.dump(answer, answers)
        answers.flush()


if __name__ == "__main__":
    main()
