"""What TFLM's float kernels compute of elements, by operator."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tflopt.arith import c_library, floating
from tflopt.arith.fixed_point import Singles
from tflopt.ir import Activation, OpCode

BINARY: dict[OpCode, Callable[[Singles, Singles, Activation], Singles]] = {
    OpCode.ADD: floating.add,
    OpCode.SUB: floating.sub,
    OpCode.MUL: floating.mul,
}
EXTREMES: dict[OpCode, Callable[[Singles, Singles], Singles]] = {
    OpCode.MAXIMUM: lambda a, b: np.where(a > b, a, b),
    OpCode.MINIMUM: lambda a, b: np.where(a < b, a, b),
}
UNARY: dict[OpCode, Callable[[Singles], Singles]] = {
    OpCode.RELU: floating.relu,
    OpCode.RELU6: floating.relu6,
    OpCode.HARD_SWISH: floating.hard_swish,
    OpCode.ABS: np.abs,
    OpCode.NEG: np.negative,
}
BOUNDED: dict[OpCode, Callable[[Singles, c_library.End], Singles]] = {
    OpCode.LOGISTIC: c_library.logistic,
    OpCode.TANH: c_library.tanh,
    OpCode.EXP: c_library.exp,
    OpCode.ELU: c_library.elu,
}
"""Left to the device's C library, and known by the ends of a range."""
MONOTONE = frozenset({OpCode.ADD, OpCode.SUB, OpCode.RELU, OpCode.RELU6, *EXTREMES})
"""Increasing or decreasing in each input, so that a range of floats is known by its ends."""
