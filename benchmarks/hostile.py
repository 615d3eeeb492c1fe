"""Hostile files: mutated models that must be refused with a reason, or optimized.

    python benchmarks/hostile.py --mutations 50000 --seed 1 [--jobs 1] [--cli 40]

Each is read, inspected, optimized (without running it), written and read again, in a worker whose
address space is limited (docs/limits.md) and whose time is too. Some refused ones go through the
real command: exit code 3, one line, no file. Whatever else happens is a failure; its file is saved
under ``--save`` and the command exits with 1.
"""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from typing import Annotated

import typer

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # each thread reserves address space
ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # for tests/hostile, which holds the mutator

from tests.hostile.examine import examine  # noqa: E402
from tests.hostile.mutate import mutant  # noqa: E402
from tflopt.errors import EXIT_INVALID  # noqa: E402

MEMORY_MIB = 1024
SEEDS_PER_RUN = 100_000_000
PATIENCE_S = 900.0  # of the wall; the time limit of a file is one of the CPU
CLI_EVERY = 97
PROGRESS_EVERY = 1000


@dataclass(frozen=True)
class Verdict:
    """What became of one mutant: a refusal's reason, a failure's, or neither."""

    seed: int
    source: str
    mutations: tuple[str, ...] = ()
    refused: str = ""
    failed: str = ""
    seconds: float = 0.0
    peak_mib: int = 0


@dataclass
class Report:
    """What the workers found, summed up."""

    refused: Counter[str] = field(default_factory=Counter)
    mutations: Counter[str] = field(default_factory=Counter)
    failures: list[Verdict] = field(default_factory=list)
    examined: int = 0
    accepted: int = 0
    slowest: Verdict = field(default_factory=lambda: Verdict(0, ""))
    peak_mib: int = 0
    through_cli: int = 0

    def add(self, verdict: Verdict) -> None:
        """One more mutant."""
        self.examined += 1
        self.mutations.update(verdict.mutations)
        self.peak_mib = max(self.peak_mib, verdict.peak_mib)
        if verdict.seconds > self.slowest.seconds:
            self.slowest = verdict
        if verdict.failed:
            self.failures.append(verdict)
        elif verdict.refused:
            self.refused[kind_of(verdict.refused)] += 1
        else:
            self.accepted += 1


def kind_of(message: str) -> str:
    """A reason without its file, place and numbers."""
    reason = message.rsplit(": ", 1)[-1]
    return re.sub(r"\d+", "N", reason)[:60]


def judge(seed: int) -> Verdict:
    """Make a mutant and examine it."""
    made, start = mutant(seed), time.monotonic()
    refused = failed = ""
    try:
        refused = examine(made.data)
    except BaseException as error:  # a hang and an interrupt too: all but a refusal is a failure
        frames = traceback.extract_tb(error.__traceback__)[-4:]
        places = " ".join(f"{Path(f.filename).name}:{f.lineno}" for f in frames)
        failed = f"{type(error).__name__}: {error} ({places})"
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    seconds = time.monotonic() - start
    return Verdict(seed, made.name, made.mutations, refused, failed, seconds, peak)


def serve(pipe: Connection, address_space_bytes: int) -> None:
    """A worker: seeds in, verdicts out, until None comes."""
    limit = (address_space_bytes, address_space_bytes)
    resource.setrlimit(resource.RLIMIT_AS, limit)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    warnings.simplefilter("error")  # the command would print them as further lines
    while (seed := pipe.recv()) is not None:
        pipe.send(judge(seed))


class Worker:
    """A process that is started again where a mutant kills it."""

    def __init__(self, address_space_bytes: int) -> None:
        self._bytes = address_space_bytes
        self._start()

    def _start(self) -> None:
        context = get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=serve, args=(theirs, self._bytes), daemon=True)
        self.process.start()
        theirs.close()

    def judge(self, seed: int) -> Verdict:
        """The verdict on a seed, also where the process dies or doesn't answer."""
        self.pipe.send(seed)
        try:
            if self.pipe.poll(PATIENCE_S):
                answer = self.pipe.recv()
                assert isinstance(answer, Verdict)
                return answer
            reason = f"no answer in {PATIENCE_S:g} s"
        except EOFError:
            self.process.join()
            reason = f"the process died with {self.process.exitcode}"
        self.process.kill()
        self.process.join()
        self._start()
        made = mutant(seed)
        return Verdict(seed, made.name, made.mutations, failed=reason)

    def stop(self) -> None:
        """End the process."""
        self.pipe.send(None)
        self.process.join()


