"""``avoid-broadcast``: one tap for each channel, constants in full, operands resized."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from tests.support.check_rule import check_leaves_alone, check_rule
from tests.support.field import field_case
from tests.support.kit import Kit, Quant
from tests.support.worth import Always, Never, check_declines_by
from tflopt.arith.affine import Affine
from tflopt.arith.binary import add, mul
from tflopt.config import Goal
from tflopt.facts.one_tap import Frame, one_tap
from tflopt.facts.tables import EVERY_INT8
from tflopt.io import read
from tflopt.ir import Activation, DType, OpCode, Value
from tflopt.rules.forms.avoid_broadcast import AvoidBroadcast
from tflopt.rules.forms.one_tap_forms import as_depthwise
from tflopt.search.worth import Worth
from tflopt.target import Target
from tflopt.target.cost import predict_model
from tflopt.target.device import Device

pytestmark = pytest.mark.runtime
DEVICES = [Device(Target.parse(name)) for name in ("cortex-m4", "cortex-m55")]
TAPS, STORED, RESIZED = (AvoidBroadcast(Always(pick=pick)) for pick in range(3))


def constant_of(n: Kit, numbers: list[int], quant: Quant = (0.01, 2)) -> Value:
    return n.constant(numbers, DType.INT8, quant)


def model(
    code: OpCode,
    shape: tuple[int, ...],
    numbers: list[int],
    *,
    first: bool = False,
    quant: Quant = (0.01, 2),
    out: Quant = (0.08, -20),
) -> Kit:
    n = Kit()
    x, y = n.feed(*shape), constant_of(n, numbers, quant)
    n.output(n.binary(code, *((y, x) if first else (x, y)), quant=out))
    return n


def test_a_factor_for_each_channel() -> None:
    copy = check_rule(
        model(OpCode.MUL, (1, 3, 4, 5), [5, -3, 2, 127, 1]).model,
        TAPS,
        """
        graph(%0: i8[1,3,4,5]{0.05,3}) -> %1
          %1: i8[1,3,4,5]{0.08,-20} = DEPTHWISE_CONV_2D(%0, const i8[1,1,1,5]{per-channel 3}, \
const i32[5]{per-channel 0}) padding=VALID stride_w=1 stride_h=1 depth_multiplier=1
        """,
        hits=1,
        runners=["tflm"],
    )
    weights = copy.main.ops[0].inputs[1]
    assert weights is not None
    assert weights.array().reshape(-1).tolist() == [3, -5, 0, 125, -1]


@pytest.mark.parametrize(
    ("code", "first", "shape"),
    list(
        product(
            [OpCode.ADD, OpCode.SUB, OpCode.MUL],
            [False, True],
            [(1, 3, 4, 3), (2, 3, 2, 3), (7, 3), (2, 5, 3)],
        )
    ),
)
def test_every_operator_on_either_side(code: OpCode, first: bool, shape: tuple[int, ...]) -> None:
    quants = {"quant": (0.05, 2), "out": (0.1, 3)}
    net = model(code, shape, [64, -3, 100], first=first, **quants)
    copy = check_rule(net.model, TAPS, hits=1, runners=["tflm"])
    codes = [op.code for op in copy.main.ops if op.code is not OpCode.RESHAPE]
    assert codes == [OpCode.DEPTHWISE_CONV_2D]


def test_a_factor_beyond_int8_gets_another_scale() -> None:
    """-128 minus a zero point of 127 is -255."""
    n = Kit()
    x = n.feed(1, 2, 2, 2)
    y = constant_of(n, [-128, 127], quant=(0.01, 127))
    n.output(n.binary(OpCode.MUL, x, y))
    copy = check_rule(n.model, TAPS, hits=1, runners=["tflm"])
    weights = copy.main.ops[0].inputs[1]
    assert weights is not None
    assert weights.array().reshape(-1)[0] < 0


def taps_of(net: Kit) -> tuple[list[int], list[float], list[int]]:
    """Weights, their scales and biases of the form."""
    copy = check_rule(net.model, TAPS, hits=1, runners=["tflm"])
    weights, bias = copy.main.ops[0].operand(1), copy.main.ops[0].operand(2)
    assert weights.quant is not None
    numbers = [value.array().reshape(-1).tolist() for value in (weights, bias)]
    return numbers[0], weights.quant.scales.tolist(), numbers[1]


def test_sums_share_weight_and_scale_where_one_serves_all() -> None:
    """What is added is in the bias alone; each on its own would take another weight."""
    numbers = [64, -3, 100, -90, 31, 7, -57, 125]
    net = model(OpCode.ADD, (1, 2, 3, 8), numbers, quant=(0.0213, 0), out=(0.157, -5))
    weights, scales, biases = taps_of(net)
    assert len(set(weights)) == len(set(scales)) == 1
    assert np.argsort(biases).tolist() == np.argsort(numbers).tolist()
    assert weights[0] * scales[0] == pytest.approx(1, rel=1e-3)


def test_factors_beyond_int8_share_a_scale_in_proportion() -> None:
    """-255, 0 and -128 times the constant's scale, coarse enough for weights that are rounded."""
    net = model(OpCode.MUL, (1, 2, 2, 3), [-128, 127, -1], quant=(0.01, 127), out=(2.0, 0))
    weights, scales, _ = taps_of(net)
    assert len(set(scales)) == 1
    assert weights[1] == 0
    assert weights[0] / weights[2] == pytest.approx(255 / 128, rel=0.05)


