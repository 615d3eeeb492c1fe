"""What a change of a model costs: two models, or two JSON reports, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tflopt.errors import ModelError, UsageError
from tflopt.io.beside import bytes_beside, json_of
from tflopt.io.files import load
from tflopt.io.schema import IDENTIFIER
from tflopt.product.facts import model_facts
from tflopt.product.optimize import DEFAULT_TARGET
from tflopt.report.json_report import SCHEMA_VERSION, heading
from tflopt.target.cmsis_nn import NEWEST
from tflopt.target.cost import Basis, predict_model
from tflopt.target.device import Device
from tflopt.target.memory import memory_of, why_no_memory

METRICS = (
    ("flash", "flash, bytes"),
    ("arena", "arena, bytes"),
    ("operators", "operators"),
    ("instructions", "instructions, predicted"),
    ("macs", "multiply-accumulates"),
    ("moved_bytes", "bytes moved"),
)
TITLES = dict(METRICS)


@dataclass(frozen=True)
class Build:
    """For what the arena was computed."""

    target: str = DEFAULT_TARGET
    cmsis_nn: str = NEWEST.name


@dataclass(frozen=True)
class Side:
    """One model: its numbers by metric, None where unknown, and its operators by name."""

    path: str
    numbers: Mapping[str, int | None]
    by_code: Mapping[str, int]


@dataclass(frozen=True)
class Change:
    """One metric of both."""

    metric: str
    old: int | None
    new: int | None

    def is_regression(self, tolerance_percent: float = 0.0) -> bool:
        """More than before by more than the tolerance; or no longer known."""
        if self.old is None or self.new is None:
            return self.old is not None
        return self.new > self.old * (1 + tolerance_percent / 100)


@dataclass(frozen=True)
class Diff:
    """Both sides for one build; ``operators`` maps a name to both counts where they differ."""

    build: Build
    old: Side
    new: Side
    changes: tuple[Change, ...]
    operators: Mapping[str, tuple[int, int]]

    def regressions(self, tolerance_percent: float = 0.0) -> list[Change]:
        """The metrics that got worse; less is better in each."""
        return [change for change in self.changes if change.is_regression(tolerance_percent)]


def diff(old: Path, new: Path, build: Build | None = None) -> Diff:
    """Compare two files, each a model or a report of ``optimize --report`` (its output).

    Args:
        old: the baseline.
        new: what it is compared with.
        build: for the arena; by default that of a report, if one of the files is one.

    Raises:
        ModelError: a file is neither.
        UsageError: the reports are for other builds, so that arenas can't be compared.
    """
    reports = {path: _report(path) for path in (old, new)}
    stated = {path: _build(data) for path, data in reports.items() if data is not None}
    chosen = build or next(iter(stated.values()), Build())
    for path, own in stated.items():
        if own != chosen:
            raise UsageError(
                f"{path}: is for {own.target} and CMSIS-NN {own.cmsis_nn}, "
                f"not {chosen.target} and {chosen.cmsis_nn}"
            )
    sides = []
    for path in (old, new):
        data = reports[path]
        sides.append(_of_model(path, chosen) if data is None else _of_report(path, data))
    first, second = sides
    codes = sorted(first.by_code.keys() | second.by_code.keys())
    counts = {code: (first.by_code.get(code, 0), second.by_code.get(code, 0)) for code in codes}
    return Diff(
        chosen,
        first,
        second,
        tuple(Change(key, first.numbers[key], second.numbers[key]) for key, _ in METRICS),
        {code: pair for code, pair in counts.items() if pair[0] != pair[1]},
    )


def _report(path: Path) -> dict[str, object] | None:
    """The JSON of a report, None where the file is something else."""
    if not path.is_file():
        return None
    with path.open("rb") as file:
        start = file.read(8)
    if start[4:] == IDENTIFIER or not start.lstrip().startswith(b"{"):
        return None
    try:
        data = json_of(bytes_beside(path))
    except ValueError as error:
        raise ModelError(f"neither a model nor a report: {error}", path=str(path)) from None
    if not isinstance(data, dict) or data.get("schema_version") != SCHEMA_VERSION:
        raise ModelError(f"is not a report of schema version {SCHEMA_VERSION}", path=str(path))
    return data


def _build(data: Mapping[str, object]) -> Build:
    return Build(str(data.get("target")), str(data.get("cmsis_nn")))


def _of_report(path: Path, data: Mapping[str, object]) -> Side:
    output = data.get("output")
    if not isinstance(output, dict):
        raise ModelError("is not a report of 'tflopt optimize --report'", path=str(path))
    arena = output.get("arena")
    known = isinstance(arena, dict) and not arena.get("unknown_operators")
    work = output.get("instructions")
    numbers = {
        "flash": output.get("file_bytes"),
        "arena": arena.get("minimum_bytes") if isinstance(arena, dict) and known else None,
        "instructions": work.get("total") if isinstance(work, dict) else None,
        **{key: output.get(key) for key in ("operators", "macs", "moved_bytes")},
    }
    codes = output.get("by_code")
    return Side(
        str(path),
        {key: value if isinstance(value, int) else None for key, value in numbers.items()},
        codes if isinstance(codes, dict) else {},
    )


def _of_model(path: Path, build: Build) -> Side:
    model, data = load(path)
    facts = model_facts(model, len(data))
    device = Device.of(build.target, build.cmsis_nn)
    memory = None if why_no_memory(model) else memory_of(model, device)
    known = memory is not None and not memory.unknown
    cost = predict_model(model, device)
    priced = all(row.prediction.basis is not Basis.UNKNOWN for row in cost.rows)
    numbers = {
        "flash": facts.file_bytes,
        "instructions": cost.instructions if priced else None,
        "arena": memory.arena.minimum_bytes if memory is not None and known else None,
        "operators": facts.operators,
        "macs": facts.macs,
        "moved_bytes": facts.moved_bytes,
    }
    return Side(str(path), numbers, facts.by_code)


def to_json(difference: Diff, regressions: Sequence[Change]) -> dict[str, object]:
    """Plain data for ``--json``."""
    return {
        **heading(),
        "target": difference.build.target,
        "cmsis_nn": difference.build.cmsis_nn,
        "old": difference.old.path,
        "new": difference.new.path,
        "changes": {
            change.metric: {"old": change.old, "new": change.new} for change in difference.changes
        },
        "operators": {code: {"old": a, "new": b} for code, (a, b) in difference.operators.items()},
        "regressions": [change.metric for change in regressions],
    }
