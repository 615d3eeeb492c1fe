"""Models that rules may not rewrite, or not with these options."""

from __future__ import annotations

from collections.abc import Sequence

from tflopt.errors import UnsupportedError, UsageError
from tflopt.ir import Model
from tflopt.ir.clone import clone
from tflopt.rewrite import AnyRule, ModelRule, Trace, run_model_rule

COMPRESSED = "COMPRESSION_METADATA"


def refuse_stale(model: Model, forbidden: Sequence[AnyRule]) -> None:
    """The runtime would take a plan for other tensors, and checks nothing.

    Raises:
        UsageError: a rule that drops such a plan is forbidden.
    """
    for rule in forbidden:
        if isinstance(rule, ModelRule) and run_model_rule(clone(model), rule, Trace()):
            raise UsageError(
                f"--disable {rule.name}: the model's memory plan or annotation no longer fits "
                "what the other rules made of it; allow the rule, or disable those too"
            )


def refuse_what_names_tensors_by_index(model: Model) -> None:
    """Rules give tensors other places.

    Raises:
        UnsupportedError: metadata of TFLM's compression names them by their places.
    """
    for entry in model.metadata or ():
        if entry.name == COMPRESSED:
            raise UnsupportedError(
                "the model is compressed for TFLM; optimize it before compressing it",
                f"metadata {COMPRESSED}",
                model.path,
            )
