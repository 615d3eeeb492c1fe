"""From measured layers to a table of ``tflopt/target/cost/tables`` and back to text."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace

from benchmarks.calibration.fit import Sample, fit_row
from tflopt.target.cost import LayerSpec
from tflopt.target.cost.features import features_of
from tflopt.target.cost.spec import detached
from tflopt.target.cost.tables import FORMAT_VERSION, Fit, Table
from tflopt.target.device import Device
from tflopt.target.kernels import kernel_use

LEAST_LAYERS = 8


@dataclass(frozen=True)
class Measured:
    """One layer and what it took."""

    spec: LayerSpec
    instructions: float


@dataclass(frozen=True)
class Origin:
    """Where the measurements come from."""

    date: str
    library: str
    compiler: str
    emulator: str


def fit_table(measured: Iterable[Measured], device: Device, core: str, origin: Origin) -> Table:
    """A fit for each row with enough layers."""
    rows: dict[str, list[Sample]] = defaultdict(list)
    for layer in measured:
        op = detached(layer.spec)
        use = kernel_use(op, device)
        found = features_of(layer.spec, op, use, device.target.isa)
        if found is not None:
            rows[found[0]].append(Sample(found[1], layer.instructions))
    fits = {
        name: fit_row(samples)
        for name, samples in sorted(rows.items())
        if len(samples) >= LEAST_LAYERS
    }
    return Table(core=core, cmsis_nn=device.kernels.version, rows=fits, **asdict(origin))


def merged(old: Table, new: Table) -> Table:
    """``new`` with the rows of ``old`` that it lacks, or reaches with fewer layers."""
    fuller = {
        name: fit
        for name, fit in old.rows.items()
        if name not in new.rows or new.rows[name].layers < fit.layers
    }
    return replace(new, rows=dict(sorted({**new.rows, **fuller}.items())))


def to_json(table: Table) -> str:
    """The file's text: one line for each row, so that a refit shows as a readable diff."""
    head = {"format": FORMAT_VERSION} | {k: v for k, v in asdict(table).items() if k != "rows"}
    lines = [f"  {json.dumps(name)}: {_row(fit)}" for name, fit in table.rows.items()]
    fields = ",\n".join(f" {json.dumps(k)}: {json.dumps(v)}" for k, v in head.items())
    return "{\n" + fields + ',\n "rows": {\n' + ",\n".join(lines) + "\n }\n}\n"


def _row(fit: Fit) -> str:
    return json.dumps(asdict(fit))


def errors_markdown(table: Table) -> str:
    """The table of errors on held-out layers, worst kernels and all."""
    lines = [
        "| kernel | fitted layers | held out | median error | 90th percentile |",
        "|---|---|---|---|---|",
    ]
    for name, fit in table.rows.items():
        cells = (f"{fit.layers}", f"{fit.held_out}", _percent(fit.median_error))
        lines.append(f"| {name} | {' | '.join(cells)} | {_percent(fit.p90_error)} |")
    return "\n".join(lines)


def _percent(value: float) -> str:
    return f"{100 * value:.1f} %"
