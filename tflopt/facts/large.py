"""Graphs that are too large to be looked at from all sides: where effort ends, in one number."""

from __future__ import annotations

from tflopt.ir import Graph

MANY = 2048
"""Operators. No network for a microcontroller has as many: their tables alone take a quarter of a
megabyte of flash, and the interpreter's as much of the arena."""


def is_large(graph: Graph) -> bool:
    """Whether rules that weigh whole graphs leave this one as it is."""
    return len(graph.ops) > MANY
