"""On which boards a model fits, and where its arenas go."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.cli import Cli
from tests.support.paths import TESTDATA
from tflopt.io import read
from tflopt.ir import Model
from tflopt.plan.tflm import TwoArenas
from tflopt.product import fit
from tflopt.product.fit import fit_boards, place
from tflopt.product.options import Options
from tflopt.target.boards import Region, all_boards, find_board
from tflopt.target.cost import ModelPrediction, predict_model
from tflopt.target.device import Device
from tflopt.target.memory import memory_of, two_arenas_of

pytestmark = pytest.mark.unit
DS_CNN = TESTDATA / "ds_cnn.tflite"
LARGE, MIDDLE, SMALL = Region("large", 1000), Region("middle", 600), Region("small", 300)
RAM = (LARGE, MIDDLE, SMALL)


def placed(one: int, persistent: int, non_persistent: int) -> list[tuple[str, str, int]]:
    found = place(one, TwoArenas(persistent, non_persistent), RAM)
    return [(each.arena, each.region.name, each.left_bytes) for each in found]


def test_an_arena_goes_into_the_smallest_region_that_holds_it() -> None:
    assert placed(300, 1, 1) == [("arena", "small", 0)]
    assert placed(301, 1, 1) == [("arena", "middle", 299)]
    assert placed(1000, 1, 1) == [("arena", "large", 0)]


def test_what_no_region_holds_goes_into_two() -> None:
    assert placed(1100, 300, 800) == [
        ("non-persistent", "large", 200),
        ("persistent", "small", 0),
    ]
    assert placed(1100, 550, 550) == [
        ("non-persistent", "middle", 50),
        ("persistent", "large", 450),
    ]
    assert placed(1700, 601, 1000) == []
    assert placed(1300, 299, 1001) == []


def test_two_arenas_are_the_head_and_the_tail_with_an_allocator_more() -> None:
    model, device = read(DS_CNN), Device.of("cortex-m4")
    one, two = memory_of(model, device).arena, two_arenas_of(model, device)
    # One allocator of 36 bytes becomes two of 16 and 32; each arena is rounded up to 16.
    assert 0 <= two.persistent_bytes - (one.tail_bytes + 12) < 32
    assert two.non_persistent_bytes >= one.head_bytes
    assert two.persistent_bytes + two.non_persistent_bytes >= one.minimum_bytes


def test_every_board_has_its_cores_arena_and_time() -> None:
    model = read(DS_CNN)
    fits = fit_boards(model, 22_536, all_boards(), Device())
    assert {each.board.key for each in fits} == {board.key for board in all_boards()}
    assert all(each.fits for each in fits)
    for each in fits:
        device = Device.to_predict(str(each.board.target))
        assert each.arena_bytes == memory_of(model, device).arena.minimum_bytes
        assert (each.time is None) == each.board.target.cpu.is_espressif
        if each.time is not None:
            assert each.time.least_ms < each.time.most_ms
            assert each.time.least <= predict_model(model, device).instructions * 7
        assert each.flash_left_bytes == each.board.flash_bytes - 22_536


def test_a_core_is_predicted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def counted(model: Model, device: Device) -> ModelPrediction:
        asked.append(str(device.target))
        return predict_model(model, device)

    monkeypatch.setattr(fit, "predict_model", counted)
    fits = fit_boards(read(DS_CNN), 22_536, all_boards(), Device())
    assert sorted(asked) == sorted({str(each.board.target) for each in fits if each.time})
    assert len(asked) < len(fits)


def test_why_a_model_does_not_fit() -> None:
    board = find_board("nucleo-f446re")
    tiny = replace(board, ram=(Region("sram", 100),))
    (no_ram,) = fit_boards(read(DS_CNN), 1, [tiny], Device())
    assert (no_ram.fits, no_ram.arenas) == (False, ())
    assert f"{no_ram.arena_bytes - 100:,} bytes larger than sram" in no_ram.why
    (no_flash,) = fit_boards(read(DS_CNN), board.flash_bytes + 5, [board], Device())
    assert no_flash.why == "the file is 5 bytes larger than the flash"
    (just,) = fit_boards(read(DS_CNN), board.flash_bytes, [board], Device())
    assert just.fits


def test_the_command_prints_a_line_for_each_board(cli: Cli) -> None:
    done = cli("fit", DS_CNN)
    assert (done.code, done.err) == (0, "")
    assert all(board.key in done.out for board in all_boards())
    assert "~" in done.out
    one = cli("fit", DS_CNN, "--board", "NUCLEO_L4R5ZI").out
    assert "nucleo-l4r5zi" in one
    assert "~" not in one


def test_the_json_has_a_version_and_sources(cli: Cli) -> None:
    found = json.loads(cli("fit", DS_CNN, "--json").out)
    assert found["schema_version"] == 1
    assert found["cmsis_nn"]
    assert all(each["fits"] and each["source"] and each["read_on"] for each in found["boards"])


def test_a_model_that_fits_nowhere_is_exit_code_1(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = replace(find_board("nucleo-f446re"), ram=(Region("sram", 100),))
    monkeypatch.setattr("tflopt.cli.fit.all_boards", lambda: (board,))
    done = cli("fit", DS_CNN)
    assert done.code == 1
    assert "no: the arena is" in done.out
    assert "tflopt optimize MODEL --board NAME" in done.out


def test_a_board_sets_target_and_budgets() -> None:
    settings = Options(board="nucleo-f446re", runner="tflm").settings(lambda name, _: name)
    assert str(settings.device.target) == "cortex-m4"
    assert (settings.max_arena_bytes, settings.max_flash_bytes) == (128 << 10, 512 << 10)
    said = Options(board="nucleo-f446re", max_arena=1, max_flash=2).settings(lambda name, _: name)
    assert (said.max_arena_bytes, said.max_flash_bytes) == (1, 2)


def test_a_board_gives_the_file_that_its_core_gives(cli: Cli, tmp_path: Path) -> None:
    files = []
    for options in (("--board", "nucleo-l4r5zi"), ("-t", "cortex-m4")):
        path = tmp_path / f"{options[0]}.tflite"
        assert cli("optimize", DS_CNN, *options, "--no-verify", "-q", "-o", path).code == 0
        files.append(path.read_bytes())
    assert files[0] == files[1]


def test_a_board_with_esp_nn_has_an_arena_and_no_time(cli: Cli) -> None:
    board = ("--board", "esp32-s3-devkitc-1")
    told = " ".join(cli("fit", DS_CNN, *board).out.split())
    assert "esp32-s3 240" in told
    assert "the arena is from its sources: no device ran it" in told
    (row,) = json.loads(cli("fit", DS_CNN, *board, "--json").out)["boards"]
    assert (row["time"], row["fits"]) == (None, True)
    own = json.loads(cli("fit", DS_CNN, *board, "--cmsis-nn", "none", "--json").out)["boards"][0]
    assert own["arena_bytes"] < row["arena_bytes"]
    for command in ("optimize", "bench"):
        refusal = "esp32-s3 is for inspect and fit alone"
        assert cli(command, DS_CNN, *board).only_error.startswith(refusal)


def test_a_board_with_another_core_is_refused(cli: Cli) -> None:
    for command in ("optimize", "bench"):
        told = cli(command, DS_CNN, "--board", "nucleo-l4r5zi", "-t", "cortex-m7").only_error
        assert told == "--board nucleo-l4r5zi has a cortex-m4, not a cortex-m7"


def test_bench_gives_time_where_a_clock_is_known(cli: Cli) -> None:
    assert "time at 120 MHz: " in cli("bench", DS_CNN, "--board", "nucleo-l4r5zi").out
    assert "time" not in cli("bench", DS_CNN, "-t", "cortex-m4").out
    found = json.loads(cli("bench", DS_CNN, "-t", "m4", "--clock", "60MHz", "--json").out)
    (row,) = found["models"]
    assert row["time"]["clock_hz"] == 60_000_000
    assert row["time"]["ground"] == "measured"
    assert cli("bench", DS_CNN, "--memory", "flash-ws=4").only_error.startswith(
        "--memory goes with"
    )


@pytest.mark.parametrize(
    ("core", "nearest"),
    [
        ("cortex-m4", ""),
        ("cortex-m7", "cortex-m4"),
        ("cortex-m33", ""),
        ("cortex-m35p", "cortex-m33"),
        ("cortex-m85", "cortex-m55"),
        ("m0", "cortex-m3"),
    ],
)
def test_bench_names_the_core_whose_table_stands_in(core: str, nearest: str, cli: Cli) -> None:
    out = cli("bench", DS_CNN, "-t", core).out
    assert ("the nearest core that was measured" in out) is bool(nearest)
    assert nearest in out
