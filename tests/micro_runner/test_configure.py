"""What the build says about libraries that it can't use; they are made here, of a few lines."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.micro_runner.firmware import BOARDS, build_firmware, configure, need

pytestmark = pytest.mark.unit
M4 = ("-mcpu=cortex-m4", "-mfloat-abi=hard")
TFLM = "namespace tflite { int Register_CONV_2D() { return 0; } }\n"
CMSIS_NN = 'extern "C" { int arm_convolve_wrapper_s8() { return 0; } }\n'
DYNAMIC = 'extern "C" { int TfLiteIntArrayCreate() { return 0; } }\n'


@dataclass(frozen=True)
class Refused:
    """A library, the board it is for, and the words that must be in the reason."""

    source: str
    reason: tuple[str, ...]
    machine: tuple[str, ...] = M4
    board: str = "mps2-an386"
    options: tuple[str, ...] = ()


REFUSED = {
    "other core": Refused(TFLM, ("another core", "v7E-M", "cortex-m55"), board="mps3-an547"),
    "two cores": Refused(TFLM, ("another core", "v8-M.mainline"), machine=("-mcpu=cortex-m33",)),
    "not TFLM": Refused(CMSIS_NN, ("is not TensorFlow Lite Micro",)),
    "no CMSIS-NN": Refused(TFLM, ("lacks the CMSIS-NN kernels", "TFLOPT_ALLOW_REFERENCE_KERNELS")),
    "dynamic memory": Refused(TFLM + CMSIS_NN + DYNAMIC, ("without TF_LITE_STATIC_MEMORY",)),
    "no headers": Refused(TFLM + CMSIS_NN, ("TFLM_INCLUDE lacks tensorflow/lite/micro",)),
    "no headers, reference": Refused(
        TFLM, ("TFLM_INCLUDE lacks",), options=("-DTFLOPT_ALLOW_REFERENCE_KERNELS=ON",)
    ),
}


def library(folder: Path, source: str, machine: tuple[str, ...]) -> Path:
    """A static library of one source file."""
    need("arm-none-eabi-g++")
    (folder / "library.cc").write_text(source)
    compiled = folder / "library.o"
    compile_ = ["arm-none-eabi-g++", *machine, "-mthumb", "-c", str(folder / "library.cc")]
    subprocess.run([*compile_, "-o", str(compiled)], check=True)
    archive = folder / "libtensorflow-microlite.a"
    subprocess.run(["arm-none-eabi-ar", "rcs", str(archive), str(compiled)], check=True)
    return archive


def said(stderr: str) -> str:
    """CMake's words without its line breaks."""
    return " ".join(stderr.split())


@pytest.mark.parametrize("refused", REFUSED.values(), ids=REFUSED.keys())
def test_refuses(refused: Refused, tmp_path: Path) -> None:
    archive = library(tmp_path, refused.source, refused.machine)
    paths = (f"-DTFLM_LIB={archive}", f"-DTFLM_INCLUDE={tmp_path}")
    done = configure(tmp_path / "build", *paths, *refused.options, board=refused.board)
    assert done.returncode != 0
    for words in refused.reason:
        assert words in said(done.stderr)


def test_refuses_what_is_no_library(tmp_path: Path) -> None:
    (tmp_path / "lib.a").write_text("text")
    paths = (f"-DTFLM_LIB={tmp_path / 'lib.a'}", f"-DTFLM_INCLUDE={tmp_path}")
    done = configure(tmp_path / "build", *paths, board="mps2-an386")
    assert "is not a static library" in said(done.stderr)
    done = configure(tmp_path / "other", "-DTFLM_DIR=/none", board="mps2-an386")
    assert "doesn't exist" in said(done.stderr)


def test_asks_for_a_library(tmp_path: Path) -> None:
    done = configure(tmp_path / "build", board="mps2-an386")
    assert "links a TFLM library that you built" in said(done.stderr)


def test_names_the_boards(tmp_path: Path) -> None:
    done = configure(tmp_path / "build", board="mps2-an999")
    for board in BOARDS:
        assert board.name in done.stderr


def test_builds_without_a_warning_at_every_level(tmp_path: Path) -> None:
    """-Werror is on; the debug and the smallest build see other warnings."""
    for kind in ("Debug", "MinSizeRel"):
        options = ("-DTFLOPT_ENGINE=small", f"-DCMAKE_BUILD_TYPE={kind}")
        build_firmware(tmp_path / kind, *options, board="mps3-an547")
