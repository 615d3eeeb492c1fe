"""Help at 80 columns: as the files beside say, nothing cut, examples that the commands take."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys

import pytest

from tests.support.cli import Cli
from tests.support.help_files import FOLDER, NAMES, WIDTH, printed
from tests.support.paths import ROOT
from tflopt.cli.commands import PLACES, load_command
from tflopt.cli.examples import EXAMPLES
from tflopt.cli.help import command_help
from tflopt.cli.sections import SECTION_OF
from tflopt.cli.topics import find_pages
from tflopt.product.options import options

pytestmark = pytest.mark.unit
SECTION = re.compile(r"^(\w+):$", re.M)


def text(name: str) -> str:
    return (FOLDER / f"{name}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_help_is_as_the_file_says(name: str) -> None:
    assert printed(name) == text(name), "python -m tests.support.help_files renews it"


@pytest.mark.parametrize("name", ["optimize", "validate", "emit"])
def test_an_error_has_the_usage_of_the_help(name: str, cli: Cli) -> None:
    usage = text(name).partition("\n\n")[0]
    done = cli(name, "--no-such-option")
    assert done.code == 2
    assert " ".join(done.err.split()).startswith(" ".join(usage.split()))


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_cut_or_too_wide(name: str) -> None:
    lines = text(name).splitlines()
    assert max(map(len, lines)) <= WIDTH
    assert not [line for line in lines if "…" in line or "<bool>" in line or "<str>" in line]
    assert "Examples:" in lines


@pytest.mark.parametrize("name", list(PLACES))
def test_every_option_is_named_in_full(name: str) -> None:
    shown = text(name)
    for option in load_command(name).params:
        for long in (each for each in option.opts if each.startswith("--")):
            assert re.search(rf"{long}\b|--\[no-\]{long[2:]}\b", shown), long


def test_options_of_optimize_stand_in_sections() -> None:
    assert SECTION.findall(text("optimize")) == [
        *("Output", "Device", "Rules", "Memory", "Budgets", "Verification", "Options", "Examples")
    ]
    named = {f"no_{name}" if option.spec.negated else name for name, option in options().items()}
    assert named <= SECTION_OF.keys()
    last = text("optimize").split("\nOptions:\n")[1].split("\n\n")[0]
    assert last.strip() == "-h, --help               Show this message and exit."


@pytest.mark.parametrize("name", list(PLACES))
def test_the_list_of_commands_says_what_they_do(name: str) -> None:
    place = PLACES[name]
    assert len(place.line) <= WIDTH - 14
    assert place.line[0].isupper()
    assert place.line.endswith(".")
    assert (load_command(name).help or "").split()[0] == place.line.split()[0]


@pytest.mark.parametrize(
    "example", [line for lines in EXAMPLES.values() for line in lines if line.startswith("tflopt")]
)
def test_examples_are_taken_by_the_commands(example: str) -> None:
    words = shlex.split(example.split(" < ")[0].split(" > ")[0])[1:]
    assert len(example) <= WIDTH - 2
    command = load_command(words[0])
    known = {name: option for option in command.params for name in option.opts}
    wanted = [word for word in words[1:] if word.startswith("-") and word != "-"]
    assert set(wanted) <= known.keys() | {"--no-open"}


def test_every_command_has_examples() -> None:
    assert EXAMPLES.keys() == {"", *PLACES}


def test_help_is_narrower_on_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    import typer

    command = load_command("optimize")
    for columns, width in (("60", 60), ("300", 100)):
        monkeypatch.setenv("COLUMNS", columns)
        with typer.Context(command, info_name="optimize") as context:
            lines = command_help(command, context).splitlines()
        inner = [line for line in lines if "tflopt optimize" not in line]
        assert width - 12 < max(map(len, inner)) <= width


def test_help_of_a_topic(cli: Cli) -> None:
    assert "flash" in find_pages()
    listed = cli("help")
    assert listed.code == 0
    assert all(f"  {name} " in listed.out for name in find_pages())
    assert cli("help", "optimize").out == cli("optimize", "--help").out
    assert cli("help", "flash").out == (ROOT / "docs" / "flash.md").read_text()
    assert cli("help", "validate.md").out == (ROOT / "docs" / "validate.md").read_text()
    assert "More: tflopt help validate.md" in cli("help", "validate").out
    wrong = cli("help", "flsh")
    assert wrong.code == 2
    assert wrong.only_error == "there is no topic 'flsh'; did you mean flash?"
    assert "'tflopt help' lists the topics" in cli("help", "zzzz").only_error


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("tflopt opt", "optimize"),
        ("tflopt optimize x --max-", "--max-instructions"),
        ("tflopt optimize x --target cortex-m3", "cortex-m33"),
        ("tflopt optimize x --disable fold-p", "fold-pad"),
        ("tflopt optimize x --goal sp", "speed"),
    ],
)
def test_shells_complete_what_is_typed(typed: str, offered: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from tflopt.cli.main import app; app(prog_name='tflopt')"],
        env={**os.environ, "_TFLOPT_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": typed},
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert offered in done.stdout, done.stderr
