"""What other commands found out, as part of a report: costs that were measured, a frontier."""

from __future__ import annotations

from tflopt.errors import UsageError
from tflopt.report.plain import Plain, number, rows, table, text

SIDES = ("input", "output")
DEVICE = ("target", "cmsis_nn")


def with_measured(report: Plain, bench: Plain, name: str) -> dict[str, object]:
    """The report with the costs that ``bench --json`` measured, for each file that is the same.

    Args:
        found: what the command printed.
        name: of its file, for errors.

    Raises:
        UsageError: it isn't that command's, was only predicted, is for another target, or
            measures none of the report's files.
    """
    models = rows(bench, "models")
    if not models or not all(text(model, "sha256") for model in models):
        raise UsageError(f"{name} is not what 'tflopt bench --json' prints")
    _check_device(report, bench, name)
    if any(not table(model, "device") for model in models):
        raise UsageError(f"{name} was predicted, not measured: run bench with --runner qemu or fvp")
    measured = {text(model, "sha256"): _measured(model) for model in models}
    data: dict[str, object] = dict(report)
    for key in SIDES:
        side = table(report, key)
        if text(side, "sha256") in measured:
            data[key] = {**side, "measured": measured[text(side, "sha256")]}
    if not any("measured" in table(data, key) for key in SIDES):
        raise UsageError(f"{name} measures other files than this report's: run bench with these")
    return data


def _measured(model: Plain) -> dict[str, object]:
    device = table(model, "device")
    return {
        "board": text(device, "board"),
        "unit": text(model, "unit"),
        "total": number(model, "total"),
        "operators": [
            {"index": number(row, "index"), "count": number(row, "count")}
            for row in rows(model, "operators")
        ],
    }


def with_frontier(report: Plain, frontier: Plain, name: str) -> dict[str, object]:
    """The report with the results that ``explore --json`` found for the same original.

    Raises:
        UsageError: it isn't that command's, is for another target, or about another file.
    """
    if not rows(frontier, "points") or not table(frontier, "original"):
        raise UsageError(f"{name} is not what 'tflopt explore --json' prints")
    _check_device(report, frontier, name)
    if text(frontier, "sha256") != text(table(report, "input"), "sha256"):
        raise UsageError(
            f"{name} is about {text(frontier, 'model')} as it was, not about this file"
        )
    points = [dict(point) for point in rows(frontier, "points")]
    return {**report, "frontier": {"original": dict(table(frontier, "original")), "points": points}}


def _check_device(report: Plain, bench: Plain, name: str) -> None:
    for key in DEVICE:
        if text(bench, key) != text(report, key):
            option = key.replace("_", "-")
            raise UsageError(
                f"{name} is for {text(bench, key)}, this report for {text(report, key)}: "
                f"give the same --{option} to both"
            )
