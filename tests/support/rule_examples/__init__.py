"""One example for each rule of the pipeline: ``docs/rules.md`` shows them, a test runs them."""

from tests.support.rule_examples import (
    calls,
    channels,
    elementwise,
    fields,
    forms,
    missing,
    movement,
    windows,
)
from tests.support.rule_examples.example import EXAMPLES, Example

MODULES = (movement, elementwise, windows, channels, forms, missing, calls, fields)
"""They register their examples when they are imported."""

__all__ = ["EXAMPLES", "MODULES", "Example"]
