"""The ``tflopt`` command: its sub-commands, and one place where errors become exit codes."""

from __future__ import annotations

import errno
import gc
import os
import signal
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Annotated, NoReturn, TextIO

import typer

from tflopt.cli.commands import CONTEXT, Group
from tflopt.errors import (
    EXIT_RUNNER,
    EXIT_SIGNAL,
    EXIT_USAGE,
    TfloptError,
    printable,
    system_reason,
)
from tflopt.version import __version__

LAST_STREAM = 2
LONGEST = 2000
NO_NAMES = frozenset({errno.ENAMETOOLONG, errno.ELOOP})
"""What the system says to a path that can't be one: usage, not a failure of the system."""
COLLECTED_AFTER = 50_000
"""Objects; Python's own number is 700 or 2,000."""
ENDING = ("SIGTERM", "SIGHUP")

app = typer.Typer(
    name="tflopt",
    cls=Group,
    rich_markup_mode=None,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings=dict(CONTEXT),
)


def _show_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"tflopt {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    """Optimize int8 .tflite models for TensorFlow Lite Micro with CMSIS-NN: bit-identical in
    output, smaller, faster.
    """


def run() -> None:
    """Entry point: every expected failure is one line on stderr and a documented exit code."""
    _open_standard_streams()
    try:
        _run()
    finally:
        for stream in (sys.stdout, sys.stderr):
            _settle(stream)


def _run() -> None:
    try:
        with _ended_by_signals(), _collected_rarely():
            try:
                app()
            finally:
                _flush(sys.stdout)
    except TfloptError as error:
        _fail(str(error), error.exit_code)
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):  # typer's own answer is 1
            raise SystemExit(EXIT_RUNNER) from None
        raise
    except KeyboardInterrupt:
        sys.exit(EXIT_SIGNAL + signal.SIGINT)
    except (OSError, MemoryError) as error:
        named = isinstance(error, OSError) and error.errno in NO_NAMES
        _fail(system_reason(error), EXIT_USAGE if named else EXIT_RUNNER)
    except RecursionError:
        _fail("internal: recursion limit; please report it", EXIT_RUNNER)
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{last.filename}:{last.lineno}"
        _fail(f"internal: {type(error).__name__}: {error} ({place}); please report it", EXIT_RUNNER)


def _flush(stream: TextIO | None) -> None:
    """What was printed may be in a buffer yet: a full disk shows only now."""
    try:
        if stream is not None:  # it is, where it was closed as Python started
            stream.flush()
    except BrokenPipeError:
        raise SystemExit(EXIT_RUNNER) from None


def _settle(stream: TextIO | None) -> None:
    """Drop what can't be written, or Python fails once more as it ends, with a code of its own."""
    if stream is None:
        return
    try:
        stream.flush()
    except OSError:
        handle = os.open(os.devnull, os.O_WRONLY)
        os.dup2(handle, stream.fileno())
        os.close(handle)


def _fail(message: str, code: int) -> None:
    with suppress(OSError):  # nobody reads it; the exit code stays
        typer.echo("tflopt: error: " + printable(_short(" ".join(message.split()))), err=True)
    sys.exit(code)


def _short(message: str) -> str:
    """A message that a path of thousands of characters doesn't fill."""
    if len(message) <= LONGEST:
        return message
    return f"{message[: LONGEST // 2]} ... {message[-LONGEST // 2 :]}"


def _open_standard_streams() -> None:
    """Where one is closed, the next file opened would take its number, and what is printed."""
    while (handle := os.open(os.devnull, os.O_RDWR)) <= LAST_STREAM:
        pass
    os.close(handle)


@contextmanager
def _collected_rarely() -> Iterator[None]:
    """A graph is cycles that live to the end: to look through them for dead ones takes an eighth of
    the time of a large model.
    """
    before = gc.get_threshold()
    gc.set_threshold(COLLECTED_AFTER, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """SIGTERM and SIGHUP end the command as Ctrl-C does: what it started is cleaned up.

    Windows has no SIGHUP.
    """
    numbers = [getattr(signal, name) for name in ENDING if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in numbers}
    for number, handler in before.items():
        if handler is signal.SIG_DFL:
            signal.signal(number, _end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(number: int, _: object) -> NoReturn:
    sys.exit(EXIT_SIGNAL + number)
