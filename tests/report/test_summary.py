"""The screen of ``optimize``: what it says is so, in thirty lines of eighty columns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from io import StringIO
from pathlib import Path

import pytest

from tests.support.field import field_model
from tests.support.paths import SHARED, TESTDATA
from tflopt.api import Optimized, optimize_file
from tflopt.config import Config
from tflopt.ir import Model
from tflopt.product.budget import arena_with_overlap
from tflopt.product.levers import INSTRUCTIONS, Effect, Lever, find_levers
from tflopt.report.console_summary import MOST_LINES, as_many, print_summary
from tflopt.report.happened import Change, file_changes, operator_changes
from tflopt.report.style import SafeConsole
from tflopt.target.cost import predict_model
from tflopt.texts import counted, short_name

pytestmark = pytest.mark.unit
MODELS = (
    *(TESTDATA / f"{name}.tflite" for name in ("torch_tcn", "ds_cnn", "unet", "lstm")),
    *(SHARED / f"{name}.tflite" for name in ("vww_96_int8", "kws_ref_model", "hello_world_int8")),
)
DS = TESTDATA / "ds_cnn.tflite"


def screen(done: Optimized, levers: Sequence[Lever] = (), width: int = 80) -> str:
    out = StringIO()
    console = SafeConsole(
        file=out, width=width, force_terminal=True, highlight=False, soft_wrap=True, no_color=True
    )
    print_summary(console, done.result, done.settings, "m.tflite", "o.tflite", levers)
    return re.sub(r"\x1b\[[0-9;]*m", "", out.getvalue())


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_thirty_lines_of_eighty_columns(path: Path) -> None:
    if not path.exists():
        pytest.skip("the model is missing")
    done = optimize_file(path, verify=False)
    effects = Effect("arena", 1000, 900), Effect(INSTRUCTIONS, 12_345_678, 9_000_000)
    names = ("--overlap", "for cortex-m55 only"), ("--runtime tflm", "for TFLM alone")
    levers = [Lever(name, effects, price) for name, price in names]
    lines = screen(done, levers).splitlines()
    assert len(lines) <= MOST_LINES
    assert max(map(len, lines)) <= 80


def test_the_order_is_what_a_reader_wants_to_know() -> None:
    done = optimize_file(DS, verify=False)
    text = screen(done, find_levers(done.result, done.settings))
    marks = [
        "for cortex-m55, the default; --target",
        "before",
        "file, bytes",
        "  by ",
        "not verified",
    ]
    places = [text.index(mark) for mark in (*marks, "more: --", "wrote o.tflite")]
    assert places == sorted(places)


@pytest.mark.parametrize("name", ["ds_cnn", "torch_tcn", "resnet8"])
def test_what_happened_adds_up(name: str) -> None:
    done = optimize_file(TESTDATA / f"{name}.tflite", verify=False)
    result, device = done.result, done.settings.device
    parts = file_changes(result)
    signed = 0
    for part in parts:
        number, word = re.findall(r"([\d,]+) bytes? (less|more)", part.effects[0])[0]
        signed += int(number.replace(",", "")) * (1 if word == "more" else -1)
    assert signed == result.after.file_bytes - result.before.file_bytes
    told = {each.what: each for each in operator_changes(result.original, result.model, device)}
    before, after = result.before.by_code, result.after.by_code
    for code in before.keys() | after.keys():
        if before.get(code, 0) != after.get(code, 0):
            assert f"{code} {before.get(code, 0)} -> {after.get(code, 0)}" in told


def test_a_line_that_is_too_long_keeps_the_instructions() -> None:
    change = Change("RESHAPE 17 -> 1", ("18,368 bytes less moved", "9,000 instructions less"))
    assert change.within(80) == "18,368 bytes less moved, 9,000 instructions less"
    assert change.within(30) == "9,000 instructions less"


def test_only_what_a_person_can_change_is_told_and_each_advice_once() -> None:
    done = optimize_file(TESTDATA / "torch_tcn.tflite", verify=False)
    text = screen(done)
    mine = [miss for miss in done.result.trace.near_misses if miss.because.why.can_act]
    assert f"{len(mine)} places you can change; --explain tells where:" in text
    for advice in {miss.because.why.advice for miss in mine}:
        assert text.count(advice.split(",")[0]) == 1
    alone = optimize_file(DS, verify=False)
    if not any(miss.because.why.can_act for miss in alone.result.trace.near_misses):
        assert "you can change" not in screen(alone)


@pytest.mark.parametrize(
    ("path", "target"),
    [
        (DS, "cortex-m55"),
        (DS, "cortex-m4"),
        (TESTDATA / "resnet8.tflite", "cortex-m4"),
        (SHARED / "vww_96_int8.tflite", "cortex-m4"),
        (SHARED / "kws_ref_model.tflite", "cortex-m55"),
    ],
)
def test_the_lever_is_what_the_command_gives(path: Path, target: str) -> None:
    if not path.exists():
        pytest.skip("the model is missing")
    done = optimize_file(path, verify=False, target=target)
    for lever in find_levers(done.result, done.settings):
        name, _, value = lever.option.removeprefix("--").partition(" ")
        said = {name: value or "target"}
        found = optimize_file(path, verify=False, target=target, **said)
        memory = found.result.memory_after
        assert memory is not None
        work = predict_model(found.result.model, done.settings.device).instructions
        now = {"arena": memory.arena.minimum_bytes, "file": len(found.data), INSTRUCTIONS: work}
        assert {each.resource: each.after for each in lever.effects}.items() <= now.items()
        assert all(each.after < each.before for each in lever.effects)
        assert lever.effects


def test_what_litert_keeps_out_is_tried_and_told() -> None:
    """RELU as MUL by ones would be rounded otherwise on LiteRT's default path."""
    done = optimize_file(TESTDATA / "torch_tcn.tflite", verify=False)
    levers = find_levers(done.result, done.settings)
    assert "--runtime tflm" in [lever.option for lever in levers]
    assert screen(done, levers).count("more: --runtime tflm (for TFLM alone), as tried:") == 1


