"""Whether TFLM runs a model, on a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from tflopt.errors import printable
from tflopt.ir import Model
from tflopt.report.runs import verdict_of
from tflopt.report.style import paragraph
from tflopt.target.device import Device
from tflopt.target.esp_nn.library import EspNn
from tflopt.target.runs import find_refusals
from tflopt.target.vendor import vendor_ops

SAYS = {
    "yes": (
        "runs",
        "bold green",
        " on {}, with {}",
    ),
    "no": ("doesn't run", "bold red", " on {}"),
    "reference kernels only": (
        "runs on reference kernels only",
        "bold yellow",
        " of {}: AllocateTensors fails with CMSIS-NN's",
    ),
}


def print_runs(console: Console, model: Model, device: Device) -> None:
    """The verdict, by types and ranks, and a line for each operator that is refused."""
    verdict, style, where = SAYS[verdict_of(model, device)]
    linked = "reference kernels and CMSIS-NN's" if device.cmsis_nn else "its own kernels"
    if isinstance(device.kernels, EspNn):
        linked = "its own kernels and ESP-NN's"
    console.print(Text.assemble((verdict, style), where.format(device.runtime, linked)))
    for refusal in find_refusals(model, device):
        paragraph(console, Text(printable(str(refusal))), lead="  ")
    known = set(vendor_ops(model))
    customs = {op.opcode.label for op in model.ops() if op.opcode.custom_code and op not in known}
    if customs:
        names = ", ".join(sorted(printable(name) for name in customs))
        console.print(f"  custom operators aren't judged: {names}")
