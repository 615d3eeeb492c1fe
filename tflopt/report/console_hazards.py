"""Layers that a device computes wrongly, on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from tflopt.report.style import SMALL, paragraph
from tflopt.target.device import Device
from tflopt.target.hazards import HazardFinding


def print_hazards(
    console: Console, found: Sequence[HazardFinding], left: Sequence[HazardFinding]
) -> None:
    """A warning for each layer of the original: what goes wrong, and what was done."""
    still = {finding.hazard.name for finding in left}
    for finding in found:
        hazard = finding.hazard
        if hazard.name in still:
            continue
        rule = "other rules" if hazard.rule is None else hazard.rule
        what = f"{finding.where} of the original, {finding.detail}: {hazard.symptom}"
        text = Text.assemble(("avoided", "green"), f": {what} ({hazard.name}; by {rule})")
        paragraph(console, text)
    for finding in left:
        _print_warning(console, finding)


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
