"""``tflopt check --map``: arena and model of a firmware, in an ELF file and in maps of linkers."""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from tests.support.cli import Cli
from tests.support.paths import TESTDATA
from tflopt.errors import UsageError
from tflopt.gate.firmware import Firmware, Level, Place, judge
from tflopt.gate.firmware.judge import plain_name, usable_bytes
from tflopt.gate.firmware.maps import read_map
from tflopt.io.build_attributes import BuildAttributes, read_attributes
from tflopt.io.elf import read_elf

pytestmark = pytest.mark.unit
MODEL = TESTDATA / "ds_cnn.tflite"
NEED = 12_528
"""Of that model on a Cortex-M4."""
CODE = """
#include <stdint.h>
alignas(16) extern const unsigned char g_model[];
alignas(16) const unsigned char g_model[] = {%s};
namespace { alignas(16) uint8_t tensor_arena[%d]; }
int tensor_arena_size = sizeof(tensor_arena);
int sum;
extern "C" void _start() {
  for (int i = 0; i < tensor_arena_size; ++i) {
    tensor_arena[i] = g_model[i];
    sum += tensor_arena[i / 2];
  }
  for (;;) {}
}
"""
GNU = """
Discarded input sections

 .bss.tensor_arena
                0x00000000      0x400 unused.o

Linker script and memory map

 .rodata._ZL7g_model
                0x00008060     0x5808 m.o
 .bss.tensor_arena
                0x20000010     0x30f0 main.o
 .bss           0x20004000      0x220 lib.o
                0x20004000                first_arena
                0x20004200                last
 COMMON         0x20005000       0x10 main.o
"""
ARMLINK = """
Component: Arm Compiler 6.22 Tool: armlink [5f2e8c00]

Image Symbol Table

    Local Symbols

    Symbol Name                              Value     Ov Type        Size  Object(Section)

    tensor_arena                             0x20000010   Data       12528  main.o(.bss)
    main                                     0x08000101   Thumb Code    40  main.o(.text.main)

    Global Symbols

    g_model                                  0x08001000   Data       22536  m.o(.rodata.g_model)
"""
IAR = """
# IAR ELF Linker V9.50.1.380/W64 for ARM

*** ENTRY LIST
***

Entry                       Address      Size  Type      Object
-----                       -------      ----  ----      ------
main                     0x800'0101     0x28  Code  Gb  main.o [1]
tensor_arena            0x2000'0010   0x30f0  Data  Lc  main.o [1]
a_very_long_namespace_of_a_model_array
                        0x0800'1000   0x5808  Data  Gb  m.o [1]
"""


@pytest.mark.parametrize(
    ("text", "linker", "found"),
    [
        (GNU, "GNU ld", {"tensor_arena": 0x30F0, "first_arena": 0x200, "last": 0x20}),
        (ARMLINK, "armlink", {"tensor_arena": 12_528, "g_model": 22_536}),
        (IAR, "IAR", {"tensor_arena": 0x30F0, "a_very_long_namespace_of_a_model_array": 0x5808}),
        ("nothing", "", {}),
    ],
)
def test_a_map_names_its_data(text: str, linker: str, found: dict[str, int]) -> None:
    known, entries = read_map(text)
    sizes = {entry.name: entry.size_bytes for entry in entries}
    assert known == linker
    assert found.items() <= sizes.items()
    assert "main" not in sizes
    assert 0x400 not in sizes.values()


