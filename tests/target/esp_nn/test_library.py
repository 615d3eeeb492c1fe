"""ESP-NN behind the seam: functions, memory, and what of Espressif's targets is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.kit import Kit
from tests.support.paths import SHARED, TESTDATA
from tflopt.cli.main import app
from tflopt.errors import UsageError
from tflopt.io import read
from tflopt.ir import DType, OpCode, Padding, Value
from tflopt.target import Target, all_targets, predicted_targets
from tflopt.target.cost import predict_model
from tflopt.target.cost.predict import Basis
from tflopt.target.device import Device
from tflopt.target.kernels import kernel_use
from tflopt.target.memory import PlanRequest, aliases_of, memory_of
from tflopt.target.use import KernelUse
from tflopt.target.use import Path as Code

pytestmark = pytest.mark.unit
ESP32, S3 = (Device.to_predict(name) for name in ("esp32", "esp32-s3"))
FIELD = SHARED.parents[0] / "field" / "models"
DS_CNN = TESTDATA / "ds_cnn.tflite"
Make = Callable[[Kit], Value]


def used(make: Make, device: Device) -> KernelUse:
    producer = make(Kit(1)).producer
    assert producer is not None
    return kernel_use(producer, device)


def image(n: Kit, channels: int = 8, dtype: DType = DType.INT8) -> Value:
    return n.input((1, 8, 8, channels), dtype)


@pytest.mark.parametrize(
    ("make", "plain", "vector"),
    [
        (lambda n: n.conv2d(image(n), 8), "conv_s8_opt", "conv_s8_esp32s3"),
        (lambda n: n.conv2d(image(n), 8, groups=2), "conv_s8_ansi", "conv_s8_ansi"),
        (lambda n: n.conv2d(image(n), 8, (1, 1), groups=2), "conv_s8_opt", "conv_s8_ansi"),
        (
            lambda n: n.depthwise(image(n)),
            "depthwise_conv_s8_opt",
            "depthwise_conv_s8_esp32s3",
        ),
        (
            lambda n: n.depthwise(image(n), multiplier=2),
            "depthwise_conv_s8_opt",
            "depthwise_conv_s8_opt",
        ),
        (
            lambda n: n.fully_connected(n.input((1, 16), DType.INT8), 4),
            "fully_connected_s8_ansi",
            "fully_connected_s8_esp32s3",
        ),
        (
            lambda n: n.pool(OpCode.MAX_POOL_2D, image(n), (2, 2)),
            "max_pool_s8_ansi",
            "max_pool_s8_esp32s3",
        ),
        (
            lambda n: n.pool(OpCode.AVERAGE_POOL_2D, image(n, 6), (2, 2)),
            "avg_pool_s8_ansi",
            "avg_pool_s8_ansi",
        ),
        (
            lambda n: n.binary(OpCode.ADD, x := image(n), x),
            "add_elementwise_s8_ansi",
            "add_elementwise_s8_esp32s3",
        ),
        (
            lambda n: n.binary(OpCode.MUL, x := image(n), x),
            "mul_elementwise_s8_ansi",
            "mul_elementwise_s8_esp32s3",
        ),
        (
            lambda n: n.softmax(n.input((1, 10), DType.INT8)),
            "softmax_s8_opt",
            "softmax_s8_esp32s3",
        ),
    ],
)
def test_each_chip_has_its_function(make: Make, plain: str, vector: str) -> None:
    found = [used(make, device) for device in (ESP32, S3)]
    assert [use.function for use in found] == [f"esp_nn_{plain}", f"esp_nn_{vector}"]
    assert found[0].path is Code.PLAIN
    assert (found[1].path is Code.OPTIMIZED) == vector.endswith("esp32s3")
    assert (found[1].why_not_faster is None) == vector.endswith("esp32s3")


@pytest.mark.parametrize(
    "make",
    [
        lambda n: n.conv2d(image(n, dtype=DType.INT16), 8),
        lambda n: n.conv2d(image(n), 8, dilation=(2, 2)),
        lambda n: n.binary(OpCode.ADD, image(n), n.level((1, 1, 1, 8))),
        lambda n: n.binary(OpCode.SUB, x := image(n), x),
        lambda n: n.unary(OpCode.LOGISTIC, image(n)),
    ],
)
def test_the_rest_runs_in_tflms_own_kernels(make: Make) -> None:
    for device in (ESP32, S3):
        use = used(make, device)
        assert use.function.startswith("TFLM ")
        assert use.path is Code.REFERENCE
        assert "CMSIS-NN" not in (use.why_not_faster or "")


def test_what_a_convolution_keeps_and_asks_for() -> None:
    plain, vector = (used(lambda n: n.conv2d(image(n, 16), 16), each) for each in (ESP32, S3))
    assert (plain.scratch_bytes, vector.scratch_bytes) == ((), (7936,))
    assert plain.op_data_bytes == vector.op_data_bytes == 60
    assert [each.size_bytes for each in vector.persistent] == [64, 64]


def test_scratch_is_asked_for_by_layers_that_do_not_use_it() -> None:
    dilated = used(lambda n: n.conv2d(image(n), 8, (1, 1), dilation=(2, 2)), S3)
    assert (dilated.function, dilated.scratch_bytes) == ("TFLM CONV_2D", (64 + 128 + 64,))
    wide = used(lambda n: n.conv2d(image(n, dtype=DType.INT16), 8), S3)
    assert wide.scratch_bytes == ()


@pytest.mark.parametrize(
    ("shape", "scratch"), [((1, 10), (40,)), ((1, 3, 10), (12,)), ((10,), None)]
)
def test_a_softmax_asks_by_its_second_dimension(
    shape: tuple[int, ...], scratch: tuple[int, ...] | None
) -> None:
    for device in (ESP32, S3):
        use = used(lambda n: n.softmax(n.input(shape, DType.INT8)), device)
        assert use.scratch_bytes == scratch
        assert use.op_data_bytes == 64


@pytest.mark.skipif(not FIELD.is_dir(), reason="../shared is absent")
@pytest.mark.parametrize(
    ("name", "arenas"),
    [
        ("mww_alexa_v1", (45_392, 45_328, 45_408)),
        ("mww_okay_nabu", (19_392, 18_800, 33_936)),
        ("mww_okay_nabu_pymicro", (22_432, 21_648, 50_320)),
        ("mww_vad", (10_352, 10_000, 24_704)),
    ],
)
def test_arenas_of_wake_words(name: str, arenas: tuple[int, ...]) -> None:
    model = read(FIELD / f"{name}.tflite")
    found = [memory_of(model, each) for each in (Device.of("cortex-m4"), ESP32, S3)]
    assert tuple(memory.arena.minimum_bytes for memory in found) == arenas
    assert not any(memory.unknown for memory in found)


def test_nothing_of_it_counts_as_measured_or_proven() -> None:
    model = read(DS_CNN)
    rows = predict_model(model, S3).rows
    assert {row.prediction.basis for row in rows} == {Basis.ESTIMATED}
    assert aliases_of(model, S3, PlanRequest()) == []
    assert aliases_of(model, Device.of("cortex-m4"), PlanRequest()) != []


def test_the_targets_are_apart_from_the_others() -> None:
    assert [str(target) for target in predicted_targets()] == ["esp32", "esp32-s3"]
    assert not set(predicted_targets()) & set(all_targets())
    assert Target.parse("ESP32S3") == Target.parse("esp32-s3")
    assert str(S3.kernels) == "ESP-NN 1.2.3"
    assert str(Device.to_predict("esp32", "none").kernels) == "TFLM's own kernels"
    assert Device.to_predict("m4") == Device.of("m4")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"cmsis_nn": "7.0.0"}, "--cmsis-nn esp-nn-1.2.3 or none"),
        ({"tflm": "3b20912"}, "is predicted with TFLM 90b983c"),
        ({"build": "size"}, "built for speed"),
    ],
)
def test_other_versions_are_refused(options: dict[str, str], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        Device.to_predict("esp32", **options)


def test_optimize_refuses_and_inspect_says_whence_it_knows(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = str(tmp_path / "out.tflite")
    with pytest.raises(UsageError, match="esp32 is for inspect and fit alone"):
        app(["optimize", str(DS_CNN), "-t", "esp32", "-o", out], standalone_mode=False)
    app(["inspect", str(DS_CNN), "-t", "esp32-s3", "--scratch"], standalone_mode=False)
    told = " ".join(capsys.readouterr().out.split())
    assert "esp32-s3, ESP-NN 1.2.3 (d45b843, from its sources: no device ran it)" in told
    assert "the arena on esp32-s3 is predicted from the sources: no device ran it" in told


def test_a_padding_of_the_model_is_that_of_the_formula() -> None:
    valid = used(lambda n: n.depthwise(image(n, 16), padding=Padding.VALID), S3)
    same = used(lambda n: n.depthwise(image(n, 16)), S3)
    assert (valid.scratch_bytes, same.scratch_bytes) == ((160,), (1760,))
