"""Values of the command line are what typer makes of them, without the time that pydantic takes."""

from __future__ import annotations

import subprocess
import sys
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer

from tests.support.cli import Cli
from tests.support.paths import MODELS, ROOT
from tflopt.cli.commands import PLACES, load_command
from tflopt.cli.values import PREFIX, PlainOption, convert_here

pytestmark = pytest.mark.unit
IMPORTS = """
import sys
from tflopt.cli.main import run
sys.argv = ["tflopt", *sys.argv[1:]]
try:
    run()
except SystemExit as end:
    assert not end.code, end.code
heavy = {name.partition(".")[0] for name in sys.modules} & {"pydantic", "tflite_micro"}
print("\\nimported:", *heavy)
"""


class Colour(Enum):
    """A choice."""

    RED = "red"
    DARK_BLUE = "dark-blue"


def echo(
    files: Annotated[list[Path], typer.Argument()],
    count: Annotated[int, typer.Option(min=1, max=20)] = 3,
    part: Annotated[float, typer.Option(min=0)] = 0.5,
    name: str = "x",
    colour: Colour = Colour.RED,
    maybe: Colour | None = None,
    most: int | None = None,
    tag: list[str] | None = None,
    out: Path | None = None,
    flag: bool = False,
) -> None:
    """Print what came."""
    typer.echo(repr((files, count, part, name, colour, maybe, most, tag, out, flag)))


def ran(arguments: list[str], *, here: bool) -> object:
    app = typer.Typer(add_completion=False)
    app.command()(echo)
    command: Any = typer.main.get_command(app)
    if here:
        convert_here(command, echo)
    with pytest.raises(SystemExit) as end:
        command.main(args=arguments, prog_name="echo")
    return end.value.code


@pytest.mark.parametrize(
    "line",
    [
        "a",
        "a b --count 20 --part 2 --name é --colour dark-blue --maybe red --most 7 --flag",
        "a --tag one --tag two --out x/y --part 1.25 --most 0",
        "a --count +4 --part 1e-3 --most -2",
        "a --count 0",
        "a --count 21",
        "a --count 1.5",
        "a --count ten",
        "a --count 99999999999999999999",
        "a --part -1",
        "a --part nan",
        "a --colour blue",
        "a --colour RED",
        "a --maybe ''",
        "a --name ''",
        "a --tag ''",
        "",
        "a --nothing",
        "a --count",
    ],
)
def test_the_same_values_and_the_same_errors(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [each.strip("'") for each in line.split()]
    found = [(ran(arguments, here=here), capsys.readouterr()) for here in (True, False)]
    (code, here), (other_code, there) = found
    assert (code, here.out) == (other_code, there.out)
    words = [text.replace(PREFIX, "").replace("│", "").split() for text in (here.err, there.err)]
    assert words[0] == words[1]
    assert PREFIX not in here.err
    assert any(here)


def test_every_option_with_a_value_is_converted_here() -> None:
    for name in PLACES:
        for each in load_command(name).params:
            plain = isinstance(each, PlainOption) or getattr(each, "is_flag", True)
            assert plain or not hasattr(each, "get_runtime_param"), (name, each.name)


@pytest.mark.parametrize("line", ["--version", "--help", "optimize --help", "optimize -q MODEL"])
def test_no_pydantic(line: str, tmp_path: Path) -> None:
    model = next(path for path in MODELS if path.stem == "svdf")
    text = line.replace("MODEL", f"--no-verify -o {tmp_path / 'out'} {model}")
    command = [sys.executable, "-c", IMPORTS, *text.split()]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1].strip() == "imported:"


def test_a_wrong_value_says_so(cli: Cli) -> None:
    assert "'--samples'" in cli("optimize", MODELS[0], "--samples", "none").err
