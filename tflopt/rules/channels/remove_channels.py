"""Remove channels that no input can change, or that nobody reads."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from tflopt.config import Config, Runtime
from tflopt.ir import Model
from tflopt.rewrite import BY_ARITHMETIC, Exactness, ModelRule, Rewriter, Stage
from tflopt.rules.channels.remove import carry_out
from tflopt.rules.channels.weigh import choose
from tflopt.search.worth import Worth


@dataclass(frozen=True)
class RemoveChannels(ModelRule):
    """Remove channels that are the same for every input, or that every reader multiplies by zero.

    What a constant channel adds to its readers goes into their biases. Exact: the range of every
    channel is computed in the kernels' integer arithmetic, for every input, and a channel goes only
    where it has one value, or no weight; sums keep their values, and nothing is rounded otherwise.
    A channel goes out of all that handle it alike, or stays in all.
    """

    name: ClassVar[str] = "remove-channels"
    number: ClassVar[int] = 48
    stages: ClassVar[tuple[Stage, ...]] = (Stage.SIMPLIFY,)
    rank: ClassVar[int] = 435
    exactness: ClassVar[Exactness] = BY_ARITHMETIC

    worth: Worth = field(default_factory=Worth)
    runtime: Runtime = Runtime.BOTH

    @classmethod
    def from_config(cls, config: Config) -> RemoveChannels:
        """The rule with what it needs of the options."""
        return cls(Worth.from_config(config), config.runtime)

    def rewrite_model(self, model: Model, rw: Rewriter) -> None:
        """Graph by graph."""
        for index, graph in enumerate(model.graphs):
            shared_zeros = self.runtime is Runtime.BOTH
            choice = choose(model, index, self.worth, shared_zeros=shared_zeros)
            for op, reason in choice.spared.items():
                rw.remark(op, reason)
            if choice.plan is not None:
                carry_out(choice.plan, graph, rw)
