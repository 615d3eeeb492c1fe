"""Features of the dense layers: vector by matrix products, and what recurrent layers add.

Sources: CMSIS-NN arm_fully_connected{,_per_channel}_s8.c, arm_batch_matmul_s8.c, arm_svdf_s8.c,
arm_lstm_unidirectional_s8.c, arm_nn_vec_mat_mult_t_s8.c.
"""

from __future__ import annotations

from math import prod

from tflopt.ir.options import BatchMatMulOptions, UnidirectionalSequenceLSTMOptions
from tflopt.target.cmsis_nn.layers import FullyConnectedLayer, SvdfLayer
from tflopt.target.cortex_m import Isa
from tflopt.target.cost.copies import Features
from tflopt.target.cost.features_convolve import matrix_product
from tflopt.target.cost.spec import LayerSpec, TensorSpec

_ROWS_AT_ONCE = {Isa.MVE: 4, Isa.DSP: 2, Isa.SCALAR: 3}
_BYTES_AT_ONCE = {Isa.MVE: 16, Isa.DSP: 4, Isa.SCALAR: 1}


def vector_product(calls: int, columns: int, depth: int, isa: Isa) -> Features:
    """``arm_nn_vec_mat_mult_t_s8``: several output channels at once, 16, 4 or 1 bytes of depth."""
    blocks, rest = divmod(columns, _ROWS_AT_ONCE[isa])
    width = _BYTES_AT_ONCE[isa]
    steps, ones = (-(-depth // width), 0) if isa is Isa.MVE else divmod(depth, width)
    features: Features = {"vectors": calls, "vectors with a last channel": calls * (rest > 0)}
    for name, count in (("block", calls * blocks), ("last channel", calls * rest)):
        features[f"{name}s"] = count
        features[f"{name} steps"] = count * steps
        features[f"{name} ones"] = count * ones
        features[f"{name}s with ones"] = count * (ones > 0)
    return features


def fully_connected(layer: FullyConnectedLayer, isa: Isa) -> Features:
    """One product for each batch."""
    features = vector_product(layer.batches, layer.output_c, layer.input_c, isa)
    if isa is Isa.MVE and not (layer.constant_weights and layer.constant_bias):
        features["summed channels"] = layer.output_c
        features["summed vectors"] = layer.output_c * -(-layer.input_c // 16)
    return features


def as_1x1(layer: FullyConnectedLayer, isa: Isa) -> Features:
    """A dense layer that runs as a 1x1 convolution; one multiplier is repeated for all."""
    repeated = {"repeated multipliers": 0 if layer.per_channel else layer.output_c}
    return matrix_product(layer.batches, layer.output_c, layer.input_c, isa) | repeated


def batch_matmul(spec: LayerSpec, isa: Isa) -> Features:
    """A product for each row of the left operand; operands are transposed first where asked."""
    lhs, rhs = spec.input(0), spec.input(1)
    shapes = [tensor.shape for tensor in (lhs, rhs, spec.output) if tensor is not None]
    if lhs is None or rhs is None or any(len(shape) < 2 or 0 in shape for shape in shapes):
        return {}
    options = spec.options
    adj_x, adj_y = False, False
    if isinstance(options, BatchMatMulOptions):
        adj_x, adj_y = options.adj_x, options.adj_y
    columns = spec.output.shape[-1]
    depth = lhs.elements // max(1, prod(lhs.shape[:-2]) * spec.output.shape[-2])
    matrices = prod(spec.output.shape[:-2])
    summed = matrices * columns
    return vector_product(spec.output.elements // columns, columns, depth, isa) | {
        "matrices": matrices,
        "summed channels": summed,
        "summed vectors": summed * -(-depth // 16),
        **_turned("left", lhs, adj_x),
        **_turned("right", rhs, not adj_y and not rhs.constant),
    }


def _turned(name: str, operand: TensorSpec, turns: bool) -> Features:
    """The transposition of the last two axes, by TFLM's recursive loop over its output."""
    rows = prod(operand.shape[:-2]) * operand.shape[-1]
    return {
        f"turned {name}": operand.elements if turns else 0,
        f"turned {name} rows": rows if turns else 0,
        f"turned {name} calls": 1 if turns else 0,
    }


def svdf(spec: LayerSpec, layer: SvdfLayer, isa: Isa) -> Features:
    """The state is shifted, the input multiplied into it, then the time weights."""
    data, time = spec.input(0), spec.input(2)
    depth = data.shape[-1] if data is not None else 0
    steps = time.shape[-1] if time is not None and time.shape else 0
    width = 16 if isa is Isa.MVE else 4
    states = layer.batches * layer.filters
    return vector_product(layer.batches, layer.filters, depth, isa) | {
        "states": states,
        "state bytes": states * steps,
        "state vectors": states * -(-steps // width),
        "state rest": 0 if isa is Isa.MVE else states * (steps % 4),
        "outputs": layer.batches * layer.units,
    }


def lstm(spec: LayerSpec, isa: Isa) -> Features:
    """Each time step runs four gates, each two products, then the cell's elementwise part.

    The first step has no hidden state and leaves its product out.
    """
    data, hidden = spec.input(0), spec.input(18)
    if data is None or hidden is None or len(data.shape) != 3:
        return {}
    major = isinstance(spec.options, UnidirectionalSequenceLSTMOptions) and spec.options.time_major
    steps, batches = (data.shape[0], data.shape[1]) if major else (data.shape[1], data.shape[0])
    units = hidden.shape[-1]
    features: Features = {
        "steps": steps,
        "cells": steps * batches * units,
        "gates": steps * batches,
    }
    for depth, times in ((data.shape[-1], steps), (units, steps - 1)):
        for name, count in vector_product(4 * times * batches, units, depth, isa).items():
            features[name] = features.get(name, 0) + count
    return features
