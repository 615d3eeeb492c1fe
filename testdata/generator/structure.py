"""Networks that differ by their graph: groups, dilation, branches, skips and upsampling."""

from __future__ import annotations

import tensorflow as tf
from tensorflow import keras

from .conditioning import Samples, condition, signals, start
from .conversion import convert

layers = keras.layers


def grouped_conv() -> bytes:
    """Convolutions with 4, 16 and 8 groups; those with 16 are depthwise, once with a multiplier."""
    rng = start(401)
    inputs = keras.Input((16, 16, 4))
    x = layers.ReLU()(layers.Conv2D(16, 3, padding="same")(inputs))
    x = layers.ReLU()(layers.Conv2D(16, 3, padding="same", groups=4)(x))
    x = layers.ReLU()(layers.Conv2D(16, 3, padding="same", groups=16)(x))
    x = layers.ReLU()(layers.Conv2D(32, 3, strides=2, padding="same", groups=16)(x))
    x = layers.ReLU()(layers.Conv2D(32, 1, groups=8)(x))
    outputs = layers.Dense(6)(layers.GlobalAveragePooling2D()(x))
    return _finish(keras.Model(inputs, outputs), signals(rng, (16, 16, 4)))


def dilated_conv2d() -> bytes:
    """Dilated convolutions in two dimensions, plain and depthwise."""
    rng = start(402)
    inputs = keras.Input((20, 20, 2))
    x = layers.ReLU()(layers.Conv2D(12, 3, padding="same")(inputs))
    x = layers.ReLU()(layers.Conv2D(12, 3, padding="same", dilation_rate=2)(x))
    x = layers.ReLU()(layers.DepthwiseConv2D(3, padding="same", dilation_rate=2)(x))
    x = layers.ReLU()(layers.Conv2D(12, 3, padding="valid", dilation_rate=4)(x))
    outputs = layers.Dense(6)(layers.GlobalAveragePooling2D()(x))
    return _finish(keras.Model(inputs, outputs), signals(rng, (20, 20, 2)))


class ToBatch(layers.Layer):
    """Move blocks of 2x2 pixels into the batch."""

    def call(self, x: tf.Tensor) -> tf.Tensor:
        return tf.space_to_batch(x, [2, 2], [[0, 0], [0, 0]])


class FromBatch(layers.Layer):
    """Undo ``ToBatch``."""

    def call(self, x: tf.Tensor) -> tf.Tensor:
        return tf.batch_to_space(x, [2, 2], [[0, 0], [0, 0]])


def space_to_batch() -> bytes:
    """Dilation spelled out; two convolutions between the operators stop the converter's fusion."""
    rng = start(409)
    inputs = keras.Input((16, 16, 2))
    x = layers.ReLU()(layers.Conv2D(8, 3, padding="same")(inputs))
    x = ToBatch()(x)
    for _ in range(2):
        x = layers.ReLU()(layers.Conv2D(8, 3, padding="same")(x))
    x = FromBatch()(x)
    outputs = layers.Dense(4)(layers.GlobalAveragePooling2D()(x))
    return _finish(keras.Model(inputs, outputs), signals(rng, (16, 16, 2)))


def inception() -> bytes:
    """Four branches joined by a concatenation, twice."""
    rng = start(403)
    inputs = keras.Input((20, 20, 3))
    x = layers.ReLU()(layers.Conv2D(16, 3, strides=2, padding="same")(inputs))
    for _ in range(2):
        x = _inception_block(x)
    x = layers.MaxPooling2D(2)(x)
    outputs = layers.Softmax()(layers.Dense(8)(layers.GlobalAveragePooling2D()(x)))
    return _finish(keras.Model(inputs, outputs), signals(rng, (20, 20, 3)))


def _inception_block(x: keras.KerasTensor) -> keras.KerasTensor:
    point = layers.ReLU()(layers.Conv2D(8, 1)(x))
    square = layers.ReLU()(layers.Conv2D(8, 1)(x))
    square = layers.ReLU()(layers.Conv2D(12, 3, padding="same")(square))
    wide = layers.ReLU()(layers.Conv2D(4, 1)(x))
    wide = layers.ReLU()(layers.Conv2D(8, 5, padding="same")(wide))
    pooled = layers.MaxPooling2D(3, strides=1, padding="same")(x)
    pooled = layers.ReLU()(layers.Conv2D(4, 1)(pooled))
    return layers.Concatenate()([point, square, wide, pooled])


def two_inputs_three_outputs() -> bytes:
    """A picture and a vector in; classes, a score and a feature map out."""
    rng = start(404)
    picture, vector = keras.Input((16, 16, 3), name="picture"), keras.Input((10,), name="vector")
    x = layers.ReLU()(layers.Conv2D(12, 3, strides=2, padding="same")(picture))
    features = layers.Conv2D(8, 3, padding="same")(x)
    pooled = layers.GlobalAveragePooling2D()(layers.ReLU()(features))
    code = layers.ReLU()(layers.Dense(16)(vector))
    joined = layers.ReLU()(layers.Dense(24)(layers.Concatenate()([pooled, code])))
    classes = layers.Softmax()(layers.Dense(5)(joined))
    score = layers.Activation("sigmoid")(layers.Dense(1)(joined))
    model = keras.Model([picture, vector], [classes, score, features])
    samples = {"picture": signals(rng, (16, 16, 3)), "vector": signals(rng, (10,))}
    return _finish(model, samples)


