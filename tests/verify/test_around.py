"""One operator that no runner has doesn't blind the rest of the comparison."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.support.cli import Cli
from tests.support.field import field_case, field_model
from tests.support.kit import Kit
from tests.support.paths import TESTDATA, needs_tflm
from tflopt.errors import UnverifiedError
from tflopt.io import read, read_bytes, write_bytes
from tflopt.ir import Model, Op, OpCode, OperatorCode
from tflopt.ir.clone import clone
from tflopt.product.optimize import Result, Settings, check_verdict, optimize_file_bytes
from tflopt.product.validation import validate
from tflopt.verify.compare import Verification, where_to

pytestmark = [pytest.mark.runtime, needs_tflm]
VENDOR = "XC_conv2d"


def made_custom(op: Op, name: str = VENDOR) -> None:
    """As a vendor's compiler leaves it: a name, and bytes that only its runtime reads."""
    entry = OperatorCode(int(OpCode.CUSTOM), name)
    op.graph.model.opcodes.append(entry)
    op.opcode, op.options = entry, None
    op.extra.options_type = 0
    op.extra.custom_options = np.frombuffer(b"\x01\x02\x03\x04", np.uint8).copy()


def networks(*customs: int) -> Model:
    """Convolutions in a row; those at these places are a vendor's."""
    n = Kit()
    x = n.feed(1, 8, 8, 4)
    for _ in range(5):
        x = n.conv2d(x, 4, kernel=(3, 3))
    n.output(n.relu(x))
    ops = list(n.model.main.ops)
    for place in customs:
        made_custom(ops[place])
    return read_bytes(write_bytes(n.model))


def optimized(model: Model) -> Result:
    data = write_bytes(model)
    return optimize_file_bytes(read_bytes(data), data, Settings())


def verdict_of(result: Result) -> Verification:
    assert result.verification is not None
    return result.verification


@pytest.mark.parametrize(
    ("customs", "told"),
    [
        ((2,), "up to operator 2 (XC_conv2d), a custom one"),
        ((0,), "up to operator 0 (XC_conv2d), a custom one"),
        ((4,), "up to operator 4 (XC_conv2d), a custom one"),
        (
            (1, 3),
            "up to and between operators 1 (XC_conv2d), 3 (XC_conv2d), custom ones",
        ),
        (
            (1, 2),
            "up to and between operators 1 (XC_conv2d), 2 (XC_conv2d), custom ones",
        ),
    ],
)
def test_what_lies_around_is_compared(customs: tuple[int, ...], told: str) -> None:
    verdict = verdict_of(optimized(networks(*customs)))
    assert verdict.status == "identical"
    assert where_to(verdict) == told
    assert verdict.tensors > 0 and verdict.samples == 32


def flipped(model: Model, place: int) -> Model:
    """With one other weight in an operator's filter."""
    broken = clone(model)
    weights = broken.main.ops[place].inputs[1]
    assert weights is not None and weights.buffer is not None and weights.buffer.data is not None
    weights.buffer.data = weights.buffer.data.copy()
    weights.buffer.data[0] ^= 0x40
    return broken


@pytest.mark.parametrize("place", [0, 1, 3, 4])
def test_a_fault_on_either_side_is_found(place: int) -> None:
    model = networks(2)
    verdict = validate(model, flipped(model, place))
    assert verdict.status == "different"
    assert validate(model, clone(model)).status == "identical"


def other_weights(model: Model) -> Model:
    return flipped(model, 2)


def other_options(model: Model) -> Model:
    broken = clone(model)
    broken.main.ops[2].extra.custom_options = np.frombuffer(b"\x01\x02\x03\x05", np.uint8)
    return broken


@pytest.mark.parametrize(
    ("change", "reason"),
    [(other_weights, "has other constant input 1"), (other_options, "has other options")],
)
def test_the_operator_itself_must_be_the_same(
    change: Callable[[Model], Model], reason: str
) -> None:
    model = networks(2)
    verdict = validate(model, change(model))
    assert verdict.status == "different"
    assert verdict.mismatch is not None
    assert verdict.mismatch.output == f"operator 2 ({VENDOR}) {reason}"


