"""The arena to the byte: against a replay by hand, and against what real devices reported."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.paths import TESTDATA
from tflopt.io.reading.reader import read
from tflopt.ir import Op
from tflopt.plan.costs import KernelMemory, describe_costs, variable_setup
from tflopt.plan.describe import describe
from tflopt.plan.lifetimes import GraphDesc, ModelDesc, OpDesc, TensorDesc
from tflopt.plan.offline import plan_offline
from tflopt.plan.tflm import ArenaUse, OpCost, arena_use
from tflopt.target import Target
from tflopt.target.cmsis_nn import KernelUse
from tflopt.target.device import Device
from tflopt.target.kernels import kernel_use
from tflopt.target.memory import memory_of

MODELS = Path(__file__).parents[3] / "shared" / "models"

pytestmark = pytest.mark.unit


def _tiny(*, variable: bool = False, scratch: tuple[int, ...] = ()) -> ModelDesc:
    tensors = [
        TensorDesc(10, "in", channels=1),
        TensorDesc(6, "w", is_constant=True, channels=3),
        TensorDesc(20, "state", is_variable=variable, is_constant=not variable),
        TensorDesc(10, "out"),
    ]
    return ModelDesc([GraphDesc(tensors, [0], [3], [OpDesc([0, 1, 2], [3], scratch)])])


def test_each_part_of_a_tail() -> None:
    cost = OpCost(28, 4, 60, (12, 12))
    use = arena_use(_tiny(variable=True, scratch=(50, 0)), [[cost]])
    assert use.parts == {
        "interpreter": 36 + 44 + 36 + 8,
        "subgraphs": 8,
        "tensors": 4 * 12,
        "operators": 32,
        "parameters": 28,
        "operator data": 304 - 240,  # 60, then down to a multiple of 16
        "kernel buffers": 32,
        "scratch handles": 8,
        "variables": 368 - 344,
        "interface": (16 + 32 + 12 + 8) + (448 - 436) + 32,
    }
    assert use.tail_bytes == sum(use.parts.values())
    assert use.head_bytes == 16 + 16 + 64
    assert use.used_bytes == use.head_bytes + use.tail_bytes


def test_the_planner_itself_can_need_more_than_the_result() -> None:
    use = arena_use(_tiny(), [[OpCost()]])
    front = 4 + 24 * 4  # subgraph offsets and allocation infos behind 144 bytes of requests
    before = sum(use.parts[part] for part in ("interpreter", "subgraphs", "tensors", "operators"))
    assert use.peak == "memory planning"
    assert use.minimum_bytes == (144 + front + 15) // 16 * 16 + 2 * 40 + (before + 15) // 16 * 16


def test_temporary_tensors_of_prepare_count() -> None:
    lean = arena_use(_tiny(), [[OpCost(op_data_bytes=16)]])
    greedy = arena_use(_tiny(), [[OpCost(op_data_bytes=16, prepare_tensors=[0, 1, 3] * 40)]])
    assert greedy.used_bytes == lean.used_bytes
    assert greedy.peak == "prepare "
    assert greedy.minimum_bytes > lean.minimum_bytes


def test_what_the_application_allocates_comes_first() -> None:
    bare = arena_use(_tiny(), [[OpCost()]])
    use = arena_use(_tiny(), [[OpCost()]], setup=(12, 40))
    # 36, 44 and 36 bytes before: 116. With 12 more down to 128, with 40 more to 176.
    assert use.parts["application"] == 176 - 116
    assert {**use.parts, "application": 0} == {
        **bare.parts,
        "application": 0,
        "interface": use.parts["interface"],
    }


@pytest.mark.parametrize(
    ("stem", "sizes"),
    # arena_used_bytes() and the least arena on a Cortex-M4 under QEMU.
    [
        ("if_branches", (1684, 2592)),
        ("while_loop", (1540, 2560)),
        ("streaming_variables", (3236, 4048)),
    ],
)
def test_control_flow_and_variables_as_measured(stem: str, sizes: tuple[int, int]) -> None:
    device = Device(Target.parse("cortex-m4"))
    arena = memory_of(read(TESTDATA / f"{stem}.tflite"), device).arena
    assert (arena.used_bytes, arena.minimum_bytes) == sizes


def test_variables_are_allocated_once_by_name() -> None:
    model = read(TESTDATA / "streaming_variables.tflite")
    assert variable_setup(model) == (12, 2 * 20)
    costs = describe_costs(model, lambda op: KernelMemory())
    buffers = [cost.persistent_bytes for graph in costs for cost in graph if cost.persistent_bytes]
    assert buffers == [(128,), (128,)]
    assert variable_setup(read(TESTDATA / "ds_cnn.tflite")) == ()


def test_a_variable_with_an_offset_leaves_the_tail() -> None:
    model = _tiny(variable=True)
    online, planned = (arena_use(model, [[OpCost()]], plan) for plan in (None, [0, -1, 64, 32]))
    assert online.parts["variables"] > 0
    assert "variables" not in planned.parts
    assert planned.head_bytes == 96


def _on(name: str, core: str, *, plan: bool = False) -> ArenaUse:
    path = MODELS / f"{name}.tflite"
    if not path.exists():
        pytest.skip(f"{path} is absent")
    model, device = read(path), Device.of(core)

    def use(op: Op) -> KernelUse:
        return kernel_use(op, device)

    desc = describe(model, lambda op: use(op).scratch_bytes or ())
    costs = describe_costs(
        model,
        lambda op: KernelMemory(
            use(op).op_data_bytes or 0, [part.size_bytes for part in use(op).persistent]
        ),
    )
    return arena_use(desc, costs, plan_offline(desc).offsets if plan else None)


@pytest.mark.parametrize(
    ("name", "m55", "m4"),
    [
        ("kws_ref_model", 27348, 22820),
        ("vww_96_int8", 100772, 100708),
        ("ic_resnet8_int8", 55028, 54996),
        ("ad01_int8", 9268, 2580),
        ("micro_speech_quantized", 7812, 6836),
        ("hello_world_int8", 916, 772),
        ("mobilenet_v2_pytorch", 2604660, None),
        ("keyword_scrambled_8bit", 9892, None),
        ("trained_lstm_int8", 4100, None),
    ],
)
def test_arena_used_bytes_as_measured(name: str, m55: int, m4: int | None) -> None:
    assert _on(name, "cortex-m55").used_bytes == m55
    assert m4 is None or _on(name, "cortex-m4").used_bytes == m4


@pytest.mark.parametrize(
    ("name", "core", "minimum"),
    [("ad01_int8", "cortex-m55", 9712), ("hello_world_int8", "cortex-m4", 1168)],
)
def test_least_arena_as_measured(name: str, core: str, minimum: int) -> None:
    assert _on(name, core).minimum_bytes == minimum


def test_vww_with_a_plan_as_measured() -> None:
    planned = _on("vww_96_int8", "cortex-m55", plan=True)
    assert planned.head_bytes == 55296
    assert planned.used_bytes == 82340
