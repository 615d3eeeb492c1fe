"""Channels that carry nothing: planted in random networks, and in models that people use.

    python benchmarks/channels.py --planted 5000 [MODEL.tflite...]

Seeded networks with dead, saturated, unread, twin and almost constant channels run on TFLM before
and after ``merge-twin-channels`` and ``remove-channels``; exits with 1 where a planted channel is
left that can go, one is gone that must stay, or an output differs. Then what the rules of
``tflopt/rules/channels`` take on some models, as a multiple of ``import numpy``, and a row of
markdown for each model of ``../shared``: channels, how many are constant, unread and go, and the
file, the arena and the predicted instructions for a Cortex-M55 without and with these rules.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.rules.test_remove_channels_planted import removed
from tests.support.check_rule import check_same_outputs
from tests.support.kit import Kit
from tests.support.planted import saturate
from tests.support.planted_nets import plant
from tflopt.config import Config
from tflopt.errors import TfloptError
from tflopt.io.files import load
from tflopt.ir import Activation, Model
from tflopt.ir.clone import clone
from tflopt.product.optimize import Result, Settings, optimize_file_bytes
from tflopt.report.channels import layer_channels
from tflopt.rewrite import Trace, run_model_rule
from tflopt.rules.channels.fold_constant_values import FoldConstantValues
from tflopt.rules.channels.merge_twin_channels import MergeTwinChannels
from tflopt.rules.channels.remove_channels import RemoveChannels
from tflopt.rules.pipeline import RULES, Selection
from tflopt.target.cost import predict_model

SHARED = Path(__file__).resolve().parents[2] / "shared"
FOLDERS = (SHARED / "models", SHARED / "field" / "models")
TIMED = ("hello_world_int8", "ad01_int8", "vww_96_int8", "mobilenet_v2_pytorch")
ROOM = [r.name for r in RULES if type(r).__module__.startswith("tflopt.rules.channels.")]


def main(
    models: Annotated[list[Path] | None, typer.Argument()] = None,
    planted: Annotated[int, typer.Option(min=0)] = 0,
    first: Annotated[int, typer.Option(min=0)] = 0,
) -> None:
    """Both."""
    bad = run_planted(range(first, first + planted)) if planted else 0
    run_times()
    run_models(models or [path for each in FOLDERS for path in sorted(each.glob("*.tflite"))])
    raise typer.Exit(int(bad > 0))


def run_planted(seeds: Sequence[int]) -> int:
    """How many networks failed."""
    bad, before, after = 0, 0, 0
    for seed in seeds:
        net = plant(seed)
        copy = removed(net)
        lines = net.failures(copy)
        check_same_outputs(net.model, copy, ("tflm",))
        before += sum(op.output.shape[-1] for op in net.model.main.ops)
        after += sum(op.output.shape[-1] for op in copy.main.ops)
        bad += bool(lines)
        for line in lines:
            print(f"seed {seed}: {line}")
    print(f"{len(seeds):,} networks, {before:,} channels, {before - after:,} removed: {bad} failed")
    return bad


def run_times() -> None:
    """What the rules take, by the processor's clock, in multiples of ``import numpy``."""
    unit = min(_cpu_of_numpy() for _ in range(3))
    print("\n| model | operators | multiples of `import numpy` | thousandths per operator |")
    print("|---|--:|--:|--:|")
    chains = [(f"chain of {count}", chain(count)) for count in (50, 100, 200, 400)]
    named = [SHARED / "models" / f"{name}.tflite" for name in TIMED]
    for name, model in [*((path.stem, load(path)[0]) for path in named if path.exists()), *chains]:
        multiple = min(_cpu_of_rules(model) for _ in range(3)) / unit
        operators = len(model.main.ops)
        print(f"| {name} | {operators} | {multiple:.2f} | {1000 * multiple / operators:.1f} |")
    print()


def chain(layers: int) -> Model:
    """Layers of 16 channels, of which each has a dead one."""
    n = Kit()
    x = n.feed(1, 8, 8, 16)
    for number in range(layers):
        x = n.conv2d(x, 16, (1, 1), activation=Activation.RELU)
        saturate(x, [number % 16])
    n.output(x)
    return n.model


def _cpu_of_rules(model: Model) -> float:
    copy = clone(model)
    rules = MergeTwinChannels(), FoldConstantValues(), RemoveChannels.from_config(Config())
    before = time.process_time()
    for rule in rules:
        run_model_rule(copy, rule, Trace())
    return time.process_time() - before


def _cpu_of_numpy() -> float:
    before = os.times()
    subprocess.run([sys.executable, "-c", "import numpy"], check=True)
    after = os.times()
    own = after.children_user + after.children_system
    return own - before.children_user - before.children_system


def run_models(models: Sequence[Path]) -> None:
    """A table."""
    print("| model | channels | constant | unread | go | file | arena | instructions |")
    print("|---|---|---|---|---|---|---|---|")
    for path in models:
        try:
            print(_row(path), flush=True)
        except TfloptError as error:
            print(f"| {path.stem} | {error} |")


def _row(path: Path) -> str:
    model, data = load(path)
    rows = layer_channels(model, Settings().device)
    with_all, without = (
        optimize_file_bytes(model, data, Settings(selection=Selection(None, left), samples=None))
        for left in ((), ROOM)
    )
    counts = [sum(getattr(row, key) for row in rows) for key in ("channels", "constant", "unread")]
    counts.append(_channels(without) - _channels(with_all))
    pairs = zip(_numbers(without), _numbers(with_all), strict=True)
    cells = [f"{n:,}" for n in counts] + [_pair(*pair) for pair in pairs]
    return f"| {path.stem} | {' | '.join(cells)} |"


def _pair(before: int, after: int) -> str:
    """Both numbers, and their ratio where they differ."""
    ratio = f" ({after / before:.3f})" if before != after else ""
    return f"{before:,} -> {after:,}{ratio}"


def _channels(result: Result) -> int:
    return sum(row.channels for row in layer_channels(result.model, Settings().device))


def _numbers(result: Result) -> tuple[int, int, int]:
    arena = 0 if result.memory_after is None else result.memory_after.arena.used_bytes
    rows = predict_model(result.model, Settings().device).rows
    return len(result.data), arena, sum(row.prediction.instructions for row in rows)


if __name__ == "__main__":
    typer.run(main)
