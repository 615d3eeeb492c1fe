"""``benchmarks/tool.py`` and ``benchmarks/others.py``: what they measure, read and refuse."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import others, pages, processes
from benchmarks.processes import Runs, Usage
from tests.support.paths import ROOT

pytestmark = pytest.mark.unit
MIB = 1 << 20
MEASURES = """
import json, sys
from benchmarks.processes import run
parent = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'bytearray(64 << 20)'])"
small, large = (run((sys.executable, "-c", text)) for text in ("print('here')", parent))
print(json.dumps([small.peak_bytes, large.peak_bytes, small.output]))
"""
BASELINE = Runs([Usage(5.0, 1.0, 10 * MIB, 0, "")])


def test_a_process_is_measured_with_its_children() -> None:
    """In a small process, as the benchmarks are: what this one holds would count as well."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURES], cwd=ROOT, capture_output=True, text=True, check=True
    )
    small, large, output = json.loads(done.stdout)
    assert 0 < small < 64 * MIB < large
    assert output == "here\n"


def test_the_fastest_run_counts() -> None:
    runs = Runs([Usage(9.0, seconds, 20 * MIB, 0, "") for seconds in (9.0, 3.0, 4.0)])
    assert runs.ratios(BASELINE) == ["3.0", "2.0"]
    assert "1 of 1 models; CPU time median 3.0" in processes.summary("x", [runs], BASELINE)


@pytest.mark.parametrize(
    ("output", "text"),
    [
        ("start\nError: no such\noperator\n", "Error: no such operator"),
        ("╭─ Error ─╮\n│ No such file │\n", "No such file"),
        ("Error: " + "long " * 99, "Error: " + ("long " * 99)[:153] + "..."),
        ("", "exit code 2"),
    ],
)
def test_a_failure_is_told_in_one_line(output: str, text: str) -> None:
    runs = Runs([Usage(1.0, 1.0, MIB, 0, ""), Usage(1.0, 1.0, MIB, 2, output)])
    assert runs.ratios(BASELINE) == ["fails", "fails"]
    assert processes.failures(["a"], [runs]) == [f"- a: {text}"]
    assert processes.summary("x", [runs], BASELINE) == "x: none of 1 models"


def test_planned_bytes_are_read(tmp_path: Path) -> None:
    arenas = {"scratch": [{"used": 384}], "persistent": [{"used": 48}], "constant": [{"used": 9}]}
    (tmp_path / "module").mkdir()
    (tmp_path / "module" / "a_residency.json").write_text(json.dumps({"arenas": arenas}))
    assert others.helia_bytes(tmp_path) == 432
    buffers = [
        {"name": "a", "offset_bytes": 0, "size_bytes": 64},
        {"name": "b", "offset_bytes": 64, "size_bytes": 16},
        {"name": "scratch of CONV_2D 0", "offset_bytes": 80, "size_bytes": 400},
    ]
    planned = {"arena": {"offline_plan": True}, "memory": {"buffers": buffers}}
    assert others.activations(planned) == 80
    assert others.activations({"arena": {"offline_plan": False}}) is None
    assert others.activations({}) is None


def test_without_the_other_tools_it_cannot_run() -> None:
    command = [sys.executable, "benchmarks/others.py", "--helia", "no-helia", "--vela", "no-vela"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == others.CANNOT_RUN
    assert "no-helia (pip install helia-aot)" in done.stderr
    assert "no-vela (pip install ethos-u-vela)" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("operators", "size", "seconds", "faults"),
    [
        (100, 1_000_000, 0.25, 0),
        (100, 1_000_001, 0.25, 1),
        (101, 1_000_001, 0.25, 0),
        (10, 10, 0.26, 1),
        (100, 1_000_001, 0.26, 2),
    ],
)
def test_limits_of_pages(operators: int, size: int, seconds: float, faults: int) -> None:
    assert len(pages.Page("a", operators, size, seconds, 0.1).faults) == faults
