"""The planner alone: published hard instances, and how its time grows with random graphs.

``python benchmarks/planner.py [--output FILE]`` prints markdown. The instances are those that
google/minimalloc publishes as data; the section is left out where the folder is absent.
"""

from __future__ import annotations

import csv
import random
import time
from pathlib import Path
from typing import Annotated

import typer

from tflopt.plan.problem import Buffer, Lifetime, Problem, Solution
from tflopt.plan.solve import SolveOptions, solve
from tflopt.plan.solvers.heuristics import runtime_solution
from tflopt.plan.validate import validate

ROOT = Path(__file__).parents[1]
INSTANCES = ROOT.parent / "shared" / "planner-instances"
TARGET = 1_048_576
GRANULE = 16


def read_instance(path: Path) -> Problem:
    """Buffers of a file of ``id, first time, first time no longer in use, bytes``."""
    with path.open(newline="") as file:
        rows = list(csv.reader(file))[1:]
    return Problem([Buffer(name, Lifetime(int(a), int(b)), int(size)) for name, a, b, size in rows])


def random_problem(count: int, seed: int) -> Problem:
    """Tensors of a random graph: mostly short-lived, some long skips, sizes over two decades."""
    rng = random.Random(seed)
    buffers = []
    for index in range(count):
        start = rng.randrange(count)
        skip = rng.random() < 0.1
        length = 1 + int(rng.expovariate(1 / 40 if skip else 1 / 4))
        size = GRANULE * int(10 ** rng.uniform(0, 2.5))
        buffers.append(Buffer(f"t{index}", Lifetime(start, start + length), size, GRANULE))
    return Problem(buffers)


def _timed(problem: Problem, options: SolveOptions) -> tuple[Solution, float]:
    begin = time.perf_counter()
    solution = solve(problem, options)
    elapsed = time.perf_counter() - begin
    violations = validate(problem, solution)
    if violations:
        raise RuntimeError(str(violations[0]))
    return solution, elapsed


def _runtime_height(problem: Problem) -> int:
    runtime = runtime_solution(problem)
    return runtime.height if runtime is not None else 0


def instance_table(folder: Path, options: SolveOptions) -> list[str]:
    """One row for each instance; the target is the height that is known to be possible."""
    rows = [
        f"| instance | buffers | TFLM's greedy | tflopt | of {TARGET:,} | proven | by | seconds |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for path in sorted(folder.glob("*.csv")):
        problem = read_instance(path)
        solution, elapsed = _timed(problem, options)
        share = 100 * solution.height / TARGET
        reached = "reached" if solution.height <= TARGET else f"{share:.1f} %"
        proven = "yes" if solution.proven else f"bound {solution.lower_bound:,}"
        rows.append(
            f"| {path.name[0]} | {len(problem.buffers)} | {_runtime_height(problem):,} "
            f"| {solution.height:,} | {reached} | {proven} | {solution.method} | {elapsed:.2f} |"
        )
    return rows


def growth_table(sizes: list[int], options: SolveOptions) -> list[str]:
    """One row for each size of a random graph."""
    rows = [
        "| tensors | TFLM's greedy | tflopt | lower bound | proven | seconds |",
        "|---|---|---|---|---|---|",
    ]
    for size in sizes:
        problem = random_problem(size, options.seed)
        solution, elapsed = _timed(problem, options)
        rows.append(
            f"| {size:,} | {_runtime_height(problem):,} | {solution.height:,} "
            f"| {solution.lower_bound:,} | {'yes' if solution.proven else 'no'} | {elapsed:.3f} |"
        )
    return rows


def main(
    instances: Annotated[Path, typer.Option(help="Folder with the CSV files.")] = INSTANCES,
    output: Annotated[Path | None, typer.Option(help="Write the tables here too.")] = None,
    effort: Annotated[float, typer.Option(help="Scales the searches.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Of the searches and the random graphs.")] = 0,
    sizes: Annotated[str, typer.Option(help="Tensors of the random graphs.")] = (
        "50,100,200,500,1000,2000,4000"
    ),
) -> None:
    """Measure the planner and print markdown."""
    options = SolveOptions(seed=seed, effort=effort)
    lines = [f"Effort {effort:g}, seed {seed}.", ""]
    if instances.is_dir():
        lines += ["## Hard instances", "", *instance_table(instances, options), ""]
    else:
        lines += [f"Hard instances: skipped, {instances} is absent.", ""]
    counts = [int(size) for size in sizes.split(",") if size]
    lines += ["## Random graphs", "", *growth_table(counts, options)]
    text = "\n".join(lines)
    print(text)
    if output is not None:
        output.write_text(text + "\n")


if __name__ == "__main__":
    typer.run(main)
