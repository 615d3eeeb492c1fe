"""The first tensor that differs is found, by provenance, structure, kind or name."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.support.cli import Cli
from tests.support.graphs import Net
from tests.support.paths import TESTDATA, needs_tflm
from tflopt.facts.operators import VIEWS
from tflopt.io import read_bytes, write_bytes
from tflopt.ir import OpCode
from tflopt.product.optimize import Settings, optimize_file_bytes
from tflopt.product.validation import validate
from tflopt.run.samples import SampleOptions
from tflopt.verify.compare import Candidate, compare
from tflopt.verify.layers import Difference, difference_of, has_state
from tflopt.verify.match import BY_CONTENTS, BY_NAME, BY_ORIGIN, BY_STRUCTURE, match

FEW = SampleOptions(6)
DS_CNN = TESTDATA / "ds_cnn.tflite"
HAR_CNN = TESTDATA / "har_cnn.tflite"
"""A model that loses operators when it is optimized."""


def break_layer(data: bytes, number: int) -> tuple[bytes, str, int]:
    """Wrong weights in the convolution ``number``: the file, the operator's name and index."""
    model = read_bytes(data)
    layers = [
        (index, op)
        for index, op in enumerate(model.main.ops)
        if len(op.inputs) > 1 and "CONV" in op.opcode.label
    ]
    index, op = layers[number]
    weights = op.inputs[1]
    assert weights is not None
    assert weights.buffer is not None
    assert weights.buffer.data is not None
    data_bytes = weights.buffer.data.copy()
    data_bytes[::3] ^= 0x55
    weights.buffer.data = data_bytes
    return write_bytes(model), op.opcode.label, index


def optimized(data: bytes) -> bytes:
    settings = Settings(samples=None)
    return optimize_file_bytes(read_bytes(data), data, settings).data


@needs_tflm
@pytest.mark.runtime
@pytest.mark.parametrize("number", [0, 1])
def test_wrong_weights_are_found_at_their_layer(number: int) -> None:
    original = HAR_CNN.read_bytes()
    broken, label, index = break_layer(optimized(original), number)
    verdict = validate(read_bytes(original), read_bytes(broken), runner="tflm", samples=FEW)
    assert verdict.status == "different"
    assert verdict.layer is not None
    assert (verdict.layer.operator, verdict.layer.operator_index) == (label, index)
    assert verdict.layer.difference.count > 0
    assert verdict.layer.difference.max_diff > 0
    assert BY_CONTENTS in verdict.layer_note
    name = read_bytes(original).main.values
    assert verdict.layer.name in {value.name for value in name}


@needs_tflm
@pytest.mark.runtime
def test_the_command_line_names_the_layer(cli: Cli, tmp_path: Path) -> None:
    broken, label, index = break_layer(DS_CNN.read_bytes(), 2)
    path = tmp_path / "broken.tflite"
    path.write_bytes(broken)
    ran = cli("validate", DS_CNN, path, "--runner", "tflm", "--samples", "4", "--json")
    assert ran.code == 1
    found = json.loads(ran.out)["layers"]
    assert found["first_difference"]["operator"] == label
    assert found["first_difference"]["operator_index"] == index
    assert BY_STRUCTURE in found["note"]
    ran = cli("validate", DS_CNN, path, "--runner", "tflm", "--samples", "4")
    text = " ".join(ran.out.split())
    assert f"made by operator {index} {label}" in text


def hidden(step: int) -> bytes:
    """The output is clamped to one value; only the inner tensor tells."""
    n = Net()
    y = n.dense(n.relu(n.feed(1, 4)), 2)
    weights = n.graph.ops[1].inputs[1]
    assert weights is not None
    assert weights.buffer is not None
    weights.buffer.data = np.full(8, 20 + step, np.int8).view(np.uint8)
    n.output(n.op(OpCode.QUANTIZE, [y], (1, 2), quant=(1e6, 0), version=2))
    return write_bytes(n.model)


