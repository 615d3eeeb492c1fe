"""Whether a model runs on TFLM, by the types and ranks that its version's kernels take."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from math import prod

from tflopt.facts.accepted_before import Lacks
from tflopt.facts.accepted_options import option_refusal
from tflopt.facts.accepted_types import MOST_CONCATENATED, OUTPUT, PORTS, RANKS, TYPES
from tflopt.facts.operators import WEIGHTED, Kind, of_kind
from tflopt.facts.tflm import KERNELS
from tflopt.ir import DType, Model, Op, OpCode, Value
from tflopt.target.device import Device
from tflopt.target.setup import NEWEST_RUNTIME, Runtime
from tflopt.target.vendor import vendor_of
from tflopt.texts import counted

REDUCED = frozenset({OpCode.MEAN, OpCode.SUM})
CALIBRATE = "convert with a representative dataset and inference in integers"
DENSE_PER_TENSOR = "_experimental_disable_per_channel_quantization_for_dense_layers = True"


class Kernels(Enum):
    """Whose kernels refuse an operator."""

    TFLM = "TFLM"
    """The reference kernels, and with them every build."""
    CMSIS_NN = "CMSIS-NN"
    """A build with CMSIS-NN's kernels; one with reference kernels runs it."""


@dataclass(frozen=True)
class Refusal:
    """An operator that ``AllocateTensors`` or ``Invoke`` fails on: why, and what mends it."""

    op: Op
    kernels: Kernels
    reason: str
    mend: str

    @property
    def where(self) -> str:
        """The operator as people find it."""
        return f"operator {self.op.graph.ops.index(self.op)} ({self.op.opcode.label})"

    def __str__(self) -> str:
        graph = self.op.graph.index
        place = f"subgraph {graph} {self.where}" if graph else self.where
        return f"{place} {self.reason}; {self.mend}"


def find_refusals(model: Model, device: Device | None = None) -> list[Refusal]:
    """Every operator that a device's TFLM, with the kernels that it links, does not run.

    Operators of vendors and other custom ones are not judged: the firmware brings them.

    Args:
        device: the newest TFLM with CMSIS-NN's kernels where there is none.
    """
    device = device or Device()
    refusals = []
    for op in model.ops():
        refusal = _no_kernel(op) or _wrong_types(op) or _wrong_rank(op) or _wrong_options(op)
        refusal = refusal or _older(op, device.runtime)
        if refusal is None and device.cmsis_nn is not None:
            refusal = _cmsis_nn(op)
        if refusal is not None:
            refusals.append(refusal)
    return refusals


def runs_on_tflm(model: Model, device: Device | None = None) -> bool:
    """Whether the reference kernels run it, as far as types and ranks decide."""
    return all(refusal.kernels is not Kernels.TFLM for refusal in find_refusals(model, device))


def _no_kernel(op: Op) -> Refusal | None:
    if op.code is OpCode.CUSTOM or op.code in KERNELS or vendor_of(op) is not None:
        return None
    mend = "build the network from other layers"
    return Refusal(op, Kernels.TFLM, "is an operator that TFLM doesn't have", mend)


def _tensors(op: Op) -> list[Value | None]:
    ports = PORTS.get(op.code, (0, OUTPUT))
    return [
        (op.outputs[0] if op.outputs else None) if port == OUTPUT else op.input(port)
        for port in ports
    ]


def _wrong_types(op: Op) -> Refusal | None:
    known, tensors = TYPES.get(op.code), _tensors(op)
    if known is None or any(value is None for value in tensors):
        return None
    types = tuple(value.dtype for value in tensors if value is not None)
    if types in known:
        return None
    told = " and ".join(dict.fromkeys(dtype.name.lower() for dtype in types))
    return Refusal(op, Kernels.TFLM, f"has the types {told}, which TFLM lacks", _mend(op, types))


def _mend(op: Op, types: tuple[DType, ...]) -> str:
    if op.code in (OpCode.ARG_MAX, OpCode.ARG_MIN) and types[1] is DType.INT64:
        return "give it output_type=tf.int32, or optimize with --narrow-outputs"
    if op.code is OpCode.CAST and types[0] is DType.UINT8:
        return "optimize writes it with operators that TFLM has"
    if DType.FLOAT16 in types:
        return "optimize stores them as float32, or convert without float16 weights"
    if DType.FLOAT32 in types and len(set(types)) > 1 and op.code in _WEIGHTED:
        return f"it is a hybrid of float and integer weights: {CALIBRATE}"
    if DType.UINT8 in types:
        return "quantize to int8, uint8 is of old: convert again"
    if DType.INT64 in types:
        return "use int32 in the network"
    return "cast or quantize its inputs to a type that 'tflopt help runs' lists"


