"""The catalogue of boards: every file is whole, and what is wrong in one is told."""

from __future__ import annotations

from datetime import date

import pytest

from tests.docs.blocks import blocks
from tests.support.paths import ROOT
from tflopt.errors import UsageError
from tflopt.target.boards import Board, all_boards, find_board
from tflopt.target.boards.board import parse_board
from tflopt.target.quantities import parse_clock

pytestmark = pytest.mark.unit
GOOD = """
name = "A"
chip = "B"
core = "m4"
clock = "120M"
flash = "2M"
source = "https://example.com"
date = 2026-11-30

[ram]
small = "64K"
large = "256K"
"""
every_board = pytest.mark.parametrize("board", all_boards(), ids=lambda board: board.key)


@every_board
def test_a_board_has_sizes_that_a_chip_can_have(board: Board) -> None:
    assert board.source.startswith("https://")
    assert date(2020, 1, 1) < board.read_on
    assert board.key == board.key.lower().replace("_", "-")
    assert 10**7 <= board.clock_hz <= 10**9
    assert 1 << 16 <= board.flash_bytes <= 1 << 27
    assert all(1 << 12 <= region.size_bytes <= 1 << 26 for region in board.ram)
    assert board.largest.size_bytes == max(region.size_bytes for region in board.ram)


def test_there_are_boards_of_many_cores() -> None:
    assert len({board.key for board in all_boards()}) >= 20
    assert len({board.target.cpu for board in all_boards()}) >= 6


def test_a_file_becomes_a_board() -> None:
    board = parse_board("a", GOOD)
    assert (board.clock_hz, board.flash_bytes) == (120_000_000, 2 << 20)
    assert [region.name for region in board.ram] == ["large", "small"]
    assert str(board.target) == "cortex-m4"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('chip = "B"', "", "missing: chip"),
        ('chip = "B"', 'chip = "B"\nchips = 1', "unknown: chips"),
        ('"2M"', '"two"', "'two' is not a size"),
        ('"120M"', '"0"', "'0' is not a clock"),
        ("2026-11-30", '"today"', "date is a date"),
        ('small = "64K"\nlarge = "256K"', "", "lists its regions"),
        ('"m4"', '"m5"', "unknown target 'm5'"),
        ('"A"', "A", "board a: "),
    ],
)
def test_what_is_wrong_in_a_file_is_told(old: str, new: str, told: str) -> None:
    assert old in GOOD
    with pytest.raises(UsageError, match=told):
        parse_board("a", GOOD.replace(old, new))


def test_a_name_is_found_as_people_write_it() -> None:
    assert find_board("NUCLEO_L4R5ZI") is find_board("nucleo-l4r5zi")
    with pytest.raises(UsageError, match="did you mean nucleo-l4r5zi"):
        find_board("nucleo-l4r5z")
    with pytest.raises(UsageError, match="known: alif"):
        find_board("?")


def test_the_example_of_the_page_is_a_board() -> None:
    (example, *_) = blocks(ROOT / "docs" / "adding-a-board.md")
    assert parse_board("my-board", example.text).clock_hz == 120_000_000


@pytest.mark.parametrize("text", ["120M", "120MHz", "120000000", "0.12G", "120000 khz"])
def test_a_clock_as_people_write_it(text: str) -> None:
    assert parse_clock(text) == 120_000_000


@pytest.mark.parametrize("text", ["", "-1", "120 MB", "99G", "fast"])
def test_no_clock(text: str) -> None:
    with pytest.raises(UsageError, match="is not a clock"):
        parse_clock(text)
