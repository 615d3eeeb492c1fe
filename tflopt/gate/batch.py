"""Many models: each optimized in its own process, and one failure doesn't stop the rest."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tflopt.errors import EXIT_OK, EXIT_RUNNER, TfloptError, system_reason
from tflopt.io import write_all
from tflopt.io.files import load
from tflopt.product.files import results
from tflopt.product.growth import size_notes
from tflopt.product.optimize import Settings, optimize_file_bytes
from tflopt.product.pins import with_pins
from tflopt.report.json_report import report

Item = TypeVar("Item")
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Job:
    """One model to optimize and write."""

    source: Path
    output: Path
    settings: Settings


@dataclass(frozen=True)
class Outcome:
    """What became of a job: sizes where it succeeded, else the error and its exit code.

    ``grown`` are notes on what takes more than the original.
    """

    source: Path
    output: Path
    exit_code: int = EXIT_OK
    error: str = ""
    flash_bytes: tuple[int, int] | None = None
    arena_bytes: tuple[int, int] | None = None
    status: str = ""
    grown: tuple[str, ...] = ()
    report: dict[str, object] | None = None


def run_job(job: Job) -> Outcome:
    """Optimize, verify and write one model; whatever fails is part of the outcome."""
    try:
        original, data = load(job.source)
        settings = with_pins(job.settings, original)
        result = optimize_file_bytes(original, data, settings)
        write_all(results(result, settings, job.output))
    except TfloptError as error:
        return Outcome(job.source, job.output, error.exit_code, str(error))
    except (OSError, MemoryError, RecursionError) as error:
        return Outcome(job.source, job.output, EXIT_RUNNER, system_reason(error))
    except Exception as error:
        text = f"internal: {type(error).__name__}: {error}; please report it"
        return Outcome(job.source, job.output, EXIT_RUNNER, text)
    old, new = result.memory_before, result.memory_after
    verdict = result.verification
    return Outcome(
        source=job.source,
        output=job.output,
        flash_bytes=(result.before.file_bytes, result.after.file_bytes),
        arena_bytes=None
        if old is None or new is None or old.unknown or new.unknown
        else (old.arena.minimum_bytes, new.arena.minimum_bytes),
        status="skipped" if verdict is None else verdict.status,
        grown=tuple(size_notes(result, settings)),
        report=report(result, settings, str(job.source), str(job.output)),
    )


def run_all(
    work: Callable[[Item], Answer],
    items: Sequence[Item],
    jobs: int,
    lost: Callable[[Item], Answer],
    done: Callable[[Answer], None] = lambda _: None,
) -> list[Answer]:
    """Apply ``work`` to all items, the answers in their order.

    Args:
        work: a function of a module; it must not raise.
        jobs: how many processes; 1 stays in this one.
        lost: the answer for an item whose process died.
        done: called with each answer as it comes.
    """
    if jobs == 1 or len(items) == 1:
        answers = []
        for item in items:
            answers.append(work(item))
            done(answers[-1])
        return answers
    finished = _in_processes(work, items, list(range(len(items))), jobs, done)
    for index, item in enumerate(items):
        if index not in finished:  # a process died and took the queue with it: each on its own
            finished |= _in_processes(work, items, [index], 1, done)
        if index not in finished:
            finished[index] = lost(item)
            done(finished[index])
    return [finished[index] for index in range(len(items))]


def _in_processes(
    work: Callable[[Item], Answer],
    items: Sequence[Item],
    indices: Sequence[int],
    jobs: int,
    done: Callable[[Answer], None],
) -> dict[int, Answer]:
    """The answers until a process died."""
    finished: dict[int, Answer] = {}
    context = multiprocessing.get_context("spawn")
    others = context.active_children()
    with _terminal_signals_blocked():
        pool = ProcessPoolExecutor(min(jobs, len(indices)), mp_context=context)
    with pool:
        try:
            with _terminal_signals_blocked():
                futures = {pool.submit(work, items[i]): i for i in indices}
            for future in as_completed(futures):
                finished[futures[future]] = future.result()
                done(finished[futures[future]])
        except BrokenProcessPool:
            pool.shutdown(cancel_futures=True)
        except BaseException:  # an interrupt or a signal: nothing of it goes on
            for child in context.active_children():
                if child not in others:
                    child.terminate()
            raise
    return finished


@contextmanager
def _terminal_signals_blocked() -> Iterator[None]:
    """What a terminal sends to all processes reaches only this one, which ends those it starts.

    Windows can't block signals: there Ctrl-C reaches the children too, which ends them as well.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def lost_job(job: Job) -> Outcome:
    """The outcome of a job whose process was killed."""
    return Outcome(job.source, job.output, EXIT_RUNNER, "its process died; out of memory?")
