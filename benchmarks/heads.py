"""The head that tflopt predicts against the one that tflite-micro's recording allocator reports.

    python benchmarks/heads.py --graphs 1000 --seed 1

Every model of the folders and so many random graphs (``tests/plan/random_models.py``), before and
after ``optimize``, each with a plan, with one without aliasing, with arbitrary offsets, and without
any. Heads on x86-64, which has no CMSIS-NN: with the scratch of TFLM's reference kernels. Models
run in a child process, as TFLM aborts on some of them; those have no head to compare with, and
are counted. Prints a markdown table; exit code 1 if any head differs.
"""

from __future__ import annotations

import random
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # for tests/plan, which this shares its graphs and oracle with

from tests.plan.random_models import random_model  # noqa: E402
from tests.plan.tflm_host import available, record  # noqa: E402
from tflopt.config import Config  # noqa: E402
from tflopt.facts.offline_plan import ONLINE  # noqa: E402
from tflopt.io import read, write_bytes  # noqa: E402
from tflopt.ir import Model  # noqa: E402
from tflopt.ir.clone import clone  # noqa: E402
from tflopt.plan.describe import describe, read_plan, write_plan  # noqa: E402
from tflopt.plan.offline import simulate_head  # noqa: E402
from tflopt.plan.reference_kernels import reference_scratch  # noqa: E402
from tflopt.rules.pipeline import run_pipeline  # noqa: E402
from tflopt.target.device import Device  # noqa: E402
from tflopt.target.kernel_sets import APART  # noqa: E402
from tflopt.target.memory import PlanRequest, plan_memory  # noqa: E402

FOLDERS = (ROOT.parent / "shared" / "models", ROOT / "testdata" / "models")
BATCH = 250
ARENA_BYTES = {"model": 64 << 20, "graph": 1 << 20}
ALONE = PlanRequest(in_place=False, overlap=APART)


@dataclass(frozen=True)
class Variant:
    """One file: what it is of, which form of it, its bytes, and the head that is predicted."""

    source: str
    form: str
    data: bytes
    head_bytes: int


@dataclass
class Tally:
    """What came of the variants of one form."""

    equal: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    different: list[str] = field(default_factory=list)
    names: set[str] = field(default_factory=set)

    def add(self, variant: Variant, recorded: int | None, error_bytes: int) -> None:
        """Count one; ``error_bytes`` spoils the prediction, to show that the check can fail."""
        predicted = variant.head_bytes + error_bytes
        if recorded is None:
            self.refused[variant.form] += 1
            self.names.add(variant.source)
        elif recorded == predicted:
            self.equal[variant.form] += 1
        else:
            text = f"{variant.source}, {variant.form}: predicted {predicted}, recorded {recorded}"
            self.different.append(text)


def variants(source: str, original: Model, seed: int) -> Iterator[Variant]:
    """All forms of one model."""
    yield _variant(source, "as it is", original)
    yield _variant(source, "its best plan", _planned(original, PlanRequest()))
    yield _variant(source, "a plan without aliasing", _planned(original, ALONE))
    yield _variant(source, "arbitrary offsets", _scattered(original, random.Random(seed)))
    for form, plan in (("no plan", None), ("default", PlanRequest()), ("no aliasing", ALONE)):
        model = clone(original)
        run_pipeline(model, config=Config(plan=plan))
        yield _variant(source, f"optimized, {form}", model)
        if plan is not None:
            yield _variant(source, f"optimized, {form}, plan forced", _planned(model, plan))


def _variant(source: str, form: str, model: Model) -> Variant:
    head = simulate_head(describe(model, reference_scratch), read_plan(model))
    return Variant(source, form, write_bytes(model), head.head_bytes)


def _planned(model: Model, request: PlanRequest) -> Model:
    """With a plan even where it is not worth its flash, for a core with other scratch."""
    copy = clone(model)
    write_plan(copy, plan_memory(copy, Device(), request).offsets)
    return copy


def _scattered(model: Model, rng: random.Random) -> Model:
    """Whatever a tool might write: overlapping, partly online, with gaps, constants included."""
    copy = clone(model)
    choices = [ONLINE, *range(0, 512, 16)]
    write_plan(copy, [rng.choice(choices) for graph in copy.graphs for _ in graph.values])
    return copy


def compare(group: str, found: Sequence[Variant], tally: Tally, error_bytes: int) -> None:
    """Record a batch and count it."""
    recorded = record([variant.data for variant in found], ARENA_BYTES[group])
    for variant, each in zip(found, recorded, strict=True):
        tally.add(variant, None if each is None else each.head, error_bytes)


def run(group: str, sources: Iterator[tuple[str, Model]], seed: int, error_bytes: int) -> Tally:
    """All variants of all sources, in batches."""
    tally, batch = Tally(), list[Variant]()
    for number, (name, model) in enumerate(sources):
        batch.extend(variants(name, model, seed + number))
        if len(batch) >= BATCH:
            compare(group, batch, tally, error_bytes)
            batch.clear()
    compare(group, batch, tally, error_bytes)
    return tally


def table(tallies: dict[str, Tally]) -> list[str]:
    """Forms down, groups across: equal heads, and files that TFLM does not load."""
    forms = list(dict.fromkeys(form for tally in tallies.values() for form in _forms(tally)))
    head = "".join(f" {name}: equal | not loaded |" for name in tallies)
    rows = [f"| form |{head}", "|---|" + "---|---|" * len(tallies)]
    for form in forms:
        cells = "".join(
            f" {tally.equal[form]:,} | {tally.refused[form]:,} |" for tally in tallies.values()
        )
        rows.append(f"| {form} |{cells}")
    return rows


def _forms(tally: Tally) -> list[str]:
    return list(dict.fromkeys([*tally.equal, *tally.refused]))


def main(
    graphs: Annotated[int, typer.Option(min=0, help="Random graphs.")] = 1000,
    seed: Annotated[int, typer.Option(help="Of the graphs and the arbitrary offsets.")] = 1,
    error: Annotated[
        int, typer.Option(help="Bytes to add to every prediction: shows that this can fail.")
    ] = 0,
) -> None:
    """Compare, print a table, fail on a difference."""
    if not available:
        print("tflite-micro is not installed: pip install --pre tflite-micro")
        raise typer.Exit(4)
    begin = time.perf_counter()
    paths = [path for folder in FOLDERS for path in sorted(folder.glob("*.tflite"))]
    models = ((path.stem, read(path)) for path in paths)
    random_ones = ((f"graph {n}", random_model(n)) for n in range(seed, seed + graphs))
    tallies = {
        f"{len(paths)} models": run("model", models, seed, error),
        f"{graphs:,} random graphs": run("graph", random_ones, seed, error),
    }
    print("\n".join(table(tallies)))
    different = [text for tally in tallies.values() for text in tally.different]
    equal = sum(tally.equal.total() for tally in tallies.values())
    print(f"\nSeed {seed}: {equal:,} heads equal, {len(different):,} different", end="")
    print(f", in {time.perf_counter() - begin:.0f} s.")
    names = sorted(name for tally in tallies.values() for name in tally.names)
    print(f"Not loaded by TFLM: {', '.join(names) or 'none'}.")
    for text in different[:20]:
        print(f"- {text}")
    raise typer.Exit(1 if different or not equal else 0)


if __name__ == "__main__":
    typer.run(main)
