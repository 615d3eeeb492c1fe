"""The report as Markdown, for pull requests."""

from __future__ import annotations

from collections.abc import Iterable

from tflopt.report import views
from tflopt.report.plain import Plain, rows, text
from tflopt.texts import markdown as escaped

MOST_GROUPS = 20


def markdown_report(report: Plain) -> str:
    """What changed, the verdict, the rules and the near misses; details in folded parts."""
    parts = [
        f"### {escaped(views.model_name(report))}",
        f"{report.get('target')}, CMSIS-NN {report.get('cmsis_nn')}: "
        f"{escaped(views.verdict(report)['text'])}",
        _measures("", views.headline(report)),
        "\n".join(f"- ⚠️ {escaped(warning)}" for warning in views.warnings(report)),
        _folded("Sizes and work", _measures("", views.totals(report))),
        _folded("Flash by kind, bytes", _measures("", views.flash_kinds(report))),
        _folded("Cores", _cores(report)),
        _folded("Rules", _rules(report)),
        _folded("Near misses", _near_misses(report)),
        "\n".join(f"> {escaped(str(note))}\n>" for note in _notes(report)).removesuffix("\n>"),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _measures(title: str, measures: Iterable[views.Measure]) -> str:
    lines = [f"| {title} | before | after | change |", "|---|---:|---:|---:|"]
    for measure in measures:
        old, new = ("unknown" if n is None else f"{n:,}" for n in (measure.before, measure.after))
        lines.append(f"| {escaped(measure.name)} | {old} | {new} | {measure.change} |")
    return "\n".join(lines)


def _cores(report: Plain) -> str:
    arenas = views.by_target(report, "arena_minimum_by_target")
    works = views.by_target(report, "instructions/by_target")
    parts = [_measures("least arena, bytes", arenas)] if arenas else []
    return "\n\n".join([*parts, _measures("instructions, predicted", works)])


def _rules(report: Plain) -> str:
    lines = [
        f"| {len(rows(rule, 'hits'))} | {text(rule, 'name')} | {text(rule, 'shown_by')} "
        f"| {escaped(text(rule, 'summary'))} |"
        for rule in views.fired(report)
    ]
    head = ["| times | rule | exact by | what it does |", "|---:|---|---|---|"]
    return "\n".join([*head, *lines]) if lines else ""


def _near_misses(report: Plain) -> str:
    groups = views.near_misses(report)
    lines = [
        f"- {len(group.places)} × {group.rule}: {escaped(group.reason)}. {escaped(group.advice)}"
        for group in groups[:MOST_GROUPS]
    ]
    more = len(groups) - len(lines)
    return "\n".join([*lines, *([f"- {more} more"] if more > 0 else [])])


def _notes(report: Plain) -> list[object]:
    notes = report.get("notes")
    return notes if isinstance(notes, list) else []


def _folded(title: str, body: str) -> str:
    return f"<details><summary>{title}</summary>\n\n{body}\n\n</details>" if body else ""
