"""Drop the names of tensors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tflopt.config import Config, Strip
from tflopt.ir import Model
from tflopt.rewrite import ModelRule, Rewriter, Stage


@dataclass(frozen=True)
class StripNames(ModelRule):
    """Drop the names of tensors that no user looks up; inputs and outputs keep theirs.

    Exact: no kernel reads a tensor's name (resources are named in their options).
    """

    name: ClassVar[str] = "strip-names"
    number: ClassVar[int] = 70
    stages: ClassVar[tuple[Stage, ...]] = (Stage.STRIP,)
    rank: ClassVar[int] = 10
    interface: bool = False
    keep: frozenset[str] = frozenset()

    @classmethod
    def from_config(cls, config: Config) -> StripNames:
        """The rule with what it needs of the options."""
        return cls(config.strip is Strip.ALL, config.keep)

    def rewrite_model(self, model: Model, rw: Rewriter) -> None:
        """Clear the names."""
        dropped = 0
        for graph in model.graphs:
            for value in graph.values:
                is_port = value in graph.inputs or value.is_graph_output
                if value.name is None or value.name in self.keep:
                    continue
                if self.interface or not (is_port and graph is model.main):
                    rw.update(value, name=None)
                    dropped += 1
        if dropped:
            rw.note(f"dropped {dropped} tensor names")
