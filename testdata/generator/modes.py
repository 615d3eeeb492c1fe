"""Other ways to convert: 16-bit activations, a dynamic batch."""

from __future__ import annotations

from tensorflow import keras

from .conditioning import condition, signals, start
from .conversion import Scheme, convert, convert_dynamic

layers = keras.layers


def int16_activations() -> bytes:
    """A convolutional network with int16 activations, int8 weights and int64 biases."""
    rng = start(501)
    inputs = keras.Input((16, 16, 2))
    x = layers.ReLU()(layers.Conv2D(8, 3, strides=2, padding="same")(inputs))
    x = layers.Add()([x, layers.ReLU()(layers.Conv2D(8, 3, padding="same")(x))])
    x = layers.ReLU()(layers.DepthwiseConv2D(3, padding="same")(x))
    x = layers.MaxPooling2D(2)(x)
    outputs = layers.Dense(5)(layers.Flatten()(x))
    model = keras.Model(inputs, outputs)
    samples = signals(rng, (16, 16, 2))
    condition(model, samples)
    return convert(model, samples, Scheme.INT16)


def dynamic_batch() -> bytes:
    """Straight ``from_keras_model``: -1 for the batch in every shape signature."""
    rng = start(502)
    inputs = keras.Input((12, 12, 3))
    x = layers.ReLU()(layers.Conv2D(8, 3, padding="same")(inputs))
    x = layers.MaxPooling2D(2)(x)
    x = layers.ReLU()(layers.Conv2D(12, 3)(x))
    outputs = layers.Softmax()(layers.Dense(4)(layers.GlobalAveragePooling2D()(x)))
    model = keras.Model(inputs, outputs)
    samples = signals(rng, (12, 12, 3))
    condition(model, samples)
    return convert_dynamic(model, samples)
