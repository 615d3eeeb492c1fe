"""Reading and writing ``.tflite`` files."""

from tflopt.io.reader import read, read_bytes
from tflopt.io.writer import WriteOptions, write, write_bytes, write_file

__all__ = ["WriteOptions", "read", "read_bytes", "write", "write_bytes", "write_file"]
