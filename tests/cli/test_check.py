"""``tflopt check``: configurations, budgets, and what CI reads."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.support.cli import Cli
from tests.support.paths import TESTDATA, needs_tflm
from tests.support.sarif import sarif_results, text_of, uri_of
from tflopt.config import Runtime, Strip
from tflopt.errors import MismatchError, UsageError
from tflopt.gate import Entry, read_config, run_entry
from tflopt.io import write
from tflopt.ir import OpCode, OperatorCode
from tflopt.ir.builder import Builder
from tflopt.verify.compare import Verification

pytestmark = pytest.mark.unit
DS, HAR = TESTDATA / "ds_cnn.tflite", TESTDATA / "har_cnn.tflite"
Write = Callable[..., Path]


@pytest.fixture
def config(tmp_path: Path) -> Write:
    """Writes a configuration beside two models."""
    for path in (DS, HAR):
        (tmp_path / path.name).write_bytes(path.read_bytes())

    def write_config(text: str, name: str = "tflopt.toml") -> Path:
        path = tmp_path / name
        path.write_text(text)
        return path

    return write_config


PLAIN = 'verify = false\n[[model]]\npath = "ds_cnn.tflite"\n'


def entries(path: Path) -> list[Entry]:
    return read_config(path)


def test_every_option_reaches_the_settings(config: Write) -> None:
    (entry,) = entries(
        config("""
target = "m4"
cmsis-nn = "7.0.0"
max-flash = 1000
[[model]]
path = "ds_cnn.tflite"
runtime = "tflm"
strip = "all"
keep = ["a", "b"]
align = 64
plan = "none"
only = ["remove-dead"]
disable = ["merge-views"]
annotate = "none"
samples = 5
seed = 6
runner = "tflm"
max-arena = "1.5K"
require-verified = true
""")
    )
    settings = entry.settings
    assert (str(settings.device.target), str(settings.device.cmsis_nn)) == ("cortex-m4", "7.0.0")
    assert (settings.max_flash_bytes, settings.max_arena_bytes) == (1000, 1536)
    assert (settings.config.runtime, settings.config.strip) == (Runtime.TFLM, Strip.ALL)
    assert settings.config.keep == {"a", "b"}
    assert settings.config.plan is None
    assert settings.layout.data_alignment == 64
    assert settings.selection.only == ("remove-dead",)
    assert settings.selection.disable == ("merge-views",)
    assert settings.samples is not None
    assert (settings.samples.count, settings.samples.seed) == (5, 6)
    assert settings.runner == "tflm"
    assert settings.require_verified


def test_a_model_overrides_the_defaults_and_may_be_a_pattern(config: Write) -> None:
    found = entries(
        config("""
