"""``tflopt emit``."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.cli import Cli
from tests.support.paths import TESTDATA
from tflopt.io import write
from tflopt.ir import OpCode
from tflopt.ir.builder import Builder

pytestmark = pytest.mark.unit
HAR, DS = TESTDATA / "har_cnn.tflite", TESTDATA / "ds_cnn.tflite"


def test_files_are_listed_and_written(cli: Cli, tmp_path: Path) -> None:
    ran = cli("emit", HAR, "-d", "gen", "--main")
    assert (ran.code, ran.err) == (0, "")
    files = [tmp_path / line for line in ran.out.splitlines()]
    assert [file.name for file in files] == [
        "har_cnn_data.h",
        "har_cnn_data.cc",
        "har_cnn_info.h",
        "har_cnn_ops.h",
        "main.cc",
    ]
    assert sorted(files) == sorted((tmp_path / "gen").iterdir())


def test_options_reach_the_files(cli: Cli, tmp_path: Path) -> None:
    more = ["--name", "k", "--section", ".x", "--align", "64", "--language", "c", "--arena", "64K"]
    ran = cli("emit", HAR, "-d", "gen", "-q", "--target", "m4", *more)
    assert (ran.code, ran.out) == (0, "")
    source = (tmp_path / "gen" / "k_data.c").read_text()
    assert "_Alignas(64)" in source
    assert 'section(".x")' in source
    assert "K_ARENA_BYTES 65536u" in (tmp_path / "gen" / "k_info.h").read_text()


def macros(path: Path) -> dict[str, str]:
    lines = [line.split(maxsplit=2) for line in path.read_text().splitlines() if "_ARENA_" in line]
    return {words[1]: words[2] for words in lines if words[0] == "#define"}


def test_the_alignment_of_the_arena(cli: Cli, tmp_path: Path) -> None:
    cli("emit", HAR, "-d", "least", "-q")
    least = int(macros(tmp_path / "least" / "har_cnn_info.h")["HAR_CNN_ARENA_BYTES"][:-1])
    assert least % 16 == 0
    assert least % 128
    ran = cli("emit", HAR, DS, "-d", "gen", "-q", "--arena-alignment", 128, "--name", "both")
    assert ran.code == 0
    found = macros(tmp_path / "gen" / "har_cnn_info.h")
    rounded = -(-least // 128) * 128
    assert found["HAR_CNN_ARENA_BYTES"] == f"{rounded}u"
    assert found["HAR_CNN_ARENA_ALIGNMENT"] == "128"
    assert macros(tmp_path / "gen" / "both_info.h")["BOTH_ARENA_ALIGNMENT"] == "128"
    cli("emit", HAR, "-d", "own", "-q", "--arena-alignment", 128, "--arena", 1000)
    assert macros(tmp_path / "own" / "har_cnn_info.h")["HAR_CNN_ARENA_BYTES"] == "1000u"


def test_several_models(cli: Cli, tmp_path: Path) -> None:
    ran = cli("emit", HAR, DS, "-d", "gen", "--name", "both")
    assert ran.code == 0
    names = sorted(file.name for file in (tmp_path / "gen").iterdir())
    assert [name for name in names if name.startswith("both")] == ["both_info.h", "both_ops.h"]


def test_the_input_is_never_overwritten(cli: Cli, tmp_path: Path) -> None:
    model = tmp_path / "m.tflite"
    model.write_bytes(HAR.read_bytes())
    ran = cli("emit", model, "-d", ".", "--incbin")
    assert ran.code == 2
    assert "would be overwritten" in ran.only_error
    assert list(tmp_path.iterdir()) == [model]


def test_what_tflm_lacks_is_exit_code_3(cli: Cli, tmp_path: Path) -> None:
    b = Builder()
    b.output(b.op(OpCode.SKIP_GRAM, [b.input((1, 4))], (1, 4)))
    write(b.model, tmp_path / "m.tflite")
    ran = cli("emit", "m.tflite", "-d", "gen")
    assert ran.code == 3
    place = "m.tflite: subgraph 0 operator 0 (SKIP_GRAM): it "
    assert (
        f"{place}is an operator that TFLM doesn't have, so TFLM can't allocate the model"
        in ran.only_error
    )
    assert not (tmp_path / "gen").exists()


@pytest.mark.parametrize(
    "arguments",
    [["--name", "1x"], ["--align", "8"], ["--section", "a b"], ["--arena", "x"], ["-d", "file"]]
    + [["--arena-alignment", n] for n in ("8", "24", "-16", "536870912")],
    ids=" ".join,
)
def test_usage_errors(arguments: list[str], cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    ran = cli("emit", HAR, "-d", "gen", *arguments)
    assert ran.code == 2
    assert ran.only_error
    assert not (tmp_path / "gen").exists()
