"""The fitted tables, one JSON file for each core that was measured."""

from __future__ import annotations

import json
import pkgutil
from dataclasses import dataclass
from functools import cache

from tflopt.target.cortex_m import Isa, Target

FORMAT_VERSION = 1
CORE_OF_ISA = {Isa.SCALAR: "cortex-m3", Isa.DSP: "cortex-m4", Isa.MVE: "cortex-m55"}
"""The core whose table stands for each ISA: a target's ISA decides, not its name."""


@dataclass(frozen=True)
class Fit:
    """One kernel: instructions are the sum of coefficient times feature.

    Attributes:
        layers: measured layers that the coefficients were fitted to.
        held_out: further measured layers that the fit never saw.
        median_error: of the relative errors over the held-out layers.
        p90_error: their 90th percentile.
    """

    coefficients: dict[str, float]
    layers: int
    held_out: int
    median_error: float
    p90_error: float


@dataclass(frozen=True)
class Table:
    """One core's fits, and what was measured."""

    core: str
    date: str
    library: str
    cmsis_nn: str
    compiler: str
    emulator: str
    rows: dict[str, Fit]


def table_for(target: Target) -> Table:
    """The table that stands for a target: the one measured on a core with its ISA."""
    return load_table(CORE_OF_ISA[target.isa])


@cache
def load_table(core: str) -> Table:
    """The table of a measured core.

    Raises:
        ValueError: the file has another format version.
    """
    data = pkgutil.get_data(__package__, f"tables/{core}.json")
    assert data is not None
    return parse_table(data)


def parse_table(text: str | bytes) -> Table:
    """A table from its JSON text.

    Raises:
        ValueError: another format version.
    """
    data = json.loads(text)
    if data["format"] != FORMAT_VERSION:
        raise ValueError(f"cost table format {data['format']}, not {FORMAT_VERSION}")
    rows = {name: Fit(**row) for name, row in data.pop("rows").items()}
    del data["format"]
    return Table(rows=rows, **data)
