"""``--strip``, ``--keep``, ``--runtime``, ``--align``, and ``inspect --flash``."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from tests.support.cli import Cli
from tests.support.flash import Layers
from tests.support.paths import TESTDATA
from tflopt.io import read, write_bytes
from tflopt.ir import Model
from tflopt.report.flash import KINDS

pytestmark = pytest.mark.unit
KWS = TESTDATA / "ds_cnn.tflite"
UNDELEGATED = (
    "10 layers have a bias without quantization: LiteRT's default path (XNNPACK) rounds otherwise"
)


@pytest.fixture
def described(tmp_path: Path) -> Path:
    """Three tensors with names, a description, metadata of two kinds."""
    n = Layers()
    x = n.feed(2, 3)
    inner = n.add(x, x)
    scores = n.add(inner, x)
    inner.name, scores.name = "inner", "scores"
    n.output(scores)
    n.model.description = "made by a converter"
    n.metadata(CONVERSION_METADATA=b"1", mine=b"2")
    path = tmp_path / "described.tflite"
    path.write_bytes(write_bytes(n.model))
    return path


def optimized(cli: Cli, path: Path, *arguments: object) -> Model:
    target = path.with_name("out.tflite")
    lean = ("--plan", "none", "--annotate", "none")
    ran = cli("optimize", path, "-o", target, "--no-verify", "-q", *lean, *arguments)
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    return read(target)


def names(model: Model) -> list[str | None]:
    return [value.name for value in model.main.values]


def entries(model: Model) -> list[str | None]:
    return [entry.name for entry in model.metadata or ()]


@pytest.mark.parametrize(
    ("arguments", "tensors", "metadata", "description"),
    [
        ([], ["input0", None, "scores"], ["mine"], False),
        (["--strip", "default"], ["input0", None, "scores"], ["mine"], False),
        (["--strip", "all"], [None, None, None], [], False),
        (
            ["--strip", "none"],
            ["input0", "inner", "scores"],
            ["CONVERSION_METADATA", "mine"],
            True,
        ),
        (["--strip", "all", "--keep", "mine"], [None, None, None], ["mine"], False),
        (["--keep", "inner"], ["input0", "inner", "scores"], ["mine"], False),
        (["--strip", "all", "--keep", "scores"], [None, None, "scores"], [], False),
        (["--disable", "strip-names"], ["input0", "inner", "scores"], ["mine"], False),
        (
            ["--keep", "CONVERSION_METADATA"],
            ["input0", None, "scores"],
            ["CONVERSION_METADATA", "mine"],
            False,
        ),
    ],
)
def test_what_is_stripped(
    arguments: list[str],
    tensors: list[str | None],
    metadata: list[str],
    description: bool,
    described: Path,
    cli: Cli,
) -> None:
    model = optimized(cli, described, *arguments)
    assert names(model) == tensors
    assert entries(model) == metadata
    assert (model.description is not None) is description


def test_keep_names_something_that_is_there(described: Path, cli: Cli) -> None:
    ran = cli("optimize", described, "--no-verify", "--keep", "scorse")
    assert ran.code != 0
    assert "did you mean scores?" in ran.only_error


def test_for_tflm_alone_the_file_is_smaller(tmp_path: Path, cli: Cli) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(KWS.read_bytes())
    both, tflm = (optimized(cli, path, "--runtime", name) for name in ("both", "tflm"))
    assert tflm.source_bytes < both.source_bytes < path.stat().st_size
    counts = [
        {
            v.quant.zero_point.size
            for v in model.main.values
            if v.quant is not None and v.quant.zero_point is not None and v.quant.is_per_channel
        }
        for model in (both, tflm)
    ]
    assert counts[1] == {1}
    assert min(counts[0]) > 1


@pytest.mark.parametrize("alignment", ["16", "32", "64", "4096"])
def test_align(alignment: str, tmp_path: Path, cli: Cli) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(KWS.read_bytes())
    model = optimized(cli, path, "--align", alignment)
    data = path.with_name("out.tflite").read_bytes()
    for buffer in model.buffers:
        if buffer.data is not None and buffer.size_bytes > 200:
            assert data.index(buffer.data.tobytes()) % int(alignment) == 0


@pytest.mark.parametrize("wrong", ["8", "24", "0", "-16"])
def test_a_wrong_alignment(wrong: str, described: Path, cli: Cli) -> None:
    ran = cli("optimize", described, "--no-verify", f"--align={wrong}")
    assert ran.code != 0
    assert "power of two" in ran.only_error


def test_inspect_flash_as_json(tmp_path: Path, cli: Cli) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(KWS.read_bytes())
    optimized(cli, path)
    small = path.with_name("out.tflite")
    ran = cli("inspect", path, "--flash", "--json", "--against", small)
    assert ran.code == 0
    report = json.loads(ran.out)
    assert report["schema_version"] == 1
    assert len(report["flash"]) == 2
    for account, file in zip(report["flash"], (path, small), strict=True):
        assert set(account) == {
            "by_kind",
            "by_operator",
            "least_bytes",
            "least_kept_bytes",
            "shared_by_kind",
        }
        assert set(account["by_kind"]) <= set(KINDS)
        assert sum(account["by_kind"].values()) == file.stat().st_size
        operators = account["by_operator"]
        assert all(set(each) == {"by_kind", "index", "subgraph"} for each in operators)
        places = [(each["subgraph"], each["index"]) for each in operators]
        assert sorted(places) == [(0, index) for index in range(len(read(file).main.ops))]
        parts = Counter(account["shared_by_kind"])
        for each in operators:
            parts.update(each["by_kind"])
        assert parts == account["by_kind"]
        assert account["least_bytes"] <= account["least_kept_bytes"] <= file.stat().st_size
    assert report["notes"] == []
    after = json.loads(cli("inspect", small, "--json").out)
    assert after["flash"] == []
    assert after["notes"] == []
    optimized(cli, path, "--runtime", "tflm")
    (note,) = json.loads(cli("inspect", small, "--json").out)["notes"]
    assert note.startswith(UNDELEGATED)


def test_inspect_flash_as_text(tmp_path: Path, cli: Cli) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(KWS.read_bytes())
    optimized(cli, path)
    small = path.with_name("out.tflite")
    lines = cli("inspect", path, "--flash", "--against", small).out.splitlines()
    file = next(line for line in lines if line.startswith("file ")).replace(",", "").split()
    sizes = [path.stat().st_size, small.stat().st_size]
    assert file[1:] == [str(size) for size in sizes]
    assert any(line.startswith("least for what the runtimes read") for line in lines)
    assert any("% over the lower bound with the names that stay" in line for line in lines)
    totals = [0, 0]
    for line in lines[1:]:
        kind = next((kind for kind in KINDS if line.startswith(f"{kind} ")), None)
        if kind is not None:
            numbers = line[len(kind) :].replace(",", "").split()
            totals = [total + int(n) for total, n in zip(totals, numbers, strict=True)]
    assert totals == sizes


def test_against_goes_with_flash(described: Path, cli: Cli) -> None:
    ran = cli("inspect", described, "--against", described)
    assert ran.code != 0
    assert "--against goes with --flash" in ran.only_error


def test_optimize_for_tflm_says_that_xnnpack_no_longer_delegates(tmp_path: Path, cli: Cli) -> None:
    """For both runtimes biases keep the quantization that XNNPACK needs."""
    path = tmp_path / "model.tflite"
    path.write_bytes(KWS.read_bytes())

    def said(*arguments: str) -> str:
        ran = cli("optimize", path, "--no-verify", *arguments)
        assert ran.code == 0
        return " ".join(ran.out.split())

    assert f"note: {UNDELEGATED}" in said("--runtime", "tflm")
    assert "XNNPACK" not in said("--runtime", "tflm", "--strip", "none")
    assert "XNNPACK" not in said("--runtime", "both")
    assert "XNNPACK" not in said()
