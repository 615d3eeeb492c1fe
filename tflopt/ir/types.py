"""Element types and the small enums that options use, numbered as in the TFLite schema."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tflopt.ir.codes import Code


class DType(Code):
    """Element type of a tensor (``TensorType`` in the schema)."""

    FLOAT32 = 0
    FLOAT16 = 1
    INT32 = 2
    UINT8 = 3
    INT64 = 4
    STRING = 5
    BOOL = 6
    INT16 = 7
    COMPLEX64 = 8
    INT8 = 9
    FLOAT64 = 10
    COMPLEX128 = 11
    UINT64 = 12
    RESOURCE = 13
    VARIANT = 14
    UINT32 = 15
    UINT16 = 16
    INT4 = 17
    BFLOAT16 = 18
    INT2 = 19
    UINT4 = 20
    FLOAT8_E4M3FN = 21
    FLOAT8_E5M2 = 22

    @property
    def numpy(self) -> np.dtype[np.generic] | None:
        """The NumPy type of one element, None where elements are packed or have no fixed size."""
        return _NUMPY.get(self)

    @property
    def bits(self) -> int | None:
        """Bits of one element, None for strings, resources and variants."""
        if self in _PACKED_BITS:
            return _PACKED_BITS[self]
        dtype = self.numpy
        return None if dtype is None else dtype.itemsize * 8

    @property
    def short(self) -> str:
        """The abbreviation of the text form: ``i8``, ``f32``."""
        name = self.name.lower()
        for word, letter in (("uint", "u"), ("int", "i"), ("float", "f"), ("complex", "c")):
            if name.startswith(word):
                return letter + name.removeprefix(word)
        return name

    def size_bytes(self, elements: int) -> int | None:
        """Bytes that ``elements`` take, packed types rounded up to a byte."""
        bits = self.bits
        return None if bits is None else (elements * bits + 7) // 8


_PACKED_BITS = {DType.INT4: 4, DType.UINT4: 4, DType.INT2: 2}
_NAMES = {
    DType.FLOAT32: "<f4",
    DType.FLOAT16: "<f2",
    DType.INT32: "<i4",
    DType.UINT8: "u1",
    DType.INT64: "<i8",
    DType.BOOL: "?",
    DType.INT16: "<i2",
    DType.COMPLEX64: "<c8",
    DType.INT8: "i1",
    DType.FLOAT64: "<f8",
    DType.COMPLEX128: "<c16",
    DType.UINT64: "<u8",
    DType.UINT32: "<u4",
    DType.UINT16: "<u2",
    DType.BFLOAT16: "<u2",
    DType.FLOAT8_E4M3FN: "u1",
    DType.FLOAT8_E5M2: "u1",
}
_NUMPY: dict[DType, np.dtype[np.generic]] = {
    dtype: np.dtype(name) for dtype, name in _NAMES.items()
}


def dtype_of(array: npt.NDArray[np.generic]) -> DType:
    """The element type of a NumPy array.

    Raises:
        KeyError: the schema has no such type.
    """
    name = array.dtype.newbyteorder("<")
    for dtype in DType:
        if dtype.numpy is not None and dtype.numpy == name:  # NumPy takes None for float64
            return dtype
    raise KeyError(str(array.dtype))


class Padding(Code):
    """How a window pads at the border."""

    SAME = 0
    VALID = 1


class Activation(Code):
    """The activation that is fused into an operator."""

    NONE = 0
    RELU = 1
    RELU_N1_TO_1 = 2
    RELU6 = 3
    TANH = 4
    SIGN_BIT = 5
