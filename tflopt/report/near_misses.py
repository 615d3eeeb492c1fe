"""Near misses grouped by reason, and what a user can do about each."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from tflopt.rewrite.trace import NearMiss

NO_OPTION = "No option changes this."
BETTER = "What it has is better."
REASONS = (
    ("^one group would take", BETTER),
    ("meets a defect|computed wrongly|MVE", "The target computes the other form wrongly."),
    ("any other place would move as much", "This copy is in the cheapest place."),
    ("would move more bytes|more bytes would be copied", "The order it has is the cheaper one."),
    (
        "^SAME adds",
        "Only padding as SAME adds it can fold: even, or one more behind than in front.",
    ),
    (
        "another multiplier|rounds unlike",
        "The other operator rounds differently: outputs would change.",
    ),
    ("snapshot of a variable", "It keeps the state as it was; it has to stay."),
    ("takes .* only$", "This operator takes one arrangement only."),
)
"""What is right as it is."""
ADVICE = (
    ("--io-layout nhwc", "Add --io-layout nhwc, and let the firmware arrange the data."),
    (
        "would take more (flash|arena) than the original",
        "If that resource has room, another --goal may take this form.",
    ),
    (
        "isn't better for the goal",
        "What it has is better; another --goal may decide otherwise.",
    ),
    (
        "it requantizes as well",
        "Put the activation straight behind the layer, so that the converter fuses it.",
    ),
    (
        "no int8 form is equal|int8 (MEAN|AVERAGE_POOL_2D) is not equal",
        "If such a difference is acceptable, --allow-lsb N takes the nearest integer form.",
    ),
    (
        "not quantized|stay float|only int8|not int8|no int8|quantized per tensor",
        "Convert with full integer quantization, inputs and outputs included.",
    ),
    (
        "changes? the quantization",
        "Give both tensors one scale and zero point when the model is quantized.",
    ),
    (r"\(-1\)|dimension open", "Convert with fixed shapes, the batch included."),
    ("at run time|or is computed", "Make it a constant in the source model."),
    (
        "(another|other) operators? reads?|others read|single reader",
        "If the other reader can go from the source model, this can be rewritten.",
    ),
    (
        "output of the model|the caller feeds|and an output",
        "The caller sees this tensor; where it needn't, drop it from the model's interface.",
    ),
    (
        "(merges|splits|joins) or (merges|splits|joins) axes",
        "Where the source model flattens or splits axes here, do it nearer to its end.",
    ),
)
"""What the user can do."""
PATTERNS = tuple((re.compile(pattern), text) for pattern, text in (*REASONS, *ADVICE))
ACTIONS = frozenset(text for _, text in ADVICE)
COST = r"([\d,]+) instructions, ([\d,]+) bytes of flash, ([\d,]+) of arena"
COSTS = re.compile(f"{COST}; now {COST}")
PLACE = re.compile(r"subgraph (\d+) operator (\S+) \((\S+)\)")
VARYING = re.compile(r"\[[^\]]*\]|\d[\d,.]*(\+\d+)*")


@dataclass(frozen=True)
class Group:
    """Near misses of a rule for the same reason; its numbers differ from place to place.

    Attributes:
        reason: what all have in common.
        places: where, each with its own reason where that says more.
    """

    rule: str
    reason: str
    advice: str
    places: tuple[tuple[str, str], ...]

    @property
    def can_act(self) -> bool:
        """Whether the advice is something to do."""
        return self.advice in ACTIONS

    def lines(self) -> list[str]:
        """The places, those of one operator and reason together: ``PAD 3, 6: 1+1 bytes``."""
        found: dict[tuple[str, str], list[str]] = {}
        for where, reason in self.places:
            code, number = _short(where)
            found.setdefault((code, reason), []).append(number)
        return [
            f"{code} {', '.join(numbers)}" + (f": {reason}" if reason else "")
            for (code, reason), numbers in found.items()
        ]


def _short(where: str) -> tuple[str, str]:
    """``subgraph 0 operator 3 (PAD) -> name`` as PAD and ``3 -> name``."""
    found = PLACE.match(where)
    if found is None:
        return "at", where
    graph, index, code = found.groups()
    return code, ("" if graph == "0" else f"{graph}.") + index + where[found.end() :]


def advice(reason: str) -> str:
    """What the user can do about a near miss."""
    if _gains_nothing(reason):
        return BETTER
    for pattern, text in PATTERNS:
        if pattern.search(reason):
            return text
    return NO_OPTION


def _gains_nothing(reason: str) -> bool:
    """Whether a form that was weighed is no better in any resource: no goal takes it."""
    found = COSTS.search(reason)
    if found is None:
        return False
    numbers = [int(text.replace(",", "")) for text in found.groups()]
    return all(after >= before for after, before in zip(numbers[:3], numbers[3:], strict=True))


def grouped(misses: Iterable[NearMiss]) -> list[Group]:
    """One group for each rule and kind of reason, those that a user can change first."""
    groups: dict[tuple[str, str, str], list[NearMiss]] = {}
    for miss in misses:
        text = advice(miss.reason)
        groups.setdefault((miss.rule, VARYING.sub("#", miss.reason), text), []).append(miss)
    found = [_group(rule, text, members) for (rule, _, text), members in groups.items()]
    return sorted(found, key=lambda group: (not group.can_act, -len(group.places)))


def _group(rule: str, text: str, members: list[NearMiss]) -> Group:
    reasons = {miss.reason for miss in members}
    if len(reasons) == 1:
        return Group(rule, members[0].reason, text, tuple((m.where, "") for m in members))
    heads = {miss.reason.partition(": ")[0] for miss in members}
    if len(heads) > 1:
        common = f"{members[0].reason}, and the like"
        return Group(rule, common, text, tuple((m.where, m.reason) for m in members))
    places = tuple((m.where, m.reason.partition(": ")[2]) for m in members)
    return Group(rule, heads.pop(), text, places)
