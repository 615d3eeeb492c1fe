from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from tflopt.plan.lifetimes import (
    GraphDesc,
    ModelDesc,
    OpDesc,
    ScratchRef,
    TensorDesc,
    TensorRef,
    planned_buffers,
)

pytestmark = pytest.mark.unit

T = TensorDesc


def _spans(model: ModelDesc, offline: list[int] | None = None) -> dict[object, tuple[int, int]]:
    return {b.ref: (b.first_used, b.last_used) for b in planned_buffers(model, offline)}


def _chain(*extra: TensorDesc) -> ModelDesc:
    tensors = [T(10, "in"), T(4, "w", is_constant=True), T(20, "mid"), T(30, "out"), *extra]
    ops = [OpDesc([0, 1, -1], [2], [100, 0], name="conv"), OpDesc([2], [3], [7])]
    return ModelDesc([GraphDesc(tensors, [0], [3], ops)])


def test_inputs_start_at_zero_and_operators_take_a_step_each() -> None:
    spans = _spans(_chain())
    assert spans == {
        TensorRef(0, 0): (0, 1),
        TensorRef(0, 2): (1, 2),
        TensorRef(0, 3): (2, 2),
        ScratchRef(0, 0, 0): (1, 1),
        ScratchRef(0, 0, 1): (1, 1),
        ScratchRef(0, 1, 0): (2, 2),
    }


def test_sizes_are_rounded_up_and_empty_scratch_counts() -> None:
    assert [b.size_bytes for b in planned_buffers(_chain())] == [16, 32, 32, 112, 0, 16]


def test_an_output_lives_to_the_last_step() -> None:
    ops = [OpDesc([0], [1]), OpDesc([1], [2]), OpDesc([2], [3])]
    model = ModelDesc([GraphDesc([T(1)] * 4, [0], [1, 3], ops)])
    assert _spans(model)[TensorRef(0, 1)] == (1, 3)


def test_an_unused_input_lives_at_step_zero_and_an_unused_tensor_never() -> None:
    model = ModelDesc([GraphDesc([T(1), T(1), T(1)], [0, 1], [2], [OpDesc([0], [2])])])
    assert _spans(model)[TensorRef(0, 1)] == (0, 0)
    assert _spans(_chain(T(50, "unused")))[TensorRef(0, 4)] == (-1, -1)


def test_constants_and_empty_tensors_are_not_planned() -> None:
    refs = _spans(_chain(T(0, "empty"), T(5, "c", is_constant=True)))
    assert TensorRef(0, 4) not in refs
    assert TensorRef(0, 5) not in refs


def test_a_tensor_without_a_producer_lives_from_before_the_start() -> None:
    model = ModelDesc([GraphDesc([T(1), T(1), T(1)], [0], [2], [OpDesc([0, 1], [2])])])
    assert _spans(model)[TensorRef(0, 1)] == (-1, 1)


def test_a_variable_is_planned_only_with_an_offset() -> None:
    variable = T(8, "state", is_variable=True)
    graph = GraphDesc([T(1), variable, T(1)], [0], [2], [OpDesc([0, 1], [2])])
    model = ModelDesc([graph])
    assert TensorRef(0, 1) not in _spans(model)
    assert TensorRef(0, 1) not in _spans(model, [0, -1, 0])
    assert _spans(model, [0, 64, 0])[TensorRef(0, 1)] == (-1, 1)


def _with_branches() -> ModelDesc:
    branch = GraphDesc([T(1), T(1)], [0], [1], [OpDesc([0], [1], [16])])
    ops = [OpDesc([0], [1]), OpDesc([0, 1], [2], [32], [1, 2]), OpDesc([2], [3])]
    return ModelDesc([GraphDesc([T(1)] * 4, [0], [3], ops), branch, branch])


def test_called_subgraphs_take_their_own_steps() -> None:
    spans = _spans(_with_branches())
    # operator 1 takes step 2; branch 1 is entered at 3 and its operator is 4; branch 2: 5 and 6.
    assert spans[TensorRef(1, 0)] == (3, 4)
    assert spans[TensorRef(1, 1)] == (4, 4)
    assert spans[TensorRef(2, 0)] == (5, 6)
    assert spans[TensorRef(2, 1)] == (6, 6)


