"""The last answers to questions that are asked again while one model is optimized."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

Question = TypeVar("Question")
Answer = TypeVar("Answer")
MOST = 4
"""What one model asks in turn: as it was, as it is now, with a plan and without."""


class Recent(Generic[Question, Answer]):
    """Finds a question by comparison: descriptions hold lists, and to compare two is far cheaper
    than to place their tensors.

    Questions must not change afterwards, and an answer must depend on nothing else.
    """

    def __init__(self, most: int = MOST) -> None:
        self._known: deque[tuple[Question, Answer]] = deque(maxlen=most)

    def of(self, question: Question, make: Callable[[], Answer]) -> Answer:
        """What ``make`` gives, or gave for an equal question."""
        for known, answer in self._known:
            if known == question:
                return answer
        answer = make()
        self._known.append((question, answer))
        return answer
