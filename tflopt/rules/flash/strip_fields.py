"""Drop fields that are at their default, redundant, or read by nobody."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, fields
from typing import ClassVar

from tflopt.config import Config, Runtime, Strip
from tflopt.facts.operators import VIEWS
from tflopt.io.writing.records import LARGEST_DEPRECATED
from tflopt.ir import Model, Op, OpCode, OperatorCode, Options
from tflopt.ir.options import ReshapeOptions
from tflopt.rewrite import ModelRule, Rewriter, Stage
from tflopt.texts import counted


@dataclass(frozen=True)
class StripFields(ModelRule):
    """Drop shape signatures, empty vectors and tables, and the old form of operator codes.

    Exact: TFLM reads neither ``shape_signature`` nor ``has_rank`` nor
    ``mutating_variable_inputs``; an empty table of options says nothing; the operator is
    max(``deprecated_builtin_code``, ``builtin_code``). For LiteRT a signature stays where it
    says more than the shape (a dimension of any size), and old codes stay where a file has them:
    some readers know no other, and would take every operator for ADD. The shape in the options of
    a RESHAPE stays for LiteRT, too; TFLM takes it from the output.
    """

    name: ClassVar[str] = "strip-fields"
    number: ClassVar[int] = 76
    stages: ClassVar[tuple[Stage, ...]] = (Stage.STRIP,)
    rank: ClassVar[int] = 70
    runtime: Runtime = Runtime.BOTH
    everything: bool = False

    @classmethod
    def from_config(cls, config: Config) -> StripFields:
        """The rule with what it needs of the options."""
        return cls(config.runtime, config.strip is Strip.ALL)

    def rewrite_model(self, model: Model, rw: Rewriter) -> None:
        """Clear the fields."""
        before = rw.updates
        self._tensors(model, rw)
        for op in model.ops():
            _slim_op(op, rw, for_litert=self.runtime is Runtime.BOTH)
        self._codes(model, rw)
        _slim_opcodes(model, rw)
        if rw.updates > before:
            rw.note(f"dropped or shortened {counted(rw.updates - before, 'field')}")

    def _codes(self, model: Model, rw: Rewriter) -> None:
        """The old code of each operator: as it should be, or none."""
        stored = [entry.stored for entry in model.opcodes if entry.stored is not None]
        has_old_codes = not stored or any(old for old, _ in stored)
        keeps = has_old_codes and self.runtime is Runtime.BOTH and not self.everything
        for entry in model.opcodes:
            old = min(entry.builtin, LARGEST_DEPRECATED) if keeps else 0
            if entry.stored != (old, entry.builtin):
                rw.update(entry, stored=(old, entry.builtin))

    def _tensors(self, model: Model, rw: Rewriter) -> None:
        for graph in model.graphs:
            for value in graph.values:
                extra = value.extra
                signature = extra.shape_signature
                says_more = signature is not None and signature != value.shape
                if signature is not None and not (says_more and self.runtime is Runtime.BOTH):
                    rw.update(extra, shape_signature=None)
                if extra.has_rank:
                    rw.update(extra, has_rank=False)
                if extra.variant_tensors == []:
                    rw.update(extra, variant_tensors=None)


def _slim_op(op: Op, rw: Rewriter, *, for_litert: bool) -> None:
    extra = op.extra
    if extra.mutating_variable_inputs is not None and not any(extra.mutating_variable_inputs):
        rw.update(extra, mutating_variable_inputs=None)
    if extra.intermediates == ():
        rw.update(extra, intermediates=None)
    custom = extra.custom_options
    if custom is not None and not custom.size and op.code is not OpCode.CUSTOM:
        rw.update(extra, custom_options=None)
    unread = not for_litert and op.code in VIEWS and isinstance(op.options, ReshapeOptions)
    if unread or (isinstance(op.options, Options) and not fields(op.options)):
        rw.update(op, options=None)
        rw.update(extra, options_type=0)


def _slim_opcodes(model: Model, rw: Rewriter) -> None:
    """Frequent operators first: index 0 is a default and takes no room."""
    first: dict[tuple[int, str | None, int], OperatorCode] = {}
    for entry in model.opcodes:
        first.setdefault(entry.key, entry)
    for op in model.ops():
        if first[op.opcode.key] is not op.opcode:
            rw.update(op, opcode=first[op.opcode.key])
    frequency = Counter(op.opcode for op in model.ops())
    order = sorted(model.opcodes, key=lambda entry: -frequency[entry])
    if order != model.opcodes:
        rw.update(model, opcodes=order)
