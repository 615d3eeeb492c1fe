"""Small hostile files stay within the memory and the time that SECURITY.md states."""

from __future__ import annotations

import gc
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.growth import FAMILIES
from tests.support.attacks import ATTACKS, nested
from tests.support.cli import Cli
from tests.support.limited import Limited
from tests.support.paths import ROOT
from tflopt.cli.main import COLLECTED_AFTER, _collected_rarely
from tflopt.io import write

resource = pytest.importorskip("resource")
pytestmark = pytest.mark.unit
LIMIT_MIB, LIMIT_S = 1024, 20


@pytest.fixture(scope="module")
def limited() -> Iterator[Limited]:
    with Limited(LIMIT_MIB, LIMIT_S) as found:
        yield found


@pytest.mark.parametrize("name", ATTACKS)
def test_a_small_file_takes_little_memory_and_time(
    name: str, limited: Limited, tmp_path: Path
) -> None:
    source, out = tmp_path / "in.tflite", tmp_path / "out.tflite"
    write(ATTACKS[name](), source)
    assert limited.run(tmp_path, "optimize", "--no-verify", "-q", "-o", out, source) == (0, "")
    assert out.exists()
    assert limited.run(tmp_path, "inspect", "--json", source) == (0, "")


@pytest.mark.parametrize(("mebibytes", "seconds"), [(1, LIMIT_S), (LIMIT_MIB, 1)])
def test_a_command_beyond_the_limits_fails(mebibytes: int, seconds: int, tmp_path: Path) -> None:
    source, out = tmp_path / "in.tflite", tmp_path / "out.tflite"
    write(FAMILIES["mixed"].build(3 * stated_operators()), source)
    with Limited(mebibytes, seconds) as limited:
        code, _ = limited.run(tmp_path, "optimize", "--no-verify", "-q", "-o", out, source)
    assert code != 0
    assert not out.exists()


def test_the_collector_is_as_it_was_after_a_command(tmp_path: Path, cli: Cli) -> None:
    before = gc.get_threshold()
    with _collected_rarely():
        assert gc.get_threshold() == (COLLECTED_AFTER, *before[1:])
    assert gc.get_threshold() == before
    assert cli("targets").code == 0
    assert gc.get_threshold() == before


def test_security_md_states_these_limits() -> None:
    text = (ROOT / "SECURITY.md").read_text()
    assert f"{LIMIT_MIB} MiB" in text
    assert re.search(rf"\b{LIMIT_S} s\b", text)


@pytest.mark.long
@pytest.mark.parametrize("name", FAMILIES)
def test_graphs_of_hundreds_of_operators_stay_within_them_too(
    name: str, limited: Limited, tmp_path: Path
) -> None:
    """Before, 200 of them took up to 27 s, and 400 up to 1.7 GB of memory."""
    source, out = tmp_path / "in.tflite", tmp_path / "out.tflite"
    write(FAMILIES[name].build(stated_operators()), source)
    assert limited.run(tmp_path, "optimize", "--no-verify", "-q", "-o", out, source) == (0, "")


def stated_operators() -> int:
    """The number that SECURITY.md states."""
    found = re.search(r"graphs of (\d+) operators", (ROOT / "SECURITY.md").read_text())
    assert found is not None
    return int(found[1])


@pytest.mark.parametrize(
    ("levels", "reason"), [(33, "levels deep|operators"), (1000, "levels deep|operators")]
)
def test_deep_calls_are_invalid(levels: int, reason: str, cli: Cli, tmp_path: Path) -> None:
    """1,000 levels were "internal: recursion limit; please report it"."""
    path = tmp_path / "in.tflite"
    write(nested(levels), path)
    for command in ("optimize", "inspect"):
        ran = cli(command, path)
        assert ran.code == 3
        assert re.search(reason, ran.only_error)
