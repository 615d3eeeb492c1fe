"""How many faults of one step the verification finds, of those that some input can show.

    python benchmarks/one_step_faults.py [--faults 200] [--seed 1] [MODEL ...]

Optimizes real models, changes one number of each result by the least that it can be, and verifies
it as ``tflopt optimize`` does, and some as ``tflopt validate`` does two files. Which faults nothing
can show is found by enumeration (``tests/support/steps_shown.py``). TFLM runs in this process.
Prints a table by fault and what was missed; exits with 1 where less than 99 % were found.
"""

from __future__ import annotations

import random
import sys
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Annotated

import typer

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # for tests/support, which holds the faults

from tests.support.in_process import InProcess  # noqa: E402
from tests.support.steps import STEPS, Stepped, step  # noqa: E402
from tests.support.steps_shown import can_be_shown  # noqa: E402
from tflopt.config import Config  # noqa: E402
from tflopt.io import read_bytes, write_bytes  # noqa: E402
from tflopt.ir import Model  # noqa: E402
from tflopt.ir.clone import clone  # noqa: E402
from tflopt.product.validation import validate_files  # noqa: E402
from tflopt.rules.pipeline import run_pipeline  # noqa: E402
from tflopt.run.samples import SampleOptions  # noqa: E402
from tflopt.verify.compare import Candidate, compare  # noqa: E402

FEW = SampleOptions(4)
"""Of the inputs of two files, which are there to match tensors: directed ones find the faults."""
WANTED, PROGRESS, FILES_EVERY = 0.99, 20, 4
NAMES = (
    "shared/models/kws_ref_model shared/models/vww_96_int8 shared/models/ad01_int8 "
    "shared/models/ic_resnet8_int8 shared/models/micro_speech_quantized "
    "shared/models/hello_world_int8 shared/models/seanet_add0 shared/models/seanet_leaky_relu0 "
    "testdata/models/mobilenet_v2 testdata/models/torch_cnn testdata/models/squeeze_excite "
    "testdata/models/inception testdata/models/har_cnn testdata/models/unet "
    "testdata/models/tcn_causal_dilated testdata/models/wav2letter"
).split()


@dataclass
class Counts:
    """Of one kind of fault."""

    put: int = 0
    hidden: int = 0
    before: int = 0
    found: int = 0
    files: int = 0
    cold: int = 0
    missed: list[str] = field(default_factory=list)

    def add(self, other: Counts) -> None:
        """Sum up."""
        for name in ("put", "hidden", "before", "found", "files", "cold"):
            setattr(self, name, getattr(self, name) + getattr(other, name))


@cache
def _pair(path: Path) -> tuple[Model, bytes, Model]:
    data = path.read_bytes()
    original = read_bytes(data)
    optimized = clone(original)
    run_pipeline(optimized, config=Config(plan=None))
    return original, data, optimized


def _examine(path: Path, kind: str, rng: random.Random) -> Counts | None:
    """Put one fault into what is made of a model, and look for it."""
    original, data, clean = _pair(path)
    faulty = clone(clean)
    stepped = step(faulty, kind, rng)
    if stepped is None:
        return None
    counts = Counts(put=1)
    if not can_be_shown(clean, faulty, stepped):
        counts.hidden = 1
        return counts
    written = write_bytes(faulty)
    first = Candidate(original, data)
    derived = compare(first, Candidate(faulty, written, derived=True), runner=InProcess())
    counts.found = derived.status == "different"
    directed = derived.mismatch is not None and "directed" in derived.mismatch.output
    counts.before = counts.found and not directed
    if not counts.found:
        counts.missed.append(_told(path, stepped, faulty, derived.status))
    if rng.randrange(FILES_EVERY):
        return counts
    pair = Candidate(read_bytes(data), data), Candidate(read_bytes(written), written)
    cold = validate_files(*pair, runner=InProcess(), samples=FEW)
    counts.cold, counts.files = cold.status == "different", 1
    if not counts.cold:
        counts.missed.append(_told(path, stepped, faulty, f"{cold.status}, as two files"))
    return counts


def _told(path: Path, stepped: Stepped, faulty: Model, said: str) -> str:
    op = faulty.main.ops[stepped.number]
    return f"{stepped.kind} at {stepped.number} {op.opcode.label} of {path.name}: {said}"


def main(
    models: Annotated[list[Path] | None, typer.Argument(help="Instead of the usual ones.")] = None,
    faults: Annotated[int, typer.Option(help="How many that some input can show.")] = 200,
    seed: Annotated[int, typer.Option(help="Of models, kinds and places.")] = 1,
) -> None:
    """Print how many were found, by kind."""
    usual = [base / f"{name}.tflite" for name in NAMES for base in (ROOT, ROOT.parent)]
    paths = [path for path in models or usual if path.is_file()]
    rng, kinds = random.Random(seed), list(STEPS)
    table = {kind: Counts() for kind in kinds}
    turn, total = 0, Counts()
    while total.put - total.hidden < faults and turn < 20 * faults:
        kind = kinds[turn % len(kinds)]
        turn += 1
        counts = _examine(rng.choice(paths), kind, rng)
        if counts is None:
            continue
        table[kind].add(counts)
        total.add(counts)
        total.missed += counts.missed
        for line in counts.missed:
            print(f"missed: {line}", file=sys.stderr, flush=True)
        if total.put % PROGRESS == 0:
            print(f"{total.put - total.hidden} of {faults}", file=sys.stderr, flush=True)
    _print(table, total)
    shown = total.put - total.hidden
    raise typer.Exit(0 if total.found >= WANTED * shown else 1)


def _print(table: dict[str, Counts], total: Counts) -> None:
    print("| fault | can be shown | samples alone | with directed inputs | two files | what |")
    print("|---|---|---|---|---|---|")
    for kind, counts in table.items():
        what = (STEPS[kind].__doc__ or "").splitlines()[0]
        print(f"| `{kind}` | {_row(counts)} | {what} |")
    print(f"| all | {_row(total)} | |")
    for line in total.missed:
        print(f"missed: {line}")


def _row(counts: Counts) -> str:
    shown = f"{counts.put - counts.hidden} of {counts.put}"
    return f"{shown} | {counts.before} | {counts.found} | {counts.cold} of {counts.files}"


if __name__ == "__main__":
    typer.run(main)
