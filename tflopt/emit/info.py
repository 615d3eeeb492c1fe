"""``NAME_info.h``: arena, shapes, types, quantization and helpers, for C11 and C++17."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

from tflopt.emit.arena import Arena
from tflopt.emit.names import float_literal, string_literal
from tflopt.emit.options import NamedModel
from tflopt.emit.text import guarded
from tflopt.ir import DType, Model, Value
from tflopt.plan.costs import variable_count
from tflopt.target.annotation import Annotation
from tflopt.target.kernel_sets import KernelSet
from tflopt.texts import c_comment

C_TYPES = {
    DType.FLOAT32: "float",
    DType.INT8: "int8_t",
    DType.UINT8: "uint8_t",
    DType.INT16: "int16_t",
    DType.UINT16: "uint16_t",
    DType.INT32: "int32_t",
    DType.UINT32: "uint32_t",
    DType.INT64: "int64_t",
    DType.UINT64: "uint64_t",
    DType.FLOAT64: "double",
    DType.BOOL: "bool",
}
RANGES = {DType.INT8: (-128, 127), DType.UINT8: (0, 255), DType.INT16: (-32768, 32767)}
CAST = """/* A cast that neither C nor C++ with -Wold-style-cast complains about. */
#ifdef __cplusplus
#define {cast}(type, value) static_cast<type>(value)
#else
#define {cast}(type, value) ((type)(value))
#endif
"""
HELPERS = """
/* TFLM's QUANTIZE: to the nearest, halves away from zero, saturated; NaN gives the least. */
static inline {ctype} {name}_quantize_{port}(float value) {{
  const float rounded = roundf(value / {upper}_SCALE);
  if (!(rounded > {least})) return {minimum};
  if (rounded >= {most}) return {maximum};
  return {cast}({ctype}, {cast}(int32_t, rounded) + {upper}_ZERO_POINT);
}}

static inline float {name}_dequantize_{port}({ctype} value) {{
  return {upper}_SCALE * {cast}(float, {cast}(int32_t, value) - {upper}_ZERO_POINT);
}}
"""


PLAN_KERNELS = {
    KernelSet.SCALAR: 1,
    KernelSet.DSP: 2,
    KernelSet.MVE: 4,
    KernelSet.REFERENCE: 8,
}
OTHERS = 16
"""A bit each, for the kernels that a memory plan is right on; without a plan all are."""


def info_header(
    named: NamedModel, arena: Arena, bearers: Collection[KernelSet] | None = None
) -> str:
    """The header's text; ``bearers`` are the kernels that the model's plan is right on, if any."""
    main, upper = named.model.main, named.name.upper()
    parts = [
        "#include <math.h>\n#include <stdbool.h>\n#include <stdint.h>\n",
        f"#define {upper}_SHA256 \\\n  {string_literal(named.sha256)}\n",
        arena.macros(upper),
        _plan_kernels(upper, bearers),
        *_annotated(named.annotation, upper),
        *_variables(named.model, upper),
        f"#define {upper}_INPUT_COUNT {len(main.inputs)}\n"
        f"#define {upper}_OUTPUT_COUNT {len(main.outputs)}\n",
    ]
    port_texts = []
    for kind, ports in (("input", main.inputs), ("output", main.outputs)):
        port_texts += [_port(named.name, f"{kind}{i}", value) for i, value in enumerate(ports)]
    cast = f"{upper}_CAST_"
    used = any(cast in text for text in port_texts)
    parts += [CAST.format(cast=cast), *port_texts, f"#undef {cast}\n"] if used else port_texts
    return guarded(f"{named.name}_info", "What firmware knows of the model.", "\n".join(parts))


def _plan_kernels(upper: str, bearers: Collection[KernelSet] | None) -> str:
    bits = OTHERS | sum(PLAN_KERNELS.values())
    if bearers is not None:
        bits = sum(PLAN_KERNELS[kernels] for kernels in bearers)
    return (
        "/* Kernels that the memory plan is right on: CMSIS-NN's scalar 1, DSP 2, MVE 4; TFLM's\n"
        f"   own 8; others 16. */\n#define {upper}_PLAN_KERNELS {bits}u\n"
    )


def _annotated(annotation: Annotation | None, upper: str) -> list[str]:
    """The numbers of an annotation that the array doesn't carry."""
    if annotation is None:
        return []
    device = c_comment(f"{annotation.target}, CMSIS-NN {annotation.cmsis_nn}")
    sizes = [
        f"{op.index} of subgraph {op.subgraph}: "
        + ("unknown" if op.scratch_bytes is None else str(op.scratch_bytes))
        for op in annotation.operators
        if op.scratch_bytes != 0
    ]
    lines = [
        f"/* tflopt's annotation, on {device}: what arena_used_bytes() returns, its parts, and the",
        "   least arena. */",
        f"#define {upper}_ANNOTATED_TARGET {string_literal(annotation.target)}",
        f"#define {upper}_ANNOTATED_CMSIS_NN {string_literal(annotation.cmsis_nn)}",
        f"#define {upper}_ANNOTATED_USED_BYTES "
        f"{annotation.arena_head_bytes + annotation.arena_tail_bytes}u",
        f"#define {upper}_ANNOTATED_HEAD_BYTES {annotation.arena_head_bytes}u",
        f"#define {upper}_ANNOTATED_TAIL_BYTES {annotation.arena_tail_bytes}u",
        f"#define {upper}_ANNOTATED_ARENA_BYTES {annotation.arena_total_bytes}u",
        *(
            ["/* Bytes of scratch by operator:", *(f"   {size}" for size in sizes), "*/"]
            if sizes
            else []
        ),
    ]
    return ["\n".join(lines) + "\n"]


