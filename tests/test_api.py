"""The calls of Python: the same bytes as the commands, and a sentence for what is wrong."""

from __future__ import annotations

import inspect
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import tflopt
from tests.support.cli import Cli
from tests.support.paths import TESTDATA, needs_tflm
from tflopt.api import settings_of
from tflopt.config import Goal
from tflopt.errors import BudgetError, TfloptError, UsageError
from tflopt.product.options import Options

MODEL = "ds_cnn"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model of the repository in a folder of its own."""
    return Path(shutil.copy(TESTDATA / f"{MODEL}.tflite", tmp_path / "model.tflite"))


@pytest.mark.runtime
@needs_tflm
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), {}),
        (
            ("--target", "cortex-m4", "--runtime", "tflm"),
            {"target": "cortex-m4", "runtime": "tflm"},
        ),
        (("--goal", "flash", "--strip", "all"), {"goal": Goal.FLASH, "strip": "all"}),
        (
            ("--max-arena", "64K", "--disable", "fold-pad", "--samples", "5"),
            {"max_arena": "64K", "disable": "fold-pad", "samples": 5},
        ),
    ],
)
def test_one_call_does_what_the_command_does(
    cli: Cli, model: Path, arguments: tuple[str, ...], said: dict[str, str | int]
) -> None:
    command, call = model.with_name("command.tflite"), model.with_name("call.tflite")
    report = model.with_name("report.json")
    done = cli("optimize", model, "-o", command, "--report", report, "-q", *arguments)
    assert done.code == 0, done.err
    result = tflopt.optimize_file(model, call, **said)
    assert call.read_bytes() == command.read_bytes() == result.data
    assert result.verdict is not None
    assert result.verdict.status == "identical"
    ours, theirs = result.report, json.loads(report.read_text())
    assert json.loads(json.dumps(ours["verification"])) == theirs["verification"]
    assert json.loads(json.dumps(ours["passes"])) == theirs["passes"]


@pytest.mark.unit
def test_bytes_give_the_same_as_the_path(model: Path) -> None:
    by_path = tflopt.optimize_file(str(model), verify=False)
    by_bytes = tflopt.optimize_file(model.read_bytes(), verify=False)
    assert by_path.data == by_bytes.data
    assert by_path.verdict is None
    assert by_path.save(model.with_name("saved.tflite")) == len(by_path.data)
    assert model.with_name("saved.tflite").read_bytes() == by_path.data


@pytest.mark.unit
def test_what_python_prints_is_one_line(model: Path) -> None:
    done = tflopt.optimize_file(model, verify=False)
    looked = tflopt.inspect(model)
    op = done.model.main.ops[0]
    shown = [done, done.result, done.result.trace, done.model, done.model.main, op, looked]
    for each in shown:
        assert "\n" not in repr(each)
        assert len(repr(each)) < 160
    assert repr(done).startswith("<Optimized model.tflite: file ")
    assert repr(done.model) == (
        f"<Model model.tflite: {len(done.model.main.ops)} operators, "
        f"{len(done.model.main.values)} tensors>"
    )
    assert op.name == op.opcode.label


@pytest.mark.unit
def test_a_notebook_shows_the_summary(model: Path) -> None:
    done = tflopt.optimize_file(model, verify=False)
    page = done._repr_html_()
    assert f"{done.result.before.file_bytes:,}" in page
    assert f"{done.result.after.file_bytes:,}" in page
    assert "Not verified" in page
    assert "CONV_2D" in tflopt.inspect(model)._repr_html_()


@pytest.mark.unit
def test_a_notebook_takes_no_markup_from_a_model(model: Path) -> None:
    odd = model.with_name("<b>&.tflite")
    model.rename(odd)
    done = tflopt.optimize_file(odd, verify=False)
    assert "&lt;b&gt;&amp;.tflite" in done._repr_html_()
    assert "<b>" not in done._repr_html_()
    assert "<b>" not in tflopt.inspect(odd)._repr_html_()


@pytest.mark.unit
def test_wrong_types_get_a_sentence(model: Path) -> None:
    number = 3
    for call in (tflopt.optimize_file, tflopt.read, tflopt.inspect):
        with pytest.raises(TypeError, match=r"the path of a \.tflite file or its bytes, not int"):
            call(number)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"not Model; tflopt\.optimize takes a Model"):
        tflopt.optimize_file(tflopt.read(model))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="a Model, the path"):
        tflopt.validate(model, None)  # type: ignore[arg-type]


@pytest.mark.unit
@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"taget": "cortex-m4"}, "unknown key 'taget'; did you mean target?"),
        ({"target": "cortex-m9"}, "cortex-m9"),
        ({"goal": "fast"}, "goal must be one of balanced, speed, memory, flash, not 'fast'"),
        ({"max_arena": "lots"}, "'lots' is not a size"),
        ({"samples": 0}, "samples must be"),
        ({"verify": "no"}, "verify must be true or false"),
        ({"disable": "no-such-rule"}, "no rule"),
    ],
)
def test_wrong_options_get_a_sentence(
    model: Path, said: dict[str, str | int], sentence: str
) -> None:
    with pytest.raises(UsageError) as caught:
        tflopt.optimize_file(model, None, **said)
    assert sentence in str(caught.value)


@pytest.mark.unit
def test_nothing_is_written_where_a_limit_is_missed(model: Path) -> None:
    output = model.with_name("out.tflite")
    with pytest.raises(BudgetError):
        tflopt.optimize_file(model, output, max_flash="1K", verify=False)
    assert not output.exists()
    with pytest.raises(TfloptError, match="is the input"):
        tflopt.optimize_file(model, model, verify=False)
    with pytest.raises(TfloptError, match="no such file"):
        tflopt.optimize_file(model.with_name("none.tflite"))


@pytest.mark.unit
def test_every_option_of_the_command_is_one_of_the_call() -> None:
    named = inspect.signature(tflopt.optimize_file).parameters
    assert list(named) == ["source", "output", *Options.__dataclass_fields__]
    assert settings_of({}) == settings_of({"target": "cortex-m55", "cmsis_nn": None})


@pytest.mark.runtime
@needs_tflm
def test_validate_takes_models_paths_and_bytes(model: Path) -> None:
    done = tflopt.optimize_file(model, verify=False)
    for one, two in ((model, done.data), (tflopt.read(model), done.model)):
        verdict = tflopt.validate(one, two, samples=4, seed=1)
        assert (verdict.status, verdict.samples, verdict.seed) == ("identical", 4, 1)
        assert repr(verdict) == "<Verification identical on tflm, 4 inputs>"


@pytest.mark.unit
def test_sources_for_firmware_are_those_of_the_command(cli: Cli, model: Path) -> None:
    ours, theirs = model.parent / "ours", model.parent / "theirs"
    written = tflopt.emit_sources(model, ours, name="kws", arena="64K")
    assert cli("emit", model, "-d", theirs, "--name", "kws", "--arena", "64K", "-q").code == 0
    assert sorted(path.name for path in written) == sorted(p.name for p in theirs.iterdir())
    for path in written:
        assert path.read_bytes() == (theirs / path.name).read_bytes()


@pytest.mark.unit
def test_a_change_of_a_model_is_compared(tmp_path: Path) -> None:
    model, output = TESTDATA / "autoencoder.tflite", tmp_path / "out.tflite"
    tflopt.optimize_file(model, output, verify=False)
    found = tflopt.diff(model, str(output))
    assert found.new.numbers["flash"] == output.stat().st_size
    assert found.regressions() == []


@pytest.mark.unit
def test_importing_the_package_loads_nothing_before_it_is_used() -> None:
    code = "import sys, tflopt; print(sorted(m for m in sys.modules if 'numpy' in m), dir(tflopt))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("[] [")
    for name in tflopt.__all__:
        assert getattr(tflopt, name) is not None
        assert f"'{name}'" in done.stdout
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        getattr(tflopt, "nothing")  # noqa: B009
