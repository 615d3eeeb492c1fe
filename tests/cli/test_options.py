"""One list of options: the command line, the configuration and Python have the same."""

from __future__ import annotations

import inspect
from enum import Enum
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup

from tests.support.cli import Cli
from tests.support.paths import TESTDATA
from tflopt.cli import optimize as module
from tflopt.cli.main import app
from tflopt.errors import UsageError
from tflopt.gate import read_config
from tflopt.gate.config import OPTIONS
from tflopt.product.options import Option, Options, Overlap, options
from tflopt.run.registry import EMULATORS, HOSTS, KINDS, RUNNER_NAMES

pytestmark = pytest.mark.unit
DS = TESTDATA / "ds_cnn.tflite"
LONGEST = 60
OTHERS = {
    "target": "cortex-m4",
    "board": "nucleo-f446re",
    "cmsis_nn": "7.0.0",
    "tflm": "3b20912",
    "build": "size",
    "runner": "litert",
    "plan_time": 3.5,
    "align": 64,
    "arena_alignment": 64,
}
TEXTS = {"disable": ["merge-views"], "only": ["remove-dead"], "keep": ["x"], "pin": ["input=0"]}


def other_value(option: Option) -> object:
    """A value that is not the default, as TOML has it."""
    if option.name in OTHERS:
        return OTHERS[option.name]
    if option.is_list:
        return TEXTS[option.name]
    if option.kind is Path:
        return "some/where"
    if issubclass(option.kind, Enum):
        return [each.value for each in option.kind if each is not option.default][-1]
    if option.kind is bool:
        return not option.default
    least = 16 if option.spec.least is None else option.spec.least
    return least + 1 if least + 1 != option.default else least + 2


def toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "[" + ", ".join(f'"{each}"' for each in value) + "]"
    return f'"{value}"' if isinstance(value, str) else str(value)


@pytest.mark.parametrize("name", list(options()))
def test_every_option_is_a_key_of_the_configuration(name: str, tmp_path: Path) -> None:
    option = options()[name]
    assert option.key in OPTIONS
    text = f"{option.key} = {toml(other_value(option))}\n"
    path = tmp_path / "tflopt.toml"
    tail = f'[[model]]\npath = "{DS}"\n'
    path.write_text(tail)
    (plain,) = read_config(path)
    path.write_text(text + tail)
    try:
        (entry,) = read_config(path)
    except UsageError as error:
        told = "no such file" if option.key == "profile" else "needs runner"
        assert option.key in ("tflm-lib", "firmware", "fvp", "profile")
        assert told in str(error)
        return
    if name not in ("time_limit", "max_slowdown"):  # nothing without a device, or bands
        assert entry.settings != plain.settings


def test_every_option_is_one_of_the_command_line() -> None:
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    names = {
        text for p in group.commands["optimize"].params for text in (*p.opts, *p.secondary_opts)
    }
    for option in options().values():
        own = [f"--{flag.name.replace('_', '-')}" for flag in option.spec.flags]
        shown = option.spec.names or tuple(own) or (f"--{option.key}",)
        assert {each for text in shown for each in text.split("/")} <= names


def test_the_command_stays_short() -> None:
    assert len(inspect.getsource(module.optimize).splitlines()) < LONGEST


def test_bounds_are_those_of_the_command_line(tmp_path: Path) -> None:
    path = tmp_path / "tflopt.toml"
    for line, word in (
        ("allow-lsb = 9", "an integer up to 8"),
        ("allow-lsb = 1.5", "an integer from 0 on"),
        ("time-limit = 0.5", "a number from 1 on"),
        ("plan-time = true", "a number"),
        ('reserve-head = "x"', "is not a size"),
        ('runner = "qmu"', "runner must be one of auto, tflm"),
    ):
        path.write_text(f'{line}\n[[model]]\npath = "{DS}"\n')
        with pytest.raises(UsageError, match=word):
            read_config(path)


def test_two_flags_of_one_option_exclude_each_other(cli: Cli) -> None:
    ran = cli("optimize", DS, "--overlap", "--overlap-all")
    assert ran.code == 2
    assert "--overlap and --overlap-all exclude each other" in ran.err


def test_python_takes_the_same_options() -> None:
    said = Options(overlap=Overlap.ALL, max_arena=1000, pin=("x=0",), verify=False)
    settings = said.settings(lambda name, _: name)
    assert settings.config.plan is not None
    assert settings.config.plan.overlap == "all"
    assert (settings.max_arena_bytes, settings.pins, settings.samples) == (1000, ("x=0",), None)
    with pytest.raises(UsageError, match="exclude each other"):
        Options(verify=False, require_verified=True).settings(lambda name, _: name)


def test_every_runner_is_listed_once() -> None:
    assert ("auto", *HOSTS, *EMULATORS) == RUNNER_NAMES
    assert set(HOSTS) | set(EMULATORS) == {kind.name for kind in KINDS}
    assert options()["runner"].spec.help.rstrip(".").replace(" or ", ", ") == ", ".join(
        RUNNER_NAMES
    )


@pytest.mark.parametrize(
    ("arguments", "title"),
    [
        ((), "for cortex-m55, the default; --target names another"),
        (("--target", "cortex-m55"), "for cortex-m55"),
        (("--board", "corstone-300"), "for cortex-m55"),
    ],
)
def test_a_core_that_was_named_is_not_called_the_default(
    cli: Cli, small: Path, arguments: tuple[str, ...], title: str
) -> None:
    lines = cli("optimize", "--no-verify", small, *arguments).out.splitlines()
    assert lines[0].endswith(f"  {title}")
