"""CPU time, memory and planned bytes beside helia-aot and Vela, on every model.

    python benchmarks/others.py [--helia COMMAND] [--vela COMMAND] [--runs 2] [--model NAME]

The tools come from PyPI (helia-aot, ethos-u-vela), best in an environment of their own; without the
options they are looked for on the PATH. Each runs as a whole process, in turn with the others, on
the same model. Exits with 4 where one is missing, with 1 if tflopt itself fails.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.processes import (
    BASELINE,
    Runs,
    baseline_line,
    failures,
    models,
    optimize,
    run,
    summary,
    table_row,
    take_turns,
)

CANNOT_RUN = 4
TARGET = "cortex-m55"
TFLOPT = (sys.executable, "-m", "tflopt")
NAMES = ("tflopt", "helia-aot", "Vela")
SCRATCH = "scratch of "
EXPLANATION = f"""\
tflopt runs as `optimize --no-verify`, since the others verify nothing; helia-aot as `convert`; Vela
with `--ignore-ops` and every operator of the model, so that all stay on the CPU and what it adds is
an OfflineMemoryAllocation of the activations. They are made for other things: helia-aot writes C
sources that call its own kernels instead of TFLM's interpreter, Vela compiles for the Ethos-U.

Planned bytes: *TFLM* is the head that the runtime's own planner gives the original; *helia-aot*
what it reports as used in its scratch and persistent arenas, with the scratch of its own kernels
and without an interpreter; *Vela* the end of its plan, which knows no scratch of CMSIS-NN; *Vela's
head* and *arena* what TFLM with CMSIS-NN makes of that plan on a {TARGET}, by `tflopt inspect
--memory`; *plan alone* is `tflopt optimize --only plan-memory`, *tflopt* its default, which
rewrites the graph first. The arena is head and tail: all that the firmware has to provide.
*overlaps* says that `inspect --memory` finds tensors at the same bytes that TFLM's clock has alive
at once (a subgraph's over its caller's), *-* that a size isn't known: a tool fails on the model, or
no kernel of the target takes what it wrote."""


@dataclass(frozen=True)
class Tools:
    """The commands of the other tools."""

    helia: str
    vela: str


@dataclass(frozen=True)
class Plans:
    """Bytes; None where a tool failed or a size is not known."""

    tflm_head: int | None
    tflm_arena: int | None
    helia: int | None
    vela: int | None
    vela_head: int | None
    vela_arena: int | None
    vela_errors: int
    alone_head: int | None
    alone_arena: int | None
    tflopt_head: int | None
    tflopt_arena: int | None


@dataclass(frozen=True)
class Row:
    """A model: runs of the baseline and of each tool, and what they planned."""

    name: str
    baseline: Runs
    tools: tuple[Runs, ...]
    plans: Plans


def inspect(path: Path) -> Mapping[str, Any]:
    """What ``tflopt inspect`` knows of a file; empty where it can't read it."""
    found = run((*TFLOPT, "inspect", "--memory", "--json", "--target", TARGET, str(path)))
    return json.loads(found.output) if found.output.startswith("{") else {}


def commands(path: Path, tools: Tools, folder: Path, operators: Sequence[str]) -> list[list[str]]:
    """The command lines on one model, in the order of ``NAMES``."""
    helia = ["convert", "--model.path", str(path), "--module.path", str(folder / "helia")]
    vela = [str(path), "--output-dir", str(folder / "vela"), "--ignore-ops", ",".join(operators)]
    return [
        list(optimize(path, folder / "tflopt.tflite", "--no-verify", "--target", TARGET)),
        [tools.helia, *helia, "--force", "--memory.dump-residency-json", "--platform.cpu", TARGET],
        [tools.vela, *vela],
    ]


def measure(path: Path, tools: Tools, runs: int) -> Row:
    """Every tool on one model."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        before = inspect(path)
        operators = sorted({op["code"] for op in before["operators"] if op["code"].isupper()})
        lines = [list(BASELINE), *commands(path, tools, folder, operators)]
        baseline, *found = take_turns(lines, runs)
        return Row(path.stem, baseline, tuple(found), _plans(path, folder, before))


def _plans(path: Path, folder: Path, before: Mapping[str, Any]) -> Plans:
    alone = folder / "alone.tflite"
    run(optimize(path, alone, "--no-verify", "--only", "plan-memory", "--target", TARGET))
    vela = next((folder / "vela").glob("*_vela.tflite"), None)
    by_vela = inspect(vela) if vela else {}
    findings = (by_vela.get("memory") or {}).get("findings", [])
    sizes = [_arena(data) for data in (before, inspect(alone), inspect(folder / "tflopt.tflite"))]
    vela_head, vela_arena = _arena(by_vela)
    return Plans(
        *sizes[0],
        helia_bytes(folder / "helia"),
        activations(by_vela),
        vela_head,
        vela_arena,
        sum(each["severity"] == "error" for each in findings),
        *sizes[1],
        *sizes[2],
    )


def _arena(data: Mapping[str, Any]) -> tuple[int | None, int | None]:
    arena = data.get("arena")
    if not arena or arena["unknown_operators"]:
        return None, None
    return arena["head_bytes"], arena["minimum_bytes"]


def activations(data: Mapping[str, Any]) -> int | None:
    """The end of what a plan places, scratch apart; None without a plan."""
    if not (data.get("arena") or {}).get("offline_plan"):
        return None
    buffers = data["memory"]["buffers"]
    kept = [each for each in buffers if not each["name"].startswith(SCRATCH)]
    return max((each["offset_bytes"] + each["size_bytes"] for each in kept), default=0)


def helia_bytes(folder: Path) -> int | None:
    """The bytes of helia-aot's own report that are neither constants nor code."""
    found = next(folder.glob("**/*_residency.json"), None)
    if found is None:
        return None
    arenas = json.loads(found.read_text())["arenas"]
    return sum(int(each["used"]) for kind in ("scratch", "persistent") for each in arenas[kind])


