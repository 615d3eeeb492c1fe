"""Reading and writing ``.tflite`` files."""

from tflopt.io.reading.reader import read, read_bytes
from tflopt.io.writing.output import utf8, write_all, write_file
from tflopt.io.writing.writer import WriteOptions, write, write_bytes

__all__ = [
    "WriteOptions",
    "read",
    "read_bytes",
    "utf8",
    "write",
    "write_all",
    "write_bytes",
    "write_file",
]
