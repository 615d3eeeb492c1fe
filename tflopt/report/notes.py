"""What a user should know of a model beside its numbers."""

from __future__ import annotations

from contextlib import suppress

from tflopt.annotation.annotate import read_annotation
from tflopt.errors import ModelError, UsageError, printable
from tflopt.facts.open_shapes import open_inputs
from tflopt.facts.operators import RECURRENT, WEIGHTED
from tflopt.ir import DType, Model, Op, Use
from tflopt.rules.channels.fold_constant_values import constant_outputs
from tflopt.rules.flash.strip_unread_quantization import is_delegated_bias
from tflopt.target.cortex_m import Target
from tflopt.target.cost import caveats, predict_model
from tflopt.target.device import Device
from tflopt.target.runs import Kernels, find_refusals
from tflopt.target.vendor import Vendor, is_program_plan, places_are_fixed, vendor_of, vendor_ops
from tflopt.texts import counted

MOSTLY = 0.9
"""With less of a prediction on measured kernels, a note says so."""


def undelegated(model: Model) -> list[Op]:
    """int8 layers that LiteRT's default path runs itself, because the bias has no quantization."""
    ops = []
    for op in model.ops():
        biases = [
            value
            for index, value in enumerate(op.inputs)
            if value is not None and is_delegated_bias(Use(op, index))
        ]
        if any(bias.quant is None or not bias.quant.is_set for bias in biases):
            ops.append(op)
    return ops


def notes(model: Model, device: Device) -> list[str]:
    """Notes for people, one sentence or two each."""
    return [
        *runs_notes(model, device),
        *target_notes(model, device),
        *float_notes(model),
        *vendor_notes(model),
        *output_notes(model),
        *signature_notes(model),
        *archive_notes(model),
        *(f"{told}; convert with a fixed shape for another." for told in open_inputs(model)),
        *prediction_notes(model, device),
        *source_notes(device),
        *bias_notes(model),
    ]


def source_notes(device: Device) -> list[str]:
    """What the memory is known from, where no device confirmed it."""
    if device.is_confirmed:
        return []
    return [f"the arena on {device.target} is predicted from the sources: no device ran it."]


def runs_notes(model: Model, device: Device) -> list[str]:
    """One line where TFLM doesn't run the model, or only with its reference kernels."""
    refusals = find_refusals(model, device)
    if not refusals:
        return []
    severe = [refusal for refusal in refusals if refusal.kernels is Kernels.TFLM] or refusals
    lead = "doesn't run on TFLM"
    if severe[0].kernels is Kernels.CMSIS_NN:
        lead = "can't allocate with CMSIS-NN's kernels, runs on TFLM's reference kernels only"
    more = f" ({len(refusals) - 1} more: inspect --runs)" if len(refusals) > 1 else ""
    return [f"{lead}: {printable(str(severe[0]))}{more}."]


def target_notes(model: Model, device: Device) -> list[str]:
    """Where numbers are of another core than the model was optimized for."""
    with suppress(ModelError, UsageError):
        annotation = read_annotation(model)
        if annotation is None:
            return []
        meant = Target(Target.parse(annotation.target).cpu, annotation.isa)
        if meant != device.target:
            told = f"optimized for {meant}, but these numbers are of {device.target}"
            return [f"{told}: give --target {meant}."]
    return []


def float_notes(model: Model) -> list[str]:
    """The next step where layers weren't quantized: what they cost, tflopt can't change."""
    layers = [op.input(0) for op in model.ops() if op.code in WEIGHTED | RECURRENT]
    floats = [data for data in layers if data is not None and data.dtype is DType.FLOAT32]
    if not floats:
        return []
    return [
        f"{len(floats):,} of {counted(len(layers), 'layer')} with weights in float, which none of "
        "CMSIS-NN's kernels computes in TFLM: quantize to int8 on conversion (tflopt help "
        "tutorial-keras, or tutorial-pytorch)."
    ]


def output_notes(model: Model) -> list[str]:
    """Outputs that say nothing of the inputs."""
    outputs = list(model.main.outputs)
    numbers = [outputs.index(value) for value in constant_outputs(model.main)]
    names = [f"{n} ({printable(outputs[n].name or 'no name')})" for n in numbers]
    if not names:
        return []
    which = f"output {names[0]} is" if len(names) == 1 else f"outputs {', '.join(names)} are"
    return [f"{which} the same for every input."]


def signature_notes(model: Model) -> list[str]:
    """Which signatures TFLM doesn't run: it takes the first subgraph."""
    others = [entry for entry in model.signatures or () if entry.graph is not model.main]
    if not others:
        return []
    names = ", ".join(repr(printable(entry.key or "")) for entry in others)
    which, verb = ("signature", "is") if len(others) == 1 else ("signatures", "are")
    return [
        f"TFLM runs the first subgraph only: {which} {names} {verb} rewritten but not reached by "
        "it; split the model into a file for each."
    ]


def archive_notes(model: Model) -> list[str]:
    """An archive behind the FlatBuffer (labels and other files of TFLite metadata)."""
    if model.trailing is None:
        return []
    return [
        f"{len(model.trailing):,} bytes of an archive (metadata files) lie behind the model, which "
        "no kernel reads: --strip metadata-zip drops them."
    ]


def vendor_notes(model: Model) -> list[str]:
    """What operators of vendors' compilers are, and what tflopt does and doesn't for them."""
    vendors: dict[str, Vendor | None] = {}
    for op in vendor_ops(model):
        vendors.setdefault(op.opcode.label, vendor_of(op))
    if not vendors:
        return []
    listed = "; ".join(f"{name} is {vendor.says}" for name, vendor in vendors.items() if vendor)
    kept = "tensors and operators stay as they are"
    if is_program_plan(model):
        kept = "the memory plan is part of the program and is kept, offset by offset"
    elif not places_are_fixed(model):
        kept = "they are passed through as they are"
    return [f"{listed}: {kept}; what they need in scratch and time isn't known."]


def bias_notes(model: Model) -> list[str]:
    """What LiteRT does otherwise with a bias that has no quantization."""
    texts = []
    layers = len(undelegated(model))
    if layers:
        which = "1 layer has" if layers == 1 else f"{layers} layers have"
        texts.append(
            f"{which} a bias without quantization: LiteRT's default path (XNNPACK) rounds "
            "otherwise there than with it. TFLM and LiteRT's reference kernels don't."
        )
    return texts


def prediction_notes(model: Model, device: Device) -> list[str]:
    """How far the predicted instructions can be trusted, where that isn't far."""
    texts = []
    prediction = predict_model(model, device)
    share = prediction.measured_share
    if share < MOSTLY:
        texts.append(
            f"{100 * share:.0f} % of the predicted instructions rest on measured kernels, the "
            "rest is estimated from bytes and multiplications (inspect --kernels marks it with ~)."
        )
    return texts + caveats(prediction)