def test_channels_that_no_scale_serves_get_their_own() -> None:
    (op,) = read(field_case("L2_add_broadcast_const")).main.ops
    sketch = as_depthwise(op)
    assert sketch is not None
    (conv,) = (each for each in sketch.graph.ops if each.code is OpCode.DEPTHWISE_CONV_2D)
    quant = conv.operand(1).quant
    assert quant is not None
    assert len(set(quant.scales.tolist())) > 1


def test_the_numbers_are_those_of_all_inputs() -> None:
    """What the search returns is compared here once more, and what it misses is rare."""
    rng, found = np.random.default_rng(3), 0
    for _ in range(40):
        scales = rng.uniform(0.01, 0.2, 3)
        zeros = rng.integers(-128, 128, 3)
        one, two, out = (Affine.make(s, z) for s, z in zip(scales, zeros, strict=True))
        frame = Frame(
            float(one.scale), int(zeros[0]), float(out.scale), int(zeros[2]), Activation.RELU
        )
        number = int(rng.integers(-128, 128))
        wanted = add(EVERY_INT8, number, one, two, out, Activation.RELU)
        tap = one_tap(1.0, wanted, frame)
        assert tap is None or np.array_equal(frame.results(tap), wanted)
        found += tap is not None
        factor = float(two.scale) * (number - int(zeros[1]))
        wanted = mul(EVERY_INT8, number, one, two, out, Activation.RELU)
        tap = one_tap(factor, wanted, frame)
        assert tap is None or np.array_equal(frame.results(tap), wanted)
        found += tap is not None
    assert found > 76


def test_a_factor_beside_the_nominal_one_leaves_a_bias_more_room() -> None:
    """Of a case from the field: no weight and no neighbour of its scale fit one channel of 32."""
    (op,) = read(field_case("L2_add_broadcast_const")).main.ops
    assert as_depthwise(op) is not None
    for device in DEVICES:
        copy = check_rule(
            op.graph.model, AvoidBroadcast(Worth(Goal.SPEED, device)), hits=1, runners=["tflm"]
        )
        assert [each.code for each in copy.main.ops] == [OpCode.DEPTHWISE_CONV_2D]


def test_a_constant_is_stored_in_full() -> None:
    check_rule(
        model(OpCode.ADD, (1, 3, 4, 5), [5, -3, 2, 127, 1]).model,
        STORED,
        """
        graph(%0: i8[1,3,4,5]{0.05,3}) -> %1
          %1: i8[1,3,4,5]{0.08,-20} = ADD(%0, const i8[1,3,4,5]{0.01,2})
        """,
        hits=1,
    )


def excited(height: int = 3, width: int = 4, rows: int = 1) -> Kit:
    """Squeeze-and-excite."""
    n = Kit()
    x, y = n.feed(1, height, width, 5), n.feed(1, rows, 1, 5)
    n.output(n.binary(OpCode.MUL, x, n.relu(y)))
    return n


def test_squeeze_and_excite() -> None:
    check_rule(
        excited().model,
        RESIZED,
        """
        graph(%0: i8[1,3,4,5]{0.05,3}, %1: i8[1,1,1,5]{0.05,3}) -> %4
          %2: i8[1,1,1,5]{0.05,3} = RELU(%1)
          %3: i8[1,3,4,5]{0.05,3} = RESIZE_NEAREST_NEIGHBOR(%2, [3, 4])
          %4: i8[1,3,4,5]{0.05,3} = MUL(%0, %3)
        """,
        hits=1,
    )


def test_a_column_of_factors() -> None:
    check_rule(excited(rows=3).model, RESIZED, hits=1)


@pytest.mark.parametrize("case", ["L2_add_broadcast_const", "L3_mul_per_channel_const"])
@pytest.mark.parametrize("device", DEVICES, ids=str)
def test_the_field_s_cases(case: str, device: Device) -> None:
    """Each form is exact; the best is measured in docs/benchmarks.md."""
    source = read(field_case(case))
    before = predict_model(source, device).instructions
    copy = check_rule(source, AvoidBroadcast(Worth(Goal.SPEED, device)), hits=1, runners=["tflm"])
    assert predict_model(copy, device).instructions < 0.8 * before


def test_declines() -> None:
    check_declines_by(excited().model, AvoidBroadcast(Never()), "a form without broadcast isn't")


def test_sub_whose_multipliers_depend_on_the_version_stays() -> None:
    """TFLM divides the scales as floats or as doubles."""
    check_leaves_alone(model(OpCode.SUB, (1, 3, 4, 3), [64, -3, 100]).model, TAPS)


def test_leaves_alone() -> None:
    n = Kit()
    x = n.feed(1, 3, 4, 5)
    n.output(n.binary(OpCode.MUL, x, n.relu(x)))
    n.output(n.binary(OpCode.MUL, x, n.relu(n.feed(1, 3, 4, 1))))
    n.output(n.binary(OpCode.MAXIMUM, x, n.constant([3], DType.INT8, x.quant)))
    check_leaves_alone(n.model, RESIZED)
