"""The layout of a file: what is shared, where it lies, and how small it could be."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.everything import Everything, carried
from tests.support.flash import SMALL, Layers, real_model, relu_chain
from tests.support.lean import lean
from tests.support.paths import MODELS, ROOT, every_model, present
from tests.support.runtime import runtime
from tflopt.config import Config, Runtime, Strip
from tflopt.io import WriteOptions, read_bytes, write_bytes
from tflopt.io.reading.decode import Decoder
from tflopt.io.schema import schema
from tflopt.io.writing.layout import Graph, least_bytes, pieces, place
from tflopt.io.writing.records import external_data, model_record
from tflopt.ir import Buffer, DType, Model, OpCode
from tflopt.ir.record import Record
from tflopt.product.optimize import Settings, optimize_file_bytes
from tflopt.run.samples import SampleOptions, make_samples
from tflopt.target.annotation import METADATA_NAME

pytestmark = pytest.mark.unit
PLANNED_SOON = [path for path in MODELS if path.stat().st_size < 200_000]
Seen = list[tuple[int, int, str, str]]


def objects(data: bytes) -> Seen:
    """Every object as often as something refers to it: position, bytes, kind, path."""
    found: Seen = []
    decoder = Decoder(data)
    decoder.visit = lambda position, count, kind, where: found.append(
        (position, count, kind, where)
    )
    decoder.root()
    return found


def positions(data: bytes, kind: str, field: str) -> list[int]:
    """Where the objects of a field lie, once for each reference."""
    return [p for p, _, k, where in objects(data) if k == kind and where.endswith(field)]


def twins() -> Layers:
    """Two equal branches: equal shapes, scales, names, options and constants."""
    n = Layers()
    x = n.feed(1, 4, 4, 3)
    y = [n.transpose_conv(x, n.bias(2), [0.01, 0.02]) for _ in range(2)]
    n.output(*y)
    for value in n.graph.values:
        value.name = "same"
    return n


SHARED_FIELDS = [
    ("vector", "].shape", 6, 4),
    ("vector", ".quantization.scale", 5, 3),
    ("vector", ".quantization.zero_point", 5, 3),
    ("string", "].name", 9, 1),
]


@pytest.mark.parametrize(("kind", "field", "most", "least"), SHARED_FIELDS)
def test_equal_objects_are_stored_once(kind: str, field: str, most: int, least: int) -> None:
    apart = positions(write_bytes(twins().model), kind, field)
    shared = positions(write_bytes(twins().model, SMALL), kind, field)
    assert len(apart) == len(shared) >= most
    assert len(set(apart)) == len(apart)
    contents = {bytes(write_bytes(twins().model, SMALL)[p : p + 4]) for p in shared}
    assert least <= len(set(shared)) < len(shared)
    assert len(contents) <= len(set(shared))


def test_tables_are_shared_with_all_that_they_hold() -> None:
    data = write_bytes(twins().model, SMALL)
    for kind, count, places in (
        ("table:TransposeConvOptions", 2, 1),
        ("table:Operator", 2, 2),
        ("table:Tensor", 9, 8),
        ("table:QuantizationParameters", 9, 4),
    ):
        first: dict[str, int] = {}
        for position, _, found, where in objects(data):
            if found == kind:
                first.setdefault(where, position)
        assert (len(first), len(set(first.values()))) == (count, places), kind


@pytest.mark.long
@every_model
def test_nothing_equal_is_stored_twice(path: Path) -> None:
    """Over all kinds: equal bytes with equal targets lie at one place."""
    graph = Graph(model_record(optimized(path.read_bytes())[0]), share=True)
    counts = Counter(
        (bytes(node.prefix), bytes(node.body), node.alignment)
        for node in graph.leaves
        if node.kind != "vector:Buffer.data" and bytes(node.body) != bytes(4)
    )
    assert [key for key, count in counts.items() if count > 1] == []
    assert len({bytes(node.body) for node in graph.vtables}) == len(graph.vtables)


def test_the_shape_that_reshape_writes_into_is_never_shared() -> None:
    n = Layers()
    for _ in range(3):
        n.output(n.op(OpCode.RESHAPE, [n.feed(1)], (0,)))
    data = write_bytes(n.model, SMALL)
    found = positions(data, "vector", "].shape")
    zero = [p for p in found if data[p : p + 8] == struct.pack("<Ii", 1, 0)]
    assert len(zero) == 3
    assert len(set(zero)) == 3
    every = Counter(p for p, _, kind, _ in objects(data) if kind == "vector")
    assert all(every[p] == 1 for p in zero)


@cache
def optimized(data: bytes, runtime_: Runtime = Runtime.BOTH) -> tuple[Model, bytes]:
    """Without plan and annotation, which other tests look at; nobody changes the model."""
    output = lean(data, runtime_)[0]
    return read_bytes(output), output


@pytest.mark.long
@pytest.mark.parametrize("alignment", [16, 32, 64, 256])
@every_model
def test_weights_are_aligned_and_the_rest_fills_the_gaps(path: Path, alignment: int) -> None:
    model, _ = optimized(path.read_bytes())
    data = write_bytes(model, replace(SMALL, data_alignment=alignment))
    places = [p + 4 for p, _, _, where in objects(data) if where.endswith("].data")]
    assert bool(places) == any(buffer.size_bytes for buffer in model.buffers)
    assert {place % alignment for place in places} <= {0}


def uoffsets(data: bytes) -> Iterator[tuple[int, int]]:
    """Every reference, by a walk that knows the format and the schema but no code of ours."""
    todo = [(struct.unpack_from("<I", data, 0)[0], "Model")]
    yield 0, todo[0][0]
    seen: set[tuple[int, str]] = set()
    while todo:
        table, name = todo.pop()
        if (table, name) in seen:
            continue
        seen.add((table, name))
        vtable = table - struct.unpack_from("<i", data, table)[0]
        length, inline = struct.unpack_from("<HH", data, vtable)
        assert 0 <= vtable <= len(data) - length
        assert table % 4 == vtable % 2 == 0
        fields = struct.unpack_from(f"<{(length - 4) // 2}H", data, vtable + 4)
        tags: dict[str, int] = {}
        for slot, offset in zip(schema().tables[name], fields, strict=False):
            assert offset + (slot.width if slot is not None else 0) <= inline
            if slot is None or not offset:
                continue
            at = table + offset
            assert at % slot.width == 0
            if slot.kind == "scalar":
                if slot.name.endswith("_type"):
                    tags[slot.name] = data[at]
                continue
            step = struct.unpack_from("<I", data, at)[0]
            yield at, step
            if slot.kind == "tables":
                count = struct.unpack_from("<I", data, at + step)[0]
                for entry in range(at + step + 4, at + step + 4 + 4 * count, 4):
                    inner = struct.unpack_from("<I", data, entry)[0]
                    yield entry, inner
                    todo.append((entry + inner, slot.type))
            elif slot.kind == "union":
                member = schema().unions[slot.type][tags[f"{slot.name}_type"]]
                todo.append((at + step, member))
            elif slot.kind == "table":
                todo.append((at + step, slot.type))
            elif slot.kind == "string":
                size = struct.unpack_from("<I", data, at + step)[0]
                assert data[at + step + 4 + size] == 0


def assert_well_formed(data: bytes) -> None:
    """Offsets point forwards and into the file, fields and vectors are aligned."""
    found = list(uoffsets(data))
    assert len(found) > 5
    for at, step in found:
        assert 0 < step < 1 << 31, at
        assert (at + step) % 4 == 0
        assert at + step + 4 <= len(data)


@pytest.mark.long
@every_model
def test_every_offset_points_forwards(path: Path) -> None:
    for kind in Runtime:
        assert_well_formed(optimized(path.read_bytes(), kind)[1])


@pytest.mark.long
@pytest.mark.parametrize("mode", ["full", "empty", "absent"])
@pytest.mark.parametrize("seed", range(3))
def test_every_offset_points_forwards_with_any_field(seed: int, mode: str) -> None:
    model = carried(Everything(seed, mode).build())
    for options in (WriteOptions(), SMALL, replace(SMALL, data_alignment=64)):
        assert_well_formed(write_bytes(model, options))


@pytest.mark.parametrize("share", [False, True])
def test_an_empty_vector_never_fills_a_gap_before_the_table_that_names_it(share: bool) -> None:
    """Buffers outside of the file have 8-byte fields, which leave a gap of 4 between tables."""
    n = relu_chain("a")
    n.output(n.value((), DType.INT32))
    outside = n.value((2, 3), DType.INT8, (0.1, 0))
    outside.buffer = Buffer(np.arange(6, dtype=np.uint8), external=True)
    n.model.buffers.append(outside.buffer)
    n.output(outside)
    data = write_bytes(n.model, WriteOptions(share=share))
    assert_well_formed(data)
    buffer = read_bytes(data).buffers[-1]
    assert buffer.external
    assert buffer.data is not None
    assert buffer.data.tolist() == list(range(6))


@pytest.mark.runtime
@pytest.mark.skipif(not present("ai_edge_litert"), reason="ai-edge-litert is missing")
@pytest.mark.parametrize("stem", ["ds_cnn", "while_loop", "two_signatures", "kws_ref_model"])
@pytest.mark.parametrize("alignment", [16, 64])
def test_the_verifier_of_flatbuffers_accepts_the_file(stem: str, alignment: int) -> None:
    """LiteRT runs it when a model is loaded from memory."""
    source = write_bytes(real_model(stem))
    model, _ = optimized(source)
    data = write_bytes(model, replace(SMALL, data_alignment=alignment))
    runtime().run("litert", data, make_samples(model, SampleOptions(1)))


CHILD = """
import hashlib, sys
from pathlib import Path
from tflopt.product.optimize import Settings, optimize_file_bytes
from tflopt.io import read_bytes
for path in sys.argv[1:]:
    data = Path(path).read_bytes()
    result = optimize_file_bytes(read_bytes(data), data, Settings(samples=None))
    print(hashlib.sha256(result.data).hexdigest())
