"""The platform layer on every board: start-up, files, costs, traps. No TFLM library needed."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from tests.micro_runner.conftest import Images
from tests.micro_runner.firmware import BOARDS, Board, Boot, boot, request_text, small_model

pytestmark = pytest.mark.device


def every_board(test: Callable[..., None]) -> Callable[..., None]:
    """In a round the same boards for all tests: an image takes seconds to build."""
    pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)(test)
    pytest.mark.long(by="board")(test)
    return test


STEP = 600
"""Instructions by which one operator of the stand-in costs more than the one before."""
TRAPS = {
    "null_write": (16, "fault", "MemManage"),
    "undefined": (16, "fault", "UsageFault"),
    "wild_jump": (16, "fault", "MemManage"),
    "smash": (16, "fault", "MemManage"),
    "stack": (17, "stack_overflow", None),
    "loop": (18, "watchdog", ""),
    "abort": (19, "aborted", ""),
}


def run(images: Images, board: Board, folder: Path, model: bytes, **keys: object) -> Boot:
    files = {"model": model, "inputs": bytes(range(48))}
    return boot(images(board.name), board.name, folder, request_text(**keys), files)


@every_board
def test_runs_samples(images: Images, board: Board, tmp_path: Path) -> None:
    asked = {"samples": 3, "inputs": "inputs", "outputs": "outputs", "plan": 1, "profile": 1}
    done = run(images, board, tmp_path, small_model(ops=4), **asked)
    report = done.report
    assert (done.code, report.status, done.console) == (0, "ok", "")
    assert (report.board, report.core, report.isa) == (board.name, board.core, board.isa)
    expected = bytes((value + 1 + index // 16) % 256 for index, value in enumerate(range(48)))
    assert done.files["outputs"] == expected
    assert report.outputs_crc32 == zlib.crc32(expected)
    assert (report.arena_used_bytes, report.head_bytes, report.tail_bytes) == (1000, 32, 968)
    assert [buffer.offset_bytes for buffer in report.buffers] == [0, 16, 32]
    assert [buffer.is_offline for buffer in report.buffers] == [False, True, False]
    assert [scratch.size_bytes for scratch in report.scratch] == [13]
    assert report.stack_high_water_bytes is not None
    assert 100 < report.stack_high_water_bytes < 2000
    assert report.other["samples_done"] == "3"


@every_board
def test_counts_instructions(images: Images, board: Board, tmp_path: Path) -> None:
    done = run(images, board, tmp_path, small_model(ops=6), profile=1)
    report = done.report
    assert report.unit == "instructions"
    resolution = int(report.other["resolution"])
    costs = [op.count for op in report.operators]
    for before, after in pairwise(costs):
        assert abs(after - before - STEP) <= 2 * resolution
    # The stand-in's own work beside its operators is small.
    assert report.total is not None
    assert 0 < report.total - sum(costs) < 6000
    again = run(images, board, tmp_path, small_model(ops=6), profile=1)
    assert again.raw_report == done.raw_report


@every_board
def test_measuring_costs_nothing_in_what_is_measured(
    images: Images, board: Board, tmp_path: Path
) -> None:
    model = small_model(ops=60, work=10)
    plain = run(images, board, tmp_path, model).report.total
    profiled = run(images, board, tmp_path, model, profile=1).report.total
    assert plain is not None
    assert profiled is not None
    # A few instructions for each operator: the call of the counter, and storing its result.
    assert 0 <= profiled - plain < 60 * 40


@every_board
@pytest.mark.parametrize(
    ("kind", "where"), [*((kind, "invoke") for kind in TRAPS), ("null_write", "allocate")]
)
def test_traps(images: Images, board: Board, tmp_path: Path, kind: str, where: str) -> None:
    code, status, fault = TRAPS[kind]
    model = small_model(trap=kind, where=where)
    done = run(images, board, tmp_path, model, time_limit_ms=100)
    report = done.report
    assert (done.code, report.status) == (code, status)
    assert report.other["phase"] == where
    assert report.message.endswith(f" during {where}")
    expected = board.stack_fault if fault is None else fault
    assert report.other.get("fault", "") == expected
    assert f"status={status}\n" in done.console


@every_board
def test_trials_that_destroy_memory(images: Images, board: Board, tmp_path: Path) -> None:
    model = small_model(arena=1000, crash_below=1000)
    done = run(images, board, tmp_path, model, least_arena=1)
    report = done.report
    assert (done.code, report.status, report.least_arena_bytes) == (0, "ok", 1008)
    assert int(report.other["least_arena_faults"]) >= 1


@every_board
def test_model_too_large(images: Images, board: Board, tmp_path: Path) -> None:
    limit = int(run(images, board, tmp_path, small_model()).report.other["model_limit"])
    with (tmp_path / "large").open("wb") as file:
        file.truncate(limit + 1)
    request = request_text().replace("model=model", "model=large")
    done = boot(images(board.name), board.name, tmp_path, request, {})
    assert (done.code, done.report.status) == (10, "request_invalid")


def test_without_instruction_counts(images: Images, tmp_path: Path) -> None:
    board = BOARDS[-1]
    request = request_text(profile=1)
    image = images(board.name)
    done = boot(image, board.name, tmp_path, request, {"model": small_model()}, counts=False)
    assert (done.code, done.report.unit) == (0, "ticks")


def test_nowhere_to_report(images: Images, tmp_path: Path) -> None:
    board = BOARDS[-1]
    (tmp_path / "report.txt").mkdir()
    files = {"model": small_model()}
    done = boot(images(board.name), board.name, tmp_path, request_text(), files)
    assert done.code == 20
    assert "report.txt can't be written" in done.console
