"""Reports of models, each made once."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import cast

from tflopt.config import Config
from tflopt.io.files import load
from tflopt.product.optimize import Result, Settings, optimize_file_bytes
from tflopt.report.json_report import dumps, report
from tflopt.report.plain import Plain
from tflopt.run.samples import SampleOptions
from tflopt.target.memory import PlanRequest


@cache
def result_of(path: Path, *, verified: bool = False) -> tuple[Result, Settings]:
    """What ``optimize`` makes of a model with its defaults; nobody changes it."""
    model, data = load(path)
    samples = SampleOptions() if verified else None
    settings = Settings(config=Config(plan=PlanRequest()), samples=samples)
    return optimize_file_bytes(model, data, settings), settings


@cache
def report_of(path: Path, *, verified: bool = False) -> Plain:
    """Its report, as a reader of the JSON sees it."""
    result, settings = result_of(path, verified=verified)
    found = json.loads(dumps(report(result, settings, path.name, "out.tflite")))
    return cast("Plain", found)


def at(data: object, path: str) -> object:
    """What stands at ``input/arena/head_bytes``."""
    for key in path.split("/"):
        assert isinstance(data, dict)
        data = data[key]
    return data


def large_report(operators: int, name: str = "a") -> Plain:
    """A chain of one changed operator in ten, each with a tensor that lives for two steps."""
    base = json.loads(json.dumps(report_of(SMALL)))
    for key in ("input", "output"):
        side = base[key]
        side["graph"] = [
            {
                "subgraph": 0,
                "index": index,
                "operator": "ADD",
                "name": f"{name}{index}",
                "outputs": ["i8[1,16]"],
                "reads": [index - 1] * (index > 0) + [index // 2] * (index > 3),
                "fate": "kept" if index % 10 else "changed",
                "counterpart": index,
            }
            for index in range(operators)
        ]
        side["kernels"] = [
            {**side["kernels"][0], "index": index, "instructions": index}
            for index in range(operators)
        ]
        side["memory_map"]["steps"] = [
            {"step": i, "subgraph": 0, "index": i - 1, "operator": "ADD", "live_bytes": 32}
            for i in range(operators + 1)
        ]
        side["memory_map"]["buffers"] = [
            {
                "name": f"{name}{index}",
                "kind": "tensor",
                "offset_bytes": 16 * (index % 2),
                "size_bytes": 16,
                "first_step": index,
                "last_step": index + 1,
            }
            for index in range(operators)
        ]
    base["passes"][0]["hits"] = [
        {"where": f"{name}{index}", "edits": [name] * 50, "shown_by": "structure"}
        for index in range(operators)
    ]
    base["passes"][0]["declined"] = [
        {"where": f"{name}{index}", "reason": f"reason {name}", "advice": ""}
        for index in range(operators)
    ]
    return cast("Plain", base)


SMALL = Path(__file__).resolve().parents[2] / "testdata" / "models" / "har_cnn.tflite"
