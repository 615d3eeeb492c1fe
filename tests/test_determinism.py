"""The same input and options give the same bytes, wherever and under whichever Python they run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.digests import BESIDE, CONFIGS, digests
from tests.support.paths import ROOT, TESTDATA
from tests.support.plans import plans_as_shipped

pytestmark = pytest.mark.unit
NAMES = ["inception", "torch_tcn", "streaming_variables", "if_branches", "squeeze_excite"]
SURROUNDINGS: list[dict[str, str]] = [
    {"PYTHONHASHSEED": "0", "LC_ALL": "C", "TZ": "UTC"},
    {"PYTHONHASHSEED": "1", "LC_ALL": "C.UTF-8", "TZ": "Asia/Kathmandu"},
    {
        "PYTHONHASHSEED": "4294967295",
        "LC_ALL": "tr_TR.UTF-8",
        "LANG": "de_DE",
        "TZ": "America/Lima",
    },
    {"PYTHONHASHSEED": "77", "COLUMNS": "20", "NO_COLOR": "1", "TERM": "dumb", "HOME": "/nowhere"},
]
VERSIONS = ("3.10", "3.11", "3.12", "3.13")


def run(
    python: str, folder: Path, variables: dict[str, str], umask: int = -1, models: Path = TESTDATA
) -> list[str]:
    command = [python, "-m", "tests.support.digests", str(models), *NAMES]
    variables = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
    done = subprocess.run(
        command,
        cwd=folder,
        env=variables,
        umask=umask,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def is_ready(python: str) -> bool:
    """Whether an interpreter has what tflopt needs."""
    command = [python, "-c", "import numpy, flatbuffers, typer, rich, jinja2"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.fixture(scope="module", autouse=True)
def _nothing_remembered() -> Iterator[None]:
    with plans_as_shipped():
        yield


@pytest.fixture(scope="module")
def expected() -> list[str]:
    return digests(TESTDATA, NAMES)


@pytest.mark.long
@pytest.mark.parametrize("variables", SURROUNDINGS, ids=lambda item: item["PYTHONHASHSEED"])
def test_surroundings_do_not_matter(
    variables: dict[str, str], expected: list[str], tmp_path: Path
) -> None:
    assert len(set(expected)) == len(NAMES) * (len(CONFIGS) + len(BESIDE))
    assert len({line.split()[2] for line in expected}) > len(expected) * 3 // 4
    link = tmp_path / "link to the models"
    link.symlink_to(TESTDATA)
    assert run(sys.executable, tmp_path, variables, 0o077, link) == expected


@pytest.mark.parametrize("version", VERSIONS)
def test_the_version_of_python_does_not_matter(
    version: str, expected: list[str], tmp_path: Path
) -> None:
    python = shutil.which(f"python{version}")
    if python is None or not is_ready(python):
        pytest.skip(f"no python{version} with tflopt's dependencies")
    assert run(python, tmp_path, {}) == expected


def test_a_second_run_in_one_process_gives_the_same(expected: list[str]) -> None:
    assert digests(TESTDATA, NAMES) == expected
