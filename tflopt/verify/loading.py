"""Whether LiteRT loads what was written: TFLM checks less, so its verdict does not tell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tflopt.errors import MismatchError, RunnerError
from tflopt.run.runner import HostRunner, MissingOpError, Run, Work, available
from tflopt.verify.compare import Candidate, Verification

LITERT = "litert"


def with_loading(
    verify: Callable[[], Verification], original: Candidate, optimized: Candidate
) -> Verification:
    """The verdict of ``verify``, turned to ``different`` where LiteRT loads the original only.

    LiteRT loads ``optimized`` (all of its Prepare functions run, nothing is invoked) while
    ``verify`` is at work. Where it isn't installed, or refuses the original too, the verdict
    stays as it is.
    """
    if not available(LITERT):
        return verify()
    with _start(optimized) as run:
        verdict = verify()
        if verdict.mismatch is not None or verdict.runner == LITERT:
            return verdict
        reason = _refusal(run)
    if not reason:
        return verdict
    with _start(original) as run:
        if _refusal(run):
            return verdict
    mismatch = MismatchError(
        f"LiteRT loads the original, but not the optimized model: {reason} "
        "(--runtime tflm writes for TFLM alone)",
        (),
        0,
        0.0,
        LITERT,
    )
    return replace(verdict, status="different", mismatch=mismatch)


def _start(candidate: Candidate) -> Run:
    return HostRunner(LITERT).start(Work(candidate.model, candidate.data, []))


def _refusal(run: Run) -> str:
    """Why the model isn't loaded, "" where it is."""
    try:
        run.outcome()
    except MissingOpError as missing:
        return f"it lacks operator {missing.op}"
    except RunnerError as error:
        return error.reason
    return ""