def test_another_input_of_the_model_is_another_result() -> None:
    def model(swap: bool) -> Model:
        n = Kit()
        inputs = [n.feed(1, 4, 4, 4), n.feed(1, 4, 4, 4)]
        own, other = reversed(inputs) if swap else inputs
        n.output(n.conv2d(n.conv2d(own, 4), 4))
        n.output(n.conv2d(other, 4))
        ops = list(n.model.main.ops)
        made_custom(ops[0])
        return read_bytes(write_bytes(n.model))

    verdict = validate(model(swap=False), model(swap=True))
    assert verdict.status == "different"


def test_the_whole_verdict_is_not_required_of_it_unless_asked() -> None:
    result = optimized(networks(2))
    check_verdict(result, Settings())
    with pytest.raises(UnverifiedError, match=r"identical up to operator 2 \(XC_conv2d\)"):
        check_verdict(result, Settings(require_verified=True))


def test_the_screen_says_it(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(write_bytes(networks(2)))
    ran = cli("optimize", path)
    out = " ".join(ran.out.split())
    assert ran.code == 0
    assert (
        "identical up to operator 2 (XC_conv2d), a custom one, and behind it from substituted"
        in out
    )
    assert cli("validate", path, path).code == 0


def called_graphs(name: str, graph: int, place: int) -> Model:
    """A model with calls, one operator of which is a vendor's."""
    model = read(TESTDATA / f"{name}.tflite")
    made_custom(model.graphs[graph].ops[place])
    return read_bytes(write_bytes(model))


def flipped_in(model: Model, graph: int, place: int) -> Model:
    broken = clone(model)
    constants = [v for v in broken.graphs[graph].ops[place].inputs if v is not None and v.has_data]
    buffer = constants[0].buffer
    assert buffer is not None and buffer.data is not None
    buffer.data = buffer.data.copy()
    buffer.data[0] ^= 0x40
    return broken


@pytest.mark.parametrize(
    ("name", "graph", "place", "faults"),
    [
        ("while_loop", 2, 2, [(1, 0), (2, 2), (2, 3)]),
        ("while_loop", 1, 0, [(2, 2)]),
        ("if_branches", 1, 1, [(1, 1), (2, 1)]),
    ],
)
def test_inside_loops_and_branches(
    name: str, graph: int, place: int, faults: list[tuple[int, int]]
) -> None:
    """Whatever calls it, each subgraph is compared up to it and behind it."""
    model = called_graphs(name, graph, place)
    verdict = verdict_of(optimized(model))
    assert verdict.status == "identical"
    told = f"up to operator {place} in subgraph {graph} (XC_conv2d), a custom one"
    assert where_to(verdict) == told
    assert verdict.samples == 32
    for fault in faults:
        assert validate(model, flipped_in(model, *fault)).status == "different", fault
    assert validate(model, clone(model)).status == "identical"


def test_a_real_model_with_a_vendors_operator_inside() -> None:
    """The pooling layer of a real network, as a compiler for an accelerator takes it out."""
    model = read(field_model("micronet_kws_m"))
    ops = list(model.main.ops)
    place = next(i for i, op in enumerate(ops) if op.code is OpCode.AVERAGE_POOL_2D)
    made_custom(ops[place], "NeutronGraph")
    model = read_bytes(write_bytes(model))
    result = optimized(model)
    verdict = verdict_of(result)
    assert (verdict.status, verdict.samples) == ("identical", 32)
    assert where_to(verdict) == f"up to operator {place} (NeutronGraph), a custom one"
    assert verdict.tensors >= place - 2
    assert len(result.data) < len(result.source)
    behind = place + 1
    assert ops[behind].code is OpCode.CONV_2D
    for broken in (0, behind):
        assert validate(model, flipped(model, broken)).status == "different"


@pytest.mark.parametrize("case", ["D1_vela_min", "c01_vela_small"])
def test_a_model_that_is_such_an_operator(case: str, cli: Cli, tmp_path: Path) -> None:
    path = field_case(case)
    result = optimized(read(path))
    verdict = verdict_of(result)
    assert (verdict.status, verdict.samples) == ("identical", 0)
    assert where_to(verdict) == "up to operator 0 (ethos-u), a custom one"
    ran = cli("optimize", path, "-o", tmp_path / "o.tflite")
    assert "identical up to operator 0 (ethos-u), a custom one" in " ".join(ran.out.split())


def test_operators_that_runners_have_are_run() -> None:
    """TFLM's own custom operators are no strangers: nothing is cut there."""
    verdict = verdict_of(optimized(read(field_model("audio_preprocessor_int8"))))
    assert verdict.status == "identical"
    assert not verdict.around
