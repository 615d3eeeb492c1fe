"""A report with all that a page can show: idle channels, measured costs, a frontier."""

from __future__ import annotations

import json
from functools import cache
from typing import cast

from tests.support.kit import Kit
from tests.support.planted import ignore, kill, saturate
from tflopt.config import Config
from tflopt.io import write_bytes
from tflopt.io.reading.reader import read_bytes
from tflopt.ir import Activation
from tflopt.product.optimize import Settings, optimize_file_bytes
from tflopt.report.extras import with_frontier, with_measured
from tflopt.report.json_report import dumps, report
from tflopt.report.plain import Plain, number, rows, table, text
from tflopt.target.memory import PlanRequest


def planted() -> bytes:
    """A network of which two channels have no weights, one is saturated, two are unread."""
    n = Kit()
    x = n.conv2d(n.feed(1, 6, 5, 3), 8, activation=Activation.RELU)
    kill(x, [0, 1])
    saturate(x, [0, 1, 5])
    y = n.conv2d(x, 4, (1, 1))
    ignore(y, [5, 6])
    n.output(y)
    return write_bytes(n.model)


@cache
def planted_report() -> Plain:
    """Of :func:`planted`."""
    data = planted()
    settings = Settings(config=Config(plan=PlanRequest()), samples=None)
    result = optimize_file_bytes(read_bytes(data), data, settings)
    return cast("Plain", json.loads(dumps(report(result, settings, "planted.tflite", "out"))))


def measured(plain: Plain) -> dict[str, object]:
    """What ``bench --json`` would say of both files if each operator took its index and a bit."""
    return {
        "target": plain["target"],
        "cmsis_nn": plain["cmsis_nn"],
        "models": [_model(table(plain, key)) for key in ("input", "output") if key in plain],
    }


def _model(side: Plain) -> dict[str, object]:
    ops = [op for op in rows(side, "graph") if number(op, "subgraph") == 0]
    return {
        "sha256": text(side, "sha256"),
        "unit": "instructions",
        "total": sum(1000 + number(op, "index") for op in ops) + 77,
        "operators": [
            {"index": number(op, "index"), "count": 1000 + number(op, "index")} for op in ops
        ],
        "device": {"board": "mps3-an547"},
    }


def explored(plain: Plain) -> dict[str, object]:
    """What ``explore --json`` might say of the original."""
    side = table(plain, "input")
    least = number(table(side, "arena"), "minimum_bytes")
    original = {
        "arena_bytes": least,
        "flash_bytes": number(side, "file_bytes"),
        "instructions": number(table(side, "instructions"), "total"),
    }
    points = [
        {
            "arena_bytes": least - 100 * at,
            "flash_bytes": number(side, "file_bytes") - 64 * (at % 3),
            "instructions": 10_000 + 700 * at,
            "command": ["tflopt", "optimize", "a b.tflite", "--max-arena", str(least - 100 * at)],
        }
        for at in range(5)
    ]
    return {
        "target": plain["target"],
        "cmsis_nn": plain["cmsis_nn"],
        "model": "planted.tflite",
        "sha256": text(side, "sha256"),
        "original": original,
        "points": points,
    }


def full_report(plain: Plain) -> Plain:
    """A report with both."""
    found = with_measured(plain, measured(plain), "bench.json")
    return with_frontier(found, explored(plain), "explore.json")
