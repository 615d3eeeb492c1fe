"""Verdicts for machines and for pull requests: JSON, JUnit XML, Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from xml.etree import ElementTree

from tflopt.gate.run import Finding, Verdict, worst
from tflopt.report.json_report import heading
from tflopt.texts import cell, printable


def to_json(verdicts: Sequence[Verdict]) -> dict[str, object]:
    """Plain data for ``--json``."""
    return {
        **heading(),
        "exit_code": worst(verdicts),
        "models": [
            {
                "name": verdict.name,
                "exit_code": verdict.exit_code,
                "verification": verdict.status,
                "checks": [_check(finding) for finding in verdict.findings],
            }
            for verdict in verdicts
        ],
    }


def _check(finding: Finding) -> dict[str, object]:
    """``need_bytes`` and ``limit_bytes``, or ``need_instructions`` and ``limit_instructions``."""
    unit = "instructions" if finding.check == "instructions" else "bytes"
    return {
        "check": finding.check,
        "passed": not finding.failure,
        f"need_{unit}": finding.need,
        f"limit_{unit}": finding.limit,
        "failure": finding.failure,
    }


def to_junit(verdicts: Sequence[Verdict]) -> bytes:
    """One test case for each check of each model."""
    cases = [(verdict, finding) for verdict in verdicts for finding in verdict.findings]
    counts = {
        "name": "tflopt",
        "tests": str(len(cases)),
        "failures": str(sum(bool(finding.failure) for _, finding in cases)),
    }
    root = ElementTree.Element("testsuites", counts)
    suite = ElementTree.SubElement(root, "testsuite", counts)
    for verdict, finding in cases:
        case = ElementTree.SubElement(
            suite, "testcase", classname=printable(verdict.name), name=finding.check
        )
        if finding.failure:
            text = printable(finding.failure)
            ElementTree.SubElement(case, "failure", message=text).text = text
    ElementTree.indent(root)
    data: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return data + b"\n"


def to_markdown(verdicts: Sequence[Verdict]) -> str:
    """A table for a step summary, and the failures below it."""
    names = budgets(verdicts)
    lines = ["### tflopt check", "", f"| model | outputs | {' | '.join(names)} |"]
    lines.append("|---|---" + "|---" * len(names) + "|")
    failures = []
    for verdict in verdicts:
        by_name = {finding.check: finding for finding in verdict.findings}
        cells = " | ".join(_budget(by_name.get(name)) for name in names)
        mark = "\u274c" if verdict.exit_code else "\u2705"
        lines.append(f"| {mark} {cell(verdict.name)} | {verdict.status} | {cells} |")
        failures += [
            f"- **{cell(verdict.name)}**, {finding.check}: {cell(finding.failure)}"
            for finding in verdict.findings
            if finding.failure
        ]
    return "\n".join([*lines, *([""] if failures else []), *failures]) + "\n"


def budgets(verdicts: Iterable[Verdict]) -> list[str]:
    """The columns of a table: instructions only where a model has such a budget."""
    checks = {finding.check for verdict in verdicts for finding in verdict.findings}
    return ["flash", "arena", *(["instructions"] if "instructions" in checks else [])]


def budget(finding: Finding | None) -> str:
    """``13,320 of 15,360``, or the size alone."""
    if finding is None or finding.need is None:
        return ""
    limit = "" if finding.limit is None else f" of {finding.limit:,}"
    return f"{finding.need:,}{limit}"


def _budget(finding: Finding | None) -> str:
    text = budget(finding)
    return f"**{text}**" if finding is not None and finding.failure and text else text