def test_what_the_calling_operator_touches_outlives_its_branches() -> None:
    spans = _spans(_with_branches())
    assert spans[TensorRef(0, 0)] == (0, 6)
    assert spans[TensorRef(0, 1)] == (1, 6)
    assert spans[TensorRef(0, 2)] == (2, 7)
    assert spans[ScratchRef(0, 1, 0)] == (2, 6)
    assert spans[ScratchRef(1, 0, 0)] == (4, 4)


def test_a_subgraph_called_twice_lives_across_both_calls() -> None:
    called = GraphDesc([T(1)], [0], [0], [])
    ops = [OpDesc([0], [1], subgraphs_called=[1]), OpDesc([1], [2], subgraphs_called=[1])]
    model = ModelDesc([GraphDesc([T(1)] * 3, [0], [2], ops), called])
    assert _spans(model)[TensorRef(1, 0)] == (2, 4)


def test_a_subgraph_that_is_never_called_stays_unmarked() -> None:
    never = GraphDesc([T(1), T(1)], [0], [1], [OpDesc([0], [1], [64])])
    model = ModelDesc([*_chain().subgraphs, never])
    spans = _spans(model)
    assert spans[TensorRef(1, 0)] == (-1, -1)
    assert spans[ScratchRef(1, 0, 0)] == (-1, -1)


def test_a_graph_that_calls_itself_ends() -> None:
    graph = GraphDesc([T(1), T(1)], [0], [1], [OpDesc([0], [1], subgraphs_called=[0])])
    assert _spans(ModelDesc([graph]))[TensorRef(0, 1)] == (1, 2)


def test_counts() -> None:
    model = _with_branches()
    assert model.tensor_count == 8
    assert model.scratch_count == 3


def _walked(model: ModelDesc) -> dict[tuple[int, int], tuple[int, int]]:
    """TFLM's own walk, which enters every call: first and last step by subgraph and tensor."""
    first: dict[tuple[int, int], int] = {}
    last: dict[tuple[int, int], int] = {}
    clock = 0

    def create(index: int, tensors: Sequence[int]) -> None:
        for tensor in tensors:
            first.setdefault((index, tensor), clock)

    def use(index: int, tensors: Sequence[int]) -> None:
        last.update(((index, tensor), clock) for tensor in tensors)

    def visit(index: int) -> None:
        nonlocal clock
        graph = model.subgraphs[index]
        create(index, graph.inputs)
        use(index, graph.inputs)
        for op in graph.ops:
            clock += 1
            create(index, op.outputs)
            for called in op.subgraphs_called:
                clock += 1
                visit(called)
            use(index, [*op.inputs, *op.outputs])
        create(index, graph.outputs)
        use(index, graph.outputs)

    visit(0)
    return {key: (first.get(key, -1), step) for key, step in last.items()}


@pytest.mark.parametrize("seed", range(40))
def test_subgraphs_that_run_often_live_as_if_each_run_was_walked(seed: int) -> None:
    rng = random.Random(seed)
    count = rng.randint(2, 6)
    graphs = []
    for index in range(count):
        ops = []
        for number in range(rng.randint(1, 4)):
            calls = rng.sample(range(index + 1, count), min(count - index - 1, rng.randint(0, 2)))
            ops.append(
                OpDesc([rng.randint(0, number)], [number + 1], [8], calls * rng.randint(1, 2))
            )
        graphs.append(GraphDesc([T(16)] * 6, [0], [len(ops)], ops))
    model = ModelDesc(graphs)
    found = {
        (ref.subgraph, ref.tensor): span
        for ref, span in _spans(model).items()
        if isinstance(ref, TensorRef) and span != (-1, -1)
    }
    assert found == _walked(model)


def test_a_subgraph_is_looked_at_once_however_often_it_runs() -> None:
    """40 levels that call the next one twice: 2^40 runs, which never ended."""
    levels = 40
    graphs = [
        GraphDesc([T(1)] * 2, [0], [1], [OpDesc([0], [1], [], [n + 1] * 2)]) for n in range(levels)
    ]
    model = ModelDesc([*graphs, GraphDesc([T(1)] * 2, [0], [1], [OpDesc([0], [1])])])
    assert _spans(model)[TensorRef(0, 1)] == (1, 2 ** (levels + 2) - 3)
