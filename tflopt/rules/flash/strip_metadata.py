"""Drop metadata entries that no runtime reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tflopt.config import Config, Strip
from tflopt.facts.offline_plan import PLAN_NAME
from tflopt.ir import Model
from tflopt.rewrite import ModelRule, Rewriter, Stage

CONVERSION = frozenset(
    {
        "CONVERSION_METADATA",
        "min_runtime_version",
        "reduced_precision_support",
        "control_dependencies",
        "debug_metadata",
    }
)
"""What converters leave about themselves."""
READ_BY_TFLM = frozenset({PLAN_NAME})


@dataclass(frozen=True)
class StripMetadata(ModelRule):
    """Drop what the converter left about itself; with --strip all every entry TFLM doesn't read.

    With --strip metadata-zip or all also an archive behind the model (labels and the like).
    Exact: TFLM looks for ``OfflineMemoryAllocation`` by name and for nothing else.
    """

    name: ClassVar[str] = "strip-metadata"
    number: ClassVar[int] = 72
    stages: ClassVar[tuple[Stage, ...]] = (Stage.STRIP,)
    rank: ClassVar[int] = 30
    everything: bool = False
    archive: bool = False
    keep: frozenset[str] = frozenset()

    @classmethod
    def from_config(cls, config: Config) -> StripMetadata:
        """The rule with what it needs of the options."""
        archive = config.strip in (Strip.ALL, Strip.METADATA_ZIP)
        return cls(config.strip is Strip.ALL, archive, config.keep)

    def rewrite_model(self, model: Model, rw: Rewriter) -> None:
        """Remove the entries, and an archive behind the model with them."""
        if model.metadata is not None:
            kept = [entry for entry in model.metadata if not self._drops(entry.name)]
            if len(kept) < len(model.metadata) or not kept:
                rw.keep_metadata(kept, "no runtime reads it")
            if not kept:
                rw.update(model, metadata=None, metadata_buffers=None)
                rw.note("no metadata is left")
        if self.archive and model.trailing is not None:
            rw.update(model, trailing=None)
            rw.note("dropped the archive of associated files behind the model")

    def _drops(self, name: str | None) -> bool:
        if name in self.keep or name in READ_BY_TFLM:
            return False
        return self.everything or name in CONVERSION
