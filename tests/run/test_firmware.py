"""Building firmware images, with stand-ins for CMake and the compiler."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tflopt.errors import RunnerError, UsageError
from tflopt.run import firmware as firmware_module
from tflopt.run.choose import DeviceOptions, device_runner
from tflopt.run.emulators import machine_of
from tflopt.run.firmware import build_image, find_library, firmware_sources
from tflopt.target.cortex_m import Target

pytestmark = pytest.mark.unit
M55 = Target.parse("cortex-m55")
CMAKE = """
import pathlib, sys
arguments = sys.argv[1:]
folder = pathlib.Path(sys.argv[0]).parent
with (folder / "calls").open("a") as calls:
    calls.write(" ".join(arguments) + "\\n")
if arguments[0] == "--build":
    pathlib.Path(arguments[1], "micro_runner.elf").write_text("an image")
elif (folder / "broken").exists():
    sys.exit("CMake Error at library.cmake:33 (message):\\n  it was built for another core\\n")
"""


def tool(folder: Path, name: str, code: str) -> None:
    script = folder / f"{name}.py"
    script.write_text(code)
    path = folder / name
    path.write_text(f'#!/bin/sh\nexec {sys.executable} -I {script} "$@"\n')
    path.chmod(0o755)


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with CMake and the compiler, and nothing else on PATH."""
    folder = tmp_path / "tools"
    folder.mkdir()
    tool(folder, "cmake", CMAKE)
    tool(folder, "arm-none-eabi-g++", "print('g++ 12.2')")
    monkeypatch.setenv("PATH", str(folder))
    return folder


def make_library(folder: Path, name: str = "libtensorflow-microlite.a") -> Path:
    (folder / "lib").mkdir(parents=True)
    (folder / "lib" / name).write_bytes(b"!<arch>\n")
    (folder / "include" / "tensorflow").mkdir(parents=True)
    return folder


def calls(tools: Path) -> list[str]:
    path = tools / "calls"
    return path.read_text().splitlines() if path.exists() else []


def build(library: Path, cache: Path) -> Path:
    return build_image(find_library(library), machine_of(M55), M55, cache)


def test_an_image_is_built_once(tools: Path, tmp_path: Path) -> None:
    library = make_library(tmp_path / "lib55")
    image = build(library, tmp_path / "cache")
    assert image.read_text() == "an image"
    configured, built = calls(tools)
    assert f"-S {firmware_sources()}" in configured
    assert "-DTFLOPT_BOARD=mps3-an547" in configured
    assert f"-DTFLM_LIB={library}/lib/libtensorflow-microlite.a" in configured
    assert f"-DTFLM_INCLUDE={library}/include" in configured
    assert "-DCMAKE_TOOLCHAIN_FILE=" in configured
    assert built.startswith("--build ")
    assert build(library, tmp_path / "cache") == image
    assert len(calls(tools)) == 2
    assert [path for path in (tmp_path / "cache").iterdir() if path != image] == []


def test_another_library_compiler_or_board_is_another_image(tools: Path, tmp_path: Path) -> None:
    library, cache = make_library(tmp_path / "lib55"), tmp_path / "cache"
    images = {build(library, cache)}
    (library / "lib" / "libtensorflow-microlite.a").write_bytes(b"!<arch>\n other")
    images.add(build(library, cache))
    tool(tools, "arm-none-eabi-g++", "print('g++ 13.1')")
    images.add(build(library, cache))
    m4 = Target.parse("cortex-m4")
    images.add(build_image(find_library(library), machine_of(m4), m4, cache))
    assert len(images) == 4


def test_other_sources_are_another_image(
    tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library, cache = make_library(tmp_path / "lib55"), tmp_path / "cache"
    sources = tmp_path / "sources"
    (sources / "tests").mkdir(parents=True)
    (sources / "CMakeLists.txt").write_text("one")
    monkeypatch.setattr(firmware_module, "INSTALLED", sources)
    first = build(library, cache)
    (sources / "tests" / "x.cc").write_text("not part of it")
    assert build(library, cache) == first
    (sources / "CMakeLists.txt").write_text("two")
    assert build(library, cache) != first


def test_a_failed_build_says_why(tools: Path, tmp_path: Path) -> None:
    (tools / "broken").touch()
    with pytest.raises(RunnerError, match="it was built for another core") as caught:
        build(make_library(tmp_path / "lib55"), tmp_path / "cache")
    assert caught.value.exit_code == 4
    assert list((tmp_path / "cache").iterdir()) == []


@pytest.mark.parametrize("name", ["cmake", "arm-none-eabi-g++"])
def test_a_missing_tool_says_what_to_install(tools: Path, tmp_path: Path, name: str) -> None:
    (tools / name).unlink()
    library = make_library(tmp_path / "lib55")
    with pytest.raises(RunnerError, match=r"not on PATH; install") as caught:
        build(library, tmp_path / "cache")
    assert name in str(caught.value)


def test_libraries(tmp_path: Path) -> None:
    usual = make_library(tmp_path / "usual")
    assert find_library(usual).archive.name == "libtensorflow-microlite.a"
    assert find_library(usual / "lib" / "libtensorflow-microlite.a") == find_library(usual)
    odd = make_library(tmp_path / "odd", "libtflm.a")
    assert find_library(odd).archive.name == "libtflm.a"
    (odd / "lib" / "libcmsis.a").touch()
    with pytest.raises(UsageError, match=r"several libraries \(libcmsis.a, libtflm.a\)"):
        find_library(odd)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="no library"):
        find_library(tmp_path / "empty")
    with pytest.raises(UsageError, match="no such folder"):
        find_library(tmp_path / "none")
    bare = make_library(tmp_path / "bare")
    (bare / "include" / "tensorflow").rmdir()
    with pytest.raises(UsageError, match="no headers"):
        find_library(bare)


def test_the_firmware_is_part_of_the_project() -> None:
    assert (firmware_sources() / "cmake" / "arm-none-eabi.cmake").is_file()


@pytest.mark.parametrize(
    ("name", "options", "reason"),
    [
        ("qemu", DeviceOptions(M55), "needs a TFLM library or a firmware image"),
        ("qemu", DeviceOptions(Target.parse("cortex-m0")), "no emulated board has a cortex-m0"),
        ("fvp", DeviceOptions(Target.parse("cortex-m4")), "has a cortex-m55, no cortex-m4"),
        ("board", DeviceOptions(M55), "there is no device 'board'"),
    ],
)
def test_choices_that_make_no_sense(name: str, options: DeviceOptions, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        device_runner(name, options)
