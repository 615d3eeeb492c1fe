"""``take-branch``: an IF whose condition is a constant."""

from __future__ import annotations

import pytest

from tests.support.attacks import nested
from tests.support.check_rule import check_declines, check_leaves_alone, check_rule
from tflopt.ir import OpCode, Signature
from tflopt.ir.parse import parse
from tflopt.rules.calls.take_branch import TakeBranch

pytestmark = pytest.mark.runtime
RULE = TakeBranch()
TEXT = """
graph(%0: i8[1,4]{{0.1,0}}) -> %2
  %1: i8[1,4]{{0.1,0}} = IF({flag}, %0) then_subgraph_index=1 else_subgraph_index=2
  %2: i8[1,4]{{0.1,0}} = RELU(%1)
graph(%0: i8[1,4]{{0.1,0}}) -> %1
  %1: i8[1,4]{{0.1,0}} = FULLY_CONNECTED(%0, const i8[4,4]{{0.01,0}}, none)
graph(%0: i8[1,4]{{0.1,0}}) -> %{result}
  %1: i8[1,4]{{0.1,0}} = LEAKY_RELU@2(%0) alpha=0.5
"""


def branches(flag: str = "const bool[] = 1", result: int = 1) -> str:
    return TEXT.format(flag=flag, result=result)


@pytest.mark.parametrize("shape", ["[]", "[1]"])
def test_the_first_branch(shape: str) -> None:
    check_rule(
        branches(f"const bool{shape} = 1"),
        RULE,
        """
        graph(%0: i8[1,4]{0.1,0}) -> %2
          %1: i8[1,4]{0.1,0} = FULLY_CONNECTED(%0, const i8[4,4]{0.01,0}, none)
          %2: i8[1,4]{0.1,0} = RELU(%1)
        """,
        hits=1,
    )


def test_the_second_branch() -> None:
    check_rule(
        branches("const bool[] = 0"),
        RULE,
        """
        graph(%0: i8[1,4]{0.1,0}) -> %2
          %1: i8[1,4]{0.1,0} = LEAKY_RELU(%0) alpha=0.5
          %2: i8[1,4]{0.1,0} = RELU(%1)
        """,
        hits=1,
    )


def test_a_branch_that_hands_on_its_input() -> None:
    check_rule(
        branches("const bool[] = 0", result=0),
        RULE,
        """
        graph(%0: i8[1,4]{0.1,0}) -> %1
          %1: i8[1,4]{0.1,0} = RELU(%0)
        """,
    )


def test_branches_in_branches() -> None:
    """Both branches of each level are the next level: two to the twelfth runs become one."""
    model = check_rule(nested(12), RULE, hits=12)
    assert [op.code for op in model.ops()] == [OpCode.RELU]
    assert len(model.graphs) == 1


def test_a_branch_that_something_else_calls() -> None:
    twice = branches().replace(
        "  %2: i8[1,4]{0.1,0} = RELU(%1)",
        "  %3: i8[1,4]{0.1,0} = IF(const bool[] = 1, %1) then_subgraph_index=1 "
        "else_subgraph_index=2\n  %2: i8[1,4]{0.1,0} = RELU(%3)",
    )
    check_declines(twice, RULE, "something else calls the branch")


def test_a_branch_that_a_signature_names() -> None:
    model = parse(branches())
    model.signatures = [Signature(model.graphs[1], "step", [], [])]
    check_declines(model, RULE, "something else calls the branch")


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (
            branches(result=1).replace("FULLY_CONNECTED(%0,", "CUSTOM(%0,"),
            "what it calls has a state",
        ),
        (
            branches().replace("graph(%0: i8[1,4]{0.1,0}) -> %1", "graph(%0: i8[4]{0.1,0}) -> %1"),
            "what it hands on has another shape or type inside",
        ),
        (
            branches("const bool[] = 0", result=0).replace("-> %2", "-> %1"),
            "it stands between an input or constant of the model and an output",
        ),
    ],
)
def test_declines(source: str, reason: str) -> None:
    check_declines(source, RULE, reason)


def test_leaves_alone_what_is_computed() -> None:
    computed = branches("%5").replace(
        "  %1: i8[1,4]{0.1,0} = IF",
        "  %6: i8[1]{0.1,0} = REDUCE_MAX(%0, [0, 1])\n"
        "  %5: bool[1] = LESS(%6, const i8[1]{0.1,0})\n  %1: i8[1,4]{0.1,0} = IF",
    )
    check_leaves_alone(computed, RULE)
