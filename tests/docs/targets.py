"""The table of targets in ``docs/targets.md``, from the registry."""

from __future__ import annotations

from collections.abc import Iterator

from tflopt.run.emulators import MACHINES
from tflopt.target import Target, all_targets
from tflopt.target.cost.tables import table_for


def targets() -> Iterator[str]:
    """The table's lines."""
    yield "| `--target` | ISA | cost table of | runs on QEMU's |"
    yield "|---|---|---|---|"
    for target in all_targets():
        table = table_for(target)
        yield f"| `{target}` | {target.isa} | {table.core} | {_board(target)} |"
    yield ""


def _board(target: Target) -> str:
    machine = MACHINES.get(target.cpu)
    if machine is None:
        return ""
    stand_in = "" if machine.cpu is target.cpu else f", on its {machine.cpu}"
    return f"`{machine.board}`{stand_in}"
