"""What operators made of intervals before: a search walks clones of one model again and again.

An interval that was remembered is the same object each time, so that intervals are told apart by
identity, all along a graph, and no content is compared. All that an entry tells apart so is kept
with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields
from typing import TypeAlias, TypeVar, cast

from tflopt.facts.operators import WEIGHTED, facts_of
from tflopt.ir import Graph, Op, Options, Value
from tflopt.ir.node import Bytes
from tflopt.ranges.interval import Interval, open_axes

Known: TypeAlias = "Interval | Bytes | None"
Key = tuple[object, ...]
MOST_BYTES = 1 << 25
"""Of all intervals that are remembered together."""
MOST_COMPARED = 1 << 14
"""Bytes of a constant, or numbers of an interval, that are told apart by their content."""
Answer = TypeVar("Answer", bound="Interval | Sequence[Interval | None] | None")


class Remembered:
    """For all clones of one model, results by what they were made of."""

    def __init__(self) -> None:
        self._answers: dict[Key, tuple[object, tuple[Known, ...]]] = {}
        self._bytes = 0

    @classmethod
    def by(cls, graph: Graph) -> Remembered:
        """That of the graph's model."""
        known = graph.model.remembered.setdefault(cls, cls())
        assert isinstance(known, Remembered)
        return known

    def of(self, key: Key, sources: Iterable[Known], make: Callable[[], Answer]) -> Answer:
        """What ``make`` gives, or gave for the same key and the same objects as sources."""
        kept = tuple(sources)
        whole = (*key, *map(id, kept))
        known = self._answers.get(whole)
        if known is None:
            result = make()
            self._bytes += sum(interval.low.nbytes * 2 for interval in _intervals(result))
            if self._bytes > MOST_BYTES:
                self._answers.clear()
                self._bytes = 0
            known = self._answers[whole] = result, kept
        return cast("Answer", known[0])

    def same(self, interval: Interval | None) -> Interval | None:
        """The one that is remembered of those with its content, unless that is long."""
        if interval is None or interval.low.size > MOST_COMPARED:
            return interval
        key = "content", interval.shape, interval.low.tobytes(), interval.high.tobytes()
        return self.of(key, (), lambda: interval)


def op_key(op: Op) -> Key | None:
    """All that an operator's ranges depend on beside contents and the ranges of what it reads.

    None where options are not modelled. Rules make small constants anew each time, so that these
    count by content.
    """
    if not isinstance(op.options, Options | None):
        return None
    bias = facts_of(op).bias if op.code in WEIGHTED else None
    read = (_seen(value, scaled=index != bias) for index, value in enumerate(op.inputs))
    said = op.options if op.options is not None and fields(op.options) else None
    return op.opcode.key, said, *read, ">", *map(_seen, op.outputs)


def contents(op: Op) -> Iterator[Bytes | None]:
    """The data of its large constants."""
    for value in op.inputs:
        data = _data(value)
        if data is not None and data.size > MOST_COMPARED:
            yield data


def _data(value: Value | None) -> Bytes | None:
    if value is None or value.buffer is None or not value.is_constant:
        return None
    return value.buffer.data


def _seen(value: Value | None, *, scaled: bool = True) -> Key | None:
    """``scaled``: its quantization counts; no kernel reads that of a bias."""
    if value is None:
        return None
    layout = value.dtype, value.shape, open_axes(value), value.extra.sparsity
    data = _data(value)
    small = None if data is None or data.size > MOST_COMPARED else data.tobytes()
    quant = value.quant if scaled else None
    return *layout, quant, value.is_constant, value.is_variable, small


def _intervals(result: Interval | Sequence[Interval | None] | None) -> list[Interval]:
    if isinstance(result, Interval):
        return [result]
    return [interval for interval in result or () if interval is not None]
