"""Grows a random graph: what steps share when they pick values, shapes and quantization."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from math import prod

from tests.support.kit import Kit, Quant
from tflopt.ir import DType, Model, Quantization, Value

MAX_ELEMENTS = 480
"""Of an activation, so that thousands of models run in minutes."""
ZERO_POINTS = (-128, -127, -7, -1, 0, 1, 3, 64, 126, 127)
SIGMOID: Quant = (1 / 256, -128)
TANH: Quant = (1 / 128, 0)


class Grower(Kit):
    """A graph with the values that further operators may read.

    ``rng`` makes every choice, so that a model follows from its seed, or from hypothesis.
    """

    def __init__(self, rng: random.Random, model: Model | None = None) -> None:
        super().__init__(rng.getrandbits(32), model)
        self.random = rng
        self.live: list[Value] = []
        self.base = self.fresh_quant()

    def weights(
        self,
        shape: Sequence[int],
        products: int,
        x: Value,
        quant: Quant,
        *,
        axis: int | None = None,
    ) -> Value:
        """As of :class:`Kit`; now and then all channels have the same scale."""
        weights = super().weights(shape, products, x, quant, axis=axis)
        if axis is not None and self.chance(0.05):
            assert weights.quant is not None
            assert weights.quant.scale is not None
            scales = [float(weights.quant.scale[0])] * weights.quant.count
            weights.quant = Quantization.per_channel(scales, axis)
        return weights

    def chance(self, p: float) -> bool:
        """True with probability ``p``."""
        return self.random.random() < p

    def fresh_quant(self) -> Quant:
        """Parameters, now and then at the extremes."""
        r = self.random
        scale = r.choice((0.004, 0.02, 0.05, 0.1, 0.25))
        if r.random() < 0.1:
            scale = 10.0 ** r.uniform(-4, 1)
        return scale, r.choice(ZERO_POINTS)

    def quant(self, like: Value | None = None) -> Quant:
        """Parameters of an output: those of ``like`` or of the graph more often than others."""
        if like is not None and like.quant is not None and self.chance(0.5):
            return like.quant.scalar()
        return self.base if self.chance(0.4) else self.fresh_quant()

    def near(self, x: Value) -> Quant:
        """Parameters whose scale is at most a few octaves from that of ``x``."""
        assert x.quant is not None
        scale, zero = x.quant.scalar()
        if self.chance(0.4):
            return scale, zero
        return scale * self.random.choice((0.25, 0.5, 0.8, 1.0, 1.3, 2.0, 4.0)), (
            self.random.choice(ZERO_POINTS)
        )

    def shape(self, rank: int) -> tuple[int, ...]:
        """A small shape."""
        while True:
            shape = [self.random.choice((1, 2, 3, 4, 5, 6, 7, 8, 9)) for _ in range(rank)]
            if rank >= 3 and self.chance(0.75):
                shape[0] = 1
            if rank == 4 and self.chance(0.3):
                shape[self.random.choice((1, 2))] = 1
            if prod(shape) <= MAX_ELEMENTS:
                return tuple(shape)

    def values(
        self,
        rank: int | None = None,
        dtype: DType = DType.INT8,
        where: Callable[[Value], bool] = lambda _: True,
    ) -> list[Value]:
        """Live values of a kind."""
        return [
            value
            for value in self.live
            if value.dtype is dtype and rank in (None, len(value.shape)) and where(value)
        ]

    def pick(
        self,
        rank: int | None = None,
        dtype: DType = DType.INT8,
        where: Callable[[Value], bool] = lambda _: True,
    ) -> Value | None:
        """A live value, rather a recent one."""
        found = self.values(rank, dtype, where)
        if not found:
            return None
        return found[-1] if self.chance(0.5) else self.random.choice(found)

    def image(self) -> Value:
        """A live int8 value with batch, height, width and channels; made where there is none."""
        found = self.pick(4)
        if found is not None:
            return found
        x = self.pick()
        if x is None or not x.shape:
            return self.enter()
        return self.keep(self.reshape(x, *self.four(x.elements)))

    def four(self, elements: int) -> tuple[int, int, int, int]:
        """A shape of four axes with that many elements."""
        factors = [n for n in range(1, elements + 1) if elements % n == 0]
        channels = self.random.choice([n for n in factors if n <= 16])
        rest = elements // channels
        width = self.random.choice([n for n in factors if rest % n == 0])
        return 1, rest // width, width, channels

    def enter(self, rank: int = 4, dtype: DType = DType.INT8) -> Value:
        """A graph input."""
        quant = self.base if self.chance(0.5) else self.fresh_quant()
        if dtype is DType.INT16:
            quant = (quant[0] / 256, 0)
        return self.keep(self.input(self.shape(rank), dtype, quant=quant))

    def keep(self, *values: Value) -> Value:
        """Let further steps read these; returns the last."""
        self.live.extend(value for value in values if 0 < value.elements <= MAX_ELEMENTS)
        return values[-1]

    def axis(self, x: Value) -> int:
        """An axis, counted from the end now and then."""
        axis = self.random.randrange(len(x.shape))
        return axis - len(x.shape) if self.chance(0.2) else axis

    def same(self, x: Value) -> list[Value]:
        """Live values of the shape and type of ``x``."""
        return self.values(len(x.shape), x.dtype, lambda value: value.shape == x.shape)

    def alike(self, x: Value) -> list[Value]:
        """Those with the same quantization too."""
        return [value for value in self.same(x) if value.quant == x.quant]

    def factor(self, x: Value, rank: int | None = None) -> tuple[int, ...]:
        """Another shape with as many elements."""
        rank = rank or self.random.randint(1, 6)
        rest, shape = x.elements, []
        for _ in range(rank - 1):
            divisors = [n for n in range(1, rest + 1) if rest % n == 0]
            shape.append(self.random.choice(divisors))
            rest //= shape[-1]
        shape.append(rest)
        self.random.shuffle(shape)
        return tuple(shape)

    def perm(self, rank: int) -> list[int]:
        """A permutation of axes."""
        return self.random.sample(range(rank), rank)


Step = Callable[[Grower], bool]
"""Adds operators and returns True, or finds nothing that it applies to and returns False."""


def named(steps: Sequence[Step]) -> dict[str, Step]:
    """Steps by name."""
    return {step.__name__: step for step in steps}


def is_comparable(value: Value) -> bool:
    """Whether TFLM compares it: its comparisons abort where an int8 scale is 1 or more."""
    quant = value.quant
    return quant is None or quant.scale is None or float(quant.scale[0]) < 1
