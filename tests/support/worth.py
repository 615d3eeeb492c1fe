"""Judges for tests of rules that weigh resources."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tests.support.check_rule import apply
from tflopt.ir import Model, Op
from tflopt.ir.text import dump
from tflopt.rewrite import AnyRule
from tflopt.rewrite.sketch import Sketch
from tflopt.rules.pipeline import RULES
from tflopt.search.cost import Cost
from tflopt.search.worth import Choice, FormRule, Worth

FORMS = tuple(
    type(rule) for rule in RULES if isinstance(rule, FormRule) and rule.exactness.bit_exact
)
"""The rules that write operators in another form, those of --allow-lsb aside."""


@dataclass(frozen=True)
class Always(Worth):
    """Takes every form that meets no defect of the kernels; of several that number ``pick``."""

    pick: int = 0

    def may_gain(self, old: Sequence[Op], sketch: Sketch) -> bool:
        """Whatever the instructions."""
        return True

    def compare(self, old: Sequence[Op], sketch: Sketch) -> Choice:
        """As if the other form cost nothing."""
        choice = super().compare(old, sketch)
        return replace(choice, before=Cost(1, 1, 1), after=Cost(0, 0, 0))

    def best(self, old: Sequence[Op], sketches: Sequence[Sketch]) -> tuple[Sketch, Choice]:
        """The sketch of that number, or the last."""
        sketch = sketches[min(self.pick, len(sketches) - 1)]
        return sketch, self.compare(old, sketch)


@dataclass(frozen=True)
class Never(Worth):
    """Takes no other form."""

    def compare(self, old: Sequence[Op], sketch: Sketch) -> Choice:
        """As if the other form cost more."""
        choice = super().compare(old, sketch)
        return replace(choice, before=Cost(0, 0, 0), after=Cost(1, 1, 1), hazard=None)

    def best(self, old: Sequence[Op], sketches: Sequence[Sketch]) -> tuple[Sketch, Choice]:
        """The first, which isn't taken either."""
        return sketches[0], self.compare(old, sketches[0])


def check_declines_by(model: Model, rule: AnyRule, beginning: str) -> None:
    """As ``check_declines``, for reasons that go on with numbers."""
    before = dump(model)
    trace = apply(model, rule)
    assert not trace.hits
    assert any(miss.reason.startswith(beginning) for miss in trace.near_misses), trace
    assert dump(model) == before


@dataclass(frozen=True)
class Free(Worth):
    """As if instructions and arena cost nothing; defects of the kernels count."""

    def instructions(self, ops: Sequence[Op]) -> int | None:
        """None at all."""
        return 0

    def arena_estimate(self, model: Model) -> int:
        """None at all."""
        return 0
