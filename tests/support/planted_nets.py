"""Random networks in which it is known which channels can go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from tests.support.kit import Kit
from tests.support.planted import (
    almost_constant,
    halve,
    ignore,
    kill,
    saturate,
    set_data,
    twin,
)
from tflopt.ir import Activation, Model, OpCode, Padding, Value

Rng = np.random.Generator
Channels = frozenset[int]
RELUS = (Activation.RELU, Activation.RELU6)
ANY = (Activation.NONE, *RELUS)
VALID = Padding.VALID
ALMOST = 1
"""The channel that only the largest input changes."""


@dataclass
class Stream:
    """A value on its way from the layer that made it.

    Args:
        value: the value.
        maker: what the layer made.
        place: the index here of each of the maker's channels, None for those that were dropped.
        dead: the maker's channels that are constant here.
        zero: whether these are the zero point here.
        all_read: another layer reads all that are not constant.
        twins: pairs of the maker's channels that are equal here; the first is computed for both.
        grouped: these go all together or not at all.
        spare: how many may stay because each part of a split keeps one.
    """

    value: Value
    maker: Value
    place: list[int | None]
    dead: Channels
    zero: bool
    all_read: bool = False
    twins: tuple[tuple[int, int], ...] = ()
    grouped: Channels = frozenset()
    spare: int = 0


@dataclass
class Planted:
    """A network, how wide each layer may be when all has gone that can, and what must stay.

    More may go: bounds of random layers may happen to meet.
    """

    net: Kit
    widths: dict[str, int] = field(default_factory=dict)
    stays: dict[str, int] = field(default_factory=dict)

    @property
    def model(self) -> Model:
        """The network."""
        return self.net.model

    def failures(self, found: Model) -> list[str]:
        """What is wider than it may be, or lacks what must stay; origins are the network's."""
        now = {value.name or "": value for value in found.main.values}
        wide = [f"{k}: more than {n}" for k, n in self.widths.items() if now[k].shape[-1] > n]
        gone = [f"{k}: no {n}" for k, n in self.stays.items() if not _has(now[k], n)]
        return wide + gone


def _has(value: Value, channel: int) -> bool:
    """Whether a channel of the original is left."""
    assert value.origin is not None
    parts = value.origin.parts
    return not parts or channel in parts[0].indices


def plant(seed: int) -> Planted:
    """Two to four layers, with operators between them that hand channels on."""
    rng = np.random.default_rng(seed)
    planted = Planted(Kit(seed))
    n = planted.net
    alone = seed % 4 == 0
    x = n.input((1, 6, 5, 1 if alone else 3), quant=(0.05, int(rng.choice([-128, 0, 3, 127]))))
    stream = _first_alone(planted, rng, x) if alone else _layer(n, rng, x)
    for number in range(int(rng.integers(1, 4))):
        for _ in range(0 if alone and not number else int(rng.integers(0, 3))):
            stream = PATHS[int(rng.integers(len(PATHS)))](n, rng, stream)
        needed = frozenset({ALMOST} if alone and not number else ())
        stream = _read(planted, rng, stream, needed)
    n.output(stream.value)
    planted.widths.pop(stream.maker.name or "", None)
    return planted


def _first_alone(planted: Planted, rng: Rng, x: Value) -> Stream:
    """One input channel, and a channel that all inputs but the largest leave alone."""
    y = planted.net.conv2d(x, int(rng.integers(3, 7)), (1, 1), activation=Activation.RELU)
    almost_constant(y, ALMOST)
    assert y.name is not None
    planted.stays[y.name] = ALMOST
    dead = frozenset({0}) if rng.integers(2) else frozenset[int]()
    saturate(y, sorted(dead))
    return Stream(y, y, list(range(y.shape[3])), dead, zero=True)


def _layer(n: Kit, rng: Rng, x: Value) -> Stream:
    """A convolution with dead and saturated channels."""
    activation = ANY[int(rng.integers(3))]
    kernel = ((1, 1), (3, 3), (2, 1))[int(rng.integers(3))]
    quant = (float(rng.choice([0.03, 0.06])), int(rng.choice([-128, -4, 10])))
    y = n.conv2d(x, int(rng.integers(3, 9)), kernel, activation=activation, quant=quant)
    return _with_dead(rng, y, activation in RELUS)


def _with_dead(rng: Rng, y: Value, clamps: bool, may_twin: bool = True) -> Stream:
    count = y.shape[-1]
    dead = frozenset(np.flatnonzero(rng.random(count) < 0.4).tolist()[: count - 1])
    zero = clamps and bool(rng.integers(2))
    if zero or rng.integers(2):
        saturate(y, sorted(dead))
    else:
        kill(y, sorted(dead))
    alive = sorted(set(range(count)) - dead)
    twins: tuple[tuple[int, int], ...] = ()
    if len(alive) > 1 and may_twin and rng.integers(2):
        one, two = (int(c) for c in rng.permutation(alive)[:2])
        twin(y, two, one)
        twins = ((one, two),)
    return Stream(y, y, list(range(count)), dead, zero, twins=twins)


