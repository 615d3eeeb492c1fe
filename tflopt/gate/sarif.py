"""Verdicts as SARIF 2.1.0, which code hosts show beside the files that they are about."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from tflopt.gate.run import Finding, Verdict
from tflopt.texts import printable
from tflopt.version import __version__

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
RULES = {
    "flash": "The file is larger than its budget.",
    "arena": "The arena is larger than its budget.",
    "instructions": "The model takes more predicted instructions than its budget.",
    "outputs": "The outputs were not shown to be the same.",
    "optimize": "The model can't be optimized.",
}
OTHER = "Another check failed."


def to_sarif(verdicts: Sequence[Verdict], paths: Sequence[Path]) -> dict[str, object]:
    """One result for each check that failed, at the file of its model."""
    failures = [
        (path, verdict, finding)
        for path, verdict in zip(paths, verdicts, strict=True)
        for finding in verdict.findings
        if finding.failure
    ]
    names = sorted({finding.check for _, _, finding in failures} | RULES.keys())
    rules = [{"id": name, "shortDescription": {"text": RULES.get(name, OTHER)}} for name in names]
    driver = {"name": "tflopt", "version": __version__, "rules": rules}
    results = [_result(*failure, names) for failure in failures]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _result(path: Path, verdict: Verdict, finding: Finding, names: Sequence[str]) -> object:
    place = {"artifactLocation": {"uri": uri_of(path)}}
    return {
        "ruleId": finding.check,
        "ruleIndex": names.index(finding.check),
        "level": "error",
        "message": {"text": printable(f"{verdict.name}: {finding.failure}")},
        "locations": [{"physicalLocation": place}],
    }


def uri_of(path: Path) -> str:
    """Relative to where the command runs; of a file elsewhere the absolute one."""
    whole = path.absolute()
    if whole.is_relative_to(Path.cwd()):
        return quote(whole.relative_to(Path.cwd()).as_posix())
    return whole.as_uri()
