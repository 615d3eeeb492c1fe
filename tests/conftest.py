"""Fixtures of all tests."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from tests.support.broken import small_model
from tests.support.cli import Cli
from tests.support.plans import remembered_plans
from tests.support.rotation import rotate
from tests.support.runtime import runtime
from tests.support.sharing import own_processes
from tflopt.cli.main import COLLECTED_AFTER
from tflopt.run.shared import sharing


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--fuzz-round",
        type=int,
        default=date.today().toordinal(),
        help="which random models run beside the fixed ones (default: today's)",
    )

    parser.addoption(
        "--rotate",
        action="store_true",
        help="of the tests marked long, those of this round alone ('nox -s long' runs all)",
    )
    parser.addoption("--renew-docs", action="store_true", help="write new numbers to docs/")


def pytest_report_header(config: pytest.Config) -> str:
    return f"fuzz round: {config.getoption('--fuzz-round')}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--rotate"):
        rotate(config, items)


def pytest_collection_finish() -> None:
    """Ten thousand tests live to the end: no collection need go through them again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECTED_AFTER)


@pytest.fixture
def fuzz_round(pytestconfig: pytest.Config) -> int:
    """The number of this round of random models."""
    number: int = pytestconfig.getoption("--fuzz-round")
    return number


@pytest.fixture
def renew_docs(pytestconfig: pytest.Config) -> bool:
    """Whether pages get the numbers that commands print now."""
    wanted: bool = pytestconfig.getoption("--renew-docs")
    return wanted


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Cli:
    """The command line, in an empty folder, with a terminal wide enough not to wrap."""
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.chdir(tmp_path)
    return Cli(capsys, monkeypatch)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A small valid model."""
    path = tmp_path / "small.tflite"
    path.write_bytes(small_model())
    return path


@pytest.fixture(scope="session", autouse=True)
def _stop_runtime() -> Iterator[None]:
    yield
    runtime().stop()
    runtime().log.close()


@pytest.fixture(scope="session", autouse=True)
def _share_runtimes() -> Iterator[None]:
    """All verifications of this process fork their runs from one server for each runtime."""
    with sharing():
        yield


@pytest.fixture(scope="session", autouse=True)
def _remember_plans() -> Iterator[None]:
    with remembered_plans():
        yield


@pytest.fixture
def alone() -> Iterator[None]:
    """For a test of processes or of their surroundings: no server from before it takes part."""
    with own_processes():
        yield
