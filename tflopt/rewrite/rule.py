"""What a rule is: the protocol, its declared exactness, and how it declines."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, ClassVar, TypeVar

from tflopt.ir.node import Op, Value
from tflopt.ir.opcodes import OpCode
from tflopt.rewrite.reason import COPIES_VARIABLE, Reason, reason_of

if TYPE_CHECKING:
    from typing_extensions import Self

    from tflopt.config import Config
    from tflopt.ir.model import Model
    from tflopt.rewrite.rewriter import Rewriter

T = TypeVar("T")


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

    def __init__(self, reason: Reason, at: Op) -> None:
        super().__init__(str(reason))
        self.reason = reason
        self.at = at


def require(condition: bool, reason: Reason | str, *, at: Op) -> None:
    """Decline with a reason that reaches the user, unless ``condition`` holds."""
    if not condition:
        raise Declined(reason_of(reason), at)


def require_no_variable(value: Value, *, at: Op) -> None:
    """Decline where ``value`` is a variable: what reads a copy of it doesn't see it change."""
    require(not value.is_variable, COPIES_VARIABLE, at=at)


def required(value: T | None, reason: Reason | str, *, at: Op) -> T:
    """``value``, which is not None; else decline as :func:`require`."""
    if value is None:
        raise Declined(reason_of(reason), at)
    return value


class Stage(Enum):
    """What a rule is for, which decides in which phases of the pipeline it runs (rules/phases)."""

    CLEAN = "clean"
    """Removes what is dead: first, and after every phase that changed something."""
    SIMPLIFY = "simplify"
    """Is better wherever it applies."""
    CALLS = "calls"
    """Puts what an operator calls in its place: tried on copies, and kept where that pays."""
    FORMS = "forms"
    """Writes operators in another form where that is better for the goal."""
    KERNELS = "kernels"
    """Pays with work for memory, which only the best plan can judge."""
    TILE = "tile"
    """Computes layers in parts, so that less is alive at a time."""
    STALE = "stale"
    """Drops what was made for the model before it changed. Runs whatever ``--only`` names."""
    STRIP = "strip"
    """Drops what no kernel reads."""
    ORDER = "order"
    """Puts the operators in order."""
    SETTLE = "settle"
    """Looks at what runs before an operator, so again when the order stands."""
    STATES = "states"
    """Has operators write what the next inference reads: few rules may look at a model then."""
    PLAN = "plan"
    """Places tensors in the arena."""


@dataclass(frozen=True)
class _Described:
    """What a rule says of itself, whether it is local or not."""

    name: ClassVar[str]
    number: ClassVar[int]
    """What stands for it in files: the next that is free, and never another rule's."""
    stages: ClassVar[tuple[Stage, ...]]
    """Where it runs; the first is its own, where reports list it."""
    rank: ClassVar[int] = 1000
    """Its turn among the rules of its stage: lower first, equal ones by name."""
    exactness: ClassVar[Exactness] = BIT_EXACT
    alike_on_litert: ClassVar[bool] = True
    """Whether LiteRT's kernels give the same for both forms: not where they round differently from
    TFLM's, as FULLY_CONNECTED and MUL do."""
    alike_on_default_path: ClassVar[bool] = True
    """Whether LiteRT's default path (XNNPACK) does. Where not, the rule needs ``--runtime tflm``,
    unless the model can't run on TFLM without it (:attr:`is_needed`)."""
    is_needed: ClassVar[bool] = False
    """Whether TFLM can't run what the rule rewrites."""

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """The rule with what it needs of the options."""
        return cls()

    @classmethod
    def suits(cls, config: Config) -> bool:
        """Whether the options allow the rule at all, its exactness and its stage aside."""
        return True

    def later(self) -> Self:
        """The rule once the first phase of rewriting is over: some wait for others in it."""
        return self

    @property
    def summary(self) -> str:
        """The first line of the docstring: what the user reads in ``tflopt passes``."""
        return (self.__doc__ or "").strip().splitlines()[0].replace("``", "")


class Rule(_Described):
    """A rewrite that is local to an operator. Subclasses are frozen dataclasses, stateless; those
    with fields of their own say so.

    ``rewrite`` is called for every operator whose code is in ``anchors``. A silent return says
    "not this pattern"; :func:`require` declines a near miss; all guards come before the first
    edit, and edits go through the rewriter only.
    """

    stages: ClassVar[tuple[Stage, ...]] = (Stage.SIMPLIFY,)
    anchors: ClassVar[frozenset[OpCode]]

    def rewrite(self, op: Op, rw: Rewriter) -> None:
        """Rewrite at ``op``, or leave it."""
        raise NotImplementedError


class ModelRule(_Described):
    """A rewrite of the whole model at once (dead code, names, layout)."""

    def rewrite_model(self, model: Model, rw: Rewriter) -> None:
        """Rewrite the model, or leave it."""
        raise NotImplementedError


AnyRule = Rule | ModelRule
