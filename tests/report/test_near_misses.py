"""Grouping near misses, and the advice on each."""

from __future__ import annotations

import pytest

from tests.support.paths import TESTDATA
from tests.support.reports import report_of
from tflopt.report.near_misses import NO_OPTION, advice, grouped
from tflopt.report.plain import rows
from tflopt.rewrite.trace import NearMiss

pytestmark = pytest.mark.unit


def test_groups_by_reason_whatever_its_numbers() -> None:
    misses = [
        NearMiss("form", "a", "X would take more flash than the original model: 1,234 bytes"),
        NearMiss("form", "b", "X would take more flash than the original model: 5 bytes"),
        NearMiss("pad", "c", "SAME adds 1+1 to the width where it adds 2+0"),
        NearMiss("form", "d", "another reason"),
    ]
    found = grouped(misses)
    assert [(g.rule, len(g.places)) for g in found] == [("form", 2), ("pad", 1), ("form", 1)]
    assert found[0].reason == "X would take more flash than the original model"
    assert found[0].places == (("a", "1,234 bytes"), ("b", "5 bytes"))
    assert found[1].places == (("c", ""),)
    assert found[1].reason == misses[2].reason


def test_different_heads_keep_their_own_reason() -> None:
    texts = ["it adds 1+1 here", "it adds 2+2 here"]
    (group,) = grouped(NearMiss("pad", name, text) for name, text in zip("ab", texts, strict=True))
    assert group.reason == "it adds 1+1 here, and the like"
    assert group.places == (("a", texts[0]), ("b", texts[1]))


@pytest.mark.parametrize(
    ("reason", "word"),
    [
        ("the caller feeds [1], X reads [2]; --io-layout nhwc leaves that to the caller", "nhwc"),
        ("the height or the width is open (-1)", "fixed shapes"),
        ("another operator reads the view", "other reader"),
        ("it changes the quantization of what it hands on", "scale"),
        ("only int8 convolutions are compared", "integer quantization"),
        ("no int8 form is equal: off by 1", "--allow-lsb"),
        ("the shape is computed at run time", "constant"),
        ("CONV_2D would take more arena than the original model: 1", "--goal"),
    ],
)
def test_advice(reason: str, word: str) -> None:
    assert word in advice(reason)


WEIGHED = "X isn't better for the goal speed: {}; now 9 instructions, 9 bytes of flash, 9 of arena"


@pytest.mark.parametrize(("gain", "hopeful"), [("1,009", False), ("8", True)])
def test_another_goal_is_named_only_where_it_could_gain(gain: str, hopeful: bool) -> None:
    reason = WEIGHED.format(f"{gain} instructions, 1,009 bytes of flash, 9 of arena")
    assert ("--goal" in advice(reason)) is hopeful
    assert grouped([NearMiss("form", "a", reason)])[0].can_act is hopeful


def test_what_can_be_changed_comes_first() -> None:
    misses = [NearMiss("form", name, "one group would take 5 weights") for name in "abc"]
    found = grouped([*misses, NearMiss("layout", "d", "the height is open (-1)")])
    assert [(group.rule, group.can_act) for group in found] == [("layout", True), ("form", False)]


def test_places_of_one_operator_and_reason_share_a_line() -> None:
    places = ["subgraph 0 operator 3 (PAD)", "subgraph 1 operator 6 (PAD)", "somewhere"]
    named = "subgraph 0 operator 7 (PAD) -> out"
    (group,) = grouped(NearMiss("pad", where, "no") for where in [*places, named])
    assert group.lines() == ["PAD 3, 1.6, 7 -> out", "at somewhere"]


def test_no_advice_where_nothing_helps() -> None:
    assert advice("its sums leave 32 bits") == NO_OPTION


def test_the_report_carries_the_advice() -> None:
    report = report_of(TESTDATA / "torch_tcn.tflite")
    declined = [miss for rule in rows(report, "passes") for miss in rows(rule, "declined")]
    assert declined
    assert all(miss["advice"] == advice(str(miss["reason"])) for miss in declined)
