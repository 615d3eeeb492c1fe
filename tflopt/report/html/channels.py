"""Channels as a picture: for each layer how many carry something, and why the others don't."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tflopt.errors import printable
from tflopt.report.plain import Plain, number, optional, rows, table, text

MOST_LAYERS = 200
KINDS = (
    ("live", "carries something"),
    ("unread", "no layer reads it"),
    ("saturated", "never leaves the clamp, or never moves the output"),
    ("dead", "its weights are all zero"),
)
Place = tuple[int, int]


@dataclass(frozen=True)
class Layer:
    """One layer with weights.

    Attributes:
        key: what the explorer's script calls it.
        data: its row in the JSON report.
        widths: of :data:`KINDS`, in percent of the widest layer.
        left: how many channels its counterpart has; None where there is none.
    """

    key: str
    data: Plain
    widths: Sequence[tuple[str, float]]
    left: int | None

    @property
    def number(self) -> str:
        """Its place, as tables have it."""
        subgraph, index = number(self.data, "subgraph"), number(self.data, "index")
        return f"{subgraph}.{index}" if subgraph else str(index)

    @property
    def told(self) -> str:
        """For a tooltip and a screen reader."""
        parts = [f"{count:,} {kind}" for kind, count in _counts(self.data).items() if count]
        return f"{self.number} {printable(text(self.data, 'operator'))}: {', '.join(parts)}"


@dataclass(frozen=True)
class Channels:
    """The layers that have channels to tell of, and how many others there are."""

    layers: Sequence[Layer]
    more: int
    others: int
    sums: dict[str, int]
    is_pair: bool


def channels_of(report: Plain) -> Channels:
    """The original's layers, with what became of them where there is an optimized model."""
    all_layers = rows(table(report, "input"), "channels")
    most = max((number(row, "channels") for row in all_layers), default=0)
    told = [row for row in all_layers if _is_told(row)]
    after = _counterparts(report)
    layers = [_layer(row, most, after.get(_place(row))) for row in told[:MOST_LAYERS]]
    keys = ("channels", "constant", "unread", "removable", "flash_bytes", "instructions")
    sums = {key: sum(number(row, key) for row in all_layers) for key in keys}
    others = len(all_layers) - len(told)
    return Channels(layers, len(told) - len(layers), others, sums, bool(table(report, "output")))


def _counts(row: Plain) -> dict[str, int]:
    """Every channel once."""
    constant, saturated = number(row, "constant"), number(row, "saturated")
    unread = number(row, "only_unread")
    live = number(row, "channels") - constant - unread
    sizes = (live, unread, saturated, constant - saturated)
    return dict(zip((kind for kind, _ in KINDS), sizes, strict=True))


def _is_told(row: Plain) -> bool:
    return any(number(row, key) for key in ("constant", "unread", "removable"))


def _layer(row: Plain, most: int, left: int | None) -> Layer:
    widths = [(kind, 100 * count / most) for kind, count in _counts(row).items() if count]
    subgraph, index = _place(row)
    return Layer(f"before:{subgraph}.{index}", row, widths, left)


def _place(row: Plain) -> Place:
    return number(row, "subgraph"), number(row, "index")


def _counterparts(report: Plain) -> dict[Place, int]:
    """For layers of the original the channels of what became of them."""
    became = {
        _place(row): number(row, "channels") for row in rows(table(report, "output"), "channels")
    }
    counterparts: dict[Place, int] = {}
    for op in rows(table(report, "input"), "graph"):
        twin = optional(op, "counterpart")
        place = (number(op, "subgraph"), -1 if twin is None else twin)
        if place in became:
            counterparts[_place(op)] = became[place]
    return counterparts
