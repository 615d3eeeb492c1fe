"""Quantization parameters of a tensor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from tflopt.ir.record import Record

Floats = npt.NDArray[np.float32]
Longs = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Quantization:
    """``real = scale * (q - zero_point)``, per tensor or per channel; None is an absent vector.

    Equality is about what the number means to a kernel: scales and zero points (and the
    dimension where there is more than one), never ``min`` and ``max``.
    """

    scale: Floats | None = None
    zero_point: Longs | None = None
    quantized_dimension: int = 0
    min: Floats | None = None
    max: Floats | None = None
    details: Record | None = None
    details_type: int = 0

    @staticmethod
    def per_tensor(scale: float, zero_point: int = 0) -> Quantization:
        """One scale and zero point for the whole tensor."""
        return Quantization(_floats([scale]), _longs([zero_point]))

    @staticmethod
    def per_channel(scales: Sequence[float] | Floats, dimension: int) -> Quantization:
        """Symmetric, one scale for each index of ``dimension``."""
        return Quantization(_floats(scales), _longs([0] * len(scales)), dimension)

    @cached_property
    def is_set(self) -> bool:
        """True where TFLM sees a quantized tensor: both vectors present and not empty."""
        return bool(self.count) and self.zero_point is not None and self.zero_point.size > 0

    @property
    def scales(self) -> Floats:
        """The scales, where they are known to be there.

        Raises:
            ValueError: there are none.
        """
        if self.scale is None:
            raise ValueError("no scales")
        return self.scale

    @cached_property
    def count(self) -> int:
        """The number of scales."""
        return 0 if self.scale is None else int(self.scale.size)

    @cached_property
    def is_per_channel(self) -> bool:
        """More than one scale."""
        return self.count > 1

    @cached_property
    def key(self) -> tuple[object, ...]:
        """What equality compares."""
        dimension = self.quantized_dimension if self.is_per_channel else 0
        parts = [None if v is None else v.tobytes() for v in (self.scale, self.zero_point)]
        return (*parts, dimension, self.details)

    @property
    def content(self) -> tuple[object, ...]:
        """All that is stored, bit for bit, also what equality doesn't look at."""
        vectors = (self.scale, self.zero_point, self.min, self.max)
        parts = (None if v is None else v.tobytes() for v in vectors)
        return (*parts, self.quantized_dimension, self.details, self.details_type)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Quantization) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def scalar(self) -> tuple[float, int]:
        """(scale, zero_point) of a per-tensor quantization.

        Raises:
            ValueError: there is not exactly one scale and zero point.
        """
        if self.scale is None or self.zero_point is None or not self.is_set or self.count != 1:
            raise ValueError("not quantized per tensor")
        return float(self.scale[0]), int(self.zero_point[0])

    def along(self, dimension: int) -> Quantization:
        """The same parameters along another dimension."""
        return replace(self, quantized_dimension=dimension)


def _floats(values: Sequence[float] | Floats) -> Floats:
    return np.asarray(values, dtype=np.float32)


def _longs(values: Sequence[int]) -> Longs:
    return np.asarray(values, dtype=np.int64)


def same_quantization(first: Quantization | None, second: Quantization | None) -> bool:
    """True where both are unquantized, or both carry the same scales and zero points."""
    one = first if first is not None and first.is_set else None
    two = second if second is not None and second.is_set else None
    return one == two
