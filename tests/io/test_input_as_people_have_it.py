"""Models as C arrays, and files of other kinds: each read, or named with the next step."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from tests.support.broken import small_model
from tests.support.cli import Cli
from tflopt.errors import ModelError
from tflopt.io import read
from tflopt.io.reading.c_source import model_in_c_source

pytestmark = pytest.mark.unit


def xxd(data: bytes, name: str = "model_tflite") -> str:
    """As ``xxd -i`` writes it: twelve to a line, and the length."""
    rows = [
        ", ".join(f"0x{byte:02x}" for byte in data[i : i + 12]) for i in range(0, len(data), 12)
    ]
    body = ",\n  ".join(rows)
    return f"unsigned char {name}[] = {{\n  {body}\n}};\nunsigned int {name}_len = {len(data)};\n"


def as_header(data: bytes) -> str:
    """As in TFLM's examples: aligned, const, decimal here, with comments that have numbers."""
    numbers = ",".join(str(byte) for byte in data)
    return (
        "// Generated 2026-11-29 from model.tflite {0x1c, 0x00}\n#include <cstdint>\n"
        "/* 12, 13 */ alignas(16) const unsigned char g_model[] __attribute__((aligned(16))) = {"
        f"{numbers} /* the end: 99 */ }};\nconst int g_model_len = 1;\n"
        "int other[3] = {1, 2, 3};\n"
    )


@pytest.mark.parametrize("write", [xxd, as_header])
def test_an_array_is_read_as_the_model_it_holds(write: object, tmp_path: Path, cli: Cli) -> None:
    assert callable(write)
    data = small_model()
    (tmp_path / "net.cc").write_text(write(data))
    assert model_in_c_source((tmp_path / "net.cc").read_bytes()) == data
    assert read(tmp_path / "net.cc").source_bytes == len(data)
    assert cli("optimize", tmp_path / "net.cc", "--no-verify").code == 0
    assert (tmp_path / "net.opt.tflite").exists()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda text: text + xxd(small_model(), "again"), "holds 2 models (model_tflite, again)"),
        (lambda text: text.replace("\n}", ", SIZE\n}"), "more than plain numbers"),
        (lambda text: text.replace("\n}", ", 256\n}"), "a number that is not a byte"),
        (lambda text: text.replace("\n}", ", 08\n}"), "a number that is not a byte"),
        (lambda _: "int x[] = {1, 2, 3};", "C source without the array of a model"),
    ],
)
def test_source_without_one_clear_model_is_refused(
    change: object, reason: str | None, tmp_path: Path
) -> None:
    assert callable(change)
    (tmp_path / "net.c").write_text(change(xxd(small_model())))
    with pytest.raises(ModelError) as caught:
        read(tmp_path / "net.c")
    assert "net.c" in str(caught.value)
    assert reason is None or reason in str(caught.value)


def archive(path: Path, *names: str) -> bytes:
    with zipfile.ZipFile(path, "w") as file:
        for name in names:
            file.writestr(name, "x")
    return path.read_bytes()


@pytest.mark.parametrize(
    ("name", "content", "step"),
    [
        ("a.onnx", b"\x08\x07\x12\x07pytorch", "onnx2tf -oiqt"),
        ("a.h5", b"\x89HDF\r\n\x1a\n rest", "from_keras_model"),
        ("a.bin", b"\x89HDF\r\n\x1a\n rest", "from_keras_model"),
        ("saved_model.pb", b"\x08\x01\x12\x10 rest of it", "from_saved_model"),
        ("a.tflite", b"version https://git-lfs.github.com/spec/v1\noid", "git lfs pull"),
        ("a.tflite", b"<!DOCTYPE html><html></html>", "Raw"),
        ("a.pte", b"\x1c\x00\x00\x00ET12 rest of it", "ExecuTorch"),
        ("a.tflite.gz", b"\x1f\x8b\x08\x00 rest of it", "gunzip"),
        ("a.elf", b"\x7fELF rest of it", "an ELF program"),
        ("a.zip", b"PK\x03\x04 not really one", "damaged"),
    ],
)
def test_other_files_are_named_with_the_next_step(
    name: str, content: bytes, step: str, tmp_path: Path, cli: Cli
) -> None:
    (tmp_path / name).write_bytes(content)
    ran = cli("inspect", tmp_path / name)
    assert ran.code == 3
    assert step in ran.only_error
    assert name in ran.only_error


@pytest.mark.parametrize(
    ("names", "step"),
    [
        (("metadata.json", "config.json", "model.weights.h5"), "from_keras_model"),
        (("m/data.pkl", "m/version"), "litert-torch"),
        (("a/model.tflite",), "it holds a/model.tflite"),
        (("a.txt",), "unpack it first"),
    ],
)
def test_archives_are_named_by_what_they_hold(
    names: tuple[str, ...], step: str, tmp_path: Path, cli: Cli
) -> None:
    archive(tmp_path / "some.file", *names)
    assert step in cli("inspect", tmp_path / "some.file").only_error


def test_a_saved_model_folder_is_named(tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "saved_model.pb").write_bytes(b"x")
    ran = cli("inspect", tmp_path)
    assert ran.code == 2
    assert "from_saved_model" in ran.only_error


def test_python_reads_bytes_and_paths_and_nothing_else(tmp_path: Path) -> None:
    data = small_model()
    path = tmp_path / "m.tflite"
    path.write_bytes(data)
    sources: list[str | Path | bytes | bytearray] = [data, bytearray(data), str(path), path]
    for source in sources:
        assert read(source).source_bytes == len(data)
    with pytest.raises(TypeError, match=r"path of a .tflite file or its bytes, not list"):
        read([1, 2])  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["net.tflit", "net", "nets.tflite"])
def test_a_name_that_is_nearly_one_is_told(name: str, tmp_path: Path, cli: Cli) -> None:
    for near in ("net.h", "net.tflite", "other.tflite"):
        (tmp_path / near).write_bytes(small_model())
    told = cli("optimize", tmp_path / name).only_error
    assert told.endswith(f"{name}: no such file; did you mean {tmp_path / 'net.tflite'}?")


def test_no_name_is_near(tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "wholly-different.tflite").write_bytes(small_model())
    for missing in (tmp_path / "net.tflite", tmp_path / "no-folder" / "net.tflite"):
        assert cli("optimize", missing).only_error.endswith("net.tflite: no such file")
