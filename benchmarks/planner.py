"""The planner: models, published hard instances, and how its time grows with random graphs.

``python benchmarks/planner.py [--output FILE]`` prints markdown. The instances are those that
google/minimalloc publishes as data; the section is left out where the folder is absent. Times of
models are ratios to a simulation of the runtime's own planner on the same model in the same run,
the best of a few each.
"""

from __future__ import annotations

import csv
import random
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from tflopt.io import read
from tflopt.ir import Model
from tflopt.plan.offline import simulate_head
from tflopt.plan.problem import Buffer, Lifetime, Problem, Solution
from tflopt.plan.solve import SolveOptions, solve
from tflopt.plan.solvers.heuristics import runtime_solution
from tflopt.plan.validate import validate
from tflopt.target import Target
from tflopt.target.device import Device
from tflopt.target.kernel_sets import APART, THIS_ISA
from tflopt.target.memory import PlanRequest, description_of, plan_memory

ROOT = Path(__file__).parents[1]
INSTANCES = ROOT.parent / "shared" / "planner-instances"
FOLDERS = (ROOT.parent / "shared" / "models", ROOT / "testdata" / "models")
TARGETS = ("cortex-m4", "cortex-m55")
REQUESTS = (
    PlanRequest(in_place=False, overlap=APART),
    PlanRequest(overlap=APART),
    PlanRequest(),
    PlanRequest(overlap=THIS_ISA),
)
REPEATS = 5
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


def _best_seconds(work: Callable[[], object], repeats: int = REPEATS) -> float:
    found = []
    for _ in range(repeats):
        begin = time.perf_counter()
        work()
        found.append(time.perf_counter() - begin)
    return min(found)


def model_table(repeats: int) -> list[str]:
    """One row for each model: the slower of the targets for each kind of plan."""
    rows = [
        "| model | tensors | runtime's greedy, ms | plan | in place | default | overlap | proven |",
        "|---|---|---|---|---|---|---|---|",
    ]
    slowest, which = 0.0, ""
    for path in [path for folder in FOLDERS for path in sorted(folder.glob("*.tflite"))]:
        model = read(path)
        greedy, seconds, proven = _model_times(model, repeats)
        if max(seconds) > slowest:
            slowest, which = max(seconds), path.stem
        ratios = " | ".join(f"{each / greedy:.0f} x" for each in seconds)
        tensors = sum(len(graph.values) for graph in model.graphs)
        optimal = "yes" if proven else "no"
        rows.append(f"| {path.stem} | {tensors} | {1e3 * greedy:.2f} | {ratios} | {optimal} |")
    return [*rows, "", f"The slowest plan takes {slowest:.3f} s ({which})."]


def _model_times(model: Model, repeats: int) -> tuple[float, list[float], bool]:
    """Seconds of the greedy simulation and of each kind of plan, and whether all are proven."""
    greedy, seconds, proven = 0.0, [0.0] * len(REQUESTS), True
    for name in TARGETS:
        device = Device(Target.parse(name))
        description = description_of(model, device)
        greedy = max(greedy, _best_seconds(partial(simulate_head, description), repeats))
        for number, request in enumerate(REQUESTS):
            plan = plan_memory(model, device, request)
            proven = proven and (plan.proven_optimal or bool(plan.declined))
            work = partial(plan_memory, model, device, request)
            seconds[number] = max(seconds[number], _best_seconds(work, repeats))
    return greedy, seconds, proven


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
    models: Annotated[bool, typer.Option(help="Measure the models.")] = True,
    repeats: Annotated[int, typer.Option(min=1, help="The best of so many times.")] = REPEATS,
) -> None:
    """Measure the planner and print markdown."""
    options = SolveOptions(seed=seed, effort=effort)
    lines = [f"Effort {effort:g}, seed {seed}.", ""]
    if models:
        lines += ["## Models", "", *model_table(repeats), ""]
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
