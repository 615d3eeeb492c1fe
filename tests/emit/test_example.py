"""The example on an emulated core: with a TFLM library it links, boots and computes the same."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from tests.emit.project import TOOLCHAIN, Project, copy_of_example, model_option
from tests.micro_runner.firmware import need
from tests.micro_runner.libraries import library_of, variable_of
from tests.support.paths import SHARED, TESTDATA, needs_tflm
from tests.support.runtime import runtime
from tests.support.waiting import HANG_S

pytestmark = [pytest.mark.device, pytest.mark.runtime]
BOARDS = {"cortex-m55": "mps3-an547", "cortex-m4": "mps2-an386"}
MODELS = (TESTDATA / "ds_cnn.tflite", SHARED / "kws_ref_model.tflite")


@dataclass(frozen=True)
class Image:
    """A copy of the example, built for a core."""

    project: Project
    core: str

    @property
    def header(self) -> str:
        """What tflopt told the firmware."""
        return (self.project.build / "tflopt" / "kws" / "kws_info.h").read_text()

    @property
    def arena_bytes(self) -> int:
        """As the header has it."""
        found = re.search(r"#define KWS_ARENA_BYTES (\d+)u", self.header)
        assert found is not None
        return int(found[1])

    def boot(self) -> subprocess.CompletedProcess[str]:
        """Run on QEMU, which prints what the firmware says on stderr."""
        image = self.project.build / "firmware.elf"
        command = ["qemu-system-arm", "-M", BOARDS[self.core], "-nographic", "-monitor", "none"]
        command += ["-serial", "none", "-semihosting-config", "enable=on,target=native"]
        command += ["-kernel", str(image)]
        return subprocess.run(command, capture_output=True, text=True, timeout=HANG_S)


@pytest.fixture(params=BOARDS)
def core(request: pytest.FixtureRequest) -> str:
    need("cmake", "ninja", "arm-none-eabi-g++", "qemu-system-arm")
    name: str = request.param
    if library_of(name) is None:
        pytest.skip(f"no TFLM library for {name}: {variable_of(name)} isn't set")
    return name


def build(model: Path, core: str, folder: Path) -> Image:
    project = copy_of_example(folder, model)
    library = f"-DTFLM_DIR={library_of(core)}"
    toolchain = f"-DCMAKE_TOOLCHAIN_FILE={TOOLCHAIN}"
    project.configure("-GNinja", toolchain, f"-DCPU={core}", library, model_option(project))
    project.make()
    return Image(project, core)


def numbers(text: str) -> Mapping[str, list[int]]:
    found: dict[str, list[int]] = {}
    for line in text.splitlines():
        key, _, value = line.partition("=")
        found.setdefault(key, []).append(int(value))
    return found


@needs_tflm
@pytest.mark.parametrize("model", MODELS, ids=lambda path: path.stem)
def test_it_boots_and_scores_as_tflm_on_the_host(core: str, model: Path, tmp_path: Path) -> None:
    if not model.exists():
        pytest.skip("no ../shared/models")
    image = build(model, core, tmp_path)
    assert "no work to do" in image.project.make()
    done = image.boot()
    assert done.returncode == 0, done.stderr
    said = numbers(done.stderr)
    assert said["arena_bytes"] == [image.arena_bytes]

    shape = re.search(r"#define KWS_INPUT0_SHAPE \{(.*)\}", image.header)
    assert shape is not None
    sizes = [int(size) for size in shape[1].split(",")]
    steps = np.arange(np.prod(sizes)) * 37 + 11  # as main.cc has it
    sample: npt.NDArray[np.generic] = steps.astype(np.int8).reshape(sizes)
    ((expected,),) = runtime().run("tflm", model.read_bytes(), [[sample]])
    assert said["score"] == expected.ravel().tolist()
    assert len(set(said["score"])) > 1
    assert said["class"] == [int(np.argmax(expected))]

    # The header's arena is enough, and 16 bytes less are not.
    image.project.configure(f"-DARENA_BYTES={image.arena_bytes - 16}")
    image.project.make()
    done = image.boot()
    assert done.returncode != 0
    assert "the model can't be loaded" in done.stderr
    image.project.configure("-DARENA_BYTES=")
    image.project.make()
    assert numbers(image.boot().stderr) == said


@pytest.mark.skipif(shutil.which("cmake") is None, reason="cmake is not installed")
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["-DTFLM_DIR=nowhere"], "libtensorflow-microlite.a: -DTFLM_DIR=<folder"),
        (["-DMODEL=nowhere.tflite"], "name yours with -DMODEL=<file>"),
    ],
)
def test_mistakes(options: list[str], message: str, tmp_path: Path) -> None:
    project = copy_of_example(tmp_path)
    with pytest.raises(AssertionError) as caught:
        project.configure(model_option(project), *options)
    assert message in " ".join(str(caught.value).split())
