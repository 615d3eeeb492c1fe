"""Each signature is compared, also those that no interpreter runs by itself."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.cli import Cli
from tests.support.field import field_case
from tests.support.kit import Kit
from tests.support.paths import TESTDATA, needs_tflm
from tflopt.io import read, read_bytes, write_bytes
from tflopt.ir import Graph, Model, Signature
from tflopt.ir.clone import clone
from tflopt.product.optimize import Settings, optimize_file_bytes
from tflopt.product.validation import validate

pytestmark = [pytest.mark.runtime, needs_tflm]


def two_graphs() -> Model:
    """Two dense networks in one file, with a signature each."""
    n = Kit()
    n.output(n.relu(n.dense(n.feed(1, 8), 4)))
    model, main = n.model, n.graph
    n.graph = Graph(model)
    model.graphs.append(n.graph)
    n.output(n.dense(n.dense(n.feed(1, 6), 6), 3))
    assert model.main is main
    model.signatures = [
        Signature(graph, name, [("x", graph.inputs[0])], [("y", graph.outputs[0])])
        for name, graph in zip(("run", "tune"), model.graphs, strict=True)
    ]
    return read_bytes(write_bytes(model))


def with_other_weights(model: Model, graph: int) -> Model:
    broken = clone(model)
    weights = broken.graphs[graph].ops[0].inputs[1]
    assert weights is not None and weights.buffer is not None and weights.buffer.data is not None
    weights.buffer.data = np.ascontiguousarray(weights.buffer.data[::-1])
    return broken


def test_both_are_compared() -> None:
    model = two_graphs()
    result = optimize_file_bytes(model, write_bytes(model), Settings())
    assert result.verification is not None
    assert result.verification.status == "identical"
    assert result.verification.signatures == ("tune",)


@pytest.mark.parametrize(("graph", "told"), [(0, "output 0"), (1, "signature 'tune': output 0")])
def test_a_fault_in_either_is_found(graph: int, told: str) -> None:
    model = two_graphs()
    verdict = validate(model, with_other_weights(model, graph))
    assert verdict.status == "different"
    assert verdict.mismatch is not None
    assert verdict.mismatch.output.startswith(told)


def test_a_signature_that_is_gone_is_named() -> None:
    model = two_graphs()
    less = clone(model)
    assert less.signatures is not None
    del less.signatures[1], less.graphs[1]
    verdict = validate(model, less)
    assert verdict.status == "identical"
    assert "signature 'tune' is not compared: the optimized model lacks it" in verdict.note


def test_the_model_from_the_field(cli: Cli) -> None:
    ran = cli("optimize", field_case("c09_two_signatures"), "-o", "out.tflite")
    out = " ".join(ran.out.split())
    assert ran.code == 0
    assert "signatures enc as well" in out
    assert "signature 'enc' is rewritten but not reached by it" in out


def test_a_model_of_the_generator() -> None:
    model = read(TESTDATA / "two_signatures.tflite")
    result = optimize_file_bytes(model, write_bytes(model), Settings())
    assert result.verification is not None
    others = [e.key for e in model.signatures or () if e.graph is not model.main]
    assert list(result.verification.signatures) == others
