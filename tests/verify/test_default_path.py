"""LiteRT's default path: biases keep what it needs, and where it differs all the same is said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.support.check_rule import apply
from tests.support.cli import Cli
from tests.support.field import field_model
from tests.support.flash import Layers
from tests.support.paths import TESTDATA, needs_litert
from tests.support.rule_examples import EXAMPLES
from tflopt.config import Config, Runtime
from tflopt.io import read, write_bytes
from tflopt.ir import Model
from tflopt.ir.clone import clone
from tflopt.product import verification
from tflopt.product.optimize import Settings, optimize_file_bytes
from tflopt.rewrite import Stage
from tflopt.rules.pipeline import run_pipeline
from tflopt.verify.compare import Candidate
from tflopt.verify.default_path import compare_on_default_path, has_delegated_layers

pytestmark = [pytest.mark.runtime, needs_litert]
KINDS = ("conv", "depthwise", "dense", "transpose_conv")
SPREAD = [float(np.float32(0.003 + 0.0001 * i)) for i in range(16)]


def layer(kind: str) -> Model:
    n = Layers()
    if kind == "conv":
        y = n.conv(n.feed(1, 8, 8, 16), 16)
    elif kind == "depthwise":
        y = n.depthwise(n.feed(1, 8, 8, 16), n.bias(16), SPREAD)
    elif kind == "dense":
        y = n.dense_with(n.feed(8, 64), n.bias(16, 0.05), SPREAD)
    else:
        y = n.transpose_conv(n.feed(1, 8, 8, 16), n.bias(16), SPREAD)
    n.output(y)
    return n.model


def compared(original: Model, other: Model) -> str:
    pair = [Candidate(model, write_bytes(model)) for model in (original, other)]
    return compare_on_default_path(pair[0], pair[1], seed=3)


def without_bias_quantization(model: Model) -> Model:
    copy = clone(model)
    bias = copy.main.ops[0].inputs[-1]
    assert bias is not None
    bias.quant = None
    return copy


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_differs_where_biases_keep_their_quantization(kind: str) -> None:
    model = layer(kind)
    copy = clone(model)
    run_pipeline(copy, config=Config(runtime=Runtime.BOTH, plan=None))
    assert [op.code for op in copy.ops()] == [op.code for op in model.ops()]
    assert compared(model, copy) == ""


@pytest.mark.parametrize("kind", KINDS)
def test_it_differs_without_and_one_line_says_by_how_much(kind: str) -> None:
    model = layer(kind)
    text = compared(model, without_bias_quantization(model))
    assert "by up to" in text
    assert "\n" not in text


def test_models_without_such_layers_aren_t_run() -> None:
    n = Layers()
    n.output(n.relu(n.feed(2, 3)))
    assert not has_delegated_layers(n.model)
    assert compared(n.model, n.model) == ""


@pytest.mark.parametrize("name", ["ds_cnn", "resnet8"])
def test_real_networks_differ_nowhere(name: str) -> None:
    model = read(TESTDATA / f"{name}.tflite")
    data = write_bytes(model)
    result = optimize_file_bytes(model, data, Settings(samples=None))
    pair = Candidate(model, data), Candidate(result.model, result.data)
    assert compare_on_default_path(*pair, seed=5) == ""


@pytest.mark.parametrize("name", ["kws_ref_model", "ad01_int8"])
def test_mlperf_tiny_differs_nowhere(name: str) -> None:
    model = read(field_model(name))
    copy = clone(model)
    run_pipeline(copy)
    assert compared(model, copy) == ""


def test_the_command_line_says_it(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sentence in place of the note on biases; nothing where nothing differs."""
    path = tmp_path / "m.tflite"
    path.write_bytes(write_bytes(layer("conv")))
    assert "XNNPACK" not in cli("optimize", path).out
    monkeypatch.setattr("tflopt.product.verification.TIDY", set[Stage]())
    monkeypatch.setattr(
        "tflopt.product.verification.compare_on_default_path", lambda *_: "LiteRT's default path: 7"
    )
    assert "note: LiteRT's default path: 7" in cli("optimize", path).out


def test_the_note_names_the_rule_without_which_nothing_differs() -> None:
    """Such rules don't run by default, but for those that TFLM needs."""
    example = EXAMPLES["dense-s16-to-conv"]
    trace = apply(example.models()[0], example.rule)
    assert verification._by_whom(trace) == " --disable dense-s16-to-conv keeps what it gave."


@pytest.mark.parametrize("name", ["mobilenet_v1", "torch_tcn", "ds_cnn"])
def test_what_the_command_makes_of_a_mean_differs_nowhere(
    cli: Cli, tmp_path: Path, name: str
) -> None:
    ran = cli("optimize", TESTDATA / f"{name}.tflite", "-o", tmp_path / "a.tflite")
    assert ran.code == 0
    assert "XNNPACK" not in ran.out
