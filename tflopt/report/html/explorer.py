"""What the page's explorer reads: each operator of both models once, with all that is known of it.

Keys of operators are ``before:SUBGRAPH.INDEX`` and ``after:SUBGRAPH.INDEX``; the script links
its views by them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tflopt.errors import printable
from tflopt.report import views
from tflopt.report.html.deeds import Deeds, deeds_of
from tflopt.report.plain import Plain, counts, number, optional, rows, table, text

Place = tuple[int, int]
MOST_OPERATORS = 1_500
"""Of a side; of larger models the first are explored, and the JSON report has all."""
MOST_LETTERS = 48
TITLES = {"input": "before", "output": "after"}


@dataclass(frozen=True)
class Side:
    """One model of a report, and what its operators' counterparts are called."""

    key: str
    model: Plain
    other: str | None
    names: Mapping[Place, str]
    """Of the counterparts, for operators whose outputs lost their names."""

    @property
    def id(self) -> str:
        """What the script calls it."""
        return TITLES[self.key]

    def name_of(self, op: Plain) -> str:
        """The name of its first output, or what its counterpart calls that."""
        return text(op, "name") or self.names.get(_place(op), "")


def explorer_data(report: Plain, sides: Sequence[str] = ("input", "output")) -> str:
    """The data as JSON that is safe within a ``script`` element."""
    deeds, names = deeds_of(report), _counterpart_names(table(report, "input"))
    shown = [
        _side(Side(key, table(report, key), _other(key, sides), _names(key, names)), deeds)
        for key in sides
        if table(report, key)
    ]
    data = {"name": views.model_name(report), "sides": shown}
    # '<' would let a name from the model end the element.
    return json.dumps(data, separators=(",", ":"), sort_keys=True).replace("<", "\\u003c")


def _names(key: str, names: Mapping[Place, str]) -> Mapping[Place, str]:
    return names if key == "output" else {}


def _counterpart_names(model: Plain) -> dict[Place, str]:
    """By the places of the operators after, what they are called before."""
    return {
        (number(op, "subgraph"), twin): text(op, "name")
        for op in rows(model, "graph")
        if (twin := optional(op, "counterpart")) is not None
    }


def _other(key: str, sides: Sequence[str]) -> str | None:
    others = [TITLES[side] for side in sides if side != key]
    return others[0] if others else None


def short_name(name: str) -> str:
    """The part of a tensor's name that tells it from others, as a person would say it.

    Converters join the names of all layers that went into a tensor by ``;``, outermost first.
    """
    first = printable(name).split(";")[0]
    parts = [part for part in first.split("/") if part]
    if len(parts) > 1 and parts[-1] in ("Relu", "BiasAdd", "Conv2D", "MatMul", "add", "depthwise"):
        parts = parts[-2:]
    short = "/".join(parts[-2:])
    return short if len(short) <= MOST_LETTERS else "…" + short[1 - MOST_LETTERS :]


def _side(side: Side, deeds: Deeds) -> dict[str, object]:
    model = side.model
    memory = table(model, "memory_map")
    live = {_place(step): number(step, "live_bytes") for step in rows(memory, "steps")}
    facts = {
        "kernels": _by_place(rows(model, "kernels")),
        "scratch": _by_place(rows(model, "scratch")),
        "flash": _by_place(rows(table(model, "flash"), "by_operator")),
    }
    measured = table(model, "measured")
    taken = {number(row, "index"): number(row, "count") for row in rows(measured, "operators")}
    graph = rows(model, "graph")[:MOST_OPERATORS]
    known = {_place(op) for op in graph}
    operators = [
        {
            **_operator(side, op, known, side.name_of(op)),
            **_costs(_place(op), facts),
            "live": live.get(_place(op), 0),
            "measured": taken.get(_place(op)[1]) if _place(op)[0] == 0 else None,
            "rules": deeds.of(op, side.name_of(op)),
        }
        for op in graph
    ]
    total = number(table(model, "instructions"), "total")
    return {
        "id": side.id,
        "title": side.id,
        "fileBytes": number(model, "file_bytes"),
        "instructions": total,
        "measured": _measured(measured),
        "interpreter": total - sum(number(row, "instructions") for row in rows(model, "kernels")),
        "sharedFlash": counts(table(model, "flash"), "shared_by_kind"),
        "operators": operators,
        "buffers": _buffers(side, memory, known),
    }


