"""Which machine runs a target, and the command lines; nothing is started."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from tests.run.conftest import install
from tflopt.errors import RunnerError, UsageError
from tflopt.run.emulators import (
    FVPS,
    find_fvp,
    find_qemu,
    fvp_command,
    machine_of,
    qemu_command,
    stand_in_note,
)
from tflopt.target.cortex_m import Cpu, Target, all_targets

pytestmark = pytest.mark.unit
BOARDS = {
    "cortex-m3": "mps2-an385",
    "cortex-m4": "mps2-an386",
    "cortex-m7": "mps2-an500",
    "cortex-m33": "mps2-an505",
    "cortex-m33+nodsp": "mps2-an505",
    "cortex-m35p": "mps2-an505",
    "cortex-m52": "mps3-an547",
    "cortex-m55": "mps3-an547",
    "cortex-m55+nomve": "mps3-an547",
    "cortex-m85": "mps3-an547",
}
STAND_INS = {Cpu.M35P, Cpu.M52, Cpu.M85}


@pytest.mark.parametrize(("target", "board"), BOARDS.items())
def test_boards(target: str, board: str) -> None:
    assert machine_of(Target.parse(target)).board == board


@pytest.mark.parametrize("target", all_targets(), ids=str)
def test_every_target_has_a_board_or_says_so(target: Target) -> None:
    if target.cpu in (Cpu.M0, Cpu.M0PLUS, Cpu.M23):
        with pytest.raises(UsageError, match=f"no emulated board has a {target.cpu}"):
            machine_of(target)
        return
    note = stand_in_note(target)
    assert bool(note) == (target.cpu in STAND_INS)
    assert not note or str(target.cpu) in note


def test_the_command_line_of_qemu() -> None:
    machine = machine_of(Target.parse("cortex-m4"))
    command = qemu_command(Path("/opt/qemu"), machine, Path("/x/image.elf"))
    pairs = list(pairwise(command))
    assert command[0] == "/opt/qemu"
    assert ("-machine", "mps2-an386") in pairs
    assert ("-icount", "shift=0") in pairs
    assert ("-semihosting-config", "enable=on,target=native") in pairs
    assert ("-kernel", "/x/image.elf") in pairs
    assert {"-display", "-monitor", "-serial"} <= set(command)


@pytest.mark.parametrize(
    ("name", "macs"),
    [
        ("FVP_Corstone_SSE-300_Ethos-U55", ["ethosu.num_macs=32"]),
        ("FVP_Corstone_SSE-300_Ethos-U65", ["ethosu.num_macs=256"]),
        ("FVP_Corstone_SSE-300", []),
    ],
)
def test_the_command_line_of_the_fvp(name: str, macs: list[str]) -> None:
    command = fvp_command(Path("/arm") / name, Path("/x/image.elf"), Path("/work"), 90.4)
    pairs = list(pairwise(command))
    settings = [value for flag, value in pairs if flag == "-C"]
    assert "cpu0.semihosting-enable=1" in settings
    assert "cpu0.semihosting-cwd=/work" in settings
    assert "mps3_board.visualisation.disable-visualisation=1" in settings
    assert [each for each in settings if each.startswith("ethosu")] == macs
    assert ("--timelimit", "90") in pairs
    assert ("-a", "/x/image.elf") in pairs


def test_a_missing_emulator_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RunnerError, match="install QEMU's Arm system emulator") as caught:
        find_qemu()
    assert caught.value.exit_code == 4
    with pytest.raises(RunnerError, match="install Arm's Corstone-300 FVP") as caught:
        find_fvp()
    assert all(name in str(caught.value) for name in FVPS)


def test_the_fvp_is_found_on_path_or_by_its_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    plain = install(tmp_path, "FVP_Corstone_SSE-300", "fvp")
    assert find_fvp() == plain
    sibling = install(tmp_path, "FVP_Corstone_SSE-300_Ethos-U65", "fvp")
    assert find_fvp() == sibling
    assert find_fvp(plain) == plain
    with pytest.raises(UsageError, match="no such executable"):
        find_fvp(tmp_path / "none")
