"""Nothing worse than the original, and nothing worse than what another tflopt makes of it.

    python benchmarks/against.py BASE FOLDER... [--random 500] [--target cortex-m0] [--goal speed]

BASE is a checkout of tflopt. Both optimize every model of the folders, and random ones, for each
core and goal, without the annotation, for TFLM alone (``--runtime both``: for LiteRT, too). This
tflopt judges all results: a finding is one that has more of the goal's resource than BASE's, or,
balanced, more instructions than the original, more arena or flash without the exchange of
``docs/forms.md``, or a worse sum of the three than BASE's. Results of BASE that the core computes
wrongly, or that TFLM doesn't run, are no measure. With ``--samples``, results run on TFLM beside
their originals, too. Exits with 1 where there is a finding.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Annotated

import typer

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.fuzz.generate import random_model  # noqa: E402
from tflopt.config import Goal  # noqa: E402
from tflopt.errors import TfloptError  # noqa: E402
from tflopt.io import read_bytes, write_bytes  # noqa: E402
from tflopt.io.files import load  # noqa: E402
from tflopt.ir import Model  # noqa: E402
from tflopt.product.choose import PADDING_BYTES  # noqa: E402
from tflopt.product.validation import validate  # noqa: E402
from tflopt.run.samples import SampleOptions  # noqa: E402
from tflopt.search.cost import Cost  # noqa: E402
from tflopt.search.objective import WEIGHTS, growths, ranked  # noqa: E402
from tflopt.target.cost import predict_model  # noqa: E402
from tflopt.target.device import Device  # noqa: E402
from tflopt.target.hazards import find_hazards  # noqa: E402
from tflopt.target.memory import memory_of, why_no_memory  # noqa: E402
from tflopt.target.runs import find_refusals  # noqa: E402

TARGETS = ("cortex-m0", "cortex-m4", "cortex-m33", "cortex-m55")
CMSIS_NN = "4ab83cc"
TOLERANCE = 0.001
"""Of a resource: what is less isn't worth a finding."""
SPARE = 16
"""Bytes that alignment may cost."""
WORKER = """
import contextlib, io, json, sys
from tflopt.cli.main import app
for line in sys.stdin:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        try:
            app(json.loads(line), standalone_mode=False)
            said = ""
        except BaseException as error:
            said = f"{type(error).__name__}: {error}"
    print(json.dumps(said), flush=True)
"""


