"""Values of arguments and options, converted without pydantic where nothing needs it.

Typer converts with pydantic, which takes as long to import as NumPy. What is right as it stands
(texts, paths, whole numbers within bounds, names of choices) is converted here; whatever isn't
goes to typer, which knows how to say so.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, get_args, get_origin

import typer
from typer.core import TyperArgument, TyperCommand, TyperOption

PATTERNS = {int: re.compile(r"[0-9]{1,15}"), float: re.compile(r"[0-9]{1,15}(\.[0-9]{1,15})?")}
PLAIN_TYPES = (str, Path, *PATTERNS)
UNKNOWN = object()
"""What a value is that typer must look at."""
PREFIX = "Value error, "
"""What pydantic puts before the words of an error."""


class PlainOption(TyperOption):
    """An option; ``kind`` is the type of its value, or of each where there are several."""

    kind: type

    def process_value(self, ctx: Any, value: Any) -> Any:  # noqa: ANN401 (click's or typer's)
        """The value in its type."""
        converted = _converted(self, value)
        if converted is not UNKNOWN:
            return converted
        with _plain_words():
            return super().process_value(ctx, value)


class PlainArgument(TyperArgument):
    """The same for an argument."""

    kind: type

    def process_value(self, ctx: Any, value: Any) -> Any:  # noqa: ANN401 (click's or typer's)
        """The value in its type."""
        converted = _converted(self, value)
        if converted is not UNKNOWN:
            return converted
        with _plain_words():
            return super().process_value(ctx, value)


class PlainFlag(TyperOption):
    """A flag of click's own, ``--help`` for one, which has no value where it isn't given."""

    def process_value(self, ctx: Any, value: Any) -> Any:  # noqa: ANN401 (click's or typer's)
        """None as it is; anything else is typer's."""
        if value is not None or self.required:
            return super().process_value(ctx, value)
        return None if self.callback is None else self.callback(ctx, self, None)


@contextmanager
def _plain_words() -> Iterator[None]:
    """An error of typer's without what pydantic says of itself."""
    try:
        yield
    except typer.BadParameter as error:
        error.message = error.message.removeprefix(PREFIX)
        raise


PLAIN: Mapping[type, type] = {TyperOption: PlainOption, TyperArgument: PlainArgument}


def convert_here(command: TyperCommand, function: Callable[..., None]) -> None:
    """Have the values of a command converted here, with a typer that would take pydantic."""
    types = inspect.signature(function, eval_str=True).parameters
    for parameter in command.params:
        plain = PLAIN.get(type(parameter))
        known = types.get(parameter.name or "")
        if plain is None or known is None or not hasattr(parameter, "get_runtime_param"):
            continue
        kind = _type_of(known.annotation)
        if kind is not None and parameter.callback is None:
            parameter.__class__ = plain
            parameter.kind = kind  # type: ignore[attr-defined]


def with_plain_flags(parameters: list[Any]) -> list[Any]:
    """What ``get_params`` gives, with flags that typer would take pydantic for converted here."""
    for parameter in parameters:
        flag = type(parameter) is TyperOption and parameter.is_flag
        if flag and hasattr(parameter, "get_runtime_param"):
            parameter.__class__ = PlainFlag
    return parameters


def _type_of(annotation: object) -> type | None:
    """Of ``Annotated[list[Path] | None, ...]`` the path; None for what isn't converted here."""
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    parts = [alternative for alternative in get_args(annotation) if alternative is not NoneType]
    if NoneType in get_args(annotation) and len(parts) == 1:
        annotation = parts[0]
    if get_origin(annotation) is list:
        annotation = get_args(annotation)[0]
    if not isinstance(annotation, type):
        return None
    return annotation if annotation in PLAIN_TYPES or issubclass(annotation, Enum) else None


def _converted(parameter: Any, value: object) -> object:  # noqa: ANN401 (click's or typer's)
    several = parameter.multiple or parameter.nargs == -1
    if value is None:
        return UNKNOWN if parameter.required else () if several else None
    if not several:
        return _one(parameter, value)
    if not isinstance(value, list | tuple) or (parameter.required and not value):
        return UNKNOWN
    converted = [_one(parameter, single) for single in value]
    return UNKNOWN if UNKNOWN in converted else converted


def _one(parameter: Any, value: object) -> object:  # noqa: ANN401 (click's or typer's)
    kind: type = parameter.kind
    if isinstance(value, kind):
        return _within(parameter, value) if kind in PATTERNS else value
    if not isinstance(value, str):
        return UNKNOWN
    if kind is Path:
        return Path(value)
    if kind in PATTERNS:
        return _within(parameter, kind(value)) if PATTERNS[kind].fullmatch(value) else UNKNOWN
    if issubclass(kind, Enum):
        return next((member for member in kind if member.value == value), UNKNOWN)
    return UNKNOWN


def _within(parameter: Any, value: object) -> object:  # noqa: ANN401 (click's or typer's)
    least, most = getattr(parameter, "min", None), getattr(parameter, "max", None)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return UNKNOWN
    if (least is not None and value < least) or (most is not None and value > most):
        return UNKNOWN
    return value
