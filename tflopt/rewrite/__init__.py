"""Rewriting: rules, the rewriter that they edit through, and the driver that runs them."""

from tflopt.rewrite.driver import run_model_rule, run_rules
from tflopt.rewrite.rewriter import Rewriter
from tflopt.rewrite.rule import (
    APPROXIMATE,
    BIT_EXACT,
    BY_ARITHMETIC,
    BY_ENUMERATION,
    AnyRule,
    Declined,
    Exactness,
    ModelRule,
    Rule,
    Stage,
    require,
)
from tflopt.rewrite.trace import Hit, NearMiss, Trace

__all__ = [
    "APPROXIMATE",
    "BIT_EXACT",
    "BY_ARITHMETIC",
    "BY_ENUMERATION",
    "AnyRule",
    "Declined",
    "Exactness",
    "Hit",
    "ModelRule",
    "NearMiss",
    "Rewriter",
    "Rule",
    "Stage",
    "Trace",
    "require",
    "run_model_rule",
    "run_rules",
]
