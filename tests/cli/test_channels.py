"""``inspect --channels`` and ``optimize --keep-channels``."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.support.cli import Cli
from tests.support.kit import Kit
from tests.support.paths import needs_tflm
from tests.support.planted import ignore, kill, saturate
from tflopt.io import read_bytes, write_bytes
from tflopt.ir import Activation

pytestmark = pytest.mark.runtime


@pytest.fixture
def model(tmp_path: Path) -> Path:
    n = Kit()
    x = n.conv2d(n.feed(1, 6, 5, 3), 8, activation=Activation.RELU)
    kill(x, [0, 1])
    saturate(x, [0, 1, 5])
    y = n.conv2d(x, 4, (1, 1))
    ignore(y, [5, 6])
    n.output(y)
    path = tmp_path / "m.tflite"
    path.write_bytes(write_bytes(n.model))
    return path


def test_text(cli: Cli, model: Path) -> None:
    done = cli("inspect", str(model), "--channels")
    assert done.code == 0
    assert "3 of 12 channels are the same for every input; 4 can go" in done.out


def test_json(cli: Cli, model: Path) -> None:
    done = cli("inspect", str(model), "--channels", "--json")
    first, second = json.loads(done.out)["channels"]
    assert (first["operator"], first["channels"]) == ("CONV_2D", 8)
    kinds = ("constant", "saturated", "unread", "only_unread", "removable")
    assert [first[key] for key in kinds] == [3, 1, 2, 1, 4]
    assert first["unchanging"] is None
    assert first["ram_bytes"] == 120
    assert first["flash_bytes"] > 0
    assert second["removable"] == second["constant"] == 0
    assert json.loads(cli("inspect", str(model), "--json").out)["channels"] is None


@needs_tflm
def test_inputs(cli: Cli, model: Path, tmp_path: Path) -> None:
    """One sample changes nothing along the batch; a still image leaves all channels of a pixel."""
    data = np.zeros((3, 1, 6, 5, 3), dtype=np.int8)
    np.savez(tmp_path / "d.npz", input0=data)
    arguments = ("inspect", str(model), "--channels", "--inputs", str(tmp_path / "d.npz"))
    first = json.loads(cli(*arguments, "--json").out)["channels"][0]
    assert 3 <= first["unchanging"] <= 8
    data[1:] = np.random.default_rng(0).integers(-128, 128, data[1:].shape)
    np.savez(tmp_path / "d.npz", input0=data)
    first = json.loads(cli(*arguments, "--json").out)["channels"][0]
    assert first["unchanging"] == 3
    assert "proves nothing" in " ".join(cli(*arguments).out.split())


@pytest.mark.parametrize(
    ("arrays", "reason"),
    [
        ({"other": np.zeros((1, 6, 5, 3), np.int8)}, "no array for input 0"),
        ({"input0": np.zeros((1, 6, 5, 3), np.float32)}, "holds float32"),
        ({"input0": np.zeros((1, 6, 6, 3), np.int8)}, "has the shape"),
    ],
)
def test_inputs_that_do_not_fit(
    cli: Cli, model: Path, tmp_path: Path, arrays: dict[str, np.ndarray], reason: str
) -> None:
    np.savez(tmp_path / "d.npz", **arrays)  # type: ignore[arg-type]
    done = cli("inspect", str(model), "--channels", "--inputs", str(tmp_path / "d.npz"))
    assert done.code == 2
    assert reason in " ".join((done.out + done.err).split())


def test_inputs_need_channels_and_a_file(cli: Cli, model: Path, tmp_path: Path) -> None:
    assert cli("inspect", str(model), "--inputs", "d.npz").code == 2
    (tmp_path / "d.npz").write_text("no zip")
    done = cli("inspect", str(model), "--channels", "--inputs", str(tmp_path / "d.npz"))
    assert done.code == 2
    assert "can't be read as .npz" in " ".join((done.out + done.err).split())


def test_keep_channels(cli: Cli, model: Path, tmp_path: Path) -> None:
    widths = []
    for options in ((), ("--keep-channels",), ("--disable", "remove-channels")):
        out = tmp_path / "o.tflite"
        done = cli("optimize", str(model), "-o", str(out), "--no-verify", *options)
        assert done.code == 0
        widths.append(read_bytes(out.read_bytes()).main.ops[0].output.shape[3])
        out.unlink()
    assert widths == [4, 8, 8]
