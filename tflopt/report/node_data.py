"""Overlays for graph viewers: node data for Model Explorer, and names that Netron shows.

Model Explorer's custom node data is an object with ``results``, values by the name of an
operator's output tensor or by its id, and a ``gradient``
(its ``model_explorer/node_data_builder.py``, version 0.1.34).
"""

from __future__ import annotations

from tflopt.ir import Model
from tflopt.ir.clone import clone
from tflopt.report.plain import Plain, number, rows, table, text

GRADIENT = [
    {"stop": 0, "bgColor": "#f5f7f9", "textColor": "#1b1f24"},
    {"stop": 1, "bgColor": "#f0a35e", "textColor": "#1b1f24"},
]
"""From nearly white to orange: no red, and told apart by all eyes."""


def node_data(report: Plain) -> dict[str, dict[str, object]]:
    """One overlay for each resource, by name: instructions, flash and arena of each operator.

    Of the main graph. Operators are named by their first output where that has a name of its own,
    else by their index, which is their id in Model Explorer.
    """
    side = table(report, "input")
    main = [op for op in rows(side, "graph") if number(op, "subgraph") == 0]
    names = [text(op, "name") for op in main]
    keys = [
        name if name and names.count(name) == 1 else str(index) for index, name in enumerate(names)
    ]
    values = _values(side)
    return {
        what: {
            "name": f"tflopt: {what}",
            "results": {key: {"value": counts.get(index, 0)} for index, key in enumerate(keys)},
            "gradient": GRADIENT,
        }
        for what, counts in values.items()
    }


def _values(side: Plain) -> dict[str, dict[int, int]]:
    """The numbers of the main graph's operators by their index."""
    flash = rows(table(side, "flash"), "by_operator")
    steps = rows(table(side, "memory_map"), "steps")
    values: dict[str, dict[int, int]] = {
        "instructions": _by_index(rows(side, "kernels"), "instructions"),
        "flash bytes": {},
        "arena bytes in use": _by_index(steps, "live_bytes"),
    }
    for row in flash:
        kinds = table(row, "by_kind")
        if number(row, "subgraph") == 0:
            values["flash bytes"][number(row, "index")] = sum(number(kinds, kind) for kind in kinds)
    return values


def _by_index(listed: object, key: str) -> dict[int, int]:
    plain = listed if isinstance(listed, list) else []
    return {
        number(row, "index"): number(row, key)
        for row in plain
        if row.get("subgraph") == 0 and isinstance(row.get("index"), int)
    }


def named_for_netron(model: Model, report: Plain) -> Model:
    """A copy whose tensors say what their operator costs; for viewers, not for firmware."""
    named, side = clone(model), table(report, "input")
    kernels = {
        (number(row, "subgraph"), number(row, "index")): row for row in rows(side, "kernels")
    }
    for place, graph in enumerate(named.graphs):
        for index, op in enumerate(graph.ops):
            kernel = kernels.get((place, index))
            if kernel is None or not op.outputs:
                continue
            told = f"{text(kernel, 'kernel')}, {number(kernel, 'instructions'):,} instructions"
            op.outputs[0].name = f"{op.outputs[0].name or index} [{told}]"
    return named
