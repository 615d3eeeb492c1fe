"""Stands in for QEMU and the FVP, and plays the firmware: ``fake_emulator.py qemu|fvp ARGUMENTS``.

It checks its command line. The "image" is JSON: ``mode`` says what goes wrong, ``outputs`` and
``tensors`` how many bytes to write. Outputs are the sample's first bytes plus ``step``, repeated.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import sys
import time
import zlib
from pathlib import Path
from typing import Any

QEMU = {
    "-machine": "mps3-an547",
    "-icount": "shift=0",
    "-display": "none",
    "-monitor": "none",
    "-serial": "none",
    "-nic": "none",
    "-semihosting-config": "enable=on,target=native",
}
FVP = {
    "cpu0.semihosting-enable": "1",
    "cpu0.semihosting-cwd": str(Path.cwd()),
    "mps3_board.visualisation.disable-visualisation": "1",
    "mps3_board.telnetterminal0.start_telnet": "0",
    "mps3_board.uart0.out_file": "-",
    "ethosu.num_macs": "32",
}


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def image_of(kind: str, arguments: list[str]) -> Path:
    """The image, after checking everything else; ends with 64 where something is not right."""
    pairs = list(itertools.pairwise(arguments))
    if kind == "qemu":
        wrong = [f"{key} {value}" for key, value in QEMU.items() if (key, value) not in pairs]
        flag = "-kernel"
    else:
        given = dict(value.split("=", 1) for key, value in pairs if key == "-C")
        wrong = [key for key, value in FVP.items() if given.get(key) != value]
        wrong += [] if ("--timelimit", "60") in pairs else ["--timelimit"]
        flag = "-a"
    if wrong:
        say("wrong command line: " + " ".join(wrong))
        sys.exit(64)
    return Path(next(value for key, value in pairs if key == flag))


def read_request() -> dict[str, str]:
    first, *lines = Path("request.txt").read_text().splitlines()
    if first != "tflopt_request=1":
        say("no request")
        sys.exit(64)
    return dict(line.split("=", 1) for line in lines)


def write_report(lines: list[str], mode: str) -> None:
    data = "".join(f"{line}\n" for line in ["tflopt_report=1", *lines]).encode()
    crc = zlib.crc32(data) ^ (mode == "wrong crc")
    data += f"crc32={crc:08x}\n".encode()
    if mode == "truncated":
        data = data[: len(data) // 2]
    if mode == "other version":
        data = data.replace(b"tflopt_report=1", b"tflopt_report=2")
    Path("report.txt").write_bytes(data)


def invoke(image: dict[str, Any], request: dict[str, str]) -> int:
    """Write the outputs and tensors of all samples; the CRC of the outputs."""
    samples = int(request["samples"])
    inputs = Path(request["inputs"]).read_bytes()
    size = len(inputs) // samples
    sizes = {int(key): value for key, value in image.get("tensors", {}).items()}
    wanted = [int(each) for each in request.get("tensors", "").split(",") if each]
    outputs, tensors = bytearray(), bytearray()
    for number in range(samples):
        sample = inputs[number * size : (number + 1) * size]
        count = image["outputs"]
        step = image.get("step", 0)
        outputs += bytes((each + step) % 256 for each in (sample * count)[:count])
        for index in wanted:
            tensors += (sample * sizes[index])[: sizes[index]]
    Path(request["outputs"]).write_bytes(outputs[: -1 if image["mode"] == "short" else None])
    if wanted:
        Path(request["tensors_out"]).write_bytes(tensors)
    return zlib.crc32(outputs) ^ int(image["mode"] == "wrong outputs")


def misbehave(mode: str) -> None:
    if mode == "hang":
        time.sleep(1000)
    if mode == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if mode == "giant output":
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # as in any program but Python
        with Path("outputs.bin").open("wb") as file:
            while True:
                file.write(bytes(1 << 20))
    if mode == "giant log":
        while True:
            say("x" * 1000)
    if mode == "no report":
        say("first line\nlast line")
        sys.exit(3)


def main() -> None:
    kind, *arguments = sys.argv[1:]
    path = image_of(kind, arguments)
    image = json.loads(path.read_bytes()[52:])  # behind the header of an ELF file
    path.with_suffix(".pid").write_text(f"{os.getpid()} {Path.cwd()}")
    mode = image["mode"]
    misbehave(mode)
    request = read_request()
    if mode.startswith("status "):
        status = mode.removeprefix("status ")
        lines = ["log=the runtime said", f"status={status}", *image.get("message", [])]
        write_report(lines, mode)
        sys.exit(14)
    crc = invoke(image, request)
    facts = [f"{key}={value}" for key, value in image.get("facts", [])]
    write_report(
        [
            *("board=mps3-an547", "core=cortex-m55", f"isa={image.get('isa', 'mve')}"),
            *("kernels=cmsis_nn", "compiler=12.2", "unit=instructions", *facts),
            *(f"outputs_crc32={crc:08x}", "status=ok"),
        ],
        mode,
    )
    sys.exit(5 if mode == "wrong exit" else 0)


if __name__ == "__main__":
    main()
