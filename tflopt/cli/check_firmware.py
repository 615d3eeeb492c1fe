"""``tflopt check --map``: a linked firmware against the prediction."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import typer

from tflopt.cli.common import load, make_device
from tflopt.errors import EXIT_CHECK_FAILED, EXIT_OK, UsageError, printable
from tflopt.gate.firmware import Firmware, Judgement, Level, judge, read_firmware
from tflopt.io.build_attributes import BuildAttributes
from tflopt.product.settings import DEFAULT_TARGET
from tflopt.report.json_report import dumps, heading
from tflopt.target import Target
from tflopt.target.built import isa_of, target_built_for
from tflopt.target.device import Device
from tflopt.target.memory import memory_of


def check_firmware(
    model: Path,
    path: Path,
    arena: str,
    device_options: tuple[str | None, str, str, str, Path | None],
    as_json: bool,
    quiet: bool,
) -> int:
    """Print what was found; the exit code."""
    loaded, data = load(model)
    firmware = read_firmware(path, data, arena)
    named, cmsis_nn, tflm, build, profile = device_options
    built = None if profile is not None else built_for(firmware.attributes)
    device = make_device(named or built or DEFAULT_TARGET, cmsis_nn, tflm, build, profile)
    memory = memory_of(loaded, device)
    judgements = judge(firmware, len(data), memory.arena.minimum_bytes)
    if memory.unknown:
        who = ", ".join(map(printable, memory.unknown))
        judgements.append(Judgement("arena", Level.NOTE, f"needs more: nothing is known of {who}"))
    judgements += _conflict(firmware.attributes, device.target)
    if as_json:
        need = memory.arena.minimum_bytes
        digest = sha256(data).hexdigest()
        typer.echo(dumps(_json(model, digest, path, firmware, device, need, judgements)), nl=False)
    elif not quiet:
        _print(model, path, firmware, device, judgements)
    return (
        EXIT_CHECK_FAILED
        if any(judgement.level is Level.ERROR for judgement in judgements)
        else EXIT_OK
    )


def built_for(attributes: BuildAttributes | None) -> str:
    """The target that an ELF file's attributes name, empty where they don't."""
    if attributes is None:
        return ""
    try:
        return str(target_built_for(attributes.cpu, [attributes]))
    except UsageError:
        return ""


def _conflict(attributes: BuildAttributes | None, target: Target) -> list[Judgement]:
    """Code for other instructions than the target's is another prediction."""
    if attributes is None:
        return []
    isa = isa_of([attributes])
    if isa is target.isa:
        return []
    text = f"was built with {isa}, {target} has {target.isa}: name the right --target"
    return [Judgement("target", Level.ERROR, text)]


def _json(
    model: Path,
    digest: str,
    path: Path,
    firmware: Firmware,
    device: Device,
    need_bytes: int,
    judgements: Sequence[Judgement],
) -> dict[str, object]:
    return {
        **heading(device),
        "path": str(model),
        "sha256": digest,
        "firmware": str(path),
        "kind": firmware.kind,
        "need_bytes": need_bytes,
        "arenas": [
            {"symbol": arena.name, "address": arena.address, "bytes": arena.size_bytes}
            for arena in firmware.arenas
        ],
        "models": [
            {"symbol": copy.name, "address": copy.address, "same": copy in firmware.same}
            for copy in (*firmware.same, *firmware.others)
        ],
        "findings": [
            {"about": judgement.about, "level": judgement.level.value, "text": judgement.text}
            for judgement in judgements
        ],
    }


def _print(
    model: Path,
    path: Path,
    firmware: Firmware,
    device: Device,
    judgements: Sequence[Judgement],
) -> None:
    from rich.text import Text

    from tflopt.report.style import make_console, paragraph

    styles = {Level.GOOD: "green", Level.NOTE: "", Level.ERROR: "bold red"}
    console = make_console()
    names = f"{printable(path.name)}, {firmware.kind}, with {printable(model.name)}"
    console.print(Text(f"{names} on {device.target}, {device.kernels}", style="bold"))
    for judgement in judgements:
        paragraph(
            console,
            Text(judgement.text, style=styles[judgement.level]),
            lead=f"{judgement.about}: ",
        )
