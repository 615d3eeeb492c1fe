"""``strip-texts``: descriptions, names of subgraphs, signatures, debug indices."""

from __future__ import annotations

import pytest

from tests.support.check_rule import check_leaves_alone, check_rule
from tests.support.flash import Layers, real_model, relu_chain
from tflopt.ir.model import Signature
from tflopt.rules.flash.strip_texts import StripTexts

pytestmark = pytest.mark.runtime
RULE = StripTexts()
ALL = StripTexts(signatures=True)


def texts() -> Layers:
    n = relu_chain("a", "b")
    n.model.description = "made by a converter"
    n.graph.name = "main"
    n.graph.debug_metadata_index = 3
    n.graph.ops[0].extra.debug_metadata_index = 4
    n.model.signatures = [
        Signature(n.graph, key, [("x", n.graph.inputs[0])], [("y", n.graph.outputs[0])])
        for key in ("serving_default", "other")
    ]
    return n


@pytest.mark.parametrize("rule", [RULE, ALL])
def test_texts_go(rule: StripTexts) -> None:
    copy = check_rule(
        texts().model,
        rule,
        """
        graph(%0: i8[2,3]{0.05,3}) -> %2
          %1: i8[2,3]{0.05,3} = RELU(%0)
          %2: i8[2,3]{0.05,3} = RELU(%1)
        """,
        hits=1,
    )
    assert (copy.description, copy.main.name) == (None, None)
    assert copy.main.debug_metadata_index == -1
    assert copy.main.ops[0].extra.debug_metadata_index == -1


def test_signatures_stay_unless_all_goes() -> None:
    kept = check_rule(texts().model, RULE).signatures
    assert kept is not None
    assert [(s.key, [k for k, _ in s.inputs or ()]) for s in kept] == [
        ("serving_default", ["x"]),
        ("other", ["x"]),
    ]
    assert check_rule(texts().model, ALL).signatures is None


def test_keep_protects_a_signature_and_a_subgraph() -> None:
    rule = StripTexts(True, frozenset({"other", "main"}))
    copy = check_rule(texts().model, rule)
    assert [s.key for s in copy.signatures or ()] == ["other"]
    assert copy.main.name == "main"


@pytest.mark.parametrize("stem", ["if_branches", "while_loop", "two_signatures"])
def test_control_flow_finds_its_subgraphs_without_names(stem: str) -> None:
    model = real_model(stem)
    assert len(model.graphs) > 1
    copy = check_rule(model, RULE)
    assert all(graph.name is None for graph in copy.graphs)


def test_leaves_alone_a_model_without_texts() -> None:
    check_leaves_alone(relu_chain("a").model, RULE)
    n = texts()
    n.model.description = n.graph.name = None
    n.graph.debug_metadata_index = n.graph.ops[0].extra.debug_metadata_index = -1
    check_leaves_alone(n.model, RULE)
