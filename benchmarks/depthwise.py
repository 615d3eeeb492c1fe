"""Every depthwise layer of some models: its kernel, its predicted cost, and what keeps it slow.

    python benchmarks/depthwise.py [--goal speed] [MODEL.tflite ...]

Depthwise layers are DEPTHWISE_CONV_2D and CONV_2D with as many groups as channels, before and
after ``optimize``, on Cortex-M4 and Cortex-M55. Prints markdown tables; exits with 4 where none of
the models is here.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from tflopt.config import Config, Goal
from tflopt.facts.convolution import convolution
from tflopt.io import read
from tflopt.ir import Model, Op, OpCode
from tflopt.ir.clone import clone
from tflopt.report.kernels import KernelCost, kernel_costs
from tflopt.rules.pipeline import run_pipeline
from tflopt.target import Target
from tflopt.target.device import Device

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared" / "models"
MODELS = ("kws_ref_model", "vww_96_int8", "mobilenet_v2_pytorch")
GENERATED = ("grouped_depthwise", "grouped_conv", "dilated_conv2d")
TARGETS = ("cortex-m4", "cortex-m55")
CANNOT_RUN = 4


def main(
    models: Annotated[list[Path] | None, typer.Argument()] = None,
    goal: Annotated[Goal, typer.Option()] = Goal.BALANCED,
) -> None:
    """Print a table for each model."""
    paths = models or [SHARED / f"{name}.tflite" for name in MODELS]
    paths += [] if models else [ROOT / "testdata" / "models" / f"{n}.tflite" for n in GENERATED]
    here = [path for path in paths if path.exists()]
    if not here:
        raise typer.Exit(CANNOT_RUN)
    print("Predicted instructions. Where the last column is empty, the layer runs in the fastest")
    print("function that CMSIS-NN has for its kind.\n")
    for path in here:
        print(f"### {path.stem}\n")
        for line in table(read(path), goal):
            print(line)
        print()


def table(model: Model, goal: Goal) -> Iterator[str]:
    """One row for each depthwise layer and target, and one for the whole model."""
    yield "| target | layer | kernel | instructions | after | ratio | then | what keeps it slow |"
    yield "|---|---|---|---|---|---|---|---|"
    for name in TARGETS:
        device = Device(Target.parse(name))
        copy = clone(model)
        run_pipeline(copy, None, Config(device=device, goal=goal))
        old, new = kernel_costs(model, device), kernel_costs(copy, device)
        followers = _followers(copy, new)
        for op, row in zip(model.ops(), old, strict=True):
            if is_depthwise(op):
                yield _row(name, op, row, followers.get(_key(model, op)))
        before, after = (sum(row.instructions for row in rows) for rows in (old, new))
        yield f"| {name} | **all** | | {before:,} | {after:,} | {after / before:.3f} | | |"


def is_depthwise(op: Op) -> bool:
    """A DEPTHWISE_CONV_2D, or a CONV_2D that is one."""
    found = convolution(op)
    if found is None:
        return False
    return op.code is OpCode.DEPTHWISE_CONV_2D or found.groups == found.input_c > 1


def _key(model: Model, op: Op) -> tuple[int, int]:
    graph = op.graph
    return model.graphs.index(graph), list(graph.values).index(op.output)


def _followers(model: Model, rows: list[KernelCost]) -> dict[tuple[int, int], KernelCost]:
    """The operator of the optimized model that makes what a tensor of the original held."""
    found = {}
    for op, row in zip(model.ops(), rows, strict=True):
        origin = op.output.origin if op.outputs else None
        if origin is not None:
            found[origin.subgraph, origin.tensor] = row
    return found


def _row(target: str, op: Op, row: KernelCost, after: KernelCost | None) -> str:
    found = convolution(op)
    assert found is not None
    _, high, wide, _ = found.weights.shape
    options = found.options
    layer = f"{row.index}: {high}x{wide}"
    layer += f"/{options.stride_h}" if options.stride_h > 1 else ""
    layer += f", {found.input_c}" + (f"x{found.multiplier}" if found.multiplier > 1 else "")
    layer += f" on {found.data.shape[1]}x{found.data.shape[2]}"
    last = after or row
    work = "" if after is None else f"{after.instructions:,}"
    ratio = "" if after is None else f"{after.instructions / row.instructions:.3f}"
    kernel = "part of another layer" if after is None else after.kernel
    kernel = "the same" if kernel == row.kernel else kernel
    why = f"{last.faster}: {last.why}" if last.faster else last.why or ""
    return (
        f"| {target} | {layer} | {row.kernel} | {row.instructions:,} | {work} | {ratio} "
        f"| {kernel} | {why} |"
    )


if __name__ == "__main__":
    typer.run(main)
