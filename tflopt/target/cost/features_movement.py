"""Features of the operators that only move data.

Sources: CMSIS-NN arm_pad_s8.c, arm_transpose_s8.c; TFLM's kernels and reference loops.
"""

from __future__ import annotations

from math import prod

from tflopt.facts.operators import OPERATORS, UNLISTED, Operator
from tflopt.ir.options import ConcatenationOptions, GatherOptions, PackOptions, UnpackOptions
from tflopt.target.cortex_m import Isa
from tflopt.target.cost.copies import Features, memory_copies
from tflopt.target.cost.spec import LayerSpec, TensorSpec


def pad(spec: LayerSpec, isa: Isa) -> Features:
    """Rows are copied whole where the channels are not padded, pixel by pixel otherwise."""
    data, amounts = spec.input(0), spec.input(1)
    if data is None or amounts is None or amounts.ints is None:
        return {}
    ints = (0,) * (8 - len(amounts.ints)) + amounts.ints
    shape, out = _four(data), _four(spec.output)
    rows = shape[0] * shape[1]
    deep = shape[3] != out[3]
    features: Features = {"images": shape[0], "rows": rows, "pixels": rows * shape[2] * deep}
    parts = [(rows * shape[2], shape[3])] if deep else [(rows, shape[2] * shape[3])]
    for name, count in _transfers("copy", parts, isa).items():
        features[name] = count
    fills = [
        *((shape[0], amount * out[2] * out[3]) for amount in ints[2:4]),
        *((rows, amount * out[3]) for amount in ints[4:6]),
        *((rows * shape[2], amount) for amount in ints[6:8]),
    ]
    return features | _transfers("fill", fills, isa)