max-flash = "1K"
overlap = "all"
[[model]]
path = "*_cnn.tflite"
[[model]]
path = "ds_cnn.tflite"
max-flash = "2K"
""")
    )
    assert [entry.name for entry in found] == ["ds_cnn.tflite", "har_cnn.tflite", "ds_cnn.tflite"]
    assert [entry.settings.max_flash_bytes for entry in found] == [1024, 1024, 2048]
    plan = found[0].settings.config.plan
    assert plan is not None
    assert plan.overlap == "all"


def test_pyproject(config: Write, cli: Cli) -> None:
    text = '[project]\nname = "x"\n[tool.tflopt]\nverify = false\n[[tool.tflopt.model]]\n'
    config(text + 'path = "ds_cnn.tflite"\n', "pyproject.toml")
    ran = cli("check")
    assert (ran.code, ran.err) == (0, "")
    assert "passed" in ran.out


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("max-flsh = 1\n" + PLAIN, "unknown key 'max-flsh'; did you mean max-flash?"),
        (PLAIN + "targt = 'm4'\n", "model 1: unknown key 'targt'; did you mean target?"),
        (PLAIN + "zzz = 1\n", "unknown key 'zzz'; known: align, allow-lsb, annotate"),
        (PLAIN + "samples = 0\n", "samples must be an integer from 1 on, not 0"),
        (PLAIN + "samples = true\n", "samples must be an integer from 1 on, not True"),
        (PLAIN + "max-arena = 'x'\n", "max-arena: 'x' is not a size"),
        (PLAIN + "max-arena = 1.5\n", "max-arena must be a size"),
        (PLAIN + "max-arena = -1\n", "max-arena must be a size"),
        (PLAIN + "strip = 'some'\n", "strip must be one of none, default, metadata-zip, all"),
        (PLAIN + "keep = 'a'\n", "keep must be a list of strings"),
        (PLAIN + "target = 3\n", "target must be a string"),
        (PLAIN + "target = 'm56'\n", "unknown target"),
        (PLAIN + "plan = false\n", "plan must be one of offline, none"),
        (PLAIN + "disable = ['remove-deed']\n", "did you mean remove-dead?"),
        (PLAIN + "require-verified = true\n", "require-verified needs verify = true"),
        (PLAIN + "verify = 1\n", "unexpected"),
        ("[[model]]\nsamples = 1\n", "has no path"),
        ("[[model]]\npath = 'no*.tflite'\n", "no file matches 'no*.tflite'"),
        ("[[model]]\npath = '/no*.tflite'\n", "must be relative"),
        ("model = 3\n", "model must be an array of tables"),
        ("", "no model; add [[model]]"),
        ("x = = 1", "Invalid value"),
        ("[tool.other]\n", "has no table [tool.tflopt]"),
    ],
)
def test_mistakes_are_usage_errors(text: str, message: str, config: Write, cli: Cli) -> None:
    if message == "unexpected":
        text, message = text.replace("verify = false\n", ""), "verify must be true or false, not 1"
    ran = cli("check", config(text))
    assert ran.code == 2
    assert message in ran.only_error


def test_a_missing_configuration(cli: Cli, tmp_path: Path) -> None:
    assert "no.toml: no such file" in cli("check", "no.toml").only_error
    assert "name the configuration" in cli("check").only_error
    (tmp_path / "latin.toml").write_bytes(b"\xff")
    assert cli("check", "latin.toml").code == 2


TWO = """
verify = false
[[model]]
path = "ds_cnn.tflite"
max-flash = {flash}
max-arena = {arena}
[[model]]
path = "har_cnn.tflite"
"""


def needs(path: Path) -> tuple[int, int]:
    found = {f.check: f.need for f in run_entry(entries(path)[0]).findings}
    assert found["flash"] is not None
    assert found["arena"] is not None
    return found["flash"], found["arena"]


def test_one_byte_decides(config: Write, cli: Cli) -> None:
    flash, arena = needs(config(PLAIN))
    ran = cli("check", config(TWO.format(flash=flash, arena=arena)))
    assert (ran.code, ran.err) == (0, "")
    ran = cli("check", config(TWO.format(flash=flash - 1, arena=arena - 1)))
    assert ran.code == 1
    first, second = ran.err.splitlines()
    assert f"ds_cnn.tflite: flash: the file takes {flash:,} bytes, 1 more than" in first
    assert "largest: operator 0 CONV_2D" in first
    assert f"ds_cnn.tflite: arena: the arena needs {arena:,} bytes, 1 more than" in second
    assert "live together: operator" in second
    assert "har_cnn.tflite" in ran.out


def test_instructions(config: Write, cli: Cli) -> None:
    text = PLAIN + 'max-instructions = {}\n[[model]]\npath = "har_cnn.tflite"\n'
    ran = cli("check", config(text.format('"1.5M"')), "--json")
    (found,) = (e for e in json.loads(ran.out)["models"][0]["checks"] if e["check"][0] == "i")
    need = found["need_instructions"]
    assert (ran.code, found["limit_instructions"], found["passed"]) == (0, 1_500_000, True)
    assert cli("check", config(text.format(need)), "-q").code == 0
    ran = cli("check", config(text.format(need - 1)), "--markdown", "m.md")
    assert ran.code == 1
    assert f"takes {need:,} instructions (predicted), 1 more than the limit" in ran.err
    assert f"{need:,} of {need - 1:,}" in ran.out
    rows = Path("m.md").read_text().splitlines()
    assert rows[2] == "| model | outputs | flash | arena | instructions |"
    assert {row.count("|") for row in rows[2:6]} == {6}
    assert rows[4].endswith(f"| **{need:,} of {need - 1:,}** |")


REPORTS = ("--junit", "j.xml", "--sarif", "s.sarif", "--markdown", "m.md")


@pytest.mark.parametrize("jobs", [1, 2])
def test_what_machines_read(jobs: int, config: Write, cli: Cli, tmp_path: Path) -> None:
    path = config(TWO.format(flash=1, arena=10**6) + '[[model]]\npath = "no|`<b>.tflite"\n')
    ran = cli("check", path, "--json", *REPORTS, "-j", jobs)
    assert ran.code == 2
    data = json.loads(ran.out)
    assert (data["schema_version"], data["exit_code"]) == (1, 2)
    assert [model["exit_code"] for model in data["models"]] == [1, 0, 2]
    checks = {each["check"]: each for each in data["models"][0]["checks"]}
    assert checks["arena"]["passed"]
    assert not checks["flash"]["passed"]
    assert checks["flash"]["limit_bytes"] == 1
    root = ElementTree.parse(tmp_path / "j.xml").getroot()
    assert root.attrib == {"name": "tflopt", "tests": "7", "failures": "2"}
    cases = {(c.get("classname"), c.get("name")): c for c in root.iter("testcase")}
    assert len(cases) == 7
    failure = cases["ds_cnn.tflite", "flash"].find("failure")
    assert failure is not None
    assert "the file takes" in (failure.get("message") or "")
    results = sarif_results(tmp_path / "s.sarif")
    assert [each["ruleId"] for each in results] == ["flash", "optimize"]
    assert "ds_cnn.tflite: the file takes" in text_of(results[0])
    uris = [uri_of(each) for each in results]
    assert uris == ["ds_cnn.tflite", "no%7C%60%3Cb%3E.tflite"]
    text = (tmp_path / "m.md").read_text()
    need = checks["flash"]["need_bytes"]
    assert f"| \u274c ds_cnn.tflite | skipped | **{need:,} of 1** |" in text
    assert "<b>" not in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {line.count("|") for line in rows} == {5}


def test_the_github_summary_is_appended(
    config: Write, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = config(PLAIN)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    assert "--markdown FILE" in cli("check", path, "--github-summary").only_error
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary"))
    (tmp_path / "summary").write_text("before\n")
    assert cli("check", path, "-q", "--github-summary").out == ""
    assert (tmp_path / "summary").read_text().startswith("before\n### tflopt check\n")


@needs_tflm
def test_models_are_verified(config: Write, cli: Cli) -> None:
    ran = cli("check", config(PLAIN.replace("verify = false", "require-verified = true")))
    assert ran.code == 0
    assert "identical" in ran.out


def test_a_difference_fails(config: Write, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    verdict = Verification("different", mismatch=MismatchError("output 0", (3,), 2, 7.0, "tflm"))
    monkeypatch.setattr("tflopt.product.validation.compare", lambda *_, **__: verdict)
    ran = cli("check", config(PLAIN.replace("verify = false", "")))
    assert ran.code == 1
    assert "ds_cnn.tflite: outputs: outputs differ on tflm" in ran.err


def test_an_arena_that_is_not_known_does_not_pass(config: Write, cli: Cli, tmp_path: Path) -> None:
    b = Builder()
    entry = OperatorCode(int(OpCode.CUSTOM), custom_code="mine")
    b.output(*b.custom(entry, [b.input((1, 4))], [(1, 4)]))
    write(b.model, tmp_path / "custom.tflite")
    text = 'verify = false\n[[model]]\npath = "custom.tflite"\n'
    assert cli("check", config(text)).code == 0
    ran = cli("check", config(text + 'max-arena = "1M"\n'))
    assert ran.code == 3
    assert "no sizes for kernels of mine" in ran.err


def test_errors_of_the_reader_name_the_place(config: Write) -> None:
    with pytest.raises(UsageError, match=r"tflopt\.toml: model 2"):
        entries(config(PLAIN + '[[model]]\npath = "x"\nfoo = 1\n'))
