"""Models optimized without plan and annotation, each once for all tests of a process."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from tflopt.annotation.annotate import Annotate
from tflopt.config import Config, Runtime
from tflopt.io import read_bytes
from tflopt.product.optimize import Settings, optimize_file_bytes


@cache
def lean(data: bytes, runtime: Runtime = Runtime.BOTH) -> tuple[bytes, Mapping[str, int]]:
    """The optimized file, and how often each rule fired."""
    config = Config(runtime=runtime, plan=None)
    settings = Settings(config=config, samples=None, annotate=Annotate.NONE)
    result = optimize_file_bytes(read_bytes(data), data, settings)
    return result.data, result.trace.counts
