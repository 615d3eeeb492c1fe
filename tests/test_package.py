"""What is published: the source archive holds what a packager builds and tests with."""

from __future__ import annotations

import subprocess
import sys
import tarfile
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.support.paths import ROOT

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

pytestmark = pytest.mark.unit
LEFT_OUT = {".ci", ".pre-commit-config.yaml", ".pre-commit-hooks.yaml", "dev"}
"""For the repository alone."""
ALWAYS = {".gitignore", "pyproject.toml"}
"""Hatchling adds them itself."""
MOST_BYTES = 8 << 20


def tracked() -> list[Path]:
    if not (ROOT / ".git").exists():
        pytest.skip("no repository")
    command = ["git", "ls-files", "-z"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return [Path(name) for name in done.stdout.split("\0") if name]


def included() -> set[str]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    target = settings["tool"]["hatch"]["build"]["targets"]["sdist"]
    return {name.removeprefix("/") for name in target["include"]}


def test_the_source_archive_has_all_but_what_is_named_here() -> None:
    assert included() | ALWAYS | LEFT_OUT == {path.parts[0] for path in tracked()}
    assert not included() & LEFT_OUT
    assert {"tests", "testdata", "tflopt", "docs", "LICENSE", "noxfile.py"} <= included()


def test_the_source_archive_stays_small() -> None:
    chosen = [path for path in tracked() if path.parts[0] in included() | ALWAYS]
    assert (
        sum((ROOT / path).stat().st_size for path in chosen if (ROOT / path).exists())
        < MOST_BYTES * 2
    )


@pytest.mark.skipif(find_spec("hatchling") is None, reason="hatchling is missing")
def test_the_source_archive_as_it_is_built(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (archive,) = tmp_path.iterdir()
    assert archive.stat().st_size < MOST_BYTES
    with tarfile.open(archive) as packed:
        found = {Path(*Path(name).parts[1:]) for name in packed.getnames()}
    wanted = {path for path in tracked() if path.parts[0] not in LEFT_OUT}
    assert wanted <= found
    assert found - wanted == {Path("PKG-INFO")}
