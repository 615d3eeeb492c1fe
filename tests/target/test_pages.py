"""The pages on an operator, a library and a runner, each followed in a copy of the package."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import ROOT, needs_litert

Edits = dict[str, tuple[str, str]]
pytestmark = pytest.mark.unit
OPERATOR: Edits = {
    "facts/operators.py": (
        "    OpCode.SIN: Operator",
        "    OpCode.STABLEHLO_COSINE: Operator(Kind.UNARY, (0,), KEEPS_TYPE),\n",
    )
}
TURN_BACK = """
from tests.support.kit import Kit
from tflopt.ir import OpCode
from tflopt.rules.pipeline import run_pipeline
n = Kit()
x = n.unary(OpCode.STABLEHLO_COSINE, n.transpose(n.feed(1, 4, 6, 8), 0, 3, 1, 2))
n.output(n.transpose(x, 0, 2, 3, 1))
run_pipeline(n.model)
print(*(op.code.name for op in n.model.ops()))
"""
LIBRARY: Edits = {
    "target/device.py": (
        "    return CmsisNn(find_version(named)",
        """    if named == "other":
        from tflopt.target.other_kernels import OtherKernels

        return OtherKernels()
""",
    )
}
OTHER_KERNELS = """
from dataclasses import dataclass, replace
from tflopt.target.tflm_kernels import TflmKernels

@dataclass(frozen=True)
class OtherKernels(TflmKernels):
    version: str = "other"

    def use(self, op, setup):
        return replace(super().use(op, setup), scratch_bytes=(4096,))
"""
SCRATCH = """
from tests.support.broken import small_model
from tflopt.io import read_bytes
from tflopt.target.device import Device
from tflopt.target.memory import memory_of
memory = memory_of(read_bytes(small_model()), Device.of("cortex-m4", "other"))
print(memory.scratch_bytes)
"""
RUNNER: Edits = {
    "run/registry.py": ('    RunnerKind("qemu"', '    RunnerKind("fast", "fast kernels"),\n'),
    "run/runner.py": (
        "    LITERT_DEFAULT: ",
        '    "fast": "ai_edge_litert",\n',
    ),
    "run/worker.py": (
        '            "litert": OpResolverType.',
        '            "fast": OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,\n',
    ),
}
VERIFIED = """
from pathlib import Path
from tests.support.broken import small_model
from tflopt.cli.main import app
Path("in.tflite").write_bytes(small_model())
optimize = ["optimize", "in.tflite", "-q", "--runner", "fast", "--report", "r.json"]
app(optimize, standalone_mode=False)
import json
print(json.loads(Path("r.json").read_text())["verification"]["runner"])
app(["optimize", "--help"], standalone_mode=False)
"""


def run(folder: Path, code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A copy that comes before the real one."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "tflopt", tmp_path / "tflopt", ignore=ignored)
    return tmp_path / "tflopt"


def edit(package: Path, edits: Edits) -> None:
    """Put lines before the only place that begins so."""
    for name, (place, lines) in edits.items():
        source = (package / name).read_text()
        assert source.count(place) == 1, name
        (package / name).write_text(source.replace(place, lines + place))


def test_a_row_makes_an_operator_one_that_transposes_move_over(package: Path) -> None:
    before = run(package.parent, TURN_BACK)
    assert before.stdout.split() == ["TRANSPOSE", "STABLEHLO_COSINE", "TRANSPOSE"], before.stderr
    edit(package, OPERATOR)
    assert run(package.parent, TURN_BACK).stdout.split() == ["STABLEHLO_COSINE"]


def test_a_library_is_a_module_and_a_line(package: Path) -> None:
    assert "unknown" in run(package.parent, SCRATCH).stderr
    edit(package, LIBRARY)
    (package / "target" / "other_kernels.py").write_text(OTHER_KERNELS)
    done = run(package.parent, SCRATCH)
    assert done.stdout.split() == ["4096"], done.stderr


@needs_litert
@pytest.mark.runtime
def test_a_runner_is_a_name_a_package_and_how_it_loads(package: Path) -> None:
    assert "fast" not in run(package.parent, VERIFIED).stdout
    edit(package, RUNNER)
    done = run(package.parent, VERIFIED)
    assert done.stdout.split()[0] == "fast", done.stderr
    assert "auto, tflm, litert, fast, qemu or fvp" in " ".join(done.stdout.split())
