"""Layers in bands: random networks at random cuts, and what models that people use gain on QEMU.

    python benchmarks/tiling.py --random 2000 [--first 0]
    python benchmarks/tiling.py --single
    python benchmarks/tiling.py --m4 DIR --m55 DIR [--only NAME] [--rows FILE] [--known] [--write]

Seeded convolutional networks (residuals, branches, odd sizes, strides 1 to 3, kernels 1 to 7,
dilation, SAME and VALID) run on TFLM as they are and in bands at random cuts, each with its
memory plan in force; exits with 1 where an output differs.

``--single``: what layers in bands, each alone, are worth in place of a plan for one ISA.

With a TFLM build for each core: chosen models with the options that each row names, then every
model of ``shared`` with ``--goal memory --overlap --max-slowdown 5``, on Cortex-M55 where its
library is given, of which those are shown that gain 5 % or more. Original, result without bands and
result in bands run on QEMU: what is used of the arena, the instructions, and whether the outputs in
bands are those of the original. ``--rows`` keeps what was measured, so that a run that was ended
goes on; ``--known`` shows what it has. ``--write`` puts the tables into ``docs/tiling.md`` and
``docs/benchmarks.md``. Exits with 4 where the models are absent.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated
from unittest.mock import patch

import typer

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.field import measured_of  # noqa: E402
from benchmarks.run import replace_section  # noqa: E402
from tests.support.check_rule import check_same_outputs  # noqa: E402
from tests.support.conv_nets import random_net  # noqa: E402
from tests.tiling.test_random_cuts import draw, tiled  # noqa: E402
from tflopt.cli.device import choose_device  # noqa: E402
from tflopt.config import Goal, Tile  # noqa: E402
from tflopt.errors import TfloptError, UsageError  # noqa: E402
from tflopt.facts.banded import banded_op  # noqa: E402
from tflopt.io import read_bytes, write_bytes  # noqa: E402
from tflopt.io.files import load  # noqa: E402
from tflopt.product.optimize import Result, optimize_file_bytes  # noqa: E402
from tflopt.product.options import Options, Overlap  # noqa: E402
from tflopt.run.choose import DeviceOptions  # noqa: E402
from tflopt.run.device import DeviceRunner  # noqa: E402
from tflopt.run.samples import SampleOptions  # noqa: E402
from tflopt.target.device import Device  # noqa: E402
from tflopt.tiling import windows  # noqa: E402
from tflopt.verify.compare import Candidate, compare  # noqa: E402

SHARED = ROOT.parent / "shared"
FOLDERS = (SHARED / "models", SHARED / "field" / "models")
CANNOT_RUN = 4
WORTH_A_ROW = 0.05
FOLDER = 5
"""``--max-slowdown`` for every model of the folders."""
EVERY = 100
INPUTS = 4
"""In a row, on the emulated core."""
M4, M55 = "cortex-m4", "cortex-m55"


@dataclass(frozen=True)
class Case:
    """One model with the options that it gets."""

    model: str
    core: str
    plan: Overlap = Overlap.TARGET
    slowdown: float = 10.0
    keep_channels: bool = False

    @property
    def options(self) -> Options:
        """As the command line would have them."""
        return Options(
            target=self.core,
            goal=Goal.MEMORY,
            overlap=self.plan,
            max_slowdown=self.slowdown,
            keep_channels=self.keep_channels,
            verify=False,
        )

    @property
    def words(self) -> str:
        """As a user types them, but for the core and the goal."""
        plan = {Overlap.TARGET: "--overlap", Overlap.NONE: "--no-overlap"}.get(self.plan)
        slowdown = "" if self.slowdown == Options().max_slowdown else f"{self.slowdown:g}"
        found = [plan, "--keep-channels" if self.keep_channels else None]
        found.append(f"--max-slowdown {slowdown}" if slowdown else None)
        return " ".join(f"`{word}`" for word in found if word)


@dataclass(frozen=True)
class Row:
    """What a case took: arena, instructions and file of the original, without bands, in bands.

    ``arenas`` of a model that doesn't run there are empty, and ``note`` says why.
    """

    arenas: tuple[int, ...] = ()
    instructions: tuple[int, ...] = ()
    files: tuple[int, ...] = ()
    operators: tuple[int, ...] = ()
    outputs: str = ""
    note: str = ""
    seconds: float = 0.0
    """Of the CPU, for the result in bands."""

    @property
    def gains(self) -> bool:
        """Whether bands lower the arena by so much that it's told."""
        return bool(self.arenas) and self.arenas[2] <= (1 - WORTH_A_ROW) * self.arenas[1]


