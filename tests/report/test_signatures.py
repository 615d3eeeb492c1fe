"""Several signatures, of which TFLM runs the first subgraph, and archives behind a model."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.cli import Cli
from tests.support.field import field_case
from tests.support.graphs import Net
from tflopt.io import read_bytes, write_bytes
from tflopt.ir import Graph, Model, Signature
from tflopt.report.notes import archive_notes, signature_notes

pytestmark = pytest.mark.unit


def with_signatures(*names: str) -> Model:
    n = Net()
    n.output(n.relu(n.feed(1, 4)))
    model = n.model
    model.signatures = [Signature(model.main, "main", None, None)]
    for name in names:
        other = read_bytes(write_bytes(n.model)).main
        graph = Graph(model, name)
        model.graphs.append(graph)
        assert other.ops
        model.signatures.append(Signature(graph, name, None, None))
    return model


def test_two_signatures_from_the_field(cli: Cli) -> None:
    path = field_case("c09_two_signatures")
    told = "TFLM runs the first subgraph only: signature 'enc' is rewritten but not reached"
    assert told in cli("optimize", path, "-o", "out.tflite", "--no-verify").out
    assert told in cli("inspect", path).out


def test_the_same_built_otherwise() -> None:
    (note,) = signature_notes(with_signatures("reset", "train"))
    assert "signatures 'reset', 'train' are rewritten but not reached" in note


def test_one_signature_gets_no_note() -> None:
    assert signature_notes(with_signatures()) == []


def test_an_archive_behind_the_model_is_named() -> None:
    model = with_signatures()
    assert archive_notes(model) == []
    model.trailing = np.frombuffer(b"PK" + bytes(1200), np.uint8)
    (note,) = archive_notes(model)
    assert "1,202 bytes of an archive" in note
    assert "--strip metadata-zip" in note
