"""Arguments and files beside the model that no user means: one line, exit code 2 or 3, no wait.

Each was "internal ... please report it", exit code 4, exit code 0, or never ended.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.cli import Cli
from tests.support.paths import MODELS
from tflopt.io.writing import output

pytestmark = pytest.mark.unit
MODEL = MODELS[0]
DIGITS = "9" * 5000


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 100_000,
        f"jobs = {DIGITS}",
        f"align = {DIGITS}",
        f"align = 0x{DIGITS}",
        f"samples = 0x{DIGITS}",
        f"max-arena = 0x{DIGITS}",
        f"max-arena = '{DIGITS}'",
        "align = 2147483648",
        "align = 4611686018427387904",
        "samples = -1",
        "plan-time = " + "[" * 50 + "]" * 50,
        "plan-time = nan",
        "plan-time = inf",
        "plan-time = -1",
    ],
    ids=lambda text: text[:20],
)
def test_a_configuration_of_nonsense_is_usage(text: str, cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "tflopt.toml"
    path.write_text(f"{text}\n[[model]]\npath = '{MODEL}'\n")
    ran = cli("check", path)
    assert ran.code == 2
    assert "tflopt.toml" in ran.only_error
    assert "internal" not in ran.err
    assert len(ran.err) < 2500


@pytest.mark.parametrize("text", ['{"a":' + "[" * 100_000, f'{{"a": {DIGITS}}}', "{"])
def test_a_report_of_nonsense_is_invalid(text: str, cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    path.write_text(text)
    ran = cli("diff", path, path)
    assert ran.code == 3
    assert "r.json" in ran.only_error


@pytest.mark.parametrize("align", ["2147483648", "131072", "24", "8", "-16"])
def test_an_alignment_has_a_limit(align: str, cli: Cli, tmp_path: Path) -> None:
    ran = cli("optimize", MODEL, "-o", tmp_path / "out", "--no-verify", f"--align={align}")
    assert ran.code == 2
    assert "must be a power of two, 16 at least and 65536 at most" in ran.only_error


LONG = "x" * 5000


@pytest.mark.parametrize(
    "arguments",
    [
        ("inspect", LONG),
        ("optimize", LONG),
        ("optimize", MODEL, "-o", LONG),
        ("optimize", MODEL, "--no-verify", "--report", LONG),
        ("optimize", MODEL, MODELS[1], "--dir", LONG),
        ("check", LONG),
        ("diff", LONG, LONG),
        ("emit", MODEL, "--dir", LONG),
        ("optimize", MODEL, "--runner", "qemu", "--firmware", LONG),
        ("optimize", MODEL, "--runner", "qemu", "--tflm-lib", LONG),
    ],
    ids=lambda arguments: " ".join(str(each)[:12] for each in arguments[:5:2]),
)
def test_a_path_of_5000_characters_is_usage(
    arguments: tuple[object, ...], cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = cli(*arguments)
    assert ran.code == 2
    assert "File name too long" in ran.err
    assert len(ran.err) < 2500
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", ["inspect", "optimize", "report", "view", "fit"])
@pytest.mark.parametrize("path", ["", ".", "/", ".."])
def test_a_path_without_a_name_is_usage(command: str, path: str, cli: Cli) -> None:
    """``report ""`` was "internal", exit code 4."""
    ran = cli(command, path)
    assert ran.code == 2
    assert "folder" in ran.only_error or "not a regular file" in ran.only_error


def test_a_pipe_that_nobody_reads_is_an_error(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output, "PIPE_WAIT_S", 0.0)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    ran = cli("optimize", MODEL, "--no-verify", "-o", pipe)
    assert ran.code == 4
    assert f"{pipe}: can't be written: no process reads this pipe" in ran.only_error


@pytest.mark.parametrize("content", [b"root:x:0:0", b"", b"\x7fELF" + bytes(48), bytes(1000)])
def test_a_firmware_is_an_elf_file_for_arm(content: bytes, cli: Cli, tmp_path: Path) -> None:
    """``--firmware /etc/passwd`` was "not verified", exit code 0."""
    image, out = tmp_path / "passwd", tmp_path / "out.tflite"
    image.write_bytes(content)
    ran = cli("optimize", MODEL, "-o", out, "--runner", "qemu", "--firmware", image)
    assert ran.code in (2, 4)
    assert "no firmware image; an ELF file for Arm" in ran.err or "qemu" in ran.err
    assert not out.exists()
