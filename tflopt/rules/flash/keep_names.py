"""What ``--keep`` may name."""

from __future__ import annotations

from difflib import get_close_matches

from tflopt.errors import UsageError
from tflopt.ir import Model


def check_names(model: Model, keep: frozenset[str]) -> None:
    """That every name in ``keep`` is one of the model's.

    Raises:
        UsageError: one names nothing; says the closest.
    """
    known = {value.name for graph in model.graphs for value in graph.values}
    known |= {entry.name for entry in model.metadata or ()}
    known |= {entry.key for entry in model.signatures or ()}
    known |= {graph.name for graph in model.graphs}
    for name in sorted(keep - known):
        close = get_close_matches(name, [text for text in known if text], n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        raise UsageError(f"--keep {name}: no tensor, signature or metadata has that name{hint}")
