"""The ``tflopt`` command: its sub-commands, and one place where errors become exit codes."""

from __future__ import annotations

import sys
import traceback
from typing import Annotated

import typer

from tflopt.cli import (
    bench,
    check,
    cmake,
    diff,
    emit,
    inspect,
    optimize,
    registry,
    report,
    validate,
)
from tflopt.errors import EXIT_RUNNER, TfloptError, printable
from tflopt.version import __version__

EPILOG = (
    "Exit codes: 0 done; 1 a check failed; 2 usage; 3 the model is invalid or unsupported; "
    "4 a runner or tool is missing or failed."
)

app = typer.Typer(
    name="tflopt",
    help=(
        "Optimize int8 .tflite models for TensorFlow Lite Micro with CMSIS-NN: "
        "bit-identical in output, smaller, faster."
    ),
    epilog=EPILOG,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command(name="optimize")(optimize.optimize)
app.command(name="inspect")(inspect.inspect)
app.command(name="validate")(validate.validate)
app.command(name="bench")(bench.bench)
app.command(name="report")(report.report)
app.command(name="emit")(emit.emit)
app.command(name="check")(check.check)
app.command(name="diff")(diff.compare)
app.command(name="cmake-dir")(cmake.cmake_dir)
app.command(name="passes")(registry.passes)
app.command(name="targets")(registry.targets)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"tflopt {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    """Optimize int8 .tflite models for TensorFlow Lite Micro with CMSIS-NN."""


def run() -> None:
    """Entry point: every expected failure is one line on stderr and a documented exit code."""
    try:
        app()
    except TfloptError as error:
        _fail(str(error), error.exit_code)
    except BrokenPipeError:
        _silence_stdout()
        sys.exit(EXIT_RUNNER)
    except (OSError, MemoryError) as error:
        _fail(str(error) or type(error).__name__, EXIT_RUNNER)
    except RecursionError:
        _fail("internal: recursion limit; please report it", EXIT_RUNNER)
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{last.filename}:{last.lineno}"
        _fail(f"internal: {type(error).__name__}: {error} ({place}); please report it", EXIT_RUNNER)


def _fail(message: str, code: int) -> None:
    typer.echo("tflopt: error: " + printable(" ".join(message.split())), err=True)
    sys.exit(code)


def _silence_stdout() -> None:
    """The reader of the pipe is gone; keep the interpreter from complaining at exit."""
    sys.stdout = None