@pytest.mark.parametrize("text", [ARMLINK, IAR])
def test_a_map_is_held_against_the_model(text: str, cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "f.map"
    path.write_text(text)
    done = cli("check", MODEL, "--map", path, "-t", "cortex-m4")
    assert (done.code, done.err) == (0, "")
    assert "tensor_arena, 12,528 bytes: just what is needed" in done.out
    assert "the size agrees" in done.out
    assert cli("check", MODEL, "--map", path, "-t", "cortex-m55").code == 1


def test_a_profile_says_what_is_linked(cli: Cli, tmp_path: Path) -> None:
    path, profile = tmp_path / "f.map", tmp_path / "board.json"
    path.write_text(ARMLINK)
    table = {"profile": 1, "target": "cortex-m4", "cmsis_nn": "4ab83cc", "tflm": "90b983c"}
    profile.write_text(json.dumps({**table, "build": "speed"}))
    done = cli("check", MODEL, "--map", path, "--profile", profile)
    assert (done.code, done.err) == (0, "")
    assert "tensor_arena, 12,528 bytes: just what is needed" in done.out
    told = cli("check", MODEL, "--map", path, "--profile", profile, "-t", "cortex-m7").only_error
    assert "leave out --target" in told
    assert cli("check", "--profile", profile).only_error.startswith("--arena, --target")


def firmware(arena: Place, *same: Place) -> Firmware:
    return Firmware("ELF file", (arena,), same, (), sees_bytes=True)


@pytest.mark.parametrize(
    ("address", "size", "level", "told"),
    [
        (16, 1600, Level.GOOD, "just what is needed"),
        (16, 1599, Level.ERROR, "16 too small; 1,600 are needed"),
        (17, 1600, Level.ERROR, "lost to alignment: 16 too small"),
        (24, 1616, Level.GOOD, "16 lost to alignment: just what is needed"),
        (16, 2000, Level.NOTE, "400 more than the 1,600 needed"),
        (16, 1616, Level.NOTE, "16 more than the 1,600 needed"),
    ],
)
def test_an_arena_is_what_tflm_can_use_of_it(
    address: int, size: int, level: Level, told: str
) -> None:
    found, *_ = judge(firmware(Place("tensor_arena", address, size)), 10, 1600)
    assert (found.about, found.level) == ("arena", level)
    assert told in found.text


def test_alignment_takes_from_both_ends() -> None:
    assert [usable_bytes(Place("", at, 64)) for at in (0, 1, 15, 16)] == [64, 48, 48, 64]
    assert usable_bytes(Place("", 1, 8)) == 0


def test_what_is_told_of_the_model() -> None:
    arena = Place("a", 0, 1600)
    levels = {
        "the same": judge(firmware(arena, Place("m", 32, 10)), 10, 1600)[1],
        "multiple of 16": judge(firmware(arena, Place("m", 36, 10)), 10, 1600)[1],
        "should be": judge(firmware(arena, Place("m", 33, 10)), 10, 1600)[1],
        "isn't in there": judge(firmware(arena), 10, 1600)[1],
    }
    assert all(text in found.text for text, found in levels.items())
    assert [each.level for each in levels.values()] == [
        *(Level.GOOD, Level.NOTE, Level.ERROR, Level.ERROR)
    ]
    twice = judge(firmware(arena, Place("m", 32, 10), Place("n", 64, 10)), 10, 1600)
    assert twice[2].text == "it is in there 2 times"


def test_names_as_people_write_them() -> None:
    assert plain_name("_ZN12_GLOBAL__N_112tensor_arenaE") == "tensor_arena"
    assert plain_name("_ZL7g_model") == "g_model"
    assert plain_name("arena") == "arena"
    assert plain_name("_Z9999a") == "a"


@pytest.fixture(scope="module")
def elf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("arm-none-eabi-g++")
    if compiler is None:
        pytest.skip("arm-none-eabi-g++ is missing")
    folder = tmp_path_factory.mktemp("firmware")
    numbers = ",".join(map(str, MODEL.read_bytes()))
    (folder / "main.cc").write_text(CODE % (numbers, NEED))
    options = "-mcpu=cortex-m4 -O1 -fdata-sections -nostdlib -Wl,-e,_start -Wl,-Map=f.map".split()
    command = [compiler, *options, "main.cc", "-o", "f.elf"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return folder / "f.elf"


def test_an_elf_file_shows_that_the_model_is_the_same(cli: Cli, elf: Path) -> None:
    done = cli("check", MODEL, "--map", elf)
    assert (done.code, done.err) == (0, "")
    assert "on cortex-m4" in done.out  # as its attributes say
    assert "tensor_arena, 12,528 bytes: just what is needed" in done.out
    assert "the same 22,536 bytes" in done.out
    assert (
        "just what is needed"
        in cli("check", MODEL, "--map", elf.with_name("f.map"), "-t", "m4").out
    )


def test_another_model_is_told_by_its_bytes(cli: Cli, elf: Path, tmp_path: Path) -> None:
    data = bytearray(MODEL.read_bytes())
    data[-1] ^= 1
    other = tmp_path / "other.tflite"
    other.write_bytes(data)
    done = cli("check", other, "--map", elf)
    assert done.code == 1
    assert "another one: g_model, 22,536 bytes" in done.out


def test_the_target_must_be_what_the_firmware_was_built_for(cli: Cli, elf: Path) -> None:
    done = cli("check", MODEL, "--map", elf, "-t", "cortex-m55")
    assert done.code == 1
    assert "was built with dsp, cortex-m55 has mve" in done.out


def test_json_of_a_firmware(cli: Cli, elf: Path) -> None:
    found = json.loads(cli("check", MODEL, "--map", elf, "--json").out)
    assert found["schema_version"] == 1
    assert found["need_bytes"] == NEED
    assert [each["same"] for each in found["models"]] == [True]
    assert [each["level"] for each in found["findings"]] == ["good", "good"]


def test_symbols_that_are_not_there(cli: Cli, elf: Path, tmp_path: Path) -> None:
    told = cli("check", MODEL, "--map", elf, "--arena", "tensor_arna").only_error
    assert "has no 'tensor_arna'" in told
    assert cli("check", MODEL, "--map", elf, "--arena", "tensor_arena").code == 0
    path = tmp_path / "f.map"
    path.write_text(ARMLINK.replace("tensor_arena", "heap"))
    told = cli("check", MODEL, "--map", path).only_error
    assert "the largest: g_model (22,536), heap (12,528)" in told
    path.write_text(ARMLINK + "    b_arena  0x20000  Data  512  b.o(.bss)\n")
    done = cli("check", MODEL, "--map", path, "-t", "m4")
    assert done.code == 1
    assert "several may be it: tensor_arena, 12,528 bytes, b_arena, 512 bytes" in done.out


def test_options_that_exclude_each_other(cli: Cli, tmp_path: Path) -> None:
    assert cli("check", "--map", "x.elf").only_error.startswith("--map goes with MODEL.tflite")
    assert cli("check", "--arena", "x").only_error.startswith("--arena, --target and --profile go")
    assert cli("check", MODEL, "--map", tmp_path / "none").only_error.endswith("no such file")
    assert "is neither an ELF file nor a map" in cli("check", MODEL, "--map", MODEL).only_error


def test_a_damaged_elf_file_is_an_error(elf: Path) -> None:
    """Cut anywhere, or with any byte of its header changed, it is read or told of."""
    data = elf.read_bytes()
    read = 0
    cuts = [data[:size] for size in range(4, len(data), len(data) // 50)]
    for at in range(4, 52):
        cuts.append(data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :])
    for each in cuts:
        try:
            read_elf(each, "x")
            read += 1
        except UsageError as error:
            assert "damaged ELF file" in str(error)
    assert 0 < read < len(cuts)


def test_attributes_of_a_build() -> None:
    tags = bytes([5]) + b"cortex-m55\0" + bytes([6, 21, 30, 4, 46, 1, 48, 1, 32, 1]) + b"x\0"
    part = bytes([1]) + struct.pack("<I", 5 + len(tags)) + tags
    whole = struct.pack("<I", 10 + len(part)) + b"aeabi\0" + part
    assert read_attributes(b"A" + whole) == BuildAttributes("cortex-m55", True, True, 4)
    assert read_attributes(b"A") == BuildAttributes()
    for end in range(len(whole)):
        read_attributes(b"A" + whole[:end])
