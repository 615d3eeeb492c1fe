"""An independent reader: the object API that ai-edge-litert ships, compared field by field."""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest


@cache
def object_api() -> ModuleType:
    """``schema_py_generated``, loaded without its package (which takes seconds)."""
    package = importlib.util.find_spec("ai_edge_litert")
    if package is None or not package.submodule_search_locations:
        pytest.skip("ai-edge-litert is missing: no independent reader")
    path = Path(package.submodule_search_locations[0]) / "schema_py_generated.py"
    spec = importlib.util.spec_from_file_location("tflite_object_api", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def all_fields(data: bytes) -> object:
    """Every field of every table; data behind the FlatBuffer stands for its offset."""
    model = object_api().ModelT.InitFromPackedBuf(data, 0)
    return _plain(model, data)


def _plain(item: object, data: bytes) -> object:
    if isinstance(item, list):
        return [_plain(entry, data) for entry in item]
    if isinstance(item, np.ndarray):
        return (item.dtype.str, item.tobytes())
    if isinstance(item, float):
        return repr(item)
    if hasattr(item, "__dict__"):
        fields = {name: _plain(value, data) for name, value in vars(item).items()}
        for offset, size in (
            ("offset", "size"),
            ("largeCustomOptionsOffset", "largeCustomOptionsSize"),
        ):
            start, count = fields.get(offset), fields.get(size)
            if isinstance(start, int) and isinstance(count, int) and start > 1:
                fields[offset] = data[start : start + count]
        return (type(item).__name__, fields)
    return item


def differences(one: object, two: object, where: str = "") -> list[str]:
    """Where two results of :func:`all_fields` differ, for a message a person can read."""
    if one == two:
        return []
    if isinstance(one, tuple) and isinstance(two, tuple) and one[:1] == two[:1]:
        return differences(one[1], two[1], f"{where}:{one[0]}")
    if isinstance(one, dict) and isinstance(two, dict):
        return [
            line
            for key in one.keys() | two.keys()
            for line in differences(one.get(key), two.get(key), f"{where}.{key}")
        ]
    if isinstance(one, list) and isinstance(two, list) and len(one) == len(two):
        return [
            line
            for index, pair in enumerate(zip(one, two, strict=True))
            for line in differences(*pair, f"{where}[{index}]")
        ]
    return [f"{where}: {str(one)[:80]} became {str(two)[:80]}"]


def assert_same_fields(before: bytes, after: bytes) -> None:
    """Both files say the same to the independent reader."""
    found = differences(all_fields(before), all_fields(after))
    assert not found, "\n".join(found[:20])
