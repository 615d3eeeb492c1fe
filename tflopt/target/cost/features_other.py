"""Features of pooling, reductions and elementwise operators.

Sources: CMSIS-NN arm_avgpool_s8.c, arm_max_pool_s8.c, arm_elementwise_*_s8.c,
arm_maximum_s8.c; TFLM's reference kernels (lite/kernels/internal/reference).
"""

from __future__ import annotations

from math import prod

from tflopt.facts.windows import Axis, padding_before
from tflopt.ir import DType, OpCode
from tflopt.ir.options import Pool2DOptions
from tflopt.target.cortex_m import Isa
from tflopt.target.cost.copies import Features
from tflopt.target.cost.spec import LayerSpec
from tflopt.target.cost.windows import Window


def pool(spec: LayerSpec, isa: Isa) -> Features:
    """Channels in vectors of 16 on MVE, one by one elsewhere."""
    data, options = spec.input(0), spec.options
    if data is None or len(data.shape) != 4 or not isinstance(options, Pool2DOptions):
        return {}
    n, h, w, channels = data.shape
    axes = []
    for size, out, kernel, stride in (
        (h, spec.output.shape[1], options.filter_height, options.stride_h),
        (w, spec.output.shape[2], options.filter_width, options.stride_w),
    ):
        pad = padding_before(options.padding, size, kernel, stride)
        axes.append(Axis(size, kernel, stride, before=pad, out=out))
    window = Window(*axes)
    vectors = -(-channels // 16) if isa is Isa.MVE else channels
    features: Features = {
        "pixels": n * window.pixels,
        "pixel rows": n * window.valid_rows,
        "taps": n * window.valid_taps,
        "vectors": n * window.pixels * vectors,
        "vector rows": n * window.valid_rows * vectors,
        "vector taps": n * window.valid_taps * vectors,
    }
    if isa is Isa.SCALAR:
        features["padded taps"] = n * (window.taps - window.valid_taps) * channels
    return features


def search(spec: LayerSpec, isa: Isa) -> Features:
    """ARG_MAX and ARG_MIN: a run along the axis for each element of the output."""
    del isa
    data, axis = spec.input(0), spec.input(1)
    if data is None or axis is None or not axis.ints or not data.shape:
        return {}
    is_last = axis.ints[0] % len(data.shape) == len(data.shape) - 1
    count = data.elements
    return {
        "runs": spec.output.elements,
        "elements": count if is_last else 0,
        "strided elements": 0 if is_last else count,
    }


def reduction(spec: LayerSpec, isa: Isa) -> Features:
    """The reference loop steps an index of all dimensions for each input element."""
    del isa
    data = spec.input(0)
    if data is None:
        return {}
    rank = len(data.shape)
    return {
        "inputs": data.elements,
        "input dimensions": data.elements * rank,
        "axis checks": data.elements * rank * len(_reduced(spec)),
        "carries": sum(prod(data.shape[: axis + 1]) for axis in range(rank)),
        "outputs": spec.output.elements,
    }


def _reduced(spec: LayerSpec) -> set[int]:
    data, axes = spec.input(0), spec.input(1)
    if data is None or axes is None:
        return set()
    return {axis % max(1, len(data.shape)) for axis in (axes.ints or ())}


def spatial_mean(spec: LayerSpec) -> Features:
    """Float MEAN over height and width: one run along the width for each channel and row."""
    data = spec.input(0)
    if data is None:
        return {}
    runs = data.elements // max(1, data.shape[2])
    return {"inputs": data.elements, "runs": runs, "outputs": spec.output.elements}


def is_spatial_mean(spec: LayerSpec) -> bool:
    """Float MEAN over height and width with kept dimensions has a loop of its own."""
    data = spec.input(0)
    kept = len(spec.output.shape) == 4
    return kept and data is not None and len(data.shape) == 4 and _reduced(spec) == {1, 2}


def elementwise(spec: LayerSpec, isa: Isa) -> Features:
    """One step for each element, or four of them where CMSIS-NN has vector code."""
    count = spec.output.elements
    return {
        "elements": count,
        "fours": count // 4,
        "ones": count % 4,
        "sixteens": -(-count // 16) if isa is Isa.MVE else 0,
    }


def comparison(spec: LayerSpec, isa: Isa) -> Features:
    """One step for each element; the shapes are copied first."""
    del isa
    return {"elements": spec.output.elements, "dimensions": len(spec.output.shape)}


def broadcast(spec: LayerSpec, isa: Isa) -> Features:
    """TFLM's nested loops: an innermost run in one of three forms, and the loops around it."""
    del isa
    first, second = spec.input(0), spec.input(1)
    if first is None or second is None:
        return {}
    sizes, form = _loops(first.shape, second.shape, spec.output.shape)
    runs = prod(sizes[1:])
    return {
        f"{form} elements": spec.output.elements,
        f"{form} runs": runs,
        "outer runs": sum(prod(sizes[level:]) for level in range(2, len(sizes))),
        "levels": len(sizes),
        "dimensions": len(spec.output.shape),
    }


def prelu(spec: LayerSpec, isa: Isa) -> Features:
    """The same loops, measured with a slope for each channel; an element costs the same else."""
    first, second = spec.input(0), spec.input(1)
    if first is None or second is None:
        return {}
    sizes, form = _loops(first.shape, second.shape, spec.output.shape)
    features = broadcast(spec, isa)
    return {
        **{name: count for name, count in features.items() if not name.startswith(form)},
        "both elements": spec.output.elements,
        "both runs": prod(sizes[1:]),
    }


def rows_broadcast(spec: LayerSpec, isa: Isa) -> Features:
    """``arm_maximum_s8``: the longest run in which both operands advance, or one stands still."""
    first, second = spec.input(0), spec.input(1)
    if first is None or second is None:
        return {}
    form, runs, length = _run(first.shape, second.shape, spec.output.shape)
    vectors = -(-length // 16) if isa is Isa.MVE else length
    outer = prod(spec.output.shape[:-2]) if runs > 1 else 0
    return {f"{form} runs": runs, f"{form} vectors": runs * vectors, "outer runs": outer}


def _run(
    first: tuple[int, ...], second: tuple[int, ...], out: tuple[int, ...]
) -> tuple[str, int, int]:
    shapes = [(1,) * (len(out) - len(shape)) + shape for shape in (first, second)]
    for level in range(len(out)):
        left, right = (shape[level:] for shape in shapes)
        length = prod(out[level:])
        if left == right:
            return "both", prod(out[:level]), length
        if prod(left) == 1 or prod(right) == 1:
            return "one fixed", prod(out[:level]), length
    return "both", prod(out), 1


def is_broadcast(spec: LayerSpec) -> bool:
    """Whether the two operands differ in shape but for leading ones."""
    first, second = spec.input(0), spec.input(1)
    if first is None or second is None:
        return False
    return _significant(first.shape) != _significant(second.shape)


def takes_broadcast_loops(spec: LayerSpec) -> bool:
    """Whether TFLM's own kernel takes its loops for broadcasting.

    ADD and SUB of float and int32 do even where the shapes differ in leading ones alone.
    """
    first, second = spec.input(0), spec.input(1)
    strict = spec.code in {OpCode.ADD, OpCode.SUB} and spec.output.dtype in _STRICT
    if strict and first is not None and second is not None:
        return first.shape != second.shape
    return is_broadcast(spec)


_STRICT = frozenset({DType.FLOAT32, DType.INT32})


def _significant(shape: tuple[int, ...]) -> tuple[int, ...]:
    leading = next((i for i, size in enumerate(shape) if size != 1), len(shape))
    return shape[leading:]


def _loops(
    first: tuple[int, ...], second: tuple[int, ...], out: tuple[int, ...]
) -> tuple[list[int], str]:
    """Loop lengths from the inside out, and the innermost one's form.

    Neighbouring dimensions are joined as ``BroadcastBinaryOpSimple`` joins them: where both
    operands go on in steady steps. A dimension of size 1 innermost is a loop of its own.
    """
    shapes = [(1,) * (len(out) - len(shape)) + shape for shape in (first, second)]
    sizes: list[int] = []
    steps: list[list[int]] = []
    steady = [1, 1]
    for axis in reversed(range(len(out))):
        here = [
            0 if shape[axis] == 1 and out[axis] != 1 else step
            for shape, step in zip(shapes, steady, strict=True)
        ]
        if sizes and (out[axis] == 1 or _joins(here, steady, steps[-1])):
            sizes[-1] *= out[axis]
        else:
            sizes.append(out[axis])
            steps.append(here)
        steady = [step * shape[axis] for shape, step in zip(shapes, steady, strict=True)]
    inner = steps[0] if steps else [1, 1]
    form = "both" if all(inner) else "first fixed" if inner[1] else "second fixed"
    return sizes or [1], form


def _joins(here: list[int], steady: list[int], inner: list[int]) -> bool:
    return all(
        step == 0 if within == 0 else step == expected
        for step, expected, within in zip(here, steady, inner, strict=True)
    )
