"""Grouping near misses, and the advice on each."""

from __future__ import annotations

import pytest

from tests.support.paths import TESTDATA
from tests.support.reports import report_of
from tflopt.config import Goal
from tflopt.report.near_misses import grouped
from tflopt.report.plain import rows
from tflopt.report.views import near_misses
from tflopt.rewrite import NearMiss, Place, Reason, Why
from tflopt.rewrite.reason import reason_of, why_of
from tflopt.search.cost import Cost
from tflopt.search.objective import Budget
from tflopt.search.worth import Choice

pytestmark = pytest.mark.unit


def at(index: int, output: str = "", subgraph: int = 0) -> Place:
    return Place(subgraph, index, "PAD", output)


def flash(bytes_: int) -> Reason:
    return Why.OVER_BUDGET("X would take more flash: {bytes:,} bytes", bytes=bytes_)


def test_groups_by_reason_whatever_its_numbers() -> None:
    misses = [
        NearMiss("form", at(1), flash(1234)),
        NearMiss("form", at(2), flash(5)),
        NearMiss("pad", at(3), Why.UNEVEN("SAME adds {a}+{b} where it adds 2+0", a=1, b=1)),
        NearMiss("form", at(4), reason_of("another reason")),
    ]
    found = grouped(misses)
    assert [(g.rule, len(g.places)) for g in found] == [("form", 2), ("pad", 1), ("form", 1)]
    assert found[0].reason == "X would take more flash"
    assert found[0].places == ((at(1), "1,234 bytes"), (at(2), "5 bytes"))
    assert found[1].places == ((at(3), ""),)
    assert found[1].reason == misses[2].reason == "SAME adds 1+1 where it adds 2+0"


def test_reasons_whose_numbers_stand_within_are_given_whole() -> None:
    reasons = [Why.UNEVEN("it adds {a}+{a} here", a=a) for a in (1, 2)]
    (group,) = grouped(NearMiss("pad", at(i), reason) for i, reason in enumerate(reasons))
    assert group.reason == "it adds 1+1 here, and the like"
    assert group.places == ((at(0), "it adds 1+1 here"), (at(1), "it adds 2+2 here"))


def test_words_alone_are_a_reason_and_braces_in_them_are_words() -> None:
    reason = reason_of("the tensor {x} is odd: {")
    assert str(reason) == "the tensor {x} is odd: {"
    assert (reason.why, reason.head) == (Why.OTHER, "")
    named = Why.COMPUTED("{name} is computed: {count}", name="{count}", count=3)
    assert str(named) == "{count} is computed: 3"


def test_every_kind_has_its_own_code_and_says_something() -> None:
    assert len({why.code for why in Why}) == len(Why)
    assert all(why.advice.endswith(".") for why in Why)
    assert all(why_of(why.code) is why for why in Why)
    assert why_of("of a later version") is Why.OTHER


OLD = Cost(9, 9, 9)


@pytest.mark.parametrize(("work", "why"), [(1009, Why.NO_GAIN), (8, Why.OTHER_GOAL)])
def test_another_goal_is_named_only_where_it_could_gain(work: int, why: Why) -> None:
    reason = Choice(Goal.MEMORY, OLD, Cost(work, 1009, 9)).why_not("X")
    assert reason.why is why
    assert str(reason) == (
        f"X isn't better for the goal memory: {work:,} instructions, 1,009 bytes of flash, "
        "9 of arena; now 9 instructions, 9 bytes of flash, 9 of arena"
    )
    assert grouped([NearMiss("form", at(1), reason)])[0].can_act is (why is Why.OTHER_GOAL)


def test_what_no_kernel_is_known_for_is_no_proof_of_no_gain() -> None:
    reason = Choice(Goal.SPEED, OLD, Cost(None, 10, 10)).why_not("X")
    assert reason.why is Why.OTHER_GOAL
    assert "unknown instructions" in str(reason)


def test_what_a_balanced_choice_may_not_do_keeps_its_own_kind() -> None:
    over = Why.CHEAPER_ORDER("would move {moved:,} bytes more", moved=1000)
    choice = Choice(Goal.BALANCED, OLD, Cost(8, 9, 9), None, Budget(OLD, 9, 9), over)
    reason = choice.why_not("X")
    assert reason.why is Why.CHEAPER_ORDER
    assert str(reason).startswith("X would move 1,000 bytes more: 8 instructions")


def test_a_defect_is_named() -> None:
    reason = Choice(Goal.SPEED, OLD, Cost(8, 9, 9), "bad-kernel").why_not("X")
    assert (reason.why, dict(reason.numbers)) == (Why.WRONG_KERNEL, {"defect": "bad-kernel"})


def test_what_can_be_changed_comes_first() -> None:
    idle = Why.NO_GAIN("one group would take 5 weights")
    misses = [NearMiss("form", at(index), idle) for index in range(3)]
    open_one = NearMiss("layout", at(4), Why.OPEN_SHAPE("the height is open (-1)"))
    found = grouped([*misses, open_one])
    assert [(group.rule, group.can_act) for group in found] == [("layout", True), ("form", False)]


def test_places_of_one_operator_and_reason_share_a_line() -> None:
    places = [at(3), at(6, subgraph=1), at(7, "out"), Place(0, 8, "ADD")]
    (group,) = grouped(NearMiss("pad", where, reason_of("no")) for where in places)
    assert group.lines() == ["PAD 3, 1.6, 7 -> out", "ADD 8"]


def test_the_report_carries_every_field_and_gives_the_same_groups() -> None:
    report = report_of(TESTDATA / "torch_tcn.tflite")
    declined = [miss for rule in rows(report, "passes") for miss in rows(rule, "declined")]
    assert declined
    assert {why_of(str(miss["code"])).advice for miss in declined} == {
        miss["advice"] for miss in declined
    }
    groups = near_misses(report)
    assert sum(len(group.places) for group in groups) == len(declined)
    assert {str(where) for group in groups for where, _ in group.places} == {
        miss["where"] for miss in declined
    }