CHOSEN = (
    Case("vww_96_int8", "", slowdown=3, keep_channels=True),
    Case("vww_96_int8", "", Overlap.EVERY, slowdown=3, keep_channels=True),
    Case("vww_96_int8", "", Overlap.NONE, slowdown=3, keep_channels=True),
    Case("vww_96_int8", "", slowdown=3),
    Case("ic_resnet8_int8", ""),
    Case("mobilenet_v2_pytorch", "", Overlap.EVERY, slowdown=8),
    Case("yolo_fastest_192_face", "", slowdown=5),
    Case("micronet_kws_m", "", slowdown=5),
    Case("cifar10_quant", ""),
    Case("pretrainedresnet_large", "", slowdown=5),
)
SINGLE = tuple(Case(name, M55) for name in ("ic_resnet8_int8", "cifar10_quant", "micronet_kws_m"))
HEAD = (
    "| model | core | options | arena: original | without bands | in bands "
    "| instructions: of the original's | of those without bands | file | operators | outputs |\n"
    "|---|---|---|--:|--:|--:|--:|--:|--:|--:|---|"
)


def main(
    count: Annotated[int, typer.Option("--random", min=0)] = 0,
    first: Annotated[int, typer.Option(min=0)] = 0,
    single: Annotated[bool, typer.Option("--single", help="Layers in bands, each alone.")] = False,
    m4: Annotated[Path | None, typer.Option(help="The TFLM build for Cortex-M4.")] = None,
    m55: Annotated[Path | None, typer.Option(help="The TFLM build for Cortex-M55.")] = None,
    only: Annotated[str, typer.Option(help="Only models whose name has this.")] = "",
    rows: Annotated[Path | None, typer.Option(help="Where rows are kept.")] = None,
    known: Annotated[bool, typer.Option("--known", help="Only the rows that FILE has.")] = False,
    write: Annotated[bool, typer.Option("--write", help="Renew the pages.")] = False,
) -> None:
    """One of the three."""
    if count:
        raise typer.Exit(int(run_random(range(first, first + count)) > 0))
    paths = {path.stem: path for each in FOLDERS for path in sorted(each.glob("*.tflite"))}
    if not paths:
        print("the folder shared is absent", file=sys.stderr)
        raise typer.Exit(CANNOT_RUN)
    if single:
        run_single(paths)
        return
    libraries = {core: path for core, path in ((M55, m55), (M4, m4)) if path is not None}
    if not libraries:
        raise UsageError("--m4, --m55 or --random")
    runners = {
        core: choose_device("qemu", DeviceOptions(Device.of(core).target, library))
        for core, library in libraries.items()
    }
    bench = Bench(paths, runners, rows, known)
    asked = [replace(each, core=core) for each in CHOSEN for core in runners]
    core = next(iter(runners))
    every = [Case(stem, core, slowdown=FOLDER) for stem in sorted(paths, key=str.lower)]
    for name, cases, page in (("tiling", asked, "tiling"), ("bands", every, "benchmarks")):
        text = "\n".join(
            bench.table([each for each in cases if only in each.model], cases is every)
        )
        print(f"{text}\n", flush=True)
        if write:
            place = ROOT / "docs" / f"{page}.md"
            place.write_text(replace_section(place.read_text(), name, f"{TITLES[name]}{text}"))


TITLES = {
    "tiling": "",
    "bands": """## Layers in bands

`python benchmarks/tiling.py --m4 DIR --m55 DIR --write`, with a TFLM build for each core: every
model of the folders that `--goal memory --overlap --max-slowdown 5` computes in bands and that
gains 5 % or more of its arena by that, measured on QEMU. [tiling.md](tiling.md) has models with
other options.

""",
}


