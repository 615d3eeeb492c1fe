"""Operators that kernels can't tell apart have equal answers, which are found once."""

from __future__ import annotations

import pickle
from functools import partial

import pytest

from tests.support.paths import ROOT
from tflopt.io import read
from tflopt.ir import Op, OpCode
from tflopt.ir.builder import Builder
from tflopt.target.by_layer import MOST, ByLayer, layer_key
from tflopt.target.cmsis_nn.of_operator import layer_of, maker
from tflopt.target.device import Device
from tflopt.target.kernel_sets import KernelSet, gap_on
from tflopt.target.kernels import kernel_use
from tflopt.target.use import MalformedError

pytestmark = pytest.mark.unit
MODELS = sorted((ROOT / "testdata" / "models").glob("*.tflite"))
DEVICES = {name: Device.of(name) for name in ("cortex-m4", "cortex-m55")}
"""The same for all models: what one of them left behind answers for the next."""


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_what_is_remembered_is_what_would_be_found(path: object) -> None:
    for op in read(str(path)).ops():
        try:
            make = maker(op)
            layer = None if make is None else make(op)
        except MalformedError:
            layer = None
        assert layer_of(op) == layer
        for name, device in DEVICES.items():
            assert kernel_use(op, device) == kernel_use(op, Device.of(name))
            fresh = gap_on(op, tuple(KernelSet), Device.of(name))
            assert gap_on(op, tuple(KernelSet), device) == fresh


def _given(answer: int, _: Op) -> int:
    return answer


def test_it_is_found_once_for_layers_that_are_alike_and_again_when_one_changes() -> None:
    b = Builder()
    x = b.input((1, 4), quant=(0.1, 0))
    one, two = (b.op(OpCode.RELU, [x], (1, 4)).producer for _ in range(2))
    assert one is not None
    assert two is not None
    known: ByLayer[int] = ByLayer()
    assert [known.of(op, partial(_given, n)) for n, op in enumerate((one, two, one))] == [0, 0, 0]
    two.output.shape = (4, 1)
    assert known.of(two, lambda _: 7) == 7


def test_no_more_than_so_many_are_remembered() -> None:
    b = Builder()
    op = b.op(OpCode.RELU, [b.input((1, 4), quant=(0.1, 0))], (1, 4)).producer
    assert op is not None
    known: ByLayer[int] = ByLayer()
    for size in range(MOST + 10):
        op.output.shape = (size,)
        known.of(op, lambda _: 0)
    assert len(known._answers) <= MOST


def test_custom_operators_are_looked_at_each_time() -> None:
    b = Builder()
    op = b.op(OpCode.RELU, [b.input((1, 4), quant=(0.1, 0))], (1, 4)).producer
    assert op is not None
    op.opcode.custom_code = "mine"
    assert layer_key(op) is None


def test_a_device_is_sent_without_what_it_remembers() -> None:
    device = Device.of("cortex-m4")
    kernel_use(next(read(str(MODELS[0])).ops()), device)
    assert device.uses._answers
    copy = pickle.loads(pickle.dumps(device))
    assert copy == device
    assert hash(copy) == hash(device)
    assert not copy.uses._answers
