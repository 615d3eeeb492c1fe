"""Coverage-guided fuzzing of the reader with atheris (docs/fuzzing.md).

    python benchmarks/fuzz_reader.py --runs 1000000 --seed 1 [--optimize] [--findings FOLDER]

Starts from the small models of ``testdata/``. A model that is accepted is written and read again
(and optimized first, with ``--optimize``). Anything but success or an error for the user with exit
code 3 is a finding: another exception, a hang, or more memory than the limit. It is saved, and the
command exits with libFuzzer's code. Coverage, speed and peak memory are printed at the end.
"""

from __future__ import annotations

import sys
import tempfile
import warnings
from pathlib import Path
from typing import Annotated

import atheris
import typer

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
OPTIMIZES = "--optimize" in sys.argv  # decides what is instrumented when it is imported

with atheris.instrument_imports(include=["tflopt"] if OPTIMIZES else ["tflopt.io", "tflopt.ir"]):
    from tflopt.errors import EXIT_INVALID, ModelError, UnsupportedError
    from tflopt.io import read_bytes, write_bytes
    from tflopt.product.optimize import optimize

TESTDATA = ROOT / "testdata"
TIME_LIMIT_S = 10
MEMORY_LIMIT_MIB = 512
READ_AGAIN_EVERY = 4


def seeds(folder: Path, largest: int) -> int:
    """Copy the models of ``testdata/`` that are small enough; how many."""
    small = [p for p in sorted(TESTDATA.glob("*/*.tflite")) if p.stat().st_size <= largest]
    for path in small:
        (folder / path.name).write_bytes(path.read_bytes())
    return len(small)


def one_input(data: bytes) -> None:
    """Read, and write what was accepted."""
    try:
        model = read_bytes(data, "model.tflite")
    except (ModelError, UnsupportedError) as error:
        assert error.exit_code == EXIT_INVALID
        assert str(error).startswith("model.tflite: ")
        return
    if OPTIMIZES:
        try:
            model = optimize(model)
        except UnsupportedError as error:
            assert error.exit_code == EXIT_INVALID
            return
    elif len(data) % READ_AGAIN_EVERY:
        return
    read_bytes(write_bytes(model))


def main(
    runs: Annotated[int, typer.Option(help="Executions.")] = 1_000_000,
    seed: Annotated[int, typer.Option(help="Seed of the mutations.")] = 1,
    max_len: Annotated[int, typer.Option(help="Longest input in bytes.")] = 2304,
    optimizes: Annotated[
        bool, typer.Option("--optimize", help="Optimize accepted models.")
    ] = False,
    corpus: Annotated[Path | None, typer.Option(help="Keep the corpus here.")] = None,
    findings: Annotated[Path, typer.Option(help="Where findings go.")] = Path("findings"),
) -> None:
    """Fuzz and print statistics."""
    assert optimizes == OPTIMIZES
    warnings.simplefilter("error")  # the command would print them as further lines
    findings.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="tflopt-corpus-")) if corpus is None else corpus
    folder.mkdir(parents=True, exist_ok=True)
    print(f"{seeds(folder, max_len)} seeds", file=sys.stderr)
    options = (
        f"-runs={runs}",
        f"-seed={seed}",
        f"-max_len={max_len}",
        "-len_control=0",
        f"-timeout={TIME_LIMIT_S}",
        f"-rss_limit_mb={MEMORY_LIMIT_MIB}",
        "-print_final_stats=1",
        f"-artifact_prefix={findings}/",
    )
    atheris.Setup([sys.argv[0], *options, str(folder)], one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    typer.run(main)
