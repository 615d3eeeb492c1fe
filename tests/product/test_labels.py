"""What people read of the buffers of a model whose layers are in bands."""

from __future__ import annotations

import json

import pytest
from rich.console import Console

from tests.support.kit import Kit
from tests.tiling.test_random_cuts import tiled
from tflopt.io import read_bytes, write_bytes
from tflopt.ir import Model
from tflopt.plan.lifetimes import ScratchRef
from tflopt.product.labels import Labels
from tflopt.product.memory import best_plan, memory_rows, timeline
from tflopt.report.console_memory import print_memory
from tflopt.report.memory_map import memory_picture
from tflopt.report.occupancy import occupancy
from tflopt.target.device import Device
from tflopt.target.memory import PlanRequest, memory_of
from tflopt.tiling.segment import Edge, Halo, Segment

pytestmark = pytest.mark.unit


def original() -> Model:
    """Two convolutions, the inner tensor named."""
    n = Kit(5)
    x = n.input((1, 8, 6, 4), name="image")
    inner = n.conv2d(x, 6)
    inner.name = "block/conv"
    n.output(n.conv2d(inner, 5))
    for value in n.model.main.values:
        if value.name not in ("image", "block/conv"):
            value.name = None
    return read_bytes(write_bytes(n.model))


def banded(model: Model, halo: Halo = Halo.TWICE, edge: Edge = Edge.PAD) -> Model:
    found = tiled(model, [Segment(0, 1, (0, 3, 8), halo=halo, edge=edge)])
    assert found is not None
    return found


def origins(model: Model, source: Model | None = None) -> list[str | None]:
    labels = Labels(model, source)
    return [labels.origin(buffer) for buffer in memory_of(model, Device()).head.buffers]


def test_rows_of_a_whole_tensor_and_bands_of_layers() -> None:
    model = read_bytes(write_bytes(banded(original())))
    found = origins(model)
    assert "rows 1 to 4 of image" in found
    assert "CONV_2D 3, band 1 of 2" in found
    assert "padded rows of CONV_2D 3, band 1 of 2" in found
    assert "CONV_2D 5, band 2 of 2" in found
    assert "rows of CONV_2D 5, bands 1 and 2 of 2" in found


def test_rows_that_the_next_band_gets_from_the_last() -> None:
    model = read_bytes(write_bytes(banded(original(), Halo.KEPT)))
    assert any(text and text.endswith(", bands 1 and 2 of 2") for text in origins(model)[:-1])


def test_rows_of_the_original_where_the_rewriter_knows_them() -> None:
    source = original()
    for edge in (Edge.PAD, Edge.CUT):
        found = origins(banded(source, edge=edge), source)
        assert {"rows 0 to 3 of block/conv", "rows 2 to 7 of block/conv"} <= set(found), edge


def test_scratch_is_for_a_band() -> None:
    model = banded(original())
    labels = Labels(model)
    scratch = [b for b in memory_of(model, Device()).head.buffers if isinstance(b.ref, ScratchRef)]
    assert scratch
    assert all(", band " in (labels.origin(buffer) or "") for buffer in scratch)


def test_a_model_without_bands_says_nothing_of_them() -> None:
    assert set(origins(original())) == {None}


def test_a_timeline_has_the_offset_of_each_buffer() -> None:
    """Also where names are the same, as bands have them that keep the name of their layer."""
    model = banded(original())
    for value in model.main.values:
        value.name = "same"
    memory = memory_of(model, Device())
    offsets = [sorted(step.offsets) for step in timeline(model, memory)]
    live: list[list[int]] = [[] for _ in model.main.ops]
    for buffer, at in zip(memory.head.buffers, memory.head.offsets, strict=True):
        for step in range(max(buffer.first_used, 1), buffer.last_used + 1):
            live[step - 1].append(at)
    assert offsets == [sorted(each) for each in live]


def test_all_views_name_the_layer() -> None:
    """The terminal, JSON, and the memory map as HTML has it."""
    model = read_bytes(write_bytes(banded(original())))
    device = Device()
    memory, plan = memory_of(model, device), best_plan(model, device)
    told = "CONV_2D 5, band 2 of 2"

    console = Console(width=140, record=True, quiet=False, file=None)
    with console.capture() as capture:
        print_memory(console, model, memory, plan, [])
    lines = capture.get().splitlines()
    assert sum(told in line for line in lines) == 2
    assert any("rows 1 to 4 of image" in line for line in lines)

    data = json.loads(json.dumps(memory_rows(model, memory, plan, [])))
    assert told in {step["origin"] for step in data["timeline"]}
    assert told in {buffer["origin"] for buffer in data["buffers"]}

    found = occupancy(model, memory, PlanRequest())
    assert f"({told}): tensor" in memory_picture(found, title="t").svg
