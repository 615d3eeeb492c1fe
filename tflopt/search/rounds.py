"""What a search has decided, and whether it would decide the same below other ceilings.

Ceilings depend on what is stripped and planned in the end, and so on options that no rule before
that has. Where they are as high as they were or higher, all that was taken is taken again; where
all that was refused exceeds them still, nothing else is taken either.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tflopt.ir import Model, Op
from tflopt.search.cost import Cost
from tflopt.search.growth import Refusal, raised
from tflopt.search.objective import Budget

BudgetAt = Callable[[Model], "Budget | None"]
Refused = Mapping[Op, Sequence[Refusal]]


@dataclass(frozen=True)
class Round:
    """One round: the model with which it began, what forms could spend, what was refused."""

    model: Model
    budget: Budget
    refused: Refused

    def is_alike(self, budget: Budget) -> bool:
        """Whether the same is taken and refused below other ceilings."""
        return self.budget.is_within(budget) and all(
            refusal.exceeds(budget) for forms in self.refused.values() for refusal in forms
        )


@dataclass(frozen=True)
class Search:
    """All rounds with ceilings, and what was refused in the last one.

    Args:
        steered: limits, or growth that was tried, have decided something.
        total: what the model takes after the rounds, None where no growth could pay.
        refused: what was refused in the last round; and of operators that are still there.
    """

    rounds: tuple[Round, ...] = ()
    steered: bool = False
    total: Cost | None = None
    refused: tuple[Refused, ...] = ()

    def is_alike(self, budget_at: BudgetAt) -> bool:
        """Whether it would come to the same with other options.

        Args:
            budget_at: what forms could spend on a model with these.
        """
        if self.steered:
            return False
        budget = None
        for past in self.rounds if any(past.refused for past in self.rounds) else ():
            budget = budget_at(past.model)
            if budget is None or not past.is_alike(budget):
                return False
        return budget is None or not self._grows(budget)

    def _grows(self, budget: Budget) -> bool:
        """Whether higher ceilings would be tried."""
        total = self.total
        return total is not None and any(
            raised(budget, total, refused, budget) is not None for refused in self.refused
        )
