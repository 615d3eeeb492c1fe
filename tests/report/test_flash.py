"""The account of a file's bytes, the lower bounds, and the notes for people."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.support.everything import Everything, archive, carried
from tests.support.flash import SMALL, Layers, relu_chain
from tests.support.lean import lean
from tests.support.paths import every_model
from tflopt.annotation.annotate import Annotate
from tflopt.config import Config, Runtime, Strip
from tflopt.facts.offline_plan import PLAN_NAME
from tflopt.io import read_bytes, write_bytes
from tflopt.ir import Buffer, DType, Model, OpCode, OperatorCode, Quantization
from tflopt.product.optimize import Settings, optimize_file_bytes
from tflopt.report.flash import KINDS, Flash, flash_of
from tflopt.report.notes import bias_notes, undelegated

pytestmark = pytest.mark.unit
NEW_SCALE_BYTES = {Runtime.TFLM: 8, Runtime.BOTH: 16}
"""A MEAN that becomes a CONV_2D gains weights, and those a scale: its length, and one float. Its
bias has one too where LiteRT's default path, which reads it, must agree."""


def account(data: bytes, runtime: Runtime = Runtime.BOTH) -> Flash:
    found = flash_of(carried(data), data, runtime)
    assert sum(found.by_kind.values()) == found.file_bytes == len(data)
    assert set(found.by_kind) <= set(KINDS)
    assert all(count > 0 for count in found.by_kind.values())
    return found


@pytest.mark.long
@every_model
def test_kinds_add_up_before_and_after(path: Path) -> None:
    data = path.read_bytes()
    before = account(data).by_kind
    for runtime in Runtime:
        result, counts = lean(data, runtime)
        after, means = account(result, runtime), counts.get("mean-to-convolution", 0)
        assert after.by_kind.get("not reachable", 0) == 0
        assert after.by_kind.get("minimum and maximum", 0) == 0
        for kind in ("tensor names", "scales", "metadata", "other texts"):
            new = NEW_SCALE_BYTES[runtime] * means if kind == "scales" else 0
            assert after.by_kind.get(kind, 0) <= before.get(kind, 0) + new
        assert after.least_bytes <= after.least_kept_bytes <= after.file_bytes


@pytest.mark.long
@every_model
def test_constants_are_what_they_were(path: Path) -> None:
    """Weights and biases are the floor: only merged constants and padded ones may differ."""
    data = path.read_bytes()
    model = read_bytes(data)
    whole = account(data).by_kind
    kinds = ("weights", "biases", "shapes and axes", "other constants", "metadata")
    stored = sum(buffer.size_bytes for buffer in model.buffers)
    prefixes = 4 * sum(buffer.data is not None for buffer in model.buffers)
    slack = sum(60 + len(entry.name or "") for entry in model.metadata or ())
    assert 0 <= sum(whole.get(kind, 0) for kind in kinds) - stored <= prefixes + slack


@pytest.mark.long
@pytest.mark.parametrize("mode", ["full", "empty", "absent"])
@pytest.mark.parametrize("tail", [b"", b"\0\0\0" + archive()])
def test_any_file_adds_up(mode: str, tail: bytes) -> None:
    data = Everything(1, mode).build() + tail
    found = account(data).by_kind
    assert found.get("behind the model", 0) == len(tail.lstrip(b"\0"))
    rest = account(write_bytes(carried(data), SMALL)).by_kind
    assert rest.get("behind the model", 0) == len(tail.lstrip(b"\0"))
    assert rest.get("not reachable", 0) == 0


def hand_made() -> Layers:
    """One operator of which every byte is known."""
    n = Layers()
    x = n.input((1, 2, 2, 3), quant=(0.05, 3), name="in")
    bias = n.constant(np.arange(5), quant=Quantization.per_channel([0.1] * 5, 0), name="b")
    y = n.transpose_conv(x, bias, [0.1, 0.2, 0.3, 0.4, 0.5])
    y.name = "out"
    n.output(y)
    for value in n.graph.values:
        if value.name not in ("in", "b", "out"):
            value.name = "w"
        assert value.quant is not None
        value.quant = replace(value.quant, min=np.zeros(1, np.float32))
    n.metadata(note=b"12345678901")
    n.model.description = "text"
    n.graph.name = "main"
    return n


def test_each_kind_of_a_file_made_by_hand() -> None:
    found = account(write_bytes(hand_made().model)).by_kind
    scales, points = 1 + 1 + 5 + 5 + 1, 1 + 1 + 5 + 5 + 1
    tensors = 5  # input, bias, shape, weights, output
    exact = {
        "header": 8,
        "weights": 4 + 5 * 2 * 2 * 3,
        "biases": 4 + 4 * 5,
        "shapes and axes": 4 + 4 * 4,
        "scales": tensors * 4 + 4 * scales,
        "zero points": tensors * 4 + 8 * points,
        "minimum and maximum": tensors * (4 + 4),
        "tensor names": (5 + 2) + (5 + 1) * 3 + (5 + 3),
        "other texts": (5 + 4) + (5 + 4) + (5 + 4),  # description, subgraph, metadata's name
        "shapes of tensors": (4 + 16) * 3 + (4 + 4) * 2,
        "operator inputs and outputs": (4 + 16) + (4 + 4) + (4 + 4) + (4 + 4),
    }
    assert {kind: found[kind] for kind in exact} == exact
    assert found["metadata"] >= 4 + 11
    assert set(found) - set(exact) == {"padding", "metadata", "options", "vtables", *_tables(found)}
    assert "not reachable" not in found


