"""``conv-to-fully-connected``, ``fully-connected-to-conv``, ``batch-matmul-to-fully-connected``.

LiteRT's FULLY_CONNECTED rounds once where TFLM rounds twice, so TFLM alone is the oracle.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tests.support.check_rule import check_leaves_alone, check_rule
from tests.support.graphs import QUANT
from tests.support.kit import Kit, Quant
from tests.support.paths import TESTDATA
from tests.support.worth import Always, Never, check_declines_by
from tflopt.config import Config, Goal, Runtime
from tflopt.io.files import load
from tflopt.ir import Activation, DType, OpCode, Padding, Value
from tflopt.ir.options import BatchMatMulOptions
from tflopt.product.optimize import optimize
from tflopt.rules.forms.batch_matmul_to_fully_connected import BatchMatMulToFullyConnected
from tflopt.rules.forms.conv_to_fully_connected import ConvToFullyConnected
from tflopt.rules.forms.fully_connected_to_conv import FullyConnectedToConv
from tflopt.search.worth import FormRule
from tflopt.target.memory import memory_of

pytestmark = pytest.mark.runtime
TO_DENSE = ConvToFullyConnected(Always())
TO_CONV = FullyConnectedToConv(Always())
MATMUL = BatchMatMulToFullyConnected(Always())


def covering(height: int = 3, width: int = 2, **options: object) -> Kit:
    n = Kit()
    x = n.feed(1, height, width, 3)
    kernel = (height, width)
    n.output(n.conv2d(x, 4, kernel, padding=Padding.VALID, **options))  # type: ignore[arg-type]
    return n


def test_a_kernel_that_covers_the_input() -> None:
    check_rule(
        covering(activation=Activation.RELU).model,
        TO_DENSE,
        """
        graph(%0: i8[1,3,2,3]{0.05,3}) -> %2
          %1: i8[1,4]{0.05,3} = FULLY_CONNECTED(%0, const i8[4,18]{per-channel 0}, const i32[4]{per-channel 0}) fused_activation_function=RELU
          %2: i8[1,1,1,4]{0.05,3} = RESHAPE(%1, [1, 1, 1, 4]) new_shape=[1, 1, 1, 4]
        """,  # noqa: E501
        hits=1,
        runners=["tflm"],
    )


@pytest.mark.parametrize("batches", [1, 3])
@pytest.mark.parametrize("bias", [True, False])
def test_one_pixel(batches: int, bias: bool) -> None:
    n = Kit()
    x = n.feed(batches, 1, 1, 5)
    n.output(n.conv2d(x, 4, (1, 1), bias=bias))
    check_rule(n.model, TO_DENSE, hits=1, runners=["tflm"])


def per_tensor(scale: float, weight_scale: float) -> Kit:
    """The float32 product of the scales is rounded, their double product is not."""
    n = Kit()
    x = n.input((1, 1, 1, 4), quant=(scale, 0))
    n.output(n.conv2d(x, 3, (1, 1), per_channel=False, quant=(0.07, 0)))
    weights = n.graph.ops[0].inputs[1]
    assert weights is not None
    weights.quant = n.value((1,), quant=(weight_scale, 0)).quant
    return n


def test_per_tensor_weights_depend_on_the_multiplier() -> None:
    check_rule(per_tensor(0.5, 0.25).model, TO_DENSE, hits=1, runners=["tflm"])
    reason = "FULLY_CONNECTED would compute another multiplier"
    check_declines_by(per_tensor(0.0123456, 0.0345678).model, TO_DENSE, reason)


def rows(count: int, quant: Quant = QUANT, **options: object) -> Kit:
    n, y = dense(count, quant, **options)
    n.output(y)
    return n


def dense(count: int, quant: Quant = QUANT, **options: object) -> tuple[Kit, Value]:
    n = Kit()
    x = n.input((count, 5), quant=(0.5, 3))
    y = n.fully_connected(x, 4, quant=quant, **options)  # type: ignore[arg-type]
    weights = n.graph.ops[0].inputs[1]
    assert weights is not None
    weights.quant = n.value((1,), quant=(0.0009765625, 0)).quant
    bias = n.graph.ops[0].inputs[2]
    if bias is not None:
        bias.quant = n.value((1,), quant=(0.00048828125, 0)).quant
    return n, y


@pytest.mark.parametrize("count", [1, 4])
@pytest.mark.parametrize("bias", [True, False])
def test_rows_become_pixels(count: int, bias: bool) -> None:
    n = rows(count, bias=bias, activation=Activation.RELU)
    copy = check_rule(n.model, TO_CONV, hits=1, runners=["tflm"])
    assert [op.code.name for op in copy.main.ops] == ["RESHAPE", "CONV_2D", "RESHAPE"]


@pytest.mark.parametrize("is_open", [False, True])
def test_one_view_does_for_both(is_open: bool) -> None:
    """What shows the output to a convolution goes; an open shape is LiteRT's."""
    n, y = dense(4)
    view = n.reshape(y, 1, 4, 1, 4)
    view.extra.shape_signature = (-1, 4, 1, 4) if is_open else None
    n.output(n.relu(view))
    copy = check_rule(n.model, TO_CONV, hits=1, runners=["tflm"])
    views = ["RESHAPE", "RESHAPE"] if is_open else []
    assert [op.code.name for op in copy.main.ops] == ["RESHAPE", "CONV_2D", *views, "RELU"]


