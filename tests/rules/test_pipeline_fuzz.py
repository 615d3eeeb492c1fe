"""Models with odd bytes in them, and random graphs of views, through the whole pipeline."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.check_rule import check_same_outputs
from tests.support.everything import Everything, carried
from tests.support.graphs import Net
from tests.support.paths import TESTDATA
from tflopt.errors import ModelError, UnsupportedError, VerifyError
from tflopt.io import WriteOptions, write_bytes
from tflopt.ir import DType, OpCode, Value
from tflopt.ir.clone import clone
from tflopt.ir.verify import verify
from tflopt.product.facts import all_op_facts, model_facts
from tflopt.rewrite.watch import verify_each
from tflopt.rules.pipeline import Selection, run_pipeline

MUTATIONS = 250
REWRITING = Selection(disable=("plan-memory", "reorder-operators"))
"""Everything but the memory planner, which has tests of its own."""


@pytest.mark.long
@pytest.mark.unit
@pytest.mark.parametrize("name", ["conv1d_stride2", "torch_cnn", "if_branches", "har_cnn"])
def test_rules_and_facts_bear_whatever_the_reader_accepts(name: str) -> None:
    source = (TESTDATA / f"{name}.tflite").read_bytes()
    rng = np.random.default_rng(len(source))
    survivors = 0
    for _ in range(MUTATIONS):
        data = bytearray(source)
        for position in rng.integers(0, len(data), 3):
            data[position] = int(rng.choice((0, 1, 2, 0x7F, 0xFF, int(rng.integers(256)))))
        try:
            model = carried(bytes(data))
            model_facts(model, len(data))
            all_op_facts(model)
            run_pipeline(model, REWRITING)
        except (ModelError, UnsupportedError):
            continue
        survivors += 1
        carried(write_bytes(model, WriteOptions(share=True)))
    assert survivors > 5


@pytest.mark.unit
@pytest.mark.parametrize("seed", range(3))
def test_a_model_with_every_field_is_rewritten_soundly(seed: int) -> None:
    model = carried(Everything(seed).build())
    run_pipeline(model, REWRITING, watch=verify_each)
    verify(model, "the pipeline")
    carried(write_bytes(model, WriteOptions(share=True)))


def random_net(seed: int) -> Net:
    """A graph of views, transposes, slices, splits and additions with many shared values."""
    rng = np.random.default_rng(seed)
    n = Net()
    values = [n.relu(n.feed(2, 3, 4)), n.feed(2, 3, 4)]
    for _ in range(14):
        x = values[int(rng.integers(len(values)))]
        values.append(step(n, x, values, rng))
    for index in rng.permutation(len(values))[:3]:
        if not values[index].is_graph_input:
            n.output(values[index])
    n.output(n.relu(values[-1]))
    return n


def step(n: Net, x: Value, values: list[Value], rng: np.random.Generator) -> Value:
    perm = [int(axis) for axis in rng.permutation(len(x.shape))]
    kind = int(rng.integers(8))
    if kind == 0:
        return n.transpose(x, *perm)
    if kind == 1:
        back = [perm.index(axis) for axis in range(len(perm))]
        return n.transpose(n.transpose(x, *perm), *back)
    if kind == 2:
        shapes = ((2, 3, 4), (24,), (4, 6), (1, 24), (3, 8), (1, 2, 12))
        return n.reshape(x, *shapes[int(rng.integers(len(shapes)))])
    if kind == 3:
        return n.expand(x, 0) if len(x.shape) < 4 else n.reshape(x, 24)
    if kind == 4:
        return n.slice(x, [0] * len(x.shape), [-1] * len(x.shape))
    if kind == 5:
        return n.split(x, 1)[0]
    if kind == 6:
        twins = [value for value in values if value.shape == x.shape]
        return n.add(x, twins[int(rng.integers(len(twins)))])
    return n.relu(x)


@pytest.mark.runtime
@pytest.mark.parametrize("seed", range(40))
def test_random_graphs_keep_their_outputs(seed: int) -> None:
    model = random_net(seed).model
    copy = clone(model)
    trace = run_pipeline(copy, watch=verify_each)
    assert trace.hits
    check_same_outputs(model, copy)
    assert not run_pipeline(copy).hits


@pytest.mark.unit
def test_random_graphs_exercise_the_rules() -> None:
    counts: dict[str, int] = {}
    for seed in range(40):
        for rule, hits in run_pipeline(random_net(seed).model).counts.items():
            counts[rule] = counts.get(rule, 0) + hits
    for rule in ("merge-views", "merge-transposes", "remove-noop", "transpose-to-reshape"):
        assert counts[rule] >= 1, counts


@pytest.mark.unit
@pytest.mark.parametrize(("shape", "dtype"), [((1 << 16, 1 << 16), DType.INT8), ((8,), DType.INT2)])
def test_what_cannot_be_planned_is_left_without_a_plan(
    shape: tuple[int, ...], dtype: DType
) -> None:
    n = Net()
    x, y = n.input(shape, dtype), n.feed(4)
    for _ in range(3):
        x, y = n.relu(x), n.relu(y)
    n.output(x, y)
    run_pipeline(n.model)


@pytest.mark.unit
def test_the_fuzz_would_notice_a_broken_model() -> None:
    n = random_net(0)
    n.graph.ops.reverse()
    with pytest.raises(VerifyError):
        verify(n.model, "the test")
    assert OpCode.RELU in {op.code for op in n.graph.ops}
