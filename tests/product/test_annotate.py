"""The annotation that ``optimize`` leaves: what it says, where it goes, when it stays."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.cli import Cli
from tests.support.graphs import Net
from tests.support.paths import TESTDATA
from tflopt.annotation.annotate import (
    Annotate,
    applied_rules,
    attach,
    is_for_device_only,
    make_annotation,
    read_annotation,
)
from tflopt.config import Config, Strip
from tflopt.errors import ModelError, UnsupportedError
from tflopt.io import read, read_bytes, write_bytes
from tflopt.ir import Metadata
from tflopt.plan.describe import read_plan, write_plan
from tflopt.product.optimize import Result, Settings, optimize_file_bytes
from tflopt.rules.pipeline import Selection
from tflopt.target import Target
from tflopt.target.annotation import METADATA_NAME, Annotation, decode, encode
from tflopt.target.annotation.record import DIGEST_BYTES
from tflopt.target.cortex_m import Isa
from tflopt.target.device import Device
from tflopt.target.kernel_sets import PORTABLE
from tflopt.target.memory import PlanRequest, memory_of
from tflopt.version import __version__

pytestmark = pytest.mark.unit
PATH = TESTDATA / "mobilenet_v1.tflite"
FAST = Settings(samples=None)
OVERLAP = Config(plan=PlanRequest(overlap="target"))


def optimized(data: bytes, settings: Settings = FAST) -> Result:
    return optimize_file_bytes(read_bytes(data), data, settings)


def annotation_of(result: Result) -> Annotation:
    found = read_annotation(read_bytes(result.data))
    assert found is not None
    return found


@pytest.mark.long
@pytest.mark.parametrize("target", ["cortex-m0", "cortex-m4", "cortex-m33+nodsp", "cortex-m55"])
@pytest.mark.parametrize("version", ["7.0.0", "4ab83cc", "99f736a"])
def test_it_says_what_the_memory_table_says(target: str, version: str) -> None:
    device = Device.of(target, version)
    data = PATH.read_bytes()
    result = optimized(data, replace(FAST, config=Config(device=device)))
    memory, found = memory_of(read_bytes(result.data), device), annotation_of(result)
    assert result.annotation == encode(found)
    assert [(op.subgraph, op.index, op.scratch_bytes) for op in found.operators] == [
        (row.subgraph, row.index, row.use.scratch_total_bytes)
        for row in memory.table
        if row.use.scratch_total_bytes
    ]
    arena = memory.arena
    assert found.arena_head_bytes == arena.head_bytes
    assert found.arena_head_bytes + found.arena_tail_bytes == arena.used_bytes
    assert found.arena_total_bytes == arena.minimum_bytes
    assert (found.target, found.isa, found.cmsis_nn) == (target, device.target.isa, version)
    assert found.tool == __version__
    assert found.source_sha256 == hashlib.sha256(data).digest()[:DIGEST_BYTES]
    assert set(applied_rules(found)) == set(result.trace.counts)
    assert not found.isa_specific_overlap


def test_operators_whose_memory_is_unknown() -> None:
    kept = replace(FAST, selection=Selection(disable=("repeat-to-resize",)))  # TFLM has no TILE
    result = optimized((TESTDATA / "upsampling1d.tflite").read_bytes(), kept)
    operators = annotation_of(result).operators
    assert None in [op.scratch_bytes for op in operators]


@pytest.mark.parametrize(
    "settings",
    [
        replace(FAST, annotate=Annotate.NONE),
        replace(FAST, annotate=Annotate.FILE),
        replace(FAST, config=Config(strip=Strip.ALL)),
        replace(FAST, selection=Selection(only=())),
    ],
    ids=["none", "file", "strip all", "no rule"],
)
def test_where_the_model_carries_none(settings: Settings) -> None:
    result = optimized(PATH.read_bytes(), settings)
    assert read_annotation(read_bytes(result.data)) is None
    assert METADATA_NAME.encode() not in result.data
    assert decode(result.annotation).arena_total_bytes


def test_strip_all_removes_one_that_is_there() -> None:
    first = optimized(PATH.read_bytes())
    assert METADATA_NAME.encode() in first.data
    second = optimized(first.data, replace(FAST, config=Config(strip=Strip.ALL)))
    assert METADATA_NAME.encode() not in second.data


@pytest.mark.long
@pytest.mark.parametrize("stem", ["mobilenet_v1", "ds_cnn", "while_loop", "streaming_variables"])
@pytest.mark.parametrize("config", [Config(), OVERLAP], ids=["plain", "overlap"])
def test_optimizing_again_gives_the_same_bytes(stem: str, config: Config) -> None:
    path = TESTDATA / f"{stem}.tflite"
    settings = replace(FAST, config=config)
    first = optimized(path.read_bytes(), settings)
    second = optimized(first.data, settings)
    assert not second.trace.hits
    assert second.data == first.data


def test_another_target_gives_another_annotation_of_the_same_source() -> None:
    data = PATH.read_bytes()
    first = optimized(data)
    config = Config(device=Device(Target.parse("cortex-m4")))
    second = optimized(first.data, replace(FAST, config=config))
    found = annotation_of(second)
    assert found.target == "cortex-m4"
    entries = [m for m in second.model.metadata or () if m.name == METADATA_NAME]
    assert len(entries) == 1
    if not second.trace.hits:
        assert found.source_sha256 == hashlib.sha256(data).digest()[:DIGEST_BYTES]
        assert found.rules == annotation_of(first).rules


def test_what_a_newer_tflopt_knew_stays_where_nothing_changes() -> None:
    first = optimized(PATH.read_bytes())
    model, newer = read_bytes(first.data), replace(annotation_of(first), rules=(1, 255))
    attach(model, encode(newer))
    second = optimized(write_bytes(model))
    assert not second.trace.hits
    assert annotation_of(second).rules == (1, 255)
    assert applied_rules(annotation_of(second)) == ("merge-views", "rule-255")


def test_rules_that_change_an_optimized_file_make_it_the_source() -> None:
    first = optimized(PATH.read_bytes(), replace(FAST, config=Config(strip=Strip.NONE)))
    second = optimized(first.data)
    assert second.trace.hits
    found = annotation_of(second)
    assert found.source_sha256 == hashlib.sha256(first.data).digest()[:DIGEST_BYTES]


def tiny() -> bytes:
    """As small as it gets already."""
    n = Net()
    n.output(n.relu(n.feed(1, 16)))
    return optimized(write_bytes(n.model), replace(FAST, annotate=Annotate.NONE)).data


def test_it_never_makes_a_file_larger_than_its_source() -> None:
    data = tiny()
    result = optimized(data)
    assert len(result.data) <= len(data)
    assert read_annotation(read_bytes(result.data)) is None
    assert result.annotation
    again = optimized(result.data)
    assert again.data == result.data


def test_one_that_would_make_the_file_larger_is_beside_it(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(tiny())
    out = " ".join(cli("optimize", path, "--no-verify").out.split())
    beside = tmp_path / "m.opt.tflopt"
    found = decode(beside.read_bytes())
    assert f"tflopt's annotation ({beside.stat().st_size} bytes) would make the file larger" in out
    assert found.arena_total_bytes > 0
    assert found.source_sha256 == hashlib.sha256(tiny()).digest()[:DIGEST_BYTES]
    beside.unlink()
    out = cli("optimize", path, "--no-verify", "--annotate", "none").out
    assert "annotation" not in out
    assert not beside.exists()
    assert cli("optimize", path, "-d", tmp_path / "all", "--no-verify").code == 0
    assert decode((tmp_path / "all" / "m.opt.tflopt").read_bytes()) == found


def test_its_bytes_are_stated(cli: Cli, tmp_path: Path) -> None:
    out = cli("optimize", PATH, "-o", tmp_path / "o.tflite", "--no-verify").out
    model = read(tmp_path / "o.tflite")
    [entry] = [entry for entry in model.metadata or () if entry.name == METADATA_NAME]
    assert f"{entry.buffer.size_bytes} of them tflopt's annotation" in out
    assert not (tmp_path / "o.tflopt").exists()


def test_attach_leaves_no_old_buffer_behind() -> None:
    model = read(PATH)
    count = len(model.buffers)
    for content in (b"one", b"two", b"three"):
        attach(model, content)
        assert len(model.buffers) == count + 1
    assert [m.name for m in model.metadata or ()].count(METADATA_NAME) == 1
    assert read_bytes(write_bytes(model)).metadata is not None


def test_attach_keeps_a_buffer_that_others_read() -> None:
    model = read(PATH)
    weights = next(v.buffer for v in model.main.values if v.is_constant and v.buffer is not None)
    model.metadata = [*(model.metadata or ()), Metadata(METADATA_NAME, weights)]
    attach(model, b"new")
    assert weights in model.buffers


def test_a_malformed_annotation_is_replaced() -> None:
    broken = read(PATH)
    attach(broken, b"not a FlatBuffer")
    with pytest.raises(ModelError):
        read_annotation(broken)
    assert not is_for_device_only(broken)
    assert annotation_of(optimized(write_bytes(broken))).operators


def test_overlap_is_marked_where_the_plan_uses_it() -> None:
    data = PATH.read_bytes()
    own = optimized(data, replace(FAST, config=OVERLAP))
    every = optimized(data, replace(FAST, config=Config(plan=PlanRequest(overlap=PORTABLE))))
    assert own.memory_after is not None
    assert own.memory_after.has_plan
    assert annotation_of(own).isa_specific_overlap
    assert not annotation_of(every).isa_specific_overlap
    assert not is_for_device_only(read_bytes(own.data))


def test_another_isa_does_not_inherit_an_overlapping_plan() -> None:
    """Neither where a new plan is made, nor with ``--plan none``."""
    own = optimized(PATH.read_bytes(), replace(FAST, config=OVERLAP))
    device = Device(Target.parse("cortex-m4"))
    for plan in (PlanRequest(), None):
        again = optimized(own.data, replace(FAST, config=Config(device=device, plan=plan)))
        assert read_plan(again.model) != read_plan(own.model)
        assert "plan-memory" in again.trace.counts or "drop-stale-plan" in again.trace.counts
        assert not annotation_of(again).isa_specific_overlap


def test_the_same_device_keeps_an_overlapping_plan_and_its_mark() -> None:
    own = optimized(PATH.read_bytes(), replace(FAST, config=OVERLAP))
    again = optimized(own.data)
    assert again.data == own.data
    assert annotation_of(again).isa_specific_overlap


def test_a_wrong_plan_is_not_taken_for_one_of_a_device() -> None:
    own = read_bytes(optimized(PATH.read_bytes(), replace(FAST, config=OVERLAP)).data)
    offsets = read_plan(own)
    assert offsets is not None
    write_plan(own, [0] * len(offsets))
    assert not is_for_device_only(own)


def test_the_isa_counts_not_the_core() -> None:
    """``cortex-m55+nomve`` has DSP: its annotation must not be read as that of an MVE build."""
    device = Device(Target.parse("cortex-m55+nomve"))
    found = annotation_of(optimized(PATH.read_bytes(), replace(FAST, config=Config(device=device))))
    assert (found.target, found.isa) == ("cortex-m55+nomve", Isa.DSP)


def many_subgraphs() -> bytes:
    """More than the format can number."""
    n = Net()
    n.output(n.relu(n.feed(1, 16)))
    data = write_bytes(n.model)
    model = read_bytes(data)
    source = model.main
    for _ in range(256):
        graph = read_bytes(data).main
        for value in graph.values:
            value.buffer = next(iter(source.values)).buffer
        for op in graph.ops:
            op.opcode = source.ops[0].opcode
        model.graphs.append(graph)
    return write_bytes(model)


def test_many_subgraphs_are_numbered() -> None:
    result = optimized(many_subgraphs(), replace(FAST, selection=Selection(only=("remove-dead",))))
    assert decode(result.annotation).arena_total_bytes


def test_a_model_beyond_the_format_goes_without(monkeypatch: pytest.MonkeyPatch) -> None:
    model = read(PATH)
    memory = memory_of(model, Device())
    huge = replace(memory, arena=replace(memory.arena, minimum_bytes=2**32))
    assert make_annotation(b"", model, huge, []) == b""
    monkeypatch.setattr("tflopt.product.choose.make_annotation", lambda *_: b"")
    assert METADATA_NAME.encode() not in optimized(PATH.read_bytes()).data
    with pytest.raises(UnsupportedError, match="annotate none"):
        optimized(PATH.read_bytes(), replace(FAST, annotate=Annotate.FILE))
