"""What the rules did, and why they declined: the raw material of every report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field

from tflopt.errors import printable
from tflopt.ir.node import Op, OperatorCode
from tflopt.rewrite.reason import Reason, Why, reason_of
from tflopt.texts import counted


@dataclass(frozen=True)
class Hit:
    """One firing of a rule: where, its edits in words, and how its exactness was shown."""

    rule: str
    where: str
    edits: tuple[str, ...]
    shown_by: str = ""


@dataclass(frozen=True)
class Place:
    """An operator as a person finds it: subgraph, index, code and the name of its output."""

    subgraph: int
    index: int
    operator: str
    output: str = ""

    def __str__(self) -> str:
        named = f" -> {self.output}" if self.output else ""
        return f"subgraph {self.subgraph} operator {self.index} ({self.operator}){named}"


@dataclass(frozen=True)
class NearMiss:
    """A pattern that was there while a guard was not met."""

    rule: str
    where: Place
    because: Reason

    @property
    def reason(self) -> str:
        """In words."""
        return str(self.because)


@dataclass(repr=False)
class Trace:
    """Collected by the driver; ``near_misses`` holds only what still stands at the end.

    ``many`` are the operators of the largest graph that was too large to be looked at from all
    sides, 0 where none was. ``cautious``: rules that have left something as it is for a runtime or
    for readers that resize, whether that still stands or not.
    """

    hits: list[Hit] = field(default_factory=list)
    steps: int = 0
    many: int = 0
    cautious: set[str] = field(default_factory=set)
    _declined: dict[Op, dict[str, tuple[Reason, Op]]] = field(default_factory=dict)

    def __repr__(self) -> str:
        rules, times = counted(len(self.counts), "rule"), counted(len(self.hits), "time")
        return f"<Trace of {rules} that fired {times}>"

    @property
    def counts(self) -> Counter[str]:
        """Firings by rule."""
        return Counter(hit.rule for hit in self.hits)

    def hit(self, rule: str, where: str, edits: tuple[str, ...], shown_by: str) -> None:
        """A rule fired."""
        self.hits.append(Hit(rule, where, edits, shown_by))

    def extend(self, later: Trace) -> None:
        """Go on with what was done to a copy that the model has become."""
        self.hits.extend(later.hits)
        self.steps += later.steps
        self.many = max(self.many, later.many)
        self._declined = later._declined

    def decline(self, rule: str, anchor: Op, reason: Reason | str, at: Op) -> None:
        """A rule declined at an operator."""
        said = reason_of(reason)
        if said.why in (Why.LITERT, Why.OPEN_SHAPE):
            self.cautious.add(rule)
        self._declined.setdefault(anchor, {})[rule] = (said, at)

    def declined(self, rule: str) -> list[tuple[Op, Reason, Op]]:
        """Where a rule declined, why, and at which operator."""
        pairs = [(anchor, reasons.get(rule)) for anchor, reasons in self._declined.items()]
        return [(anchor, *said) for anchor, said in pairs if said is not None]

    def forget(self, anchor: Op, rules: Collection[str]) -> None:
        """Rules visit an operator again: what they said of it no longer counts."""
        reasons = self._declined.get(anchor)
        if reasons:
            for rule in reasons.keys() & rules:
                del reasons[rule]

    def forget_rule(self, rule: str) -> None:
        """A rule of the whole model runs again: what it said no longer counts."""
        for reasons in self._declined.values():
            reasons.pop(rule, None)

    @property
    def near_misses(self) -> list[NearMiss]:
        """Every near miss at an operator that is still in the model."""
        misses = []
        for anchor, reasons in self._declined.items():
            for rule, (reason, at) in reasons.items():
                if anchor in anchor.graph.ops and at in at.graph.ops:
                    misses.append(NearMiss(rule, place_of(at), reason))
        return list(dict.fromkeys(misses))


def short_label(opcode: OperatorCode, name: str | None) -> str:
    """An operator, with the name of its output but without its place, which changes while rules
    run.
    """
    return opcode.label + (f" -> {printable(name)}" if name else "")


def place_of(op: Op) -> Place:
    """Where an operator stands."""
    name = op.outputs[0].name if op.outputs else None
    shown = printable(name) if name else ""
    return Place(op.graph.index, op.graph.ops.index(op), op.opcode.label, shown)
