"""TensorFlow to int8 .tflite, with a fixed batch of one unless a model asks for another."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator

import numpy as np
import tensorflow as tf
from tensorflow import keras

from .conditioning import Array, Samples


class Scheme(enum.Enum):
    """What the activations are quantized to; weights are int8 in both."""

    INT8 = "int8"
    INT16 = "int16"


Feed = list[Array] | dict[str, Array]


def convert(model: keras.Model, samples: Samples, scheme: Scheme = Scheme.INT8) -> bytes:
    """Convert with batch one: without it, shape arithmetic would stay in the graph."""
    specs = [
        tf.TensorSpec((1, *tensor.shape[1:]), tf.float32, name=tensor.name)
        for tensor in model.inputs
    ]

    @tf.function(input_signature=specs)
    def serve(*tensors: tf.Tensor) -> tf.Tensor:
        return model(tensors if len(tensors) > 1 else tensors[0], training=False)

    concrete = serve.get_concrete_function()
    # Keras 3 keeps its variables where the converter cannot freeze them: hand over the real ones.
    owner = tf.Module()
    owner.kept = [variable.value for variable in model.variables]
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], owner)
    return quantize(converter, samples, scheme)


def convert_dynamic(model: keras.Model, samples: Samples) -> bytes:
    """Convert as most people do: the batch stays dynamic in the shape signature."""
    return quantize(tf.lite.TFLiteConverter.from_keras_model(model), samples)


def quantize(
    converter: tf.lite.TFLiteConverter, samples: Samples, scheme: Scheme = Scheme.INT8
) -> bytes:
    """Run full-integer quantization; every input and output is an integer tensor."""
    return quantize_with(converter, representative(samples), scheme)


def quantize_with(
    converter: tf.lite.TFLiteConverter,
    dataset: Callable[[], Iterator[object]],
    scheme: Scheme = Scheme.INT8,
) -> bytes:
    """The same from a data set in the converter's own form, as several signatures need it."""
    operators = {
        Scheme.INT8: tf.lite.OpsSet.TFLITE_BUILTINS_INT8,
        Scheme.INT16: tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8,
    }
    boundary = {Scheme.INT8: tf.int8, Scheme.INT16: tf.int16}
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_ops = [operators[scheme]]
    converter.representative_dataset = dataset
    converter.inference_input_type = boundary[scheme]
    converter.inference_output_type = boundary[scheme]
    return bytes(converter.convert())


def representative(samples: Samples) -> Callable[[], Iterator[Feed]]:
    """The calibration data one sample at a time; several inputs go by name."""

    def data() -> Iterator[Feed]:
        if isinstance(samples, np.ndarray):
            for sample in samples:
                yield [sample[np.newaxis].astype(np.float32)]
            return
        for row in zip(*samples.values(), strict=True):
            yield {
                name: sample[np.newaxis].astype(np.float32)
                for name, sample in zip(samples, row, strict=True)
            }

    return data
