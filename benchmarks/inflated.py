"""Every operator with tensors of 2^30 elements: optimized within limits, or refused.

    python benchmarks/inflated.py [--factor 16777216] [--only CONV_2D]

Takes the smallest model of each operator and of each combination of types, and multiplies one axis
of all tensors, of the inputs or of the outputs; for the latter also with constants for inputs. Each
is read, optimized without running, and predicted, under ``RLIMIT_AS`` and a limit of CPU time for
each. Anything but a result or an error of the user is printed, and is exit code 1.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # each thread reserves address space

import resource
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Annotated

import numpy as np
import typer

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.support.type_probes import probe  # noqa: E402
from tflopt.errors import TfloptError  # noqa: E402
from tflopt.facts.accepted_types import TYPES  # noqa: E402
from tflopt.io import read_bytes, write_bytes  # noqa: E402
from tflopt.ir import Model, Value  # noqa: E402
from tflopt.ir.node import Buffer  # noqa: E402
from tflopt.product.optimize import optimize  # noqa: E402
from tflopt.product.settings import Settings  # noqa: E402
from tflopt.target.cost import predict_model  # noqa: E402
from tflopt.target.memory import memory_of  # noqa: E402

LIMIT_MIB, LIMIT_S = 1024, 20
WHICH = ("all", "inputs", "outputs", "outputs of constants")


def inflated(data: bytes, factor: int) -> Iterator[tuple[str, Model]]:
    """One axis after another, counted from the last, of some of the tensors."""
    rank = max(len(value.shape) for value in read_bytes(data).main.values)
    for axis in range(1, rank + 1):
        for which in WHICH:
            model = read_bytes(data)
            _grow(model, axis, which, factor)
            if which == "outputs of constants":
                _to_constants(model)
            yield f"axis {-axis} of {which}", model


def _grow(model: Model, axis: int, which: str, factor: int) -> None:
    for value in model.main.values:
        wanted = which == "all" or value.is_graph_input == (which == "inputs")
        if wanted and not value.is_constant and len(value.shape) >= axis:
            shape = list(value.shape)
            shape[-axis] *= factor
            value.shape = tuple(shape)


def _to_constants(model: Model) -> None:
    for op in model.main.ops:
        op.set_inputs([value and _zeros(model, value) for value in op.inputs])


def _zeros(model: Model, value: Value) -> Value:
    if not value.is_graph_input:
        return value
    buffer = Buffer(np.zeros(value.size_bytes or 0, np.uint8))
    model.buffers.append(buffer)
    same = Value(model.main, value.dtype, value.shape, quant=value.quant, buffer=buffer)
    return model.main.add_value(same)


class TooLongError(BaseException):
    """The limit of CPU time; nothing catches it by chance."""


def _too_long(number: int, frame: FrameType | None) -> None:
    raise TooLongError(f"{LIMIT_S} s")


def examine(model: Model) -> str:
    """What came of it."""
    signal.setitimer(signal.ITIMER_VIRTUAL, LIMIT_S)
    try:
        optimized = optimize(read_bytes(write_bytes(model)))
        predict_model(optimized, Settings().device)
        with suppress(TfloptError):  # an arena of gigabytes
            memory_of(optimized, Settings().device)
    except TfloptError:
        return "refused"
    except (Exception, TooLongError) as error:
        return f"{type(error).__name__}: {error}"
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    return "optimized"


def main(
    factor: Annotated[int, typer.Option(help="By how much one axis grows.")] = 1 << 24,
    only: Annotated[str, typer.Option(help="One operator.")] = "",
) -> None:
    """Print what fails, and how many were optimized and refused."""
    resource.setrlimit(resource.RLIMIT_AS, (LIMIT_MIB << 20, LIMIT_MIB << 20))
    signal.signal(signal.SIGVTALRM, _too_long)
    counts, slowest = Counter[str](), (0.0, "")
    for code in sorted(TYPES, key=lambda code: code.name):
        for types in sorted(TYPES[code], key=str) if only in ("", code.name) else ():
            for name, model in inflated(probe(code, types), factor):
                start = time.process_time()
                told = examine(model)
                place = f"{code.name} of {', '.join(t.name for t in types)}, {name}"
                slowest = max(slowest, (time.process_time() - start, place))
                counts[told if told in ("optimized", "refused") else "failed"] += 1
                if told not in ("optimized", "refused"):
                    print(f"{place}: {told}", flush=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    told = ", ".join(f"{count:,} {kind}" for kind, count in counts.most_common())
    print(f"{told}; peak memory {peak} MiB; the slowest took {slowest[0]:.1f} s ({slowest[1]})")
    raise typer.Exit(1 if counts["failed"] else 0)


if __name__ == "__main__":
    typer.run(main)
