"""Runs models for :mod:`tests.support.runtime`: one child for the whole session."""

from __future__ import annotations

import os
import pickle
import sys

from tflopt.check.runner import arena_guess
from tflopt.check.worker import make_engine
from tflopt.io import read_bytes


def main() -> None:
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # runtimes print to stdout
    while True:
        try:
            runner, data, samples = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        model = read_bytes(data)
        job: dict[str, object] = {
            "runner": runner,
            "arena_bytes": arena_guess(model) + len(data),
            "outputs": len(model.main.outputs),
        }
        try:
            engine = make_engine(job, data, preserve=False)
            answer: object = [engine.run(list(sample)) for sample in samples]
        except (RuntimeError, ValueError) as error:
            answer = str(error)
        pickle.dump(answer, answers)
        answers.flush()


if __name__ == "__main__":
    main()