def unet() -> bytes:
    """Two levels down and up again: once by a transposed convolution, once by resizing."""
    rng = start(405)
    inputs = keras.Input((32, 32, 1))
    fine = _conv_pair(inputs, 8)
    middle = _conv_pair(layers.MaxPooling2D(2)(fine), 12)
    x = _conv_pair(layers.MaxPooling2D(2)(middle), 16)
    x = layers.Conv2DTranspose(12, 3, strides=2, padding="same")(x)
    x = _conv_pair(layers.Concatenate()([layers.ReLU()(x), middle]), 12)
    x = layers.Resizing(32, 32, interpolation="nearest")(x)
    x = _conv_pair(layers.Concatenate()([x, fine]), 8)
    outputs = layers.Conv2D(3, 1)(x)
    return _finish(keras.Model(inputs, outputs), signals(rng, (32, 32, 1)))


def _conv_pair(x: keras.KerasTensor, filters: int) -> keras.KerasTensor:
    for _ in range(2):
        x = layers.ReLU()(layers.Conv2D(filters, 3, padding="same")(x))
    return x


def upsampling1d() -> bytes:
    """A decoder on UpSampling1D, which the converter spells with helper operators."""
    rng = start(406)
    x = inputs = keras.Input((16, 6))
    for filters in (16, 12):
        x = layers.ReLU()(layers.Conv1D(filters, 3, padding="same")(x))
        x = layers.UpSampling1D(2)(x)
    outputs = layers.Conv1D(4, 3, padding="same")(x)
    return _finish(keras.Model(inputs, outputs), signals(rng, (16, 6)))


class RepeatSteps(layers.Layer):
    """Upsample by two as Keras 2 did: one slice per step, each concatenated twice."""

    def call(self, x: tf.Tensor) -> tf.Tensor:
        steps = tf.split(x, x.shape[1], axis=1)
        return tf.concat([step for step in steps for _ in range(2)], axis=1)


def upsampling1d_split() -> bytes:
    """A decoder on the former UpSampling1D, which becomes SPLIT and CONCATENATION.

    Five steps, since TFLM concatenates at most ten tensors.
    """
    rng = start(410)
    inputs = keras.Input((5, 6))
    x = layers.ReLU()(layers.Conv1D(16, 3, padding="same")(inputs))
    x = RepeatSteps()(x)
    x = layers.ReLU()(layers.Conv1D(12, 3, padding="same")(x))
    outputs = layers.Conv1D(4, 3, padding="same")(x)
    return _finish(keras.Model(inputs, outputs), signals(rng, (5, 6)))


def transposed_separable1d() -> bytes:
    """SeparableConv1D down, Conv1DTranspose up again."""
    rng = start(407)
    inputs = keras.Input((32, 4))
    x = layers.ReLU()(layers.Conv1D(12, 3, padding="same")(inputs))
    x = layers.ReLU()(layers.SeparableConv1D(16, 5, padding="same")(x))
    x = layers.MaxPooling1D(2)(x)
    x = layers.ReLU()(layers.Conv1DTranspose(12, 4, strides=2, padding="same")(x))
    outputs = layers.SeparableConv1D(4, 3, padding="same")(x)
    return _finish(keras.Model(inputs, outputs), signals(rng, (32, 4)))


def squeeze_excite() -> bytes:
    """A MobileNetV3 block: hard-swish, a gate by MEAN and broadcast MUL, bilinear resizing."""
    rng = start(408)
    inputs = keras.Input((24, 24, 3))
    x = layers.Activation("hard_swish")(layers.Conv2D(16, 3, strides=2, padding="same")(inputs))
    y = layers.Activation("hard_swish")(layers.DepthwiseConv2D(5, padding="same")(x))
    gate = layers.GlobalAveragePooling2D(keepdims=True)(y)
    gate = layers.ReLU()(layers.Conv2D(8, 1)(gate))
    gate = layers.Activation("hard_sigmoid")(layers.Conv2D(16, 1)(gate))
    x = layers.Add()([x, layers.Conv2D(16, 1)(layers.Multiply()([y, gate]))])
    x = layers.LeakyReLU(negative_slope=0.1)(x)
    x = layers.UpSampling2D(2, interpolation="bilinear")(x)
    outputs = layers.Conv2D(4, 1)(layers.PReLU(shared_axes=[1, 2])(x))
    return _finish(keras.Model(inputs, outputs), signals(rng, (24, 24, 3)))


def _finish(model: keras.Model, samples: Samples) -> bytes:
    condition(model, samples)
    return convert(model, samples)