def _read(planted: Planted, rng: Rng, stream: Stream, needed: Channels) -> Stream:
    """A layer that sums up channels, some of which it multiplies by zero."""
    n, x = planted.net, stream.value
    kind = int(rng.integers(5))
    if kind == 4 and x.elements < 2000:
        y = n.transpose_conv(x, int(rng.integers(3, 9)), (2, 2), (2, 2), Padding.SAME, (0.05, 3))
        unread = _some(rng, x.shape[3]) - needed
        ignore(y, sorted(unread))
        stream = replace(stream, twins=())  # each place has other taps: nothing is merged
        foldable, made = stream.zero, _with_dead(rng, y, clamps=False, may_twin=False)
    elif kind == 0:
        columns = x.shape[1] * x.shape[2]
        flat = n.reshape(x, 1, x.elements)
        y = n.fully_connected(flat, int(rng.integers(3, 7)), activation=ANY[int(rng.integers(3))])
        unread = _some(rng, x.shape[3]) - needed
        halve(y)
        ignore(y, [c + x.shape[3] * row for row in range(columns) for c in unread])
        y_map = n.reshape(y, 1, 1, 1, y.shape[1])
        foldable, made = True, _with_dead(rng, y, clamps=False)
        made.value, made.zero = y_map, False
    else:
        kernel, padding = (((1, 1), Padding.SAME), ((2, 2), VALID), ((3, 2), Padding.SAME))[
            kind % 3
        ]
        if min(x.shape[1:3]) < 2:
            kernel, padding = (1, 1), VALID
        activation = ANY[int(rng.integers(3))]
        y = n.conv2d(x, int(rng.integers(3, 9)), kernel, padding=padding, activation=activation)
        unread = _some(rng, x.shape[3]) - needed
        halve(y)
        ignore(y, sorted(unread))
        foldable = padding is VALID or kernel == (1, 1) or stream.zero
        made = _with_dead(rng, y, activation in RELUS)
    _expect(planted, stream, unread, foldable)
    return made


def _some(rng: Rng, count: int) -> Channels:
    return frozenset(np.flatnonzero(rng.random(count) < 0.2).tolist())


def _expect(planted: Planted, stream: Stream, unread: Channels, foldable: bool) -> None:
    """How wide the maker is at the end."""
    gone = {
        channel
        for channel, place in enumerate(stream.place)
        if place is None
        or (place in unread and not stream.all_read)
        or (channel in stream.dead and (foldable or place in unread))
    }
    if not foldable:
        gone -= stream.grouped
    for one, two in stream.twins:
        if not {one, two} & gone and not stream.all_read:
            gone.add(two)
    width = max(1, len(stream.place) - len(gone)) + stream.spare
    assert stream.maker.name is not None
    planted.widths[stream.maker.name] = width


def _same(stream: Stream, value: Value, zero: bool = False) -> Stream:
    return replace(stream, value=value, zero=stream.zero and zero)


def _pool(n: Kit, rng: Rng, stream: Stream) -> Stream:
    code = (OpCode.MAX_POOL_2D, OpCode.AVERAGE_POOL_2D)[int(rng.integers(2))]
    return _same(stream, n.pool(code, stream.value, (2, 1)), zero=True)


def _unary(n: Kit, rng: Rng, stream: Stream) -> Stream:
    kinds = ((OpCode.LOGISTIC, (1 / 256, -128)), (OpCode.TANH, (1 / 128, 0)))
    code, quant = kinds[int(rng.integers(2))]
    return _same(stream, n.unary(code, stream.value, quant=quant))


def _depthwise(n: Kit, rng: Rng, stream: Stream) -> Stream:
    """Half of the time twins are handled alike."""
    x = stream.value
    if min(x.shape[1:3]) < 2 or rng.integers(2):
        y = n.depthwise(x, (1, 1), activation=ANY[int(rng.integers(3))])
    else:
        y = n.depthwise(x, (2, 2), padding=VALID)
    return _same(_with_twins(rng, stream, lambda one, two: twin(y, two, one)), y)


def _with_twins(rng: Rng, stream: Stream, make: Callable[[int, int], None]) -> Stream:
    """Twins that stay so: an operator with numbers for each channel has equal ones for them."""
    places = [(stream.place[one], stream.place[two]) for one, two in stream.twins]
    if rng.integers(2):
        return replace(stream, twins=())
    for one, two in places:
        if one is not None and two is not None:
            make(one, two)
    return stream