def _measured(measured: Plain) -> dict[str, object] | None:
    if not measured:
        return None
    unit, board = text(measured, "unit"), printable(text(measured, "board"))
    return {"unit": printable(unit), "board": board, "total": number(measured, "total")}


def _operator(side: Side, op: Plain, known: set[Place], name: str) -> dict[str, object]:
    place, reads = _place(op), op.get("reads")
    twin = op.get("counterpart")
    outputs = op.get("outputs")
    return {
        "key": _key(side.id, place),
        "side": side.id,
        "index": place[1],
        "place": f"{place[0]}.{place[1]}" if place[0] else str(place[1]),
        "name": printable(text(op, "operator")),
        "tensor": short_name(name),
        "fullName": printable(name),
        "shapes": [str(shape) for shape in outputs] if isinstance(outputs, list) else [],
        "reads": [
            _key(side.id, (place[0], index))
            for index in (reads if isinstance(reads, list) else ())
            if (place[0], index) in known
        ],
        "fate": text(op, "fate") or "kept",
        "twin": None if twin is None or side.other is None else f"{side.other}:{place[0]}.{twin}",
    }


def _costs(place: Place, facts: Mapping[str, Mapping[Place, Plain]]) -> dict[str, object]:
    kernel = facts["kernels"].get(place, {})
    scratch = facts["scratch"].get(place, {})
    kinds = counts(facts["flash"].get(place, {}), "by_kind")
    persistent = sum(number(row, "size_bytes") for row in rows(scratch, "persistent"))
    return {
        "kernel": printable(text(kernel, "kernel")),
        "instructions": optional(kernel, "instructions"),
        "tail": number(scratch, "op_data_bytes") + persistent,
        "flash": sum(kinds.values()),
        "flashKinds": kinds,
    }


def _buffers(side: Side, memory: Plain, known: set[Place]) -> list[dict[str, object] | None]:
    """For each buffer of the map who writes, reads and keeps it; None if nobody is explored."""
    places = {number(step, "step"): _place(step) for step in rows(memory, "steps")}

    def key(step: int) -> str | None:
        place = places.get(step)
        return _key(side.id, place) if place in known and place is not None else None

    links: list[dict[str, object] | None] = []
    for buffer in rows(memory, "buffers"):
        writer, keeper = key(number(buffer, "first_step")), key(number(buffer, "last_step"))
        readers, last = _readers(side.id, buffer, known), buffer.get("is_output") is True
        row: dict[str, object] = {"writer": writer, "keeper": keeper, "readers": readers}
        row["isOutput"] = last
        links.append(row if writer or keeper or readers else None)
    return links


def _readers(side: str, buffer: Plain, known: set[Place]) -> list[str]:
    indices, subgraph = buffer.get("read_by"), number(buffer, "subgraph")
    places = [(subgraph, index) for index in (indices if isinstance(indices, list) else ())]
    return [_key(side, place) for place in places if place in known]


def _key(side: str, place: Place) -> str:
    return f"{side}:{place[0]}.{place[1]}"


def _place(row: Plain) -> Place:
    subgraph, index = row.get("subgraph"), row.get("index")
    return (
        subgraph if isinstance(subgraph, int) else -1,
        index if isinstance(index, int) else -1,
    )


def _by_place(measured: Iterable[Plain]) -> dict[Place, Plain]:
    return {_place(row): row for row in measured}
