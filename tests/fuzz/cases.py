"""Failures of the past, shrunk: one model and one JSON file with the way it was optimized each."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from tests.fuzz.examine import Combo, Fault
from tflopt.config import Goal, Runtime, Strip
from tflopt.io import write_bytes
from tflopt.ir import Model

CASES = Path(__file__).with_name("saved")


def save_case(
    folder: Path, model: Model, seed: int, fault: Fault, guilty: Sequence[str] = ()
) -> Path:
    """Write a case; returns the model's path."""
    folder.mkdir(parents=True, exist_ok=True)
    codes = [op.opcode.label.lower() for op in model.ops()]
    rule = guilty[0] if guilty else "unknown"
    path = folder / f"{fault.kind.replace(' ', '-')}-{rule}-{'-'.join(codes[:3])}-{seed}.tflite"
    path.write_bytes(write_bytes(model))
    combo = fault.combo
    entry = {
        "fault": fault.kind,
        "detail": fault.detail,
        "rules": list(guilty),
        "seed": seed,
        "goal": combo.goal.value,
        "target": combo.target,
        "runtime": combo.loads.value,
        "strip": combo.strip.value,
        "overlap": combo.overlap,
        "cmsis_nn": combo.cmsis_nn,
    }
    path.with_suffix(".json").write_text(json.dumps(entry, indent=2) + "\n")
    return path


def read_combo(path: Path) -> Combo:
    """How a case was optimized."""
    entry = json.loads(path.with_suffix(".json").read_text())
    return Combo(
        Goal(entry["goal"]),
        entry["target"],
        Runtime(entry["runtime"]),
        Strip(entry["strip"]),
        entry["overlap"],
        cmsis_nn=entry["cmsis_nn"],
    )


def all_cases() -> list[Path]:
    """Every saved model."""
    return sorted(CASES.glob("*.tflite"))
