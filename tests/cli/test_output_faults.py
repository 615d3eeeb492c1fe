"""Whatever goes wrong with results: the input is never harmed, and no part of a result stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.broken import small_model
from tests.support.cli import Cli
from tests.support.limits import most_file_bytes
from tests.support.paths import ROOT
from tests.support.waiting import until

pytestmark = [pytest.mark.unit, pytest.mark.usefixtures("alone")]
QUICK = ("--no-verify", "-q")
COMMANDS: dict[str, tuple[str, ...]] = {
    "optimize": (
        *("optimize", "in.tflite", *QUICK, "-o", "out/m.tflite", "--annotate", "file"),
        *("--report", "out/r.json", "--html", "out/r.html"),
    ),
    "batch": ("optimize", "in.tflite", "two.tflite", *QUICK, "-d", "out", "--report", "out/r.json"),
    "emit": ("emit", "in.tflite", "two.tflite", "-q", "-d", "out"),
    "report": ("report", "in.tflite", "--no-verify", "-o", "out/r.html", "--svg", "out/m.svg"),
    "check": ("check", "c.toml", "-q", "--junit", "out/j.xml", "--markdown", "out/t.md"),
    "validate": ("validate", "in.tflite", "two.tflite", "--report", "out/r.json"),
}
TOGETHER = ("optimize", "emit", "report", "check")
CONFIG = "[[model]]\npath = 'in.tflite'\nverify = false\n"
INPUTS = ("in.tflite", "two.tflite", "c.toml")
Tree = dict[str, "tuple[bytes, int]"]


@pytest.fixture
def place(tmp_path: Path, cli: Cli) -> Path:
    """An empty folder ``out``, and inputs that are checked afterwards by ``untouched``."""
    assert cli
    (tmp_path / "in.tflite").write_bytes(small_model())
    (tmp_path / "two.tflite").write_bytes(small_model())
    (tmp_path / "c.toml").write_text(CONFIG)
    (tmp_path / "out").mkdir()
    return tmp_path


def tree(folder: Path) -> Tree:
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def inputs(folder: Path) -> Tree:
    return {name: entry for name, entry in tree(folder).items() if name in INPUTS}


def run(cli: Cli, name: str) -> None:
    ran = cli(*COMMANDS[name])
    assert ran.code == 0, ran.err


@pytest.mark.parametrize("name", TOGETHER)
def test_a_full_disk_changes_no_file(name: str, place: Path, cli: Cli) -> None:
    """The disk fills one byte before the end of each result, in turn."""
    before = inputs(place)
    run(cli, name)
    sizes = sorted({path.stat().st_size for path in (place / "out").iterdir()} - {0})
    for path in (place / "out").iterdir():
        path.write_bytes(b"old")
    old = tree(place)
    for limit in [0, *(size - 1 for size in sizes)]:
        with most_file_bytes(limit):
            ran = cli(*COMMANDS[name])
        assert ran.code == 4
        assert "out" in ran.only_error
        assert "can't be written: File too large" in ran.only_error
        assert tree(place) == old
    assert inputs(place) == before


def test_a_full_disk_in_a_batch_leaves_whole_models(place: Path, cli: Cli) -> None:
    before = inputs(place)
    run(cli, "batch")
    whole = tree(place / "out")
    (place / "out" / "r.json").unlink()
    size = len(whole["in.opt.tflite"][0])
    assert size < len(whole["r.json"][0])
    with most_file_bytes(size):
        ran = cli(*COMMANDS["batch"])
    assert (ran.code, ran.out) == (4, "")
    assert "r.json: can't be written: File too large" in ran.only_error
    assert {path.name for path in (place / "out").iterdir()} == {"in.opt.tflite", "two.opt.tflite"}
    with most_file_bytes(size - 1):
        ran = cli(*COMMANDS["batch"])
    assert ran.code == 4
    errors = ran.err.splitlines()
    for line, name in zip(errors, ("in.opt.tflite", "two.opt.tflite"), strict=True):
        assert line.endswith(f"out/{name}: can't be written: File too large")
    now = tree(place / "out")
    assert all(now[name][0] == whole[name][0] for name in ("in.opt.tflite", "two.opt.tflite"))
    assert inputs(place) == before


def unwritable(folder: Path) -> Path:
    """A folder where nothing can be written; for root one that the kernel owns."""
    shut = folder / "shut"
    if os.geteuid():
        shut.mkdir(mode=0o500)
    else:
        kernel = Path("/sys/kernel")
        if not kernel.is_dir():
            pytest.skip("no folder here forbids root to write")
        shut.symlink_to(kernel)
    return shut


@pytest.mark.parametrize("name", COMMANDS)
def test_a_folder_that_forbids_writing(name: str, place: Path, cli: Cli) -> None:
    before = inputs(place)
    (place / "out").rmdir()
    unwritable(place).rename(place / "out")
    listing = sorted((place / "out").iterdir())
    ran = cli(*COMMANDS[name])
    assert ran.code == 4
    errors = ran.err.splitlines()
    assert len(errors) == (3 if name == "batch" else 1)
    for line in errors:
        assert line.startswith("tflopt: error: ")
        assert "can't be written: " in line
        assert "denied" in line or "Read-only" in line
    assert sorted((place / "out").iterdir()) == listing
    assert inputs(place) == before


# --- Results that would land on inputs, on each other, or on nothing that is a file.


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("optimize in.tflite -o x.tflite --report hard", "hard: is a model, not a report"),
        ("optimize in.tflite -o x.tflite --html link", "link: is a model, not a report"),
        ("optimize in.tflite -o x.tflite --html x.tflite", "x.tflite: is a model, not a report"),
        ("optimize in.tflite -o x.tflite --report r --html ./r", "r: is named for two results"),
        ("optimize in.tflite -o x.tflite --report - --html -", "-: is named for two results"),
        ("optimize m.tflopt -o m.tflite --annotate file", "m.tflopt: is a model"),
        ("optimize in.tflite in.opt.tflite -d .", "in.opt.tflite: is an input"),
        ("optimize m.opt.tflopt m.tflite -d . --annotate file", "m.opt.tflopt: is an input"),
        ("report in.tflite -o hard", "hard: is a model, not a report"),
        ("report in.tflite two.tflite --svg two.tflite", "two.tflite: is a model, not a report"),
        ("report in.tflite -o r --svg r", "r: is named for two results"),
        ("check c.toml --junit c.toml", "c.toml: is the configuration, not a report"),
        ("check c.toml --markdown hard", "hard: is a model, not a report"),
        ("check c.toml --junit r --markdown r", "r: is named for two results"),
        ("validate in.tflite two.tflite --report hard", "hard: is a model, not a report"),
        ("validate in.tflite two.tflite --report two.tflite", "two.tflite: is a model"),
        ("emit in.tflite --incbin --name in -d .", "in.tflite: would be overwritten"),
        ("optimize in.tflite -o out", "out: is a folder"),
        ("optimize in.tflite -o socket", "socket: is not a regular file"),
        ("optimize in.tflite -o nowhere/x", "nowhere: no such folder"),
        ("report in.tflite --svg out", "out: is a folder"),
        ("check c.toml --junit dangling/x", "dangling: no such folder"),
        ("validate in.tflite two.tflite --report to_out", "to_out: is a folder"),
        ("emit in.tflite -d in.tflite", "in.tflite: is a file; name a folder"),
        ("optimize in.tflite two.tflite -d loop", "loop: is a link that leads to no folder"),
    ],
)
def test_a_place_that_is_taken(
    arguments: str, message: str, place: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("m.tflopt", "m.opt.tflopt", "m.tflite", "in.opt.tflite"):
        (place / name).write_bytes(small_model())
    (place / "hard").hardlink_to(place / "in.tflite")
    for name, target in (("link", "in.tflite"), ("dangling", "x"), ("to_out", "out")):
        (place / name).symlink_to(target)
    (place / "loop").symlink_to("loop")
    os.mknod(place / "socket", 0o140600)
    monkeypatch.chdir(place)
    before = tree(place)
    ran = cli(*arguments.split())
    assert ran.code == 2
    assert message in ran.only_error
    assert tree(place) == before


def test_a_full_disk_for_temporary_files_is_no_verdict(place: Path, cli: Cli) -> None:
    arguments = ("validate", "in.tflite", "two.tflite", "--runner", "litert")
    with most_file_bytes(10):
        ran = cli(*arguments)
    assert ran.code == 4
    assert "litert: can't write to" in ran.err + ran.out
    assert "File too large" in ran.err + ran.out


# --- Names.


@pytest.mark.parametrize("name", ["line\nbreak", "\udcff\udc80", "n" * 240, "ü [b]<i>&\x1b[31m"])
def test_any_name(name: str, place: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = place / name
    folder.mkdir()
    for each in INPUTS:
        (place / each).rename(folder / each)
    monkeypatch.chdir(folder)
    for path in ("in.tflite", "two.tflite"):
        Path(path).rename(f"{name[:200]}{path}")
    for command, arguments in COMMANDS.items():
        if command == "check":
            Path("c.toml").write_text("[[model]]\npath = '*.tflite'\nverify = false\n")
        where = folder / f"{command} {name}"[:200]
        where.mkdir()
        words = [
            f"{name[:200]}{word}" if word in INPUTS[:2] else word.replace("out/", f"{where}/")
            for word in arguments
        ]
        ran = cli(*[str(where) if word == "out" else word for word in words])
        assert (command, ran.code, ran.err) == (command, 0, "")
        assert "\x1b" not in ran.out
        assert list(where.iterdir())


# --- Pipes, and streams that are closed.

START = "import sys; sys.argv[0] = 'tflopt'; from tflopt.cli.main import run; run()"


def shell(line: str, place: Path, unbuffered: str = "") -> subprocess.CompletedProcess[str]:
    """``tflopt`` in a line of a shell; what it ends with is that of the last command."""
    function = f'tflopt() {{ "{sys.executable}" -W error -c "{START}" "$@"; }}\n'
    return subprocess.run(
        ["sh", "-c", function + line],
        cwd=place,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "TERM": "dumb",
            "PYTHONUNBUFFERED": unbuffered,
        },
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(
    ("line", "code", "message"),
    [
        ("tflopt optimize in.tflite -o out/x --no-verify > /dev/full", 4, "No space left"),
        ("tflopt inspect nowhere > /dev/full 2> /dev/full", 2, ""),
        ("tflopt optimize in.tflite -o out/x --no-verify >&- 2>&- <&-", 0, ""),
    ],
)
def test_streams(line: str, code: int, message: str, unbuffered: str, place: Path) -> None:
    before = inputs(place)
    done = shell(line, place, unbuffered)
    assert (done.returncode, "Traceback" in done.stderr) == (code, False)
    assert "Exception ignored" not in done.stderr
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == bool(message)
    if "optimize" in line:
        assert (place / "out" / "x").read_bytes()[4:8] == b"TFL3"
    assert not list(place.rglob(".tflopt*"))
    assert inputs(place) == before


# --- Signals.

BATCH = """
import os, signal, sys, time
from pathlib import Path
from tflopt.gate.batch import run_all
from tflopt.cli import main

def work(folder):
    Path(folder, str(os.getpid())).touch()
    time.sleep(600)

if __name__ == "__main__":
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # ignored under nohup
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in a shell's background
    main.app = lambda: run_all(work, [sys.argv[1]] * 3, 2, lambda _: None)
    main.run()
"""


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT])
def test_a_batch_ends_with_all_its_processes(number: int, tmp_path: Path) -> None:
    """As a terminal does, the signal goes to the group: the processes at work say nothing."""
    folder, script = tmp_path / "pids", tmp_path / "script.py"
    folder.mkdir()
    script.write_text(BATCH)
    with subprocess.Popen(
        [sys.executable, str(script), str(folder)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as caller:
        assert caller.stderr is not None
        ended = caller.poll
        until(lambda: ended() is not None or len(list(folder.iterdir())) == 2, "the start")
        os.killpg(caller.pid, number)
        errors = caller.stderr.read()
    assert (errors, caller.returncode) == ("", 128 + number)
    for path in folder.iterdir():
        assert not Path("/proc", path.name).exists()
