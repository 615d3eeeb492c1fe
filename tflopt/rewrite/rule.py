"""What a rule is: the protocol, its declared exactness, and how it declines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from tflopt.ir.node import Op
from tflopt.ir.opcodes import OpCode

if TYPE_CHECKING:
    from tflopt.ir.model import Model
    from tflopt.rewrite.rewriter import Rewriter


@dataclass(frozen=True)
class Exactness:
    """Whether the output is the same for every input, and how that was shown."""

    bit_exact: bool
    shown_by: str


BIT_EXACT = Exactness(True, "structure")
"""The same integers meet the same kernels; only where they lie or what they are called changes."""
BY_ARITHMETIC = Exactness(True, "arithmetic")
"""Another kernel, but the same integer arithmetic."""
BY_ENUMERATION = Exactness(True, "enumeration")
"""Every value of a finite domain was compared."""
APPROXIMATE = Exactness(False, "not exact")
"""Opt-in only: outputs may differ."""


class Declined(Exception):
    """A near miss: the pattern is there, a guard is not met. Raised by :func:`require` only."""

    def __init__(self, reason: str, at: Op) -> None:
        super().__init__(reason)
        self.reason = reason
        self.at = at


def require(condition: bool, reason: str, *, at: Op) -> None:
    """Decline with a reason that reaches the user, unless ``condition`` holds."""
    if not condition:
        raise Declined(reason, at)


class Rule:
    """A rewrite that is local to an operator. Subclasses are frozen dataclasses, stateless.

    ``rewrite`` is called for every operator whose code is in ``anchors``. A silent return says
    "not this pattern"; :func:`require` declines a near miss; all guards come before the first
    edit, and edits go through the rewriter only.
    """

    name: ClassVar[str]
    anchors: ClassVar[frozenset[OpCode]]
    exactness: ClassVar[Exactness] = BIT_EXACT
    alike_on_litert: ClassVar[bool] = True
    """Whether LiteRT's kernels give the same for both forms: not where they round otherwise than
    TFLM's, as FULLY_CONNECTED and MUL do."""

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Rewrite at ``op``, or leave it."""
        raise NotImplementedError

    @property
    def summary(self) -> str:
        """The first line of the docstring: what the user reads in ``tflopt passes``."""
        return summary_of(self)


class ModelRule:
    """A rewrite of the whole model at once (dead code, names, layout)."""

    name: ClassVar[str]
    exactness: ClassVar[Exactness] = BIT_EXACT
    alike_on_litert: ClassVar[bool] = True

    def rewrite_model(self, model: Model, rw: Rewriter) -> None:
        """Rewrite the model, or leave it."""
        raise NotImplementedError

    @property
    def summary(self) -> str:
        """The first line of the docstring."""
        return summary_of(self)


AnyRule = Rule | ModelRule


def summary_of(rule: object) -> str:
    """The first line of a rule's docstring."""
    return (rule.__doc__ or "").strip().splitlines()[0].replace("``", "")
