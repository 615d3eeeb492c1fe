"""Servers that fork a process for each job: the same outcomes, and one job can't harm another."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.support.graphs import Net
from tests.support.paths import ROOT, needs_litert, needs_tflm
from tests.support.waiting import alive, until
from tflopt.errors import RunnerError
from tflopt.io import write_bytes
from tflopt.ir import Model
from tflopt.run.runner import Job, Work
from tflopt.run.samples import SampleOptions, make_samples
from tflopt.run.shared import CAN_FORK, Forked, Servers, _servers, sharing

pytestmark = [
    pytest.mark.runtime,
    pytest.mark.skipif(not CAN_FORK, reason="no process is forked here"),
]


def small() -> Model:
    n = Net()
    n.output(n.relu(n.feed(1, 4)))
    return n.model


def work(data: bytes | None = None) -> Work:
    model = small()
    return Work(model, data or write_bytes(model), make_samples(model, SampleOptions(4)))


def long_work() -> Work:
    """Takes minutes on reference kernels."""
    n = Net()
    n.output(n.conv(n.feed(1, 128, 128, 64), 64, (5, 5)))
    return Work(n.model, write_bytes(n.model), make_samples(n.model, SampleOptions(50)))


def running() -> Servers:
    servers = _servers.get()
    assert servers is not None
    return servers


@pytest.fixture
def shared() -> Iterator[None]:
    with sharing():
        yield


def runs_of(server: int) -> list[int]:
    """The processes that a server has forked."""
    return list(map(int, Path(f"/proc/{server}/task/{server}/children").read_text().split()))


@pytest.mark.parametrize(
    "runner",
    [
        pytest.param("tflm", marks=needs_tflm),
        pytest.param("litert", marks=needs_litert),
        pytest.param("litert-default", marks=needs_litert),
    ],
)
def test_the_same_outcome_as_in_a_process_of_its_own(runner: str) -> None:
    asked = replace(work(), tensors=(0, 1), keeps=True)
    with Job(runner, asked) as job:
        alone = job.outcome()
    with sharing(), Job(runner, asked) as job:
        assert isinstance(job.child, Forked)
        together = job.outcome()
    assert together.digests == alone.digests
    for ours, theirs in ((together.outputs, alone.outputs), (together.tensors, alone.tensors)):
        assert np.array_equal(np.array(ours), np.array(theirs))


@needs_litert
def test_one_process_imports_the_runtime_for_all(shared: None) -> None:
    for runner in ("litert", "litert-default", "litert"):
        with Job(runner, work()) as job:
            job.outcome()
    assert len({id(each) for each in running()._running.values()}) == 1


@needs_litert
def test_a_job_that_fails_says_why_and_leaves_the_next_alone(shared: None) -> None:
    with (
        Job("litert", work(data=b"no model at all")) as job,
        pytest.raises(RunnerError, match="litert"),
    ):
        job.outcome()
    with Job("litert", work()) as job:
        assert len(job.outcome().outputs) == 4


@needs_litert
def test_a_job_that_dies_is_named_and_leaves_the_next_alone(shared: None) -> None:
    with Job("litert", long_work()) as job:
        server = running().of("ai_edge_litert").process
        until(lambda: bool(runs_of(server.pid)), "the job's process")
        os.kill(runs_of(server.pid)[0], signal.SIGSEGV)
        with pytest.raises(RunnerError, match="its process was ended by signal 11"):
            job.outcome()
    with Job("litert", work()) as job:
        assert len(job.outcome().outputs) == 4
    assert running().of("ai_edge_litert").process is server


@needs_litert
def test_a_job_that_takes_too_long_is_killed(shared: None) -> None:
    with Job("litert", long_work()) as job:
        server = running().of("ai_edge_litert").process
        with pytest.raises(RunnerError, match=r"no result within 0.001 s"):
            job.outcome(0.001)
        assert runs_of(server.pid) == []
    assert not job.path.exists()


@needs_litert
def test_an_abandoned_job_is_ended(shared: None) -> None:
    with Job("litert", long_work()) as job:
        server = running().of("ai_edge_litert").process
    assert runs_of(server.pid) == []
    assert not job.path.exists()


@needs_litert
def test_a_server_that_dies_fails_its_job_and_is_replaced(shared: None) -> None:
    with Job("litert", work()) as job:
        job.outcome()
    server = running().of("ai_edge_litert").process
    server.send_signal(signal.SIGSTOP)  # the next job can't be done before its server dies
    with Job("litert", work()) as job:
        server.kill()
        with pytest.raises(RunnerError, match="ended by signal 9"):
            job.outcome()
    with Job("litert", work()) as job:
        assert len(job.outcome().outputs) == 4


@needs_litert
def test_nothing_is_left_behind() -> None:
    with sharing():
        with sharing(), Job("litert", long_work()) as job:
            server = running().of("ai_edge_litert").process
        assert server.poll() is None  # the outer one owns it
    assert server.poll() is not None
    assert not job.path.exists()
    assert _servers.get() is None


def test_each_thread_has_servers_of_its_own(shared: None) -> None:
    """They answer on one pipe, which two threads must not read."""
    found: list[object] = []
    thread = threading.Thread(target=lambda: found.append(_servers.get()))
    thread.start()
    thread.join()
    assert found == [None]


CALLER = """
import os, signal, sys
from tests.run.test_shared import long_work, running
from tflopt.run.runner import Job
from tflopt.run.shared import sharing
with sharing(), Job("litert", long_work()) as job:
    print(running().of("ai_edge_litert").process.pid, job.path, flush=True)
    job.outcome()
"""


@needs_litert
def test_nothing_outlives_a_caller_that_is_killed() -> None:
    command = [sys.executable, "-c", CALLER]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as caller:
        assert caller.stdout is not None
        pid, folder = caller.stdout.readline().split(maxsplit=1)
        until(lambda: bool(runs_of(int(pid))), "the job's process")
        number = runs_of(int(pid))[0]
        caller.kill()
    until(lambda: not alive(int(pid)), "the end of the server")
    until(lambda: not alive(number), "the end of the job")
    until(lambda: not Path(folder.strip()).exists(), "the end of its folder")
