"""Arenas, scratch tables and plans of whole models, through the public functions."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.support.arenas import MEASURED
from tests.support.graphs import Net
from tests.support.paths import SHARED, every_model, needs_tflm
from tflopt.errors import UsageError
from tflopt.io import read, write_bytes
from tflopt.ir import Model, OpCode
from tflopt.ir.clone import clone
from tflopt.plan.describe import write_plan
from tflopt.plan.lifetimes import ScratchRef, TensorRef
from tflopt.plan.offline import OfflineOptions, OfflinePlan, simulate_head
from tflopt.plan.problem import Alias, Buffer, Lifetime, Problem, Solution, align_up
from tflopt.plan.validate import validate
from tflopt.run.samples import SampleOptions
from tflopt.target import Target
from tflopt.target.cmsis_nn import find_version
from tflopt.target.device import Device
from tflopt.target.kernel_sets import (
    APART,
    CMSIS_NN_SETS,
    EVERY,
    ISA_ALONE,
    PORTABLE,
    THIS_ISA,
    KernelSet,
)
from tflopt.target.memory import (
    Memory,
    PlanRequest,
    description_of,
    memory_of,
    plan_memory,
)
from tflopt.target.plan_check import (
    bearers,
    is_plan_wrong,
    needs_cmsis_nn,
    needs_its_isa,
    plan_findings,
)
from tflopt.target.use import Path as KernelPath
from tflopt.verify.compare import Candidate, compare

TARGETS = ("cortex-m0", "cortex-m4", "cortex-m33+nodsp", "cortex-m55")
PINNED = find_version("4ab83cc")
M55 = Device.of("cortex-m55", PINNED)
M4 = Device.of("cortex-m4", PINNED)
M0 = Device.of("cortex-m0", PINNED)


@cache
def shared(name: str) -> Model:
    path = SHARED / f"{name}.tflite"
    if not path.exists():
        pytest.skip(f"{path} is absent")
    return read(path)


def scratch_of_table(memory: Memory) -> dict[ScratchRef, int]:
    return {
        ScratchRef(row.subgraph, row.index, request): align_up(size_bytes, 16)
        for row in memory.table
        for request, size_bytes in enumerate(row.use.scratch_bytes or ())
    }


def scratch_of_planner(memory: Memory) -> dict[ScratchRef, int]:
    return {b.ref: b.size_bytes for b in memory.head.buffers if isinstance(b.ref, ScratchRef)}


@pytest.mark.unit
@every_model
@pytest.mark.parametrize("target", TARGETS)
def test_the_table_has_the_scratch_that_the_planner_uses(path: Path, target: str) -> None:
    model = read(path)
    memory = memory_of(model, Device(Target.parse(target)))
    assert [(row.subgraph, row.op) for row in memory.table] == [
        (number, op) for number, graph in enumerate(model.graphs) for op in graph.ops
    ]
    assert scratch_of_table(memory) == scratch_of_planner(memory)
    largest = max((row.use.scratch_total_bytes for row in memory.table), default=0)
    assert memory.scratch_bytes == largest
    for row in memory.table:
        assert row.use.function
        assert row.use.path is KernelPath.OPTIMIZED or row.use.why_not_faster, row


@pytest.mark.unit
@pytest.mark.parametrize("name", MEASURED)
def test_used_bytes_are_those_that_were_measured(name: str) -> None:
    for device, used_bytes in zip((M55, M4), MEASURED[name], strict=True):
        if used_bytes is not None:
            assert memory_of(shared(name), device).arena.used_bytes == used_bytes


@pytest.mark.unit
@pytest.mark.parametrize("device", [M55, M4], ids=["m55", "m4"])
def test_visual_wake_words_without_aliasing(device: Device) -> None:
    plan = plan_memory(shared("vww_96_int8"), device, PlanRequest(in_place=False, overlap=APART))
    assert (plan.online_head_bytes, plan.head_bytes) == (73728, 55296)
    assert plan.proven_optimal


@pytest.mark.unit
def test_visual_wake_words_with_overlap_and_why_not_less() -> None:
    """40,000 bytes are impossible: the runtime keeps an operator's input and scratch apart."""
    model = shared("vww_96_int8")
    plan = plan_memory(model, M55, PlanRequest(overlap="target"))
    assert plan.head_bytes == plan.lower_bound == 41328
    assert plan.proven_optimal
    needs = {
        (row.op.inputs[0].size_bytes, row.use.scratch_total_bytes): row.op.code
        for row in memory_of(model, M55).table
        if row.op.inputs[0] is not None
    }
    assert needs[36864, 4464] is OpCode.DEPTHWISE_CONV_2D
    assert 36864 + 4464 == 41328