def verdicts(seeds: range, jobs: int, address_space_bytes: int) -> Iterator[Verdict]:
    """All of them, in order."""
    idle: SimpleQueue[Worker] = SimpleQueue()
    workers = [Worker(address_space_bytes) for _ in range(jobs)]
    for worker in workers:
        idle.put(worker)

    def one(seed: int) -> Verdict:
        worker = idle.get()
        try:
            return worker.judge(seed)
        finally:
            idle.put(worker)

    with ThreadPoolExecutor(jobs) as threads:
        yield from threads.map(one, seeds)
    for worker in workers:
        worker.stop()


def check_command(verdict: Verdict) -> str:
    """What the real command does wrong with a refused file; empty where nothing."""
    with tempfile.TemporaryDirectory() as folder:
        path, out = Path(folder) / "model.tflite", Path(folder) / "out.tflite"
        data = mutant(verdict.seed).data
        path.write_bytes(data)
        done = subprocess.run(
            [sys.executable, "-m", "tflopt", "optimize", "--no-verify", path, "-o", out],
            capture_output=True,
            text=True,
            cwd=ROOT,
            timeout=PATIENCE_S,
            check=False,
        )
        lines = done.stderr.splitlines()
        if done.returncode != EXIT_INVALID:
            return f"the command exits with {done.returncode}: {done.stderr[-200:]}"
        if len(lines) != 1 or not lines[0].startswith("tflopt: error: ") or done.stdout:
            return f"the command prints {done.stdout[-100:]!r} and {done.stderr[-200:]!r}"
        left = sorted(entry.name for entry in Path(folder).iterdir())
        if left != ["model.tflite"] or path.read_bytes() != data:
            return f"the command leaves {left}"
    return ""


def save(verdict: Verdict, folder: Path) -> Path:
    """Keep a failure's file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"hostile_{verdict.seed}.tflite"
    path.write_bytes(mutant(verdict.seed).data)
    return path


def main(
    mutations: Annotated[int, typer.Option(help="Number of mutated files.")] = 50_000,
    seed: Annotated[int, typer.Option(help="Seed; each file has its own behind it.")] = 1,
    jobs: Annotated[int, typer.Option(help="Worker processes.")] = 1,
    cli: Annotated[int, typer.Option(help="Refused files that go through the command.")] = 40,
    memory_mib: Annotated[int, typer.Option(help="Address space of a worker.")] = MEMORY_MIB,
    keep: Annotated[Path, typer.Option("--save", help="Where failures go.")] = Path("findings"),
) -> None:
    """Mutate, examine, report and save."""
    start, report = time.monotonic(), Report()
    seeds = range(seed * SEEDS_PER_RUN, seed * SEEDS_PER_RUN + mutations)
    for verdict in verdicts(seeds, jobs, memory_mib << 20):
        wanted = bool(verdict.refused) and report.through_cli < cli
        if wanted and verdict.seed % CLI_EVERY == 0:
            report.through_cli += 1
            verdict = replace(verdict, failed=check_command(verdict))
        report.add(verdict)
        if verdict.failed:
            print(f"{save(verdict, keep)}: {verdict.source}: {verdict.failed}", file=sys.stderr)
        if report.examined % PROGRESS_EVERY == 0:
            print(f"{report.examined} files, {len(report.failures)} failures", file=sys.stderr)
    print_report(report, time.monotonic() - start, memory_mib)
    for failure in report.failures:
        done = ", ".join(failure.mutations)
        print(f"seed {failure.seed}: {failure.source}, {done}: {failure.failed}")
    raise typer.Exit(1 if report.failures else 0)


def print_report(report: Report, seconds: float, memory_mib: int) -> None:
    """Everything but the failures."""
    refused, slowest = sum(report.refused.values()), report.slowest
    print(
        f"{report.examined} files in {seconds:.0f} s: {report.accepted} optimized, {refused} "
        f"refused ({report.through_cli} of them by the command too), "
        f"{len(report.failures)} failures"
    )
    print(
        f"peak memory {report.peak_mib} MiB, address space below {memory_mib} MiB; "
        f"the slowest took {slowest.seconds:.1f} s (seed {slowest.seed}, {slowest.source})"
    )
    names = ", ".join(f"{name} {count}" for name, count in sorted(report.mutations.items()))
    print(f"mutations: {names}")
    print(f"{len(report.refused)} reasons, most often:")
    for reason, count in report.refused.most_common(12):
        print(f"  {count} {reason}")


if __name__ == "__main__":
    typer.run(main)
