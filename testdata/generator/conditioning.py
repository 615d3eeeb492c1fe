"""Random networks that behave like trained ones: every layer has a sensible spread."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tensorflow import keras

Array = npt.NDArray[np.float32]

Samples = Array | dict[str, Array]  # several inputs go by name

SAMPLES = 64
_KERNELS = (
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.DepthwiseConv2D,
    keras.layers.Conv1DTranspose,
    keras.layers.Conv2DTranspose,
    keras.layers.Dense,
)


def start(seed: int) -> np.random.Generator:
    """Reset every source of randomness and return a generator for the data."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
    return np.random.default_rng(seed)


def signals(rng: np.random.Generator, shape: Sequence[int], count: int = SAMPLES) -> Array:
    """Samples in [-1, 1]: half white noise, half slowly varying with their own amplitude.

    The white half reaches both ends, so a uniformly random int8 input looks like calibration data.
    """
    white = rng.uniform(-1.0, 1.0, (count, *shape))
    smooth = np.cumsum(white, axis=1)
    smooth /= np.abs(smooth).reshape(count, -1).max(axis=1).reshape(-1, *[1] * len(shape))
    amplitude = rng.uniform(0.3, 1.0, (count, *[1] * len(shape)))
    odd = np.arange(count).reshape(-1, *[1] * len(shape)) % 2 == 1
    return np.where(odd, white, smooth * amplitude).astype(np.float32)


def condition(model: keras.Model, samples: Samples, seed: int = 0) -> None:
    """Scale each kernel so that its layer's output has unit spread and a small random offset.

    Batch normalization gets the statistics of what really enters it, and a random gamma and beta.
    Activations must be layers of their own: the spread is that before the activation.
    """
    rng = np.random.default_rng(seed)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            _condition_batch_norm(model, layer, samples, rng)
        elif isinstance(layer, _KERNELS):
            _condition_kernel(model, layer, samples, rng)


def _at(model: keras.Model, tensor: keras.KerasTensor, samples: Samples) -> Array:
    feed = list(samples.values()) if isinstance(samples, dict) else [samples]
    values = keras.Model(model.inputs, tensor)(feed, training=False)
    return np.asarray(values, dtype=np.float32)


def _condition_batch_norm(
    model: keras.Model,
    layer: keras.layers.BatchNormalization,
    samples: Samples,
    rng: np.random.Generator,
) -> None:
    values = _at(model, layer.input, samples)
    axes = tuple(range(values.ndim - 1))
    mean, variance = values.mean(axis=axes), values.var(axis=axes)
    layer.moving_mean.assign(mean)
    layer.moving_variance.assign(np.maximum(variance, 1e-4))
    layer.gamma.assign(rng.uniform(0.7, 1.3, mean.shape))
    layer.beta.assign(rng.normal(0.0, 0.3, mean.shape))


def _condition_kernel(
    model: keras.Model,
    layer: keras.layers.Layer,
    samples: Samples,
    rng: np.random.Generator,
) -> None:
    values = _at(model, layer.output, samples)
    axes = tuple(range(values.ndim - 1))
    spread = np.maximum(values.std(axis=axes), 1e-3)
    gain = rng.uniform(0.7, 1.3, spread.shape) / spread
    layer.kernel.assign(layer.kernel.numpy() * _along_outputs(layer, gain))
    if layer.bias is not None:
        offset = rng.normal(0.0, 0.3, spread.shape) - values.mean(axis=axes) * gain
        layer.bias.assign(offset)


def _along_outputs(layer: keras.layers.Layer, gain: Array) -> Array:
    """Reshape one gain per output channel so that it multiplies the kernel."""
    if isinstance(layer, keras.layers.DepthwiseConv2D):
        return gain.reshape(layer.kernel.shape[2:])
    if isinstance(layer, keras.layers.Conv1DTranspose | keras.layers.Conv2DTranspose):
        return gain[:, np.newaxis]  # their kernels are (..., outputs, inputs)
    return gain
