"""Boards as data: one file of ``catalogue`` each, with its memories, core and clock.

What a chip does with its memories (caches, wait states) isn't here: times are ranges that span it.
"""

from tflopt.target.boards.board import Board, Region, all_boards, find_board

__all__ = ["Board", "Region", "all_boards", "find_board"]
