"""The usual small image and keyword networks, with batch normalization as in training."""

from __future__ import annotations

from tensorflow import keras

from .conditioning import Samples, condition, signals, start
from .conversion import convert

layers = keras.layers


def _normalized(x: keras.KerasTensor, activation: keras.layers.Layer | None) -> keras.KerasTensor:
    x = layers.BatchNormalization()(x)
    return x if activation is None else activation(x)


def _separable(x: keras.KerasTensor, filters: int, stride: int = 1) -> keras.KerasTensor:
    x = layers.DepthwiseConv2D(3, strides=stride, padding="same", use_bias=False)(x)
    x = _normalized(x, layers.ReLU())
    x = layers.Conv2D(filters, 1, use_bias=False)(x)
    return _normalized(x, layers.ReLU())


def ds_cnn() -> bytes:
    """Keyword spotting on 49 frames of 10 coefficients, as in MLPerf Tiny but narrower."""
    rng = start(201)
    inputs = keras.Input((49, 10, 1))
    x = layers.Conv2D(32, (10, 4), strides=2, padding="same", use_bias=False)(inputs)
    x = _normalized(x, layers.ReLU())
    for _ in range(4):
        x = _separable(x, 32)
    x = layers.AveragePooling2D((25, 5))(x)
    outputs = layers.Softmax()(layers.Dense(12)(layers.Flatten()(x)))
    return _finish(keras.Model(inputs, outputs), signals(rng, (49, 10, 1)))


def mobilenet_v1() -> bytes:
    """MobileNetV1 at width 0.25 on 48x48x3, cut to 128 channels so that the file stays small."""
    rng = start(202)
    inputs = keras.Input((48, 48, 3))
    x = layers.Conv2D(8, 3, strides=2, padding="same", use_bias=False)(inputs)
    x = _normalized(x, layers.ReLU(max_value=6.0))
    blocks = ((16, 1), (32, 2), (32, 1), (64, 2), (64, 1), (128, 2), (128, 1), (128, 1), (128, 1))
    for filters, stride in blocks:
        x = _separable(x, filters, stride)
    x = layers.GlobalAveragePooling2D()(x)
    outputs = layers.Softmax()(layers.Dense(4)(x))
    return _finish(keras.Model(inputs, outputs), signals(rng, (48, 48, 3)))


def mobilenet_v2() -> bytes:
    """Inverted residuals with ReLU6 and explicit padding before the strided convolutions.

    One row on each side, as PyTorch pads: the converter would fold Keras's own (0, 1) into SAME.
    """
    rng = start(203)
    inputs = keras.Input((32, 32, 3))
    x = layers.ZeroPadding2D(1)(inputs)
    x = layers.Conv2D(8, 3, strides=2, use_bias=False)(x)
    x = _normalized(x, layers.ReLU(max_value=6.0))
    for filters, stride in ((8, 1), (12, 2), (12, 1), (16, 2), (16, 1), (16, 1)):
        x = _inverted_residual(x, filters, stride)
    x = _normalized(layers.Conv2D(64, 1, use_bias=False)(x), layers.ReLU(max_value=6.0))
    x = layers.GlobalAveragePooling2D()(x)
    return _finish(keras.Model(inputs, layers.Dense(10)(x)), signals(rng, (32, 32, 3)))


def _inverted_residual(x: keras.KerasTensor, filters: int, stride: int) -> keras.KerasTensor:
    shortcut, channels = x, x.shape[-1]
    x = layers.Conv2D(channels * 6, 1, use_bias=False)(x)
    x = _normalized(x, layers.ReLU(max_value=6.0))
    if stride == 2:
        x = layers.ZeroPadding2D(1)(x)
    padding = "same" if stride == 1 else "valid"
    x = layers.DepthwiseConv2D(3, strides=stride, padding=padding, use_bias=False)(x)
    x = _normalized(x, layers.ReLU(max_value=6.0))
    x = _normalized(layers.Conv2D(filters, 1, use_bias=False)(x), None)
    return layers.Add()([shortcut, x]) if stride == 1 and channels == filters else x


def resnet8() -> bytes:
    """MLPerf Tiny's image classification network with half its channels."""
    rng = start(204)
    inputs = keras.Input((32, 32, 3))
    x = _normalized(layers.Conv2D(8, 3, padding="same")(inputs), layers.ReLU())
    for filters, stride in ((8, 1), (16, 2), (32, 2)):
        x = _residual(x, filters, stride)
    x = layers.Flatten()(layers.AveragePooling2D(8)(x))
    outputs = layers.Softmax()(layers.Dense(10)(x))
    return _finish(keras.Model(inputs, outputs), signals(rng, (32, 32, 3)))


def _residual(x: keras.KerasTensor, filters: int, stride: int) -> keras.KerasTensor:
    shortcut = x if stride == 1 else layers.Conv2D(filters, 1, strides=stride)(x)
    x = layers.Conv2D(filters, 3, strides=stride, padding="same")(x)
    x = _normalized(x, layers.ReLU())
    x = _normalized(layers.Conv2D(filters, 3, padding="same")(x), None)
    return layers.ReLU()(layers.Add()([shortcut, x]))


def _finish(model: keras.Model, samples: Samples) -> bytes:
    condition(model, samples)
    return convert(model, samples)