"""


def test_the_same_bytes_whatever_the_hash_seed() -> None:
    wanted = {"ds_cnn", "while_loop", "streaming_variables", "inception", "kws_ref_model"}
    paths = [str(path) for path in MODELS if path.stem in wanted]
    assert len(paths) >= 4
    results = [
        subprocess.run(
            [sys.executable, "-c", CHILD, *paths],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        for seed in ("0", "1", "2")
    ]
    assert len(results[0]) == len(paths)
    assert results[0] == results[1] == results[2]


def test_the_least_size_of_a_model_that_fits_on_paper() -> None:
    """Header 8, then the objects; only vtables may start at an odd multiple of 2."""
    operator = Record("Operator", {"opcode_index": 1})  # 4 + 4; vtable 4 + 2
    graph = Record("SubGraph", {"operators": [operator, operator], "name": b"ab"})
    model = Record("Model", {"subgraphs": [graph]})
    tables = (4 + 4) + (4 + 4 + 4) + (4 + 4)  # model; graph; one operator, stored once
    vtables = (4 + 2 * 3) + (4 + 2 * 5) + (4 + 2)  # 10, 14 and 6: each 2 more than a multiple of 4
    vectors = (4 + 4) + (4 + 2 * 4)
    string = 4 + 3  # takes 8: a vtable can't follow at an odd place and save anything
    paper = 8 + tables + vtables + vectors + (string + 1)
    assert least_bytes(model) == paper
    size = sum(piece.size_bytes for piece in pieces(model, share=True))
    assert paper <= size <= paper + 4


def test_a_vtable_may_use_what_a_string_leaves() -> None:
    """A string of 5 bytes and its end take 10 of 12: a vtable of 10 starts right behind it."""
    model = Record("Model", {"subgraphs": [Record("SubGraph")], "description": b"hello"})
    # header, model, list, graph, string, vtables 12 and 4
    assert least_bytes(model) == 8 + 12 + 8 + 4 + 12 + 12 + 4
    model.fields["version"] = 3
    short = Record("Model", {"subgraphs": [Record("SubGraph", {"name": b"a"})], "version": 3})
    # a string of 1 takes 6 of 8, vtables are 10 and 14: one of them saves 2
    assert least_bytes(short) == 8 + 12 + 8 + 8 + 8 + (10 + 14) - 2


def records() -> st.SearchStrategy[Record]:
    """Small models with shared and unshared parts, odd lengths and 8-byte fields."""
    text = st.binary(max_size=9)
    ints = st.lists(st.integers(0, 2), max_size=4).map(lambda v: np.array(v, np.int32))
    longs = st.lists(st.integers(0, 1), max_size=3).map(lambda v: np.array(v, np.int64))
    flags = st.lists(st.booleans(), max_size=7).map(lambda v: np.array(v, np.bool_))
    raw = st.binary(max_size=40).map(lambda v: np.frombuffer(v, np.uint8))

    def table(kind: str, /, **fields: st.SearchStrategy[object]) -> st.SearchStrategy[Record]:
        chosen: st.SearchStrategy[dict[str, object]]
        chosen = st.fixed_dictionaries({}, optional=fields)
        return chosen.map(lambda values: Record(kind, values))  # type: ignore[arg-type]

    quant = table("QuantizationParameters", zero_point=longs, quantized_dimension=st.just(1))
    tensor = table("Tensor", shape=ints, name=text, quantization=quant, is_variable=st.just(True))
    operator = table("Operator", inputs=ints, mutating_variable_inputs=flags)
    graph = table(
        "SubGraph",
        tensors=st.lists(tensor, max_size=4),
        operators=st.lists(operator, max_size=3),
        name=text,
    )
    buffer = table("Buffer", data=raw, offset=st.just(1), size=st.just(7))
    return table(
        "Model",
        subgraphs=st.lists(graph, max_size=2),
        buffers=st.lists(buffer, max_size=4),
        description=text,
        version=st.just(3),
    )


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(root=records(), alignment=st.sampled_from([16, 32, 64]))
def test_the_bound_is_never_above_a_file_and_objects_never_overlap(
    root: Record, alignment: int
) -> None:
    for share in (False, True):
        graph = Graph(root, alignment, share)
        nodes = place(graph)
        assert len(nodes) == len(graph.tables) + len(graph.leaves) + len(graph.vtables)
        for one, two in pairwise(nodes):
            assert one.position + one.size_bytes <= two.position
        for node in nodes:
            assert (node.position + node.lead) % node.alignment == 0
            assert all(child.position > node.position for _, child in node.references)
        data = b"".join(bytes(piece.data) for piece in pieces(root, (), None, alignment, share))
        assert least_bytes(root, alignment) <= len(data)
        assert Decoder(data).root().fields.keys() == root.fields.keys()


@every_model
def test_the_bound_of_real_models(path: Path) -> None:
    model, data = optimized(path.read_bytes())
    outside = sum(len(part) for _, _, part in external_data(model))
    outside += 0 if model.trailing is None else len(model.trailing)
    assert least_bytes(model_record(model)) + outside <= len(data)


@every_model
def test_a_small_file_goes_through_the_writer_unchanged(path: Path) -> None:
    model, data = optimized(path.read_bytes())
    assert write_bytes(model, SMALL) == data
    once = write_bytes(model)
    assert write_bytes(read_bytes(once), SMALL) == data


@pytest.mark.long
@every_model
def test_optimizing_twice_changes_nothing(path: Path) -> None:
    for kind in Runtime:
        data = optimized(path.read_bytes(), kind)[1]
        assert optimized(data, kind)[1] == data


@pytest.mark.long
@pytest.mark.parametrize("strip", list(Strip))
@pytest.mark.parametrize("path", PLANNED_SOON, ids=lambda path: path.stem)
def test_optimizing_twice_by_default_changes_the_annotation_alone(path: Path, strip: Strip) -> None:
    """The annotation names the file it was made from, so it differs; the plan does not."""
    chosen = Settings(config=Config(strip=strip), samples=None)
    files = [path.read_bytes()]
    for _ in range(2):
        files.append(optimize_file_bytes(read_bytes(files[-1]), files[-1], chosen).data)
    one, two = (without_annotation(read_bytes(data)) for data in files[1:])
    assert one == two


def without_annotation(model: Model) -> bytes:
    for entry in model.metadata or ():
        if entry.name == METADATA_NAME:
            entry.buffer.data = np.zeros(1, np.uint8)
    return write_bytes(model, SMALL)
