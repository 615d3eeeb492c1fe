"""``docs/commands.md``: every command with its options, from typer's own description."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from enum import Enum

import typer
from typer.core import TyperArgument, TyperGroup, TyperOption

from tflopt.cli.main import app

Parameter = TyperArgument | TyperOption
SIMPLE = {"str": "text", "path": "path", "int": "number", "float": "number", "bool": ""}


def commands() -> Iterator[str]:
    """The page's lines."""
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    for name, command in group.commands.items():
        parameters = [p for p in command.params if isinstance(p, Parameter)]
        yield f"## tflopt {name}"
        yield ""
        yield code_marks(inspect.cleandoc(command.help or ""))
        yield ""
        context = typer.Context(command)
        yield from _arguments(name, parameters, context)
        yield from _options(parameters, context)


def _arguments(name: str, parameters: list[Parameter], context: typer.Context) -> Iterator[str]:
    arguments = [p for p in parameters if isinstance(p, TyperArgument)]
    shown = [_optional(p, _value(p, context) or p.name or "") for p in arguments]
    yield "```text"
    yield " ".join(["tflopt", name, "[OPTIONS]", *shown])
    yield "```"
    yield ""


def _options(parameters: list[Parameter], context: typer.Context) -> Iterator[str]:
    options = [p for p in parameters if isinstance(p, TyperOption) and not p.hidden]
    if not options:
        yield "No options."
        yield ""
        return
    yield "| option | | default |"
    yield "|---|---|---|"
    for option in options:
        names = ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))
        value = _value(option, context)
        choices = " \\| ".join(f"`{choice}`" for choice in value.split("|") if choice)
        first = f"{names} {choices}".strip()
        cells = (first, _cell(option.help), _default(option))
        yield f"| {' | '.join(cells)} |"
    yield ""


def _optional(parameter: Parameter, text: str) -> str:
    return text if parameter.required else f"[{text}]"


def _value(parameter: Parameter, context: typer.Context) -> str:
    """What stands behind an option: its metavar, the choices, or the kind of value."""
    if parameter.metavar:
        return parameter.metavar
    kind = (
        parameter.display_type(context).strip("<>").removeprefix("list[").removesuffix("]").lower()
    )
    number = kind.split(" range")[0]
    if kind != number and isinstance(parameter, TyperOption):
        least, most = parameter.min, parameter.max
        return f"{least}..{most}" if most is not None else f"{least} or more"
    return SIMPLE.get(kind, kind)


def _default(option: TyperOption) -> str:
    if isinstance(option.show_default, str):
        return f"`{option.show_default}`"
    default = option.default.value if isinstance(option.default, Enum) else option.default
    if default is None or default == "" or not option.show_default:
        return ""
    if isinstance(default, bool):
        return f"`{option.opts[0]}`" if default else ""
    return f"`{default:g}`" if isinstance(default, float) else f"`{default}`"


def _cell(text: str | None) -> str:
    return code_marks(text or "").replace("|", "\\|").replace("\n", " ")


def code_marks(text: str) -> str:
    """Docstrings' double backticks as Markdown's single ones, and no HTML by accident."""
    return text.replace("``", "`").replace("\\[", "[").replace("<", "&lt;")
