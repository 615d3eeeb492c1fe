import contextlib
import hashlib
import random
from dataclasses import replace
from math import ceil
from pathlib import Path

import flatbuffers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.annotation_table import _generated as fb  # the classes that flatc wrote
from tests.support.annotation_table.encode import encode_table
from tests.support.paths import TESTDATA
from tests.target.annotation.released_rules import RULE_NAMES
from tflopt.annotation.annotate import applied_rules, attach, detach, make_annotation
from tflopt.errors import ModelError, UnsupportedError
from tflopt.io import read_bytes, write_bytes
from tflopt.rules.pipeline import RULES
from tflopt.target.annotation import Annotation, OperatorMemory, decode, encode
from tflopt.target.annotation.encode import CMSIS_NN_NAMES
from tflopt.target.cmsis_nn.versions import VERSIONS
from tflopt.target.cortex_m import Isa, Target, all_targets
from tflopt.target.device import Device
from tflopt.target.kernel_sets import KernelSet
from tflopt.target.memory import memory_of, why_no_memory
from tflopt.target.tflm_kernels import NONE

pytestmark = pytest.mark.unit

UINT32 = st.integers(0, 2**32 - 1)
TEXT = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=20)
SCRATCH = st.none() | st.integers(1, 2**32 - 1) | st.integers(1, 2**20).map(lambda n: 16 * n)
OPERATORS = st.builds(OperatorMemory, st.integers(0, 40_000), st.integers(0, 0xFFFFFF), SCRATCH)
TABLE_OPERATORS = st.builds(
    OperatorMemory,
    st.integers(0, 255),
    st.integers(0, 65535),
    st.none() | st.integers(0, 2**32 - 2),
    st.sampled_from(["arm_convolve_s8", "arm_avgpool_s8", "TFLM RESHAPE", "unknown"]),
    UINT32,
)
PLACES = st.lists(OPERATORS, max_size=8, unique_by=lambda op: (op.subgraph, op.index))
NUMBERS = {
    "target": st.sampled_from([str(target) for target in all_targets()]),
    "isa": st.sampled_from(Isa),
    "cmsis_nn": TEXT,
    "isa_specific_overlap": st.booleans(),
}
ANNOTATIONS = st.builds(
    lambda arena, **fields: Annotation(
        arena_head_bytes=arena[0],
        arena_tail_bytes=arena[1] - arena[0],
        arena_total_bytes=arena[2],
        **fields,
    ),
    arena=st.tuples(UINT32, UINT32, UINT32).map(sorted),
    tool=st.tuples(*[st.integers(0, 255)] * 3).map(lambda numbers: "{}.{}.{}".format(*numbers)),
    source_sha256=st.binary(min_size=6, max_size=6),
    operators=PLACES.map(lambda ops: tuple(sorted(ops, key=lambda op: (op.subgraph, op.index)))),
    library=st.sampled_from(["", "3b20912,speed", "90b983c,size,armclang"]),
    trusted=st.none() | st.frozensets(st.sampled_from(KernelSet)),
    rules=st.sets(st.integers(0, 2039)).map(lambda numbers: tuple(sorted(numbers))),
    **NUMBERS,
)
TABLES = st.builds(
    Annotation,
    tool=TEXT,
    source_sha256=st.binary(min_size=32, max_size=32),
    arena_head_bytes=UINT32,
    arena_tail_bytes=UINT32,
    arena_total_bytes=UINT32,
    operators=st.lists(TABLE_OPERATORS, max_size=8).map(tuple),
    rule_names=st.lists(TEXT, max_size=4).map(tuple),
    **NUMBERS,
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
    operators=tuple(OperatorMemory(0, i, 16 * i + 16) for i in range(31)),
    rules=(17, 77),
)
TABLE = replace(
    SAMPLE,
    rules=(),
    rule_names=("fold-pad", "merge-buffers"),
    operators=tuple(
        OperatorMemory(0, i, 16 * i, f"arm_kernel_{i % 4}_s8", 560 + i) for i in range(31)
    ),
)
BOTH = pytest.mark.parametrize("good", [encode(SAMPLE), encode_table(TABLE)], ids=["new", "old"])


