"""What is read is written: every field of every table, against two independent readers."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import flatbuffers
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.everything import Everything, Fill, Table, archive, carried, pack
from tests.support.objects import all_fields, assert_same_fields, object_api
from tests.support.paths import every_model
from tflopt.errors import ModelError, UsageError
from tflopt.io import WriteOptions, read, write_bytes
from tflopt.io.schema import IDENTIFIER, schema
from tflopt.ir.builder import Builder
from tflopt.ir.opcodes import OpCode
from tflopt.ir.options import SoftmaxOptions

pytestmark = pytest.mark.unit
MODES = ("full", "empty", "absent")
SHARED = WriteOptions(share=True)


@pytest.mark.long
@every_model
def test_real_models_keep_every_field(path: Path) -> None:
    data = path.read_bytes()
    model = read(path)
    assert_same_fields(data, write_bytes(model))
    assert_same_fields(data, write_bytes(model, SHARED))


@pytest.mark.long
@every_model
def test_real_models_come_out_the_same_each_time(path: Path) -> None:
    model = read(path)
    once = write_bytes(model)
    assert write_bytes(model) == once
    assert write_bytes(carried(once)) == once


@pytest.mark.long
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("seed", range(3))
def test_every_field_of_every_table_survives(seed: int, mode: str) -> None:
    data = Everything(seed, mode).build()
    model = carried(data)
    for options in (None, SHARED):
        written = write_bytes(model, options)
        assert_same_fields(data, written)
        assert write_bytes(carried(written), options) == written


def test_the_generator_reaches_every_table_and_field() -> None:
    """The test above is only as good as its models."""
    unseen = {
        (table, slot.name)
        for table, slots in schema().tables.items()
        for slot in slots
        if slot is not None and not slot.name.endswith("_type")
    }

    def visit(item: object) -> None:
        if isinstance(item, list):
            for entry in item:
                visit(entry)
        elif isinstance(item, tuple) and isinstance(item[1], dict):
            table = item[0].removesuffix("T")
            slots = {s.name.replace("_", ""): s for s in schema().tables[table] if s is not None}
            for name, value in item[1].items():
                slot = slots[name.lower()]
                default = repr(slot.default) if slot.type.startswith("float") else slot.default
                if value is not None and (slot.kind != "scalar" or value != default):
                    unseen.discard((table, slot.name))
                visit(value)

    for seed in range(3):
        visit(all_fields(Everything(seed).build()))
    retired = {("ResizeBilinearOptions", "new_width"), ("ResizeBilinearOptions", "new_height")}
    assert unseen == {*retired, ("SignatureDef", "key")}


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    table=st.sampled_from(sorted(schema().unions["BuiltinOptions"].items())),
    mode=st.sampled_from(MODES),
    seed=st.integers(0, 2**32 - 1),
)
def test_options_survive_with_any_values(table: tuple[int, str], mode: str, seed: int) -> None:
    tag, name = table
    fill = Fill(np.random.default_rng(seed), mode)
    operator = object_api().OperatorT()
    operator.builtinOptionsType, operator.builtinOptions = tag, fill.table(name)
    data = pack(one_operator_model(operator))
    assert_same_fields(data, write_bytes(carried(data)))


@pytest.mark.parametrize("tag", [1, 8, 10])
def test_a_tag_without_options_survives(tag: int) -> None:
    operator = object_api().OperatorT()
    operator.builtinOptionsType = tag
    data = pack(one_operator_model(operator))
    assert_same_fields(data, write_bytes(carried(data)))


def test_negative_zero_is_not_the_default_zero() -> None:
    builder = Builder()
    x = builder.input((1, 2))
    builder.output(builder.op(OpCode.SOFTMAX, [x], (1, 2), options=SoftmaxOptions(beta=-0.0)))
    data = write_bytes(builder.model)
    operator = object_api().ModelT.InitFromPackedBuf(data, 0).subgraphs[0].operators[0]
    assert repr(operator.builtinOptions.beta) == "-0.0"
    assert_same_fields(data, write_bytes(carried(data)))


def one_operator_model(operator: Table) -> Table:
    model: Table = object_api().ModelT()
    model.version = 3
    graph, code = object_api().SubGraphT(), object_api().OperatorCodeT()
    graph.operators = [operator]
    model.operatorCodes, model.subgraphs = [code], [graph]
    return model


def test_retired_fields_survive() -> None:
    """``SignatureDef.key`` and the sizes of old RESIZE_BILINEAR: the object API forgot them."""
    data = retired_fields()
    model = carried(data)
    assert model.signatures is not None
    assert model.signatures[0].old_key == "old"
    for options in (None, SHARED):
        again = carried(write_bytes(model, options))
        assert again.signatures is not None
        assert again.signatures[0].old_key == "old"
        assert repr(again.main.ops[0].options) == repr(model.main.ops[0].options)
    assert "new_height=7" in repr(model.main.ops[0].options)


def retired_fields() -> bytes:
    builder = flatbuffers.Builder(1024)
    key = builder.CreateString("old")
    builder.StartObject(5)
    builder.PrependUOffsetTRelativeSlot(3, key, 0)
    signature = builder.EndObject()
    builder.StartObject(4)
    builder.PrependInt32Slot(0, 7, 0)
    builder.PrependInt32Slot(1, 9, 0)
    resize = builder.EndObject()
    builder.StartObject(5)
    builder.PrependUint8Slot(3, schema().tag("BuiltinOptions", "ResizeBilinearOptions"), 0)
    builder.PrependUOffsetTRelativeSlot(4, resize, 0)
    operator = builder.EndObject()
    operators = offsets(builder, operator)
    builder.StartObject(4)
    builder.PrependUOffsetTRelativeSlot(3, operators, 0)
    graphs = offsets(builder, builder.EndObject())
    builder.StartObject(4)
    builder.PrependInt8Slot(0, int(OpCode.RESIZE_BILINEAR), 0)
    codes = offsets(builder, builder.EndObject())
    signatures = offsets(builder, signature)
    builder.StartObject(8)
    builder.PrependUOffsetTRelativeSlot(1, codes, 0)
    builder.PrependUOffsetTRelativeSlot(2, graphs, 0)
    builder.PrependUOffsetTRelativeSlot(7, signatures, 0)
    builder.Finish(builder.EndObject(), IDENTIFIER)
    return bytes(builder.Output())


def offsets(builder: flatbuffers.Builder, *tables: int) -> int:
    builder.StartVector(4, len(tables), 4)
    for table in reversed(tables):
        builder.PrependUOffsetTRelative(table)
    return int(builder.EndVector())


def test_a_zip_archive_behind_the_model_survives() -> None:
    data = Everything(1).build() + b"\0\0\0" + archive()
    for options in (None, SHARED):
        written = write_bytes(carried(data), options)
        with zipfile.ZipFile(io.BytesIO(written)) as file:
            assert file.read("labels.txt") == b"yes\nno\n"
        assert_same_fields(data, written)
        assert write_bytes(carried(written), options) == written


@pytest.mark.long
@every_model
def test_buffer_data_lies_on_16_bytes(path: Path) -> None:
    model = read(path)
    for options in (None, SHARED, WriteOptions(data_alignment=64)):
        written = write_bytes(model, options)
        alignment = options.data_alignment if options is not None else 16
        places = data_places(written)
        assert len(places) == sum(buffer.size_bytes > 0 for buffer in model.buffers)
        assert not [place for place in places if place % alignment]


def data_places(data: bytes) -> list[int]:
    """Where the data of each buffer starts, through the flatbuffers library."""
    model = object_api().Model.GetRootAs(data, 0)
    found = []
    for index in range(model.BuffersLength()):
        buffer = model.Buffers(index)
        if not buffer.DataIsNone() and buffer.DataLength():
            slot = buffer._tab.Offset(4)
            found.append(int(buffer._tab.Vector(slot)))
    return found


def test_data_alignment_is_checked() -> None:
    for wrong in (0, 8, 24):
        with pytest.raises(UsageError, match="power of two"):
            WriteOptions(data_alignment=wrong)


def test_metadata_buffers_do_not_multiply() -> None:
    data = Everything(0).build()
    before = carried(data)
    for _ in range(3):
        data = write_bytes(carried(data))
    after = carried(data)
    assert len(after.buffers) == len(before.buffers)
    assert before.metadata is not None
    assert after.metadata is not None
    assert len(after.metadata) == len(before.metadata)
    assert after.metadata[1].buffer is after.metadata[2].buffer


def test_operator_codes_are_keyed_by_code_name_and_version() -> None:
    model = carried(Everything(0).build())
    found = [(e.builtin, e.custom_code, e.version) for e in model.opcodes]
    assert found == [
        (3, None, 1),
        (3, None, 5),
        (150, None, 2),
        (22, None, 1),
        (22, None, 1),
        (5, None, -1),
        (32, "one", 1),
        (32, "one", 2),
        (32, "\udcff\udcfe", 1),
        (32, "", 1),
        (9999, None, 1),
        (0, None, 1),
    ]
    assert model.opcode(OpCode.CONV_2D, 5) is model.opcodes[1]
    assert model.opcode(OpCode.CONV_2D, 2) not in model.opcodes[:12]


@pytest.mark.parametrize(("code", "deprecated"), [(126, 126), (127, 127), (128, 127), (205, 127)])
def test_a_new_operator_code_is_stored_for_old_and_new_readers(code: int, deprecated: int) -> None:
    builder = Builder()
    x = builder.input((1, 2))
    builder.output(builder.op(OpCode(code), [x], (1, 2)))
    stored = object_api().ModelT.InitFromPackedBuf(write_bytes(builder.model), 0).operatorCodes[0]
    assert (stored.deprecatedBuiltinCode, stored.builtinCode) == (deprecated, code)


def test_absent_data_is_not_empty_data() -> None:
    model = carried(Everything(0).build())
    assert model.buffers[0].data is None
    assert model.buffers[1].data is not None
    assert model.buffers[1].size_bytes == 0
    again = carried(write_bytes(model))
    assert again.buffers[0].data is None
    assert again.buffers[1].data is not None


@pytest.mark.long
@every_model
def test_the_tflite_package_reads_the_same(path: Path) -> None:
    """A second independent reader, with the schema of another year."""
    tflite = pytest.importorskip("tflite")
    ours = read(path)
    theirs = tflite.Model.GetRootAs(write_bytes(ours), 0)
    assert theirs.SubgraphsLength() == len(ours.graphs)
    for number, graph in enumerate(ours.graphs):
        other = theirs.Subgraphs(number)
        shapes = [
            tuple(other.Tensors(i).ShapeAsNumpy()) if other.Tensors(i).ShapeLength() else ()
            for i in range(other.TensorsLength())
        ]
        assert shapes == [value.shape for value in graph.values]
        names = [other.Tensors(i).Name() or b"" for i in range(other.TensorsLength())]
        assert names == [(value.name or "").encode() for value in graph.values]
        codes = [
            max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
            for code in (
                theirs.OperatorCodes(other.Operators(i).OpcodeIndex())
                for i in range(other.OperatorsLength())
            )
        ]
        assert codes == [op.opcode.builtin for op in graph.ops]


def test_reading_refuses_both_data_and_an_offset() -> None:
    model = object_api().ModelT()
    model.subgraphs = [object_api().SubGraphT()]
    buffer = object_api().BufferT()
    buffer.data, buffer.offset, buffer.size = np.zeros(4, np.uint8), 12, 4
    model.buffers = [buffer]
    with pytest.raises(ModelError, match="both data and the offset"):
        carried(pack(model))
