"""What ``--help`` prints: sections of options in two columns, examples last, at any width."""

from __future__ import annotations

import inspect
import shutil
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Any, get_args

from typer.core import TyperArgument, TyperCommand, TyperOption

from tflopt.cli.examples import EXAMPLES
from tflopt.cli.sections import MOVED, OTHERS, SECTION_OF, SECTIONS, VALUES
from tflopt.cli.values import with_plain_flags

LEAST_WIDTH, MOST_WIDTH = 40, 100
NAMES = 27
"""Columns of an option's names; longer ones have a line of their own."""
KINDS: Mapping[object, str] = {int: "N", float: "N", Path: "FILE", str: "TEXT"}
EXIT_CODES = (
    "Exit codes: 0 done; 1 a check failed; 2 usage; 3 the model is invalid or unsupported; "
    "4 a runner or tool is missing or failed."
)
MORE = "'tflopt help COMMAND' has examples; 'tflopt help' lists the pages of the manual."
Parameter = TyperArgument | TyperOption


class PlainCommand(TyperCommand):
    """A command whose help is plain text."""

    def get_params(self, ctx: Any) -> list[Any]:  # noqa: ANN401 (click's or typer's)
        """With flags that need no pydantic."""
        return with_plain_flags(super().get_params(ctx))

    def get_usage(self, ctx: Any) -> str:  # noqa: ANN401 (click's or typer's)
        """The line that the help begins with, above errors too."""
        arguments = [
            parameter for parameter in self.get_params(ctx) if isinstance(parameter, TyperArgument)
        ]
        return _usage(self.name or "", arguments, width_of_terminal())

    def format_help(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401 (click's or typer's)
        """As :func:`command_help`."""
        formatter.write(command_help(self, ctx))


def width_of_terminal() -> int:
    """Columns for help: those of the terminal, within reason."""
    return max(LEAST_WIDTH, min(MOST_WIDTH, shutil.get_terminal_size().columns))


def command_help(command: TyperCommand, ctx: Any) -> str:  # noqa: ANN401 (click's or typer's)
    """The whole help of one command."""
    width, name = width_of_terminal(), command.name or ""
    parameters = [
        parameter for parameter in command.get_params(ctx) if isinstance(parameter, Parameter)
    ]
    arguments = [parameter for parameter in parameters if isinstance(parameter, TyperArgument)]
    options = [parameter for parameter in command.get_params(ctx) if parameter not in arguments]
    shown = [option for option in options if not getattr(option, "hidden", False)]
    parts = [
        _usage(name, arguments, width),
        *_paragraphs(command.help or "", width),
        *_notes(arguments, width),
        *_sections(shown, width, name),
        *_examples(name),
    ]
    return "\n\n".join(parts) + "\n"


def group_help(lines: Mapping[str, str], command: Any, ctx: Any) -> str:  # noqa: ANN401
    """The help of ``tflopt`` itself."""
    width = width_of_terminal()
    column = max(map(len, lines)) + 2
    listed = "\n".join(
        _columns(f"  {name}", line, width, column + 2) for name, line in lines.items()
    )
    options = [
        parameter
        for parameter in command.get_params(ctx)
        if not getattr(parameter, "hidden", False)
    ]
    parts = [
        "Usage: tflopt COMMAND [OPTIONS] [ARGUMENTS]",
        *_paragraphs(command.help or "", width),
        f"Commands:\n{listed}",
        *_sections(options, width),
        *_examples(""),
        *_paragraphs(f"{EXIT_CODES}\n\n{MORE}", width),
    ]
    return "\n\n".join(parts) + "\n"


def _usage(name: str, arguments: Sequence[TyperArgument], width: int) -> str:
    shown = [_argument(argument) for argument in arguments]
    line = " ".join([f"Usage: tflopt {name} [OPTIONS]", *shown])
    return textwrap.fill(line, width, subsequent_indent=" " * 7, break_on_hyphens=False)


def _argument(argument: TyperArgument) -> str:
    text = argument.metavar or (argument.name or "").upper()
    optional = not argument.required and not text.startswith("[")
    return f"[{text}]" if optional else text


def _notes(arguments: Sequence[TyperArgument], width: int) -> list[str]:
    """What is said of arguments, where anything is."""
    lines = [
        _columns(f"  {_argument(argument)}", argument.help, width, NAMES)
        for argument in arguments
        if argument.help
    ]
    return ["\n".join(["Arguments:", *lines])] if lines else []


def _paragraphs(text: str, width: int) -> list[str]:
    """Docstrings' paragraphs, filled anew, without their marks of code."""
    plain = inspect.cleandoc(text).replace("``", "").replace("\\[", "[")
    return [
        textwrap.fill(" ".join(part.split()), width, break_on_hyphens=False)
        for part in plain.split("\n\n")
        if part.strip()
    ]


def _sections(options: Sequence[Any], width: int, command: str = "") -> Iterator[str]:
    sections: dict[str, list[str]] = {}
    for option in options:
        title = SECTION_OF.get(option.name, OTHERS)
        title = MOVED.get((command, title), title)
        sections.setdefault(title, []).append(_option(option, width))
    for title in sorted(sections, key=SECTIONS.index):
        yield "\n".join([f"{title}:", *sections[title]])


def _option(option: Any, width: int) -> str:  # noqa: ANN401 (click's or typer's)
    short = [name for name in option.opts if not name.startswith("--")]
    long = [name for name in option.opts if name.startswith("--")]
    if option.secondary_opts:
        long = [f"--[no-]{long[0][2:]}"]
    names = "  " + (", ".join([*short, *long]) if short else f"    {', '.join(long)}")
    value = metavar(option)
    said = " ".join(filter(None, [option.help, _default(option)]))
    return _columns(f"{names} {value}".rstrip(), said, width, NAMES)


def metavar(option: Any) -> str:  # noqa: ANN401 (click's or typer's)
    """What stands for an option's value, empty for a flag."""
    return "" if option.is_flag else str(option.metavar or "")


def name_values(command: TyperCommand, function: Callable[..., None]) -> None:
    """Give each option without a metavar the one for its type."""
    types = inspect.signature(function, eval_str=True).parameters
    for option in command.params:
        known = types.get(option.name or "")
        if isinstance(option, TyperOption) and not option.metavar and known is not None:
            option.metavar = VALUES.get(known.name) or _metavar(known.annotation)


def _metavar(annotation: object) -> str:
    """For a type of Python, as in ``Annotated[Path | None, ...]``."""
    while get_args(annotation):
        annotation = get_args(annotation)[0]
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return "|".join(str(choice.value) for choice in annotation)
    return KINDS.get(annotation, "")


def _default(option: Any) -> str:  # noqa: ANN401 (click's or typer's)
    shown = getattr(option, "show_default", False)
    default = option.default.value if isinstance(option.default, Enum) else option.default
    if isinstance(shown, str):
        return f"[default: {shown}]"
    if getattr(option, "required", False):
        return "[required]"
    if not shown or default is None or default == "" or isinstance(default, bool):
        return ""
    return f"[default: {default:g}]" if isinstance(default, float) else f"[default: {default}]"


def _columns(name: str, text: str | None, width: int, column: int) -> str:
    """A name, and a text in the column beside it, or below where the name is too long."""
    room = max(20, width - column)
    filled = textwrap.wrap(text or "", room, break_on_hyphens=False, break_long_words=False)
    indent = " " * column
    if len(name) + 2 > column:
        return "\n".join([name, *(indent + line for line in filled)])
    first = name.ljust(column) + (filled[0] if filled else "")
    return "\n".join([first.rstrip(), *(indent + line for line in filled[1:])])


def _examples(name: str) -> list[str]:
    lines = [f"  {command}" for command in EXAMPLES.get(name, ())]
    return ["\n".join(["Examples:", *lines])] if lines else []
