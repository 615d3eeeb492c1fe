"""Views lie where their sources do, as far as that costs nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.plan.strategies import models
from tflopt.plan.lifetimes import GraphDesc, ModelDesc, OpDesc, TensorAlias, TensorDesc, TensorRef
from tflopt.plan.offline import plan_offline, simulate_head
from tflopt.plan.settle_views import MOST_TRIALS, Offsets, settled

pytestmark = pytest.mark.unit


def view(first: int, second: int) -> TensorAlias:
    return TensorAlias(TensorRef(0, first), TensorRef(0, second), 0, 0, shares_content=True)


def chain(*sizes: int) -> ModelDesc:
    """Each operator reads what the one before wrote."""
    tensors = [TensorDesc(size, f"t{i}") for i, size in enumerate(sizes)]
    ops = [OpDesc([i], [i + 1]) for i in range(len(sizes) - 1)]
    return ModelDesc([GraphDesc(tensors, [0], [len(sizes) - 1], ops)])


def test_with_room_to_spare_a_view_lies_on_its_source() -> None:
    """The peak is elsewhere, so that the solver has no reason to care."""
    model = chain(64, 64, 16, 512, 512, 16)
    plan = plan_offline(model, [view(0, 1)])
    assert plan.offsets[0] == plan.offsets[1]
    assert plan.head_bytes == 1024


def test_a_view_of_a_view_moves_with_it() -> None:
    plan = plan_offline(chain(16, 512, 512, 64, 64, 64, 16), [view(3, 4), view(4, 5)])
    assert len(set(plan.offsets[3:6])) == 1
    assert plan.head_bytes == 1024


@given(models(), st.data())
def test_no_head_grows_for_it(model: ModelDesc, data: st.DataObject) -> None:
    graph = model.subgraphs[0]
    ops = [op for op in graph.ops if op.inputs and op.outputs]
    sizes = [tensor.size_bytes for tensor in graph.tensors]
    alike = [
        (op.inputs[0], op.outputs[0])
        for op in ops
        if sizes[op.inputs[0]] == sizes[op.outputs[0]] and data.draw(st.booleans())
    ]
    plan = plan_offline(model, [view(*pair) for pair in alike])
    assert plan.head_bytes <= plan.online_head_bytes
    assert simulate_head(model, plan.offsets).head_bytes == plan.head_bytes


def test_the_largest_come_first_and_no_pair_is_parted() -> None:
    offsets = settled((0, 16, 32), [(0, 1), (1, 2)], lambda _: True)
    assert len(set(offsets)) == 1


def test_what_is_not_accepted_stays() -> None:
    assert settled((0, 16), [(0, 1)], lambda _: False) == (0, 16)
    assert settled((0, 16), [(0, 1)], lambda trial: trial == (16, 16)) == (16, 16)


def test_tensors_without_an_offset_stay() -> None:
    assert settled((-1, 16), [(0, 1)], lambda _: True) == (-1, 16)


def test_the_trials_are_limited() -> None:
    asked = 0

    def refuse(_: Offsets) -> bool:
        nonlocal asked
        asked += 1
        return False

    settled(tuple(range(1000)), [(i, i + 1) for i in range(0, 1000, 2)], refuse)
    assert asked == MOST_TRIALS
