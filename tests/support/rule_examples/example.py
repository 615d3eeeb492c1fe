"""An example of a rule: a model of a few operators, and how its change is shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.support.check_rule import RUNNERS, apply
from tests.support.kit import Kit
from tests.support.worth import Always
from tflopt.io import read_bytes, write_bytes
from tflopt.ir import Model, Value
from tflopt.ir.clone import clone
from tflopt.ir.text import dump
from tflopt.rewrite import AnyRule
from tflopt.rules.constants.remove_dead import RemoveDead
from tflopt.rules.pipeline import find_rule
from tflopt.search.worth import FormRule

Outputs = Value | Sequence[Value]
Build = Callable[[Kit], Outputs]
TFLM, LITERT = ("tflm",), ("litert",)


@dataclass(frozen=True)
class Example:
    """A model on which one rule fires.

    Args:
        rule: with the options with which it fires.
        build: adds operators, and returns the model's outputs.
        runners: where the model and the result run.
        note: what the reader has to know about the rule's options.
        show: what the rule changes; the text of the graph by default.
    """

    rule: AnyRule
    build: Build
    runners: tuple[str, ...] = RUNNERS
    note: str = ""
    show: Callable[[Model], str] = field(default=dump)

    def models(self) -> tuple[Model, Model]:
        """The model, and what the rule makes of it."""
        net = Kit()
        found = self.build(net)
        net.output(*([found] if isinstance(found, Value) else found))
        before = read_bytes(write_bytes(net.model))
        after = clone(before)
        apply(after, self.rule)
        apply(after, RemoveDead())
        return before, after

    @property
    def group(self) -> str:
        """The module that it stands in."""
        return self.build.__module__.rpartition(".")[2]

    @property
    def texts(self) -> tuple[str, str]:
        """What is shown, before and after."""
        before, after = self.models()
        return self.show(before), self.show(after)


EXAMPLES: dict[str, Example] = {}


def example(
    rule: AnyRule | None = None,
    *,
    runners: tuple[str, ...] = RUNNERS,
    note: str = "",
    show: Callable[[Model], str] = dump,
) -> Callable[[Build], Build]:
    """Register the decorated function as the example of the rule that it is named after.

    Rules that weigh resources take the other form here, whatever it costs.
    """

    def register(build: Build) -> Build:
        name = build.__name__.replace("_", "-")
        used = find_rule(name) if rule is None else rule
        if rule is None and isinstance(used, FormRule):
            used = type(used)(Always())
        assert used.name == name
        assert name not in EXAMPLES
        EXAMPLES[name] = Example(used, build, runners, note, show)
        return build

    return register
