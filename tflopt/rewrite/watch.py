"""What is told while rules run: one callback, for verifying, printing and timing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from tflopt.ir import Model, Op
from tflopt.ir.text import dump
from tflopt.ir.verify import verify


class Moment(Enum):
    """When a callback is called."""

    FIRED = auto()
    """A local rule has changed the model; the others haven't had their turn yet."""
    RAN = auto()
    """A rule of the whole model has changed it, or local rules have reached a fixpoint."""
    SAID = auto()
    """A rule that searches for long says how far it is, as the name."""
    PHASE = auto()
    """A phase of the pipeline is over, whether it changed anything or not."""


@dataclass(frozen=True)
class Event:
    """A moment in a run: the model as it is then, and the rule or phase that it comes from.

    ``altered`` are the operators that a firing put in, took out, or changed.
    """

    moment: Moment
    model: Model
    name: str
    altered: Collection[Op] = ()


Watch = Callable[[Event], None]


def verify_runs(event: Event) -> None:
    """Check the IR wherever rules have come to an end.

    Raises:
        VerifyError: it is inconsistent.
    """
    if event.moment is Moment.RAN:
        verify(event.model, event.name)


def verify_each(event: Event) -> None:
    """Check the IR after every firing of every rule (tests).

    Raises:
        VerifyError: it is inconsistent.
    """
    if event.moment not in (Moment.PHASE, Moment.SAID):
        verify(event.model, event.name)


@dataclass(frozen=True)
class PrintAfter:
    """Write the text form of the model each time that one of some rules has changed it."""

    rules: Collection[str]
    write: Callable[[str], None]

    def __call__(self, event: Event) -> None:
        """Write the model."""
        if event.moment is not Moment.PHASE and event.name in self.rules:
            self.write(f"// after {event.name}\n{dump(event.model)}")


@dataclass
class PhaseTimes:
    """The seconds that each phase took, by a ``clock`` such as ``time.perf_counter``."""

    clock: Callable[[], float]
    seconds: dict[str, float] = field(default_factory=dict)
    _last: float = 0.0

    def __post_init__(self) -> None:
        self._last = self.clock()

    def __call__(self, event: Event) -> None:
        """Count what passed since the phase before."""
        if event.moment is Moment.PHASE:
            now = self.clock()
            self.seconds[event.name] = self.seconds.get(event.name, 0.0) + now - self._last
            self._last = now


def in_turn(watches: Sequence[Watch]) -> Watch:
    """One callback that calls several."""

    def call(event: Event) -> None:
        for watch in watches:
            watch(event)

    return call
