"""``strip-fields``: fields that say nothing, and those that say more than they seem to."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.check_rule import check_leaves_alone, check_rule
from tests.support.flash import SMALL, Layers, real_model, refusal, relu_chain
from tests.support.objects import object_api
from tflopt.config import Runtime
from tflopt.io import write_bytes
from tflopt.ir import OpCode, OperatorCode
from tflopt.ir.options import ReshapeOptions, TransposeOptions
from tflopt.ir.record import Record
from tflopt.rules.constants.remove_dead import RemoveDead
from tflopt.rules.flash.strip_fields import StripFields

pytestmark = pytest.mark.runtime
RULE = StripFields()
FOR_TFLM = StripFields(Runtime.TFLM)


def slim(*names: str) -> Layers:
    """A chain that has nothing to strip."""
    n = relu_chain(*names)
    for entry in n.model.opcodes:
        entry.stored = (0, entry.builtin)
    return n


def test_a_signature_that_repeats_the_shape_goes() -> None:
    n = slim("a", "b")
    for value in n.graph.values:
        value.extra.shape_signature = value.shape
        value.extra.has_rank = True
        value.extra.variant_tensors = []
    copy = check_rule(
        n.model,
        RULE,
        """
        graph(%0: i8[2,3]{0.05,3}) -> %2
          %1: i8[2,3]{0.05,3} = RELU(%0)
          %2: i8[2,3]{0.05,3} = RELU(%1)
        """,
        hits=1,
    )
    for value in copy.main.values:
        assert value.extra.shape_signature is None
        assert not value.extra.has_rank
        assert value.extra.variant_tensors is None


def test_a_signature_that_says_more_stays_for_litert() -> None:
    n = slim("a", "b")
    for value in n.graph.values:
        value.extra.shape_signature = (-1, 3)
    check_leaves_alone(n.model, RULE)
    copy = check_rule(n.model, FOR_TFLM, hits=1)
    assert all(value.extra.shape_signature is None for value in copy.main.values)


def test_operators_without_content_in_their_extras() -> None:
    n = slim("a", "b")
    first, second = n.graph.ops
    first.extra.mutating_variable_inputs = (False,)
    first.extra.intermediates = ()
    first.extra.custom_options = np.array([], np.uint8)
    second.extra.mutating_variable_inputs = (True,)
    second.extra.intermediates = (n.graph.inputs[0],)
    second.extra.custom_options = np.array([1], np.uint8)
    copy = check_rule(n.model, RULE, hits=1, runners=[])
    gone, kept = (op.extra for op in copy.main.ops)
    assert gone.mutating_variable_inputs is None
    assert gone.intermediates is None
    assert gone.custom_options is None
    assert kept.mutating_variable_inputs == (True,)
    assert kept.intermediates is not None
    assert kept.custom_options is not None


def test_empty_options_of_a_custom_operator_stay() -> None:
    n = Layers()
    entry = OperatorCode(int(OpCode.CUSTOM), custom_code="mine", stored=(0, int(OpCode.CUSTOM)))
    n.output(*n.custom(entry, [n.feed(2)], [(2,)]))
    n.graph.ops[0].extra.custom_options = np.array([], np.uint8)
    check_leaves_alone(n.model, RULE)


def test_option_tables_without_fields_go_and_others_stay() -> None:
    n = Layers()
    x = n.transpose(n.pad(n.feed(2, 3), (0, 1), (1, 0)), 1, 0)
    n.output(n.add(x, n.reshape(x, 4, 3)))
    copy = check_rule(n.model, RULE, hits=1)
    kinds = {op.code: op.options for op in copy.main.ops}
    assert kinds[OpCode.PAD] is kinds[OpCode.TRANSPOSE] is None
    assert kinds[OpCode.ADD] is not None
    assert kinds[OpCode.RESHAPE] is not None


def test_the_shape_of_a_view_goes_for_tflm_alone() -> None:
    n = Layers()
    x = n.op(OpCode.RESHAPE, [n.relu(n.feed(2, 3))], (3, 2), options=ReshapeOptions((3, 2)))
    n.output(n.relu(x))
    copy = check_rule(n.model, FOR_TFLM, hits=1, runners=["tflm"], tflm_alone=True)
    assert copy.main.ops[1].options is None
    refusal(copy, "litert")


def test_unknown_options_stay() -> None:
    """A table that the IR does not model may be empty and still be looked for."""
    n = slim("a", "b")
    n.graph.ops[0].options = Record("StablehloGatherOptions")
    check_leaves_alone(n.model, RULE)
    n.graph.ops[0].options = TransposeOptions()
    check_rule(n.model, RULE, hits=1)


def stored_codes(data: bytes) -> list[tuple[int, int]]:
    codes = object_api().ModelT.InitFromPackedBuf(data, 0).operatorCodes
    return [(code.deprecatedBuiltinCode, code.builtinCode) for code in codes]


def old_codes(relu_code: tuple[int, int]) -> Layers:
    n = Layers()
    n.output(n.op(OpCode.GELU, [n.relu(n.feed(2, 3))], (2, 3)))
    relu, gelu = n.model.opcodes
    relu.stored, gelu.stored = relu_code, (0, int(OpCode.GELU))
    return n


@pytest.mark.parametrize("rule", [FOR_TFLM, StripFields(everything=True)])
def test_old_codes_go_for_tflm_whatever_they_said(rule: StripFields) -> None:
    n = old_codes((int(OpCode.RELU), 0))
    copy = check_rule(n.model, rule, hits=1, runners=["litert"])
    assert int(OpCode.GELU) > 127
    assert stored_codes(write_bytes(copy)) == [(0, int(OpCode.RELU)), (0, int(OpCode.GELU))]


def test_old_codes_stay_for_readers_that_know_no_other() -> None:
    """``tflite.OperatorCode.BuiltinCode`` of the package tflite 2.18 and what is built on it."""
    n = old_codes((int(OpCode.RELU), 0))
    copy = check_rule(n.model, RULE, hits=1, runners=["litert"])
    relu, gelu = int(OpCode.RELU), int(OpCode.GELU)
    assert stored_codes(write_bytes(copy)) == [(relu, relu), (127, gelu)]


def test_a_file_without_old_codes_gets_none() -> None:
    check_leaves_alone(old_codes((0, int(OpCode.RELU))).model, RULE)


def test_control_flow_keeps_the_new_code_that_tflm_looks_for() -> None:
    code = int(OpCode.IF)
    for rule, old in ((RULE, code), (FOR_TFLM, 0)):
        copy = check_rule(real_model("if_branches"), rule)
        assert (old, code) in stored_codes(write_bytes(copy, SMALL))


def duplicated() -> Layers:
    """RELU by three entries of which two are equal, and by a version of its own."""
    n = slim("a", "b", "c", "d")
    relu = int(OpCode.RELU)
    for op, version in zip(n.graph.ops, (2, 1, 2, 2), strict=True):
        op.opcode = OperatorCode(relu, version=version, stored=(0, relu))
    n.model.opcodes = [n.graph.ops[i].opcode for i in (1, 0, 2, 3)]
    return n


def test_equal_operator_codes_become_one_and_the_frequent_one_is_first() -> None:
    copy = check_rule(duplicated().model, RULE, hits=1)
    assert [entry.version for entry in copy.opcodes] == [2, 1]
    assert [copy.opcodes.index(op.opcode) for op in copy.main.ops] == [0, 1, 0, 0]


def test_custom_codes_differ_by_name() -> None:
    n = Layers()
    x = n.feed(2)
    for name in ("one", "two", "one", "two", "two"):
        code = int(OpCode.CUSTOM)
        entry = OperatorCode(code, custom_code=name, stored=(0, code))
        (x,) = n.custom(entry, [x], [(2,)])
    n.output(x)
    copy = check_rule(n.model, RULE, hits=1, runners=[])
    assert [entry.custom_code for entry in copy.opcodes] == ["two", "one"]


def test_equal_frequencies_keep_their_order() -> None:
    n = Layers()
    x = n.feed(2, 3)
    n.output(n.transpose(n.relu(x), 1, 0), n.add(x, x))
    before = [entry.builtin for entry in n.model.opcodes]
    copy = check_rule(n.model, RULE, hits=1)
    assert [entry.builtin for entry in copy.opcodes] == before


def test_leaves_alone_a_slim_model() -> None:
    check_leaves_alone(slim("a", "b").model, RULE)
    check_leaves_alone(slim("a", "b").model, FOR_TFLM)


def test_with_remove_dead_nothing_is_left_to_do() -> None:
    n = duplicated()
    assert len(check_rule(n.model, RULE, together_with=[RemoveDead()]).opcodes) == 2