@given(ANNOTATIONS)
def test_round_trips(annotation: Annotation) -> None:
    data = encode(annotation)
    assert decode(data) == annotation
    assert encode(decode(data)) == data


@given(TABLES)
def test_the_old_form_is_read(annotation: Annotation) -> None:
    assert decode(encode_table(annotation)) == annotation


@given(TABLES)
def test_the_generated_reader_of_the_old_form_agrees(annotation: Annotation) -> None:
    data = bytearray(encode_table(annotation))
    table = fb.Annotation.GetRootAs(data, 0)  # type: ignore[attr-defined]
    assert table.ArenaTotalBytes() == annotation.arena_total_bytes
    assert bytes(table.SourceSha256().Bytes()) == annotation.source_sha256
    assert table.Target().decode() == annotation.target
    assert table.OperatorsLength() == len(annotation.operators)
    for index, op in enumerate(annotation.operators):
        row = table.Operators(index)
        assert (row.Subgraph(), row.Index()) == (op.subgraph, op.index)
        assert table.Kernels(row.Kernel()).decode() == op.kernel
        assert row.PersistentBytes() == op.persistent_bytes


def test_numbers_of_rules_stay_what_they_are_in_files() -> None:
    released = dict(enumerate(RULE_NAMES))
    for rule in RULES:
        assert released.get(rule.number, rule.name) == rule.name
        assert rule.name not in RULE_NAMES or rule.number == RULE_NAMES.index(rule.name)
    # A bit each: without gaps they take no more bytes than they have to.
    assert max(rule.number for rule in RULES) < len({*RULE_NAMES, *(rule.name for rule in RULES)})


def test_costs_little_flash() -> None:
    """Three bytes for each operator with scratch, none for another, at most one for each six rules
    that there are, and at most 47 for the rest.
    """
    without = len(encode(replace(SAMPLE, operators=())))
    assert without == 46
    assert len(encode(SAMPLE)) - without == 3 * 31
    idle = tuple(OperatorMemory(0, 31 + i, 0) for i in range(100))
    assert len(encode(replace(SAMPLE, operators=(*SAMPLE.operators, *idle)))) == 46 + 3 * 31
    worst = replace(
        SAMPLE,
        target="cortex-m35p+nodsp",
        arena_head_bytes=2**24,
        arena_tail_bytes=2**24,
        arena_total_bytes=2**25 + 2**24,
        rules=tuple(range(len(RULES))),
        operators=(),
    )
    assert len(encode(worst)) == 47 + ceil(len(RULES) / 6)


@pytest.mark.parametrize("path", sorted(TESTDATA.glob("*.tflite"))[::4], ids=lambda p: p.stem)
@pytest.mark.parametrize("target", ["cortex-m4", "cortex-m55"])
def test_at_most_64_bytes_and_three_for_each_operator_with_scratch(path: Path, target: str) -> None:
    data = path.read_bytes()
    model = read_bytes(data)
    if why_no_memory(model):
        pytest.skip("no arena can be computed")
    memory = memory_of(model, Device(Target.parse(target)))
    made = make_annotation(data, model, memory, RULE_NAMES)
    busy = [row for row in memory.table if row.use.scratch_bytes is None or row.use.scratch_bytes]
    assert 0 < len(made) <= 64 + 3 * len(busy)
    model.description, sizes = None, []
    for change in (detach, lambda model: attach(model, made)):
        change(model)
        sizes.append(len(write_bytes(model)))
    assert sizes[1] - sizes[0] <= 64 + 3 * len(busy)
    found = decode(made)
    assert hashlib.sha256(data).digest().startswith(found.source_sha256)
    assert [(op.subgraph, op.index) for op in found.operators] == [
        (row.subgraph, row.index)
        for row in busy
        if row.use.scratch_bytes is None or row.use.scratch_total_bytes
    ]


def test_every_truncation_of_the_old_form_is_a_model_error() -> None:
    data = encode_table(TABLE)
    for size in range(len(data) - 1):
        try:
            decode(data[:size])
        except ModelError:
            continue
        # FlatBuffers are written back to front: the last bytes are a string's zero and padding.
        assert len(data) - size < 8