@pytest.mark.long
@needs_tflm
@pytest.mark.runtime
@every_model
def test_outputs_stay_with_a_plan_even_where_none_is_worth_its_flash(path: Path) -> None:
    model = read(path)
    plan = plan_memory(model, M55, PlanRequest())
    if plan.declined:
        pytest.skip(plan.declined)
    planned = clone(model)
    write_plan(planned, plan.offsets)
    first, second = Candidate(model, path.read_bytes()), Candidate(planned, write_bytes(planned))
    verdict = compare(first, second, runner="tflm", options=SampleOptions(2))
    if verdict.status == "not verified":
        pytest.skip(verdict.note)
    assert verdict.status == "identical"


def chain_with_two_outputs() -> Model:
    """The last operator reads one output and writes the other."""
    n = Net()
    first = n.relu(n.feed(1, 4, 4, 8))
    n.output(first, n.add(first, first))
    return n.model


def planned(model: Model, plan: OfflinePlan) -> Model:
    copy = clone(model)
    write_plan(copy, plan.offsets)
    return copy


@pytest.mark.runtime
def test_an_output_is_not_overwritten_by_the_next_one() -> None:
    model = chain_with_two_outputs()
    plan = plan_memory(model, M55, PlanRequest())
    assert plan.offsets[1] != plan.offsets[2]
    assert plan.head_bytes == 256
    verdict = compare(Candidate(model, write_bytes(model)), candidate(planned(model, plan)))
    assert verdict.status == "identical"


def candidate(model: Model) -> Candidate:
    return Candidate(model, write_bytes(model))


@pytest.mark.runtime
def test_a_plan_that_overwrites_an_output_is_found() -> None:
    model = chain_with_two_outputs()
    write_plan(model, [0, 0, 0])
    assert is_plan_wrong(model, M55)
    assert not needs_cmsis_nn(model, M55)
    assert compare(candidate(chain_with_two_outputs()), candidate(model)).status == "different"


@pytest.mark.unit
def test_a_tensor_is_not_overwritten_before_its_last_reader() -> None:
    """The second operator's output dies at once, so the two meet in one step only."""
    n = Net()
    first = n.relu(n.feed(1, 64))
    dead = n.add(first, first)
    n.output(n.relu(first))
    plan = plan_memory(n.model, M55, PlanRequest())
    index = {value: number for number, value in enumerate(n.model.main.values)}
    assert plan.offsets[index[first]] != plan.offsets[index[dead]]
    write_plan(n.model, [0, 0, 0, 64])
    assert is_plan_wrong(n.model, M55)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("first", "second", "hands_over"),
    [
        ((0, 2), (2, 3), True),  # they never meet
        ((0, 3), (2, 5), True),
        ((0, 3), (2, 3), True),
        ((0, 4), (2, 3), False),  # the first outlives the step
        ((0, 4), (2, 5), False),  # two steps
    ],
)
def test_which_lifetimes_may_share_bytes(
    first: tuple[int, int], second: tuple[int, int], hands_over: bool
) -> None:
    one, two = Lifetime(*first), Lifetime(*second)
    assert one.hands_over(two) is two.hands_over(one) is hands_over
    problem = Problem([Buffer("a", one, 16), Buffer("b", two, 16)], [Alias.equal(0, 1)])
    height = 16
    assert (not validate(problem, Solution((0, 0), height))) is hands_over


def neighbours(model: Model, plan: OfflinePlan, tensor: int) -> Iterator[object]:
    """What shares a byte with a tensor, at whatever time, where the runtime puts everything."""
    use = simulate_head(description_of(model, M55), plan.offsets)
    placed = list(zip(use.buffers, use.offsets, strict=True))
    at, size = next((o, b.size_bytes) for b, o in placed if b.ref == TensorRef(0, tensor))
    for buffer, offset in placed:
        apart = offset >= at + size or offset + buffer.size_bytes <= at
        if buffer.ref != TensorRef(0, tensor) and buffer.size_bytes and not apart:
            yield buffer.ref


