import contextlib
import random
from dataclasses import replace

import flatbuffers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tflopt.errors import ModelError, UnsupportedError
from tflopt.target.annotation import Annotation, OperatorMemory, decode, encode
from tflopt.target.annotation import _generated as fb  # the classes that flatc wrote
from tflopt.target.cortex_m import Isa, all_targets

pytestmark = pytest.mark.unit

UINT32 = st.integers(0, 2**32 - 1)
TEXT = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=20)
OPERATORS = st.builds(
    OperatorMemory,
    st.integers(0, 255),
    st.integers(0, 65535),
    st.sampled_from(["arm_convolve_s8", "arm_avgpool_s8", "TFLM RESHAPE", "unknown"]),
    st.none() | st.integers(0, 2**32 - 2),
    UINT32,
)
ANNOTATIONS = st.builds(
    Annotation,
    tool=TEXT,
    source_sha256=st.binary(min_size=32, max_size=32),
    target=st.sampled_from([str(target) for target in all_targets()]),
    isa=st.sampled_from(Isa),
    cmsis_nn=TEXT,
    arena_head_bytes=UINT32,
    arena_tail_bytes=UINT32,
    arena_total_bytes=UINT32,
    operators=st.lists(OPERATORS, max_size=8).map(tuple),
    rules=st.lists(TEXT, max_size=4).map(tuple),
    isa_specific_overlap=st.booleans(),
)
SAMPLE = Annotation(
    tool="0.1.0",
    source_sha256=bytes(range(32)),
    target="cortex-m55",
    isa=Isa.MVE,
    cmsis_nn="99f736a",
    arena_head_bytes=55296,
    arena_tail_bytes=27044,
    arena_total_bytes=82352,
    operators=tuple(
        OperatorMemory(0, i, f"arm_kernel_{i % 4}_s8", 16 * i, 560 + i) for i in range(31)
    ),
    rules=("fold-pad", "dedup-buffers"),
)


@given(ANNOTATIONS)
def test_round_trips(annotation: Annotation) -> None:
    data = encode(annotation)
    assert decode(data) == annotation
    assert encode(decode(data)) == data


@given(ANNOTATIONS)
def test_the_generated_reader_agrees(annotation: Annotation) -> None:
    table = fb.Annotation.GetRootAs(bytearray(encode(annotation)), 0)  # type: ignore[attr-defined]
    assert table.ArenaTotalBytes() == annotation.arena_total_bytes
    assert bytes(table.SourceSha256().Bytes()) == annotation.source_sha256
    assert table.Target().decode() == annotation.target
    assert table.OperatorsLength() == len(annotation.operators)
    for index, op in enumerate(annotation.operators):
        row = table.Operators(index)
        assert (row.Subgraph(), row.Index()) == (op.subgraph, op.index)
        assert table.Kernels(row.Kernel()).decode() == op.kernel
        assert row.PersistentBytes() == op.persistent_bytes


def test_costs_little_flash() -> None:
    """Twelve bytes for each operator, and what the names and numbers take once."""
    without = len(encode(replace(SAMPLE, operators=())))
    assert without < 220
    assert len(encode(SAMPLE)) - without == 12 * 31 + 4 * (4 + 20)


def test_every_truncation_is_a_model_error() -> None:
    data = encode(SAMPLE)
    for size in range(len(data) - 1):
        try:
            decode(data[:size])
        except ModelError:
            continue
        # FlatBuffers are written back to front: the last bytes are a string's zero and padding.
        assert len(data) - size < 8


@pytest.mark.parametrize("seed", range(4))
def test_mutations_raise_nothing_else(seed: int) -> None:
    rng = random.Random(seed)
    good = encode(SAMPLE)
    for _ in range(1500):
        data = bytearray(good)
        for _ in range(rng.randint(1, 4)):
            data[rng.randrange(len(data))] = rng.choice(
                (0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256))
            )
        try:
            decode(bytes(data))
        except ModelError as error:
            assert error.where == "TFLOPT metadata"


@given(st.binary(max_size=200))
def test_any_bytes_decode_or_are_a_model_error(data: bytes) -> None:
    with contextlib.suppress(ModelError):
        decode(b"\x08\0\0\0TFLO" + data)


def test_one_long_string_is_not_multiplied() -> None:
    """Many references to one string would cost more memory than the data has bytes."""
    builder = flatbuffers.Builder(4096)
    text = builder.CreateString("x" * 1000)
    fb.AnnotationStartRulesVector(builder, 500)
    for _ in range(500):
        builder.PrependUOffsetTRelative(text)
    rules = builder.EndVector()
    fb.AnnotationStart(builder)
    fb.AnnotationAddFormat(builder, 1)
    fb.AnnotationAddSourceSha256(builder, fb.CreateSha256(builder, bytes(32)))
    for add in (fb.AnnotationAddTool, fb.AnnotationAddTarget, fb.AnnotationAddCmsisNn):
        add(builder, text)
    fb.AnnotationAddRules(builder, rules)
    builder.Finish(fb.AnnotationEnd(builder), file_identifier=b"TFLO")
    with pytest.raises(ModelError, match="more text than bytes"):
        decode(bytes(builder.Output()))


@pytest.mark.parametrize(
    ("patch", "reason"),
    [
        ({4: b"TFL3"}, "no TFLO identifier"),
        ({0: b"\xff\xff\xff\x7f"}, "beyond"),
        ({0: b"\xff\xff\xff\xff"}, "beyond"),
    ],
)
def test_names_what_is_broken(patch: dict[int, bytes], reason: str) -> None:
    data = bytearray(encode(SAMPLE))
    for at, raw in patch.items():
        data[at : at + len(raw)] = raw
    with pytest.raises(ModelError, match=reason):
        decode(bytes(data))


def test_another_format_is_refused() -> None:
    data = bytearray(encode(replace(SAMPLE, isa_specific_overlap=True)))
    root = int.from_bytes(data[:4], "little")
    vtable = root - int.from_bytes(data[root : root + 4], "little", signed=True)
    field = root + int.from_bytes(data[vtable + 4 : vtable + 6], "little")
    data[field] = 2
    with pytest.raises(ModelError, match="format 2, this tflopt reads 1"):
        decode(bytes(data))


@pytest.mark.parametrize(
    "change",
    [
        {"source_sha256": b"short"},
        {"arena_head_bytes": 2**32},
        {"arena_tail_bytes": -1},
        {"tool": "0.1\n"},
        {"target": "cortex-µ"},
        {"operators": (OperatorMemory(256, 0, "k", 0, 0),)},
        {"operators": (OperatorMemory(0, 65536, "k", 0, 0),)},
        {"operators": (OperatorMemory(0, 0, "k", 2**32 - 1, 0),)},
        {"operators": tuple(OperatorMemory(0, i, f"k{i}", 0, 0) for i in range(257))},
    ],
)
def test_what_does_not_fit_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(UnsupportedError, match="annotation"):
        encode(replace(SAMPLE, **change))  # type: ignore[arg-type]
