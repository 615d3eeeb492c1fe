"""``emit --drop-annotation``: not in the array, but in the header."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.emit.compilers import GCC, output_of, write_all
from tests.support.cli import Cli
from tests.support.paths import TESTDATA
from tflopt.annotation.annotate import attach, read_annotation
from tflopt.emit import EmitOptions, NamedModel, emit_files
from tflopt.errors import ModelError
from tflopt.io import read, read_bytes, write_bytes
from tflopt.product.optimize import Settings, optimize_file_bytes
from tflopt.target.annotation import METADATA_NAME

DROP = EmitOptions(drop_annotation=True)
PATH = TESTDATA / "mobilenet_v1.tflite"


@pytest.fixture(scope="module")
def annotated() -> NamedModel:
    data = PATH.read_bytes()
    made = optimize_file_bytes(read_bytes(data), data, Settings(samples=None)).data
    return NamedModel("m", read_bytes(made), made)


def test_it_is_in_the_array_unless_it_is_dropped(cli: Cli, tmp_path: Path) -> None:
    assert cli("optimize", PATH, "-o", tmp_path / "m.tflite", "--no-verify").code == 0
    sizes = []
    for options in ((), ("--drop-annotation",)):
        folder = tmp_path / "-".join(("gen", *options))
        assert cli("emit", tmp_path / "m.tflite", "-d", folder, "--incbin", *options).code == 0
        data = (folder / "m.tflite").read_bytes()
        sizes.append(len(data))
        assert (METADATA_NAME.encode() in data) is not bool(options)
        assert ("ANNOTATED" in (folder / "m_info.h").read_text()) is bool(options)
        assert f"#define M_DATA_BYTES {len(data)}u" in (folder / "m_data.h").read_text()
    assert sizes[0] - sizes[1] > len(b"TFLOPT")


def test_the_rest_of_the_model_is_what_it_was(annotated: NamedModel) -> None:
    bare = emit_files([annotated], options=EmitOptions(drop_annotation=True, incbin=True))
    model = read_bytes(bare["m.tflite"])
    assert read_annotation(model) is None
    attach(model, b"x")
    with_it = annotated.model
    assert [op.code for op in model.ops()] == [op.code for op in with_it.ops()]
    arrays = [[v.array().tobytes() for v in m.main.values if v.has_data] for m in (model, with_it)]
    assert arrays[0] == arrays[1]


def test_the_header_has_the_numbers(annotated: NamedModel, tmp_path: Path) -> None:
    found = read_annotation(annotated.model)
    assert found is not None
    files = emit_files([annotated], options=DROP)
    text = files["m_info.h"].decode()
    for op in found.operators:
        assert f"   {op.index} of subgraph {op.subgraph}: {op.scratch_bytes}\n" in text
    names = ("USED", "HEAD", "TAIL", "ARENA")
    prints = "".join(f'printf("%u ", M_ANNOTATED_{name}_BYTES);' for name in names)
    source = (
        '#include <stdio.h>\n#include "m_info.h"\n'
        f"int main(void) {{ {prints} puts(M_ANNOTATED_TARGET M_ANNOTATED_CMSIS_NN); return 0; }}\n"
    )
    write_all({**files, "main.c": source.encode()}, tmp_path)
    head, tail = found.arena_head_bytes, found.arena_tail_bytes
    assert output_of(tmp_path, ["main.c"], GCC).decode().split() == [
        *map(str, (head + tail, head, tail, found.arena_total_bytes)),
        f"cortex-m55{found.cmsis_nn}",
    ]


def test_a_model_without_one_stays_byte_for_byte() -> None:
    data = PATH.read_bytes()
    named = NamedModel("m", read(PATH), data)
    files = emit_files([named], options=EmitOptions(drop_annotation=True, incbin=True))
    assert files["m.tflite"] == data


def test_a_malformed_one_is_refused() -> None:
    model = read(PATH)
    attach(model, b"TO\x02broken")
    named = NamedModel("m", model, write_bytes(model))
    with pytest.raises(ModelError, match="TFLOPT metadata"):
        emit_files([named], options=DROP)