@pytest.mark.parametrize("count", [1, 2])
def test_numbers_of_a_lever_stay_with_their_units(count: int) -> None:
    effects = Effect(INSTRUCTIONS, 1_000_000, 918_000), Effect("file", 18_292, 17_124)
    done = optimize_file(DS, verify=False)
    text = screen(done, [Lever("--runtime tflm", effects[-count:], "for TFLM alone")])
    told = ["", "file 18,292 -> 17,124 bytes, -6.4 %", "predicted instructions -8.2 %, file"][count]
    head = "more: --runtime tflm (for TFLM alone), as tried:"
    assert f"{head}\n  {told}" in text


def test_what_is_told_in_one_line_ends_with_how_much_more_there_is() -> None:
    words = ["MUL 2 -> 1", "CAST 0 -> 2", "RESIZE_NEAREST_NEIGHBOR 0 -> 1"]
    assert as_many(words, 60) == ", ".join(words)
    assert as_many(words, 54) == "MUL 2 -> 1, CAST 0 -> 2, 1 more"
    assert as_many(words, 25) == "MUL 2 -> 1, 2 more"
    assert as_many(words, 40, ["the end"]) == "MUL 2 -> 1, CAST 0 -> 2, 1 more, the end"


def test_operators_beyond_the_first_are_counted_where_they_do_not_fit() -> None:
    done = optimize_file(TESTDATA / "squeeze_excite.tflite", verify=False, target="cortex-m4")
    lines = screen(done).splitlines()
    (also,) = [line for line in lines if line.startswith("  also ")]
    assert "…" not in also
    assert re.search(r"(-> \d+|\d more)$", also)


def test_rules_that_only_tidy_are_called_rules() -> None:
    done = optimize_file(TESTDATA / "two_signatures.tflite", verify=False)
    assert re.search(r"\n  by \d+ rules that tidy the file\n", screen(done))


def test_one_advice_is_not_counted_twice() -> None:
    done = optimize_file(TESTDATA / "conv1d_pairs.tflite", verify=False)
    assert "\n1 place you can change; --explain tells where:\n  Add --io-layout" in screen(done)


def test_no_lever_is_named_that_is_in_use_already() -> None:
    done = optimize_file(DS, verify=False, runtime="tflm", overlap="target")
    assert find_levers(done.result, done.settings) == []


def test_no_plan_is_made_for_a_lever_that_can_t_lead(monkeypatch: pytest.MonkeyPatch) -> None:
    planned: list[str] = []

    def counted(model: Model, config: Config) -> int | None:
        planned.append(Path(model.path).stem)
        return arena_with_overlap(model, config)

    monkeypatch.setattr("tflopt.product.levers.arena_with_overlap", counted)
    for stem in ("ds_cnn", "grouped_depthwise"):
        done = optimize_file(TESTDATA / f"{stem}.tflite", verify=False)
        options = [lever.option for lever in find_levers(done.result, done.settings)]
        assert ("--overlap" in options) == (stem == "grouped_depthwise")
    assert planned == ["grouped_depthwise"]


def test_layers_that_kernels_compute_wrongly_stand_together() -> None:
    path = field_model("mcunet_vww")
    done = optimize_file(path, verify=False, route_around=False, target="cortex-m55")
    names = {each.hazard.name for each in done.result.hazards_left}
    text = screen(done)
    assert text.count("computed wrongly: ") == len(names)


@pytest.mark.parametrize(
    ("name", "short"),
    [
        (
            "model/activation_9/Relu;model/batch_normalization_9/FusedBatchNormV3",
            "activation_9/Relu",
        ),
        (
            "torch.nn.modules.container.Sequential/generator.torch_nets.TcnBlock_0;",
            "Sequential/TcnBlock_0",
        ),
        ("StatefulPartitionedCall:0", ""),
        ("arith.constant17", ""),
        ("serving_default_input_audio:0", "serving_default_input_audio"),
        ("", ""),
        ("x" * 90, "..." + "x" * 29),
    ],
)
def test_names_are_short_enough_to_read(name: str, short: str) -> None:
    assert short_name(name) == short


def test_singular_and_plural() -> None:
    assert [counted(n, "layer") for n in (0, 1, 2, 1234)] == [
        *("0 layers", "1 layer", "2 layers", "1,234 layers")
    ]
