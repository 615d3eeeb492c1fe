"""Rewriting: rules, the rewriter that they edit through, and the driver that runs them."""

from tflopt.rewrite.driver import run_model_rule, run_rule_at, run_rules
from tflopt.rewrite.reason import BETWEEN_PORTS, COPIES_VARIABLE, Reason, Why
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
    require_no_variable,
    required,
)
from tflopt.rewrite.trace import Hit, NearMiss, Place, Trace

__all__ = [
    "APPROXIMATE",
    "BETWEEN_PORTS",
    "BIT_EXACT",
    "BY_ARITHMETIC",
    "BY_ENUMERATION",
    "COPIES_VARIABLE",
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
    "require_no_variable",
    "required",
    "run_model_rule",
    "run_rule_at",
    "run_rules",
]