def _level(n: Kit, rng: Rng, stream: Stream) -> Stream:
    code = (OpCode.ADD, OpCode.MUL, OpCode.SUB)[int(rng.integers(3))]
    level = n.level((1, 1, 1, stream.value.shape[3]))

    def make(one: int, two: int) -> None:
        numbers = level.array().copy()
        numbers[..., two] = numbers[..., one]
        set_data(level, numbers)

    stream = _with_twins(rng, stream, make)
    return _same(stream, n.binary(code, stream.value, level))


def _residual(n: Kit, rng: Rng, stream: Stream) -> Stream:
    """With a branch of one more layer that reads every channel, dead where this one is."""
    x = stream.value
    side = n.conv2d(x, x.shape[3], (1, 1))
    saturate(side, [p for c, p in enumerate(stream.place) if p is not None and c in stream.dead])
    values = [x, side] if rng.integers(2) else [side, x]
    y = n.binary(OpCode.ADD, *values)
    return replace(stream, value=y, zero=False, all_read=True, twins=())


def _resize(n: Kit, rng: Rng, stream: Stream) -> Stream:
    _, height, width, _ = stream.value.shape
    return _same(stream, n.resize_nearest(stream.value, 2 * height, width), zero=True)


def _transposed(n: Kit, rng: Rng, stream: Stream) -> Stream:
    """Twins are not followed through other axes."""
    y = n.transpose(
        n.unary(OpCode.TANH, n.transpose(stream.value, 0, 3, 1, 2), quant=(1 / 128, 0)), 0, 2, 3, 1
    )
    return _same(replace(stream, twins=()), y)


def _slice(n: Kit, rng: Rng, stream: Stream) -> Stream:
    """Some channels at either end are left out."""
    channels = stream.value.shape[3]
    if channels < 3 or stream.all_read or stream.grouped:
        return stream
    first = int(rng.integers(0, 2))
    size = channels - first - int(rng.integers(0, 2))
    shape = (*stream.value.shape[:3], size)
    y = n.slice(stream.value, (0, 0, 0, first), shape)
    place = [
        None if p is None or not first <= p < first + size else p - first for p in stream.place
    ]
    return replace(stream, value=y, place=place, spare=stream.spare + 1)


def _swapped(n: Kit, rng: Rng, stream: Stream) -> Stream:
    """Two halves, joined the other way round; each keeps a channel, and a group all that it has."""
    channels = stream.value.shape[3]
    if channels % 2 or stream.grouped:
        return stream
    half = channels // 2
    one, two = n.split(stream.value, 2, 3)
    y = n.concat(two, one, axis=3)
    place = [None if p is None else (p + half) % channels for p in stream.place]
    return replace(stream, value=y, place=place, spare=stream.spare + 1)


def _mean(n: Kit, rng: Rng, stream: Stream) -> Stream:
    code = (OpCode.MEAN, OpCode.SUM)[int(rng.integers(2))]
    return _same(stream, n.reduce(code, stream.value, [1, 2], quant=(0.05, -7)))


def _extreme(n: Kit, rng: Rng, stream: Stream) -> Stream:
    """With one number for all channels."""
    assert stream.value.quant is not None
    level = n.level((1, 1, 1, 1), stream.value.quant.scalar())
    code = (OpCode.MAXIMUM, OpCode.MINIMUM)[int(rng.integers(2))]
    return _same(stream, n.binary(code, stream.value, level))


def _stacked(n: Kit, rng: Rng, stream: Stream) -> Stream:
    """Twice, one on top of the other."""
    return _same(stream, n.concat(stream.value, stream.value, axis=1), zero=True)


def _grouped(n: Kit, rng: Rng, stream: Stream) -> Stream:
    """Two groups, of which the second is dead: it goes with all that only it reads, or stays."""
    x, channels = stream.value, stream.value.shape[3]
    plain = stream.place == list(range(channels)) and not stream.all_read
    if channels % 2 or not plain or stream.grouped:
        return stream
    y = n.conv2d(x, channels, (1, 1), groups=2, activation=Activation.RELU)
    second = frozenset(range(channels // 2, channels))
    saturate(y, sorted(second))
    made = replace(stream, value=y, dead=second, zero=True, all_read=True, twins=())
    return replace(made, grouped=second)


def _padded(n: Kit, rng: Rng, stream: Stream) -> Stream:
    """Channels of nothing but padding in front."""
    y = n.pad(stream.value, (0, 0), (0, 0), (0, 0), (1, 0))
    place = [None if p is None else p + 1 for p in stream.place]
    return replace(stream, value=y, place=place)


PATHS: tuple[Callable[[Kit, Rng, Stream], Stream], ...] = (
    _pool,
    _unary,
    _depthwise,
    _level,
    _residual,
    _resize,
    _transposed,
    _slice,
    _swapped,
    _padded,
    _mean,
    _extreme,
    _stacked,
    _grouped,
)