def _variables(model: Model, upper: str) -> list[str]:
    """How many resource variables the interpreter must be given room for."""
    count = variable_count(model)
    if not count:
        return []
    told = "For tflite::MicroResourceVariables::Create; MicroInterpreter::Reset() zeroes them."
    return [f"/* {told} */\n#define {upper}_RESOURCE_VARIABLES {count}\n"]


def _port(name: str, port: str, value: Value) -> str:
    """Macros and helpers of one input or output."""
    upper = f"{name}_{port}".upper()
    lines = [f"#define {upper}_NAME {string_literal(value.name or '')}"]
    if value.dtype in C_TYPES:
        lines.append(f"#define {upper}_TYPE {C_TYPES[value.dtype]}")
    else:
        lines.append(f"/* {port}: {c_comment(value.dtype.name)} has no type in C. */")
    lines += _shape(upper, value.shape)
    if value.size_bytes is not None:
        lines.append(f"#define {upper}_BYTES {value.size_bytes}u")
    text = "\n".join(lines) + "\n"
    scalar = quantization(value)
    if scalar is None:
        return text
    scale, zero_point = scalar
    text += f"#define {upper}_SCALE {float_literal(scale)}\n"
    text += f"#define {upper}_ZERO_POINT {zero_point}\n" if zero_point >= 0 else ""
    text += f"#define {upper}_ZERO_POINT ({zero_point})\n" if zero_point < 0 else ""
    return text + _helpers(name, port, value.dtype, zero_point)


def _shape(upper: str, shape: Sequence[int]) -> list[str]:
    lines = [f"#define {upper}_RANK {len(shape)}"]
    if shape:
        lines.append(f"#define {upper}_SHAPE {{{', '.join(map(str, shape))}}}")
    return [*lines, f"#define {upper}_ELEMENTS {math.prod(shape)}u"]


def quantization(value: Value) -> tuple[float, int] | None:
    """Scale and zero point of an integer tensor, None where it has no usable pair."""
    quant = value.quant
    if quant is None or quant.count != 1 or quant.zero_point is None:
        return None
    if quant.zero_point.size != 1 or value.dtype not in RANGES:
        return None
    scale, zero_point = quant.scalar()
    least, most = RANGES[value.dtype]
    usable = math.isfinite(scale) and scale > 0 and least <= zero_point <= most
    return (scale, zero_point) if usable else None


def _helpers(name: str, port: str, dtype: DType, zero_point: int) -> str:
    least, most = RANGES[dtype]
    return HELPERS.format(
        ctype=C_TYPES[dtype],
        cast=f"{name.upper()}_CAST_",
        name=name,
        port=port,
        upper=f"{name}_{port}".upper(),
        least=float_literal(least - zero_point),
        most=float_literal(most - zero_point),
        minimum=least,
        maximum=most,
    )
