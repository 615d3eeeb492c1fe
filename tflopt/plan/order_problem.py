"""Operators to put in order, as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Task:
    """One operator: what it reads and makes, its scratch, and the tasks that must precede it.

    Attributes:
        reads: indices of tensors that die after their last reader.
        makes: indices of tensors that it brings to life.
        after: indices of tasks that must have run.
    """

    reads: Sequence[int]
    makes: Sequence[int]
    scratch_bytes: int = 0
    after: Sequence[int] = ()


@dataclass(frozen=True)
class OrderProblem:
    """Tasks over tensors; ``alive`` are live from the start, ``kept`` to the end."""

    tasks: Sequence[Task]
    size_bytes: Sequence[int]
    alive: Sequence[int] = ()
    kept: Sequence[int] = ()
