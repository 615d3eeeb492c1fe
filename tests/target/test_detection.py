"""The arena of TFLite_Detection_PostProcess: known from its options, or said to be unknown."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from flatbuffers import flexbuffers

from tests.support.cli import Cli
from tests.support.graphs import Net
from tflopt.api import inspect
from tflopt.io import read_bytes, write_bytes
from tflopt.ir import DType, Model, OpCode, OperatorCode
from tflopt.target.device import Device
from tflopt.target.kernels import scratch_table
from tflopt.target.memory import memory_of

pytestmark = pytest.mark.unit
OPTIONS = {
    "max_detections": 10,
    "max_classes_per_detection": 1,
    "num_classes": 20,
    "nms_score_threshold": 0.5,
    "nms_iou_threshold": 0.6,
    "y_scale": 10.0,
    "x_scale": 10.0,
    "h_scale": 5.0,
    "w_scale": 5.0,
    "use_regular_nms": False,
}


def detector(boxes: int = 300, options: bytes | None = None) -> Model:
    """Boxes and scores as inputs, four outputs."""
    n = Net()
    entry = OperatorCode(int(OpCode.CUSTOM), custom_code="TFLite_Detection_PostProcess")
    anchors = n.constant(np.ones((boxes, 4)), DType.FLOAT32)
    x, s = (n.input((1, boxes, width), DType.FLOAT32, quant=None) for width in (4, 21))
    shapes = [(1, 10, 4), (1, 10), (1, 10), (1,)]
    n.output(*n.custom(entry, [x, s, anchors], shapes, dtype=DType.FLOAT32))
    raw = flexbuffers.Dumps(OPTIONS) if options is None else options
    n.model.main.ops[0].extra.custom_options = np.frombuffer(raw, np.uint8)
    return read_bytes(write_bytes(n.model))


def test_its_scratch_follows_from_its_options() -> None:
    [row] = scratch_table(detector(), Device())
    assert row.use.scratch_bytes is not None
    n, most = 300, 10
    assert sum(row.use.scratch_bytes) == n * (
        1 + 16 + 4 * 21 + 3 * 4 + 3 * 4 * most + 4 * 20 + 4 * most
    )
    memory = memory_of(detector(), Device())
    assert not memory.unknown
    assert memory.arena.head_bytes >= sum(row.use.scratch_bytes)


@pytest.mark.parametrize("options", [b"", b"\x00", b"\xff" * 40, flexbuffers.Dumps([1, 2])])
def test_options_that_can_t_be_read_leave_it_unknown(options: bytes) -> None:
    assert memory_of(detector(options=options), Device()).unknown


def test_any_bytes_are_numbers_or_unknown() -> None:
    rng = np.random.default_rng(3)
    good = np.frombuffer(flexbuffers.Dumps(OPTIONS), np.uint8)
    for _ in range(300):
        broken = good.copy()
        broken[rng.integers(0, broken.size, 3)] = rng.integers(0, 256, 3)
        memory_of(detector(8, broken.tobytes()), Device())


def test_every_place_that_prints_an_unknown_arena_says_so(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(write_bytes(detector(options=b"")))
    report = tmp_path / "r.json"
    one = ("optimize", path, "-o", tmp_path / "o.tflite", "--no-verify", "--report", report)
    many = ("optimize", path, "-d", tmp_path / "all", "--no-verify")
    for command in (one, many, ("inspect", "--memory", path), ("explore", path)):
        ran = cli(*command)
        assert ran.code == 0, ran.err
        assert "arena" in ran.out
        assert "unknown" in ran.out, ran.out
    found = json.loads(report.read_text())
    assert found["output"]["arena"]["unknown_operators"] == ["TFLite_Detection_PostProcess"]
    assert any("the arena is unknown" in note for note in found["notes"])
    assert cli("emit", path, "-d", tmp_path / "gen").code == 0
    assert "The arena is not known" in (tmp_path / "gen" / "m_info.h").read_text()
    assert inspect(path).arena_bytes is None
    assert "arena unknown" in repr(inspect(path))
