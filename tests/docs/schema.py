"""``docs/report-schema.md``: the JSON Schema of the report as tables."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import cast

Node = Mapping[str, object]
Row = tuple[str, str, str]
ROOT = "report"


def schema_tables() -> Iterator[str]:
    """The tables' lines: the report itself, then each type that it refers to."""
    text = files("tflopt.report").joinpath("report.schema.json").read_text()
    schema = cast(Node, json.loads(text))
    yield from _section(ROOT, schema)
    for name, node in _table(schema["$defs"]).items():
        yield from _section(name, _table(node))


def _section(name: str, node: Node) -> Iterator[str]:
    yield f"## {name}"
    yield ""
    if "description" in node:
        yield str(node["description"])
        yield ""
    if "properties" not in node:
        yield f"{_kind(node)}"
        yield ""
        return
    rows = list(_rows("", node))
    columns = 3 if any(row[2] for row in rows) else 2
    for cells in (("key", "type", ""), ("---",) * 3, *rows):
        yield f"| {' | '.join(cells[:columns])} |"
    yield ""


def _rows(prefix: str, node: Node) -> Iterator[Row]:
    required = cast(list[str], node.get("required", []))
    for key, value in _table(node["properties"]).items():
        item = _table(value)
        notes = [str(item["description"])] if "description" in item else []
        if key not in required:
            notes.append("may be absent")
        yield f"`{prefix}{key}`", _kind(item), "; ".join(notes)
        yield from _inner(f"{prefix}{key}", item)


def _inner(path: str, node: Node) -> Iterator[Row]:
    """Keys of an object that has no name of its own."""
    if "properties" in node:
        yield from _rows(f"{path}.", node)
    if "items" in node:
        yield from _inner(f"{path}[]", _table(node["items"]))
    for part in cast(list[Node], node.get("anyOf", [])):
        yield from _inner(path, part)


def _kind(node: Node) -> str:
    if "$ref" in node:
        name = str(node["$ref"]).rpartition("/")[2]
        return f"[{name}](#{name.replace('_', '-')})"
    if "anyOf" in node:
        return " or ".join(_kind(part) for part in cast(list[Node], node["anyOf"]))
    if "enum" in node:
        return ", ".join(f"`{json.dumps(value)}`" for value in cast(list[object], node["enum"]))
    if "const" in node:
        return f"`{json.dumps(node['const'])}`"
    return _plain(node)


def _plain(node: Node) -> str:
    names = node["type"]
    words = [str(name) for name in names] if isinstance(names, list) else [str(names)]
    if "items" in node:
        words = [f"array of {_kind(_table(node['items']))}" if w == "array" else w for w in words]
    if "additionalProperties" in node:
        values = _kind(_table(node["additionalProperties"]))
        words = [f"object of {values} by name" if w == "object" else w for w in words]
    return " or ".join(words)


def _table(node: object) -> Node:
    assert isinstance(node, Mapping)
    return node
