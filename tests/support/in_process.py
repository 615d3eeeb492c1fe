"""TFLM in this process: hundreds of runs without a process for each, and without its protection."""

from __future__ import annotations

from tflopt.errors import RunnerError
from tflopt.run.runner import TIME_LIMIT_S, Outcome, Work, arena_guess
from tflopt.run.worker import TflmEngine, digest


class InProcess:
    """A runner that is called ``tflm``; a model on which TFLM aborts ends this process."""

    name = "tflm"
    is_device = False

    def start(self, work: Work) -> _Run:
        """As the protocol says."""
        return _Run(work)


class _Run:
    def __init__(self, work: Work) -> None:
        self.work = work

    def outcome(self, time_limit_s: float = TIME_LIMIT_S) -> Outcome:
        """As the protocol says; nothing limits the time.

        Raises:
            RunnerError: TFLM refuses the model, or a kernel fails on an input.
        """
        try:
            return self._outcome()
        except RuntimeError as error:
            raise RunnerError(InProcess.name, "failed", str(error)) from error

    def _outcome(self) -> Outcome:
        work, found = self.work, Outcome([])
        arena = arena_guess(work.model) + len(work.data)
        engine = TflmEngine(work.data, arena, len(work.model.main.outputs), bool(work.tensors))
        for sample in work.samples:
            found.outputs.append(engine.run(list(sample)))
            tensors = [engine.tensor(index) for index in work.tensors]
            found.digests.append([digest(array) for array in tensors])
            found.tensors.extend([tensors] if work.keeps else [])
        return found

    def close(self) -> None:
        """Nothing is left behind."""

    def __enter__(self) -> _Run:
        return self

    def __exit__(self, *_: object) -> None:
        pass
