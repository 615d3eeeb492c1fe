"""Several models at once, and budgets that fail."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path
from subprocess import PIPE

import pytest

from tests.support.cli import Cli
from tests.support.paths import ROOT, TESTDATA, needs_tflm
from tests.support.pool_work import work
from tests.support.waiting import HANG_S, until
from tflopt.errors import MismatchError
from tflopt.gate.batch import run_all
from tflopt.io import read
from tflopt.product.optimize import Settings, optimize_file_bytes
from tflopt.target.cost import predict_model
from tflopt.target.device import Device
from tflopt.verify.compare import Verification

pytestmark = pytest.mark.unit
DS, HAR = TESTDATA / "ds_cnn.tflite", TESTDATA / "har_cnn.tflite"
QUICK = ("--no-verify", "-q")


def test_results_go_to_the_folder(cli: Cli, tmp_path: Path) -> None:
    ran = cli("optimize", DS, HAR, "-d", "new/out", "--no-verify")
    assert (ran.code, ran.err) == (0, "")
    assert "2 written, 0 failed" in ran.out
    for name in ("ds_cnn", "har_cnn"):
        assert name in ran.out
        assert read(tmp_path / "new" / "out" / f"{name}.opt.tflite").graphs


def test_a_result_is_that_of_a_single_run(cli: Cli, tmp_path: Path) -> None:
    assert cli("optimize", DS, "-o", "one.tflite", *QUICK).code == 0
    assert cli("optimize", DS, HAR, "-d", "out", "-j", 2, *QUICK).code == 0
    assert cli("optimize", DS, "-d", "alone", *QUICK).code == 0
    one = (tmp_path / "one.tflite").read_bytes()
    assert (tmp_path / "out" / "ds_cnn.opt.tflite").read_bytes() == one
    assert (tmp_path / "alone" / "ds_cnn.opt.tflite").read_bytes() == one


@pytest.mark.parametrize("jobs", [1, 2])
def test_one_failure_does_not_stop_the_rest(jobs: int, cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "broken.tflite").write_bytes(b"TFL3")
    ran = cli(
        "optimize", "broken.tflite", DS, "no.tflite", HAR, "-d", "out", "--no-verify", "-j", jobs
    )
    assert ran.code == 3
    assert "2 written, 2 failed" in ran.out
    first, second = ran.err.splitlines()
    assert first.startswith("tflopt: error: broken.tflite: ")
    assert second == "tflopt: error: no.tflite: no such file"
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["ds_cnn.opt.tflite", "har_cnn.opt.tflite"]


def test_the_report_has_every_model(cli: Cli, tmp_path: Path) -> None:
    ran = cli("optimize", DS, "no.tflite", "-d", "out", "--report", "-", "--no-verify")
    assert ran.code == 2
    data = json.loads(ran.out)
    assert data["schema_version"] == 1
    good, bad = data["models"]
    assert good["report"]["output"]["path"] == str(Path("out", "ds_cnn.opt.tflite"))
    assert (good["exit_code"], bad["exit_code"], bad["report"]) == (0, 2, None)
    assert bad["error"] == "no.tflite: no such file"


def test_an_unexpected_error_is_one_of_that_model(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    def burst(*_: object, **__: object) -> None:
        raise KeyError("boom")

    monkeypatch.setattr("tflopt.gate.batch.optimize_file_bytes", burst)
    ran = cli("optimize", DS, HAR, "-d", "out", *QUICK)
    assert ran.code == 4
    assert len(ran.err.splitlines()) == 2
    assert "please report it" in ran.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([DS, HAR], "--dir instead of --output"),
        ([DS, HAR, "-o", "x.tflite"], "--dir instead of --output"),
        ([DS, HAR, "-d", "out", "--explain"], "no --explain"),
        ([DS, DS, "-d", "out"], "would both become"),
        ([DS, HAR, "-d", "file"], "is a file"),
        ([DS, HAR, "-d", "out", "--report", "no/r.json"], "no such folder"),
        ([DS, HAR, "-d", "out", "--require-verified", "--no-verify"], "exclude each other"),
    ],
)
def test_usage(arguments: list[object], message: str, cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    ran = cli("optimize", *arguments)
    assert ran.code == 2
    assert message in ran.only_error
    assert not (tmp_path / "out").exists()


def test_an_input_is_never_overwritten(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "a.opt.tflite").write_bytes(DS.read_bytes())
    (tmp_path / "a.tflite").hardlink_to(tmp_path / "a.opt.tflite")
    assert "is an input" in cli("optimize", "a.tflite", HAR, "-d", ".", *QUICK).only_error
    assert (tmp_path / "a.tflite").read_bytes() == DS.read_bytes()


@pytest.mark.parametrize("jobs", [2, 3])
def test_a_process_that_dies_takes_no_other_with_it(jobs: int) -> None:
    seen: list[str] = []
    items = [1, 13, 2, 3, 4]
    answers = run_all(work, items, jobs, lambda item: f"lost {item}", seen.append)
    assert answers == ["done 1", "lost 13", "done 2", "done 3", "done 4"]
    assert sorted(seen) == sorted(answers)


CALLER = """
import signal
import sys
from tests.support.pool_work import wait
from tflopt.gate.batch import run_all

signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in a shell's background
try:
    run_all(wait, sys.argv[1:], 2, str)
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.mark.parametrize("everyone", [True, False], ids=["as a terminal does", "the caller alone"])
def test_an_interrupt_ends_everything(everyone: bool, tmp_path: Path) -> None:
    """Models that wait for their turn, too, and nobody prints a traceback."""
    files = [tmp_path / str(index) for index in range(4)]
    command = [sys.executable, "-c", CALLER, *map(str, files)]
    with subprocess.Popen(command, cwd=ROOT, stderr=PIPE, start_new_session=True) as caller:
        try:
            until(
                lambda: all(path.exists() and path.read_text() for path in files[:2]), "the start"
            )
            (os.killpg if everyone else os.kill)(caller.pid, signal.SIGINT)
            _, said = caller.communicate(timeout=HANG_S)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(caller.pid, signal.SIGKILL)
    assert (caller.returncode, said) == (130, b"")
    assert not files[2].exists()
    processes = [Path("/proc", path.read_text()) for path in files[:2]]
    until(lambda: not any(process.exists() for process in processes), "the end")


# --- Budgets.


@cache
def sizes() -> dict[str, int]:
    """What the optimized model needs, by the option that limits it."""
    found = optimize_file_bytes(read(DS), DS.read_bytes(), Settings(samples=None))
    assert found.memory_after is not None
    return {
        "--max-flash": len(found.data),
        "--max-arena": found.memory_after.arena.minimum_bytes,
        "--max-instructions": predict_model(found.model, Device()).instructions,
    }


CULPRITS = {
    "--max-flash": (
        "largest: operator 0 CONV_2D 1,280",
        "could help: --strip all, --runtime tflm, --annotate none",
    ),
    "--max-arena": (
        "live together: operator 1 DEPTHWISE_CONV_2D",
        "smaller activations are needed",
    ),
    "--max-instructions": ("most in: operator 0 CONV_2D ", "could help: --goal speed"),
}


@pytest.mark.parametrize("option", CULPRITS)
def test_a_budget_fails_by_one_and_names_the_culprits(
    option: str, cli: Cli, tmp_path: Path
) -> None:
    fits = sizes()[option]
    assert cli("optimize", DS, "-o", "fits.tflite", *QUICK, option, fits).code == 0
    ran = cli("optimize", DS, "-o", "over.tflite", *QUICK, option, fits - 1)
    assert ran.code == 1
    message = ran.only_error
    assert f" {fits:,} " in message
    assert f", 1 more than the limit of {fits - 1:,}; {CULPRITS[option][0]}" in message
    assert message.endswith(CULPRITS[option][1])
    assert not (tmp_path / "over.tflite").exists()


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (
            ["--max-flash", "1K"],
            "the constants alone are 8,112 bytes, so only a smaller model fits",
        ),
        (
            ["--max-flash", "10K", "--strip", "all", "--runtime", "tflm", "--annotate", "none"],
            "no option is left that helps",
        ),
        (["--max-arena", "1K", "--plan", "none"], "could help: --plan offline"),
        (["--max-arena", "1K", "--overlap"], "smaller activations are needed"),
        (
            ["--max-arena", "1K", "--overlap", "--preserve-inputs", "--reserve-head", "64"],
            "could help: no --preserve-inputs, a smaller --reserve-head",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_failure_says_what_would_help(arguments: list[str], hint: str, cli: Cli) -> None:
    ran = cli("optimize", DS, "-o", "over.tflite", *QUICK, *arguments)
    assert ran.code == 1
    assert ran.only_error.endswith(hint)


def test_a_budget_holds_for_each_model_of_a_batch(cli: Cli) -> None:
    ran = cli("optimize", DS, HAR, "-d", "out", *QUICK, "--max-flash", "15K")
    assert ran.code == 1
    assert ran.err.count("more than the limit of 15,360") == 1
    assert "har_cnn.tflite: the file takes" in ran.err


@needs_tflm
def test_verified_is_verified(cli: Cli) -> None:
    assert cli("optimize", DS, "-o", "x.tflite", "-q", "--require-verified").code == 0


def test_not_verified_fails_where_it_is_required(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    verdict = Verification("not verified", note="TFLM has no operator TILE")
    monkeypatch.setattr("tflopt.product.validation.compare", lambda *_, **__: verdict)
    assert cli("optimize", DS, "-o", "x.tflite", "-q").code == 0
    ran = cli("optimize", DS, "-o", "y.tflite", "-q", "--require-verified")
    assert ran.code == 1
    assert ran.only_error.endswith("--require-verified asks for it: TFLM has no operator TILE")
    assert not (tmp_path / "y.tflite").exists()


def test_a_mismatch_in_a_batch_writes_nothing(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def differ(*_: object, **__: object) -> None:
        raise MismatchError("output 0 (y)", (0, 3), 2, 7.0, "tflm", 5)

    monkeypatch.setattr("tflopt.product.validation.compare", differ)
    ran = cli("optimize", DS, HAR, "-d", "out", "-q")
    assert ran.code == 1
    assert ran.err.count("outputs differ on tflm") == 2
    assert not list((tmp_path / "out").iterdir())
