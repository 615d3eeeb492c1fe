"""The screen of ``optimize``: thirty lines at most, what matters first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tflopt.errors import printable
from tflopt.product.growth import size_notes
from tflopt.product.levers import INSTRUCTIONS, Effect, Lever
from tflopt.product.optimize import Result, Settings
from tflopt.report.console import print_notes, print_verification
from tflopt.report.console_hazards import print_hazards
from tflopt.report.happened import Change, file_changes, operator_changes
from tflopt.report.near_misses import Group, grouped
from tflopt.report.notes import bias_notes, notes
from tflopt.report.style import SMALL, change, paragraph, size, table
from tflopt.rewrite import Stage
from tflopt.rules.pipeline import RULES
from tflopt.target.cost import predict_model
from tflopt.target.device import Device
from tflopt.verify.interface import port_changes, type_changes

MOST_LINES = 30
TIDY = {Stage.CLEAN, Stage.STRIP}


@dataclass(frozen=True)
class _Most:
    """How many of each are shown."""

    operators: int
    parts: int
    advices: int
    notes: int


LIMITS = (_Most(4, 3, 3, 3), _Most(3, 2, 2, 2), _Most(2, 1, 1, 1))
"""The first with which the screen has no more than :data:`MOST_LINES` is taken."""


def print_summary(
    console: Console,
    result: Result,
    settings: Settings,
    source: str,
    output: str,
    levers: Sequence[Lever] = (),
    *,
    names_target: bool = False,
) -> None:
    """What it is for, before and after, what happened, the verdict, and what else there is.

    ``names_target``: the user said for which core, and needs no word of how to.
    """
    screen = _Screen(console, result, settings, levers, names_target)
    text = ""
    for most in LIMITS:
        with console.capture() as captured:
            screen.show(source, output, most)
        text = captured.get()
        if len(text.splitlines()) <= MOST_LINES:
            break
    console.file.write(text)


@dataclass(frozen=True)
class _Screen:
    """Everything that is shown of one result."""

    console: Console
    result: Result
    settings: Settings
    levers: Sequence[Lever]
    names_target: bool

    @cached_property
    def operators(self) -> list[Change]:
        """What happened to each kind of operator."""
        return operator_changes(self.result.original, self.result.model, self.settings.device)

    @cached_property
    def parts(self) -> list[Change]:
        """Where the file got smaller."""
        return file_changes(self.result)

    @cached_property
    def notes(self) -> list[str]:
        """What a user should know."""
        return result_notes(self.result, self.settings)

    def show(self, source: str, output: str, most: _Most) -> None:
        """All of it, with so many of each."""
        console, result, settings = self.console, self.result, self.settings
        paragraph(console, _title(source, settings.device, self.names_target))
        console.print()
        console.print(_totals(result, settings.device))
        console.print()
        for line in self._happened(most):
            console.print(line)
        changes = [*map(str, port_changes(result.original, result.model))]
        for changed in [*changes, *type_changes(result.original, result.model)]:
            told = Text(printable(f"the firmware must follow: {changed}"), style="yellow")
            paragraph(console, told)
        console.print()
        print_verification(console, result.verification)
        print_hazards(console, result.hazards, result.hazards_left)
        self._notes(most.notes)
        _print_open(console, grouped(result.trace.near_misses), most.advices)
        for lever in self.levers:
            _print_lever(console, lever)
        written = f", {size(len(result.data))} bytes"
        if result.annotates:
            written += f", {size(len(result.annotation))} of them tflopt's annotation"
        console.print(Text.assemble("wrote ", (printable(output), "bold"), written))

    def _happened(self, most: _Most) -> Iterator[Text]:
        """Operators, bytes of the file, and the rules that did it."""
        counts = self.result.trace.counts
        if not counts:
            yield Text("nothing to change: no rule applies")
            return
        rest = self.operators[most.operators :]
        shown = self.operators[: most.operators + (len(rest) == 1)]
        parts = self.parts[: most.parts]
        names = [row.what for row in (*shown, *parts)]
        column = max(map(len, [*names, *(["also"] if len(rest) > 1 else [])]), default=0) + 2
        room = self.console.width - column - 2
        if len(rest) > 1:
            shown.append(Change("also", (as_many([operator.what for operator in rest], room),)))
        for row in (*shown, *parts):
            line = Text(f"  {row.what:<{column}}{row.within(room)}".rstrip())
            line.truncate(self.console.width, overflow="ellipsis")
            yield line
        yield Text(f"  by {self._rules(self.console.width - len('  by '))}", style=SMALL)

    def _rules(self, room: int) -> str:
        """As many names as fit: those that fired most first; rules that tidy up are counted."""
        counts = self.result.trace.counts
        did = [rule for rule in RULES if counts[rule.name]]
        main = [rule.name for rule in did if not TIDY & set(rule.stages)]
        tidy = len(did) - len(main)
        noun = "" if main else f" {_plural(tidy, 'rule')}"
        tail = [f"{tidy:,}{noun} that {'tidies' if tidy == 1 else 'tidy'} the file"]
        main.sort(key=lambda name: -counts[name])
        words = [f"{counts[name]:,} x {name}" if counts[name] > 1 else name for name in main]
        return as_many(words, room, tail if tidy else [])

    def _notes(self, most: int) -> None:
        print_notes(self.console, self.notes[:most])
        more = len(self.notes) - most
        if more > 0:
            text = f"{more:,} more {_plural(more, 'note')}: --report has all"
            self.console.print(Text(text, style=SMALL))


def _title(source: str, device: Device, names_target: bool) -> Text:
    usual = "" if names_target else ", the default; --target names another"
    return Text.assemble((printable(source), "bold"), f"  for {device.target}{usual}")


def result_notes(result: Result, settings: Settings) -> list[str]:
    """What a user should know of the result; what was measured stands for what is known."""
    verdict, sizes = result.verification, size_notes(result, settings)
    if verdict is None or not verdict.default_path:
        return [*sizes, *notes(result.model, settings.device)]
    said = bias_notes(result.model)
    others = [text for text in notes(result.model, settings.device) if text not in said]
    return [verdict.default_path, *sizes, *others]


def _print_open(console: Console, groups: Sequence[Group], most: int) -> None:
    """What a person can change so that patterns aren't left alone, each advice once."""
    places: Counter[str] = Counter()
    for group in groups:
        if group.can_act:
            places[group.advice] += len(group.places)
    count = sum(places.values())
    if not count:
        return
    console.print(f"{count:,} {_plural(count, 'place')} you can change; --explain tells where:")
    for advice, number in places.most_common(most):
        lead = f"  {number:,} x " if len(places) > 1 else "  "
        paragraph(console, Text(advice, style=SMALL), lead=lead, hang=0)
    more = len(places) - most
    if more > 0:
        console.print(Text(f"  and {more:,} more {_plural(more, 'reason')}", style=SMALL))


