"""``merge-buffers``: which constants may share their bytes."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.check_rule import check_leaves_alone, check_rule
from tests.support.flash import Layers, real_model, relu_chain
from tests.support.graphs import QUANT
from tflopt.facts.offline_plan import PLAN_NAME
from tflopt.io import write_bytes
from tflopt.ir import Buffer, DType, Value
from tflopt.rules.flash.merge_buffers import MergeBuffers

pytestmark = pytest.mark.runtime
RULE = MergeBuffers()


def constant(n: Layers, *numbers: int) -> Value:
    return n.constant([numbers], DType.INT8, quant=QUANT)


def sums(*rows: tuple[int, ...]) -> Layers:
    """Input plus each constant in turn."""
    n = Layers()
    x = n.feed(1, len(rows[0]))
    for row in rows:
        x = n.add(x, constant(n, *row))
    n.output(x)
    return n


def stored(n: Layers) -> list[Buffer | None]:
    return [value.buffer for value in n.graph.values if value.is_constant]


def test_equal_constants_share_a_buffer() -> None:
    copy = check_rule(
        sums((1, 2), (3, 4), (1, 2), (1, 2)).model,
        RULE,
        """
        graph(%0: i8[1,2]{0.05,3}) -> %4
          %1: i8[1,2]{0.05,3} = ADD(%0, const i8[1,2]{0.05,3})
          %2: i8[1,2]{0.05,3} = ADD(%1, const i8[1,2]{0.05,3})
          %3: i8[1,2]{0.05,3} = ADD(%2, const i8[1,2]{0.05,3})
          %4: i8[1,2]{0.05,3} = ADD(%3, const i8[1,2]{0.05,3})
        """,
        hits=1,
    )
    assert [buffer.size_bytes for buffer in copy.buffers] == [0, 2, 2]


def test_type_and_shape_do_not_matter() -> None:
    n = Layers()
    x = n.transpose(n.feed(2, 3), 1, 0)
    n.output(n.add(x, n.reshape(n.constant([[0, 1], [0, 0], [0, 0]], DType.INT8, QUANT), 3, 2)))
    perm = n.graph.ops[0].inputs[1]
    assert perm is not None
    wide = n.constant(np.array([1, 0, 0, 0, 0, 0, 0, 0], np.int8), DType.INT8, QUANT)
    n.output(n.add(n.reshape(n.feed(8), 8), wide))
    assert wide.buffer is not perm.buffer
    copy = check_rule(n.model, RULE, hits=1)
    assert len(copy.buffers) == len(n.model.buffers) - 1


def test_metadata_shares_too_and_keeps_its_order() -> None:
    n = relu_chain("a", "b")
    n.metadata(one=b"same", two=b"other", three=b"same")
    entries = n.model.metadata or []
    n.model.metadata_buffers = [entry.buffer for entry in entries]
    copy = check_rule(n.model, RULE, hits=1)
    assert copy.metadata is not None
    assert copy.metadata_buffers is not None
    first, second, third = copy.metadata
    assert [entry.name for entry in copy.metadata] == ["one", "two", "three"]
    assert first.buffer is third.buffer is not second.buffer
    assert copy.metadata_buffers == [first.buffer, second.buffer, first.buffer]
    assert len(copy.buffers) == 3


def test_a_memory_plan_is_still_found() -> None:
    n = relu_chain("a", "b")
    plan = np.array([1, 0, 3, -1, -1, -1], "<i4").tobytes()
    n.metadata(**{PLAN_NAME: plan, "copy": plan})
    copy = check_rule(n.model, RULE, hits=1)
    assert copy.metadata is not None
    data = copy.metadata[0].buffer.data
    assert data is not None
    assert data.tobytes() == plan


def test_empty_buffers_become_buffer_0() -> None:
    n = relu_chain("a", "b")
    for value in n.graph.values:
        value.buffer = Buffer(None if value.name == "a" else np.array([], np.uint8))
        n.model.buffers.append(value.buffer)
    n.model.buffers[0].data = np.array([], np.uint8)
    copy = check_rule(n.model, RULE, hits=1, runners=["tflm"])  # LiteRT refuses the original
    assert [buffer.data for buffer in copy.buffers] == [None]
    assert all(value.buffer is copy.buffers[0] for value in copy.main.values)


def with_data_in_buffer_0() -> Layers:
    """Tensors without data have an empty buffer 1, as LiteRT never looks into buffer 0."""
    n = sums((1, 2), (1, 2), (5, 6))
    empty = n.model.buffers[0]
    n.model.buffers.remove(empty)
    n.model.buffers = [Buffer(np.array([1, 2], np.uint8)), empty, *n.model.buffers]
    return n


def test_a_buffer_0_with_data_takes_nothing_in() -> None:
    copy = check_rule(with_data_in_buffer_0().model, RULE, hits=1)
    zero = copy.buffers[0]
    assert zero.size_bytes == 2
    assert not [value for value in copy.main.values if value.buffer is zero]
    assert [buffer.size_bytes for buffer in copy.buffers] == [2, 0, 2, 2]


def test_an_external_buffer_0_takes_nothing_in() -> None:
    n = with_data_in_buffer_0()
    n.model.buffers[0].external = True
    copy = check_rule(n.model, RULE, runners=["tflm"])
    assert copy.buffers[0].external
    assert not [value for value in copy.main.values if value.buffer is copy.buffers[0]]


def test_data_behind_the_model_stays() -> None:
    n = sums((1, 2), (3, 4))
    outside = [Buffer(np.array([1, 2], np.uint8), external=True) for _ in range(2)]
    n.model.buffers += outside
    n.model.buffers += [Buffer(np.array([], np.uint8), external=True)]
    n.metadata(one=b"1")
    assert n.model.metadata is not None
    n.model.metadata[0].buffer = outside[1]
    check_leaves_alone(n.model, RULE)
    assert write_bytes(n.model).count(b"\1\2") >= 3


def test_buffers_of_variables_stay() -> None:
    n = sums((1, 2), (1, 2), (1, 2))
    first, *_ = [value for value in n.graph.values if value.is_constant]
    first.is_variable = True
    copy = check_rule(n.model, RULE, hits=1, runners=[])
    variable = next(value for value in copy.main.values if value.is_variable)
    assert variable.buffer is not None
    readers = [value for value in copy.main.values if value.buffer is variable.buffer]
    assert readers == [variable]
    assert sorted(buffer.size_bytes for buffer in copy.buffers) == [0, 2, 2]


def test_two_variables_with_equal_content_stay_apart() -> None:
    n = sums((1, 2), (1, 2))
    for value in n.graph.values:
        value.is_variable = value.is_constant
    check_leaves_alone(n.model, RULE)


def test_an_input_with_a_default_stays_apart() -> None:
    """The application writes into it, and must not change a constant."""
    n = sums((1, 2), (1, 2), (1, 2))
    first, *_ = [value for value in n.graph.values if value.is_constant]
    n.graph.inputs.append(first)
    copy = check_rule(n.model, RULE, hits=1, runners=[])
    given = copy.main.inputs[1].buffer
    assert len([value for value in copy.main.values if value.buffer is given]) == 1


def test_constants_of_two_subgraphs_share() -> None:
    model = real_model("while_loop")
    copy = check_rule(model, RULE)
    contents = [b.data.tobytes() for b in copy.buffers if b.data is not None and b.size_bytes]
    assert len(set(contents)) == len(contents)
    assert len(copy.buffers) < len(model.buffers)


def test_leaves_alone_different_constants() -> None:
    check_leaves_alone(sums((1, 2), (3, 4), (1, 3)).model, RULE)
    n = relu_chain("a")
    n.model.buffers = []
    for value in n.graph.values:
        value.buffer = None
    check_leaves_alone(n.model, RULE)
