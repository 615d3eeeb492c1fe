"""Random layers of every operator that has a CMSIS-NN kernel in TFLM.

A layer is a :class:`Spec`: named whole numbers, from which the same layer is built every time.
That is what lets a difference be made smaller, number by number, and be told from the layers that
agree.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from benchmarks.device_layers.kit import LayerKit
from tflopt.ir import Value

Numbers = Mapping[str, int]


@dataclass(frozen=True)
class Spec:
    """One layer: its family, and the numbers that it is built from."""

    family: str
    numbers: tuple[tuple[str, int], ...]

    @property
    def values(self) -> dict[str, int]:
        """The numbers by name."""
        return dict(self.numbers)

    def with_numbers(self, numbers: Numbers) -> Spec:
        """The same family with other numbers."""
        return Spec(self.family, tuple(numbers.items()))

    def __str__(self) -> str:
        return f"{self.family} " + " ".join(f"{name}={value}" for name, value in self.numbers)


@dataclass(frozen=True)
class Family:
    """One operator with its element type.

    Attributes:
        ranges: for each number the values to draw from, simplest first.
        build: adds inputs and the operator, returns its output.
        is_valid: whether TFLM takes such a layer.
    """

    name: str
    ranges: Mapping[str, tuple[int, ...]]
    build: Callable[[LayerKit, Numbers], Value]
    is_valid: Callable[[Numbers], bool] = lambda numbers: True

    def draw(self, rng: random.Random) -> Spec:
        """A random valid layer."""
        while True:
            numbers = {name: rng.choice(values) for name, values in self.ranges.items()}
            numbers["seed"] = rng.randrange(1 << 16)
            if self.is_valid(numbers):
                return Spec(self.name, tuple(numbers.items()))


def window(*, tall: int = 12, kernel: int = 6, channels: int = 24) -> dict[str, tuple[int, ...]]:
    """The numbers of an operator with a window over height and width; rows of one come often."""
    lengths = tuple(range(1, tall + 1))
    return {
        "batches": (1, 1, 1, 2),
        "height": (1, 1, 1, *lengths),
        "width": (*lengths, 17, 20),
        "channels": tuple(range(1, channels + 1)),
        "kernel_h": (1, 1, *range(1, kernel + 1)),
        "kernel_w": tuple(range(1, kernel + 1)),
        "stride_h": (1, 2, 3),
        "stride_w": (1, 2, 3, 4),
        "same": (0, 1),
    }


def window_fits(numbers: Numbers) -> bool:
    """VALID windows lie inside; dilation counts."""
    if numbers["same"]:
        return True
    for axis, size in (("h", "height"), ("w", "width")):
        span = (numbers[f"kernel_{axis}"] - 1) * numbers.get(f"dilation_{axis}", 1) + 1
        if span > numbers[size]:
            return False
    return True


def strides_fit(numbers: Numbers) -> bool:
    """TFLM's dilated kernels take stride 1 alone in the converters' forms; keep to these."""
    dilated = max(numbers["dilation_h"], numbers["dilation_w"]) > 1
    return window_fits(numbers) and not (dilated and numbers["stride_h"] + numbers["stride_w"] > 2)


ACTIVATIONS = (0, 1, 2, 3)
ZERO_POINTS = (0, -128, 127, 5)
_CONV = {
    **window(),
    "dilation_h": (1, 1, 1, 2),
    "dilation_w": (1, 1, 1, 2, 3),
    "groups": (1, 1, 1, 2, 3),
    "filters": tuple(range(1, 17)),
    "bias": (1, 1, 1, 0),
    "per_tensor": (0, 0, 1),
    "activation": ACTIVATIONS,
    "zero_point": ZERO_POINTS,
}
_DEPTHWISE = {
    **window(channels=40),
    "dilation_h": (1, 1, 1, 2),
    "dilation_w": (1, 1, 1, 2, 3),
    "multiplier": (1, 1, 1, 2, 4, 8),
    "wide": (0, 0, 0, 0, 0, 1),
    "bias": (1, 1, 1, 0),
    "activation": ACTIVATIONS,
    "zero_point": ZERO_POINTS,
}
_TRANSPOSE_CONV = {
    **window(tall=6, channels=20),
    "filters": tuple(range(1, 9)),
    "more_h": (0, 0, 1),
    "more_w": (0, 0, 1),
    "bias": (1, 1, 0),
    "zero_point": ZERO_POINTS,
}
_DENSE = {
    "batches": (1, 2, 3, 5),
    "steps": (0, 0, 0, 1, 3),
    "depth": (*range(1, 40), 64, 100),
    "units": tuple(range(1, 24)),
    "bias": (1, 1, 0),
    "per_tensor": (1, 0),
    "activation": ACTIVATIONS,
    "zero_point": ZERO_POINTS,
}
_ELEMENTWISE = {
    "rank": (4, 1, 2, 3),
    "height": tuple(range(1, 9)),
    "width": tuple(range(1, 9)),
    "channels": tuple(range(1, 40)),
    "broadcast": (0, 0, 1, 2, 3),
    "activation": ACTIVATIONS,
    "zero_point": ZERO_POINTS,
    "other_zero_point": ZERO_POINTS,
    "shift": (0, 1, 2, 3),
}
_SOFTMAX = {"rows": tuple(range(1, 10)), "depth": tuple(range(1, 70)), "shift": (0, 1, 2, 3)}
_PAD = {
    "rank": (4, 1, 2, 3),
    **{name: tuple(range(1, 7)) for name in ("batches", "height", "width")},
    "channels": tuple(range(1, 30)),
    **{f"{side}_{axis}": (0, 0, 1, 2, 3) for side in ("before", "after") for axis in "nhwc"},
    "value": (0, 0, 1),
    "zero_point": ZERO_POINTS,
}
_TRANSPOSE = {
    "rank": (4, 2, 3),
    **{name: tuple(range(1, 9)) for name in ("batches", "height", "width")},
    "channels": tuple(range(1, 30)),
    "order": tuple(range(24)),
}
_MATMUL = {
    "batches": (1, 2, 3),
    "rows": tuple(range(1, 9)),
    "depth": tuple(range(1, 40)),
    "columns": tuple(range(1, 20)),
    "adj_x": (0, 1),
    "adj_y": (0, 1),
    "shared": (0, 0, 1),
    "zero_point": ZERO_POINTS,
    "other_zero_point": ZERO_POINTS,
}
_SVDF = {
    "batches": (1, 2),
    "depth": tuple(range(1, 24)),
    "units": tuple(range(1, 9)),
    "rank": (1, 2, 3),
    "memory": tuple(range(2, 9)),
    "state8": (0, 1),
    "zero_point": (0, -128, 5),
}
_LSTM = {
    "batches": (1, 2),
    "steps": tuple(range(1, 5)),
    "depth": tuple(range(1, 20)),
    "units": tuple(range(1, 20)),
    "time_major": (0, 1),
}


def _conv_is_valid(numbers: Numbers) -> bool:
    groups = numbers["groups"]
    if numbers["channels"] % groups or numbers["filters"] % groups:
        return False
    return strides_fit(numbers) and (groups == 1 or not numbers.get("s16", 0))


def _transpose_conv_is_valid(numbers: Numbers) -> bool:
    return numbers["more_h"] < numbers["stride_h"] and numbers["more_w"] < numbers["stride_w"]


def _pool_is_valid(numbers: Numbers) -> bool:
    return window_fits(numbers)


def _svdf_is_valid(numbers: Numbers) -> bool:
    return numbers["units"] * numbers["rank"] <= 24


FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (
        Family("CONV_2D", _CONV, LayerKit.make_conv, _conv_is_valid),
        Family(
            "CONV_2D_S16",
            {**_CONV, "s16": (1,), "groups": (1,), "zero_point": (0,)},
            LayerKit.make_conv,
            _conv_is_valid,
        ),
        Family("DEPTHWISE_CONV_2D", _DEPTHWISE, LayerKit.make_depthwise, strides_fit),
        Family(
            "DEPTHWISE_CONV_2D_S16",
            {**_DEPTHWISE, "s16": (1,), "zero_point": (0,)},
            LayerKit.make_depthwise,
            strides_fit,
        ),
        Family(
            "TRANSPOSE_CONV",
            _TRANSPOSE_CONV,
            LayerKit.make_transpose_conv,
            _transpose_conv_is_valid,
        ),
        Family("FULLY_CONNECTED", _DENSE, LayerKit.make_dense),
        Family(
            "FULLY_CONNECTED_S16",
            {**_DENSE, "s16": (1,), "per_tensor": (1,), "zero_point": (0,)},
            LayerKit.make_dense,
        ),
        Family("ADD", _ELEMENTWISE, LayerKit.make_add),
        Family(
            "ADD_S16",
            {**_ELEMENTWISE, "s16": (1,), "zero_point": (0,), "other_zero_point": (0,)},
            LayerKit.make_add,
        ),
        Family("MUL", _ELEMENTWISE, LayerKit.make_mul),
        Family(
            "MUL_S16",
            {**_ELEMENTWISE, "s16": (1,), "zero_point": (0,), "other_zero_point": (0,)},
            LayerKit.make_mul,
        ),
        Family(
            "MAXIMUM", {**_ELEMENTWISE, "activation": (0,), "shift": (0,)}, LayerKit.make_maximum
        ),
        Family(
            "MINIMUM", {**_ELEMENTWISE, "activation": (0,), "shift": (0,)}, LayerKit.make_minimum
        ),
        Family(
            "AVERAGE_POOL_2D",
            {**window(channels=40), "activation": ACTIVATIONS, "zero_point": ZERO_POINTS},
            LayerKit.make_average_pool,
            _pool_is_valid,
        ),
        Family(
            "AVERAGE_POOL_2D_S16",
            {**window(channels=40), "activation": ACTIVATIONS, "zero_point": (0,), "s16": (1,)},
            LayerKit.make_average_pool,
            _pool_is_valid,
        ),
        Family(
            "MAX_POOL_2D",
            {**window(channels=40), "activation": ACTIVATIONS, "zero_point": ZERO_POINTS},
            LayerKit.make_max_pool,
            _pool_is_valid,
        ),
        Family(
            "MAX_POOL_2D_S16",
            {**window(channels=40), "activation": ACTIVATIONS, "zero_point": (0,), "s16": (1,)},
            LayerKit.make_max_pool,
            _pool_is_valid,
        ),
        Family("SOFTMAX", _SOFTMAX, LayerKit.make_softmax),
        Family("SOFTMAX_S16", {**_SOFTMAX, "s16": (1,)}, LayerKit.make_softmax),
        Family("PAD", _PAD, LayerKit.make_pad),
        Family("TRANSPOSE", _TRANSPOSE, LayerKit.make_transpose),
        Family("BATCH_MATMUL", _MATMUL, LayerKit.make_batch_matmul),
        Family("SVDF", _SVDF, LayerKit.make_svdf, _svdf_is_valid),
        Family("UNIDIRECTIONAL_SEQUENCE_LSTM", _LSTM, LayerKit.make_lstm),
    )
}