@pytest.mark.unit
@pytest.mark.parametrize("name", ["vww_96_int8", "kws_ref_model", "micro_speech_quantized"])
@pytest.mark.parametrize("overlap", ["", "target"])
def test_preserved_inputs_share_no_byte_with_anything(name: str, overlap: str) -> None:
    model = shared(name)
    tensor = list(model.main.values).index(model.main.inputs[0])
    kept, free = (
        plan_memory(
            model, M55, PlanRequest(overlap=overlap, offline=OfflineOptions(preserve_inputs=p))
        )
        for p in (True, False)
    )
    views = {OpCode.RESHAPE, OpCode.SQUEEZE, OpCode.EXPAND_DIMS}
    content = {
        TensorRef(0, list(model.main.values).index(op.output))
        for op in model.main.inputs[0].users
        if op.code in views
    }
    assert set(neighbours(model, kept, tensor)) <= content
    assert set(neighbours(model, free, tensor)) - content
    assert kept.head_bytes >= free.head_bytes


@pytest.mark.unit
def test_a_preserved_input_of_the_last_operator_is_not_overwritten() -> None:
    n = Net()
    n.output(n.relu(n.feed(1, 64)))
    options = OfflineOptions(preserve_inputs=True)
    assert plan_memory(n.model, M55, PlanRequest()).offsets == (0, 0)
    assert len(set(plan_memory(n.model, M55, PlanRequest(offline=options)).offsets)) == 2


@pytest.mark.unit
@pytest.mark.parametrize("alignment", [16, 32, 128, 1024])
@pytest.mark.parametrize("overlap", ["", "target"])
def test_alignment_holds_for_every_tensor(alignment: int, overlap: str) -> None:
    model = shared("kws_ref_model")
    options = OfflineOptions(alignment=alignment)
    plan = plan_memory(model, M55, PlanRequest(overlap=overlap, offline=options))
    offsets = [offset for offset in plan.offsets if offset >= 0]
    assert offsets
    assert not any(offset % alignment for offset in offsets)
    copy = planned(model, plan)
    assert memory_of(copy, M55).head.head_bytes == plan.head_bytes
    assert not is_plan_wrong(copy, M55)


@pytest.mark.unit
@pytest.mark.parametrize("alignment", [0, 8, 24, -16, 1 << 31])
def test_alignments_that_make_no_sense(alignment: int) -> None:
    options = OfflineOptions(alignment=alignment)
    with pytest.raises(UsageError, match="align"):
        plan_memory(chain_with_two_outputs(), M55, PlanRequest(offline=options))


@pytest.mark.unit
def test_which_devices_an_overlapping_plan_is_for() -> None:
    model = shared("kws_ref_model")
    plans = [
        planned(model, plan_memory(model, M55, PlanRequest(overlap=overlap)))
        for overlap in (ISA_ALONE, THIS_ISA, EVERY, APART)
    ]
    for copy in plans:
        assert not plan_findings(copy, M55)
    wrong = [[is_plan_wrong(copy, device) for device in (M0, M4)] for copy in plans]
    assert wrong == [[True, True], [True, True], [False, False], [False, False]]
    assert [needs_its_isa(copy, M55) for copy in plans] == [True, True, False, False]
    assert not any(needs_cmsis_nn(copy, M55) for copy in plans[1:])
    with_reference = [KernelSet.REFERENCE in bearers(copy, M55) for copy in plans[1:]]
    assert with_reference == [True, True, True]
    assert bearers(plans[1], M55) == {KernelSet.REFERENCE, KernelSet.MVE}
    assert bearers(plans[2], M55) == set(KernelSet)


@pytest.mark.unit
def test_a_plan_for_cmsis_nn_alone_is_not_for_the_host() -> None:
    """Without TFLM's kernels a convolution that copies its window aside bears a pixel more."""
    model = shared("ic_resnet8_int8")
    alone, every = (
        planned(model, plan_memory(model, M55, PlanRequest(overlap=overlap)))
        for overlap in (PORTABLE, EVERY)
    )
    assert bearers(alone, M55) == set(CMSIS_NN_SETS)
    assert needs_cmsis_nn(alone, M55)
    assert not needs_its_isa(alone, M55)
    assert bearers(every, M55) == set(KernelSet)
