"""``shape-to-options``: which of the two places where a RESHAPE keeps its shape is read."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.check_rule import check_declines, check_leaves_alone, check_rule
from tests.support.flash import Layers
from tflopt.config import Runtime
from tflopt.ir import DType, OpCode, Value
from tflopt.ir.options import ReshapeOptions
from tflopt.ir.record import Record
from tflopt.rules.views.shape_to_options import ShapeToOptions

pytestmark = pytest.mark.runtime
RULE = ShapeToOptions()
FOR_TFLM = ShapeToOptions(Runtime.TFLM)
OPEN = "the shape leaves a dimension open for LiteRT"
COMPUTED = "the shape is computed at run time"
SCALAR = "a dimension is 0: the old form of a scalar"


def reshape(
    n: Layers,
    x: Value,
    written: tuple[int, ...],
    shape: tuple[int, ...],
    options: ReshapeOptions | None = None,
) -> Value:
    """RESHAPE to ``shape`` by a constant input that says ``written``."""
    return n.op(OpCode.RESHAPE, [x, n.constant(written)], shape, options=options)


def net(
    written: tuple[int, ...] = (3, 2),
    shape: tuple[int, ...] = (3, 2),
    options: ReshapeOptions | None = None,
) -> Layers:
    n = Layers()
    n.output(n.relu(reshape(n, n.relu(n.feed(2, 3)), written, shape, options)))
    return n


@pytest.mark.parametrize(
    "options",
    [None, ReshapeOptions(), ReshapeOptions((3, 2)), ReshapeOptions((-1, 2)), ReshapeOptions((9,))],
)
def test_the_options_carry_the_shape(options: ReshapeOptions | None) -> None:
    """Whatever the options said before: where there is an input, no runtime reads them."""
    copy = check_rule(
        net(options=options).model,
        RULE,
        """
        graph(%0: i8[2,3]{0.05,3}) -> %3
          %1: i8[2,3]{0.05,3} = RELU(%0)
          %2: i8[3,2]{0.05,3} = RESHAPE(%1) new_shape=[3, 2]
          %3: i8[3,2]{0.05,3} = RELU(%2)
        """,
        hits=1,
    )
    assert len(copy.main.values) == 4
    assert len(copy.buffers) == 1


@pytest.mark.parametrize(
    ("written", "shape"), [((3, 2), (3, 2)), ((-1, 2), (3, 2)), ((3, -1), (3, 2))]
)
def test_for_tflm_an_open_shape_goes_too(written: tuple[int, ...], shape: tuple[int, ...]) -> None:
    n = net(written, shape, ReshapeOptions(shape))
    n.graph.ops[1].output.extra.shape_signature = (-1, 2)
    check_rule(
        n.model,
        FOR_TFLM,
        """
        graph(%0: i8[2,3]{0.05,3}) -> %3
          %1: i8[2,3]{0.05,3} = RELU(%0)
          %2: i8[3,2]{0.05,3} = RESHAPE(%1) new_shape=[3, 2]
          %3: i8[3,2]{0.05,3} = RELU(%2)
        """,
        hits=1,
        runners=["tflm"],
        tflm_alone=True,
    )


@pytest.mark.parametrize("rule", [RULE, FOR_TFLM])
def test_a_scalar(rule: ShapeToOptions) -> None:
    n = Layers()
    x = reshape(n, n.relu(n.feed(1, 1)), (), (), ReshapeOptions(()))
    n.output(n.relu(reshape(n, x, (1,), (1,))))
    alone = rule is FOR_TFLM
    runners = ["tflm"] if alone else ["tflm", "litert"]
    check_rule(n.model, rule, hits=2, runners=runners, tflm_alone=alone)


def test_a_shared_shape_goes_with_its_last_reader() -> None:
    n = Layers()
    shape = n.constant([3, 2])
    x, y = n.relu(n.feed(2, 3)), n.relu(n.feed(6))
    n.output(*[n.op(OpCode.RESHAPE, [each, shape], (3, 2)) for each in (x, y)])
    copy = check_rule(n.model, RULE, hits=2)
    assert not [value for value in copy.main.values if value.is_constant]


def test_a_signature_that_repeats_the_shape_is_no_open_dimension() -> None:
    n = net()
    n.graph.ops[1].output.extra.shape_signature = (3, 2)
    check_rule(n.model, RULE, hits=1)


def open_input() -> Layers:
    return net((-1, 2))


def open_signature() -> Layers:
    n = net()
    n.graph.ops[1].output.extra.shape_signature = (-1, 2)
    return n


def computed() -> Layers:
    n = Layers()
    shape = n.input((2,), DType.INT32)
    n.output(n.op(OpCode.RESHAPE, [n.feed(2, 3), shape], (3, 2)))
    return n


def old_scalar() -> Layers:
    n = Layers()
    n.output(reshape(n, n.relu(n.feed(1)), (0,), (0,)))
    return n


def nine_dimensions() -> Layers:
    shape = (1, 1, 1, 1, 1, 1, 1, 3, 2)
    return net(shape, shape)


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (open_input, OPEN),
        (open_signature, OPEN),
        (computed, COMPUTED),
        (old_scalar, SCALAR),
        (nine_dimensions, "the options hold 8 dimensions at most"),
    ],
)
def test_declines(build: Callable[[], Layers], reason: str) -> None:
    check_declines(build().model, RULE, reason)


@pytest.mark.parametrize(("build", "reason"), [(computed, COMPUTED), (old_scalar, SCALAR)])
def test_declines_for_tflm(build: Callable[[], Layers], reason: str) -> None:
    check_declines(build().model, FOR_TFLM, reason)


def test_leaves_alone_a_reshape_without_input_and_foreign_options() -> None:
    n = Layers()
    x = n.op(OpCode.RESHAPE, [n.feed(2, 3)], (3, 2), options=ReshapeOptions((3, 2)))
    y = n.op(OpCode.RESHAPE, [x, n.constant([2, 3])], (2, 3))
    n.graph.ops[-1].options = Record("SqueezeOptions")
    n.output(n.squeeze(n.expand(y, 0), 0))
    check_leaves_alone(n.model, RULE)