def _print_lever(console: Console, lever: Lever) -> None:
    """One line, or what it gives on the next: numbers aren't parted from their units."""
    head = Text.assemble("more: ", (lever.option, "bold"), f" ({lever.price}), as tried:")
    effects = [_effect(effect) for effect in lever.effects[:2]]
    together = Text(f" {', '.join(effects)}")
    if not console.is_terminal or len(head) + len(together) <= console.width:
        console.print(head.append_text(together), soft_wrap=True)
        return
    console.print(head)
    lines = (
        [together.plain] if len(together) < console.width else [f" {effect}" for effect in effects]
    )
    for line in lines:
        console.print(f" {line}")


def _effect(effect: Effect) -> str:
    gain = change(effect.before, effect.after)
    if effect.resource == INSTRUCTIONS:
        return f"predicted instructions {gain}"
    return f"{effect.resource} {size(effect.before)} -> {size(effect.after)} bytes, {gain}"


def as_many(words: Sequence[str], room: int, tail: Sequence[str] = ()) -> str:
    """As many words as fit in front of ``tail``, and how many more there are."""
    for fit in range(len(words), -1, -1):
        more = len(words) - fit
        text = ", ".join([*words[:fit], *([f"{more:,} more"] if more else []), *tail])
        if len(text) <= room:
            return text
    return ", ".join(tail)


def _plural(count: int, noun: str) -> str:
    return noun if count == 1 else f"{noun}s"


def _totals(result: Result, device: Device) -> Table:
    before, after = result.before, result.after
    grid = table("", "before", "after", "", right=(1, 2, 3))
    main = (
        ("file, bytes", before.file_bytes, after.file_bytes),
        *_arena_rows(result),
        (
            "instructions, predicted",
            predict_model(result.original, device).instructions,
            predict_model(result.model, device).instructions,
        ),
    )
    others = (
        ("operators", before.operators, after.operators),
        ("multiply-accumulates", before.macs, after.macs),
        ("bytes moved", before.moved_bytes, after.moved_bytes),
    )
    for name, old, new in main:
        better = "green" if new < old else "yellow" if new > old else ""
        grid.add_row(name, size(old), size(new), Text(change(old, new), style=better))
    for name, old, new in others:
        if old != new:
            better = "green" if new < old else ""
            grid.add_row(name, size(old), size(new), Text(change(old, new), style=better))
    return grid


def _arena_rows(result: Result) -> list[tuple[str, int, int]]:
    if result.memory_before is None or result.memory_after is None:
        return []
    old, new = result.memory_before.arena, result.memory_after.arena
    unknown = result.memory_before.unknown or result.memory_after.unknown
    name = "arena, bytes, unknown: at least" if unknown else "arena, bytes"
    return [
        (name, old.minimum_bytes, new.minimum_bytes),
        ("  of it activations and scratch", old.head_bytes, new.head_bytes),
    ]
