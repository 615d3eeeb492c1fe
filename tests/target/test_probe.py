"""What a library says of itself: on libraries that are built here, of few objects."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.micro_runner.libraries import library_of
from tests.support.cli import Cli
from tests.support.paths import TESTDATA
from tflopt.errors import UsageError
from tflopt.io.archive import read_archive
from tflopt.product.options import Options
from tflopt.target.device import Device
from tflopt.target.probe import (
    Certainty,
    Fact,
    Probe,
    probe_library,
    profile_text,
    profiled,
    read_profile,
    read_versions,
)

pytestmark = pytest.mark.unit
DENSE = """
extern "C" int arm_vector_sum_s8(int);
extern "C" [[noreturn]] void abort();
namespace tflite {
int %s(int x) { return arm_vector_sum_s8(x); }
const char* text = "%s";
%s
}
"""
CMSIS_NN = """
extern "C" int arm_convolve_wrapper_s8() { return 1; }
extern "C" int arm_convolve_s8_get_buffer_size_mve() { return 1; }
extern "C" int arm_vector_sum_s8(int x) { return x; }
"""


def build(folder: Path, sources: dict[str, str], cpu: str = "cortex-m55") -> Path:
    """A library as ``--tflm-lib`` names it."""
    compiler, archiver = (shutil.which(f"arm-none-eabi-{tool}") for tool in ("g++", "ar"))
    if compiler is None or archiver is None:
        pytest.skip("arm-none-eabi-g++ is missing")
    (folder / "lib").mkdir(parents=True)
    objects = []
    for name, source in sources.items():
        (folder / f"{name}.cc").write_text(source)
        options = [f"-mcpu={cpu}", "-mthumb", "-O1", "-ffunction-sections", "-fdata-sections", "-c"]
        if cpu == "cortex-m55":
            options.append("-mfloat-abi=hard")
        command = [compiler, *options, f"{name}.cc", "-o", f"{name}.cc.o"]
        subprocess.run(command, cwd=folder, check=True)
        objects.append(f"{name}.cc.o")
    command = [archiver, "crs", "lib/libtflm.a", *objects]
    subprocess.run(command, cwd=folder, check=True)
    return folder


def sources(
    function: str = "SvdfPrepare",
    text: str = "",
    more: str = "int Register_REDUCE_ALL() { return 1; }",
    kernels: str = CMSIS_NN,
) -> dict[str, str]:
    return {"kernels_cmsis_nn_svdf": DENSE % (function, text, more), "a": kernels}


def facts(probe: Probe) -> dict[str, Fact]:
    return {fact.name: fact for fact in probe.facts}


def test_a_library_of_today(tmp_path: Path) -> None:
    probe = probe_library(build(tmp_path / "l", sources()))
    assert probe.device == Device.of("cortex-m55", "4ab83cc")
    found = facts(probe)
    assert found["build"] == Fact(
        "build", "speed", Certainty.READ, "SVDF sums its weights up in Prepare"
    )
    assert (found["target"].certainty, found["TFLM"].certainty) == (
        Certainty.READ,
        Certainty.GUESSED,
    )
    assert (found["checks"].value, found["compiler"].value) == ("off", "gcc")


@pytest.mark.parametrize(
    ("options", "name", "value", "certainty"),
    [
        ({"function": "EvalSvdf"}, "build", "size", Certainty.READ),
        (
            {"text": "KERNELS_OPTIMIZED_FOR_SIZE or KERNELS_OPTIMIZED_FOR_SPEED must"},
            *("build", "neither", Certainty.WRONG),
        ),
        ({"function": "Other"}, "build", "speed", Certainty.GUESSED),
        ({"more": ""}, "TFLM", "3b20912", Certainty.GUESSED),
        ({"more": "void f() { abort(); }"}, "checks", "on", Certainty.READ),
        ({"more": "int DecompressionState() { return 1; }"}, "compression", "on", Certainty.WRONG),
        ({"kernels": "int x;"}, "CMSIS-NN", "none", Certainty.READ),
        ({"kernels": "int esp_nn_add() { return 1; }"}, "CMSIS-NN", "none", Certainty.WRONG),
        (
            {"kernels": 'extern "C" int arm_convolve_wrapper_s8() { return 1; }'},
            *("CMSIS-NN", "e096196", Certainty.GUESSED),
        ),
    ],
)
def test_what_a_library_shows(
    options: dict[str, str], name: str, value: str, certainty: Certainty, tmp_path: Path
) -> None:
    found = facts(probe_library(build(tmp_path / "l", sources(**options))))[name]
    assert (found.value, found.certainty) == (value, certainty)


def test_a_version_file_beside_it_decides(tmp_path: Path) -> None:
    folder = build(tmp_path / "l", sources(), "cortex-m4")
    (folder / "VERSION.txt").write_text("tflite_micro=3b20912aa\ncmsis_nn=99f736a0f\n")
    probe = probe_library(folder)
    assert probe.device == Device.of("cortex-m4", "99f736a", "3b20912")
    assert facts(probe)["TFLM"].why == "VERSION.txt"
    assert read_versions(folder / "lib") == {"tflite_micro": "3b20912aa", "cmsis_nn": "99f736a0f"}
    assert read_versions(tmp_path) == {}


def test_a_profile_is_the_device_of_later_runs(cli: Cli, tmp_path: Path) -> None:
    folder = build(tmp_path / "l", sources("EvalSvdf"), "cortex-m4")
    path = tmp_path / "board.json"
    done = cli("targets", "--probe", "--tflm-lib", folder, "--write-profile", path)
    assert (done.code, done.err) == (0, "")
    assert "-t cortex-m4 --tflm 90b983c --cmsis-nn 4ab83cc --build size" in done.out
    device = Device.of("cortex-m4", "4ab83cc", build="size")
    assert read_profile(path) == device
    assert Options(profile=path).settings(lambda name, _: name).device == device
    model = TESTDATA / "svdf.tflite"
    options = "-t cortex-m4 --cmsis-nn 4ab83cc --build size".split()
    for command in ("inspect", "bench"):
        by_profile = cli(command, model, "--profile", path, "--json")
        assert by_profile.code == 0, by_profile.err
        assert by_profile.out == cli(command, model, *options, "--json").out
    told = cli("inspect", model, "--profile", path, "-t", "cortex-m7").only_error
    assert told.endswith("leave out --target, --tflm, --cmsis-nn and --build")
    assert profiled(path, "cortex-m4", "", "90b983c", "speed") == device


def test_a_library_in_which_something_does_not_work_fails(cli: Cli, tmp_path: Path) -> None:
    text = "KERNELS_OPTIMIZED_FOR_SIZE or KERNELS_OPTIMIZED_FOR_SPEED"
    folder = build(tmp_path / "l", sources(text=text))
    done = cli("targets", "--probe", "--tflm-lib", folder, "--json")
    assert done.code == 1
    wrong = [each for each in json.loads(done.out)["facts"] if each["certainty"] == "wrong"]
    assert [each["name"] for each in wrong] == ["build"]


def test_what_is_no_library(cli: Cli, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has no lib"):
        probe_library(tmp_path)
    (tmp_path / "x.a").write_bytes(b"!<arch>\n")
    with pytest.raises(UsageError, match="has no object"):
        probe_library(tmp_path)
    (tmp_path / "x.a").write_bytes(b"nothing")
    with pytest.raises(UsageError, match="is no static library"):
        probe_library(tmp_path)
    (tmp_path / "y.a").write_bytes(b"")
    with pytest.raises(UsageError, match="has several libraries"):
        probe_library(tmp_path)
    assert "--probe goes with --tflm-lib" in cli("targets", "--probe").only_error
    assert "--probe goes with --tflm-lib" in cli("targets", "--tflm-lib", tmp_path).only_error


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"profile": 9}', '{"profile": 1, "target": 1}'])
def test_what_is_no_profile(text: str, tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    path.write_text(text)
    with pytest.raises(UsageError, match="profile"):
        read_profile(path)
    with pytest.raises(UsageError, match="no such file"):
        read_profile(tmp_path / "none")


def test_an_archive_that_is_cut(tmp_path: Path) -> None:
    data = (build(tmp_path / "l", sources()) / "lib" / "libtflm.a").read_bytes()
    names = [member.name for member in read_archive(data, "x")]
    assert names == ["kernels_cmsis_nn_svdf.cc.o", "a.cc.o"]
    with pytest.raises(UsageError, match="damaged"):
        list(read_archive(data[:-10], "x"))


@pytest.mark.device
@pytest.mark.parametrize("core", ["cortex-m4", "cortex-m55"])
def test_a_real_library(core: str) -> None:
    library = library_of(core)
    if library is None:
        pytest.skip(f"no TFLM library for {core}")
    probe = probe_library(library)
    assert str(probe.device.target) == core
    assert profile_text(probe)
    assert facts(probe)["checks"].value == "off"
