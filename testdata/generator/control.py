"""Several subgraphs or several entry points."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from .conditioning import Array, signals, start
from .conversion import quantize, quantize_with

WIDTH = 8


class Layers(tf.Module):
    """Two random dense layers that the functions below share.

    NumPy arrays become constants where they are used; a tensor would be passed in to a branch,
    and a matrix that is an argument stays float.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        super().__init__()
        spread = np.sqrt(2.0 / WIDTH)
        self.first: Array = rng.normal(0, spread, (WIDTH, WIDTH)).astype(np.float32)
        self.second: Array = rng.normal(0, spread, (WIDTH, WIDTH)).astype(np.float32)


SIGNATURE = [tf.TensorSpec((1, WIDTH), tf.float32, name="x")]


def while_loop() -> bytes:
    """Three turns of a loop around a dense layer: WHILE with a condition and a body subgraph."""
    rng = start(701)
    parts = Layers(rng)

    @tf.function(input_signature=SIGNATURE)
    def serve(x: tf.Tensor) -> tf.Tensor:
        def body(turn: tf.Tensor, y: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            return turn + 1, tf.nn.relu(y @ parts.first) - 0.5 * y

        return tf.while_loop(lambda turn, _: turn < 3, body, (tf.constant(0), x))[1]

    return _convert(serve, parts, rng)


def if_branches() -> bytes:
    """One of two dense layers, chosen by the first input: IF with two subgraphs.

    Not by their sum: LiteRT's reference kernel computes an int8 SUM wrongly here, TFLM's does not.
    The threshold is not zero, which would be quantized with a scale near zero.
    """
    rng = start(702)
    parts = Layers(rng)

    @tf.function(input_signature=SIGNATURE)
    def serve(x: tf.Tensor) -> tf.Tensor:
        return tf.cond(
            x[0, 0] > 0.25,
            lambda: tf.nn.relu(x @ parts.first),
            lambda: x @ parts.second,
        )

    return _convert(serve, parts, rng)


class TwoEntries(tf.Module):
    """An encoder and a decoder that share a weight."""

    def __init__(self, rng: np.random.Generator) -> None:
        super().__init__()
        self.parts = Layers(rng)

    @tf.function(input_signature=SIGNATURE)
    def encode(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"code": tf.nn.relu(x @ self.parts.first)}

    @tf.function(input_signature=SIGNATURE)
    def decode(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"signal": tf.nn.relu(x @ self.parts.second) @ self.parts.first}


def two_signatures() -> bytes:
    """Two signatures, each with its own subgraph, and the constants they have in common."""
    rng = start(703)
    module = TwoEntries(rng)
    samples = signals(rng, (WIDTH,))

    def dataset() -> Iterator[tuple[str, dict[str, Array]]]:
        for sample in samples.astype(np.float32):
            yield "encode", {"x": sample[np.newaxis]}
            yield "decode", {"x": sample[np.newaxis]}

    with tempfile.TemporaryDirectory() as folder:
        entries = {"encode": module.encode, "decode": module.decode}
        tf.saved_model.save(module, folder, signatures=entries)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder, list(entries))
        return quantize_with(converter, dataset)


def _convert(
    serve: tf.types.experimental.GenericFunction, parts: Layers, rng: np.random.Generator
) -> bytes:
    concrete = serve.get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], parts)
    return quantize(converter, signals(rng, (WIDTH,)))