@dataclass
class Bench:
    """Measures cases, or knows them."""

    paths: dict[str, Path]
    runners: dict[str, DeviceRunner]
    place: Path | None
    only_known: bool = False

    def table(self, cases: Sequence[Case], only_gains: bool) -> Iterator[str]:
        """Lines of markdown."""
        yield HEAD
        missing = []
        for case in cases:
            row = self._row(case)
            if row is None:
                words = "" if only_gains else f" on {case.core} with {case.words or 'defaults'}"
                missing.append(f"{case.model}{words}")
            elif row.gains or not only_gains:
                yield cells(case, row)
        if missing:
            yield f"\nNot measured: {', '.join(dict.fromkeys(missing))}."

    def _row(self, case: Case) -> Row | None:
        known = {}
        if self.place is not None and self.place.exists():
            known = json.loads(self.place.read_text())
        key = repr(case)
        if key in known:
            return Row(**known[key])
        if self.only_known:
            return None
        try:
            row = measure(case, self.paths[case.model], self.runners[case.core])
        except TfloptError as error:
            row = Row(note=str(error).partition("\n")[0])
        line = cells(case, row)
        print(
            f"{line} {row.seconds:.1f} s {row.arenas} {row.instructions}",
            file=sys.stderr,
            flush=True,
        )
        if self.place is not None:
            self.place.write_text(json.dumps({**known, key: asdict(row)}, indent=0))
        return row


def cells(case: Case, row: Row) -> str:
    """One line of the table."""
    start = f"| {case.model} | {case.core} | {case.words} |"
    if row.note:
        return f"{start} {row.note} |{' |' * 7}"
    work, size = row.instructions, row.files
    found = [
        *(f"{arena:,}" for arena in row.arenas),
        *(f"{work[2] / max(1, each) - 1:+.1%}" for each in work[:2]),
        f"{size[2] / size[1] - 1:+.1%}",
        f"{row.operators[0]} -> {row.operators[1]}",
        row.outputs,
    ]
    return f"{start} {' | '.join(found)} |"


def measure(case: Case, path: Path, runner: DeviceRunner) -> Row:
    """Optimize a model without bands and with, and run what came out.

    Raises:
        TfloptError: it can't be optimized, or doesn't run there.
    """
    model, data = load(path)
    options = case.options
    start = time.process_time()
    banded = _optimized(path, options)
    seconds = time.process_time() - start
    if banded_op(banded.model) is None:
        return Row(note="no bands", seconds=seconds)
    plain = _optimized(path, replace(options, tile=Tile.OFF))
    files = [data, plain.data, banded.data]
    found = measured_of(files, runner)
    pair = Candidate(model, data), Candidate(read_bytes(banded.data), banded.data)
    status = compare(*pair, runner=runner, options=SampleOptions(INPUTS)).status
    return Row(
        tuple(each.arena_bytes for each in found),
        tuple(each.instructions for each in found),
        tuple(map(len, files)),
        tuple(len(each.model.main.ops) for each in (plain, banded)),
        status,
        seconds=seconds,
    )


def _optimized(path: Path, options: Options) -> Result:
    return optimize_file_bytes(*load(path), options.settings(lambda name, _: name))


def run_single(paths: dict[str, Path]) -> None:
    """A table of predicted arenas on Cortex-M55."""
    print("| model | without bands | `--overlap` | one layer in bands | layers in bands |")
    print("|---|--:|--:|--:|--:|")
    for case in SINGLE:
        everywhere, banded = replace(case, plan=Overlap.EVERY).options, list[Result]()
        for longest in (1, windows.LONGEST):
            with patch.object(windows, "LONGEST", longest):
                banded.append(_optimized(paths[case.model], everywhere))
        off = [replace(each, tile=Tile.OFF) for each in (everywhere, case.options)]
        found = [*(_optimized(paths[case.model], each) for each in off), *banded]
        arenas = [each.memory_after.arena.minimum_bytes for each in found if each.memory_after]
        print(f"| {case.model} | {' | '.join(f'{arena:,}' for arena in arenas)} |", flush=True)


def run_random(seeds: Sequence[int]) -> int:
    """How many networks failed."""
    bad = cut = segments = 0
    for number, seed in enumerate(seeds, 1):
        rng = random.Random(seed)
        model = read_bytes(write_bytes(random_net(rng, in_time=seed % 4 == 0)))
        copy, chosen = None, draw(rng, model)
        while copy is None:
            copy = tiled(model, chosen) if chosen else None
            chosen = chosen if copy is not None else draw(rng, model)
        cut, segments = cut + 1, segments + len(chosen)
        try:
            check_same_outputs(model, copy, ("tflm",))
        except BaseException as failure:  # pytest.fail and assertions
            if isinstance(failure, KeyboardInterrupt):
                raise
            bad += 1
            print(f"seed {seed}: {failure}", flush=True)
        if number % EVERY == 0 or number == len(seeds):
            print(f"{cut:,} networks, {segments:,} segments in bands: {bad} failed", flush=True)
    return bad


if __name__ == "__main__":
    typer.run(main)