def times(rows: Sequence[Row], runs: int) -> list[str]:
    """The table of ratios."""
    baseline = Runs([usage for row in rows for usage in row.baseline.usages])
    names = [f"{name}, {what}" for name in NAMES for what in ("CPU time", "memory")]
    lines = [baseline_line(baseline, runs), "", table_row(["model", *names])]
    lines.append("|---|" + "--:|" * len(names))
    for row in rows:
        cells = [cell for each in row.tools for cell in each.ratios(baseline)]
        lines.append(table_row([row.name, *cells]))
    lines.append("")
    for index, name in enumerate(NAMES):
        lines.append(f"- {summary(name, [row.tools[index] for row in rows], baseline)}")
    return lines


def plans(rows: Sequence[Row]) -> list[str]:
    """The table of planned bytes."""
    heads = ("TFLM", "helia-aot", "Vela", "Vela's head", "plan alone", "tflopt")
    arenas = ("arena: TFLM", "Vela", "plan alone", "tflopt")
    lines = [table_row(["model", *heads, *arenas]), "|---|" + "--:|" * 10]
    for row in rows:
        p = row.plans
        vela = _size(p.vela_head) + (" (overlaps)" if p.vela_errors else "")
        cells = [_size(p.tflm_head), _size(p.helia), _size(p.vela), vela]
        cells += [_size(each) for each in (p.alone_head, p.tflopt_head, p.tflm_arena)]
        cells += [_size(each) for each in (p.vela_arena, p.alone_arena, p.tflopt_arena)]
        lines.append(table_row([row.name, *cells]))
    return [*lines, "", *(f"- {text}" for text in _comparison(rows))]


def _size(count: int | None) -> str:
    return "-" if count is None else f"{count:,}"


def _comparison(rows: Sequence[Row]) -> list[str]:
    """How often a plan is smaller, equal or larger; on one core, with one accounting."""
    pairs = {
        "arena with Vela's plan against plan alone": [
            (row.plans.vela_arena, row.plans.alone_arena) for row in rows
        ],
        "helia-aot's planned bytes against tflopt's head": [
            (row.plans.helia, row.plans.tflopt_head) for row in rows
        ],
    }
    found = []
    for name, each in pairs.items():
        known = [(a, b) for a, b in each if a is not None and b is not None]
        more, equal = sum(a > b for a, b in known), sum(a == b for a, b in known)
        less = len(known) - more - equal
        found.append(f"{name}: larger on {more}, equal on {equal}, smaller on {less} models")
    return found


def not_done(rows: Sequence[Row]) -> list[str]:
    """What each tool says of a model that it fails on."""
    names = [f"{row.name}, {name}" for row in rows for name in NAMES]
    return failures(names, [each for row in rows for each in row.tools])


def versions(tools: Tools) -> str:
    """One line."""
    found = {
        "tflopt": run((*TFLOPT, "--version")).output,
        "helia-aot": run((tools.helia, "--version")).output,
        "Vela": run((tools.vela, "--version")).output,
    }
    return ", ".join(f"{name} {text.split()[-1]}" for name, text in found.items()) + "."


def missing(tools: Tools) -> list[str]:
    """What is not there, with the package that brings it."""
    packages = {tools.helia: "helia-aot", tools.vela: "ethos-u-vela"}
    return [f"{name} (pip install {packages[name]})" for name in packages if not shutil.which(name)]


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--helia", default="helia-aot", metavar="COMMAND")
    parser.add_argument("--vela", default="vela", metavar="COMMAND")
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--model", action="append", help="only these; repeatable")
    options = parser.parse_args()
    tools = Tools(options.helia, options.vela)
    absent = missing(tools)
    if absent:
        print(f"others.py: not found: {', '.join(absent)}", file=sys.stderr)
        return CANNOT_RUN
    chosen = [path for path in models() if not options.model or path.stem in options.model]
    if not chosen:
        parser.error("no such model")
    rows = [measure(path, tools, options.runs) for path in chosen]
    parts = [[versions(tools), "", EXPLANATION], ["## Time and memory of the tools", ""]]
    parts[1] += times(rows, options.runs)
    parts.append([f"## Planned bytes on a {TARGET}", "", *plans(rows)])
    failed = not_done(rows)
    if failed:
        parts.append(["## Not done", "", *failed])
    print("\n\n".join("\n".join(part) for part in parts))
    return 1 if any(row.tools[0].failure for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