def _transfers(name: str, parts: list[tuple[int, int]], isa: Isa) -> Features:
    """``arm_memcpy_s8`` and ``arm_memset_s8``: vectors of 16 on MVE, the C library elsewhere."""
    features: Features = {}
    for count, length in parts:
        if isa is Isa.MVE:
            transfer: Features = {f"{name} vectors": count * -(-length // 16)}
        else:
            transfer = memory_copies(name, count if length else 0, length)
        for key, value in transfer.items():
            features[key] = features.get(key, 0) + value
    return features


def _four(tensor: TensorSpec) -> tuple[int, ...]:
    return (1,) * (4 - len(tensor.shape)) + tensor.shape


def transpose(spec: LayerSpec, isa: Isa) -> tuple[str, Features]:
    """int8: loops over the input, or on MVE a gather for each column of the last two axes."""
    data, perm = spec.input(0), spec.input(1)
    if data is None or perm is None or perm.ints is None:
        return "", {}
    swaps = len(data.shape) == 2 or (
        isa is Isa.MVE and len(data.shape) == 4 and perm.ints[:2] == (0, 1)
    )
    if not swaps or len(data.shape) < 2:
        return "any", loops(data)
    rows, columns = data.shape[-2:]
    planes = data.elements // max(1, rows * columns)
    if isa is not Isa.MVE:
        return "last two", loops(data)
    return "last two", {
        "planes": planes,
        "columns": planes * columns,
        "gathers": planes * columns * -(-rows // 8),
    }


def loops(data: TensorSpec) -> Features:
    """Nested loops: elements, innermost runs, the runs around them, and the dimensions."""
    rows = data.elements // max(1, data.shape[-1] if data.shape else 1)
    planes = rows // max(1, data.shape[-2] if len(data.shape) > 1 else 1)
    return {
        "dimensions": len(data.shape),
        "elements": data.elements,
        "rows": rows,
        "planes": planes,
    }


def join(spec: LayerSpec, isa: Isa) -> Features:
    """CONCATENATION: a ``memcpy`` for each input and each step of the dimensions in front."""
    del isa
    options = spec.options
    axis = options.axis if isinstance(options, ConcatenationOptions) else 0
    axis %= max(1, len(spec.output.shape))
    outer = prod(spec.output.shape[:axis])
    features: Features = {"parts": len(spec.inputs)}
    for part in spec.inputs:
        size = 0 if part is None else part.size_bytes
        for name, count in memory_copies("part", outer, size // max(1, outer)).items():
            features[name] = features.get(name, 0) + count
    return features


def element_copies(spec: LayerSpec, isa: Isa) -> Features:
    """SPLIT, SPLIT_V, PACK and UNPACK: an element loop for each part and each step in front."""
    del isa
    whole = spec.input(_facts(spec).data)
    parts: tuple[TensorSpec | None, ...] = spec.outputs
    if isinstance(spec.options, PackOptions):
        whole, parts = spec.output, spec.inputs
    if whole is None:
        return {}
    outer = prod(whole.shape[: _axis(spec) % max(1, len(whole.shape))])
    lengths = [0 if part is None else part.elements // max(1, outer) for part in parts]
    return {
        "parts": len(parts),
        "steps": outer,
        "runs": outer * len(parts),
        "runs of one": outer * lengths.count(1),
        "fours": outer * sum(length // 4 for length in lengths),
        "ones": outer * sum(length % 4 for length in lengths),
        "elements": whole.elements,
    }


def _axis(spec: LayerSpec) -> int:
    if isinstance(spec.options, PackOptions | UnpackOptions):
        return spec.options.axis
    controls = _facts(spec).controls
    axis = spec.input(controls[-1]) if controls else None
    return axis.ints[0] if axis is not None and axis.ints else 0


def _facts(spec: LayerSpec) -> Operator:
    return OPERATORS.get(spec.code, UNLISTED)


def block(spec: LayerSpec, isa: Isa) -> Features:
    """SLICE: loops down to the innermost axis, which copies element by element, in fours."""
    del isa
    width, rows, planes = _rows(spec.output)
    return {
        "rows": rows,
        "planes": planes,
        "fours": rows * (width // 4),
        "ones": rows * (width % 4),
    }


def _rows(tensor: TensorSpec) -> tuple[int, int, int]:
    """The innermost extent, how many rows of it there are, and how many planes of these."""
    width = tensor.shape[-1] if tensor.shape else 1
    rows = tensor.elements // max(1, width)
    return width, rows, rows // max(1, tensor.shape[-2] if len(tensor.shape) > 1 else 1)


def strided(spec: LayerSpec, isa: Isa) -> Features:
    """STRIDED_SLICE: rows of the innermost axis, copied or stepped through."""
    del isa
    strides = spec.input(3)
    step = strides.ints[-1] if strides is not None and strides.ints else 1
    _, rows, planes = _rows(spec.output)
    if step != 1:
        return {"stepped rows": rows, "stepped elements": spec.output.elements, "planes": planes}
    size = spec.output.size_bytes // max(1, rows)
    return memory_copies("row", rows, size) | {"planes": planes}


def moved(spec: LayerSpec, isa: Isa) -> Features:
    """RESHAPE and SQUEEZE: one copy of all bytes."""
    del isa
    return memory_copies("copy", 1, spec.output.size_bytes)


def elements(spec: LayerSpec, isa: Isa) -> Features:
    """EXPAND_DIMS: an element loop."""
    del isa
    return {"elements": spec.output.elements}


def gather(spec: LayerSpec, isa: Isa) -> Features:
    """A ``memcpy`` for each index and each step of the dimensions in front."""
    del isa
    data, picks = spec.input(0), spec.input(1)
    if data is None or picks is None:
        return {}
    axis = spec.options.axis if isinstance(spec.options, GatherOptions) else 0
    outer = prod(data.shape[: axis % max(1, len(data.shape))])
    count = outer * picks.elements
    features = memory_copies("pick", count, spec.output.size_bytes // max(1, count))
    return features | {"steps": outer}


def pixel_copies(spec: LayerSpec, isa: Isa) -> Features:
    """SPACE and BATCH, nearest neighbour: a ``memcpy`` of the channels for each position."""
    del isa
    shape = _four(spec.output)
    pixels = prod(shape[:3])
    size = spec.output.size_bytes // max(1, pixels)
    return memory_copies("pixel", pixels, size) | {"rows": prod(shape[:2]), "images": shape[0]}


def blocks(spec: LayerSpec, isa: Isa) -> Features:
    """SPACE_TO_DEPTH, DEPTH_TO_SPACE, MIRROR_PAD and bilinear resizing: element by element."""
    del isa
    shape = _four(spec.output)
    return {
        "rows": prod(shape[:2]),
        "pixels": prod(shape[:3]),
        "elements": spec.output.elements,
    }
