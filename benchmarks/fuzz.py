"""Random models: optimized in several ways each, and compared with the original on TFLM.

    python benchmarks/fuzz.py --models 10000 --seed 1 [--jobs 2] [--ways 4] [--litert]

Every model is optimized for several goals, cores, runtimes and plans; every result must give the
original's bits over several invocations. A failure is shrunk and saved under ``tests/fuzz/saved``,
which the tests replay. Prints how often each rule fired. Exits with 1 where a model failed.
"""

from __future__ import annotations

import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated

import typer

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # for tests/fuzz, which holds the generator

from tests.fuzz.cases import CASES, save_case  # noqa: E402
from tests.fuzz.examine import Combo, Examination, Examiner, Fault, combos, unstable  # noqa: E402
from tests.fuzz.generate import random_model  # noqa: E402
from tests.fuzz.shrink import shrink  # noqa: E402
from tests.support.runtime import runtime  # noqa: E402
from tflopt.ir import Model  # noqa: E402
from tflopt.rules.pipeline import RULES  # noqa: E402

STABLE_EVERY = 4
LITERT_EVERY = 5
SHRUNK_OF_A_KIND = 12


@dataclass(frozen=True)
class Job:
    """One model for a worker."""

    seed: int
    ways: int
    litert: bool
    lsb: int = 0


@dataclass
class Report:
    """What the workers found, summed up."""

    models: int = 0
    compared: int = 0
    discarded: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    hits: Counter[str] = field(default_factory=Counter)
    models_hit: Counter[str] = field(default_factory=Counter)
    operators: Counter[str] = field(default_factory=Counter)
    faults: list[tuple[int, Fault]] = field(default_factory=list)

    def add(self, seed: int, found: Examination, operators: set[str]) -> None:
        """One more model."""
        self.models += 1
        self.compared += found.compared
        self.refused.update(found.refused)
        self.hits.update(found.hits)
        self.models_hit.update(set(found.hits))
        self.faults.extend((seed, fault) for fault in found.faults)
        if found.discarded:
            self.discarded[found.discarded] += 1
        else:
            self.operators.update(operators)


def work(job: Job) -> tuple[int, Examination, set[str]]:
    """Generate and examine one model, in a worker process."""
    model = random_model(job.seed)
    rng = random.Random(job.seed)
    litert = job.litert and job.seed % LITERT_EVERY == 0
    ways = [replace(way, allow_lsb=job.lsb) for way in combos(rng, job.ways)]
    found = Examiner(runtime(), litert).examine(model, ways)
    if not found.discarded and not found.faults and job.seed % STABLE_EVERY == 0:
        again = unstable(model, Combo(overlap=None))
        if again:
            detail = f"a second run fires {', '.join(again)}"
            found.faults.append(Fault("unstable", Combo(overlap=None), detail))
    return job.seed, found, {op.opcode.label for op in model.ops()}


def main(
    models: Annotated[int, typer.Option(help="Number of models.")] = 10_000,
    seed: Annotated[int, typer.Option(help="Seed; each model has its own behind it.")] = 1,
    first: Annotated[int, typer.Option(help="Begin at this model, to run in parts.")] = 0,
    jobs: Annotated[int, typer.Option(help="Worker processes.")] = 2,
    ways: Annotated[int, typer.Option(help="Ways to optimize each model.")] = 4,
    litert: Annotated[bool, typer.Option("--litert", help="Load results on LiteRT too.")] = False,
    save: Annotated[Path, typer.Option(help="Where failures go.")] = CASES,
    least: Annotated[int, typer.Option(help="Models that each rule must fire in.")] = 0,
    lsb: Annotated[int, typer.Option(help="Round, and compare types and shapes then.")] = 0,
) -> None:
    """Fuzz, report, shrink and save."""
    start, report = time.monotonic(), Report()
    seeds = (seed * 10_000_000 + n for n in range(first, first + models))
    work_list = (Job(each, ways, litert, lsb) for each in seeds)
    with get_context("spawn").Pool(jobs) as pool:
        for number, (one, found, operators) in enumerate(pool.imap_unordered(work, work_list, 8)):
            report.add(one, found, operators)
            for fault in found.faults:
                print(f"seed {one}: {fault}", file=sys.stderr, flush=True)
            if number % 1000 == 999:
                print(f"{number + 1} models, {len(report.faults)} faults", file=sys.stderr)
    seconds = time.monotonic() - start
    rare = print_report(report, seconds, least, rounds=lsb > 0)
    for line in _save(report, save):
        print(line)
    runtime().stop()
    raise typer.Exit(1 if report.faults or rare else 0)