_WEIGHTED = WEIGHTED | of_kind(Kind.MATMUL)


def _wrong_rank(op: Op) -> Refusal | None:
    if op.code is OpCode.CONCATENATION and len(op.inputs) > MOST_CONCATENATED:
        reason = f"has {counted(len(op.inputs), 'input')}, TFLM takes {MOST_CONCATENATED}"
        return Refusal(op, Kernels.TFLM, reason, "concatenate in two steps")
    limits, first = RANKS.get(op.code), _tensors(op)[0]
    if limits is None or first is None:
        return None
    rank, (least, most) = len(first.shape), limits
    if least <= rank <= most:
        return None
    reason = f"has {rank} dimensions, TFLM takes {least or 1} to {most}"
    return Refusal(op, Kernels.TFLM, reason, "merge or add dimensions")


def _wrong_options(op: Op) -> Refusal | None:
    reason = option_refusal(op)
    if not reason:
        return None
    fused = "activation" in reason
    mend = "put the activation behind it" if fused else "convert again with a current converter"
    return Refusal(op, Kernels.TFLM, reason, mend)


def _older(op: Op, runtime: Runtime) -> Refusal | None:
    """What only a newer TFLM than the device's runs."""
    reason = _lacking(op, runtime.lacks)
    if not reason:
        return None
    newer = f"TFLM {NEWEST_RUNTIME.name} runs it"
    return Refusal(op, Kernels.TFLM, reason.format(runtime), newer)


def _lacking(op: Op, lacks: Lacks) -> str:
    if op.code in lacks.operators:
        return "is an operator that {} doesn't have"
    tensors = _tensors(op)
    types = tuple(value.dtype for value in tensors if value is not None)
    if (op.code, types) in lacks.types:
        told = " and ".join(dict.fromkeys(dtype.name.lower() for dtype in types))
        return f"has the types {told}, which {{}} lacks"
    if op.code in REDUCED:
        return _too_much_reduced(op, lacks)
    shapes = {value.shape for value in tensors[:2] if value is not None}
    rank = max(map(len, shapes), default=0)
    most = dict(lacks.broadcast_ranks).get(op.code)
    if op.code in lacks.free_integers and types[0] in (DType.INT8, DType.INT16):
        return ""
    if most is not None and len(shapes) > 1 and rank > most:
        return f"broadcasts over {rank} dimensions, {{}} takes {most}"
    return ""


def _too_much_reduced(op: Op, lacks: Lacks) -> str:
    data, axes = op.input(0), op.input(1)
    rank = len(data.shape) if data is not None else 0
    if lacks.reduced_rank is not None and rank > lacks.reduced_rank:
        return f"has {rank} dimensions, {{}} takes {lacks.reduced_rank}"
    count = prod(axes.shape) if axes is not None else 0
    if lacks.reduced_axes is not None and count > lacks.reduced_axes:
        return f"reduces {counted(count, 'axis', 'axes')}, {{}} takes {lacks.reduced_axes}"
    return ""


def _cmsis_nn(op: Op) -> Refusal | None:
    """What CMSIS-NN's kernels of TFLM refuse beyond that."""
    data, weights = op.input(0), op.input(1)
    if data is None or weights is None:
        return None
    if op.code is OpCode.TRANSPOSE and data.dtype is DType.INT8 and len(data.shape) > 4:
        reason = f"has {counted(len(data.shape), 'dimension')}, CMSIS-NN takes 4"
        return Refusal(op, Kernels.CMSIS_NN, reason, "merge axes that stay together")
    if op.code is not OpCode.FULLY_CONNECTED:
        return None
    per_channel = weights.quant is not None and weights.quant.is_per_channel
    if not per_channel or (data.dtype, weights.dtype) == (DType.INT8, DType.INT8):
        return None
    if weights.dtype is DType.INT4:
        reason = "has int4 weights with a scale for each channel, which TFLM lacks"
        return Refusal(op, Kernels.TFLM, reason, "quantize dense layers per tensor")
    reason = "has int16 activations and a scale for each channel, which CMSIS-NN refuses"
    mend = f"optimize writes it as CONV_2D, or convert with converter.{DENSE_PER_TENSOR}"
    return Refusal(op, Kernels.CMSIS_NN, reason, mend)
