"""``optimize``: plans, overlaps, pins, budgets, annotations; and ``validate`` on such files."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.support.cli import Cli, Ran
from tests.support.graphs import Net
from tests.support.paths import TESTDATA, needs_tflm
from tflopt.annotation.annotate import is_for_device_only, read_annotation
from tflopt.io import read, write_bytes
from tflopt.plan.describe import read_plan, write_plan
from tflopt.product.validation import OVERLAP_NOTE
from tflopt.target import Target
from tflopt.target.annotation import decode
from tflopt.target.device import Device
from tflopt.target.memory import Memory, memory_of
from tflopt.target.plan_check import plan_findings

pytestmark = pytest.mark.unit
PATH = TESTDATA / "mobilenet_v1.tflite"
INPUT = "serving_default_keras_tensor:0"
OUT = Path("out.tflite")
M55 = Device()


def run(cli: Cli, *arguments: object, source: Path = PATH) -> Ran:
    return cli("optimize", source, "-o", OUT, "--no-verify", "-q", *arguments)


def optimized(cli: Cli, *arguments: object, source: Path = PATH) -> Memory:
    ran = run(cli, *arguments, source=source)
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    return memory_of(read(OUT), M55)


def offset_of(name: str) -> int:
    model = read(OUT)
    offsets = read_plan(model)
    assert offsets is not None
    return offsets[[value.name for value in model.main.values].index(name)]


def failure(cli: Cli, *arguments: object, source: Path = PATH) -> tuple[int, str]:
    ran = run(cli, *arguments, source=source)
    assert not OUT.exists()
    return ran.code, ran.only_error


def test_a_plan_by_default_and_none_on_request(cli: Cli) -> None:
    assert optimized(cli).arena.head_bytes == 13824
    assert optimized(cli, "--no-overlap").arena.head_bytes == 15984
    none = optimized(cli, "--plan", "none")
    assert not none.has_plan
    assert none.arena.head_bytes == 18432


def test_plan_none_keeps_a_right_plan_and_drops_a_wrong_one(cli: Cli, tmp_path: Path) -> None:
    optimized(cli)
    planned = tmp_path / "planned.tflite"
    OUT.rename(planned)
    assert optimized(cli, "--plan", "none", source=planned).has_plan
    model = read(planned)
    write_plan(model, [0] * len(model.main.values))
    planned.write_bytes(write_bytes(model))
    assert not optimized(cli, "--plan", "none", source=planned).has_plan


def test_overlap_needs_this_isa(cli: Cli) -> None:
    assert optimized(cli, "--overlap").arena.head_bytes < 15984
    model = read(OUT)
    assert not is_for_device_only(model)
    annotation = read_annotation(model)
    assert annotation is not None
    assert annotation.isa_specific_overlap
    assert not plan_findings(model, M55)
    assert plan_findings(model, Device(Target.parse("cortex-m4")))


def test_overlap_all_is_right_everywhere(cli: Cli) -> None:
    optimized(cli, "--overlap-all")
    model = read(OUT)
    annotation = read_annotation(model)
    assert annotation is not None
    assert not annotation.isa_specific_overlap
    for name in ("cortex-m0", "cortex-m4", "cortex-m55"):
        assert not plan_findings(model, Device(Target.parse(name)))


def test_overlaps_exclude_each_other(cli: Cli) -> None:
    assert failure(cli, "--overlap", "--overlap-all")[0] == 2


@needs_tflm
@pytest.mark.runtime
@pytest.mark.parametrize(
    ("options", "note"),
    [([], ""), (["--overlap"], ""), (["--overlap-all"], OVERLAP_NOTE)],
)
def test_only_a_plan_for_cmsis_nn_alone_is_verified_without_it(
    cli: Cli, options: list[str], note: str
) -> None:
    path = TESTDATA / "resnet8.tflite"
    ran = cli("optimize", path, "-o", OUT, "--samples", 2, "--report", "-", *options)
    assert ran.code == 0
    verdict = json.loads(ran.out)["verification"]
    assert (verdict["status"], verdict["note"]) == ("identical", note)
    assert read_plan(read(OUT)) is not None
    ran = cli("validate", path, OUT, "--samples", 2, "--json")
    assert ran.code == 0
    verdict = json.loads(ran.out)["verification"]
    assert (verdict["status"], verdict["note"]) == ("identical", note)
    again = cli("optimize", OUT, "-o", "again.tflite", "--samples", 2, *options, "-q")
    assert (again.code, again.err) == (0, "")


def test_overlaps_are_closer_the_fewer_kernels_they_trust(cli: Cli) -> None:
    heads = [
        optimized(cli, *options).arena.head_bytes
        for options in (["--no-overlap"], [], ["--overlap"])
    ]
    assert heads == sorted(heads, reverse=True)
    assert len(set(heads)) == 3


@needs_tflm
@pytest.mark.runtime
@pytest.mark.parametrize("option", ["--overlap", "--plan"])
def test_validate_finds_a_plan_that_was_made_wrong(cli: Cli, option: str) -> None:
    optimized(cli, *(("--overlap",) if option == "--overlap" else ("--plan", "offline")))
    model = read(OUT)
    write_plan(model, [0] * len(model.main.values))
    Path("wrong.tflite").write_bytes(write_bytes(model))
    ran = cli("validate", PATH, "wrong.tflite", "--samples", 2)
    assert ran.code == 1
    assert "different" in ran.out


def test_pins(cli: Cli) -> None:
    optimized(cli, "--pin", f"{INPUT}=4K", "--pin", "StatefulPartitionedCall:0=16")
    assert offset_of(INPUT) == 4096
    assert offset_of("StatefulPartitionedCall:0") == 16


@pytest.mark.parametrize(
    ("pin", "reason"),
    [
        (f"{INPUT}=17", "not a multiple of 16"),
        (f"{INPUT}=2G", "31 bits"),
        (f"{INPUT}=x", "is not a size"),
        (f"{INPUT}=-16", "is not a size"),
        ("nowhere=16", "name of a tensor"),
        ("=16", "name of a tensor"),
        (INPUT, "name of a tensor"),
    ],
)
def test_pins_that_make_no_sense(cli: Cli, pin: str, reason: str) -> None:
    code, message = failure(cli, "--pin", pin)
    assert code == 2
    assert reason in message


def test_a_constant_can_t_be_pinned(cli: Cli, tmp_path: Path) -> None:
    n = Net()
    weights = n.constant([[1] * 16], name="weights")
    n.output(n.relu(n.feed(1, 16)))
    n.op(n.model.main.ops[0].code, [weights], (1, 16))
    path = tmp_path / "constant.tflite"
    path.write_bytes(write_bytes(n.model))
    code, message = failure(cli, "--pin", "weights=16", source=path)
    assert code == 2
    assert "pinned" in message


def test_pins_that_clash_fail_with_both_names(cli: Cli) -> None:
    first = next(op.output for op in read(PATH).main.ops).name
    apart = (
        "--disable",
        "fold-stride-into-channels",
    )  # its view lives on there
    code, message = failure(cli, "--pin", f"{INPUT}=0", "--pin", f"{first}=16", *apart)
    assert code == 1
    assert INPUT in message


def test_preserved_inputs(cli: Cli) -> None:
    memory = optimized(cli, "--preserve-inputs")
    assert memory.has_plan
    at = offset_of(INPUT)
    placed = [
        (offset, offset + buffer.size_bytes)
        for buffer, offset in zip(memory.head.buffers, memory.head.offsets, strict=True)
        if buffer.size_bytes
    ]
    size = next(v for v in read(OUT).main.inputs).size_bytes or 0
    assert [span for span in placed if span[0] < at + size and at < span[1]] == [(at, at + size)]


def test_a_reserved_head(cli: Cli) -> None:
    optimized(cli, "--reserve-head", "1K")
    offsets = [offset for offset in read_plan(read(OUT)) or () if offset >= 0]
    assert offsets
    assert min(offsets) >= 1024


def test_aligned_tensors(cli: Cli) -> None:
    optimized(cli, "--arena-alignment", 128)
    offsets = [offset for offset in read_plan(read(OUT)) or () if offset >= 0]
    assert offsets
    assert not any(offset % 128 for offset in offsets)
    assert failure_after_success(cli, "--arena-alignment", 24) == 2


def failure_after_success(cli: Cli, *arguments: object) -> int:
    OUT.unlink()
    return failure(cli, *arguments)[0]


@pytest.mark.parametrize("size", ["x", "-5", "1.5XB", "", "K"])
@pytest.mark.parametrize("option", ["--max-arena", "--reserve-head"])
def test_sizes_that_make_no_sense(cli: Cli, option: str, size: str) -> None:
    code, message = failure(cli, option, size)
    assert code == 2
    assert "64K" in message


def test_a_head_beyond_what_the_runtime_can_address(cli: Cli) -> None:
    assert failure(cli, "--reserve-head", "2G")[0] == 2
    assert failure(cli, "--reserve-head", str((1 << 31) - 1024))[0] == 1


def test_an_arena_of_exactly_enough(cli: Cli) -> None:
    need = optimized(cli).arena.minimum_bytes
    optimized(cli, "--max-arena", need)
    optimized(cli, "--max-arena", "64K")
    optimized(cli, "--max-arena", "1.5MiB")


def test_an_arena_one_byte_too_small_is_found_elsewhere(cli: Cli) -> None:
    need = optimized(cli).arena.minimum_bytes
    OUT.unlink()
    assert optimized(cli, "--max-arena", need - 1, "--tile", "off").arena.minimum_bytes < need


def test_an_arena_far_too_small_names_the_closest_and_its_culprits(cli: Cli) -> None:
    need = optimized(cli).arena.minimum_bytes
    OUT.unlink()
    code, message = failure(cli, "--max-arena", 4096, "--tile", "off")
    assert code == 1
    found = re.search(r"needs ([\d,]+) bytes, ([\d,]+) more than the limit of 4,096", message)
    assert found is not None
    needed, over = (int(text.replace(",", "")) for text in found.groups())
    assert needed == 4096 + over
    assert needed <= need
    assert "live together: operator 3 DEPTHWISE_CONV_2D" in message
    assert "functional_1/re_lu_2_1/Relu" in message  # its name in the input
    assert "the closest of" in message


def test_annotation_in_a_side_file(cli: Cli) -> None:
    optimized(cli, "--annotate", "file")
    assert read_annotation(read(OUT)) is None
    annotation = decode(OUT.with_suffix(".tflopt").read_bytes())
    assert annotation.arena_total_bytes == memory_of(read(OUT), M55).arena.minimum_bytes


def test_annotation_or_none(cli: Cli) -> None:
    optimized(cli)
    assert read_annotation(read(OUT)) is not None
    for arguments in (("--annotate", "none"), ("--strip", "all"), ("--only", "")):
        optimized(cli, *arguments)
        assert read_annotation(read(OUT)) is None
        assert not OUT.with_suffix(".tflopt").exists()


def test_an_unknown_version_of_cmsis_nn(cli: Cli) -> None:
    code, message = failure(cli, "--cmsis-nn", "6.0.0")
    assert code == 2
    assert all(name in message for name in ("7.0.0", "4ab83cc", "99f736a"))


def test_optimizing_again_for_the_same_target_changes_nothing(cli: Cli, tmp_path: Path) -> None:
    optimized(cli)
    once = tmp_path / "once.tflite"
    OUT.rename(once)
    optimized(cli, source=once)
    assert OUT.read_bytes() == once.read_bytes()
