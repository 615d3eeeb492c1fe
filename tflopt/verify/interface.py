"""Inputs and outputs that the caller hands over in another arrangement than before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tflopt.errors import MismatchError
from tflopt.ir import DType, Model, Origin, Value
from tflopt.run.samples import Array, Sample

QUANTIZED = frozenset({DType.INT4, DType.INT8, DType.UINT8, DType.INT16, DType.INT32})
"""Types whose elements mean numbers by a scale and a zero point."""


@dataclass(frozen=True)
class PortChange:
    """One input or output with another shape.

    Attributes:
        kind: ``input`` or ``output``.
        index: its position among those.
        before: the shape in the original model.
        after: the shape in the optimized one.
        permutation: ``data.transpose(permutation).reshape(after)`` makes the data of the
            optimized model from that of the original.
    """

    kind: str
    index: int
    name: str
    before: tuple[int, ...]
    after: tuple[int, ...]
    permutation: tuple[int, ...]

    def __str__(self) -> str:
        moves = self.permutation != tuple(range(len(self.permutation)))
        how = f", transposed by {list(self.permutation)}" if moves else ""
        return f"{self.kind} {self.index} ({self.name}): {self.before} is now {self.after}{how}"


def port_changes(original: Model, optimized: Model) -> tuple[PortChange, ...]:
    """The inputs and outputs of the main graph that are arranged otherwise than before.

    Only for a model that was made from ``original`` in this process.
    """
    changes = []
    for kind in ("input", "output"):
        ours, theirs = (getattr(model.main, f"{kind}s") for model in (original, optimized))
        for index, (one, two) in enumerate(zip(ours, theirs, strict=True)):
            perm = _permutation(one, two.origin)
            if one.shape != two.shape or perm != tuple(range(len(one.shape))):
                name = two.name or ""
                changes.append(PortChange(kind, index, name, one.shape, two.shape, perm))
    return tuple(changes)


def _permutation(value: Value, origin: Origin | None) -> tuple[int, ...]:
    """Over all axes of the original tensor; those of size 1 go to the front."""
    if origin is None or not origin.perm:
        return tuple(range(len(value.shape)))
    large = [axis for axis, size in enumerate(value.shape) if size != 1]
    ones = [axis for axis, size in enumerate(value.shape) if size == 1]
    return (*ones, *(large[axis] for axis in origin.perm))


def type_changes(original: Model, optimized: Model) -> tuple[str, ...]:
    """The outputs whose elements have another type than before, in words."""
    pairs = zip(original.main.outputs, optimized.main.outputs, strict=True)
    return tuple(
        f"output {index} ({two.name or ''}): {_type(one)} is now {_type(two)}"
        for index, (one, two) in enumerate(pairs)
        if one.dtype != two.dtype
    )


def _type(value: Value) -> str:
    return value.dtype.name.lower()


def check_interface(
    original: Model, optimized: Model, *, may_rearrange: bool, may_narrow: bool = False
) -> None:
    """Inputs and outputs must agree in number, type, shape and quantization.

    The firmware reads scales and zero points from the tensors, so that equal bytes with another
    scale are another result.

    Args:
        may_rearrange: they may hold the same elements in another arrangement.
        may_narrow: int64 outputs may be int32.

    Raises:
        MismatchError: they don't.
    """
    for kind in ("inputs", "outputs"):
        ours, theirs = (list(getattr(model.main, kind)) for model in (original, optimized))
        if may_narrow and kind == "outputs" and len(ours) == len(theirs):
            same = all(_narrows(a, b) for a, b in zip(ours, theirs, strict=True))
        elif len(ours) == len(theirs) and may_rearrange:
            same = all(_holds_the_same(original, a, b) for a, b in zip(ours, theirs, strict=True))
        else:
            same = [(v.dtype, v.shape) for v in ours] == [(v.dtype, v.shape) for v in theirs]
        if not same:
            raise MismatchError(
                output=f"the models have different {kind}: {_ports(ours)} and {_ports(theirs)}",
                first_index=(),
                count=abs(len(ours) - len(theirs)),
                max_diff=0.0,
            )
        for index, (one, two) in enumerate(zip(ours, theirs, strict=True)):
            reason = _quantization_difference(one, two)
            if reason:
                name = f"{kind[:-1]} {index} ({one.name or ''})"
                raise MismatchError(f"{name} has {reason}", (), 0, 0.0)


def _quantization_difference(one: Value, two: Value) -> str:
    """How two ports of one type are quantized otherwise; empty where they mean the same numbers.

    A single zero point stands for all channels, as in TFLM (``micro_allocator.cc``). Where axes
    moved, so did the quantized dimension.
    """
    if one.dtype not in QUANTIZED:
        return ""
    ours, theirs = (v.quant if v.quant is not None and v.quant.is_set else None for v in (one, two))
    if ours is None or theirs is None:
        return "" if ours is theirs else "lost or gained its scale and zero point"
    if ours.scale is None or theirs.scale is None or not np.array_equal(ours.scale, theirs.scale):
        return f"another scale: {_first(ours.scale)} and {_first(theirs.scale)}"
    zeros = tuple(np.resize(quant.zero_point, ours.count) for quant in (ours, theirs))  # type: ignore[arg-type]
    if not np.array_equal(zeros[0], zeros[1]):
        return f"another zero point: {_first(zeros[0])} and {_first(zeros[1])}"
    moved = two.origin is not None and two.origin.perm
    if ours.count > 1 and not moved and ours.quantized_dimension != theirs.quantized_dimension:
        return f"its scales along axis {theirs.quantized_dimension}, not {ours.quantized_dimension}"
    return ""


def _first(numbers: npt.NDArray[np.generic] | None) -> str:
    return "none" if numbers is None or not numbers.size else f"{numbers.flat[0]:.9g}"


def _narrows(one: Value, two: Value) -> bool:
    to_int32 = (one.dtype, two.dtype) == (DType.INT64, DType.INT32)
    return one.shape == two.shape and (one.dtype == two.dtype or to_int32)


def narrowed_outputs(optimized: Model, outputs: Sequence[Sequence[Array]]) -> list[list[Array]]:
    """Outputs of the original model as int32 where the optimized one has int32, if they fit."""
    ports = list(optimized.main.outputs)
    return [
        [_narrowed(port, array) for port, array in zip(ports, sample, strict=True)]
        for sample in outputs
    ]


def _narrowed(port: Value, array: Array) -> Array:
    if port.dtype is not DType.INT32 or array.dtype != np.int64:
        return array
    narrow: Array = array.astype(np.int32)
    return narrow if np.array_equal(narrow, array) else array


def _ports(values: Sequence[Value]) -> str:
    """Types and shapes, for an error."""
    return ", ".join(f"{value.dtype.name.lower()}{list(value.shape)}" for value in values)


def _holds_the_same(model: Model, one: Value, two: Value) -> bool:
    if one.dtype != two.dtype or one.elements != two.elements:
        return False
    if one.shape == two.shape and (two.origin is None or not two.origin.perm):
        return True
    index = list(model.main.values).index(one)
    return two.origin is not None and (two.origin.subgraph, two.origin.tensor) == (0, index)


def rearranged_inputs(optimized: Model, samples: Sequence[Sample]) -> list[Sample]:
    """Samples of the original model as the optimized one takes them."""
    return [_rearranged(list(optimized.main.inputs), sample) for sample in samples]


def rearranged_outputs(optimized: Model, outputs: Sequence[Sequence[Array]]) -> list[list[Array]]:
    """Outputs of the original model as the optimized one gives them."""
    return [_rearranged(list(optimized.main.outputs), sample) for sample in outputs]


def _rearranged(ports: Sequence[Value], arrays: Sequence[Array]) -> list[Array]:
    results = []
    for port, array in zip(ports, arrays, strict=True):
        moved = array if port.origin is None else port.origin.reorder(array)
        results.append(moved.reshape(port.shape))
    return results
