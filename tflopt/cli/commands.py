"""The commands: where each is, loaded when it is asked for; nothing else is imported here."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any, cast

import typer
from typer.core import TyperGroup

from tflopt.cli.help import PlainCommand, group_help, name_values
from tflopt.cli.values import convert_here, with_plain_flags

HELP_NAMES = ("-h", "--help")
CONTEXT = {"help_option_names": list(HELP_NAMES)}


@dataclass(frozen=True)
class Place:
    """A command's function, and the line that the list of commands has for it."""

    module: str
    function: str
    line: str


PLACES: Mapping[str, Place] = {
    "optimize": Place("optimize", "optimize", "Write an optimized copy of a model, bit-identical."),
    "explore": Place("explore", "frontier", "Show which arena, size and speed a model can have."),
    "inspect": Place("inspect", "inspect", "Show operators, sizes, kernels, memory of a model."),
    "validate": Place("validate", "validate", "Run two models on the same inputs and compare."),
    "bench": Place("bench", "bench", "Say what each operator costs on a core."),
    "report": Place("report", "report", "Show what optimizing changes, as one HTML page."),
    "fit": Place("fit", "fit", "Say on which boards a model fits, and how fast it runs there."),
    "view": Place("view", "view", "Show a model as it is, as one HTML page to explore."),
    "emit": Place("emit", "emit", "Write C or C++ sources for the firmware."),
    "check": Place("check", "check", "Hold a set of models against budgets, for CI."),
    "diff": Place("diff", "compare", "Show what a change of a model costs."),
    "cmake-dir": Place("cmake", "cmake_dir", "Print where the files for CMake, Make, Zephyr are."),
    "passes": Place("registry", "passes", "List the rules and how each was shown to be exact."),
    "targets": Place("registry", "targets", "List the cores."),
    "help": Place("topics", "show_help", "Show the help of a command, or a page of the manual."),
}


def load_command(name: str) -> PlainCommand:
    """The command of that name, built from its function.

    Raises:
        KeyError: there is none.
    """
    place = PLACES[name]
    with _nothing_collected():
        function = getattr(import_module(f"tflopt.cli.{place.module}"), place.function)
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command(name=name, cls=PlainCommand, context_settings=dict(CONTEXT))(function)
    command = cast("PlainCommand", typer.main.get_command(app))
    name_values(command, function)
    convert_here(command, function)
    return command


@contextmanager
def _nothing_collected() -> Iterator[None]:
    """What modules make as they are imported stays: looking for garbage in it only takes time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_on:
            gc.enable()


class Commands(Mapping[str, PlainCommand]):
    """The commands by name, in order; each is loaded when it is taken."""

    def __init__(self) -> None:
        self._loaded: dict[str, PlainCommand] = {}

    def __getitem__(self, name: str) -> PlainCommand:
        if name not in self._loaded:
            self._loaded[name] = load_command(name)
        return self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        return iter(PLACES)

    def __len__(self) -> int:
        return len(PLACES)

    def __contains__(self, name: object) -> bool:
        return name in PLACES


class Group(TyperGroup):
    """``tflopt`` itself."""

    def __init__(self, **settings: Any) -> None:  # noqa: ANN401 (typer's own)
        super().__init__(**settings)
        self.commands = cast("dict[str, Any]", Commands())

    def get_params(self, ctx: Any) -> list[Any]:  # noqa: ANN401 (click's or typer's)
        """With flags that need no pydantic."""
        return with_plain_flags(super().get_params(ctx))

    def format_help(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401 (click's or typer's)
        """All commands, a line each."""
        formatter.write(group_help({name: place.line for name, place in PLACES.items()}, self, ctx))