def test_every_truncation_is_a_model_error_or_ends_between_operators() -> None:
    data = encode(SAMPLE)
    fixed = len(encode(replace(SAMPLE, operators=())))
    for size in range(len(data)):
        if size >= fixed and (size - fixed) % 3 == 0:
            assert decode(data[:size]).operators == SAMPLE.operators[: (size - fixed) // 3]
            continue
        with pytest.raises(ModelError):
            decode(data[:size])


@BOTH
@pytest.mark.parametrize("seed", range(4))
def test_mutations_raise_nothing_else(seed: int, good: bytes) -> None:
    rng = random.Random(seed)
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
    with contextlib.suppress(ModelError):
        decode(b"TFLOPT2" + data)


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
    data = bytearray(encode_table(TABLE))
    for at, raw in patch.items():
        data[at : at + len(raw)] = raw
    with pytest.raises(ModelError, match=reason):
        decode(bytes(data))


def test_another_format_is_refused() -> None:
    data = bytearray(encode_table(replace(TABLE, isa_specific_overlap=True)))
    root = int.from_bytes(data[:4], "little")
    vtable = root - int.from_bytes(data[root : root + 4], "little", signed=True)
    field = root + int.from_bytes(data[vtable + 4 : vtable + 6], "little")
    data[field] = 4
    with pytest.raises(ModelError, match="format 4, this tflopt reads 1 to 3"):
        decode(bytes(data))
    with pytest.raises(ModelError, match="format 4, this tflopt reads 1 to 3"):
        decode(b"TFLOPT4" + encode(SAMPLE)[7:])


def test_a_rule_of_a_newer_tflopt_is_named_by_its_number() -> None:
    bare = encode(replace(SAMPLE, operators=(), rules=()))
    assert bare.endswith(b"0")
    rules = b"[1" + b"2" + b"0" * 41 + b"8"  # 43 digits: eleven, and one thirty-two more
    newer = decode(bare[:-1] + rules)
    assert newer.rules == (1, 255)
    assert applied_rules(newer) == ("merge-views", "rule-255")
    assert encode(newer) == bare[:-1] + rules


def test_rules_of_both_formats_are_named() -> None:
    assert applied_rules(SAMPLE) == applied_rules(TABLE) == ("fold-pad", "merge-buffers")


@pytest.mark.parametrize(
    "change",
    [
        {"source_sha256": b"short"},
        {"arena_head_bytes": 2**32},
        {"arena_tail_bytes": -1},
        {"arena_total_bytes": 55296 + 27044 - 1},
        {"tool": "0.1\n"},
        {"tool": "0.1.256"},
        {"target": "cortex-µ"},
        {"target": "cortex-a55"},
        {"cmsis_nn": "x" * 24},
        {"rules": (2040,)},
        {"rules": (-1,)},
        {"operators": (OperatorMemory(-1, 0, 1),)},
        {"operators": (OperatorMemory(0, 2**24, 1),)},
        {"operators": (OperatorMemory(0, 0, 2**32),)},
    ],
)
def test_what_does_not_fit_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(UnsupportedError, match="annotation"):
        encode(replace(SAMPLE, **change))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("device", "library"),
    [
        (Device(), ""),
        (Device.of("cortex-m4", build="size"), "90b983c,size"),
        (Device.of("cortex-m4", tflm="3b20912"), "3b20912,speed"),
        (Device.of("cortex-m4", "none", build="speed,armclang"), "90b983c,speed,armclang"),
    ],
)
def test_the_library_is_stored_where_it_is_not_the_usual_one(device: Device, library: str) -> None:
    model = read_bytes((TESTDATA / "har_cnn.tflite").read_bytes())
    data = make_annotation(b"", model, memory_of(model, device), ())
    assert decode(data).library == library
    assert data.startswith(b"TFLOPT3" if library else b"TFLOPT2")


def test_its_versions_of_cmsis_nn_are_those_that_are_known() -> None:
    assert {version.name for version in VERSIONS} | {NONE} == set(CMSIS_NN_NAMES)
