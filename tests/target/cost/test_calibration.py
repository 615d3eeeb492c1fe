"""The grid, the fit and the files: everything of the calibration but the emulator."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import pytest

from benchmarks.calibration.fit import Sample, fit_row, nonnegative_least_squares
from benchmarks.calibration.grid import GROUPS, Layer, Pack, packs
from benchmarks.calibration.measure import Counts, _spread, load, save
from benchmarks.calibration.page import has_place, write_section
from benchmarks.calibration.sample import Group, Sampler
from benchmarks.calibration.table import (
    Measured,
    Origin,
    errors_markdown,
    fit_table,
    merged,
    to_json,
)
from tflopt.io import read_bytes
from tflopt.ir import DType
from tflopt.ir.verify import verify
from tflopt.target import Target
from tflopt.target.cost import Basis, LayerSpec, TensorSpec, predict_layer
from tflopt.target.cost.tables import CORES, load_table, parse_table
from tflopt.target.device import Device

pytestmark = pytest.mark.unit
DEVICES = {name: Device(Target.parse(name)) for name in CORES}


@pytest.fixture(scope="module")
def grid() -> list[Pack]:
    return list(packs(GROUPS, seed=7, scale=0.05))


def test_the_same_seed_draws_the_same_grid(grid: list[Pack]) -> None:
    again = list(packs(GROUPS, seed=7, scale=0.05))
    other = list(packs(GROUPS, seed=8, scale=0.05))
    assert [pack.data for pack in again] == [pack.data for pack in grid]
    assert [pack.data for pack in other] != [pack.data for pack in grid]


def test_groups_have_names_of_their_own() -> None:
    names = [group.name for group in GROUPS]
    assert len(set(names)) == len(names)


def test_the_grid_is_valid(grid: list[Pack]) -> None:
    for pack in grid:
        model = read_bytes(pack.data)
        verify(model, "the grid")
        assert len(model.main.ops) == len(pack.layers)


@pytest.mark.parametrize("device", DEVICES.values(), ids=lambda device: str(device.target))
def test_every_layer_of_the_grid_is_measured(grid: list[Pack], device: Device) -> None:
    for pack in grid:
        for layer in pack.layers:
            prediction = predict_layer(layer.spec, device)
            assert prediction.basis is Basis.MEASURED, (layer.group, prediction.kernel)
            assert prediction.instructions > 0


def bent(spec: LayerSpec, dice: Random) -> LayerSpec:
    """The layer with other shapes, without some inputs or outputs, or with other constants."""
    inputs = tuple(
        None if each is None or dice.random() < 0.1 else bent_tensor(each, dice)
        for each in spec.inputs
    )
    outputs = tuple(bent_tensor(each, dice) for each in spec.outputs if dice.random() < 0.9)
    options = spec.options if dice.random() < 0.8 else None
    return replace(spec, inputs=inputs, outputs=outputs, options=options)


def bent_tensor(tensor: TensorSpec, dice: Random) -> TensorSpec:
    if dice.random() < 0.4:
        shape = tuple(dice.randint(0, 6) for _ in range(dice.randint(0, 6)))
        tensor = replace(tensor, shape=shape)
    if tensor.ints is not None and dice.random() < 0.4:
        ints = tuple(dice.randint(-3, 9) for _ in range(dice.randint(1, 6)))
        tensor = replace(tensor, ints=ints, shape=(len(ints),))
    if tensor.ints is not None or dice.random() < 0.8:
        return tensor
    return replace(tensor, dtype=dice.choice(list(DType)))


def test_no_layer_however_bent_makes_a_prediction_raise(grid: list[Pack]) -> None:
    dice = Random(11)
    for pack in grid:
        for layer in pack.layers:
            for device in DEVICES.values():
                spec = bent(layer.spec, dice)
                assert predict_layer(spec, device).instructions >= 0, spec


def test_least_squares_find_what_made_the_numbers() -> None:
    rng = np.random.default_rng(1)
    matrix = rng.random((60, 5))
    costs = np.array([0.0, 3.0, 0.5, 0.0, 11.0])
    found = nonnegative_least_squares(matrix, matrix @ costs)
    assert found == pytest.approx(costs, abs=1e-9)


def test_least_squares_are_never_negative_and_best_at_the_bound() -> None:
    rng = np.random.default_rng(2)
    for _ in range(50):
        matrix, target = rng.random((20, 4)), rng.normal(size=20)
        found = nonnegative_least_squares(matrix, target)
        assert (found >= 0).all()
        gradient = matrix.T @ (target - matrix @ found)
        assert gradient[found > 0] == pytest.approx(0, abs=1e-8)
        assert (gradient[found == 0] <= 1e-8).all()


def samples(count: int, noise: float = 0.0) -> list[Sample]:
    rng = np.random.default_rng(3)
    found = []
    for _ in range(count):
        work = float(rng.integers(1_000, 100_000))
        cost = (500 + 2 * work) * (1 + noise * rng.normal())
        found.append(Sample({"call": 1.0, "work": work}, cost))
    return found


def test_errors_are_those_of_held_out_layers() -> None:
    exact = fit_row(samples(40))
    assert (exact.layers, exact.held_out) == (30, 10)
    assert exact.coefficients == pytest.approx({"call": 500, "work": 2})
    assert exact.p90_error == 0
    rough = fit_row(samples(400, noise=0.1))
    assert 0.05 < rough.median_error < 0.1
    assert rough.median_error < rough.p90_error < 0.25


def test_a_table_survives_its_file(grid: list[Pack], tmp_path: Path) -> None:
    device = DEVICES["cortex-m55"]
    layers = [Measured(layer.spec, 1000.0 + i) for i, layer in enumerate(_layers(grid))]
    table = fit_table(layers * 3, device, "cortex-m55", Origin("today", "TFLM", "gcc", "QEMU"))
    text = to_json(table)
    assert parse_table(text) == table
    assert text.count("\n  ") == len(table.rows)
    page = tmp_path / "page.md"
    page.write_text("a\n<!-- begin cortex-m55 -->\nold\n<!-- end cortex-m55 -->\nb\n")
    write_section(page, "cortex-m55", table, errors_markdown(table) + "\n")
    write_section(page, "cortex-m55", table, errors_markdown(table) + "\n")
    written = page.read_text()
    assert written.startswith("a\n")
    assert written.endswith("b\n")
    assert "old" not in written
    assert written.count("| kernel |") == 1
    assert has_place(page, "cortex-m55")
    assert not has_place(page, "cortex-m4")
    with pytest.raises(ValueError, match="no place"):
        write_section(page, "cortex-m4", table, "")


def test_a_refit_of_some_rows_keeps_the_others() -> None:
    old = load_table("cortex-m55")
    fit = replace(old.rows["SPLIT"], median_error=0.5)
    new = replace(old, date="today", rows={"SPLIT": fit, "new": fit})
    found = merged(old, new)
    assert found.date == "today"
    assert found.rows == {**old.rows, "SPLIT": fit, "new": fit}
    assert list(found.rows) == sorted(found.rows)


def test_a_row_that_few_layers_reach_by_the_way_stays() -> None:
    old = load_table("cortex-m55")
    fit = replace(old.rows["SPLIT"], layers=old.rows["SPLIT"].layers - 1)
    assert merged(old, replace(old, rows={"SPLIT": fit})).rows == old.rows


@pytest.mark.parametrize(("low", "high"), [(-128, 128), (-32768, 32768)])
@pytest.mark.parametrize("count", [1, 7, 256, 1000])
def test_inputs_are_spread_evenly(low: int, high: int, count: int) -> None:
    found = np.sort(_spread(count, low, high, np.random.default_rng(1)))
    steps = np.arange(count + 1) * (high - low) / count + low
    assert (np.floor(steps[:-1]) <= found).all()
    assert (found <= steps[1:]).all()
    assert low <= found[0]
    assert found[-1] < high


def _layers(grid: list[Pack]) -> list[Layer]:
    return [layer for pack in grid for layer in pack.layers]


def test_kept_counts_belong_to_their_grid(grid: list[Pack], tmp_path: Path) -> None:
    counts = Counts("gcc", tuple(tuple(range(len(pack.layers))) for pack in grid))
    path = tmp_path / "counts.json"
    save(path, counts, grid)
    assert load(path, grid) == counts
    assert [layer.instructions for layer in counts.layers(grid)][:2] == [0.0, 1.0]
    with pytest.raises(ValueError, match="another grid"):
        load(path, grid[1:])


def test_sizes_are_spread_evenly_in_their_logarithm() -> None:
    sampler = Sampler(None)  # type: ignore[arg-type]
    sizes = [sampler.size(1, 100) for _ in range(4_000)]
    assert min(sizes) == 1
    assert max(sizes) == 100
    assert 0.4 < sum(size <= 10 for size in sizes) / len(sizes) < 0.6


def test_a_group_always_gives_some_layers() -> None:
    group: Group = GROUPS[0]
    assert sum(len(pack.layers) for pack in packs([group], 1, scale=0.0)) == 4
