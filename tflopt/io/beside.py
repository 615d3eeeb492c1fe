"""Files beside a model: reports, profiles, settings, inputs. Small regular files, or an error."""

from __future__ import annotations

import json
import math
import zipfile
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tflopt.errors import UsageError
from tflopt.texts import printable

LARGEST_BYTES = 64 << 20
"""Of a text; a library's or a firmware's file may be larger."""
MOST_ARRAY_BYTES = 256 << 20
"""Of all arrays of a file, which may be packed."""
PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def bytes_beside(path: Path, most: int = LARGEST_BYTES) -> bytes:
    """A file's content.

    Raises:
        UsageError: there is none, it isn't a regular file (a device or a pipe may have no end), has
            more than ``most`` bytes, or can't be read.
    """
    try:
        if not path.exists():
            raise UsageError(f"{path}: no such file")
        if not path.is_file():
            raise UsageError(f"{path}: is not a regular file")
        with path.open("rb") as file:
            data = file.read(most + 1)  # what a file of /proc has, its size doesn't say
    except OSError as error:
        raise UsageError(f"{path}: can't be read: {error.strerror or error}") from None
    if len(data) > most:
        raise UsageError(f"{path}: is larger than {most >> 20} MiB")
    return data


def json_of(data: bytes) -> object:
    """What JSON in UTF-8 says.

    Raises:
        ValueError: it is none, is nested too deep, or has a number of thousands of digits.
    """
    try:
        document: object = json.loads(data.decode("utf-8"))
    except RecursionError:
        raise ValueError("nested too deep") from None
    return document


def arrays_of(data: bytes) -> dict[str, npt.NDArray[np.generic]]:
    """The arrays of an ``.npz`` file, by name: numbers and booleans only.

    Raises:
        ValueError: it is no such file, or its arrays take more than ``MOST_ARRAY_BYTES``, whatever
            the file's own size.
    """
    try:
        with zipfile.ZipFile(BytesIO(data)) as file:
            members = file.infolist()
            if sum(member.file_size for member in members) > MOST_ARRAY_BYTES:
                raise ValueError(f"its arrays take more than {MOST_ARRAY_BYTES >> 20} MiB")
            if any(m.flag_bits & 1 or m.compress_type not in PACKED for m in members):
                raise ValueError("it is packed in a way that NumPy doesn't write")
            return {m.filename.removesuffix(".npy"): _array(file.read(m)) for m in members}
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
        raise ValueError(printable(str(error))) from None


def _array(data: bytes) -> npt.NDArray[np.generic]:
    file = BytesIO(data)
    version = np.lib.format.read_magic(file)
    if version not in HEADERS:
        raise ValueError("an array is written in a format that isn't known")
    shape, is_column_major, dtype = HEADERS[version](file)
    rest = memoryview(data)[file.tell() :]
    if dtype.kind not in "biuf" or math.prod(shape) * dtype.itemsize != rest.nbytes:
        raise ValueError("an array holds no numbers, or not as many as it says")
    flat = np.frombuffer(rest, dtype)
    return flat.reshape(shape, order="F" if is_column_major else "C")
