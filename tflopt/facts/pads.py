"""What PAD and PADV2 do: amounts and value."""

from __future__ import annotations

from dataclasses import dataclass

from tflopt.facts.operators import PADS
from tflopt.ir import DType, Op, Value, same_quantization

Amounts = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Pad:
    """A PAD or PADV2 whose amounts are constant: what rules speak of."""

    op: Op
    source: Value
    amounts: Amounts

    @property
    def output(self) -> Value:
        """The padded tensor."""
        return self.op.output

    @property
    def value(self) -> int | None:
        """The integer that it pads with; None where it isn't known or is a float."""
        return pad_value(self.op)

    @property
    def pads_zero(self) -> bool:
        """Whether it adds what stands for the real 0, and requantizes nothing."""
        return pads_zero(self.op)


def pad_of(op: Op | None) -> Pad | None:
    """The view of a PAD or PADV2; None for other operators, and for computed amounts."""
    if op is None or op.code not in PADS:
        return None
    source, amounts = op.input(0), amounts_of(op)
    return None if source is None or amounts is None else Pad(op, source, amounts)


def pad_above(op: Op) -> Pad | None:
    """The pad whose output is the first input of ``op``."""
    padded = op.input(0)
    return None if padded is None else pad_of(padded.producer)


def amounts_of(op: Op) -> Amounts | None:
    """(before, after) for each axis; None where they are computed, negative or of another rank."""
    numbers = op.ints(1)
    if numbers is None or len(numbers) != 2 * len(op.output.shape):
        return None
    if any(number < 0 for number in numbers):
        return None
    return tuple(zip(numbers[::2], numbers[1::2], strict=True))


def zero_of(value: Value) -> int | None:
    """The integer that stands for the real 0 in a quantized tensor; None in other tensors."""
    if value.dtype not in (DType.INT8, DType.INT16) or value.quant is None:
        return None
    points = value.quant.zero_point
    if not value.quant.is_set or value.quant.is_per_channel or points is None:
        return None
    return int(points[0]) if value.dtype is DType.INT8 or points[0] == 0 else None


def pad_value(op: Op) -> int | None:
    """The integer with which int8 or int16 is padded, None where it isn't known or is a float.

    PAD pads int8 with the output's zero point and int16 with 0 (``cmsis_nn/pad.cc``); PADV2 with
    its third input.
    """
    given = op.input(2)
    if given is None:
        return zero_of(op.output)
    numbers = given.ints()
    if op.output.dtype not in (DType.INT8, DType.INT16) or numbers is None:
        return None
    return numbers[0] if len(numbers) == 1 else None


def pads_zero(op: Op) -> bool:
    """Whether it adds what a convolution takes for 0: nothing is requantized on the way."""
    source = op.input(0)
    if source is None or not same_quantization(source.quant, op.output.quant):
        return False
    value = pad_value(op)
    return value is not None and value == zero_of(op.output)
