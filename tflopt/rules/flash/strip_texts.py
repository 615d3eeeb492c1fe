"""Drop texts about the model: description, names of subgraphs, signatures, debug indices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tflopt.config import Config, Strip
from tflopt.ir import Model
from tflopt.rewrite import ModelRule, Rewriter, Stage
from tflopt.texts import counted


@dataclass(frozen=True)
class StripTexts(ModelRule):
    """Drop the description, subgraph names and debug indices; signatures only with --strip all.

    Exact: TFLM reads none of them; LiteRT looks signatures up by name, so these stay.
    """

    name: ClassVar[str] = "strip-texts"
    number: ClassVar[int] = 71
    stages: ClassVar[tuple[Stage, ...]] = (Stage.STRIP,)
    rank: ClassVar[int] = 20
    signatures: bool = False
    keep: frozenset[str] = frozenset()

    @classmethod
    def from_config(cls, config: Config) -> StripTexts:
        """The rule with what it needs of the options."""
        return cls(config.strip is Strip.ALL, config.keep)

    def rewrite_model(self, model: Model, rw: Rewriter) -> None:
        """Clear the texts."""
        if model.description is not None:
            rw.update(model, description=None)
            rw.note("dropped the description")
        for graph in model.graphs:
            if graph.name is not None and graph.name not in self.keep:
                rw.update(graph, name=None)
                rw.note("dropped the name of a subgraph")
            if graph.debug_metadata_index != -1:
                rw.update(graph, debug_metadata_index=-1)
            for op in graph.ops:
                if op.extra.debug_metadata_index != -1:
                    rw.update(op.extra, debug_metadata_index=-1)
        if self.signatures and model.signatures is not None:
            kept = [entry for entry in model.signatures if entry.key in self.keep]
            if len(kept) < len(model.signatures):
                rw.note(f"dropped {counted(len(model.signatures) - len(kept), 'signature')}")
                rw.update(model, signatures=kept or None)
