"""Keras Conv1D networks; the converter wraps each convolution into a pair of RESHAPE."""

from __future__ import annotations

from tensorflow import keras

from .conditioning import condition, signals, start
from .conversion import convert

layers = keras.layers


def wav2letter() -> bytes:
    """Twelve convolutions and a softmax over the letters at every step."""
    rng = start(101)
    inputs = keras.Input((48, 20))
    x = layers.ReLU()(layers.Conv1D(32, 7, padding="same")(inputs))
    for width in (5, 5, 5, 5, 5, 3, 3, 3):
        x = layers.ReLU()(layers.Conv1D(32, width, padding="same")(x))
    x = layers.ReLU()(layers.Conv1D(48, 7, padding="same")(x))
    x = layers.ReLU()(layers.Conv1D(48, 1)(x))
    outputs = layers.Softmax()(layers.Conv1D(29, 1)(x))
    model = keras.Model(inputs, outputs)
    samples = signals(rng, (48, 20))
    condition(model, samples)
    return convert(model, samples)


def tcn_causal_dilated() -> bytes:
    """A temporal convolutional network: dilations 1, 2, 4, 8 and a residual around each block."""
    rng = start(102)
    inputs = keras.Input((64, 8))
    x = layers.Conv1D(16, 1)(inputs)
    for dilation in (1, 2, 4, 8):
        x = layers.ReLU()(layers.Add()([x, _causal_block(x, dilation)]))
    x = layers.GlobalAveragePooling1D()(x)
    outputs = layers.Dense(5)(x)
    model = keras.Model(inputs, outputs)
    samples = signals(rng, (64, 8))
    condition(model, samples)
    return convert(model, samples)


def _causal_block(x: keras.KerasTensor, dilation: int) -> keras.KerasTensor:
    for _ in range(2):
        x = layers.Conv1D(16, 3, padding="causal", dilation_rate=dilation)(x)
        x = layers.ReLU()(x)
    return x


def har_cnn() -> bytes:
    """Human activity recognition: three axes of an accelerometer, max pooling, dense layers."""
    rng = start(103)
    inputs = keras.Input((96, 3))
    x = inputs
    for filters in (12, 24, 32):
        x = layers.ReLU()(layers.Conv1D(filters, 5)(x))
        x = layers.MaxPooling1D(2)(x)
    x = layers.ReLU()(layers.Dense(32)(layers.Flatten()(x)))
    outputs = layers.Softmax()(layers.Dense(6)(x))
    model = keras.Model(inputs, outputs)
    samples = signals(rng, (96, 3))
    condition(model, samples)
    return convert(model, samples)


def conv1d_stride2() -> bytes:
    """One layer that CMSIS-NN computes wrongly on MVE: a stride of two along the width."""
    rng = start(104)
    inputs = keras.Input((20, 4))
    model = keras.Model(inputs, layers.Conv1D(6, 5, strides=2, padding="same")(inputs))
    samples = signals(rng, (20, 4))
    condition(model, samples)
    return convert(model, samples)
