"""``strip-names``: which names users look up."""

from __future__ import annotations

import pytest

from tests.support.check_rule import check_leaves_alone, check_rule
from tests.support.flash import real_model, relu_chain
from tflopt.ir import Model, OpCode
from tflopt.ir.options import VarHandleOptions
from tflopt.rules.flash.strip_names import StripNames

pytestmark = pytest.mark.runtime
RULE = StripNames()
ALL = StripNames(interface=True)


def names(model: Model) -> list[str | None]:
    return [value.name for value in model.main.values]


def test_inputs_and_outputs_keep_theirs() -> None:
    n = relu_chain("a", "b", "scores")
    copy = check_rule(
        n.model,
        RULE,
        """
        graph(%0: i8[2,3]{0.05,3}) -> %3
          %1: i8[2,3]{0.05,3} = RELU(%0)
          %2: i8[2,3]{0.05,3} = RELU(%1)
          %3: i8[2,3]{0.05,3} = RELU(%2)
        """,
        hits=1,
    )
    assert names(copy) == ["input0", None, None, "scores"]


def test_all_drops_them_too() -> None:
    assert names(check_rule(relu_chain("a", "scores").model, ALL)) == [None] * 3


@pytest.mark.parametrize("rule", [RULE, ALL])
def test_keep_protects_one(rule: StripNames) -> None:
    kept = StripNames(rule.interface, frozenset({"b"}))
    found = names(check_rule(relu_chain("a", "b", "scores").model, kept))
    assert found[1:3] == [None, "b"]
    assert (found[3] is None) is rule.interface


def test_constants_lose_theirs() -> None:
    n = relu_chain("a")
    x = n.relu(n.graph.outputs[0])
    n.graph.outputs[0] = n.conv(n.reshape(x, 1, 1, 2, 3), 2)
    assert [name for name in names(check_rule(n.model, RULE)) if name is not None] == [
        "input0",
        n.graph.outputs[0].name,
    ]


def test_an_input_that_is_an_output_keeps_its_name() -> None:
    n = relu_chain("a", "b")
    n.output(n.graph.inputs[0])
    assert names(check_rule(n.model, RULE, runners=["tflm"]))[0] == "input0"


def test_resources_keep_the_names_in_their_options() -> None:
    model = real_model("streaming_variables")
    copy = check_rule(model, ALL)
    handles = [
        [op.options for op in each.ops() if op.code is OpCode.VAR_HANDLE] for each in (model, copy)
    ]
    assert handles[0] == handles[1]
    shared = {o.shared_name for o in handles[1] if isinstance(o, VarHandleOptions)}
    assert shared == {"state0", "state1"}


def test_other_subgraphs_keep_no_names_and_signatures_theirs() -> None:
    model = real_model("two_signatures")
    copy = check_rule(model, RULE)
    assert all(value.name is None for graph in copy.graphs[1:] for value in graph.values)
    for one, two in zip(model.signatures or (), copy.signatures or (), strict=True):
        assert one.key == two.key
        for ports in ("inputs", "outputs"):
            assert [k for k, _ in getattr(one, ports)] == [k for k, _ in getattr(two, ports)]


def test_leaves_alone_what_has_no_names_to_drop() -> None:
    check_leaves_alone(relu_chain("scores").model, RULE)
    n = relu_chain("a", "scores")
    for value in n.graph.values:
        value.name = None
    check_leaves_alone(n.model, ALL)
