"""Makes clean models worse, optimizes them, and counts the bytes that still move needlessly.

    python benchmarks/deoptimize.py --models 500 --seed 1 [--shrink] [--save FOLDER]

Every trial takes a clean network, inserts inverse transposes, views, split pads, operators without
effect and the like, and optimizes. The result must move at most the clean model's bytes and
give the same bits on TFLM. Exits with 1 where a trial fails. ``--shrink`` finds the fewest
mutations that show each failure; ``--save`` writes those models.
"""

from __future__ import annotations

import sys
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Annotated

import typer

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # for tests/support, which holds the de-optimizer

from tests.support.runtime import runtime  # noqa: E402
from tests.support.trial import Finding, make_trial, run_trial, shrink  # noqa: E402
from tflopt.io import write_bytes  # noqa: E402


def main(
    models: Annotated[int, typer.Option(help="Number of models.")] = 500,
    seed: Annotated[int, typer.Option(help="Seed of the first model.")] = 1,
    minimal: Annotated[bool, typer.Option("--shrink", help="Find the fewest mutations.")] = False,
    save: Annotated[Path | None, typer.Option(help="Write models that fail here.")] = None,
) -> None:
    """Run the trials and print a table by base net, then the failures."""
    start = time.monotonic()
    findings = [run_trial(make_trial(seed * 1_000_000 + number)) for number in range(models)]
    seconds = time.monotonic() - start
    _table(findings)
    failed = [finding for finding in findings if finding.fault]
    good = len(findings) - len(failed)
    print(f"\n{good} of {len(findings)} models came back, in {seconds:.0f} s\n")
    if minimal:
        failed = [shrink(finding) for finding in failed]
    _failures(failed)
    if save is not None:
        _save(failed, save)
    runtime().stop()
    raise typer.Exit(1 if failed else 0)


def _table(findings: list[Finding]) -> None:
    by_base: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        by_base[finding.trial.base].append(finding)
    print("| base | models | back | clean bytes | de-optimized | optimized |")
    print("|---|---|---|---|---|---|")
    for base, group in sorted(by_base.items()):
        back = sum(not finding.fault for finding in group)
        sums = [
            sum(getattr(finding, name) for finding in group)
            for name in ("clean_bytes", "worse_bytes", "found_bytes")
        ]
        print(f"| {base} | {len(group)} | {back} | {sums[0]} | {sums[1]} | {sums[2]} |")


def _failures(failed: list[Finding]) -> None:
    kinds: dict[tuple[str, tuple[str, ...]], list[Finding]] = defaultdict(list)
    for finding in failed:
        kinds[finding.fault, tuple(sorted(finding.done))].append(finding)
    for (fault, names), group in sorted(kinds.items(), key=lambda item: -len(item[1])):
        bases = ", ".join(f"{b} {n}" for b, n in Counter(f.trial.base for f in group).items())
        example = min(group, key=lambda finding: len(finding.left))
        print(f"{len(group)} x {fault}: {' + '.join(names)} ({bases})")
        print(
            f"    left {Counter(example.left)}, {example.found_bytes - example.clean_bytes:+} bytes"
        )
        for miss in example.near_misses[:3]:
            print(f"    {miss.rule}: {miss.reason} at {miss.where}")


def _save(failed: list[Finding], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    seen: set[tuple[str, ...]] = set()
    for finding in failed:
        names = tuple(sorted(finding.done))
        if names in seen:
            continue
        seen.add(names)
        stem = "+".join(names)[:120] + "." + finding.trial.base
        (folder / f"{stem}.tflite").write_bytes(write_bytes(finding.trial.worse()))
        (folder / f"{stem}.clean.tflite").write_bytes(write_bytes(finding.trial.clean()))


if __name__ == "__main__":
    typer.run(main)
