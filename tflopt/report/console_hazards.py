"""Layers that a device computes wrongly, on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from tflopt.report.style import SMALL, paragraph
from tflopt.target.device import Device
from tflopt.target.hazards import HazardFinding

MOST_PLACES = 4


def print_hazards(
    console: Console, given: Sequence[HazardFinding], left: Sequence[HazardFinding]
) -> None:
    """A warning for each defect of the kernels: which layers it meets, and what was done."""
    before, after = _by_name(given), _by_name(left)
    for name, findings in before.items():
        hazard = findings[0].hazard
        if name in after:
            continue
        rule = "other rules" if hazard.rule is None else hazard.rule
        what = f"{_layers(findings)} of the original: {hazard.symptom}"
        text = Text.assemble(("avoided", "green"), f": {what} ({name}; by {rule})")
        paragraph(console, text)
    for name, findings in after.items():
        hazard = findings[0].hazard
        alike = len(before.get(name, ())) == len(findings)
        when = "before and after alike; " if alike else ""
        what = f"{_layers(findings)}: {hazard.symptom} ({name}); {when}{hazard.advice}"
        paragraph(console, Text.assemble(("computed wrongly", "bold yellow"), f": {what}"))


def _by_name(findings: Sequence[HazardFinding]) -> dict[str, list[HazardFinding]]:
    by_name: dict[str, list[HazardFinding]] = {}
    for finding in findings:
        by_name.setdefault(finding.hazard.name, []).append(finding)
    return by_name


def _layers(findings: Sequence[HazardFinding]) -> str:
    """One layer with its numbers, or several of them counted: ``operators 3, 7 and 2 more``."""
    first = findings[0]
    if len(findings) == 1:
        return f"{first.where}, {first.detail}"
    places = [
        f"{finding.subgraph}.{finding.index}" if finding.subgraph else f"{finding.index}"
        for finding in findings
    ]
    more = len(places) - MOST_PLACES
    shown = ", ".join(places[:MOST_PLACES]) + (f" and {more:,} more" if more > 0 else "")
    names = ", ".join(dict.fromkeys(finding.op.opcode.label for finding in findings))
    return f"operators {shown} ({names})"


def print_known_hazards(
    console: Console, findings: Sequence[HazardFinding], device: Device
) -> None:
    """Everything about the layers of one model."""
    name = f"{device.target} with {device.kernels}"
    if not findings:
        console.print(f"no known defect of TFLM or CMSIS-NN meets this model on {name}")
    for finding in findings:
        hazard = finding.hazard
        _print_warning(console, finding)
        avoided = "no rule avoids it" if hazard.rule is None else f"optimize: {hazard.rule}"
        rows = (
            f"{hazard.part}, {hazard.where}",
            f"affected: {hazard.affected}",
            f"known by: {hazard.evidence.value}; {avoided}",
        )
        for row in rows:
            paragraph(console, Text(row, style=SMALL), lead="    ")


def _print_warning(console: Console, finding: HazardFinding) -> None:
    hazard = finding.hazard
    what = f"{finding.where}, {finding.detail}: {hazard.symptom} ({hazard.name}); {hazard.advice}"
    paragraph(console, Text.assemble(("computed wrongly", "bold yellow"), f": {what}"))
