"""Files that go out: whole or not at all, whatever happens meanwhile."""

from __future__ import annotations

import errno
import os
import signal
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, TypeAlias

import numpy as np

from tflopt.ir.record import Vector

Chunk: TypeAlias = "bytes | bytearray | Vector"
PART_PREFIX, PART_SUFFIX = ".tflopt-", ".part"
"""A file that is being written; only SIGKILL or a power failure leaves one behind."""
PIPE_WAIT_S, PIPE_STEP_S = 10.0, 0.05
"""How long a named pipe waits for its reader."""
HELD = ("SIGTERM", "SIGHUP", "SIGINT")
"""SIGINT is restored last: its handler raises, and then all others are back already."""


def write_file(path: str | Path, chunks: Iterable[Chunk]) -> int:
    """Write one file as :func:`write_all` does; returns its size in bytes.

    Raises:
        OSError: with the name of the file; nothing is left behind.
    """
    return write_all({Path(path): chunks})[0]


def write_all(files: Mapping[Path, Iterable[Chunk]]) -> list[int]:
    """Write files that belong together: all aside, each in its folder, then rename all in order.

    A symbolic link is replaced, not what it points at. A device or a named pipe is written to as
    it is. Signals that end the process wait until all is done: nothing is left aside.

    Returns:
        The sizes in bytes.

    Raises:
        OSError: with the name of the file; unless a renaming failed, no file has changed.
    """
    sizes = {path: _stream(path, chunks) for path, chunks in files.items() if is_stream(path)}
    parts: dict[Path, Path] = {}
    with signals_held():
        try:
            for path, chunks in files.items():
                if path not in sizes:
                    with _named(path):
                        sizes[path] = _stage(path, chunks, parts)
            for path, part in parts.items():
                with _named(path):
                    part.replace(path)
        finally:
            for part in parts.values():
                with suppress(OSError):
                    part.unlink(missing_ok=True)
    return [sizes[path] for path in files]


def is_stream(path: Path) -> bool:
    """Whether it is a thing to write into rather than a file to replace, like ``/dev/null``."""
    return path.is_char_device() or path.is_fifo()


@contextmanager
def signals_held() -> Iterator[None]:
    """Let SIGINT, SIGTERM and SIGHUP take effect at the end of the block only.

    Python runs handlers in the main thread; in any other there is nothing to hold.
    """
    arrived: list[int] = []
    handlers = {}
    try:
        if threading.current_thread() is threading.main_thread():
            for number in [getattr(signal, name) for name in HELD if hasattr(signal, name)]:
                handler = signal.getsignal(number)
                if handler not in (None, signal.SIG_IGN):
                    handlers[number] = handler
                    signal.signal(number, lambda arriving, _: arrived.append(arriving))
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for number in arrived:
            signal.raise_signal(number)


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """System errors name the file that was asked for, never the one aside."""
    try:
        yield
    except OSError as error:
        reason = f"can't be written: {error.strerror or error}"
        raise OSError(error.errno, reason, str(path)) from error


def _stream(path: Path, chunks: Iterable[Chunk]) -> int:
    with _named(path), _opened(path) as file:
        return _write(file, chunks)


def _opened(path: Path) -> BinaryIO:
    """A device or pipe to write to. A pipe without a reader would wait for one for ever."""
    if not path.is_fifo():
        return path.open("wb")
    tries = int(PIPE_WAIT_S / PIPE_STEP_S)
    for left in reversed(range(tries + 1)):
        try:
            handle = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            if not left:
                raise OSError(error.errno, "no process reads this pipe", str(path)) from None
            time.sleep(PIPE_STEP_S)
        else:
            os.set_blocking(handle, True)
            return os.fdopen(handle, "wb")
    raise AssertionError


def _stage(path: Path, chunks: Iterable[Chunk], parts: dict[Path, Path]) -> int:
    """Write aside and flush to the disk."""
    mode = path.stat().st_mode & 0o777 if path.exists() else None
    part = path.with_name(f"{PART_PREFIX}{os.urandom(6).hex()}{PART_SUFFIX}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    # A new file gets what the umask leaves; one that replaces another is never more open than it.
    handle = os.open(part, flags, 0o666 if mode is None else 0o600)
    parts[path] = part
    with os.fdopen(handle, "wb") as file:
        size = _write(file, chunks)
        os.fsync(file.fileno())
    if mode is not None:
        part.chmod(mode)
    return size


def _write(file: BinaryIO, chunks: Iterable[Chunk]) -> int:
    """The number of bytes."""
    size = 0
    for chunk in chunks:
        data = memoryview(buffer(chunk))
        file.write(data)
        size += data.nbytes
    file.flush()
    return size


def buffer(data: Chunk) -> bytes | bytearray | memoryview:
    """The bytes without a copy."""
    return data.data if isinstance(data, np.ndarray) else data


def utf8(text: str) -> bytes:
    """A text file; bytes of a file's name that are no UTF-8 become escapes."""
    return text.encode("utf-8", "backslashreplace")
