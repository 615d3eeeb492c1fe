from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given

from tests.plan.strategies import models
from tflopt.errors import PlanError, UsageError
from tflopt.plan.lifetimes import GraphDesc, ModelDesc, OpDesc, TensorAlias, TensorDesc, TensorRef
from tflopt.plan.offline import OfflineOptions, head_floor, plan_offline, simulate_head
from tflopt.plan.problem import align_up

pytestmark = pytest.mark.unit

T = TensorDesc


def _model(sizes: list[int], *ops: OpDesc) -> ModelDesc:
    tensors = [T(size, f"t{i}") for i, size in enumerate(sizes)]
    return ModelDesc([GraphDesc(tensors, [0], [len(sizes) - 1], ops)])


# The greedy planner puts t1 at the bottom, then t2 above it, so that t3 finds no gap.
CHAIN = _model(
    [160, 320, 160, 320, 160],
    OpDesc([0], [1]),
    OpDesc([1], [2]),
    OpDesc([2], [3]),
    OpDesc([3], [4]),
)


@given(models())
def test_never_worse_than_the_runtime_and_never_below_the_bound(model: ModelDesc) -> None:
    plan = plan_offline(model)
    assert plan.lower_bound <= plan.head_bytes <= plan.online_head_bytes
    assert simulate_head(model, plan.offsets).head_bytes == plan.head_bytes
    assert plan.proven_optimal or plan.head_bytes > plan.lower_bound
    assert plan == plan_offline(model)


@given(models())
def test_a_plan_for_its_head_alone_has_the_same_head(model: ModelDesc) -> None:
    refs = [TensorRef(0, tensor) for tensor in range(len(model.subgraphs[0].tensors))]
    views = [TensorAlias(*pair, 0, 0, shares_content=True) for pair in pairwise(refs)]
    quick = plan_offline(model, views, head_only=True)
    assert quick.head_bytes == plan_offline(model, views).head_bytes
    assert simulate_head(model, quick.offsets).head_bytes == quick.head_bytes


@given(models())
def test_no_plan_is_below_the_floor_of_all_orders(model: ModelDesc) -> None:
    assert head_floor(model) <= plan_offline(model).lower_bound


def test_the_floor_counts_what_any_order_may_overwrite() -> None:
    """In this order t0 is read again; in another one the second operator runs first."""
    model = _model([64, 64, 16], OpDesc([0], [1], [32]), OpDesc([0, 1], [2]))
    alias = TensorAlias(TensorRef(0, 0), TensorRef(0, 1), 0, 0)
    assert head_floor(model) == 64 + 64 + 32
    assert head_floor(model, [alias]) == 64 + 32
    assert plan_offline(model, [alias]).lower_bound == 64 + 64 + 32


@given(models())
def test_every_planned_tensor_has_an_offset(model: ModelDesc) -> None:
    offsets = plan_offline(model).offsets
    tensors = model.subgraphs[0].tensors
    assert all((o == -1) == t.is_constant for o, t in zip(offsets, tensors, strict=True))
    assert all(o == -1 or o % 16 == 0 for o in offsets)


def test_scratch_is_simulated_not_assumed() -> None:
    model = _model([64, 64, 64], OpDesc([0], [1], [100, 48]), OpDesc([1], [2], [16]))
    plan = plan_offline(model)
    use = simulate_head(model, plan.offsets)
    assert plan.scratch_offsets == use.offsets[3:]
    assert plan.head_bytes == 128 + 112 + 48


def test_in_place_operators_share_an_address() -> None:
    alias = TensorAlias(TensorRef(0, 0), TensorRef(0, 1), 0, 0)
    model = _model([64, 64, 16], OpDesc([0], [1]), OpDesc([1], [2]))
    plan = plan_offline(model, [alias])
    assert plan.offsets[0] == plan.offsets[1]
    assert (plan.head_bytes, plan.proven_optimal) == (80, True)


def test_an_input_that_is_read_later_is_never_overwritten() -> None:
    alias = TensorAlias(TensorRef(0, 0), TensorRef(0, 1), 0, 0)
    model = _model([64, 64, 16], OpDesc([0], [1]), OpDesc([1, 0], [2]))
    assert plan_offline(model, [alias]).head_bytes == 144


