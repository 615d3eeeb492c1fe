"""Operators of one input, as kernels under test."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from tests.arith.draws import affine, every_int8, pair, scales
from tests.arith.slots import Array, Drawn, Kernel, Numbers, Slot
from tflopt.arith import floating, unary
from tflopt.arith.affine import Affine, Precision
from tflopt.ir import DType, OpCode, Quantization, Value
from tflopt.ir.options import (
    AbsOptions,
    DequantizeOptions,
    HardSwishOptions,
    LeakyReluOptions,
    Options,
    QuantizeOptions,
)

Rng = np.random.Generator
LOGISTIC_OUTPUT = Quantization.per_tensor(1 / 256, -128)
TANH_OUTPUT = Quantization.per_tensor(1 / 128, 0)


def _all_int8(_: Rng) -> list[Array]:
    return [every_int8()]


def _draw_pair(rng: Rng, count: int) -> Drawn:
    source, target = pair(rng, count)
    return Drawn({"source": source, "target": target}, {})


def _draw_leaky(rng: Rng, count: int) -> Drawn:
    source, target = pair(rng, count, (-25.0, 15.0))
    alpha = rng.uniform(-2.0, 2.0, (count, 1)) * 2.0 ** rng.integers(-6, 4, (count, 1))
    return Drawn({"source": source, "target": target}, {"alpha": alpha.astype(np.float32)})


def _draw_float_leaky(rng: Rng, count: int) -> Drawn:
    drawn = _draw_leaky(rng, count)
    return Drawn({"source": drawn.affine["source"]}, drawn.numbers)


def _draw_source(low: float, high: float) -> Callable[[Rng, int], Drawn]:
    def draw(rng: Rng, count: int) -> Drawn:
        return Drawn({"source": affine(rng, scales(rng, count, low, high))}, {})

    return draw


def _draw_hard_swish(rng: Rng, count: int) -> Drawn:
    source, target = pair(rng, count, (-6.9, 6.9), 6.0)
    return Drawn({"source": source, "target": target}, {})


def _draw_integers(low: int, high: int) -> Callable[[Rng, int], Drawn]:
    """The ratio stays so small that no int16 leaves 32 bits."""

    def draw(rng: Rng, count: int) -> Drawn:
        source, target = pair(rng, count, (-33.0, 13.0))
        zero = rng.integers(low, high + 1, source.zero_point.shape)
        return Drawn({"source": Affine(source.scale, zero), "target": target}, {})

    return draw


def _build(
    code: OpCode, options: Options | None = None, output: Quantization | None = None
) -> Callable[[Slot], Value]:
    def build(slot: Slot) -> Value:
        source = slot.relabel(0, "source")
        target = output or slot.quant("target")
        return slot.net.op(code, [source], source.shape, options=options, quant=target)

    return build


def _build_leaky(slot: Slot) -> Value:
    source = slot.relabel(0, "source")
    options = LeakyReluOptions(alpha=slot.number("alpha"))
    target = slot.quant("target")
    return slot.net.op(OpCode.LEAKY_RELU, [source], source.shape, options=options, quant=target)


def _build_relu6(slot: Slot) -> Value:
    source = slot.relabel(0, "source")
    return slot.net.op(OpCode.RELU6, [source], source.shape, quant=slot.quant("source"))


def _build_quantize(dtype: DType) -> Callable[[Slot], Value]:
    def build(slot: Slot) -> Value:
        feed = slot.feeds[0]
        source = feed if feed.dtype is DType.FLOAT32 else slot.relabel(0, "source")
        options, target = QuantizeOptions(), slot.quant("target")
        return slot.net.op(
            OpCode.QUANTIZE, [source], feed.shape, options=options, quant=target, dtype=dtype
        )

    return build


def _build_dequantize(slot: Slot) -> Value:
    source = slot.relabel(0, "source")
    options = DequantizeOptions()
    return slot.net.op(
        OpCode.DEQUANTIZE, [source], source.shape, options=options, dtype=DType.FLOAT32
    )


def _dequantized(code: OpCode, options: Options | None = None) -> Callable[[Slot], Value]:
    """A float operator on dequantized numbers."""

    def build(slot: Slot) -> Value:
        real = _build_dequantize(slot)
        return slot.net.op(code, [real], real.shape, options=options)

    return build


def _float_leaky(slot: Slot) -> Value:
    real = _build_dequantize(slot)
    options = LeakyReluOptions(alpha=slot.number("alpha"))
    return slot.net.op(OpCode.LEAKY_RELU, [real], real.shape, options=options)


def _expect(model: Callable[..., Array], *roles: str) -> Callable[[Drawn, list[Array]], Array]:
    def expect(drawn: Drawn, feeds: list[Array]) -> Array:
        numbers: Numbers = drawn.numbers
        values = [drawn.affine[r] if r in drawn.affine else numbers[r] for r in roles]
        return np.asarray(model(feeds[0].astype(np.int64)[None], *values))

    return expect


def _quantize_to(low: int, high: int) -> Callable[..., Array]:
    def model(q: Array, source: Affine, target: Affine) -> Array:
        return unary.requantize(q.astype(np.int64), source, target, low, high)

    return model


def _on_floats(function: Callable[..., Array]) -> Callable[..., Array]:
    def model(q: Array, source: Affine, *rest: float) -> Array:
        return function(floating.dequantize(q.astype(np.int64), source), *rest)

    return model


def _floats(rng: Rng) -> list[Array]:
    exponents = rng.uniform(-12.0, 6.0, 256)
    return [(rng.choice([-1.0, 1.0], 256) * 2.0**exponents).astype(np.float32)]


def _expect_float_quantize(drawn: Drawn, feeds: list[Array]) -> Array:
    return floating.quantize(feeds[0].astype(np.float32)[None], drawn.affine["target"])


def _draw_target(rng: Rng, count: int) -> Drawn:
    return Drawn({"target": affine(rng, scales(rng, count))}, {})


def _int16s(rng: Rng) -> list[Array]:
    values = rng.integers(-32768, 32768, 256)
    values[:3] = (-32768, 32767, 0)
    return [values.astype(np.int16)]


BOTH = ("source", "target")


def unary_in(precision: Precision) -> list[Kernel]:
    """Operators whose multipliers depend on the precision in which scales are divided."""

    def name(code: str) -> str:
        return f"{code} ({precision.value})"

    def expect(model: Callable[..., Array], *roles: str) -> Callable[[Drawn, list[Array]], Array]:
        return _expect(partial(model, precision=precision), *roles)

    swish = _build(OpCode.HARD_SWISH, HardSwishOptions())
    return [
        Kernel(name("RELU"), _draw_pair, _all_int8, _build(OpCode.RELU),
               expect(unary.relu, *BOTH)),
        Kernel(name("LEAKY_RELU"), _draw_leaky, _all_int8, _build_leaky,
               expect(unary.leaky_relu, *BOTH, "alpha")),
        Kernel(name("ABS"), _draw_pair, _all_int8, _build(OpCode.ABS, AbsOptions()),
               expect(unary.absolute, *BOTH)),
        Kernel(name("HARD_SWISH"), _draw_hard_swish, _all_int8, swish,
               expect(unary.hard_swish, *BOTH)),
    ]  # fmt: skip


WIDE = _draw_source(-20.0, 4.0)
UNARY = [
    Kernel("QUANTIZE int8 to int8", _draw_pair, _all_int8, _build_quantize(DType.INT8),
           _expect(unary.requantize, *BOTH)),
    Kernel("QUANTIZE int8 to int16", _draw_pair, _all_int8, _build_quantize(DType.INT16),
           _expect(_quantize_to(-32768, 32767), *BOTH)),
    Kernel("QUANTIZE int16 to int8", _draw_integers(0, 0), _int16s, _build_quantize(DType.INT8),
           _expect(unary.requantize, *BOTH)),
    Kernel("QUANTIZE int16 to int16", _draw_integers(-99, 99), _int16s,
           _build_quantize(DType.INT16), _expect(_quantize_to(-32768, 32767), *BOTH)),
    Kernel("QUANTIZE float to int8", _draw_target, _floats, _build_quantize(DType.INT8),
           _expect_float_quantize),
    Kernel("DEQUANTIZE", WIDE, _all_int8, _build_dequantize,
           _expect(floating.dequantize, "source")),
    Kernel("RELU6", WIDE, _all_int8, _build_relu6, _expect(unary.relu6, "source")),
    Kernel("LOGISTIC", _draw_source(-20.0, 2.0), _all_int8,
           _build(OpCode.LOGISTIC, output=LOGISTIC_OUTPUT), _expect(unary.logistic, "source")),
    Kernel("TANH", _draw_source(-20.0, 2.0), _all_int8,
           _build(OpCode.TANH, output=TANH_OUTPUT), _expect(unary.tanh, "source")),
    Kernel("ELU", _draw_hard_swish, _all_int8, _build(OpCode.ELU), _expect(unary.elu, *BOTH)),
    Kernel("float RELU", WIDE, _all_int8, _dequantized(OpCode.RELU),
           _expect(_on_floats(floating.relu), "source")),
    Kernel("float RELU6", WIDE, _all_int8, _dequantized(OpCode.RELU6),
           _expect(_on_floats(floating.relu6), "source")),
    Kernel("float LEAKY_RELU", _draw_float_leaky, _all_int8, _float_leaky,
           _expect(_on_floats(floating.leaky_relu), "source", "alpha")),
    Kernel("float HARD_SWISH", WIDE, _all_int8,
           _dequantized(OpCode.HARD_SWISH, HardSwishOptions()),
           _expect(_on_floats(floating.hard_swish), "source")),
]  # fmt: skip
