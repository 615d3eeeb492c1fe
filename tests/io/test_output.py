"""Results are on the disk whole or not at all."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.limits import most_file_bytes
from tests.support.paths import ROOT
from tflopt.errors import system_reason
from tflopt.io import write_all, write_file
from tflopt.io.writing.output import signals_held

pytestmark = pytest.mark.unit
SIGNALS = ("SIGKILL", "SIGTERM", "SIGHUP", "SIGINT")


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_an_end_at_any_step_leaves_whole_files(tmp_path: Path) -> None:
    """Every 7th bytecode instruction; ``benchmarks/output_faults.py`` does all."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.support.killed", str(tmp_path), "7"],
        cwd=ROOT,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    found = json.loads(done.stdout)
    assert tuple(found) == SIGNALS
    for each in found.values():
        assert each["wrong"] == []
        assert 0 < each["changed"] < each["steps"]
        assert each["steps"] > 50


def test_a_disk_that_fills_at_any_byte(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_bytes(b"old")
    for size in range(8):
        with most_file_bytes(size), pytest.raises(OSError, match="can't be written") as caught:
            write_all({one: [b"1", b"2"], two: [b"12345", b"678"]})
        assert system_reason(caught.value) == (
            f"{one if size < 2 else two}: can't be written: File too large"
        )
        assert content(tmp_path) == {"one": b"old"}
    with most_file_bytes(8):
        assert write_all({one: [b"1", b"2"], two: [b"12345", b"678"]}) == [2, 8]
    assert content(tmp_path) == {"one": b"12", "two": b"12345678"}


def test_a_file_that_can_not_be_renamed_leaves_no_part(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="can't be written: Is a directory") as caught:
        write_file(tmp_path / "folder", [b"x"])
    assert caught.value.filename == str(tmp_path / "folder")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


@pytest.mark.parametrize("name", ["n" * 255, "line\nbreak", "\udcff\udc80", "-", " ", "ü" * 127])
def test_any_name_that_the_system_takes(name: str, tmp_path: Path) -> None:
    for data in (b"first", b"second"):
        write_file(tmp_path / name, [data])
        assert content(tmp_path) == {name: data}


def test_a_name_that_is_too_long(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="File name too long"):
        write_file(tmp_path / ("n" * 256), [b"x"])
    assert not list(tmp_path.iterdir())


@pytest.fixture(params=[0o002, 0o027, 0o077], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def test_permissions(umask: int, tmp_path: Path) -> None:
    new, old = tmp_path / "new", tmp_path / "old"
    old.touch()
    old.chmod(0o604)
    write_all({new: [b""], old: [b""]})
    assert new.stat().st_mode & 0o777 == 0o666 & ~umask
    assert old.stat().st_mode & 0o777 == 0o604


# --- Links and things that are no files.


@pytest.mark.parametrize("target", ["other", "nowhere", "loop"])
def test_a_symbolic_link_is_replaced_and_its_target_stays(target: str, tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"other")
    link = tmp_path / "loop"
    link.symlink_to(target)
    write_file(link, [b"new"])
    assert not link.is_symlink()
    assert content(tmp_path) == {"other": b"other", "loop": b"new"}


def test_a_hard_link_is_replaced_and_its_twin_stays(tmp_path: Path) -> None:
    (tmp_path / "twin").write_bytes(b"twin")
    (tmp_path / "link").hardlink_to(tmp_path / "twin")
    write_file(tmp_path / "link", [b"new"])
    assert content(tmp_path) == {"twin": b"twin", "link": b"new"}


def test_a_named_pipe_is_written_to(tmp_path: Path) -> None:
    pipe, seen = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: seen.append(pipe.read_bytes()), daemon=True)
    reader.start()
    write_all({pipe: [b"ab", b"c"], tmp_path / "file": [b"d"]})
    reader.join(30)
    assert seen == [b"abc"]
    assert pipe.is_fifo()
    assert (tmp_path / "file").read_bytes() == b"d"


def test_a_device_is_written_to_and_stays() -> None:
    ours, theirs = os.openpty()
    try:
        device = Path(os.ttyname(theirs))
        assert write_file(device, [b"text"]) == 4
        assert os.read(ours, 4) == b"text"
        assert device.is_char_device()
    finally:
        os.close(ours)
        os.close(theirs)


# --- Signals.


def test_signals_come_after_the_block_in_their_order() -> None:
    seen: list[str] = []
    before = signal.signal(signal.SIGTERM, lambda *_: seen.append("term"))
    interrupt = signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in a background
    try:
        with pytest.raises(KeyboardInterrupt), signals_held():
            signal.raise_signal(signal.SIGTERM)
            signal.raise_signal(signal.SIGINT)
            seen.append("block")
    finally:
        own = signal.signal(signal.SIGTERM, before)
        kept = signal.signal(signal.SIGINT, interrupt)
    assert seen == ["block", "term"]
    assert callable(own)
    assert kept is signal.default_int_handler


def test_an_ignored_signal_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with signals_held():
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_another_thread_writes_too(tmp_path: Path) -> None:
    worker = threading.Thread(target=write_file, args=(tmp_path / "x", [b"x"]))
    worker.start()
    worker.join()
    assert content(tmp_path) == {"x": b"x"}


def test_the_limit_of_these_tests_is_lifted_again() -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    with most_file_bytes(1):
        assert resource.getrlimit(resource.RLIMIT_FSIZE) == (1, before[1])
    assert resource.getrlimit(resource.RLIMIT_FSIZE) == before
