"""repeat-to-resize: TILE and what converters write for upsampling."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product

import numpy as np
import pytest

from tests.support.check_rule import apply, check_declines, check_leaves_alone, check_rule
from tests.support.flash import real_model, refusal
from tests.support.paths import needs_litert, needs_tflm
from tests.support.runtime import Outputs, runtime
from tests.support.windows import Windows
from tflopt.facts.repeats import repeats_exactly
from tflopt.io import write_bytes
from tflopt.ir import DType, OpCode, Value
from tflopt.ir.options import BroadcastToOptions, TileOptions
from tflopt.rules.constants.remove_dead import RemoveDead
from tflopt.rules.constants.remove_noop import RemoveNoop
from tflopt.rules.movement.repeat_to_resize import RepeatToResize
from tflopt.rules.views.merge_views import MergeViews
from tflopt.run.samples import SampleOptions, make_samples

pytestmark = pytest.mark.runtime
RULE = RepeatToResize()
Build = Callable[[Windows], None]


def tile(n: Windows, x: Value, *multiples: int) -> Value:
    """TILE."""
    shape = [extent * times for extent, times in zip(x.shape, multiples, strict=True)]
    return n.op(OpCode.TILE, [x, n.constant(multiples)], shape, options=TileOptions(), version=3)


def test_upsampling_becomes_one_operator() -> None:
    n = Windows()
    x = n.reshape(n.relu(n.feed(1, 1, 8, 3)), 1, 8, 1, 3)
    n.output(n.relu(n.reshape(tile(n, x, 1, 1, 2, 1), 1, 1, 16, 3)))
    check_rule(
        n.model,
        RULE,
        """
        graph(%0: i8[1,1,8,3]{0.05,3}) -> %3
          %1: i8[1,1,8,3]{0.05,3} = RELU(%0)
          %2: i8[1,1,16,3]{0.05,3} = RESIZE_NEAREST_NEIGHBOR(%1, [1, 16]) half_pixel_centers=True
          %3: i8[1,1,16,3]{0.05,3} = RELU(%2)
        """,
        hits=1,
        runners=[],  # neither has an int8 TILE
    )


@needs_tflm
@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 1, 3), (2, 1, 3, 1)])
def test_every_tile_along_two_axes_repeats_as_numpy_does(shape: tuple[int, ...]) -> None:
    """TFLM runs what the rule makes of it, on seeded inputs."""
    for multiples in product((1, 2, 3), repeat=len(shape)):
        if sum(times > 1 for times in multiples) not in (1, 2):
            continue
        n = Windows()
        n.output(tile(n, n.feed(*shape), *multiples))
        apply(n.model, RULE, RemoveDead())
        assert all(op.code is not OpCode.TILE for op in n.model.main.ops)
        samples = make_samples(n.model, SampleOptions(3, seed=2))
        found = runtime().run("tflm", write_bytes(n.model), samples)
        for (given,), (result,) in zip(samples, found, strict=True):
            assert np.array_equal(result, np.tile(given, multiples)), multiples


@needs_tflm
@pytest.mark.parametrize("dtype", [DType.INT32, DType.INT64, DType.BOOL])
def test_other_elements_are_joined(dtype: DType) -> None:
    n = Windows()
    n.output(tile(n, n.input((2, 3), dtype), 1, 3))
    apply(n.model, RULE)
    assert n.model.main.ops[0].code is OpCode.CONCATENATION
    samples = make_samples(n.model, SampleOptions(3, seed=2))
    found = runtime().run("tflm", write_bytes(n.model), samples)
    for (given,), (result,) in zip(samples, found, strict=True):
        assert np.array_equal(result, np.tile(given, (1, 3)))


def parts_of_three(n: Windows, times: int) -> None:
    x = n.reshape(n.relu(n.feed(1, 1, 12, 2)), 1, 12, 2)
    y = n.concat(*[piece for piece in n.split(x, 4, axis=1) for _ in range(times)], axis=1)
    n.output(n.relu(n.reshape(y, 1, 1, 12 * times, 2)))


def test_longer_parts_are_repeated_where_they_are_too_many_to_join() -> None:
    n = Windows()
    parts_of_three(n, 3)
    assert "CONCATENATION" in refusal(n.model, "tflm")
    copy = check_rule(n.model, RULE, hits=1, runners=["litert"])
    assert all(op.code is not OpCode.SPLIT for op in copy.main.ops)
    n = Windows()
    parts_of_three(n, 2)
    check_leaves_alone(n.model, RULE)


def test_single_parts_of_a_split() -> None:
    n = Windows()
    x = n.reshape(n.relu(n.feed(1, 1, 5, 2)), 1, 5, 2)
    y = n.concat(*[piece for piece in n.split(x, 5, axis=1) for _ in range(2)], axis=1)
    n.output(n.relu(n.reshape(y, 1, 1, 10, 2)))
    copy = check_rule(n.model, RULE, hits=1)
    assert [op.code.name for op in copy.main.ops] == ["RELU", "RESIZE_NEAREST_NEIGHBOR", "RELU"]


def test_a_tensor_joined_with_itself_between_views() -> None:
    n = Windows()
    x = n.reshape(n.relu(n.feed(1, 2, 4, 3)), 1, 2, 4, 1, 3)
    n.output(n.relu(n.reshape(n.concat(x, x, axis=3), 1, 2, 8, 3)))
    copy = check_rule(n.model, RULE, hits=1)
    assert [op.code.name for op in copy.main.ops] == ["RELU", "RESIZE_NEAREST_NEIGHBOR", "RELU"]


def broadcast(n: Windows, x: Value, *shape: int) -> Value:
    inputs = [x, n.constant(shape)]
    return n.op(OpCode.BROADCAST_TO, inputs, shape, options=BroadcastToOptions(), version=3)


def test_a_broadcast_between_views() -> None:
    n = Windows()
    x = n.reshape(n.relu(n.feed(1, 2, 4, 3)), 2, 1, 4, 3)
    n.output(n.relu(n.reshape(broadcast(n, x, 2, 3, 4, 3), 1, 6, 4, 3)))
    copy = check_rule(n.model, RULE, hits=1)
    assert [op.code.name for op in copy.main.ops] == ["RELU", "RESIZE_NEAREST_NEIGHBOR", "RELU"]


def three_axes(n: Windows) -> None:
    n.output(tile(n, n.feed(1, 2, 3, 4), 1, 2, 2, 2))


def by_input(n: Windows) -> None:
    x, multiples = n.feed(2, 3), n.input((2,), DType.INT32)
    n.output(n.op(OpCode.TILE, [x, multiples], (2, 6), options=TileOptions()))


def of_a_variable(n: Windows) -> None:
    state = n.value((2, 3), DType.INT8, (0.05, 3))
    state.is_variable = True
    n.output(tile(n, state, 1, 2))


def too_often(n: Windows) -> None:
    n.output(tile(n, n.input((2, 3), DType.INT32), 1, 11))


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (three_axes, "it repeats along more than two axes"),
        (by_input, "the multiples are computed at run time"),
        (of_a_variable, "it copies a variable that may change later"),
        (too_often, "TFLM has no operator that repeats these elements so often"),
    ],
)
def test_declines(build: Build, reason: str) -> None:
    n = Windows()
    build(n)
    check_declines(n.model, RULE, reason)


def runs_as_it_is(n: Windows) -> None:
    x = n.relu(n.feed(1, 4, 3))
    n.output(n.relu(n.concat(x, x, axis=1)))


def different_parts(n: Windows) -> None:
    pieces = n.split(n.feed(4, 2), 2)
    n.output(n.concat(pieces[1], pieces[1], pieces[0], pieces[0]))


def part_is_read(n: Windows) -> None:
    pieces = n.split(n.feed(4, 2), 2)
    n.output(n.concat(*[pieces[0]] * 2, *[pieces[1]] * 2), n.relu(pieces[0]))


def plain_broadcast(n: Windows) -> None:
    n.output(broadcast(n, n.feed(2, 1, 3), 2, 4, 3))


@pytest.mark.parametrize("build", [runs_as_it_is, different_parts, part_is_read, plain_broadcast])
def test_leaves_alone(build: Build) -> None:
    n = Windows()
    build(n)
    check_leaves_alone(n.model, RULE)


def test_the_kernel_s_arithmetic_is_exact_with_half_pixels() -> None:
    """Over sizes to 200 and all factors to 20, and where float32 ends."""
    sizes: Sequence[int] = range(1, 200, 3)
    assert all(repeats_exactly(size, times) for size in sizes for times in range(1, 21))
    assert repeats_exactly(2**20, 4)
    assert not repeats_exactly(2**23, 3), "float32 runs out of digits"


@needs_tflm
@needs_litert
def test_the_upsampling_model_runs_and_is_right() -> None:
    """LiteRT's optimized kernels, which have an int8 TILE, give what TFLM gives afterwards."""
    model = real_model("upsampling1d")
    assert "TILE" in refusal(model, "tflm")
    samples = make_samples(model, SampleOptions(8))
    expected = with_optimized_kernels(write_bytes(model), samples)
    apply(model, RULE, RemoveDead(), MergeViews(), RemoveNoop())
    assert sum(op.code is OpCode.RESHAPE for op in model.main.ops) == 2
    found = runtime().run("tflm", write_bytes(model), samples)
    for (a,), (b,) in zip(expected, found, strict=True):
        assert np.array_equal(a, b)


def with_optimized_kernels(data: bytes, samples: Outputs) -> Outputs:
    module = pytest.importorskip("ai_edge_litert.interpreter")
    kind = module.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = module.Interpreter(model_content=data, experimental_op_resolver_type=kind)
    interpreter.allocate_tensors()
    ports = interpreter.get_input_details(), interpreter.get_output_details()
    found: Outputs = []
    for sample in samples:
        for detail, array in zip(ports[0], sample, strict=True):
            interpreter.set_tensor(detail["index"], array)
        interpreter.invoke()
        found.append([interpreter.get_tensor(detail["index"]).copy() for detail in ports[1]])
    return found
