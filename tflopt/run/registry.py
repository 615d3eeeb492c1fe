"""What can run a model: the only list of runners by name."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class RunnerKind:
    """A runner as users name it, and as reports do; ``is_device`` where a core is emulated."""

    name: str
    title: str
    is_device: bool = False


KINDS = (
    RunnerKind("tflm", "TFLM"),
    RunnerKind("litert", "LiteRT's reference kernels"),
    RunnerKind("qemu", "qemu", is_device=True),
    RunnerKind("fvp", "fvp", is_device=True),
)
"""Hosts in the order in which ``auto`` tries them."""
AUTO = "auto"
TIME_LIMIT_S = 900.0
"""For each run."""
HOSTS = tuple(kind.name for kind in KINDS if not kind.is_device)
EMULATORS = tuple(kind.name for kind in KINDS if kind.is_device)
RUNNER_NAMES = (AUTO, *HOSTS, *EMULATORS)
RUNNERS_IN_WORDS = f"{', '.join(RUNNER_NAMES[:-1])} or {RUNNER_NAMES[-1]}."


def title_of(name: str) -> str:
    """A runner as reports name it; any other text as it is."""
    return next((kind.title for kind in KINDS if kind.name == name), name)
