"""``strip-ranges``: what calibration left, and what looks like it and is read."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.support.check_rule import check_leaves_alone, check_rule
from tests.support.flash import Layers, real_model, relu_chain
from tflopt.io import read_bytes, write_bytes
from tflopt.ir import Model, Quantization
from tflopt.ir.record import Record
from tflopt.rules.flash.strip_ranges import StripRanges, slimmed

pytestmark = pytest.mark.runtime
RULE = StripRanges()
RANGE = np.array([-1.5], np.float32)
CUSTOM, BLOCKWISE = 1, 2


def custom() -> Record:
    return Record("CustomQuantization", {"custom": np.array([1, 2, 3], np.uint8)})


def blockwise() -> Record:
    return Record("BlockwiseQuantization", {"scales": 1, "block_size": 32})


def calibrated(**fields: object) -> Layers:
    n = relu_chain("a", "b")
    for value in n.graph.values:
        assert value.quant is not None
        value.quant = replace(value.quant, **fields)  # type: ignore[arg-type]
    return n


def quants(model: Model) -> list[Quantization | None]:
    return [value.quant for value in model.main.values]


def test_min_and_max_go() -> None:
    copy = check_rule(
        calibrated(min=RANGE, max=-RANGE).model,
        RULE,
        """
        graph(%0: i8[2,3]{0.05,3}) -> %2
          %1: i8[2,3]{0.05,3} = RELU(%0)
          %2: i8[2,3]{0.05,3} = RELU(%1)
        """,
        hits=1,
    )
    for quant in quants(copy):
        assert quant is not None
        assert (quant.min, quant.max) == (None, None)
        assert quant.scalar() == (float(np.float32(0.05)), 3)


@pytest.mark.parametrize("side", ["min", "max"])
def test_one_of_them_goes_and_an_empty_one_too(side: str) -> None:
    for content in (RANGE, RANGE[:0]):
        copy = check_rule(calibrated(**{side: content}).model, RULE)
        assert all(quant is not None and getattr(quant, side) is None for quant in quants(copy))


def test_custom_details_go() -> None:
    copy = check_rule(calibrated(details=custom(), details_type=CUSTOM).model, RULE)
    assert all(quant is not None and quant.details is None for quant in quants(copy))
    assert all(quant is not None and quant.details_type == 0 for quant in quants(copy))


def test_blockwise_details_stay() -> None:
    n = calibrated(details=blockwise(), details_type=BLOCKWISE)
    check_leaves_alone(n.model, RULE)
    ranged = calibrated(details=blockwise(), details_type=BLOCKWISE, min=RANGE)
    found = quants(check_rule(ranged.model, RULE, runners=[]))
    assert all(quant is not None and quant.details is not None for quant in found)
    assert all(quant is not None and quant.details_type == BLOCKWISE for quant in found)


def test_blockwise_details_without_a_scale_stay() -> None:
    quant = Quantization(details=blockwise(), details_type=BLOCKWISE, quantized_dimension=1)
    assert slimmed(quant) is quant


def test_the_dimension_of_one_scale_becomes_0() -> None:
    copy = check_rule(calibrated(quantized_dimension=1).model, RULE)
    assert all(quant is not None and quant.quantized_dimension == 0 for quant in quants(copy))


def test_the_dimension_of_many_scales_stays() -> None:
    n = Layers()
    n.output(n.depthwise(n.feed(1, 4, 4, 3), n.bias(3), [0.1, 0.2, 0.3]))
    check_leaves_alone(n.model, RULE)
    weights = n.graph.ops[0].inputs[1]
    assert weights is not None
    assert weights.quant is not None
    weights.quant = replace(weights.quant, min=np.zeros(3, np.float32))
    found = check_rule(n.model, RULE).main.ops[0].inputs[1]
    assert found is not None
    assert found.quant is not None
    assert (found.quant.count, found.quant.quantized_dimension) == (3, 3)


EMPTY = np.array([], np.float32)


@pytest.mark.parametrize(
    "quant",
    [
        Quantization(),
        Quantization(min=RANGE, max=RANGE),
        Quantization(scale=EMPTY, zero_point=np.array([], np.int64)),
        Quantization(quantized_dimension=1),
        Quantization(details=custom(), details_type=CUSTOM),
    ],
)
def test_a_table_without_scales_goes(quant: Quantization) -> None:
    n = Layers()
    x = n.relu(n.feed(2, 3))
    shape = n.constant([3, 2])
    shape.quant = quant
    reshaped = n.reshape(x, 3, 2)
    n.graph.ops[-1].set_input(1, shape)
    n.output(reshaped)
    copy = check_rule(n.model, RULE, hits=1)
    assert all(value.quant is None for value in copy.main.values if value.is_constant)


@pytest.mark.parametrize(
    "quant", [Quantization(scale=RANGE), Quantization(zero_point=np.array([3], np.int64))]
)
def test_half_a_quantization_stays(quant: Quantization) -> None:
    """Neither runtime takes it for one, but LiteRT refuses a file for the first."""
    assert slimmed(quant) is quant


def test_a_real_file_keeps_what_kernels_read() -> None:
    model = real_model("kws_ref_model")
    copy = check_rule(model, RULE)
    again = read_bytes(write_bytes(copy))
    for before, after in zip(model.main.values, again.main.values, strict=True):
        assert (before.quant if before.quant and before.quant.count else None) == after.quant


def test_leaves_alone_scales_and_zero_points() -> None:
    check_leaves_alone(relu_chain("a").model, RULE)
