"""A set of models with options and budgets, as a gate for continuous integration."""

from tflopt.gate.config import Entry, read_config
from tflopt.gate.run import Finding, Verdict, run_entry, worst

__all__ = ["Entry", "Finding", "Verdict", "read_config", "run_entry", "worst"]
