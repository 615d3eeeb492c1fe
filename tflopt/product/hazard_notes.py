"""Layers that a device computes wrongly, as a report shows them."""

from __future__ import annotations

from collections.abc import Sequence

from tflopt.target.hazards import HazardFinding


def caveat(finding: HazardFinding) -> str:
    """One phrase: what goes wrong, and the layer's numbers."""
    return f"{finding.hazard.symptom} ({finding.hazard.name}: {finding.detail})"


def hazard_rows(findings: Sequence[HazardFinding]) -> list[dict[str, object]]:
    """The findings as plain data."""
    return [
        {
            "name": finding.hazard.name,
            "subgraph": finding.subgraph,
            "index": finding.index,
            "operator": finding.op.opcode.label,
            "detail": finding.detail,
            "symptom": finding.hazard.symptom,
            "part": finding.hazard.part,
            "where": finding.hazard.where,
            "affected": finding.hazard.affected,
            "evidence": finding.hazard.evidence.value,
            "rule": finding.hazard.rule,
            "advice": finding.hazard.advice,
        }
        for finding in findings
    ]
