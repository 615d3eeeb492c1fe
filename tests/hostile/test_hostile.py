"""Hostile files: a seeded sample of what ``benchmarks/hostile.py`` runs at length."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from tests.hostile import examine as examining
from tests.hostile.examine import NAME, TooLongError, examine, time_limit
from tests.hostile.mutate import mutant
from tests.support.cli import Cli
from tests.support.paths import ROOT
from tflopt.io import read_bytes, write_bytes
from tflopt.ir import DType, OpCode, Quantization
from tflopt.ir.builder import Builder
from tflopt.ir.options import Conv2DOptions, DepthwiseConv2DOptions
from tflopt.product.optimize import Settings, optimize_file_bytes

pytestmark = pytest.mark.unit
FILES = 160
GROUP = 40
FIRST = 2_000_000
THROUGH_CLI = 8
SAVED = sorted(Path(__file__).with_name("saved").glob("*.tflite"))
"""One file of each kind on which something else escaped."""
CONV = Conv2DOptions(stride_w=1, stride_h=1)
DEPTHWISE = DepthwiseConv2DOptions(stride_w=1, stride_h=1, depth_multiplier=1)


@pytest.mark.parametrize("group", range(FILES // GROUP))
def test_mutated_files_are_optimized_or_refused(group: int) -> None:
    start = FIRST + group * GROUP
    outcomes = Counter(bool(examine(mutant(start + n).data)) for n in range(GROUP))
    assert outcomes[True] > GROUP // 4
    assert outcomes[False] > GROUP // 10


def test_the_command_refuses_in_one_line_and_leaves_no_file(cli: Cli, tmp_path: Path) -> None:
    path, seen, seed = tmp_path / NAME, 0, FIRST
    while seen < THROUGH_CLI:
        seed += 1
        data = mutant(seed).data
        reason = examine(data)
        if not reason:
            continue
        seen += 1
        path.write_bytes(data)
        ran = cli("optimize", "--no-verify", path)
        assert ran.code == 3
        assert " ".join(ran.only_error.split()).endswith(reason.rsplit(": ", 1)[-1][-40:])
        assert [entry.name for entry in tmp_path.iterdir()] == [NAME]
        assert path.read_bytes() == data


@pytest.mark.parametrize("path", SAVED, ids=lambda path: path.stem)
def test_what_was_found_stays_fixed(path: Path) -> None:
    examine(path.read_bytes())


def digest(seeds: range) -> str:
    """A fingerprint of all these files."""
    return hashlib.sha256(b"".join(mutant(seed).data for seed in seeds)).hexdigest()


def test_a_seed_gives_the_same_file_in_every_process() -> None:
    numbers = f"range({FIRST}, {FIRST} + 20)"
    code = f"from tests.hostile.test_hostile import digest; print(digest({numbers}))"
    variables = {**os.environ, "PYTHONHASHSEED": "7", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env=variables,
    )
    assert done.stdout.strip() == digest(range(FIRST, FIRST + 20))


def test_mutants_differ_from_their_sources() -> None:
    made = [mutant(FIRST + n) for n in range(60)]
    assert sum(each.data != each.source for each in made) > 45
    assert len({name for each in made for name in each.mutations}) > 15


def test_what_escapes_is_not_taken_for_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> object:
        raise IndexError("list index out of range")

    monkeypatch.setattr(examining, "optimize_file_bytes", broken)
    with pytest.raises(IndexError):
        examine(mutant_that_is_read())
    monkeypatch.setattr(examining, "read_bytes", broken)
    with pytest.raises(IndexError):
        examine(b"")


def mutant_that_is_read() -> bytes:
    """A file that nothing is wrong with."""
    return mutant(FIRST).source


def test_a_hang_ends() -> None:
    with pytest.raises(TooLongError), time_limit(0.05):
        while True:
            pass


def test_a_graph_without_operators_is_written() -> None:
    """Found by the mutator: the forms' budget looked for an operator's scratch."""
    b = Builder()
    b.input((1, 4))
    b.output(b.value((1, 4)))
    data = write_bytes(b.model)
    assert examine(data) == ""


def test_a_constant_without_a_size_in_tflm_is_no_crash() -> None:
    """Found by the mutator: only tensors without data were asked for their size."""
    b = Builder()
    x = b.input((1, 4))
    text = b.constant(np.zeros(4, np.int8), DType.INT8)
    text.dtype = DType.STRING
    custom = b.model.opcode(OpCode.CUSTOM)
    custom.custom_code = "Say"
    b.output(*b.custom(custom, [x, text], [(1, 4)]))
    data = write_bytes(b.model)
    result = optimize_file_bytes(read_bytes(data), data, Settings(samples=None))
    assert result.memory_before is None


@pytest.mark.parametrize("code", [OpCode.CONV_2D, OpCode.DEPTHWISE_CONV_2D])
def test_empty_scales_are_no_crash(code: OpCode) -> None:
    """Found by the mutator: the scale of the bias was made of a first scale that isn't there."""
    empty = Quantization(np.zeros(0, np.float32), np.zeros(0, np.int64))
    for quants in ((empty, (0.5, 0)), ((0.5, 0), empty)):
        b = Builder()
        x = b.input((1, 6, 6, 128), quant=quants[0])
        depthwise = code is OpCode.DEPTHWISE_CONV_2D
        shape = (1, 3, 3, 128) if depthwise else (128, 3, 3, 64)
        weights = b.constant(np.ones(shape), DType.INT8, quants[1])
        options = DEPTHWISE if depthwise else CONV
        b.output(b.op(code, [x, weights], (1, 6, 6, 128), options=options, quant=(0.5, 0)))
        assert examine(write_bytes(b.model)) == ""
