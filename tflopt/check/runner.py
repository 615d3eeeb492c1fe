"""Runners on the host: TFLM (the tflite-micro package) and LiteRT's reference kernels."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tflopt.check.samples import Array, Sample
from tflopt.errors import RunnerError
from tflopt.ir import Model

PACKAGES = {"tflm": "tflite_micro", "litert": "ai_edge_litert"}
TIME_LIMIT_S = 900.0
MISSING_OP = (
    re.compile(r"Didn't find op for builtin opcode '(\w+)'"),
    re.compile(r"Failed to get registration from op code (\w+)"),
    re.compile(r"Encountered unresolved custom op: (\w+)"),
    re.compile(r"Op type not found|Unsupported custom op: (\w+)"),
)


class MissingOpError(Exception):
    """The runner has no kernel for an operator."""

    def __init__(self, op: str) -> None:
        super().__init__(op)
        self.op = op


@dataclass(frozen=True)
class Outcome:
    """What a run gave: outputs by sample and output, and fingerprints of the asked tensors."""

    outputs: list[list[Array]]
    digests: list[list[str]] = field(default_factory=list)


def available(runner: str) -> bool:
    """Whether the runner's package is installed (it is not imported here)."""
    return importlib.util.find_spec(PACKAGES[runner]) is not None


class Job:
    """A child process at work; :meth:`outcome` waits for it."""

    def __init__(
        self, runner: str, model: Model, data: bytes, samples: Sequence[Sample], tensors: list[int]
    ) -> None:
        self.runner = runner
        self.outputs = len(model.main.outputs)
        self.samples = len(samples)
        self.customs = sorted({op.opcode.label for op in model.ops() if op.opcode.custom_code})
        self._folder = tempfile.TemporaryDirectory(prefix="tflopt-")
        self.path = Path(self._folder.name)
        self._write(model, data, samples, tensors)
        root = str(Path(__file__).resolve().parents[2])
        path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH", "")]))
        with (self.path / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tflopt.check.worker", str(self.path)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONPATH": path},
            )

    def _write(
        self, model: Model, data: bytes, samples: Sequence[Sample], tensors: list[int]
    ) -> None:
        (self.path / "model.tflite").write_bytes(data)
        named = {
            f"{s}_{i}": array for s, feed in enumerate(samples) for i, array in enumerate(feed)
        }
        np.savez(self.path / "inputs.npz", **named)  # type: ignore[arg-type]
        job = {
            "runner": self.runner,
            "arena_bytes": arena_guess(model) + len(data),
            "inputs": len(model.main.inputs),
            "outputs": self.outputs,
            "samples": self.samples,
            "tensors": tensors,
        }
        (self.path / "job.json").write_text(json.dumps(job))

    def outcome(self, time_limit_s: float = TIME_LIMIT_S) -> Outcome:
        """Wait for the result.

        Raises:
            MissingOpError: the runner has no kernel for an operator.
            RunnerError: it is missing, failed, died or took too long.
        """
        try:
            self.process.wait(time_limit_s)
        except subprocess.TimeoutExpired:
            raise RunnerError(self.runner, f"no result within {time_limit_s:g} s") from None
        finally:
            self.stop()
        return self._collect()

    def stop(self) -> None:
        """End the child if it still runs."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def close(self) -> None:
        """End the child and drop its files."""
        self.stop()
        self._folder.cleanup()

    def __enter__(self) -> Job:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _collect(self) -> Outcome:
        log = (self.path / "log").read_text("utf-8", "replace")
        result_path = self.path / "result.json"
        if not result_path.exists():
            self._raise_missing_op(log)
            code = self.process.returncode
            how = f"was ended by signal {-code}" if code < 0 else f"exited with {code}"
            raise RunnerError(self.runner, f"its process {how}", _tail(log))
        result = json.loads(result_path.read_text())
        if result["status"] != "ok":
            self._raise_missing_op(f"{log}\n{result['message']}")
            raise RunnerError(self.runner, result["message"], _tail(log))
        with np.load(self.path / "outputs.npz") as stored:
            outputs = [
                [stored[f"{s}_{o}"] for o in range(self.outputs)] for s in range(self.samples)
            ]
        return Outcome(outputs, result["digests"])

    def _raise_missing_op(self, log: str) -> None:
        for pattern in MISSING_OP:
            found = pattern.search(log)
            if found is None:
                continue
            op = found[1] or "CUSTOM"
            if op == "CUSTOM" and self.customs:  # the log does not say which one
                op = f"CUSTOM ({', '.join(self.customs)})"
            raise MissingOpError(op)


def arena_guess(model: Model) -> int:
    """Bytes that surely hold all activations, for a first try on the host."""
    sizes = (value.size_bytes or 0 for graph in model.graphs for value in graph.values)
    return min(sum(sizes) + (1 << 20), 1 << 29)


def _tail(log: str) -> str:
    lines = [line for line in log.strip().splitlines() if line.strip()]
    return " | ".join(lines[-2:])[-300:]