class Optimizer:
    """A process that runs ``optimize`` of one checkout, again and again."""

    def __init__(self, root: Path) -> None:
        environment = {**os.environ, "PYTHONPATH": str(root)}
        self._process = subprocess.Popen(
            [sys.executable, "-c", WORKER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=root,
            env=environment,
        )

    def result(self, path: Path, output: Path, options: Sequence[str]) -> bytes | str:
        """The file, or why there is none."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None and stdout is not None
        output.unlink(missing_ok=True)
        line = ["optimize", str(path), "-o", str(output), "--no-verify", *options]
        stdin.write(json.dumps(line) + "\n")
        stdin.flush()
        said = json.loads(stdout.readline())
        return output.read_bytes() if output.exists() else str(said)

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


@dataclass(frozen=True)
class Judged:
    """A file: what it takes, and how many of its layers come out wrong or don't run."""

    cost: Cost
    wrong: int


@dataclass(frozen=True)
class Finding:
    """A result that is worse than it may be."""

    model: str
    target: str
    goal: Goal
    what: str
    costs: tuple[Cost, Cost | None, Cost]
    """Of the original, of BASE's result and of this one."""

    def __str__(self) -> str:
        numbers = " -> ".join("-" if cost is None else str(cost.numbers) for cost in self.costs)
        return f"{self.model} {self.target} {self.goal.value}: {self.what}: {numbers}"


def judged(model: Model, size: int, device: Device) -> Judged:
    """As tflopt predicts it."""
    arena = 0 if why_no_memory(model) else memory_of(model, device).arena.minimum_bytes
    work = predict_model(model, device).instructions
    wrong = len(find_hazards(model, device)) + len(find_refusals(model, device))
    return Judged(Cost(work, size, arena), wrong)


def balance(cost: Cost, original: Cost) -> float:
    """The sum of the three resources, as parts of the original's, by weight."""
    pairs = zip(cost.numbers, original.numbers, WEIGHTS, strict=True)
    return sum(weight * new / max(old, 1) for new, old, weight in pairs)


def worse_than_original(goal: Goal, original: Judged, ours: Judged) -> Iterator[str]:
    """What a result may not be, whatever another tflopt makes of the model."""
    if ours.wrong > original.wrong:
        yield "more layers that come out wrong or don't run"
    if ours.wrong < original.wrong:
        return  # what makes a layer come out right may cost what it likes
    old, new = original.cost, ours.cost
    if goal is Goal.BALANCED:
        if (new.instructions or 0) > (old.instructions or 0) * (1 + TOLERANCE):
            yield "slower than the original"
        for growth in growths(old, old, new):
            if not growth.is_paid and growth.grown_bytes > PADDING_BYTES:
                yield f"{growth.resource} grows without being paid for"
    elif ranked(goal, new)[0] > ranked(goal, old)[0] * (1 + TOLERANCE) + SPARE:
        yield "more of the goal's resource than the original"


def worse_than_base(goal: Goal, original: Judged, base: Judged, ours: Judged) -> Iterator[str]:
    """What the other tflopt does better, where its result is right and within the same bounds."""
    if base.wrong > ours.wrong or list(worse_than_original(goal, original, base)):
        return
    if goal is Goal.BALANCED:
        new, old = (balance(each.cost, original.cost) for each in (ours, base))
        if new > old + TOLERANCE:
            yield f"balance {new:.3f}, BASE {old:.3f}"
        return
    first, second = (ranked(goal, each.cost)[0] for each in (ours, base))
    if first > second * (1 + TOLERANCE) + SPARE:
        yield f"{first / max(second, 1):.3f} of BASE's"


class Bench:
    """Two optimizers on the same models."""

    def __init__(self, base: Path, folder: Path, samples: int, runtime: str) -> None:
        self._runtime = runtime
        self._optimizers = Optimizer(base), Optimizer(ROOT)
        self._output, self._samples = folder / "result.tflite", samples
        self.runs: Counter[str] = Counter()

    def findings(self, path: Path, target: str, goal: Goal) -> Iterator[Finding]:
        """Of one model, for one core and goal."""
        device = Device.of(target, CMSIS_NN)
        options = ["--target", target, "--goal", goal.value, "--cmsis-nn", CMSIS_NN]
        options += ["--runtime", self._runtime]
        options += ["--annotate", "none"]
        base, ours = (each.result(path, self._output, options) for each in self._optimizers)
        try:
            model, data = load(path)
        except TfloptError:
            self.runs["refused"] += 1
            return
        if isinstance(ours, str):
            self.runs["refused"] += 1
            if isinstance(base, bytes):
                nothing = Cost(0, 0, 0)
                yield Finding(path.stem, target, goal, f"refused: {ours}", (nothing,) * 3)
            return
        self.runs["results"] += 1
        original = judged(model, len(data), device)
        new = judged(read_bytes(ours), len(ours), device)
        old = None
        if isinstance(base, bytes):
            old = judged(read_bytes(base), len(base), device)
        said = [*worse_than_original(goal, original, new)]
        if old is not None:
            said += worse_than_base(goal, original, old, new)
        if self._samples:
            said += self._differs(path, ours)
        costs = original.cost, None if old is None else old.cost, new.cost
        yield from (Finding(path.stem, target, goal, each, costs) for each in said)

    def _differs(self, path: Path, data: bytes) -> Iterator[str]:
        verdict = validate(
            load(path)[0], read_bytes(data), runner="tflm", samples=SampleOptions(self._samples)
        )
        self.runs[verdict.status] += 1
        if verdict.mismatch is not None:
            yield f"differs: {verdict.mismatch}"

    def close(self) -> None:
        """End both processes."""
        for each in self._optimizers:
            each.close()


def random_files(count: int, seed: int, folder: Path) -> Iterator[Path]:
    """Random models, those of ``benchmarks/fuzz.py``, written into a folder one by one."""
    for number in range(seed, seed + count):
        path = folder / f"random-{number}.tflite"
        path.write_bytes(write_bytes(random_model(number)))
        yield path


def main(
    base: Path,
    folders: Annotated[list[Path] | None, typer.Argument()] = None,
    count: Annotated[int, typer.Option("--random", help="Random models beside them.")] = 0,
    seed: Annotated[int, typer.Option(help="Of the first random model.")] = 1,
    target: Annotated[list[str] | None, typer.Option(help="Cores.")] = None,
    goal: Annotated[list[Goal] | None, typer.Option(help="Goals.")] = None,
    only: Annotated[list[str] | None, typer.Option(help="Models whose name begins so.")] = None,
    samples: Annotated[int, typer.Option(help="Inputs on which results run on TFLM.")] = 0,
    runtime: Annotated[str, typer.Option(help="Who must load the results.")] = "tflm",
) -> None:
    """Print each finding, and how many results were compared."""
    with tempfile.TemporaryDirectory() as temporary:
        scratch = Path(temporary)
        paths = [path for each in folders or () for path in sorted(each.glob("*.tflite"))]
        paths = [path for path in paths if not only or path.stem.startswith(tuple(only))]
        bench, found = Bench(base.resolve(), scratch, samples, runtime), 0
        for path in (*paths, *random_files(count, seed, scratch)):
            for core, wanted in product(target or TARGETS, goal or tuple(Goal)):
                for finding in bench.findings(path.resolve(), core, wanted):
                    found += 1
                    print(finding, flush=True)
        bench.close()
    print(f"{found} findings; {dict(bench.runs)}")
    raise typer.Exit(1 if found else 0)


if __name__ == "__main__":
    typer.run(main)
