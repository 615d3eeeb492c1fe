"""Every rule, found by folder: a class with a name in a module of a room."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import TypeGuard

from tflopt import rules as rooms
from tflopt.config import Config, Runtime
from tflopt.errors import UsageError
from tflopt.rewrite import AnyRule, ModelRule, Rule, Stage
from tflopt.rules.phases import conditions
from tflopt.texts import near_match

STAGES = tuple(Stage)


@cache
def rule_types() -> tuple[type[AnyRule], ...]:
    """The classes, in the order of their stages, of their ranks within, and of their names.

    Raises:
        TypeError: two rules have one name or one number, or one has no number.
    """
    kinds = sorted(_classes(), key=_turn)
    numbers = {kind.number for kind in kinds if hasattr(kind, "number")}
    for kind in kinds:
        if not hasattr(kind, "number"):
            raise TypeError(f"{kind.name} has no number; the next is {max(numbers) + 1}")
    for what, marks in (
        ("name", [kind.name for kind in kinds]),
        ("number", [str(kind.number) for kind in kinds]),
    ):
        twice = [mark for mark in marks if marks.count(mark) > 1]
        if twice:
            raise TypeError(f"several rules have the {what} {min(twice)}")
    return tuple(kinds)


def _turn(kind: type[AnyRule]) -> tuple[int, int, str]:
    return STAGES.index(kind.stages[0]), kind.rank, kind.name


def _classes() -> Iterator[type[AnyRule]]:
    for room in pkgutil.iter_modules(rooms.__path__, f"{rooms.__name__}."):
        if not room.ispkg:
            continue
        folder = importlib.import_module(room.name)
        for entry in pkgutil.iter_modules(folder.__path__, f"{room.name}."):
            module = importlib.import_module(entry.name)
            yield from filter(_is_rule, _own_classes(module))


def _own_classes(module: ModuleType) -> Iterator[type]:
    for member in vars(module).values():
        if isinstance(member, type) and member.__module__ == module.__name__:
            yield member


def _is_rule(kind: type) -> TypeGuard[type[AnyRule]]:
    """Bases that rules share have no name."""
    return issubclass(kind, Rule | ModelRule) and "name" in vars(kind)


def make_rules(config: Config) -> tuple[AnyRule, ...]:
    """Every rule with its options, in the order of :func:`rule_types`."""
    return tuple(kind.from_config(config) for kind in rule_types())


RULES = make_rules(Config())


@dataclass(frozen=True)
class Selection:
    """Which rules run: ``only`` these (None: all), without ``disable``.

    What drops a stale memory plan runs whatever ``only`` names: the runtime checks no plan.

    Raises:
        UsageError: there is no such rule.
    """

    only: Collection[str] | None = None
    disable: Collection[str] = ()

    def __post_init__(self) -> None:
        for name in (*(self.only or ()), *self.disable):
            find_rule(name)

    def __contains__(self, rule: AnyRule) -> bool:
        if rule.name in self.disable:
            return False
        return self.only is None or rule.name in self.only or Stage.STALE in rule.stages


def find_rule(name: str) -> AnyRule:
    """The rule of that name.

    Raises:
        UsageError: there is none; names the closest.
    """
    rules = {rule.name: rule for rule in RULES}
    if name in rules:
        return rules[name]
    hint = near_match(name, rules) or "tflopt passes lists them"
    raise UsageError(f"there is no rule {name!r}; {hint}")


def applies(rule: AnyRule, config: Config) -> bool:
    """Whether the options allow a rule at all."""
    if not rule.exactness.bit_exact and not config.allow_lsb:
        return False
    if config.runtime is Runtime.BOTH and not (rule.alike_on_default_path or rule.is_needed):
        return False
    phases = conditions(rule.stages[0])
    if phases and not any(phase.holds(config) for phase in phases):
        return False
    return rule.suits(config)
