"""Networks of dense layers."""

from __future__ import annotations

from tensorflow import keras

from .conditioning import condition, signals, start
from .conversion import convert

layers = keras.layers


def autoencoder() -> bytes:
    """Anomaly detection as in MLPerf Tiny, with a narrower input and a bottleneck of eight."""
    rng = start(301)
    inputs = keras.Input((160,))
    x = inputs
    for units in (64, 64, 64, 8, 64, 64, 64):
        x = layers.Dense(units)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
    model = keras.Model(inputs, layers.Dense(160)(x))
    samples = signals(rng, (160,))
    condition(model, samples)
    return convert(model, samples)
