"""Near misses grouped by reason, and what a user can do about each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tflopt.rewrite import NearMiss, Place, Why
from tflopt.texts import short_name


@dataclass(frozen=True)
class Group:
    """Near misses of a rule for the same reason; its numbers differ from place to place.

    Attributes:
        reason: what all have in common.
        places: where, each with its own reason where that says more.
    """

    rule: str
    reason: str
    why: Why
    places: tuple[tuple[Place, str], ...]

    @property
    def advice(self) -> str:
        """What the user can do."""
        return self.why.advice

    @property
    def can_act(self) -> bool:
        """Whether the advice is something to do."""
        return self.why.can_act

    def lines(self) -> list[str]:
        """The places, those of one operator and reason together: ``PAD 3, 6: 1+1 bytes``."""
        by_reason: dict[tuple[str, str], list[str]] = {}
        for where, reason in self.places:
            by_reason.setdefault((where.operator, reason), []).append(_number(where))
        return [
            f"{code} {', '.join(numbers)}" + (f": {reason}" if reason else "")
            for (code, reason), numbers in by_reason.items()
        ]


def _number(where: Place) -> str:
    """``3 -> name``, in another subgraph than the first ``1.3 -> name``."""
    graph = f"{where.subgraph}." if where.subgraph else ""
    name = short_name(where.output)
    named = f" -> {name}" if name else ""
    return f"{graph}{where.index}{named}"


def grouped(misses: Iterable[NearMiss]) -> list[Group]:
    """One group for each rule and kind of reason, those that a user can change first."""
    groups: dict[tuple[str, Why, str], list[NearMiss]] = {}
    for miss in misses:
        key = (miss.rule, miss.because.why, miss.because.message)
        groups.setdefault(key, []).append(miss)
    shown = [_group(members) for members in groups.values()]
    return sorted(shown, key=lambda group: (not group.can_act, -len(group.places)))


def _group(members: list[NearMiss]) -> Group:
    first = members[0]
    rule, why, head = first.rule, first.because.why, first.because.head
    if len({miss.reason for miss in members}) == 1:
        return Group(rule, first.reason, why, tuple((m.where, "") for m in members))
    if not head:
        common = f"{first.reason}, and the like"
        return Group(rule, common, why, tuple((m.where, m.reason) for m in members))
    rest = len(head) + len(": ")
    return Group(rule, head, why, tuple((m.where, m.reason[rest:]) for m in members))
