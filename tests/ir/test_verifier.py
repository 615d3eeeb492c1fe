"""The verifier, the text form and small types."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import numpy as np
import pytest

from tests.ir.test_structure import two_layers
from tests.support.graphs import QUANT, Net
from tflopt.errors import VerifyError
from tflopt.ir import (
    Buffer,
    DType,
    Graph,
    Metadata,
    Model,
    OpCode,
    OperatorCode,
    Quantization,
    Signature,
    Use,
    Value,
    same_quantization,
)
from tflopt.ir.options import CallOnceOptions
from tflopt.ir.text import dump
from tflopt.ir.types import dtype_of
from tflopt.ir.verify import flaws, verify

pytestmark = pytest.mark.unit


def early(n: Net) -> None:
    n.graph.ops.reverse()


def negative(n: Net) -> None:
    n.graph.inputs[0].shape = (2, -3)


def wrong_size(n: Net) -> None:
    n.constant([1, 2]).shape = (3,)


def producing_a_constant(n: Net) -> None:
    n.graph.ops[0].output.buffer = Buffer(np.zeros(6, np.uint8))


def stranger_read(n: Net) -> None:
    n.graph.ops[0].set_input(0, Value(n.graph, DType.INT8, (2, 3), name="stranger"))


def stranger_produced(n: Net) -> None:
    n.graph.ops[1].set_outputs([Value(n.graph, DType.INT8, (2, 3), name="stranger")])


def stranger_port(n: Net) -> None:
    n.graph.inputs.append(Value(n.graph, DType.INT8, (2, 3), name="stranger"))


def lost_use(n: Net) -> None:
    n.graph.inputs[0]._uses.clear()


def false_use(n: Net) -> None:
    n.graph.ops[1].output._uses[Use(n.graph.ops[0], 7)] = None


def lost_producer(n: Net) -> None:
    n.graph.ops[1].output.producer = None


def false_producer(n: Net) -> None:
    n.graph.ops[1].output.producer = n.graph.ops[0]


def produced_variable(n: Net) -> None:
    n.graph.ops[1].output.is_variable = True


def ghost_producer(n: Net) -> None:
    """An output whose operator left the list without a word."""
    n.graph.ops.pop()


def produced_twice(n: Net) -> None:
    n.graph.ops.append(n.graph.ops[1])


def foreign_opcode(n: Net) -> None:
    n.graph.ops[0].opcode = OperatorCode(int(OpCode.ABS))


def foreign_buffer(n: Net) -> None:
    n.graph.inputs[0].buffer = Buffer(None)


def foreign_intermediate(n: Net) -> None:
    n.graph.ops[0].extra.intermediates = (Value(n.graph, DType.INT8, (1,), name="stranger"),)


def foreign_metadata(n: Net) -> None:
    n.model.metadata = [Metadata("m", Buffer(None))]


def foreign_metadata_buffer(n: Net) -> None:
    n.model.metadata_buffers = [Buffer(None)]


def foreign_signature(n: Net) -> None:
    value = Value(n.graph, DType.INT8, (1,), name="stranger")
    n.model.signatures = [Signature(n.graph, "s", None, [("y", value)])]


def foreign_signature_graph(n: Net) -> None:
    n.model.signatures = [Signature(Graph(n.model), "s", None, None)]


def missing_callee(n: Net) -> None:
    n.ops(OpCode.CALL_ONCE, [], [], CallOnceOptions(3))


CORRUPTIONS: list[tuple[Callable[[Net], None], str]] = [
    (early, "before it is produced"),
    (negative, "negative dimension"),
    (wrong_size, "needs 12 bytes, its buffer has 8"),
    (producing_a_constant, "constant, yet RELU produces it"),
    (stranger_read, "stranger"),
    (stranger_produced, "stranger"),
    (stranger_port, "stranger"),
    (lost_use, "is recorded or real, not both"),
    (false_use, "is recorded or real, not both"),
    (lost_producer, "does not know its producer"),
    (false_producer, "does not know its producer"),
    (produced_variable, "does not know its producer"),
    (ghost_producer, "."),
    (produced_twice, "produced twice"),
    (foreign_opcode, "operator code"),
    (foreign_buffer, "buffer"),
    (foreign_intermediate, "intermediate"),
    (missing_callee, "calls subgraph 3 of 1"),
    (foreign_metadata, "refers to a buffer"),
    (foreign_metadata_buffer, "refers to a buffer"),
    (foreign_signature, "not in its subgraph"),
    (foreign_signature_graph, "subgraph is not in the model"),
]


@pytest.mark.parametrize(
    ("corrupt", "reason"), CORRUPTIONS, ids=lambda item: getattr(item, "__name__", "")
)
def test_the_verifier_catches(corrupt: Callable[[Net], None], reason: str) -> None:
    n = two_layers()
    assert not list(flaws(n.model))
    corrupt(n)
    with pytest.raises(VerifyError, match=reason) as caught:
        verify(n.model, "some-pass")
    assert "after some-pass" in str(caught.value)


# --- The text form.


def test_text_of_a_model() -> None:
    n = Net()
    x = n.input((1, 4), quant=(0.5, -3))
    w = n.constant(np.ones((2, 4)), DType.INT8, quant=(0.1, 0))
    c = n.constant(np.ones((2, 4)), DType.INT8, quant=Quantization.per_channel([0.1, 0.2], 0))
    y = n.op(OpCode.FULLY_CONNECTED, [x, w, None], (1, 2), quant=(0.25, 0))
    n.op(OpCode.FULLY_CONNECTED, [x, c, n.constant(list(range(9)))], (1, 2), quant=(0.25, 0))
    z = n.custom(OperatorCode(32, "Mine"), [y], [(1, 2), ()])
    n.output(n.reshape(z[0], 2), x)
    assert dump(n.model) == inspect.cleandoc(
        """
        graph(%0: i8[1,4]{0.5,-3}) -> %5, %0
          %1: i8[1,2]{0.25,0} = FULLY_CONNECTED(%0, const i8[2,4]{0.1,0}, none)
          %2: i8[1,2]{0.25,0} = FULLY_CONNECTED(%0, const i8[2,4]{per-channel 0}, const i32[9])
          %3: i8[1,2]{0.25,0}, %4: i8[]{0.25,0} = Mine(%1)
          %5: i8[2]{0.25,0} = RESHAPE(%3, [2]) new_shape=[2]
        """
    )


# --- Small types.


@pytest.mark.parametrize("dtype", [d for d in DType if d.numpy is not None])
def test_types_know_their_size(dtype: DType) -> None:
    assert dtype.numpy is not None
    assert dtype.bits == 8 * dtype.numpy.itemsize
    assert dtype.size_bytes(3) == 3 * dtype.numpy.itemsize
    if dtype not in (DType.BFLOAT16, DType.FLOAT8_E4M3FN, DType.FLOAT8_E5M2):
        assert dtype_of(np.zeros(1, dtype.numpy)) is dtype


def test_packed_types_round_up() -> None:
    assert [DType.INT4.size_bytes(n) for n in (1, 2, 3)] == [1, 1, 2]
    assert DType.INT2.size_bytes(5) == 2
    assert DType.STRING.size_bytes(3) is None


def test_quantization_equality_is_what_a_kernel_sees() -> None:
    one = Quantization.per_tensor(0.5, 3)
    floats = np.array([1.0], np.float32)
    assert one == Quantization(one.scale, one.zero_point, 7, floats, floats)
    assert one != Quantization.per_tensor(0.5, 4)
    assert one != Quantization.per_tensor(0.25, 3)
    channels = Quantization.per_channel([1.0, 2.0], 0)
    assert channels != channels.along(1)
    assert channels == Quantization.per_channel([1.0, 2.0], 0)
    assert same_quantization(None, Quantization())
    assert same_quantization(Quantization(floats), None)
    assert not same_quantization(one, None)


def test_constant_data_is_a_view() -> None:
    n = Net()
    value = n.constant([[1, -2]], DType.INT16)
    assert value.array().base is not None
    assert value.array().tolist() == [[1, -2]]
    assert value.ints() == (1, -2)
    assert n.constant([1.0], DType.FLOAT32).ints() is None
    with pytest.raises(ValueError, match="no plain constant data"):
        n.feed(1).array()


def test_a_model_finds_its_operator_codes() -> None:
    model = Model()
    one = model.opcode(OpCode.ADD)
    assert model.opcode(OpCode.ADD) is one
    assert model.opcode(OpCode.ADD, 2) is not one
    assert QUANT
    assert len(model.opcodes) == 2
