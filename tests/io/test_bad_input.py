"""Broken files: a clear error that names the place, quickly, and nothing else ever."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from tests.support.broken import Broken, broken_models, long_vtable, small_model
from tests.support.paths import TESTDATA
from tests.support.waiting import cpu_s
from tflopt.errors import ModelError, TfloptError, UnsupportedError
from tflopt.io import read, read_bytes, write_bytes

pytestmark = pytest.mark.unit
MUTATIONS = 3000
SLOWEST_S = 2.0


@pytest.mark.parametrize("case", broken_models(), ids=lambda case: case.name)
def test_broken_models_are_refused_with_a_reason(case: Broken) -> None:
    start = cpu_s()
    with pytest.raises((ModelError, UnsupportedError)) as caught:
        read_bytes(case.data, "some/model.tflite")
    assert cpu_s() - start < SLOWEST_S
    message = str(caught.value)
    assert message.startswith("some/model.tflite: ")
    assert re.search(case.reason, message), message
    assert len(message) < 500


def test_what_the_schema_does_not_know_is_unsupported_not_invalid() -> None:
    known = {case.name: case.data for case in broken_models()}
    for name in ("unknown field", "unknown options", "unknown type"):
        with pytest.raises(UnsupportedError):
            read_bytes(known[name])


def test_the_model_that_is_broken_here_is_good() -> None:
    assert write_bytes(read_bytes(small_model())) == small_model()


def test_every_truncation_is_refused_or_harmless() -> None:
    data = small_model()
    refused = 0
    for length in range(len(data)):
        try:
            read_bytes(data[:length])
        except TfloptError:
            refused += 1
    assert refused >= len(data) - 4  # the last bytes may be padding


def test_a_truncated_real_model_is_refused() -> None:
    data = (TESTDATA / "ds_cnn.tflite").read_bytes()
    for length in range(0, len(data) - 64, 997):
        with pytest.raises(ModelError):
            read_bytes(data[:length])


def test_random_bytes_are_refused() -> None:
    rng = np.random.default_rng(0)
    for size in (1, 7, 8, 11, 12, 100, 10_000):
        with pytest.raises(ModelError):
            read_bytes(rng.bytes(size))


def test_the_largest_vtable_does_not_cost_time_again_for_each_table() -> None:
    data = long_vtable(20_000)
    start = cpu_s()
    model = read_bytes(data, checks_kernels=False)
    assert len(model.graphs) == 20_000
    assert cpu_s() - start < SLOWEST_S


@pytest.mark.parametrize("name", ["conv1d_stride2", "two_signatures", "if_branches", "lstm"])
def test_mutated_bytes_never_escape_as_other_errors(name: str) -> None:
    """Each survivor must also be written and read again."""
    source = (TESTDATA / f"{name}.tflite").read_bytes()
    rng = np.random.default_rng(len(source))
    survivors = 0
    for _ in range(MUTATIONS // 4):
        data = bytearray(source)
        for position in rng.integers(0, len(data), int(rng.integers(1, 4))):
            data[position] = int(rng.choice((0, 1, 0x7F, 0x80, 0xFF, int(rng.integers(256)))))
        start = cpu_s()
        try:
            model = read_bytes(bytes(data))
        except TfloptError:
            continue
        finally:
            assert cpu_s() - start < SLOWEST_S
        survivors += 1
        if survivors % 10 == 0:
            read_bytes(write_bytes(model))
    assert 0 < survivors < MUTATIONS // 4


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.tflite", tmp_path):
        with pytest.raises(ModelError) as caught:
            read(path)
        assert str(path) in str(caught.value)


def test_a_device_without_end_is_refused() -> None:
    with pytest.raises(ModelError, match="not a regular file"):
        read("/dev/zero")
