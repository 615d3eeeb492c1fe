"""A rule's example as two small graphs in SVG; their colours are in ``docs/_static/site.css``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from tests.support.rule_examples import EXAMPLES
from tflopt.ir import Model, Op, Value
from tflopt.ir.text import kind
from tflopt.report.graph import graph_rows

HEIGHT = 40
LETTER, LEAST_WIDTH = 8, 120
GAP_X, GAP_Y, MARGIN = 14, 22, 2
MOST_INPUTS = 3
"""More are drawn as one box that says how many."""


@dataclass(frozen=True)
class Box:
    """An operator, or an input of the model."""

    row: int
    title: str
    detail: str
    style: str


Edges = list[tuple[int, int]]


def picture(name: str) -> str:
    """The example of that rule as HTML, without an empty line."""
    before, after = EXAMPLES[name].models()
    fates = graph_rows(before, after, derived=True)
    sides = zip(("before", "after"), (before, after), fates, strict=True)
    drawn = [_figure(title, model, rows) for title, model, rows in sides]
    return "\n".join(['<div class="rule-picture">', *drawn, "</div>"])


def _figure(title: str, model: Model, rows: Sequence[Mapping[str, object]]) -> str:
    boxes, edges = _boxes(model, [str(row["fate"]) for row in rows[: len(model.main.ops)]])
    width = max(LEAST_WIDTH, *(LETTER * len(f"{box.title} ") + LETTER for box in boxes))
    places = _places(boxes, width)
    columns = max(x for x, _ in places) + width + MARGIN
    height = max(y for _, y in places) + HEIGHT + MARGIN
    words = ", ".join(f"{box.title} {box.detail}" for box in boxes)
    parts = [
        f'<figure><figcaption>{title}</figcaption><svg role="img" '
        f'aria-label="{escape(f"{title}: {words}")}" viewBox="0 0 {columns} {height}" '
        f'width="{columns}" height="{height}">'
    ]
    parts += [_line(places[a], places[b], width) for a, b in edges]
    parts += [_rectangle(box, *place, width) for box, place in zip(boxes, places, strict=True)]
    return "\n".join([*parts, "</svg></figure>"])


def _boxes(model: Model, fates: Sequence[str]) -> tuple[list[Box], Edges]:
    inputs = list(model.main.inputs)
    merged = len(inputs) > MOST_INPUTS
    place: dict[Value, int] = {value: 0 if merged else i for i, value in enumerate(inputs)}
    if merged:
        boxes = [Box(0, f"{len(inputs)} inputs", _short(inputs[0]), "input")]
    else:
        boxes = [Box(0, "input", _short(value), "input") for value in inputs]
    edges: Edges = []
    for op, fate in zip(model.main.ops, fates, strict=True):
        read = list(dict.fromkeys(place[v] for v in _read(op) if v in place))
        edges += [(one, len(boxes)) for one in read]
        row = 1 + max((boxes[one].row for one in read), default=0)
        place |= dict.fromkeys(op.outputs, len(boxes))
        shown = _short(op.outputs[0]) if op.outputs else ""
        boxes.append(Box(row, op.opcode.label, shown, fate))
    return boxes, edges


def _read(op: Op) -> Iterator[Value]:
    return (value for value in op.inputs if value is not None)


def _short(value: Value) -> str:
    """Type and shape, without the quantization."""
    return kind(value).partition("{")[0]


def _places(boxes: Sequence[Box], width: int) -> list[tuple[int, int]]:
    """Left and upper edge: a row for each step, its boxes from left to right, centred."""
    rows: dict[int, list[int]] = {}
    for number, box in enumerate(boxes):
        rows.setdefault(box.row, []).append(number)
    widest = max(len(row) for row in rows.values())
    places = [(0, 0)] * len(boxes)
    for index, row in enumerate(rows[key] for key in sorted(rows)):
        offset = (widest - len(row)) * (width + GAP_X) // 2
        for column, number in enumerate(row):
            x = MARGIN + offset + column * (width + GAP_X)
            places[number] = (x, MARGIN + index * (HEIGHT + GAP_Y))
    return places


def _line(one: tuple[int, int], two: tuple[int, int], width: int) -> str:
    x1, y1, x2, y2 = one[0] + width // 2, one[1] + HEIGHT, two[0] + width // 2, two[1]
    middle = (y1 + y2) // 2
    return f'<path class="edge" d="M{x1} {y1}C{x1} {middle} {x2} {middle} {x2} {y2}"/>'


def _rectangle(box: Box, x: int, y: int, width: int) -> str:
    middle = x + width // 2
    return (
        f'<g class="{box.style}"><rect x="{x}" y="{y}" width="{width}" height="{HEIGHT}" rx="5"/>'
        f'<text x="{middle}" y="{y + 17}">{escape(box.title)}</text>'
        f'<text class="detail" x="{middle}" y="{y + 32}">{escape(box.detail)}</text></g>'
    )