def test_views_share_content_for_as_long_as_they_like() -> None:
    alias = TensorAlias(TensorRef(0, 0), TensorRef(0, 1), 0, 0, shares_content=True)
    model = _model([64, 64, 16], OpDesc([0], [1]), OpDesc([1, 0], [2]))
    assert plan_offline(model, [alias]).head_bytes == 80


def test_a_slice_lies_in_its_whole() -> None:
    parts = [
        TensorAlias(TensorRef(0, 1), TensorRef(0, 3), 0, 0, shares_content=True),
        TensorAlias(TensorRef(0, 2), TensorRef(0, 3), 64, 64, shares_content=True),
    ]
    ops = [OpDesc([0], [1]), OpDesc([0], [2]), OpDesc([1, 2], [3])]
    model = _model([16, 64, 32, 96], *ops)
    plan = plan_offline(model, parts)
    assert plan.offsets[2] - plan.offsets[3] == 64
    assert plan.head_bytes == 112


def test_diagonal_overlap() -> None:
    alias = TensorAlias(TensorRef(0, 0), TensorRef(0, 1), 32, None)
    plan = plan_offline(_model([128, 128], OpDesc([0], [1])), [alias])
    assert plan.offsets[0] - plan.offsets[1] >= 32
    assert plan.head_bytes == 160


def test_pins_hold() -> None:
    plan = plan_offline(CHAIN, options=OfflineOptions(pins={TensorRef(0, 2): 512}))
    assert plan.offsets[2] == 512
    assert plan.head_bytes == 672


def test_pins_that_clash_are_named() -> None:
    pins = {TensorRef(0, 0): 0, TensorRef(0, 1): 16}
    with pytest.raises(PlanError) as error:
        plan_offline(CHAIN, options=OfflineOptions(pins=pins))
    assert set(error.value.culprits) == {"t0", "t1"}


@pytest.mark.parametrize("offset", [8, -16])
def test_a_pin_must_be_aligned(offset: int) -> None:
    with pytest.raises(UsageError, match="multiple of 16"):
        plan_offline(CHAIN, options=OfflineOptions(pins={TensorRef(0, 0): offset}))


def test_only_planned_tensors_can_be_pinned() -> None:
    with pytest.raises(UsageError, match="can't be pinned"):
        plan_offline(CHAIN, options=OfflineOptions(pins={TensorRef(0, 9): 0}))


def test_too_small_an_arena_names_the_buffers_at_the_peak() -> None:
    with pytest.raises(PlanError) as error:
        plan_offline(CHAIN, options=OfflineOptions(max_head_bytes=400))
    assert error.value.limit_bytes == 400
    assert error.value.culprits == ("t1", "t0")
    assert plan_offline(CHAIN, options=OfflineOptions(max_head_bytes=480)).head_bytes == 480


@given(models())
def test_preserved_inputs_are_never_overwritten(model: ModelDesc) -> None:
    plan = plan_offline(model, options=OfflineOptions(preserve_inputs=True))
    size = align_up(model.subgraphs[0].tensors[0].size_bytes, 16)
    start = plan.offsets[0]
    use = simulate_head(model, plan.offsets)
    for buffer, offset in zip(use.buffers[1:], use.offsets[1:], strict=True):
        unused = buffer.last_used < 0  # never written
        assert unused or offset >= start + size or offset + buffer.size_bytes <= start


def test_a_reserved_head_is_kept_free_of_tensors() -> None:
    model = _model([64, 64], OpDesc([0], [1], [16]))
    plan = plan_offline(model, options=OfflineOptions(reserve_head_bytes=40))
    assert min(plan.offsets) == 48
    assert plan.scratch_offsets == (0,)


def test_variables_of_later_subgraphs_mean_no_plan() -> None:
    state = T(16, "state", is_variable=True)
    called = GraphDesc([T(16), state, T(16)], [0], [2], [OpDesc([0, 1], [2])])
    main = GraphDesc([T(16), T(16)], [0], [1], [OpDesc([0], [1], subgraphs_called=[1])])
    plan = plan_offline(ModelDesc([main, called]))
    assert set(plan.offsets) == {-1}
    assert "later subgraphs" in plan.declined
    assert not plan.is_useful


def test_a_better_plan_than_the_runtimes() -> None:
    plan = plan_offline(CHAIN)
    assert (plan.head_bytes, plan.proven_optimal) == (480, True)
