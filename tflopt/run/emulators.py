"""Which emulated machine runs a target's firmware, and the command lines of QEMU and Arm's FVP."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from tflopt.errors import RunnerError, UsageError
from tflopt.target.cortex_m import Cpu, Target

QEMU = "qemu-system-arm"
QEMU_HINT = "install QEMU's Arm system emulator (Debian, Ubuntu: qemu-system-arm; macOS: qemu)"
FVPS = (
    "FVP_Corstone_SSE-300_Ethos-U55",
    "FVP_Corstone_SSE-300_Ethos-U65",
    "FVP_Corstone_SSE-300",
    "VHT_Corstone_SSE-300_Ethos-U55",
    "VHT_Corstone_SSE-300_Ethos-U65",
)
FVP_HINT = "install Arm's Corstone-300 FVP and put its models folder on PATH, or name it: --fvp"


@dataclass(frozen=True)
class Machine:
    """An emulated board: the firmware's name of it, which is QEMU's too, and its core."""

    board: str
    cpu: Cpu


AN547 = Machine("mps3-an547", Cpu.M55)
AN385 = Machine("mps2-an385", Cpu.M3)
AN386 = Machine("mps2-an386", Cpu.M4)
AN500 = Machine("mps2-an500", Cpu.M7)
AN505 = Machine("mps2-an505", Cpu.M33)
MACHINES = {
    Cpu.M3: AN385,
    Cpu.M4: AN386,
    Cpu.M7: AN500,
    Cpu.M33: AN505,
    Cpu.M35P: AN505,
    Cpu.M52: AN547,
    Cpu.M55: AN547,
    Cpu.M85: AN547,
}
"""A core, or one of the same architecture where QEMU has none: M35P, M52 and M85. Of M0, M0+ and
M23 it has no board whose memory holds a model."""


def machine_of(target: Target) -> Machine:
    """The board that runs a target's firmware.

    Raises:
        UsageError: there is none.
    """
    if target.cpu not in MACHINES:
        known = ", ".join(str(cpu) for cpu in MACHINES)
        raise UsageError(f"no emulated board has a {target.cpu}; there are {known}")
    return MACHINES[target.cpu]


def stand_in_note(target: Target) -> str:
    """Says that another core runs a target's firmware, empty where its own does."""
    cpu = machine_of(target).cpu
    if cpu is target.cpu:
        return ""
    return f"there is no emulated {target.cpu}: its firmware ran on a {cpu}"


def find_qemu() -> Path:
    """QEMU's executable.

    Raises:
        RunnerError: it is not installed.
    """
    executable = shutil.which(QEMU)
    if executable is None:
        raise RunnerError("qemu", f"{QEMU} is not on PATH; {QEMU_HINT}")
    return Path(executable)


def find_fvp(path: Path | None = None) -> Path:
    """The FVP's executable: ``path``, or the first of its siblings on PATH.

    Raises:
        RunnerError: it is not installed.
        UsageError: there is no such file.
    """
    if path is not None:
        executable = shutil.which(path)
        if executable is None:
            raise UsageError(f"--fvp {path}: no such executable")
        return Path(executable).absolute()
    for name in FVPS:
        executable = shutil.which(name)
        if executable is not None:
            return Path(executable)
    raise RunnerError("fvp", f"none of {', '.join(FVPS)} is on PATH; {FVP_HINT}")


def qemu_command(executable: Path, machine: Machine, image: Path) -> list[str]:
    """One instruction takes one nanosecond of virtual time, so that counts are reproducible."""
    return [
        str(executable),
        *("-machine", machine.board),
        *("-display", "none", "-monitor", "none", "-serial", "none", "-nic", "none"),
        "-no-reboot",
        *("-icount", "shift=0"),
        *("-semihosting-config", "enable=on,target=native"),
        *("-kernel", str(image)),
    ]


def fvp_command(executable: Path, image: Path, folder: Path, time_limit_s: float) -> list[str]:
    """Semihosting in ``folder``, no window, no terminal, and a time limit of its own."""
    parameters = {
        "cpu0.semihosting-enable": "1",
        "cpu0.semihosting-cwd": str(folder),
        "mps3_board.visualisation.disable-visualisation": "1",
        "mps3_board.telnetterminal0.start_telnet": "0",
        "mps3_board.telnetterminal1.start_telnet": "0",
        "mps3_board.telnetterminal2.start_telnet": "0",
        "mps3_board.uart0.out_file": "-",
        "mps3_board.uart0.unbuffered_output": "1",
    }
    # The NPU is not used; its smallest configuration starts fastest.
    if "Ethos-U55" in executable.name:
        parameters["ethosu.num_macs"] = "32"
    elif "Ethos-U65" in executable.name:
        parameters["ethosu.num_macs"] = "256"
    settings = [part for key, value in parameters.items() for part in ("-C", f"{key}={value}")]
    return [
        str(executable),
        *settings,
        *("--timelimit", str(round(time_limit_s))),
        *("-a", str(image)),
    ]
