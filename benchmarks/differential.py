"""Random layers of every operator with a CMSIS-NN kernel: the emulated core against the reference.

    python benchmarks/differential.py --target cortex-m55 --tflm-lib DIR --layers 5000 --seed 1

The reference is the tflite-micro package, whose kernels are TFLM's portable ones. Layers that meet
a known defect (``docs/hazards.md``) are counted apart, and have to differ from the reference for
the table to be right. What differs beyond them is made as small as possible, and a condition on
its numbers is proposed. Writes JSON with ``--output``; exit code 1 if an unknown difference is
left. ``--operator`` takes families by name.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # for tests/support, which this shares its builder with

from benchmarks.device_layers.families import FAMILIES, Spec  # noqa: E402
from benchmarks.device_layers.packs import Difference, make_pack, run_pack  # noqa: E402
from benchmarks.device_layers.predicate import propose  # noqa: E402
from benchmarks.device_layers.shrink import shrink  # noqa: E402
from tflopt.run.choose import DeviceOptions, device_runner  # noqa: E402
from tflopt.run.runner import Runner  # noqa: E402
from tflopt.target import Target  # noqa: E402
from tflopt.target.cmsis_nn.versions import find_version  # noqa: E402
from tflopt.target.device import Device  # noqa: E402
from tflopt.target.hazards import find_hazards  # noqa: E402

PACK = 125
SHRUNK = 3
"""How many differences of an operator are made smaller."""


@dataclass
class Tally:
    """What came of one operator."""

    family: str
    layers: int = 0
    known: dict[str, int] = field(default_factory=dict)
    """Layers that meet a known defect, by its name."""
    seen: dict[str, int] = field(default_factory=dict)
    """Those of them that differed."""
    unknown: list[Difference] = field(default_factory=list)
    smallest: list[Difference] = field(default_factory=list)
    proposal: str = ""
    seconds: float = 0.0

    def as_json(self) -> dict[str, object]:
        """Everything as plain data."""
        return {
            "operator": self.family,
            "layers": self.layers,
            "known": self.known,
            "seen": self.seen,
            "unknown": len(self.unknown),
            "examples": [str(each) for each in self.unknown[:20]],
            "smallest": [str(each) for each in self.smallest],
            "proposal": self.proposal,
            "seconds": round(self.seconds, 1),
        }


def known_defects(spec: Spec, device: Device) -> list[str]:
    """Names of the table's entries that a layer meets."""
    return [found.hazard.name for found in find_hazards(make_pack([spec]).model, device)]


def run_family(family: str, layers: int, seed: int, runner: Runner, device: Device) -> Tally:
    """Random layers of one operator, pack by pack."""
    started, tally = time.monotonic(), Tally(family)
    rng = random.Random(f"{seed} {family}")
    agreeing: list[Spec] = []
    while tally.layers < layers:
        specs = [FAMILIES[family].draw(rng) for _ in range(min(PACK, layers - tally.layers))]
        tally.layers += len(specs)
        defects = {spec: known_defects(spec, device) for spec in specs}
        apart = [spec for spec in specs if defects[spec]]
        clean = [spec for spec in specs if not defects[spec]]
        differing = {each.spec: each for each in run_pack(clean, runner)}
        differing |= {each.spec: each for each in run_pack(apart, runner)}
        _count(tally, defects, differing)
        agreeing += [spec for spec in clean if spec not in differing]
    if tally.unknown:
        run = partial(run_pack, device=runner)
        tally.smallest = [shrink(each, run) for each in tally.unknown[:SHRUNK]]
        tally.proposal = str(propose([each.spec for each in tally.unknown], agreeing))
    tally.seconds = time.monotonic() - started
    return tally


def _count(tally: Tally, defects: dict[Spec, list[str]], differing: dict[Spec, Difference]) -> None:
    for spec, names in defects.items():
        for name in names:
            tally.known[name] = tally.known.get(name, 0) + 1
            tally.seen[name] = tally.seen.get(name, 0) + (spec in differing)
        if spec in differing and not names:
            tally.unknown.append(differing[spec])


def print_tally(tally: Tally) -> None:
    """One line, and what was found."""
    known = ", ".join(f"{n}: {tally.seen[n]} of {tally.known[n]} differ" for n in tally.known)
    print(
        f"| {tally.family} | {tally.layers} | {known or '-'} | {len(tally.unknown)} | "
        f"{tally.seconds:.0f} s |",
        flush=True,
    )
    for each in tally.smallest:
        print(f"    smallest: {each}")
    if tally.proposal:
        print(f"    proposed: {tally.proposal}", flush=True)


def main(
    target: Annotated[str, typer.Option(help="The core.")] = "cortex-m55",
    layers: Annotated[int, typer.Option(help="Layers of each operator.")] = 5000,
    seed: Annotated[int, typer.Option(help="Seed of the layers.")] = 1,
    operator: Annotated[list[str] | None, typer.Option(help="Only this; repeatable.")] = None,
    tflm_lib: Annotated[Path | None, typer.Option(help="Folder with lib and include.")] = None,
    firmware: Annotated[Path | None, typer.Option(help="A built image instead.")] = None,
    cmsis_nn: Annotated[str, typer.Option(help="The library's CMSIS-NN.")] = "4ab83cc",
    output: Annotated[Path | None, typer.Option(help="Write JSON here.")] = None,
) -> None:
    """Compare, and exit with 1 where something unknown differs."""
    core = Target.parse(target)
    runner = device_runner("qemu", DeviceOptions(core, library=tflm_lib, firmware=firmware))
    device = Device.of(core, find_version(cmsis_nn))
    tallies = []
    print("| operator | layers | known defects met | other differences | time |")
    print("|---|---|---|---|---|", flush=True)
    for family in operator or FAMILIES:
        tallies.append(run_family(family, layers, seed, runner, device))
        print_tally(tallies[-1])
        if output is not None:
            output.write_text(_dumps(target, cmsis_nn, seed, tallies))
    raise typer.Exit(1 if any(tally.unknown for tally in tallies) else 0)


def _dumps(target: str, cmsis_nn: str, seed: int, tallies: Sequence[Tally]) -> str:
    rows = [tally.as_json() for tally in tallies]
    data = {"version": 1, "target": target, "cmsis_nn": cmsis_nn, "seed": seed, "operators": rows}
    return json.dumps(data, indent=2) + "\n"


if __name__ == "__main__":
    typer.run(main)