@needs_tflm
@pytest.mark.runtime
def test_equal_models_have_equal_layers(cli: Cli, tmp_path: Path) -> None:
    original, path = DS_CNN.read_bytes(), tmp_path / "o.tflite"
    path.write_bytes(optimized(original))
    ran = cli("validate", DS_CNN, path, "--runner", "tflm", "--samples", "4", "--layers", "--json")
    assert ran.code == 0
    data = json.loads(ran.out)
    assert data["layers"]["first_difference"] is None
    assert data["verification"]["inner_tensors"] >= 10


@needs_tflm
@pytest.mark.runtime
def test_a_model_with_state_runs_from_its_start() -> None:
    path = TESTDATA / "streaming_variables.tflite"
    model = read_bytes(path.read_bytes())
    assert has_state(model)
    broken, label, index = break_layer(path.read_bytes(), 0)
    verdict = validate(model, read_bytes(broken), runner="tflm", samples=FEW)
    assert verdict.mismatch is not None
    assert verdict.layer is not None
    assert (verdict.layer.operator, verdict.layer.operator_index) == (label, index)
    assert verdict.layer.sample == verdict.mismatch.sample


@pytest.mark.unit
def test_how_tensors_are_matched() -> None:
    data = HAR_CNN.read_bytes()
    model = read_bytes(data)
    derived = optimize_file_bytes(model, data, Settings(samples=None)).model
    assert match(model, derived, derived=True).how == BY_ORIGIN
    by_origin = match(model, derived, derived=True).pairs
    by_contents = match(model, read_bytes(optimized(data)), derived=False)
    assert by_contents.how == BY_CONTENTS
    key = {(pair.original, pair.optimized) for pair in by_origin}
    assert {(pair.original, pair.optimized) for pair in by_contents.pairs} <= key
    told_apart = [op for op in derived.main.ops if op.code not in VIEWS]
    assert len(key) >= len(by_contents.pairs) >= len(told_apart) - 1
    assert match(model, read_bytes(data), derived=False).how == BY_STRUCTURE


@pytest.mark.unit
def test_names_are_the_last_resort() -> None:
    one, two = Net(), Net()
    x = one.relu(one.feed(1, 4))
    x.name = "first"
    y = one.relu(x)
    y.name = "second"
    one.output(y)
    z = two.feed(1, 4)
    for name in ("unknown", "twice", "twice", "second"):
        z = two.relu(z)
        z.name = name
    two.output(z)
    found = match(one.model, two.model, derived=False)
    assert found.how == BY_NAME
    assert [pair.name for pair in found.pairs] == ["second"]


@pytest.mark.unit
def test_differences() -> None:
    one = np.array([[1, 2], [3, 4]], np.int8)
    assert difference_of(one, one.copy()) is None
    other = np.array([[1, 5], [3, -4]], np.int8)
    assert difference_of(one, other) == Difference((0, 1), 2, 8.0)
    zeros = np.array([0.0], np.float32), np.array([-0.0], np.float32)
    assert difference_of(*zeros) == Difference((0,), 1, 0.0)


@pytest.mark.runtime
@needs_tflm
def test_a_model_without_pairs_says_so() -> None:
    n = Net()
    n.output(n.reshape(n.feed(1, 4), 4))
    m = Net()
    m.output(m.squeeze(m.reshape(m.feed(1, 4), 1, 4), 0))
    for net in (n, m):
        for value in net.model.main.values:
            value.name = None
    one, two = (Candidate(net.model, write_bytes(net.model)) for net in (n, m))
    verdict = compare(one, two, runner="tflm", options=FEW, layers="always")
    assert verdict.status == "identical"
    assert verdict.layer_note == "no inner tensor could be matched"


@pytest.mark.runtime
@needs_tflm
def test_hidden_differences_need_layers() -> None:
    one, two = (read_bytes(hidden(step)) for step in (0, 9))
    assert validate(one, two, runner="tflm", samples=FEW).status == "identical"
    verdict = validate(one, two, runner="tflm", samples=FEW, layers=True)
    assert verdict.status == "different"
    assert verdict.layer is not None
    assert verdict.layer.operator == "FULLY_CONNECTED"
    assert verdict.mismatch is not None
    assert verdict.mismatch.output.startswith("inner tensor")
    assert verdict.mismatch.count == verdict.layer.difference.count