def _tables(found: dict[str, int]) -> set[str]:
    return {kind for kind in found if kind == "tables and lists"}


def test_what_nothing_refers_to_is_found() -> None:
    data = write_bytes(relu_chain("a", "b").model)
    before = account(data).by_kind
    after = account(data + b"\x01\x02\x03\x00\x00").by_kind
    assert after["not reachable"] == 3
    assert after["padding"] == before.get("padding", 0) + 2


def test_data_behind_the_flatbuffer() -> None:
    n = relu_chain("a", "b")
    x = n.graph.outputs[0]
    entry = OperatorCode(int(OpCode.CUSTOM), custom_code="mine", stored=(32, 32))
    n.graph.outputs[0] = n.custom(entry, [x], [x.shape])[0]
    n.graph.ops[-1].extra.large_custom_options = np.full(50, 7, np.uint8)
    outside = n.value((100,), DType.INT8, (0.1, 0))
    outside.buffer = Buffer(np.full(100, 9, np.uint8), external=True)
    n.model.buffers.append(outside.buffer)
    n.output(outside)
    n.model.trailing = np.frombuffer(archive(), np.uint8)
    plain = write_bytes(relu_chain("a", "b").model)
    data = write_bytes(n.model)
    found = account(data).by_kind
    assert found["other constants"] == 100
    assert found["options"] - account(plain).by_kind.get("options", 0) == 50
    assert found["behind the model"] == len(archive())
    assert "not reachable" not in found
    bounds = account(write_bytes(n.model, SMALL))
    assert bounds.least_kept_bytes >= 150 + len(archive())
    assert bounds.least_bytes < bounds.least_kept_bytes


def test_the_bounds_tell_names_and_runtimes_apart() -> None:
    data = write_bytes(hand_made().model)
    both, tflm = account(data), account(data, Runtime.TFLM)
    assert tflm.least_bytes < both.least_bytes < both.least_kept_bytes < len(data)
    chosen = Settings(
        config=Config(strip=Strip.ALL, plan=None), samples=None, annotate=Annotate.NONE
    )
    small = optimize_file_bytes(read_bytes(data), data, chosen).data
    assert both.least_bytes <= len(small) <= 1.1 * both.least_bytes


def test_a_plan_counts_as_metadata() -> None:
    n = relu_chain("a", "b")
    n.metadata(**{PLAN_NAME: np.array([1, 0, 3, -1, -1, -1], "<i4").tobytes()})
    found = account(write_bytes(n.model)).by_kind
    without = account(write_bytes(relu_chain("a", "b").model)).by_kind
    assert found["metadata"] - without.get("metadata", 0) == 4 + 24 + 12  # data, and its entry


# The note about XNNPACK.


def layer(code: OpCode, *, quantized: bool) -> Model:
    n = Layers()
    scale = 0.0005 if quantized else None
    if code is OpCode.CONV_2D:
        n.output(n.conv(n.feed(1, 4, 4, 3), 5))
        bias = n.graph.ops[0].inputs[2]
        assert bias is not None
        bias.quant = bias.quant if quantized else None
    elif code is OpCode.DEPTHWISE_CONV_2D:
        n.output(n.depthwise(n.feed(1, 4, 4, 3), n.bias(3, scale), [0.01] * 3))
    else:
        n.output(n.dense_with(n.feed(2, 3), n.bias(4, scale, per_channel=False), [0.01]))
    return n.model


DELEGATED = (OpCode.CONV_2D, OpCode.DEPTHWISE_CONV_2D, OpCode.FULLY_CONNECTED)


@pytest.mark.parametrize("code", DELEGATED)
def test_the_note_appears_where_a_bias_has_no_quantization(code: OpCode) -> None:
    assert bias_notes(layer(code, quantized=True)) == []
    (note,) = bias_notes(layer(code, quantized=False))
    assert "1 layer" in note
    assert "XNNPACK" in note


@pytest.mark.parametrize("code", DELEGATED)
def test_no_note_for_other_types(code: OpCode) -> None:
    model = layer(code, quantized=False)
    for dtype in (DType.INT16, DType.FLOAT32):
        model.main.inputs[0].dtype = dtype
        assert bias_notes(model) == []


def test_no_note_without_a_bias_or_for_other_operators() -> None:
    n = Layers()
    n.output(n.dense(n.relu(n.feed(2, 3)), 4, rows=2))
    assert bias_notes(n.model) == []


def test_the_note_appears_for_transpose_conv() -> None:
    n = Layers()
    n.output(n.transpose_conv(n.feed(1, 2, 2, 3), n.bias(2, None), [0.1, 0.2]))
    assert len(undelegated(n.model)) == 1


def test_half_a_quantization_counts_as_none() -> None:
    model = layer(OpCode.CONV_2D, quantized=True)
    bias = model.main.ops[0].inputs[2]
    assert bias is not None
    bias.quant = Quantization(np.array([0.1], np.float32), None)
    assert len(undelegated(model)) == 1


@pytest.mark.long
@every_model
def test_biases_keep_what_litert_s_default_path_needs(path: Path) -> None:
    """The note stands where the original had none, or where a rule made the layer."""
    data = path.read_bytes()
    before, after = read_bytes(data), read_bytes(lean(data)[0])
    if not undelegated(before):
        made = {op.code for op in undelegated(after)}
        assert made <= {OpCode.CONV_2D, OpCode.DEPTHWISE_CONV_2D, OpCode.FULLY_CONNECTED}
