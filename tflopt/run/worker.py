"""Runs one model on one runtime, in a process of its own: runtimes abort on some models.

``python worker.py FOLDER`` reads ``job.json``, ``model.tflite`` and ``inputs.npz`` there, and
leaves ``result.json`` and ``outputs.npz``. Without a result the process died. No part of tflopt is
imported, so that it starts in a fraction of the time. ``server.py`` makes such processes of one
that has imported the runtime already.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol, cast

if __name__ == "__main__":
    del sys.path[0]  # this file's folder: its modules must not stand in for others

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.generic]
ARENA_START = 1 << 20
ARENA_LIMIT = 1 << 30


class Engine(Protocol):
    """A runtime with a model loaded."""

    def run(self, inputs: list[Array]) -> list[Array]:
        """One invocation; outputs in the model's order."""

    def tensor(self, index: int) -> Array:
        """A tensor of the main graph after an invocation."""


class TflmEngine:
    """The tflite-micro package; the arena grows until the model fits."""

    def __init__(self, model: bytes, arena_bytes: int, outputs: int, preserve: bool) -> None:
        from tflite_micro.python.tflite_micro import runtime

        config = runtime.InterpreterConfig
        mode = config.kPreserveAllTensors if preserve else config.kAllocationRecording
        arena = max(arena_bytes, ARENA_START)
        while True:
            try:
                self.interpreter = runtime.Interpreter.from_bytes(
                    model, arena_size=arena, intrepreter_config=mode
                )
                break
            except RuntimeError:
                arena *= 8
                if arena > ARENA_LIMIT:
                    raise
        self.outputs = outputs

    def run(self, inputs: list[Array]) -> list[Array]:
        """One invocation."""
        for index, data in enumerate(inputs):
            self.interpreter.set_input(data, index)
        self.interpreter.invoke()
        return [np.array(self.interpreter.get_output(i)) for i in range(self.outputs)]

    def tensor(self, index: int) -> Array:
        """As the protocol says; the package wraps the data with its type and shape."""
        return np.array(self.interpreter.GetTensor(index, 0)["tensor_data"])


class LitertEngine:
    """LiteRT with the reference kernels, or with its default ones, which round differently."""

    def __init__(self, model: bytes, preserve: bool, kernels: str = "litert") -> None:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType

        resolvers = {
            "litert": OpResolverType.BUILTIN_REF,
            "litert-optimized": OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
            "litert-default": OpResolverType.AUTO,
        }
        self.interpreter = Interpreter(
            model_content=model,
            num_threads=1,
            experimental_op_resolver_type=resolvers[kernels],
            experimental_preserve_all_tensors=preserve,
        )
        self.interpreter.allocate_tensors()

    def run(self, inputs: list[Array]) -> list[Array]:
        """One invocation."""
        for detail, data in zip(self.interpreter.get_input_details(), inputs, strict=True):
            self.interpreter.set_tensor(detail["index"], data)
        self.interpreter.invoke()
        details = self.interpreter.get_output_details()
        return [np.array(self.interpreter.get_tensor(detail["index"])) for detail in details]

    def tensor(self, index: int) -> Array:
        """As the protocol says."""
        return np.array(self.interpreter.get_tensor(index))


def make_engine(job: dict[str, object], model: bytes, preserve: bool) -> Engine:
    """The runtime that the job names."""
    if job["runner"] != "tflm":
        return LitertEngine(model, preserve, cast("str", job["runner"]))
    arena, outputs = cast("int", job["arena_bytes"]), cast("int", job["outputs"])
    return TflmEngine(model, arena, outputs, preserve)


def import_runtime(package: str) -> None:
    """Import what an engine needs; where that fails, the job that needs it says so."""
    with suppress(ImportError):
        if package == "tflite_micro":
            from tflite_micro.python.tflite_micro import runtime  # noqa: F401
        else:
            from ai_edge_litert.interpreter import Interpreter  # noqa: F401


def digest(array: Array) -> str:
    """A short fingerprint of a tensor's bytes."""
    return hashlib.blake2b(array.tobytes(), digest_size=8).hexdigest()


def run_job(folder: Path) -> dict[str, object]:
    """Run all samples in a row on one interpreter, so that state carries over."""
    job = json.loads((folder / "job.json").read_text())
    model = (folder / "model.tflite").read_bytes()
    tensors: list[int] = job["tensors"]
    engine = make_engine(job, model, bool(tensors))
    outputs: dict[str, Array] = {}
    digests: list[list[str]] = []
    with np.load(folder / "inputs.npz") as inputs:
        for sample in range(job["samples"]):
            feed = [inputs[f"{sample}_{i}"] for i in range(job["inputs"])]
            for number, array in enumerate(engine.run(feed)):
                outputs[f"{sample}_{number}"] = array
            arrays = [engine.tensor(index) for index in tensors]
            digests.append([digest(array) for array in arrays])
            if job["keeps"]:
                outputs.update((f"t{sample}_{n}", array) for n, array in enumerate(arrays))
    np.savez(folder / "outputs.npz", **cast("dict[str, npt.ArrayLike]", outputs))  # type: ignore[arg-type]
    return {"status": "ok", "digests": digests}


def guarded(work: Callable[[], dict[str, object]]) -> dict[str, object]:
    """A Python error of a runtime, as data."""
    try:
        return work()
    except ImportError as error:
        return {"status": "missing", "message": str(error)}
    except (RuntimeError, ValueError, KeyError) as error:
        return {"status": "error", "message": re.sub(r"\s+", " ", str(error))[:500]}


def work_in(folder: Path) -> None:
    """Do the job that the folder describes, and leave its result there."""
    result = guarded(lambda: run_job(folder))
    (folder / "result.json").write_text(json.dumps(result))


if __name__ == "__main__":
    work_in(Path(sys.argv[1]))