def print_report(report: Report, seconds: float, least: int, *, rounds: bool) -> list[str]:
    """Print everything; the rules that fired in fewer than ``least`` models.

    Of the exact ones, and where the run ``rounds``, of the others.
    """
    discarded = sum(report.discarded.values())
    print(
        f"{report.models} models in {seconds:.0f} s ({report.models / seconds:.1f}/s): "
        f"{report.compared} results compared, {discarded} discarded, "
        f"{len(report.faults)} faults"
    )
    for title, counter in (("discarded", report.discarded), ("refused", report.refused)):
        for reason, count in counter.most_common(5):
            print(f"  {title} {count}: {reason}")
    print("| rule | models | firings |\n|---|---|---|")
    for rule in RULES:
        print(f"| {rule.name} | {report.models_hit[rule.name]} | {report.hits[rule.name]} |")
    names = ", ".join(f"{name} {count}" for name, count in report.operators.most_common())
    print(f"operators, by models: {names}")
    judged = [rule.name for rule in RULES if rule.exactness.bit_exact is not rounds]
    rare = [name for name in judged if report.models_hit[name] < least]
    if rare:
        print(f"fired in fewer than {least} models: {', '.join(rare)}")
    return rare


def _save(report: Report, folder: Path) -> Iterator[str]:
    """Shrink some models of each kind of fault, and save those that shrink to something else."""
    counts = Counter(_kind(fault) for _, fault in report.faults)
    shrunk: Counter[str] = Counter()
    known: set[tuple[str, ...]] = set()
    for seed, fault in sorted(report.faults, key=lambda item: item[0]):
        kind = _kind(fault)
        shrunk[kind] += 1
        if shrunk[kind] > SHRUNK_OF_A_KIND:
            continue
        model = random_model(seed)
        if not _fails(model, fault):
            yield f"seed {seed}: not seen again: {fault}"
            continue
        small = shrink(model, partial(_fails, fault=fault))
        guilty = _guilty(small, fault)
        shape = (kind, *guilty, *sorted({op.opcode.label for op in small.ops()}))
        if shape in known:
            continue
        known.add(shape)
        path = save_case(folder, small, seed, fault, guilty)
        yield f"{counts[kind]} of this kind, seed {seed}: {fault}"
        yield f"    {path.name}: rules {guilty}, {', '.join(op.opcode.label for op in small.ops())}"


def _kind(fault: Fault) -> str:
    detail = fault.detail if fault.kind in ("crash", "unstable", "error") else ""
    return f"{fault.kind} {''.join(c for c in detail if not c.isdigit())[:70]}"


def _faults(model: Model, combo: Combo, kind: str) -> list[Fault]:
    if kind == "unstable":
        again = unstable(model, combo)
        return [Fault(kind, combo, ", ".join(again))] if again else []
    return Examiner(runtime(), kind == "litert refuses").examine(model, [combo]).faults


def _fails(model: Model, fault: Fault) -> bool:
    return any(
        _kind_of(found) == _kind_of(fault) for found in _faults(model, fault.combo, fault.kind)
    )


def _kind_of(fault: Fault) -> str:
    return fault.kind


def _guilty(model: Model, fault: Fault) -> list[str]:
    """Rules without which the fault is gone."""
    guilty = []
    for rule in RULES:
        combo = Combo(**{**vars(fault.combo), "disable": (rule.name,)})
        if not any(found.kind == fault.kind for found in _faults(model, combo, fault.kind)):
            guilty.append(rule.name)
    return guilty


if __name__ == "__main__":
    typer.run(main)
