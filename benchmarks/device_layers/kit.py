"""Builds the layers of :mod:`benchmarks.device_layers.families` from their numbers."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import permutations
from math import prod, sqrt

import numpy as np

from tests.support.kit import SPREAD, Kit, Quant
from tflopt.ir import Activation, DType, OpCode, Padding, Quantization, Value
from tflopt.ir.options import (
    AddOptions,
    BatchMatMulOptions,
    Conv2DOptions,
    DepthwiseConv2DOptions,
    FullyConnectedOptions,
    MaximumMinimumOptions,
    MulOptions,
    Options,
    PadOptions,
    PadV2Options,
    Pool2DOptions,
    SoftmaxOptions,
    SVDFOptions,
    TransposeConvOptions,
    TransposeOptions,
    UnidirectionalSequenceLSTMOptions,
)

Numbers = Mapping[str, int]
SCALE = 0.05
DENSE_SCALE = 2.0**-4
"""A power of two: the host package multiplies the scales of FULLY_CONNECTED and BATCH_MATMUL in
double precision, TFLM 90b983c in single, and only so both get the same product."""
WIDE = 128
"""Channels of a wide depthwise layer: more than MVE's functions take at once."""
STATE_SCALE = 2.0**-11
GATES = 4


class LayerKit(Kit):
    """One method for each family; each adds its own graph inputs."""

    def feed_numbers(
        self, shape: tuple[int, ...], n: Numbers, key: str = "zero_point", scale: float = SCALE
    ) -> Value:
        """A graph input of int8, or int16 where the family says so."""
        if n.get("s16"):
            return self.input(shape, DType.INT16, (scale / 256, 0))
        return self.input(shape, DType.INT8, (scale, n.get(key, 0)))

    def out_quant(self, n: Numbers) -> Quant:
        """Output parameters: the zero point of another sign than the input's."""
        return (SCALE / 256, 0) if n.get("s16") else (SCALE, -3)

    def layer_weights(
        self, shape: tuple[int, ...], products: int, x: Value, n: Numbers, axis: int
    ) -> Value:
        """Weights from the layer's seed, so that a layer is the same in every pack."""
        rng = np.random.default_rng((n["seed"], 1))
        spread = SPREAD / sqrt(products) * (256 if n.get("s16") else 1)
        base = self.out_quant(n)[0] / _scale(x) * spread / (256 if n.get("s16") else 1)
        single = bool(n.get("per_tensor"))
        scales = base * rng.uniform(0.5, 2.0, 1 if single else shape[axis])
        quant = (
            Quantization.per_tensor(float(scales[0]))
            if single
            else Quantization.per_channel([float(s) for s in scales], axis)
        )
        return self.constant(rng.integers(-127, 128, shape), DType.INT8, quant)

    def layer_bias(self, weights: Value, x: Value, n: Numbers, count: int) -> list[Value]:
        """The bias as a list, empty for a layer without one."""
        if not n.get("bias", 1):
            return []
        assert weights.quant is not None
        assert weights.quant.scale is not None
        rng = np.random.default_rng((n["seed"], 2))
        scales = [float(s) * _scale(x) for s in weights.quant.scale]
        quant = Quantization.per_channel(scales, 0)
        if len(scales) == 1:
            quant = Quantization.per_tensor(scales[0])
        dtype = DType.INT64 if x.dtype is DType.INT16 else DType.INT32
        return [self.constant(rng.integers(-2000, 2001, count), dtype, quant)]

    def make_conv(self, n: Numbers) -> Value:
        """CONV_2D."""
        x = self.feed_numbers(_image(n), n)
        kernel, stride = _pair(n, "kernel"), _pair(n, "stride")
        dilation, padding = _pair(n, "dilation"), _padding(n)
        depth, filters = n["channels"] // n["groups"], n["filters"]
        shape = (filters, *kernel, depth)
        weights = self.layer_weights(shape, prod(kernel) * depth, x, n, 0)
        options = Conv2DOptions(
            padding, stride[1], stride[0], _activation(n), dilation[1], dilation[0]
        )
        out = (x.shape[0], *self.extents(x, kernel, stride, dilation, padding), filters)
        inputs = [x, weights, *self.layer_bias(weights, x, n, filters)]
        return self._emit(OpCode.CONV_2D, inputs, out, options, self.out_quant(n), x.dtype)

    def make_depthwise(self, n: Numbers) -> Value:
        """DEPTHWISE_CONV_2D."""
        numbers = {**n, "channels": WIDE + n["channels"]} if n["wide"] else n
        x = self.feed_numbers(_image(numbers), n)
        kernel, stride = _pair(n, "kernel"), _pair(n, "stride")
        dilation, padding = _pair(n, "dilation"), _padding(n)
        channels = x.shape[3] * n["multiplier"]
        weights = self.layer_weights((1, *kernel, channels), prod(kernel), x, n, 3)
        options = DepthwiseConv2DOptions(
            *(padding, stride[1], stride[0], n["multiplier"], _activation(n)),
            *(dilation[1], dilation[0]),
        )
        out = (x.shape[0], *self.extents(x, kernel, stride, dilation, padding), channels)
        inputs = [x, weights, *self.layer_bias(weights, x, n, channels)]
        code = OpCode.DEPTHWISE_CONV_2D
        return self._emit(code, inputs, out, options, self.out_quant(n), x.dtype)

    def make_transpose_conv(self, n: Numbers) -> Value:
        """TRANSPOSE_CONV; ``more`` rows and columns make the output's size ambiguous."""
        x = self.feed_numbers(_image(n), n)
        kernel, stride, padding = _pair(n, "kernel"), _pair(n, "stride"), _padding(n)
        extents = [
            size * s - more if padding is Padding.SAME else (size - 1) * s + max(k, s)
            for size, k, s, more in zip(x.shape[1:3], kernel, stride, _pair(n, "more"), strict=True)
        ]
        out = (x.shape[0], *extents, n["filters"])
        shape = (n["filters"], *kernel, x.shape[3])
        weights = self.layer_weights(shape, prod(kernel) * x.shape[3], x, n, 0)
        bias = self.layer_bias(weights, x, n, n["filters"])
        options = TransposeConvOptions(padding, stride[1], stride[0])
        inputs = [self.constant(out), weights, x, *bias]
        return self._emit(OpCode.TRANSPOSE_CONV, inputs, out, options, self.out_quant(n), x.dtype)

    def make_dense(self, n: Numbers) -> Value:
        """FULLY_CONNECTED, over steps where there are any."""
        steps = (n["steps"],) if n["steps"] else ()
        x = self.feed_numbers((n["batches"], *steps, n["depth"]), n, scale=DENSE_SCALE)
        weights = self.layer_weights((n["units"], n["depth"]), n["depth"], x, n, 0)
        bias = self.layer_bias(weights, x, n, n["units"])
        options = FullyConnectedOptions(_activation(n), keep_num_dims=bool(steps))
        out = (*x.shape[:-1], n["units"])
        inputs = [x, weights, *bias]
        return self._emit(
            OpCode.FULLY_CONNECTED, inputs, out, options, self.out_quant(n), x.dtype, 5
        )

    def make_add(self, n: Numbers) -> Value:
        """ADD."""
        return self._binary(OpCode.ADD, n)

    def make_mul(self, n: Numbers) -> Value:
        """MUL."""
        return self._binary(OpCode.MUL, n)

    def make_maximum(self, n: Numbers) -> Value:
        """MAXIMUM."""
        return self._binary(OpCode.MAXIMUM, {**n, "other_zero_point": n["zero_point"]})

    def make_minimum(self, n: Numbers) -> Value:
        """MINIMUM."""
        return self._binary(OpCode.MINIMUM, {**n, "other_zero_point": n["zero_point"]})

    def _binary(self, code: OpCode, n: Numbers) -> Value:
        shape = (2, n["height"], n["width"], n["channels"])[4 - n["rank"] :]
        other = {
            0: shape,
            1: (1,) * len(shape),
            2: (*(1,) * (len(shape) - 1), shape[-1]),
            3: (*shape[:-1], 1),
        }[n["broadcast"]]
        x = self.feed_numbers(shape, n)
        y = self.feed_numbers(other, n, "other_zero_point")
        activation = _activation(n)
        options: Options = {
            OpCode.ADD: AddOptions(activation),
            OpCode.MUL: MulOptions(activation),
        }.get(code, MaximumMinimumOptions())
        quant = (_scale(x) * (1 + n["shift"] / 3), 0 if n.get("s16") else -3)
        if code in (OpCode.MAXIMUM, OpCode.MINIMUM):
            quant = (SCALE, n["zero_point"])
        return self._emit(code, [x, y], shape, options, quant, x.dtype, 2)

    def make_average_pool(self, n: Numbers) -> Value:
        """AVERAGE_POOL_2D."""
        return self._pool(OpCode.AVERAGE_POOL_2D, n)

    def make_max_pool(self, n: Numbers) -> Value:
        """MAX_POOL_2D."""
        return self._pool(OpCode.MAX_POOL_2D, n)

    def _pool(self, code: OpCode, n: Numbers) -> Value:
        x = self.feed_numbers(_image(n), n)
        kernel, stride, padding = _pair(n, "kernel"), _pair(n, "stride"), _padding(n)
        options = Pool2DOptions(padding, stride[1], stride[0], kernel[1], kernel[0], _activation(n))
        out = (x.shape[0], *self.extents(x, kernel, stride, (1, 1), padding), x.shape[3])
        return self.op(code, [x], out, options=options, version=2)

    def make_softmax(self, n: Numbers) -> Value:
        """SOFTMAX; int16 gives int16."""
        shape, wide = (n["rows"], n["depth"]), bool(n.get("s16"))
        scale = SCALE * (1 + n["shift"])
        dtype = DType.INT16 if wide else DType.INT8
        x = self.input(shape, dtype, (scale / 256, 0) if wide else (scale, 3))
        quant = (1 / 32768, 0) if wide else (1 / 256, -128)
        return self._emit(OpCode.SOFTMAX, [x], shape, SoftmaxOptions(1.0), quant, dtype, 3)

    def make_pad(self, n: Numbers) -> Value:
        """PAD, or PADV2 with a value."""
        first = 4 - n["rank"]
        shape = _image(n)[first:]
        amounts = [(n[f"before_{axis}"], n[f"after_{axis}"]) for axis in "nhwc"][first:]
        x = self.feed_numbers(shape, n)
        out = tuple(size + sum(pair) for size, pair in zip(shape, amounts, strict=True))
        inputs: list[Value | None] = [x, self.constant(amounts)]
        if n["value"]:
            inputs.append(self.constant([-7], DType.INT8, x.quant))
            return self.op(OpCode.PADV2, inputs, out, options=PadV2Options(), version=2)
        return self.op(OpCode.PAD, inputs, out, options=PadOptions(), version=2)

    def make_transpose(self, n: Numbers) -> Value:
        """TRANSPOSE by one of the permutations of its rank."""
        shape = _image(n)[4 - n["rank"] :]
        orders = list(permutations(range(n["rank"])))
        perm = orders[n["order"] % len(orders)]
        x = self.feed_numbers(shape, n)
        out = tuple(shape[axis] for axis in perm)
        inputs = [x, self.constant(perm)]
        return self.op(OpCode.TRANSPOSE, inputs, out, options=TransposeOptions(), version=2)

    def make_batch_matmul(self, n: Numbers) -> Value:
        """BATCH_MATMUL of two inputs; ``shared``: one right-hand side for all batches."""
        batches, rows, depth, columns = (n[k] for k in ("batches", "rows", "depth", "columns"))
        left = (depth, rows) if n["adj_x"] else (rows, depth)
        right = (columns, depth) if n["adj_y"] else (depth, columns)
        x = self.feed_numbers((batches, *left), n, scale=DENSE_SCALE)
        y = self.feed_numbers((1 if n["shared"] else batches, *right), n, "other_zero_point")
        options = BatchMatMulOptions(bool(n["adj_x"]), bool(n["adj_y"]))
        quant = (SCALE * SCALE * 40 * sqrt(depth), 3)
        out = (batches, rows, columns)
        return self._emit(OpCode.BATCH_MATMUL, [x, y], out, options, quant, x.dtype, 2)

    def make_svdf(self, n: Numbers) -> Value:
        """SVDF with its state."""
        filters = n["units"] * n["rank"]
        x = self.feed_numbers((n["batches"], n["depth"]), n)
        rng = np.random.default_rng((n["seed"], 3))
        feature_scale, time_scale = 0.004, 0.005 if n["state8"] else 0.005 / 256
        state = DType.INT8 if n["state8"] else DType.INT16
        limit = 127 if n["state8"] else 32767
        state_scale = SCALE * feature_scale * 40 * (1 if not n["state8"] else 30)
        weights = self.constant(
            rng.integers(-127, 128, (filters, n["depth"])), DType.INT8, (feature_scale, 0)
        )
        time = self.constant(
            rng.integers(-limit, limit + 1, (filters, n["memory"])), state, (time_scale, 0)
        )
        bias_quant = (state_scale * time_scale, 0)
        bias = self.constant(rng.integers(-500, 501, n["units"]), DType.INT32, bias_quant)
        shape = (n["batches"], n["memory"] * filters)
        memory = self._variable(shape, state, (state_scale, 0))
        inputs = [x, weights, time, bias, memory]
        options = SVDFOptions(rank=n["rank"])
        out = (n["batches"], n["units"])
        return self._emit(OpCode.SVDF, inputs, out, options, (SCALE, -3), DType.INT8, 3)

    def make_lstm(self, n: Numbers) -> Value:
        """UNIDIRECTIONAL_SEQUENCE_LSTM without peepholes, projection and layer norm."""
        batches, steps, depth, units = (n[k] for k in ("batches", "steps", "depth", "units"))
        lead = (steps, batches) if n["time_major"] else (batches, steps)
        x = self.input((*lead, depth), DType.INT8, (SCALE, 3))
        rng = np.random.default_rng((n["seed"], 4))

        def matrix(columns: int) -> Value:
            data = rng.integers(-127, 128, (units, columns))
            return self.constant(data, DType.INT8, (0.01 / sqrt(columns), 0))

        inner = [matrix(depth) for _ in range(GATES)]
        recurrent = [matrix(units) for _ in range(GATES)]
        biases = []
        for weights in inner:
            scale = _scale(weights) * SCALE
            data = rng.integers(-2000, 2001, units)
            biases.append(self.constant(data, DType.INT32, (scale, 0)))
        hidden = self._variable((batches, units), DType.INT8, (1 / 128, 0))
        cell = self._variable((batches, units), DType.INT16, (STATE_SCALE, 0))
        nothing: list[Value | None] = [None]
        inputs = [x, *inner, *recurrent, *nothing * 3, *biases, *nothing * 2, hidden, cell]
        inputs += nothing * 4
        options = UnidirectionalSequenceLSTMOptions(
            Activation.TANH, cell_clip=10.0, time_major=bool(n["time_major"])
        )
        code = OpCode.UNIDIRECTIONAL_SEQUENCE_LSTM
        return self._emit(code, inputs, (*lead, units), options, (1 / 128, 0), DType.INT8, 3)

    def _variable(self, shape: tuple[int, ...], dtype: DType, quant: Quant) -> Value:
        value = self.value(shape, dtype, quant)
        value.is_variable = True
        return value

    def _emit(
        self,
        code: OpCode,
        inputs: list[Value | None] | list[Value],
        shape: tuple[int, ...],
        options: Options,
        quant: Quant,
        dtype: DType,
        version: int = 3,
    ) -> Value:
        return self.op(
            code, inputs, shape, options=options, quant=quant, dtype=dtype, version=version
        )


def _image(n: Numbers) -> tuple[int, ...]:
    return (n["batches"], n["height"], n["width"], n["channels"])


def _pair(n: Numbers, name: str) -> tuple[int, int]:
    return n[f"{name}_h"], n[f"{name}_w"]


def _padding(n: Numbers) -> Padding:
    return Padding.SAME if n["same"] else Padding.VALID


def _activation(n: Numbers) -> Activation:
    choices = (Activation.NONE, Activation.RELU, Activation.RELU6, Activation.RELU_N1_TO_1)
    return choices[n["activation"]]


def _scale(x: Value) -> float:
    assert x.quant is not None
    assert x.quant.scale is not None
    return float(x.quant.scale[0])
