"""Rewriting: rules, the rewriter that they edit through, and the driver that runs them."""

from tflopt.rewrite.driver import run_model_rule, run_rules
from tflopt.rewrite.reason import Reason, Why
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
    required,
)
from tflopt.rewrite.trace import Hit, NearMiss, Place, Trace

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
    "Place",
    "Reason",
    "Rewriter",
    "Rule",
    "Stage",
    "Trace",
    "Why",
    "require",
    "required",
    "run_model_rule",
    "run_rules",
]
