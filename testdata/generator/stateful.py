"""Networks with memory: resource variables, a fused LSTM, a GRU cell."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
import tf_keras
from tensorflow import keras

from .conditioning import Array, condition, signals, start
from .conversion import convert, quantize

layers = keras.layers

FRAME = 4
CHANNELS = 8
HISTORY = 4  # frames that a kernel of width five needs besides the new one
FRAMES = tf.TensorSpec((1, FRAME, 1, CHANNELS), tf.float32, name="frames")


class Streaming(tf.Module):
    """Two convolutions over a stream of frames; each keeps the frames its next window needs."""

    def __init__(self, rng: np.random.Generator) -> None:
        super().__init__()
        self.kernels = [tf.constant(_kernel(rng, CHANNELS)) for _ in range(2)]
        self.biases = [tf.constant(rng.normal(0, 0.3, CHANNELS), tf.float32) for _ in range(2)]
        self.states = [
            tf.Variable(tf.zeros((1, HISTORY, 1, CHANNELS)), name=f"state{layer}")
            for layer in range(2)
        ]

    @tf.function(input_signature=[FRAMES])
    def push(self, frames: tf.Tensor) -> tf.Tensor:
        """Take ``FRAME`` new frames, give as many outputs."""
        x = frames
        for kernel, bias, state in zip(self.kernels, self.biases, self.states, strict=True):
            window = tf.concat([state.read_value(), x], axis=1)
            state.assign(window[:, FRAME:])
            x = tf.nn.relu(tf.nn.conv2d(window, kernel, 1, "VALID") + bias)
        return x


def _kernel(rng: np.random.Generator, channels: int) -> Array:
    taps = HISTORY + 1
    spread = np.sqrt(2.0 / (taps * channels))
    return rng.normal(0.0, spread, (taps, 1, channels, channels)).astype(np.float32)


def streaming_variables() -> bytes:
    """State in VAR_HANDLE, READ_VARIABLE and ASSIGN_VARIABLE."""
    rng = start(601)
    module = Streaming(rng)
    samples = signals(rng, (FRAME, 1, CHANNELS))
    concrete = module.push.get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], module)
    converter.experimental_enable_resource_variables = True
    return quantize(converter, samples)


def lstm() -> bytes:
    """An LSTM that the converter fuses into one operator, and a dense layer on its last step.

    It is the former Keras's: with Keras 3's, the converter of TensorFlow 2.20 crashes.
    """
    rng = start(602)
    tf_keras.utils.set_random_seed(602)
    inputs = tf_keras.Input((12, 8), batch_size=1)
    outputs = tf_keras.layers.Dense(5)(tf_keras.layers.LSTM(16)(inputs))
    model = tf_keras.Model(inputs, outputs)
    for variable in model.trainable_variables:  # initial weights hardly move the state
        variable.assign(variable * 1.7 + rng.normal(0.0, 0.1, variable.shape))

    @tf.function(input_signature=[tf.TensorSpec((1, 12, 8), tf.float32, name="steps")])
    def serve(steps: tf.Tensor) -> tf.Tensor:
        return model(steps, training=False)

    concrete = serve.get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], model)
    return quantize(converter, signals(rng, (12, 8)))


def gru_unrolled() -> bytes:
    """A GRU unrolled over six steps: FULLY_CONNECTED, LOGISTIC, TANH and broadcast arithmetic."""
    rng = start(603)
    inputs = keras.Input((6, 6))
    outputs = layers.Dense(4)(layers.GRU(10, unroll=True)(inputs))
    model = keras.Model(inputs, outputs)
    samples = signals(rng, (6, 6))
    condition(model, samples)
    return convert(model, samples)
