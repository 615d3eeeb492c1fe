"""The real TFLM and LiteRT's reference kernels in one child process, restarted if it aborts."""

from __future__ import annotations

import pickle
import select
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import IO, cast

import numpy as np
import numpy.typing as npt

from tests.support.paths import ROOT, present
from tests.support.waiting import HANG_S

Outputs = list[list[npt.NDArray[np.generic]]]
PACKAGES = {"tflm": "tflite_micro", "litert": "ai_edge_litert"}


class RuntimeFailure(AssertionError):
    """The runtime refused the model or died."""


@dataclass
class Runtime:
    """Runs models by name of the runner."""

    log: IO[bytes] = field(default_factory=tempfile.TemporaryFile)
    child: subprocess.Popen[bytes] | None = None

    def run(
        self,
        runner: str,
        data: bytes,
        samples: Sequence[list[npt.NDArray[np.generic]] | None],
        size: tuple[int, int] | None = None,
    ) -> Outputs:
        """Outputs by sample and output; all samples in a row on one interpreter.

        Args:
            samples: None resets the interpreter, of TFLM alone; nothing comes out.
            size: arena bytes and number of outputs of a model without resource variables, which
                the child then need not read.

        Raises:
            RuntimeFailure: with what the runtime printed.
        """
        child = self.child or self._start()
        assert child.stdin is not None
        assert child.stdout is not None
        start = self.log.seek(0, 2)
        try:
            pickle.dump((runner, data, samples, size), child.stdin)
            child.stdin.flush()
            ready, _, _ = select.select([child.stdout], [], [], HANG_S)
            answer: object = pickle.load(child.stdout) if ready else "no answer in time"
        except (EOFError, BrokenPipeError, pickle.UnpicklingError):
            answer = f"the runtime died with {child.wait()}"
        if isinstance(answer, str):
            self.stop()
            self.log.seek(start)
            raise RuntimeFailure(f"{runner}: {answer}\n{self.log.read().decode(errors='replace')}")
        return cast("Outputs", answer)

    def _start(self) -> subprocess.Popen[bytes]:
        self.child = subprocess.Popen(
            [sys.executable, "-m", "tests.support.runtime_child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            cwd=ROOT,
        )
        return self.child

    def stop(self) -> None:
        """End the child, if there is one."""
        if self.child is None:
            return
        self.child.kill()
        self.child.wait()
        for pipe in (self.child.stdin, self.child.stdout):
            if pipe is not None:
                pipe.close()
        self.child = None


@cache
def runtime() -> Runtime:
    """The one of this session; ``tests/conftest.py`` stops it."""
    return Runtime()


def installed() -> list[str]:
    """Names of the runners whose packages are here."""
    return [name for name, package in PACKAGES.items() if present(package)]
