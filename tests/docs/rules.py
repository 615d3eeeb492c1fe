"""``docs/rules.md``: every rule with its proof, its options, and an example before and after."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

from tests.docs.commands import code_marks
from tests.support.rule_examples import EXAMPLES, Example
from tflopt.ir.text import dump
from tflopt.rewrite import AnyRule, Exactness
from tflopt.rules.pipeline import RULES

GROUPS = {
    "movement": "Views, transposes, slices",
    "elementwise": "Activations, elementwise operators, float islands",
    "windows": "Convolutions and padding, and what is routed around",
    "channels": "Channels that carry nothing",
    "forms": "Other forms of an operator",
    "missing": "Operators that TFLM lacks, and computed shapes",
    "calls": "Control flow",
    "fields": "What no kernel reads, and the memory plan",
}
"""The modules of ``tests/support/rule_examples``, in the order of the page."""
OPTIONS = {
    "keep": "--keep",
    "runtime": "--runtime",
    "device": "--target, --cmsis-nn",
    "mve": "--target",
    "sharing": "--plan",
    "io_layout": "--io-layout",
    "route_around": "--no-route-around",
    "max_steps": "--allow-lsb",
    "goal": "--goal",
    "plan": "--plan, --overlap",
    "tiling": "--tile, --max-slowdown, --max-arena, --goal memory",
    "request": "--plan, --overlap, --pin, --preserve-inputs, --reserve-head, --arena-alignment",
    "worth": "--goal, --target, --cmsis-nn",
    "everything": "--strip all",
    "archive": "--strip metadata-zip, --strip all",
    "interface": "--strip all",
    "signatures": "--strip all",
    "outputs": "--narrow-outputs",
}
"""A field of a rule, and the options of ``tflopt optimize`` that set it."""
WITHOUT_OPTION = {"postpone", "growth_bytes", "padded"}
ARGUMENTS = re.compile(r"\n+Args:\n.*", re.DOTALL)


def rules() -> Iterator[str]:
    """The page's lines."""
    for group, title in GROUPS.items():
        yield f"## {title}"
        yield ""
        for rule in RULES:
            if EXAMPLES[rule.name].group == group:
                yield from _rule(rule, EXAMPLES[rule.name])


def _rule(rule: AnyRule, example: Example) -> Iterator[str]:
    yield f"### {rule.name}"
    yield ""
    yield code_marks(ARGUMENTS.sub("", inspect.cleandoc(type(rule).__doc__ or "")))
    yield ""
    yield f"Shown by: {_shown(rule.exactness)}. {_options(rule)}"
    yield ""
    if example.note:
        yield example.note
        yield ""
    yield from _before_and_after(rule.name, example)


def _shown(exactness: Exactness) -> str:
    word = exactness.shown_by
    return f"[{word}](exactness.md)" if exactness.bit_exact else word


def fields_of(rule: AnyRule) -> list[str]:
    """A rule's fields: every rule is a dataclass."""
    return list(inspect.signature(type(rule)).parameters)


def _options(rule: AnyRule) -> str:
    names: list[str] = []
    for field in fields_of(rule):
        if field not in WITHOUT_OPTION:
            names += OPTIONS[field].split(", ")
    options = ", ".join(f"`{name}`" for name in dict.fromkeys(names)) or "none"
    module = inspect.getmodule(rule)
    assert module is not None
    return f"Options: {options}. Source: `{module.__name__.replace('.', '/')}.py`."


def _before_and_after(name: str, example: Example) -> Iterator[str]:
    before, after = example.texts
    if example.show is dump:
        yield f"<!-- picture: {name} -->"
        yield ""
    yield "```text"
    yield "before"
    yield from _indented(before)
    yield "after"
    yield from _indented(after)
    yield "```"
    yield ""


def _indented(text: str) -> Iterator[str]:
    for line in text.splitlines():
        yield f"  {line}"
