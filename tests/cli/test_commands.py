"""Options, output files, reports and exit codes of the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.broken import small_model
from tests.support.cli import Cli
from tests.support.objects import assert_same_fields
from tests.support.paths import ROOT
from tests.support.waiting import HANG_S
from tflopt import __version__
from tflopt.errors import MismatchError
from tflopt.io import read, read_bytes, write
from tflopt.ir import DType, OpCode
from tflopt.ir.builder import Builder
from tflopt.ir.options import HardSwishOptions
from tflopt.rules.phases import PHASES
from tflopt.rules.pipeline import RULES

pytestmark = pytest.mark.unit
COMMANDS = ("optimize", "inspect", "validate", "passes", "targets")


def optimize(cli: Cli, *arguments: object) -> None:
    ran = cli("optimize", "--no-verify", "-q", *arguments)
    assert (ran.code, ran.out, ran.err) == (0, "", "")


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help(command: str, cli: Cli) -> None:
    for flag in ("--help", "-h"):
        ran = cli(*filter(None, [command]), flag)
        assert ran.code == 0
        assert f"tflopt {command}".strip() in ran.out
        assert ran.err == ""


def test_the_help_lists_commands_and_exit_codes(cli: Cli) -> None:
    text = cli("--help").out
    assert all(command in text for command in COMMANDS)
    assert "Exit codes" in text


def test_version(cli: Cli) -> None:
    assert cli("--version").out == f"tflopt {__version__}\n"


def test_the_default_output_stands_beside_the_input(cli: Cli, small: Path) -> None:
    optimize(cli, small)
    assert read(small.with_name("small.opt.tflite")).graphs
    assert small.read_bytes() == small_model()


def test_output_option(cli: Cli, small: Path, tmp_path: Path) -> None:
    optimize(cli, small, "-o", "here.bin")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["here.bin", "small.tflite"]


@pytest.mark.parametrize("more", [[], ["--annotate", "none"]], ids=["default", "not annotated"])
def test_only_nothing_keeps_every_field(
    more: list[str], cli: Cli, small: Path, tmp_path: Path
) -> None:
    optimize(cli, small, "--only", "", "-o", "same.tflite", *more)
    assert_same_fields(small.read_bytes(), (tmp_path / "same.tflite").read_bytes())


def with_dead_operator() -> bytes:
    from tflopt.io import write_bytes

    b = Builder()
    x = b.input((1, 4))
    b.op(OpCode.RELU, [x], (1, 4))
    same = b.op(OpCode.RESHAPE, [b.op(OpCode.RELU, [x], (1, 4))], (1, 4))
    b.output(b.op(OpCode.HARD_SWISH, [same], (1, 4), options=HardSwishOptions()))
    return write_bytes(b.model)


NO_VIEWS = ("--disable", "assign-layouts")


@pytest.mark.parametrize(
    ("arguments", "operators"),
    [
        ([], 2),
        ([*NO_VIEWS, "--disable", "remove-noop"], 3),
        ([*NO_VIEWS, "--disable", "remove-noop", "--disable", "remove-dead"], 3),
        (["--only", "remove-dead"], 3),
        (["--only", "remove-dead", "--only", "remove-noop"], 2),
        (["--only", "remove-dead", "--disable", "remove-dead"], 4),
    ],
)
def test_rules_are_selected(arguments: list[str], operators: int, cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "in.tflite"
    path.write_bytes(with_dead_operator())
    optimize(cli, path, "-o", "out.tflite", *arguments)
    assert len(read(tmp_path / "out.tflite").main.ops) == operators


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--disable", "remove-deed"], "did you mean remove-dead?"),
        (["--only", "merge-view"], "did you mean merge-views?"),
        (["--only", "xyz"], "tflopt passes lists them"),
        (["--target", "cortex-m56"], "cortex-m5"),
        (["--runner", "tflmm"], "auto, tflm, litert"),
    ],
)
def test_unknown_names_are_usage_errors_with_a_suggestion(
    arguments: list[str], message: str, cli: Cli, small: Path, tmp_path: Path
) -> None:
    ran = cli("optimize", small, *arguments)
    assert ran.code == 2
    assert message in ran.only_error
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    "arguments", [["optimize"], ["nonsense"], ["optimize", "a", "--samples", "0"], ["inspect"]]
)
def test_wrong_arguments_are_usage_errors(arguments: list[str], cli: Cli) -> None:
    assert cli(*arguments).code == 2


REPORT_KEYS = {"schema_version", "tool", "target", "input", "output", "passes", "verification"}
SIZE_KEYS = {"path", "file_bytes", "operators", "tensors", "macs", "constant_bytes", "by_code"}


def test_report_has_the_keys_of_the_public_contract(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "in.tflite"
    path.write_bytes(with_dead_operator())
    optimize(cli, path, "--report", "r.json")
    report = json.loads((tmp_path / "r.json").read_text())
    assert report.keys() >= REPORT_KEYS
    assert report["schema_version"] == 1
    assert report["tool"] == {"name": "tflopt", "version": __version__}
    assert report["target"] == "cortex-m55"
    for side, file in (("input", path), ("output", tmp_path / "in.opt.tflite")):
        assert report[side].keys() >= SIZE_KEYS
        assert report[side]["path"] == str(file)
        assert report[side]["file_bytes"] == file.stat().st_size
    assert report["input"]["by_code"] == {"RELU": 2, "HARD_SWISH": 1, "RESHAPE": 1}
    assert report["output"]["by_code"] == {"RELU": 1, "HARD_SWISH": 1}
    passes = {entry["name"]: entry for entry in report["passes"]}
    assert list(passes) == [rule.name for rule in RULES]
    assert len(passes["remove-noop"]["hits"]) == 1
    assert "RESHAPE" in passes["remove-noop"]["hits"][0]["where"]
    assert passes["merge-views"]["hits"] == passes["merge-views"]["declined"] == []
    assert all(entry["bit_exact"] for entry in passes.values() if entry["enabled"])
    assert report["verification"]["status"] == "skipped"
    assert report["verification"]["mismatches"] == []


def test_report_names_near_misses_and_disabled_rules(cli: Cli, tmp_path: Path) -> None:
    b = Builder()
    x = b.input((1, 4))
    b.output(b.op(OpCode.RESHAPE, [x], (1, 4)))
    write(b.model, tmp_path / "in.tflite")
    ran = cli("optimize", "in.tflite", "--no-verify", "--report", "-", "--disable", "merge-views")
    passes = {entry["name"]: entry for entry in json.loads(ran.out)["passes"]}
    assert not passes["merge-views"]["enabled"]
    assert passes["remove-noop"]["enabled"]
    (declined,) = passes["remove-noop"]["declined"]
    assert "between an input or constant of the model and an output" in declined["reason"]
    assert "subgraph 0 operator 0 (RESHAPE)" in declined["where"]
    shown = cli("optimize", "in.tflite", "--no-verify", "--explain")
    assert declined["reason"] in shown.out
    assert "RESHAPE 0" in shown.out


def test_report_on_stdout_is_nothing_but_json(cli: Cli, small: Path) -> None:
    ran = cli("optimize", small, "--no-verify", "--report", "-")
    assert ran.code == 0
    assert json.loads(ran.out)["output"]["path"] == str(small.with_name("small.opt.tflite"))


def test_reports_are_deterministic(cli: Cli, small: Path) -> None:
    one, two = (cli("optimize", small, "--no-verify", "--report", "-").out for _ in range(2))
    assert one == two


@pytest.mark.parametrize("command", ["passes", "targets"])
def test_lists_are_json_on_demand(command: str, cli: Cli) -> None:
    data = json.loads(cli(command, "--json").out)
    assert data["schema_version"] == 1
    assert data[command]
    first = next(iter(data[command][0].values()))
    assert first in cli(command).out


def test_inspect_shows_operators_and_work(cli: Cli, small: Path) -> None:
    text = cli("inspect", small).out
    assert "ADD" in text
    assert "i8[1,4]{0.5,-3}" in text
    data = json.loads(cli("inspect", small, "--json").out)
    assert [op["code"] for op in data["operators"]] == ["ADD", "RESHAPE"]
    assert data["model"]["file_bytes"] == small.stat().st_size


def test_names_that_are_not_utf8_or_control_the_terminal_are_shown(
    cli: Cli, tmp_path: Path
) -> None:
    b = Builder()
    x = b.input((1, 4), name="\udcff\x1b[31m\n[red]x[/]")
    b.output(b.op(OpCode.RELU, [b.op(OpCode.RELU, [x], (1, 4))], (1, 4)))
    b.model.description = "\udc80"
    b.graph.ops[0].output.name = "[bold]\udcfe"
    write(b.model, tmp_path / "odd.tflite")
    for arguments in (["inspect"], ["inspect", "--json"], ["optimize", "--no-verify", "--explain"]):
        ran = cli(*arguments, "odd.tflite")
        assert (ran.code, ran.err) == (0, "")
        assert "\x1b" not in ran.out


def test_a_name_in_an_error_is_shown_whatever_its_bytes(cli: Cli, tmp_path: Path) -> None:
    b = Builder()
    weights = b.constant([1, 2], DType.INT8, name="\udcff\x1b\n")
    b.output(b.op(OpCode.RELU, [weights], (2,)))
    weights.shape = (3,)
    write(b.model, tmp_path / "odd.tflite")
    ran = cli("inspect", "odd.tflite")
    assert ran.code == 3
    assert "needs 3 bytes" in ran.only_error
    assert "\x1b" not in ran.only_error


# --- Output files.


def refused(cli: Cli, small: Path, *arguments: object) -> str:
    ran = cli("optimize", small, "--no-verify", *arguments)
    assert ran.code == 2
    assert small.read_bytes() == small_model()
    return ran.only_error


def test_the_input_is_never_overwritten(cli: Cli, small: Path, tmp_path: Path) -> None:
    link, hard = tmp_path / "link.tflite", tmp_path / "hard.tflite"
    link.symlink_to(small)
    hard.hardlink_to(small)
    for target in (small, link, hard, f"./{small.name}"):
        assert "is the input" in refused(cli, small, "-o", target)
    assert "is a model, not a report" in refused(cli, small, "--report", small)
    assert link.is_symlink()


def test_a_folder_is_no_output(cli: Cli, small: Path, tmp_path: Path) -> None:
    assert "is a folder" in refused(cli, small, "-o", tmp_path)
    assert "no such folder" in refused(cli, small, "-o", tmp_path / "no" / "x.tflite")
    assert "no such folder" in refused(cli, small, "--report", tmp_path / "no" / "r.json")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["small.tflite"]


def test_a_missing_input_is_a_usage_error(cli: Cli, tmp_path: Path) -> None:
    for path in (tmp_path / "no.tflite", tmp_path):
        ran = cli("optimize", path)
        assert ran.code == 2
        assert str(path) in ran.only_error


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_forbids_writing(cli: Cli, small: Path, tmp_path: Path) -> None:
    shut = tmp_path / "shut"
    shut.mkdir(mode=0o500)
    ran = cli("optimize", small, "--no-verify", "-o", shut / "x.tflite")
    assert ran.code != 0
    assert ran.only_error
    assert not list(shut.iterdir())


def test_an_existing_output_is_replaced(cli: Cli, small: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.tflite"
    out.write_bytes(b"old")
    out.chmod(0o640)
    optimize(cli, small, "-o", out)
    assert read(out).graphs
    assert out.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("fails", ["os.fsync", "pathlib.Path.replace"])
def test_a_failing_write_leaves_the_old_file_and_no_part(
    fails: str, cli: Cli, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    out = tmp_path / "out.tflite"
    out.write_bytes(b"old")
    monkeypatch.setattr(fails, fail)
    ran = cli("optimize", small, "--no-verify", "-o", out)
    assert ran.code == 4
    assert "No space left on device" in ran.only_error
    assert out.read_bytes() == b"old"
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["out.tflite", "small.tflite"]


def test_a_mismatch_is_exit_code_1_and_no_file(
    cli: Cli, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def differ(*_: object, **__: object) -> None:
        raise MismatchError("output 0 (y)", (0, 3), 2, 7.0, "tflm", 5)

    monkeypatch.setattr("tflopt.product.validation.compare", differ)
    ran = cli("optimize", small, "--report", "r.json")
    assert ran.code == 1
    message = ran.only_error
    assert all(part in message for part in ("output 0 (y)", "[0, 3]", "sample 5", "2 elements"))
    assert [entry.name for entry in tmp_path.iterdir()] == ["small.tflite"]


def test_an_internal_error_is_one_line(
    cli: Cli, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def burst(*_: object, **__: object) -> None:
        raise KeyError("boom")

    monkeypatch.setattr("tflopt.cli.optimize.optimize_file_bytes", burst)
    ran = cli("optimize", small, "--no-verify")
    assert ran.code == 4
    assert "please report it" in ran.only_error


def test_a_pipe_that_closes_early_is_no_traceback(small: Path) -> None:
    code = (
        "import sys, os\n"
        "from tflopt.cli.main import run\n"
        "sys.argv = ['tflopt', *sys.argv[1:]]\n"
        "os.read(0, 1)\n"
        "run()\n"
    )
    for arguments in (["inspect", str(small), "--json"], ["passes"]):
        child = subprocess.Popen(
            [sys.executable, "-c", code, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=ROOT,
        )
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdout.close()
        child.stdin.write(b"x")
        child.stdin.close()
        assert child.stderr.read() == b""
        child.stderr.close()
        assert child.wait(HANG_S) == 4


def test_the_module_runs() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tflopt", "--version"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    assert done.stdout == f"tflopt {__version__}\n"


def test_the_small_model_is_rewritten_the_same_each_time(cli: Cli, small: Path) -> None:
    optimize(cli, small, "-o", "a.tflite")
    optimize(cli, small, "-o", "b.tflite")
    assert Path("a.tflite").read_bytes() == Path("b.tflite").read_bytes()
    assert read_bytes(Path("a.tflite").read_bytes()).graphs


def test_the_graph_is_printed_after_a_rule_and_times_by_phase(cli: Cli, small: Path) -> None:
    ran = cli("optimize", small, "--no-verify", "--print-after", "strip-names", "--timing")
    assert "// after strip-names\ngraph(" in ran.err
    assert [line.rsplit(maxsplit=2)[0] for line in ran.err.splitlines() if line.endswith(" s")] == [
        phase.name for phase in PHASES
    ]
    assert "did you mean remove-noop" in cli("optimize", small, "--print-after", "remove-nooop").err


def test_passes_names_the_phases_in_order(cli: Cli) -> None:
    data = json.loads(cli("passes", "--json").out)
    assert [phase["phase"] for phase in data["phases"]] == [phase.name for phase in PHASES]
    order = [phase["phase"] for phase in data["phases"]]
    turns = [order.index(rule["phase"]) for rule in data["passes"] if rule["phase"] != "stale"]
    assert turns == sorted(turns)
    assert "forms: search, always" in cli("passes").out
