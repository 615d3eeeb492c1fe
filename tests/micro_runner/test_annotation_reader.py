"""The device's reader (C++) against the Python decoder, under sanitizers, malformed input included.

Both must accept the same bytes and read the same out of them.
"""

from __future__ import annotations

import random
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import flatbuffers
import numpy as np
import pytest

from tests.support.annotation_table.encode import encode_table
from tests.support.paths import TESTDATA
from tflopt.errors import ModelError
from tflopt.io import read_bytes, write_bytes
from tflopt.ir import Buffer, Metadata, Model
from tflopt.product.optimize import Settings, optimize_file_bytes
from tflopt.target.annotation import METADATA_NAME, Annotation, OperatorMemory, decode, encode
from tflopt.target.annotation.encode import CMSIS_NN_NAMES, KERNELS
from tflopt.target.cortex_m import Isa
from tflopt.target.device import Device
from tflopt.target.kernel_sets import KernelSet
from tflopt.target.kernels import scratch_table

pytestmark = pytest.mark.unit
ROOT = Path(__file__).parents[2] / "micro_runner"
OK, NO_ANNOTATION, MALFORMED, OTHER_FORMAT = 0, 5, 6, 7
FLAGS = (
    "-std=c++17",
    *("-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror"),
    *("-fno-exceptions", "-fno-rtti", "-O1", "-g"),
    *("-fsanitize=address,undefined", "-fno-sanitize-recover=all"),
)
SAMPLE = Annotation(
    tool="0.1.0",
    source_sha256=bytes(range(32)),
    target="cortex-m33+nodsp",
    isa=Isa.SCALAR,
    cmsis_nn="4ab83cc",
    arena_head_bytes=55296,
    arena_tail_bytes=27044,
    arena_total_bytes=82352,
    operators=(
        OperatorMemory(0, 0, 112),
        OperatorMemory(0, 1, None),
        OperatorMemory(0, 128, 4294967295),
        OperatorMemory(1, 65535, 1048560),
    ),
    rules=(17, 77),
    isa_specific_overlap=True,
    trusted=frozenset({KernelSet.SCALAR, KernelSet.REFERENCE}),
)
TABLE = replace(
    SAMPLE,
    rules=(),
    rule_names=("fold-pad", "merge-buffers"),
    trusted=None,
    operators=(
        OperatorMemory(0, 0, 112, "arm_convolve_s8", 188),
        OperatorMemory(0, 1, None, "unknown", 0),
        OperatorMemory(1, 65535, 0, "arm_convolve_s8", 4294967295),
    ),
)
SMALL = replace(SAMPLE, operators=(), rules=(), isa=Isa.MVE, target="cortex-m55", tool="255.10.0")


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("g++")
    if compiler is None:
        pytest.skip("g++ is not installed")
    path = tmp_path_factory.mktemp("annotation") / "annotation_test"
    source = ROOT / "tests" / "annotation_test.cc"
    command = [compiler, *FLAGS, f"-I{ROOT / 'include'}", str(source), "-o", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return path


# Without float registers GCC leaves MVE out, but not DSP.
CORES = [
    ("cortex-m0", "soft", "kScalar"),
    ("cortex-m4", "hard", "kDsp"),
    ("cortex-m33+nodsp", "soft", "kScalar"),
    ("cortex-m55", "hard", "kMve"),
    ("cortex-m55+nomve", "hard", "kDsp"),
    ("cortex-m55", "soft", "kDsp"),
]
FIRMWARE = """
#include "tflopt/annotation.h"
static_assert(tflopt::kBuildIsa == tflopt::Isa::{isa}, "");
tflopt::Verdict Run(const void* model, size_t size, size_t used_bytes) {{
  tflopt::Annotation annotation;
  tflopt::Reality reality;
  reality.used_bytes = used_bytes;
  const tflopt::Verdict verdict = tflopt::ReadFromModel(model, size, &annotation);
  return verdict == tflopt::Verdict::kOk ? tflopt::Check(annotation, reality) : verdict;
}}
"""


def run(program: Path, kind: str, records: list[bytes]) -> list[str]:
    """What the reader prints of each record; fails on a sanitizer's report or a wrong verdict."""
    prefix = kind.encode()
    feed = b"".join(prefix + len(data).to_bytes(4, "little") + data for data in records)
    done = subprocess.run([str(program)], input=feed, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()[-3000:]
    lines = done.stdout.decode().splitlines()
    assert len(lines) == len(records)
    return lines


def _trusts(annotation: Annotation) -> str:
    """Whether it is told, and for each set of kernels, and for others, whether they may run it."""
    told, own = annotation.trusted, KernelSet[annotation.isa.name]
    everyone = not annotation.isa_specific_overlap
    kernels = [each in told if told is not None else everyone or each is own for each in KERNELS]
    others = told is None and everyone
    return "".join(str(int(each)) for each in (told is not None, *kernels, others))


def expected(data: bytes) -> str:
    """The line that the reader prints for an annotation, by the Python decoder."""
    try:
        annotation = decode(data)
    except ModelError as error:
        code = OTHER_FORMAT if error.reason.startswith("format ") else MALFORMED
        return f"verdict={code}"
    ops = "".join(
        f" op={op.kernel},{op.subgraph},{op.index},{int(op.scratch_bytes is not None)},"
        f"{op.scratch_bytes or 0},{op.persistent_bytes or 0}"
        for op in annotation.operators
    )
    return (
        f"verdict=0 isa={list(Isa).index(annotation.isa)}"
        f" overlap={int(annotation.isa_specific_overlap)} trusted={_trusts(annotation)}"
        f" head={annotation.arena_head_bytes}"
        f" tail={annotation.arena_tail_bytes} total={annotation.arena_total_bytes}"
        f" tool={annotation.tool} target={annotation.target} cmsis_nn={annotation.cmsis_nn}"
        f" library={annotation.library}"
        f" sha256={annotation.source_sha256.hex()}{ops}"
        + "".join(f" rule={rule}" for rule in annotation.rule_names)
    )


def minimal_model(entries: list[tuple[str, bytes | None]], *, file_id: bytes = b"TFL3") -> bytes:
    """A TFLite model with nothing but an empty subgraph, buffers and metadata."""
    builder = flatbuffers.Builder(64)
    buffers, metadata = [_table(builder, 1, {})], []
    for name, data in entries:
        text = builder.CreateString(name)
        blob = {} if data is None else {0: builder.CreateByteVector(data)}
        buffers.append(_table(builder, 3, blob))
        metadata.append(_table(builder, 2, {0: text}, number=(1, len(buffers) - 1)))
    lists = {slot: _vector(builder, []) for slot in (1, 2)}  # inputs and outputs
    subgraphs = _vector(builder, [_table(builder, 5, lists)])
    vectors = {2: subgraphs, 4: _vector(builder, buffers), 6: _vector(builder, metadata)}
    builder.Finish(_table(builder, 8, vectors), file_identifier=file_id)
    return bytes(builder.Output())


def _table(
    builder: flatbuffers.Builder,
    slots: int,
    references: dict[int, int],
    number: tuple[int, int] | None = None,
) -> int:
    builder.StartObject(slots)
    for slot, offset in references.items():
        builder.PrependUOffsetTRelativeSlot(slot, offset, 0)
    if number is not None:
        builder.PrependUint32Slot(*number, 0)
    return int(builder.EndObject())


def _vector(builder: flatbuffers.Builder, offsets: list[int]) -> int:
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return int(builder.EndVector())


def mutate(rng: random.Random, good: bytes) -> bytes:
    """A few bytes changed, and now and then the end cut off."""
    data = bytearray(good)
    for _ in range(rng.randint(1, 5)):
        data[rng.randrange(len(data))] = rng.choice((0, 1, 4, 0x7F, 0x80, 0xFF, rng.randrange(256)))
    return bytes(data[: rng.randrange(len(data))] if rng.random() < 0.1 else data)


FORMS = {
    "packed": encode(SAMPLE),
    "packed small": encode(SMALL),
    "table": encode_table(TABLE),
    "table small": encode_table(SMALL),
}


@pytest.mark.parametrize("data", FORMS.values(), ids=FORMS)
def test_reads_what_python_wrote(program: Path, data: bytes) -> None:
    assert run(program, "a", [data]) == [expected(data)]
    model = minimal_model([("min_runtime_version", b"1.5.0"), (METADATA_NAME, data), ("x", None)])
    assert run(program, "m", [model]) == [expected(data)]


def test_a_description_is_read_before_metadata(program: Path) -> None:
    """Where tflopt puts it; another description says nothing."""
    model = read_bytes(minimal_model([(METADATA_NAME, encode(SMALL))]))
    assert model.description is None and b"TFLOPT2" in write_bytes(model)
    plain = minimal_model([(METADATA_NAME, encode(SMALL))])
    assert len(write_bytes(model)) < len(plain)
    assert run(program, "m", [write_bytes(model), plain]) == [expected(encode(SMALL))] * 2
    model.description = "MLIR Converted."
    assert run(program, "m", [write_bytes(model)]) == [expected(encode(SMALL))]


def test_the_header_numbers_versions_like_python() -> None:
    header = (ROOT / "include" / "tflopt" / "annotation_parts.h").read_text()
    listed = re.search(r"kCmsisNnNames\[\] = \{([^}]*)\}", header)
    assert listed is not None
    assert tuple(re.findall(r'"([^"]+)"', listed[1])) == CMSIS_NN_NAMES


def test_versions_of_equal_sizes_are_those_of_the_table() -> None:
    """What the header takes for equal asks for the same scratch for each layer of our models."""
    header = (ROOT / "include" / "tflopt" / "annotation.h").read_text()
    listed = re.search(r"kVersionsOfEqualSizes\[\] = \{([^}]*)\}", header)
    assert listed is not None
    names = re.findall(r'"(\w+)"', listed[1])
    assert len(names) == 2
    for path in sorted(TESTDATA.glob("*.tflite"))[::6]:
        model = read_bytes(path.read_bytes())
        for target in ("cortex-m0", "cortex-m4", "cortex-m55"):
            tables = [scratch_table(model, Device.of(target, name)) for name in names]
            first, second = ([(r.use.scratch_bytes, r.use.persistent) for r in t] for t in tables)
            assert first == second


def test_reads_what_our_writer_wrote(program: Path) -> None:
    model = read_bytes(write_bytes(_model_of_ours()))
    assert model.metadata is not None
    blob = np.frombuffer(encode(SAMPLE), dtype=np.uint8)
    model.metadata.append(Metadata(METADATA_NAME, Buffer(blob)))
    model.buffers.append(model.metadata[-1].buffer)
    assert run(program, "m", [write_bytes(model)]) == [expected(encode(SAMPLE))]


@pytest.mark.parametrize("stem", ["mobilenet_v1", "while_loop", "upsampling1d"])
def test_reads_what_optimize_wrote(program: Path, stem: str) -> None:
    """The whole way: files whose parts share strings and tables, and the side file."""
    data = (TESTDATA / f"{stem}.tflite").read_bytes()
    result = optimize_file_bytes(read_bytes(data), data, Settings(samples=None))
    lines = [expected(result.annotation)]
    assert lines[0].startswith("verdict=0 isa=2")
    assert run(program, "m", [result.data]) == lines
    assert run(program, "a", [result.annotation]) == lines


def _model_of_ours() -> Model:
    return read_bytes(minimal_model([("other", b"data")]))


def test_a_model_without_annotation(program: Path) -> None:
    models = [
        minimal_model([]),
        minimal_model([("TFLOPT2", encode(SAMPLE)), ("TFLOP", b""), ("", None)]),
    ]
    assert run(program, "m", models) == [f"verdict={NO_ANNOTATION}"] * 2


def test_an_empty_or_foreign_annotation(program: Path) -> None:
    models = [minimal_model([(METADATA_NAME, data)]) for data in (None, b"", b"TFLO", bytes(64))]
    assert run(program, "m", models) == [f"verdict={MALFORMED}"] * 4


def test_another_packed_format(program: Path) -> None:
    data = b"TFLOPT4" + encode(SAMPLE)[7:]
    assert run(program, "a", [data]) == [f"verdict={OTHER_FORMAT}"] == [expected(data)]


def test_another_format(program: Path) -> None:
    data = bytearray(encode_table(TABLE))
    root = int.from_bytes(data[:4], "little")
    vtable = root - int.from_bytes(data[root : root + 4], "little", signed=True)
    data[root + int.from_bytes(data[vtable + 4 : vtable + 6], "little")] = 9
    assert run(program, "a", [bytes(data)]) == [f"verdict={OTHER_FORMAT}"]
    assert expected(bytes(data)) == f"verdict={OTHER_FORMAT}"


@pytest.mark.parametrize("data", FORMS.values(), ids=FORMS)
def test_truncations_at_every_length(program: Path, data: bytes) -> None:
    cut = [data[:size] for size in range(len(data) + 1)]
    assert run(program, "a", cut) == [expected(each) for each in cut]
    model = minimal_model([(METADATA_NAME, data)])
    lines = run(program, "m", [model[:size] for size in range(len(model) + 1)])
    assert set(lines) == {expected(data), f"verdict={MALFORMED}"}


@pytest.mark.parametrize("data", [FORMS["packed"], FORMS["table"]], ids=["packed", "table"])
def test_offsets_out_of_range(program: Path, data: bytes) -> None:
    """Every aligned word of annotation and model set to the values that offsets break at."""
    model = minimal_model([(METADATA_NAME, data)])
    extremes = [0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFFFFFC, len(data), len(model)]
    for kind, good in (("a", data), ("m", model)):
        broken = [
            good[:at] + value.to_bytes(4, "little") + good[at + 4 :]
            for at in range(0, len(good) - 3, 2)
            for value in extremes
        ]
        lines = run(program, kind, broken)
        if kind == "a":
            assert lines == [expected(each) for each in broken]


def test_one_string_referred_to_many_times(program: Path) -> None:
    """All text together may not be longer than the data: neither reader multiplies a string."""
    data = encode_table(replace(SMALL, rule_names=("r" * 40, *[""] * 40)))
    first = data.index(b"r" * 40) - 4
    vector = data.index((41).to_bytes(4, "little"))
    assert vector + 4 + int.from_bytes(data[vector + 4 : vector + 8], "little") == first
    aliased = bytearray(data)
    for at in range(vector + 8, vector + 4 + 4 * 41, 4):
        aliased[at : at + 4] = (first - at).to_bytes(4, "little")
    assert expected(bytes(aliased)) == f"verdict={MALFORMED}"
    assert run(program, "a", [data, bytes(aliased)]) == [
        expected(data),
        f"verdict={MALFORMED}",
    ]


@pytest.mark.parametrize(("seed", "data"), list(enumerate(FORMS.values())), ids=FORMS)
def test_random_mutations(program: Path, seed: int, data: bytes) -> None:
    rng = random.Random(seed)
    broken = [mutate(rng, data) for _ in range(4000)]
    lines = run(program, "a", broken)
    assert lines == [expected(each) for each in broken]
    assert {line.split()[0] for line in lines} >= {"verdict=0", f"verdict={MALFORMED}"}
    model = minimal_model([("other", b"12345"), (METADATA_NAME, data)])
    run(program, "m", [mutate(rng, model) for _ in range(4000)])


def digits(rng: random.Random, count: int) -> bytes:
    """Characters of the packed form."""
    return bytes(rng.choices(range(0x30, 0x70), k=count))


def test_random_bytes(program: Path) -> None:
    rng = random.Random(7)
    noise = [b"\x10\0\0\0TFLO" + rng.randbytes(rng.randrange(120)) for _ in range(3000)]
    noise += [b"TFLOPT2" + rng.randbytes(rng.randrange(120)) for _ in range(2000)]
    noise += [b"TFLOPT2" + digits(rng, rng.randrange(120)) for _ in range(2000)]
    for _ in range(3000):  # words that reach the readers' ends
        words = (bytes([rng.choice(b"?O0@9_o"), *digits(rng, 2)]) for _ in range(9))
        noise.append(FORMS["packed small"] + b"".join(words))
    assert run(program, "a", noise) == [expected(each) for each in noise]
    run(program, "m", [rng.randbytes(rng.randrange(80)) for _ in range(3000)])


@pytest.mark.parametrize(("core", "abi", "isa"), CORES)
def test_firmware_compiles_and_knows_its_isa(core: str, abi: str, isa: str, tmp_path: Path) -> None:
    compiler = shutil.which("arm-none-eabi-g++")
    if compiler is None:
        pytest.skip("arm-none-eabi-g++ is not installed")
    source, binary = tmp_path / "firmware.cc", tmp_path / "firmware.o"
    source.write_text(FIRMWARE.format(isa=isa))
    flags = [flag for flag in FLAGS if "sanitize" not in flag and flag not in ("-O1", "-g")]
    machine = [f"-mcpu={core}", "-mthumb", f"-mfloat-abi={abi}", "-Os", f"-I{ROOT / 'include'}"]
    command = [compiler, *flags, *machine, "-c", str(source), "-o", str(binary)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_library_is_read_and_checked(program: Path) -> None:
    data = encode(replace(SAMPLE, library="3b20912,size"))
    (line,) = run(program, "a", [data])
    assert line == expected(data)
    assert " library=3b20912,size " in line
