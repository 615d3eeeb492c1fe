"""What SECURITY.md promises: no network, nothing of a model executed, files only where asked."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.support.audited import NETWORK, PROCESSES
from tests.support.paths import ROOT, needs_tflm
from tflopt.run.process import GUARD
from tflopt.run.shared import SERVER

Event = list[str]
FORBIDDEN = frozenset(
    "asyncio ctypes ftplib http imaplib marshal pickle poplib requests shelve smtplib socket "
    "socketserver ssl telnetlib urllib urllib3 xmlrpc".split()
)
TEXT = frozenset({"urllib.parse"})
"""Modules of forbidden packages that only handle text."""
EXECUTES = frozenset({"eval", "exec", "compile", "__import__"})
pytestmark = pytest.mark.runtime


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, list[Event]]]:
    folder = tmp_path_factory.mktemp("audited")
    done = subprocess.run(
        [sys.executable, "-B", "-m", "tests.support.audited", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder, json.loads(done.stdout)


@needs_tflm
def test_nothing_of_a_model_is_executed(events: tuple[Path, dict[str, list[Event]]]) -> None:
    """Reading, optimizing, reports, pages and sources: no code is made, loaded or run."""
    assert events[1]["library"] == []


@needs_tflm
def test_commands_open_no_connection_and_start_only_runners(
    events: tuple[Path, dict[str, list[Event]]],
) -> None:
    found = events[1]["commands"]
    assert [event for event in found if event[0].startswith(NETWORK)] == []
    started = [event for event in found if event[0].startswith(PROCESSES)]
    assert len(started) > 2  # optimize, validate and report: one server for each runtime at least
    for name, arguments in started:
        assert name == "subprocess.Popen"
        command = json.loads(arguments)
        guarded = command[:4] == [sys.executable, "-I", "-S", str(GUARD)]
        assert guarded or command[:2] == [sys.executable, str(SERVER)]


@needs_tflm
def test_commands_write_only_where_they_were_asked_to(
    events: tuple[Path, dict[str, list[Event]]],
) -> None:
    folder, found = events[0], events[1]["commands"]
    written = {Path(event[1]) for event in found if event[0] == "write"}
    assert Path("out/m.tflite") not in written  # never in place
    temporary = re.compile(re.escape(tempfile.gettempdir()) + r"/tflopt-\w+/.*")
    for path in written - {Path("/dev/null"), Path("in.tflite"), Path("c.toml")}:
        inside = path.parent == Path("out") and re.fullmatch(r"\.tflopt-\w+\.part", path.name)
        assert inside or temporary.fullmatch(str(path)), path
    (place,) = folder.iterdir()
    assert {path.name for path in place.iterdir()} == {"in.tflite", "c.toml", "out"}
    names = {path.name for path in (place / "out").iterdir()}
    assert not {name for name in names if name.startswith(".")}


def suspicions(node: ast.AST) -> bool:
    """Whether a node names a module for networks or pickles, or a built-in that runs text."""
    if isinstance(node, ast.Import):
        return bool(FORBIDDEN & {name.name.partition(".")[0] for name in node.names})
    if isinstance(node, ast.ImportFrom):
        module = node.module or ""
        return not node.level and module not in TEXT and module.partition(".")[0] in FORBIDDEN
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        return node.func.id in EXECUTES
    if isinstance(node, ast.keyword) and node.arg in ("shell", "allow_pickle"):
        return not (isinstance(node.value, ast.Constant) and node.value.value is False)
    return False


@pytest.mark.parametrize(
    "text",
    [
        "import socket",
        "from urllib.request import x",
        "from urllib import parse",
        "eval(x)",
        "load(x, allow_pickle=y)",
    ],
)
def test_suspicions_are_noticed(text: str) -> None:
    assert any(map(suspicions, ast.walk(ast.parse(text))))


def test_no_module_could() -> None:
    found = [
        f"{path}:{getattr(node, 'lineno', 0)}"
        for path in sorted((ROOT / "tflopt").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if suspicions(node)
    ]
    assert found == []


def pins(name: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for line in (ROOT / "tests" / name).read_text().splitlines():
        pin = re.match(r"([a-z0-9-]+)==([^ ;\\]+)", line)
        if pin:
            found.setdefault(pin[1], set()).add(pin[2])
    return found


def test_the_locked_requirements_are_those_that_are_pinned() -> None:
    """``nox -s lock`` writes tests/requirements.lock."""
    locked = pins("requirements.lock")
    assert pins("requirements.txt").items() <= locked.items()
    text = (ROOT / "tests" / "requirements.lock").read_text()
    blocks = re.findall(r"^[a-z0-9-]+==.*?(?=^[a-z]|\Z)", text, re.DOTALL | re.MULTILINE)
    assert len(blocks) == sum(map(len, locked.values()))
    assert all(re.search(r"--hash=sha256:[0-9a-f]{64}\b", block) for block in blocks)