def test_dense_layers_in_a_row_keep_less_as_convolutions() -> None:
    """On MVE FULLY_CONNECTED keeps a sum for each row of weights; views between them go."""
    model = load(TESTDATA / "autoencoder.tflite")[0]
    config = Config(Runtime.TFLM, goal=Goal.MEMORY)
    result = optimize(model, config=config)
    assert sum(op.code is OpCode.CONV_2D for op in result.ops()) == len(model.main.ops)
    assert memory_of(result, config.device).arena.minimum_bytes <= 7_872


def test_weights_with_a_zero_point_stay() -> None:
    n = rows(1)
    weights = n.graph.ops[0].inputs[1]
    assert weights is not None
    weights.quant = n.value((1,), quant=(0.0009765625, 3)).quant
    check_declines_by(n.model, TO_CONV, "the weights have zero points")


def test_a_multiplier_that_differs_stays() -> None:
    n = Kit()
    n.output(n.fully_connected(n.input((1, 5), quant=(0.0123457, 3)), 4, quant=(0.0717, 3)))
    weights = n.graph.ops[0].inputs[1]
    assert weights is not None
    weights.quant = n.value((1,), quant=(0.0345678, 0)).quant
    check_declines_by(n.model, TO_CONV, "CONV_2D would compute another multiplier")


def matmul(
    shape: tuple[int, ...] = (2, 3, 5), matrix: tuple[int, ...] = (5, 4), **options: bool
) -> Kit:
    n = Kit()
    x = n.feed(*shape)
    numbers = np.random.default_rng(1).integers(-127, 128, matrix)
    adjoint = BatchMatMulOptions(**options)
    right = n.constant(numbers, DType.INT8, (0.01, 0))
    columns = matrix[-2] if adjoint.adj_y else matrix[-1]
    lead = (*shape[:-2], shape[-1]) if adjoint.adj_x else shape[:-1]
    out = (*lead, columns)
    n.output(n.op(OpCode.BATCH_MATMUL, [x, right], out, options=adjoint, quant=QUANT, version=2))
    return n


def test_a_constant_matrix() -> None:
    check_rule(
        matmul().model,
        MATMUL,
        """
        graph(%0: i8[2,3,5]{0.05,3}) -> %3
          %1: i8[6,5]{0.05,3} = RESHAPE(%0, [6, 5]) new_shape=[6, 5]
          %2: i8[6,4]{0.05,3} = FULLY_CONNECTED(%1, const i8[4,5]{0.01,0})
          %3: i8[2,3,4]{0.05,3} = RESHAPE(%2, [2, 3, 4]) new_shape=[2, 3, 4]
        """,
        hits=1,
        runners=["tflm"],
    )


@pytest.mark.parametrize("shape", [(1, 5), (3, 5), (2, 1, 5), (2, 2, 2, 5)])
def test_a_matrix_that_is_transposed_already(shape: tuple[int, ...]) -> None:
    check_rule(matmul(shape, (4, 5), adj_y=True).model, MATMUL, hits=1, runners=["tflm"])


def transposed_left() -> tuple[Kit, str]:
    return matmul((2, 5, 3), adj_x=True), "the left-hand side is transposed at run time"


def several() -> tuple[Kit, str]:
    return matmul((2, 3, 5), (2, 5, 4)), "the right-hand side has several matrices"


def offset() -> tuple[Kit, str]:
    n = matmul()
    right = n.graph.ops[0].inputs[1]
    assert right is not None
    right.quant = n.value((1,), quant=(0.01, 3)).quant
    return n, "the constant has a zero point"


def short() -> tuple[Kit, str]:
    return matmul((2, 3), (4, 3)), "its shapes don't fit"


@pytest.mark.parametrize("build", [transposed_left, several, offset, short])
def test_matmul_declines(build: Callable[[], tuple[Kit, str]]) -> None:
    n, reason = build()
    check_declines_by(n.model, MATMUL, reason)


@pytest.mark.parametrize(
    ("rule", "build", "reason"),
    [
        (ConvToFullyConnected(Never()), covering, "FULLY_CONNECTED isn't better"),
        (FullyConnectedToConv(Never()), lambda: rows(2), "CONV_2D isn't better"),
        (BatchMatMulToFullyConnected(Never()), matmul, "FULLY_CONNECTED isn't better"),
    ],
)
def test_declines_by_cost(rule: FormRule, build: Callable[[], Kit], reason: str) -> None:
    check_declines_by(build().model, rule, reason)


def several_windows(n: Kit) -> Value:
    return n.conv2d(n.feed(1, 3, 3, 2), 2, (2, 2), padding=Padding.VALID)


def padded(n: Kit) -> Value:
    return n.conv2d(n.feed(1, 1, 1, 2), 2, (3, 3))


def two_factors(n: Kit) -> Value:
    inputs = [n.feed(2, 3), n.feed(3, 4)]
    return n.op(OpCode.BATCH_MATMUL, inputs, (2, 4), options=BatchMatMulOptions(), quant=QUANT)


@pytest.mark.parametrize("build", [several_windows, padded, two_factors])
def test_leaves_alone(build: Callable[[Kit], Value]) -> None:
    n = Kit()
    n.output(build(n))
    for rule in (TO_DENSE, MATMUL):
        check_leaves_alone(n.model, rule)
