"""What the rules did to an operator, for the explorer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tflopt.errors import printable
from tflopt.report.plain import Plain, rows, text

MOST_EDITS = 6
MOST_RULES = 8
KEPT = "kept"


@dataclass(frozen=True)
class Whole:
    """One firing of a rule that works on the whole model, and the words of its edits."""

    rule: str
    edits: int
    words: frozenset[str]


@dataclass(frozen=True)
class Deeds:
    """Firings by the name of the output of the operator that they were at; those at none apart."""

    by_name: dict[str, list[dict[str, object]]] = field(default_factory=dict)
    whole: list[Whole] = field(default_factory=list)

    def of(self, op: Plain, name: str) -> list[dict[str, object]]:
        """The rules that fired at an operator.

        For one that changed although none did: those that work on the whole model and edited
        operators of its kind, as nearer is not known.
        """
        deeds = self.by_name.get(printable(name), [])
        if deeds or (text(op, "fate") or KEPT) == KEPT:
            return deeds[:MOST_RULES]
        kind = text(op, "operator")
        told = [
            {"name": rule.rule, "edits": [f"works on the whole model: {rule.edits} edits"]}
            for rule in self.whole
            if kind in rule.words
        ]
        return [dict(deed) for deed in told[:MOST_RULES]]


def deeds_of(report: Plain) -> Deeds:
    """All firings of a report."""
    deeds = Deeds()
    for rule in rows(report, "passes"):
        for hit in rows(rule, "hits"):
            _add(deeds, text(rule, "name"), hit)
    return deeds


def _add(deeds: Deeds, rule: str, hit: Plain) -> None:
    _, arrow, name = text(hit, "where").partition(" -> ")
    edits = hit.get("edits")
    told = [printable(str(edit)) for edit in edits] if isinstance(edits, list) else []
    if arrow and name:
        row: dict[str, object] = {"name": rule, "edits": told[:MOST_EDITS]}
        deeds.by_name.setdefault(name, []).append(row)
    elif not arrow:
        deeds.whole.append(Whole(rule, len(told), frozenset(_words(told))))


def _words(edits: Sequence[str]) -> list[str]:
    """The operators that edits name: ``CONV_2D reads a`` and ``new CONV_2D``."""
    return [word for edit in edits for word in edit.split(" ", 2)[:2]]
