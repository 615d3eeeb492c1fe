"""How often each rule fires on every model, with default options.

    python benchmarks/rules.py [--write]

Prints markdown and compares with ``testdata/rule_hits.json``, which a test holds to as well; exits
with 1 where they differ. ``--write`` renews that file: its diff shows what a change did to which
models. Models that are not here keep their numbers.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from tflopt.config import Config
from tflopt.io.files import load
from tflopt.product.optimize import Settings, optimize_file_bytes
from tflopt.rules.pipeline import RULES
from tflopt.target.memory import PlanRequest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = (ROOT.parent / "shared" / "models", ROOT / "testdata" / "models")
EXPECTED = ROOT / "testdata" / "rule_hits.json"
ORDER = {rule.name: index for index, rule in enumerate(RULES)}
Hits = Mapping[str, Mapping[str, int]]


def hits_of(path: Path) -> dict[str, int]:
    """Firings by rule, in the order of the pipeline; rules that never fired are left out."""
    model, data = load(path)
    settings = Settings(config=Config(plan=PlanRequest()), samples=None)
    counts = optimize_file_bytes(model, data, settings).trace.counts
    return {name: counts[name] for name in ORDER if counts[name]}


def expected() -> dict[str, dict[str, int]]:
    """The numbers that are checked in."""
    found: dict[str, dict[str, int]] = json.loads(EXPECTED.read_text()) if EXPECTED.exists() else {}
    return found


def write(found: Hits) -> None:
    """Renew the file, a model to a line."""
    merged = {**expected(), **found}
    lines = [f"{json.dumps(name)}: {json.dumps(merged[name])}" for name in sorted(merged)]
    EXPECTED.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def differences(found: Hits, known: Hits) -> list[str]:
    """One line for each number that differs."""
    return [
        f"{model}, {rule}: {old.get(rule, 0)} before, {new.get(rule, 0)} now"
        for model, new in found.items()
        for old in (known.get(model, {}),)
        for rule in sorted({*old, *new})
        if old.get(rule, 0) != new.get(rule, 0)
    ]


def tables(found: Hits) -> str:
    """Models with their rules, and rules with their models."""
    total: Counter[str] = Counter()
    models: Counter[str] = Counter()
    lines = ["| model | times and rule |", "|---|---|"]
    for model, counts in found.items():
        total.update(counts)
        models.update(counts.keys())
        lines.append(f"| {model} | {_spelled(counts)} |")
    lines += ["", "| rule | times | models |", "|---|--:|--:|"]
    lines += [f"| {rule} | {total[rule]} | {models[rule]} |" for rule in ORDER if total[rule]]
    never = [rule for rule in ORDER if not total[rule]]
    return "\n".join([*lines, "", f"On none of these models: {', '.join(never)}."])


def _spelled(counts: Mapping[str, int]) -> str:
    often = [f"{count} {rule}" for rule, count in counts.items() if count > 1]
    once = [rule for rule, count in counts.items() if count == 1]
    return "; ".join([*([", ".join(often)] if often else []), f"once: {', '.join(once)}"])


def main(
    renew: Annotated[bool, typer.Option("--write", help="Renew testdata/rule_hits.json.")] = False,
) -> None:
    """Count firings on every model."""
    paths = [path for folder in FOLDERS for path in sorted(folder.glob("*.tflite"))]
    found = {path.stem: hits_of(path) for path in paths}
    print(f"{len(paths)} models for cortex-m55, default options.\n\n{tables(found)}")
    if renew:
        write(found)
    changed = differences(found, expected())
    for text in changed:
        typer.echo(text, err=True)
    raise typer.Exit(1 if changed else 0)


if __name__ == "__main__":
    typer.run(main)
