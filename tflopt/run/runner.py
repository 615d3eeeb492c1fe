"""Runners: who runs a model. Here those on the host: TFLM (the tflite-micro package) and LiteRT."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from tflopt.errors import RunnerError
from tflopt.facts.litert import written_past
from tflopt.ir import Model
from tflopt.run.device_report import DeviceReport
from tflopt.run.process import log_tail
from tflopt.run.registry import TIME_LIMIT_S as TIME_LIMIT_S
from tflopt.run.samples import Array, Sample
from tflopt.run.shared import ONE_THREAD, child_for

LITERT_DEFAULT, LITERT_OPTIMIZED = "litert-default", "litert-optimized"
"""LiteRT with all that it does by default (XNNPACK), and with its own fast kernels alone."""
PACKAGES = {
    "tflm": "tflite_micro",
    "litert": "ai_edge_litert",
    LITERT_DEFAULT: "ai_edge_litert",
    LITERT_OPTIMIZED: "ai_edge_litert",
}
WORKER = Path(__file__).with_name("worker.py").resolve()
"""Run as a file: as a module of the package it would import all of tflopt first."""
MISSING_OP = (
    re.compile(r"Didn't find op for builtin opcode '([^']+)'"),
    re.compile(r"Failed to get registration from op code (\S+)"),
    re.compile(r"Encountered unresolved custom op: (\S+?)\.?(?:\s|$)"),
    re.compile(r"Op type not found|Unsupported custom op: (\S+?)\.?(?:\s|$)"),
)


class MissingOpError(Exception):
    """The runner has no kernel for an operator."""

    def __init__(self, op: str) -> None:
        super().__init__(op)
        self.op = op


@dataclass(frozen=True)
class Work:
    """One model to run on samples in a row.

    ``tensors`` are indices in the main graph; with any, the runtime keeps all tensors, which
    doesn't go with an offline plan. ``keeps`` asks for their elements and not just fingerprints.
    """

    model: Model
    data: bytes
    samples: Sequence[Sample]
    tensors: Sequence[int] = ()
    keeps: bool = False


@dataclass(frozen=True)
class Outcome:
    """What a run gave: outputs by sample and output; fingerprints and, where they were asked for,
    elements of the tensors; and the report of the device, if it ran on one.
    """

    outputs: list[list[Array]]
    digests: list[list[str]] = field(default_factory=list)
    tensors: list[list[Array]] = field(default_factory=list)
    device: DeviceReport | None = None


class Run(Protocol):
    """A model at work; a context manager that leaves no process and no file behind."""

    def outcome(self, time_limit_s: float = TIME_LIMIT_S) -> Outcome:
        """Wait for the result.

        Raises:
            MissingOpError: the runner has no kernel for an operator.
            RunnerError: it is missing, failed, died or took too long.
        """

    def close(self) -> None:
        """End it and drop its files."""

    def __enter__(self) -> Run: ...

    def __exit__(self, *_: object) -> None: ...


class Runner(Protocol):
    """Runs models. ``is_device`` says that the target's kernels run, and honour its plans."""

    @property
    def name(self) -> str:
        """What verdicts call it."""

    @property
    def is_device(self) -> bool:
        """Whether its kernels are those of a target."""

    def start(self, work: Work) -> Run:
        """Begin; several may run at the same time.

        Raises:
            RunnerError: a tool is missing.
        """


@dataclass(frozen=True)
class HostRunner:
    """``tflm``, ``litert`` or ``litert-default``, each run in a process of its own."""

    name: str
    is_device: bool = False

    def start(self, work: Work) -> Job:
        """As the protocol says; a model that is only loaded has no samples.

        Raises:
            RunnerError: LiteRT would damage its own memory.
        """
        damage = written_past(work.model) if self.name != "tflm" and work.samples else ""
        if damage:
            raise RunnerError(self.name, damage)
        return Job(self.name, work)


def available(runner: str) -> bool:
    """Whether the runner's package is installed (it is not imported here)."""
    return importlib.util.find_spec(PACKAGES[runner]) is not None


class Job:
    """A child process at work; :meth:`outcome` waits for it."""

    def __init__(self, runner: str, work: Work) -> None:
        self.runner = runner
        self.work = work
        self.customs = sorted({op.opcode.label for op in work.model.ops() if op.opcode.custom_code})
        self.child = child_for(runner, PACKAGES[runner])
        command = [sys.executable, str(WORKER), str(self.path)]
        with self.child.preparing():
            self._write()
            self.child.start(command, variables=ONE_THREAD)

    @property
    def path(self) -> Path:
        """Its folder."""
        return self.child.path

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The process that runs it."""
        assert self.child.process is not None
        return self.child.process

    def _write(self) -> None:
        work = self.work
        (self.path / "model.tflite").write_bytes(work.data)
        named = {
            f"{s}_{i}": array for s, feed in enumerate(work.samples) for i, array in enumerate(feed)
        }
        np.savez(self.path / "inputs.npz", **named)  # type: ignore[arg-type]
        job = {
            "runner": self.runner,
            "arena_bytes": arena_guess(work.model) + len(work.data),
            "inputs": len(work.model.main.inputs),
            "outputs": len(work.model.main.outputs),
            "samples": len(work.samples),
            "tensors": list(work.tensors),
            "keeps": work.keeps,
        }
        (self.path / "job.json").write_text(json.dumps(job))

    def outcome(self, time_limit_s: float = TIME_LIMIT_S) -> Outcome:
        """As the protocol says."""
        code = self.child.wait(time_limit_s)
        log = self.child.log()
        result_path = self.path / "result.json"
        if not result_path.exists():
            self._raise_missing_op(log)
            raise RunnerError(self.runner, self.child.how_it_ended(code), log_tail(log))
        result = json.loads(result_path.read_text())
        if result["status"] != "ok":
            self._raise_missing_op(f"{log}\n{result['message']}")
            raise RunnerError(self.runner, result["message"], log_tail(log))
        samples, tensors = range(len(self.work.samples)), range(len(self.work.tensors))
        outputs = range(len(self.work.model.main.outputs))
        with np.load(self.path / "outputs.npz") as stored:
            return Outcome(
                [[stored[f"{s}_{o}"] for o in outputs] for s in samples],
                result["digests"],
                [[stored[f"t{s}_{t}"] for t in tensors] for s in samples if self.work.keeps],
            )

    def _raise_missing_op(self, log: str) -> None:
        for pattern in MISSING_OP:
            match = pattern.search(log)
            if match is None:
                continue
            op = match[1] or "CUSTOM"
            if op == "CUSTOM" and self.customs:  # the log does not say which one
                op = f"CUSTOM ({', '.join(self.customs)})"
            raise MissingOpError(op)

    def close(self) -> None:
        """End the child and drop its files."""
        self.child.close()

    def __enter__(self) -> Job:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def arena_guess(model: Model) -> int:
    """Bytes that surely hold all activations, for a first try on the host."""
    sizes = (value.size_bytes or 0 for graph in model.graphs for value in graph.values)
    return min(sum(sizes) + (1 << 20), 1 << 29)
