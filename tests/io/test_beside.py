"""Files beside a model: what isn't a small regular file, or not what it should be, is an error."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from tests.support.cli import Cli
from tests.support.paths import MODELS
from tflopt.errors import UsageError
from tflopt.io import beside
from tflopt.io.beside import arrays_of, bytes_beside, json_of

pytestmark = pytest.mark.unit
MODEL = MODELS[0]
OPTIONS = [
    ("inspect", MODEL, "--profile"),
    ("inspect", MODEL, "--channels", "--inputs"),
    ("report", MODEL, "--no-verify", "--bench"),
    ("report", MODEL, "--no-verify", "--frontier"),
    ("view", MODEL, "--no-open", "--bench"),
    ("check",),
    ("targets", "--probe", "--tflm-lib"),
]
"""Every option that reads another file than a model, last its name."""


@pytest.mark.parametrize("arguments", OPTIONS, ids=lambda each: f"{each[0]} {each[-1]}")
@pytest.mark.parametrize("kind", ["pipe", "device", "endless"])
def test_what_may_have_no_end_is_usage(
    arguments: tuple[object, ...], kind: str, cli: Cli, tmp_path: Path
) -> None:
    """A pipe waited for ever, ``/dev/zero`` took all memory."""
    os.mkfifo(tmp_path / "pipe")
    path = {"pipe": tmp_path / "pipe", "device": "/dev/tty", "endless": "/dev/zero"}[kind]
    ran = cli(*arguments, path)
    assert ran.code == 2
    assert "regular file" in ran.only_error or "no lib/*.a" in ran.only_error


@pytest.mark.parametrize("text", ["[" * 100_000, f'{{"profile": {"9" * 5000}}}', "[1]", "\xff"])
@pytest.mark.parametrize("arguments", OPTIONS[:-1], ids=lambda each: f"{each[0]} {each[-1]}")
def test_nonsense_is_usage(
    arguments: tuple[object, ...], text: str, cli: Cli, tmp_path: Path
) -> None:
    path = tmp_path / "text.json"
    path.write_bytes(text.encode("latin-1"))
    ran = cli(*arguments, path)
    assert ran.code in (0, 2)
    assert "internal" not in ran.err


def test_what_is_larger_than_it_may_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "large"
    path.write_bytes(bytes(11))
    assert bytes_beside(path, 11) == bytes(11)
    with pytest.raises(UsageError, match="is larger than"):
        bytes_beside(path, 10)
    with pytest.raises(UsageError, match="no such file"):
        bytes_beside(tmp_path / "none")


def test_json() -> None:
    assert json_of(b'{"a": [1]}') == {"a": [1]}
    for text in (b"[" * 100_000, b"\xff", b"", b"9" * 5000):
        with pytest.raises(ValueError):
            json_of(text)


def packed(**arrays: object) -> bytes:
    """An ``.npz`` file."""
    file = BytesIO()
    np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
    return file.getvalue()


def test_arrays_are_read_as_they_were_written() -> None:
    wanted: dict[str, npt.NDArray[np.generic]] = {
        "a": np.arange(6, dtype=np.int8).reshape(2, 3),
        "b": np.asfortranarray(np.ones((2, 3), np.float32)),
        "c": np.array(True),
    }
    found = arrays_of(packed(**wanted))
    assert found.keys() == wanted.keys()
    for name, array in wanted.items():
        assert found[name].dtype == array.dtype
        assert np.array_equal(found[name], array)


def lying() -> bytes:
    """An array that says it has 2 to the 40 numbers."""
    file, one = BytesIO(), BytesIO()
    np.save(one, np.zeros(4, np.int8))
    said, more = b"(4,), }", b"(1099511627776,), }"
    header = one.getvalue().replace(said + b" " * (len(more) - len(said)), more)
    with zipfile.ZipFile(file, "w") as made:
        made.writestr("a.npy", header)
    return file.getvalue()


def broken() -> bytes:
    """A packed file whose data is damaged."""
    data = bytearray(packed(a=np.arange(1000)))
    data[100:140] = bytes(40)
    return bytes(data)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lying, "not as many as it says"),
        (lambda: packed(a=np.array([{}, 1], object)), "holds no numbers"),
        (lambda: packed(a=np.array(["x"])), "holds no numbers"),
        (broken, None),
        (lambda: b"PK\x03\x04" + bytes(50), None),
        (lambda: b"", None),
        (lambda: np.zeros(3).tobytes(), None),
    ],
)
def test_arrays_that_are_none(make: Callable[[], bytes], reason: str | None) -> None:
    """A ``.npy`` file, a damaged ZIP and an array of objects were "internal"."""
    with pytest.raises(ValueError, match=reason):
        arrays_of(make())


def test_a_small_file_of_many_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    data = packed(a=np.zeros(100_000, np.int8))
    assert len(data) < 1000
    monkeypatch.setattr(beside, "MOST_ARRAY_BYTES", 50_000)
    with pytest.raises(ValueError, match="its arrays take more than"):
        arrays_of(data)
