"""``look-up-missing``: LiteRT's tables of GELU and EXP as operators that TFLM has."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.check_rule import apply, check_declines, check_leaves_alone, check_rule
from tests.support.flash import refusal
from tests.support.kit import Kit, Quant
from tests.support.paths import needs_litert, needs_tflm
from tests.support.runtime import runtime
from tflopt.arith.fixed_point import ints
from tflopt.facts.library_tables import library_table
from tflopt.io import write_bytes
from tflopt.ir import DType, OpCode, Record
from tflopt.ir.clone import clone
from tflopt.rules.missing.look_up_missing import LookUpMissing

pytestmark = pytest.mark.runtime
RULE = LookUpMissing()
EVERY = np.arange(-128, 128, dtype=np.int8).reshape(1, 256)


def net(code: OpCode, source: Quant, target: Quant, *, approximate: bool = False) -> Kit:
    n = Kit()
    x = n.input((1, 256), quant=source)
    n.output(n.op(code, [x], x.shape, quant=target))
    n.graph.ops[0].options = Record("ExpOptions")
    if code is OpCode.GELU:
        n.graph.ops[0].options = Record("GeluOptions", {"approximate": approximate})
    return n


GELU = net(OpCode.GELU, (0.03, 3), (0.02, -110))


def test_a_gelu() -> None:
    copy = check_rule(
        GELU.model,
        RULE,
        """
        graph(%0: i8[1,256]{0.03,3}) -> %3
          %1: i32[1,256] = CAST(%0) in_data_type=9 out_data_type=2
          %2: i32[1,256] = ADD(%1, [128])
          %3: i8[1,256]{0.02,-110} = GATHER(const i8[256]{0.02,-110}, %2)
        """,
        hits=1,
        runners=["litert"],
    )
    assert not {op.code for op in copy.main.ops} & RULE.anchors


@pytest.mark.long
@needs_tflm
@needs_litert
@pytest.mark.parametrize("approximate", [False, True])
@pytest.mark.parametrize("seed", range(6))
def test_tflm_gives_what_litert_gives_for_every_value(seed: int, approximate: bool) -> None:
    """Of GELU and EXP between random ranges; TFLM runs none of the originals."""
    rng = np.random.default_rng(seed)
    source = (float(np.float32(rng.uniform(0.005, 0.1))), int(rng.integers(-128, 128)))
    target = (float(np.float32(rng.uniform(0.002, 0.1))), int(rng.integers(-128, 128)))
    code = OpCode.EXP if seed == 5 else OpCode.GELU
    if code is OpCode.EXP:
        source, target = (0.01, 5), (0.02, -128)
    n = net(code, source, target, approximate=approximate)
    copy = clone(n.model)
    ends = library_table(n.model.main.ops[0])
    assert ends is not None
    (expected,) = runtime().run("litert", write_bytes(n.model), [[EVERY]])[0]
    numbers = ints(expected).ravel()
    assert np.all((ends[0] <= numbers) & (numbers <= ends[1]))
    assert np.count_nonzero(ends[0] != ends[1]) <= 2
    assert code.name in refusal(n.model, "tflm") or code is OpCode.EXP
    if np.array_equal(*ends):
        apply(copy, RULE)
        (found,) = runtime().run("tflm", write_bytes(copy), [[EVERY]])[0]
        assert np.array_equal(found, expected)


def test_most_parameters_are_decided() -> None:
    """A value near a half is rare: the C library decides it in few of 200 random networks."""
    rng, undecided = np.random.default_rng(7), 0
    for _ in range(200):
        source, target = (float(np.float32(rng.uniform(0.005, 0.1))) for _ in range(2))
        ends = library_table(net(OpCode.GELU, (source, 0), (target, -100)).model.main.ops[0])
        assert ends is not None
        undecided += not np.array_equal(*ends)
    assert undecided < 10


def test_what_the_c_library_decides_stays() -> None:
    """GELU of a large number is the number, and every odd one lies at a half here."""
    n = net(OpCode.GELU, (0.25, -128), (0.5, -128))
    ends = library_table(n.model.main.ops[0])
    assert ends is not None
    count = np.count_nonzero(ends[0] != ends[1])
    assert count > 90
    told = f"{count} of 256 values lie so near to a half that the C library decides"
    check_declines(n.model, RULE, told)


def test_numbers_beyond_an_integer_of_c_stay() -> None:
    check_leaves_alone(net(OpCode.EXP, (0.2, -128), (0.01, 0)).model, RULE)


@pytest.mark.parametrize("dtype", [DType.FLOAT32, DType.INT16])
def test_other_types_are_left_alone(dtype: DType) -> None:
    n = Kit()
    quant = None if dtype is DType.FLOAT32 else (0.001, 0)
    x = n.input((1, 8), dtype, quant=quant)
    n.output(n.op(OpCode.GELU, [x], x.shape, dtype=dtype))
    check_leaves_alone(n.model, RULE)
