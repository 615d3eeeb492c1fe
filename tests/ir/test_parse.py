"""The text form, read back."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.fuzz.generate import random_model
from tests.support.paths import every_model
from tflopt.errors import ModelError
from tflopt.io import read, read_bytes, write_bytes
from tflopt.ir import Activation, OpCode, Options, Padding
from tflopt.ir.options import Conv2DOptions
from tflopt.ir.parse import options_class, parse
from tflopt.ir.text import dump
from tflopt.ir.verify import verify

pytestmark = pytest.mark.unit
TEXT = """
graph(%0: i8[1,4,4,3]{0.05,3}) -> %3, %4
  %1: i8[1,2,2,8]{0.1,-1} = CONV_2D@3(%0, const i8[8,3,3,3]{per-channel 0}, none) padding=VALID \
stride_w=1 stride_h=1 fused_activation_function=RELU
  %2: i8[1,32]{0.1,-1} = RESHAPE(%1, [1, 32])
  %3: i8[1,16]{0.1,-1}, %4: i8[1,16]{0.1,-1} = SPLIT([1], %2) num_splits=2
"""


def test_what_is_read_is_printed_again() -> None:
    model = parse(TEXT)
    verify(model, "the test")
    assert dump(model) == TEXT.replace("@3", "").strip()
    assert dump(read_bytes(write_bytes(model))) == dump(model)


def test_what_the_text_says() -> None:
    conv, reshape, split = parse(TEXT).main.ops
    assert (conv.code, conv.opcode.version, reshape.opcode.version) == (OpCode.CONV_2D, 3, 1)
    options = Conv2DOptions(Padding.VALID, 1, 1, Activation.RELU)
    assert conv.options == options
    weights = conv.inputs[1]
    assert weights is not None
    assert weights.quant is not None
    assert weights.quant.count == 8
    assert conv.inputs[2] is None
    assert [len(value.users) for value in split.outputs] == [0, 0]


STATE = """
graph(%0: i8[1,4]{0.05,3}) -> %2, %4
  %2: i8[1,4]{0.05,3} = RELU(%1: var i8[1,4]{0.05,3})
  %1 = ADD(%2, %0)
  %3: var i8[1,4]{0.05,3} = RELU(%1)
  %4: i8[1,4]{0.05,3} = RELU(%3)
"""


def test_a_variable_that_operators_write() -> None:
    model = parse(STATE)
    verify(model, "the test")
    assert dump(model) == STATE.strip()
    assert dump(read_bytes(write_bytes(model))) == dump(model)
    first, add, _, last = model.main.ops
    assert first.inputs == add.outputs
    assert add.output.producer is None
    assert add.output.is_variable
    assert last.inputs[0] is not None
    assert last.inputs[0].is_variable


def test_constants() -> None:
    text = """
    graph(%0: i8[2]{0.05,0}) -> %1
      %1: i8[2]{0.05,0} = ADD(%0, const i8[2]{0.05,0} = [1, -2])
      %2: i8[2]{0.05,0} = ADD(%1, const i8[2]{0.05,0} = 7)
      %3: i8[2]{0.05,0} = ADD(%2, const i8[2]{0.05,0})
    """
    data = [op.inputs[1].array().tolist() for op in parse(text).main.ops if op.inputs[1]]
    assert data[:2] == [[1, -2], [7, 7]]
    again = [op.inputs[1].array().tolist() for op in parse(text).main.ops if op.inputs[1]]
    assert again == data


@pytest.mark.parametrize("seed", range(40))
def test_random_models_survive(seed: int) -> None:
    text = dump(random_model(seed))
    assert dump(parse(text)) == text


@every_model
def test_models_survive(path: Path) -> None:
    text = dump(read(path))
    model = parse(text)
    assert dump(model) == text
    assert [op.opcode.label for op in model.ops()] == [op.opcode.label for op in read(path).ops()]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("%1: i8[2] = NO SUCH(%0)", "this is not an operator"),
        ("%1: i8[2] = RELU(%7)", "nothing makes %7"),
        ("%1: q8[2] = RELU(%0)", "there is no type q8"),
        ("%1: i8[x] = RELU(%0)", "is not a type, as in"),
        ("%0: i8[2] = RELU(%0)", "%0 is not the name of a new tensor"),
        ("%1: i8[2] = RELU(%0) slope=1", "RELU has no options"),
        ("%1: i8[2] = ADD(%0, %0) slope=1", "ADD has no option slope"),
        ("%1: i8[2] = ADD(%0, const str[2])", "there is no type str"),
        ("%2: i8[2] = RELU(%0)", "nothing makes %1"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(line: str, reason: str) -> None:
    with pytest.raises(ModelError, match=re.escape(reason)):
        parse(f"graph(%0: i8[2]{{0.05,0}}) -> %1\n  {line}")
    for text in ("", "%1: i8[2] = RELU(%0)"):
        with pytest.raises(ModelError, match="graph"):
            parse(text)


def test_options_are_found_for_every_operator_that_has_them() -> None:
    found = {cls for code in OpCode if (cls := options_class(code)) is not None}
    assert found == set(Options.__subclasses__())
    assert options_class(OpCode.RELU) is None
