"""Which files there are, what they are called, and that they are always the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.paths import TESTDATA
from tflopt.emit import EmitOptions, Language, NamedModel, emit_files, model_name
from tflopt.emit.names import check_name, identifier
from tflopt.errors import UsageError
from tflopt.io import read_bytes
from tflopt.target.memory import memory_of

pytestmark = pytest.mark.unit


def named(stem: str, name: str = "", path: str = "") -> NamedModel:
    data = (TESTDATA / f"{stem}.tflite").read_bytes()
    return NamedModel(name or stem, read_bytes(data, path), data)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (EmitOptions(), ["m_data.cc", "m_data.h", "m_info.h", "m_ops.h"]),
        (EmitOptions(language=Language.C), ["m_data.c", "m_data.h", "m_info.h", "m_ops.h"]),
        (EmitOptions(main=True), ["m_data.cc", "m_data.h", "m_info.h", "m_ops.h", "main.cc"]),
        (EmitOptions(incbin=True), ["m.tflite", "m_data.S", "m_data.h", "m_info.h", "m_ops.h"]),
    ],
    ids=["array", "c", "main", "incbin"],
)
def test_files(options: EmitOptions, expected: list[str]) -> None:
    files = emit_files([named("har_cnn", "m")], options=options)
    assert sorted(files, key=str.lower) == sorted(expected, key=str.lower)


def test_nothing_depends_on_time_place_or_run() -> None:
    options = EmitOptions(main=True)
    first = emit_files([named("har_cnn", path="/some/where.tflite")], options=options)
    assert first == emit_files([named("har_cnn", path="elsewhere")], options=options)
    assert not any(b"where" in text for text in first.values())


def test_several_models_share_a_resolver_and_the_largest_arena() -> None:
    pair = [named("har_cnn"), named("ds_cnn")]
    files = emit_files(pair, "both", EmitOptions(main=True))
    arenas = [memory_of(each.model, EmitOptions().device).arena.minimum_bytes for each in pair]
    assert f"#define BOTH_ARENA_BYTES {max(arenas)}u" in files["both_info.h"].decode()
    assert [name for name in files if name.endswith("_ops.h")] == ["both_ops.h"]
    for each in pair:
        (alone,) = (emit_files([each])[f"{each.name}_ops.h"].decode(),)
        calls = {line for line in alone.splitlines() if "resolver.Add" in line}
        assert calls <= set(files["both_ops.h"].decode().splitlines())
        assert f"Run({each.name}_data, resolver)" in files["main.cc"].decode()


def test_names_that_clash() -> None:
    with pytest.raises(UsageError, match=r"a\.tflite and A\.tflite would both be"):
        emit_files([named("har_cnn", "a", "a.tflite"), named("ds_cnn", "A", "A.tflite")])
    with pytest.raises(UsageError, match="is the name of one of the models"):
        emit_files([named("har_cnn"), named("ds_cnn")], "ds_cnn")
    with pytest.raises(UsageError, match="no model"):
        emit_files([])


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("kws.tflite", "kws"),
        ("kws-large.opt.tflite", "kws_large"),
        ("2nd.tflite", "model_2nd"),
        ("__x__.tflite", "x"),
        ("a__b.tflite", "a_b"),
        ("\u00e9.tflite", "model"),
        (".tflite", "model"),
        ("noend", "noend"),
    ],
)
def test_names_of_files(file: str, name: str) -> None:
    assert model_name(file) == name
    assert check_name(name) == name


@pytest.mark.parametrize("name", ["2x", "a-b", "", "a__b", "_x", "x\n"])
def test_names_that_are_none(name: str) -> None:
    with pytest.raises(UsageError, match="is not a C identifier"):
        check_name(name)
    assert identifier(name)


def test_files_are_written(tmp_path: Path) -> None:
    from tflopt.emit import write_files

    write_files({"a.h": b"1"}, tmp_path / "new" / "folder")
    assert (tmp_path / "new" / "folder" / "a.h").read_bytes() == b"1"
