"""Whether LiteRT's default path (XNNPACK) gives the same outputs for original and optimized.

    python benchmarks/default_path.py [--inputs 200] [--only NAME]

Optimizes every integer model with the defaults (``--runtime both``), runs both files on LiteRT's
default resolver and prints a markdown table. Exits with 1 where outputs differ and the note that
``optimize`` prints does not say so.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tflopt.errors import TfloptError  # noqa: E402
from tflopt.io import read  # noqa: E402
from tflopt.product.optimize import Settings, optimize_file_bytes  # noqa: E402
from tflopt.run.samples import SampleOptions  # noqa: E402
from tflopt.verify.compare import Candidate  # noqa: E402
from tflopt.verify.default_path import DefaultPath, run_default_path  # noqa: E402

SHARED = ROOT.parent / "shared"
FOLDERS = (SHARED / "models", SHARED / "field" / "models", ROOT / "testdata" / "models")
SEED = 2


@dataclass(frozen=True)
class Row:
    """A model, the path's outputs for many inputs, and what a user was told."""

    name: str
    found: DefaultPath | None
    told: bool
    why: str = ""

    @property
    def is_hidden(self) -> bool:
        """Whether outputs differ and nobody says so."""
        return self.found is not None and self.found.different > 0 and not self.told

    def __str__(self) -> str:
        if self.found is None:
            return f"| {self.name} | not run: {self.why} | |"
        differ = f"{self.found.different:,} of {self.found.total:,}"
        most = f", by up to {self.found.most:g}" if self.found.different else ""
        return f"| {self.name} | {differ}{most} | {'yes' if self.told else ''} |"


def measure(path: Path, inputs: int) -> Row:
    """Optimize a model, and compare both on the default path."""
    try:
        original, data = read(path), path.read_bytes()
        result = optimize_file_bytes(original, data, Settings())
    except TfloptError as error:
        return Row(path.stem, None, False, str(error).splitlines()[0])
    pair = Candidate(original, data), Candidate(result.model, result.data)
    found, why = run_default_path(*pair, SampleOptions(inputs, SEED))
    verdict = result.verification
    return Row(path.stem, found, bool(verdict and verdict.default_path), why)


def models(only: str) -> Iterator[Path]:
    """Every model whose name contains a text."""
    for folder in FOLDERS:
        yield from (path for path in sorted(folder.glob("*.tflite")) if only in path.stem)


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--inputs", type=int, default=200)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    print(f"{options.inputs} inputs, seed {SEED}\n")
    print("| model | outputs that differ | said |\n|---|---|---|")
    rows = []
    for path in models(options.only):
        rows.append(measure(path, options.inputs))
        print(rows[-1], flush=True)
    ran = [row for row in rows if row.found is not None]
    equal = [row for row in ran if row.found is not None and not row.found.different]
    hidden = [row.name for row in rows if row.is_hidden]
    print(f"\n{len(ran)} of {len(rows)} models ran; {len(equal)} have no difference")
    if hidden:
        print(f"differ, and nothing says so: {', '.join(hidden)}")
    return 1 if hidden else 0


if __name__ == "__main__":
    sys.exit(main())
