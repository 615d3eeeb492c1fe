"""The fitted tables, one JSON file for each core that was measured."""

from __future__ import annotations

import json
import pkgutil
from dataclasses import dataclass
from functools import cache

from tflopt.target.cortex_m import Cpu, Isa, Target

FORMAT_VERSION = 1
CORE_OF_ISA = {Isa.SCALAR: "cortex-m3", Isa.DSP: "cortex-m4", Isa.MVE: "cortex-m55"}
"""The core whose table stands for each ISA, on cores of every architecture but Armv8-M with DSP."""
ARMV8M_DSP_CORE = "cortex-m33"
"""Its table stands for all cores of Armv8-M that are built with DSP and without MVE."""
CORES = (*CORE_OF_ISA.values(), ARMV8M_DSP_CORE)
"""The cores that were measured."""
_ARMV8M_MAINLINE = frozenset({Cpu.M33, Cpu.M35P, Cpu.M52, Cpu.M55, Cpu.M85})


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


def core_for(target: Target) -> str:
    """The measured core whose table stands for a target.

    The ISA decides, and with DSP the architecture: GCC's code for Armv8-M differs from that for
    Armv7E-M in plain loops and in how floats are rounded (``docs/cost-model.md``).
    """
    if target.isa is Isa.DSP and target.cpu in _ARMV8M_MAINLINE:
        return ARMV8M_DSP_CORE
    return CORE_OF_ISA[target.isa]


def table_for(target: Target) -> Table:
    """The table that stands for a target."""
    return load_table(core_for(target))


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
