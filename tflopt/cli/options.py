"""The options of one optimization as parameters of a command, in typer's terms."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, TypeVar

import typer

from tflopt.cli.common import complete_board, complete_target
from tflopt.errors import UsageError
from tflopt.product.options import Option, Options, options


def complete_rule(incomplete: str) -> list[str]:
    """For shells: the rules that begin so."""
    from tflopt.rules.pipeline import RULES

    return [rule.name for rule in RULES if rule.name.startswith(incomplete)]


COMPLETED = {
    "target": complete_target,
    "board": complete_board,
    "disable": complete_rule,
    "only": complete_rule,
}
Command = TypeVar("Command", bound=Callable[..., None])
KEYWORD = inspect.Parameter.KEYWORD_ONLY


def with_options(places: Mapping[str, Sequence[str]]) -> Callable[[Command], Command]:
    """Give a command that takes ``**said`` a parameter for each field of :class:`Options`.

    Args:
        places: an option, and the parameters of the command itself that stand behind it; all
            others stand in front.
    """

    def wrap(command: Command) -> Command:
        own = dict(inspect.signature(command, eval_str=True).parameters)
        own = {n: p for n, p in own.items() if p.kind is not inspect.Parameter.VAR_KEYWORD}
        later = {name for names in places.values() for name in names}
        parameters = [own[name] for name in own if name not in later]
        for name, option in options().items():
            parameters += [*_parameters(option), *(own[place] for place in places.get(name, ()))]
        shown = [parameter.replace(kind=KEYWORD) for parameter in parameters]
        command.__dict__["__signature__"] = inspect.Signature(shown)
        command.__annotations__ = {parameter.name: parameter.annotation for parameter in shown}
        return command

    return wrap


def from_command_line(said: Mapping[str, object]) -> Options:
    """The options that a command was given.

    Raises:
        UsageError: a value makes no sense, or two flags exclude each other.
    """
    return Options(**{name: _value(option, said) for name, option in options().items()})  # type: ignore[arg-type]


def names_target(context: typer.Context) -> bool:
    """Whether the command was told a core, by itself or with a board or a profile."""
    sources = map(context.get_parameter_source, ("target", "board", "profile"))
    return any(source is not None and source.name != "DEFAULT" for source in sources)


def _value(option: Option, said: Mapping[str, object]) -> object:
    spec = option.spec
    if spec.flags:
        given = [flag for flag in spec.flags if said[flag.name]]
        if len(given) > 1:
            names = " and ".join(f"--{flag.name.replace('_', '-')}" for flag in given)
            raise UsageError(f"{names} exclude each other")
        return given[0].value if given else option.default
    value = said[_name(option)]
    if spec.negated:
        return not value
    if spec.parse is not None and isinstance(value, str):
        return spec.parse(value)
    if option.is_list and isinstance(value, list):
        return tuple(part for part in value if part or option.name != "only")
    return value


def _name(option: Option) -> str:
    return f"no_{option.name}" if option.spec.negated else option.name


def _parameters(option: Option) -> Iterator[inspect.Parameter]:
    spec = option.spec
    for flag in spec.flags:
        info = typer.Option(f"--{flag.name.replace('_', '-')}", help=flag.help)
        yield inspect.Parameter(flag.name, KEYWORD, default=False, annotation=Annotated[bool, info])
    if not spec.flags:
        info = typer.Option(
            *(spec.names or (f"--{option.key}",)),
            help=spec.help,
            metavar=spec.metavar,
            min=spec.least,
            max=spec.most,
            show_default=spec.shown or True,
            autocompletion=COMPLETED.get(option.name),
        )
        kind, default = _typed(option)
        annotation = Annotated[kind, info]  # type: ignore[valid-type]
        yield inspect.Parameter(_name(option), KEYWORD, default=default, annotation=annotation)


def _typed(option: Option) -> tuple[object, object]:
    """What typer makes of the value: texts that are parsed later, and lists for tuples."""
    spec = option.spec
    if spec.negated:
        return bool, False
    if option.is_list:
        return list[str] | None, None
    kind: object = str if spec.parse is not None else option.kind
    default = option.default
    if spec.parse is not None and default is not None:
        default = str(default)
    return (kind | None if option.is_optional else kind), default  # type: ignore[operator]
