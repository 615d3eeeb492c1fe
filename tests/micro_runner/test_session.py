"""Requests, files and failures, in a host build of the same sources under ASan and UBSan."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from tests.micro_runner.conftest import Images
from tests.micro_runner.firmware import HOST, SOURCES, Boot, boot, request_text, small_model

pytestmark = pytest.mark.unit
INPUT = bytes(range(100, 116))
BAD_REQUESTS = {
    "empty": "",
    "other version": "tflopt_request=2\nmodel=model\n",
    "no version": "model=model\n",
    "no model": "tflopt_request=1\n",
    "unknown key": request_text(colour=3),
    "key twice": request_text(model="model"),
    "list twice": request_text(preserve=1, tensors_out="t") + "tensors=1\ntensors=1\n",
    "no equals": request_text() + "profile\n",
    "not a number": request_text(samples="three"),
    "negative": request_text(samples=-1),
    "too large": request_text(samples=1 << 32),
    "not a flag": request_text(profile=2),
    "empty name": request_text(inputs=""),
    "no end of line": request_text() + "plan=1",
    "zero byte": request_text() + "plan=\x001\n",
    "no limit": request_text(time_limit_ms=0),
    "tensors without a file": request_text(preserve=1, tensors=1),
    "a file without tensors": request_text(preserve=1, tensors_out="t"),
    "tensors not preserved": request_text(tensors=1, tensors_out="t"),
    "bad list": request_text(preserve=1, tensors="1,,2", tensors_out="t"),
    "too long": request_text() + "plan=1\n" * 2400,
    "too many tensors": request_text(preserve=1, tensors_out="t", tensors=",".join(["1"] * 1025)),
    "arena too large": request_text(arena_bytes=1 << 31),
    "no such tensor": request_text(preserve=1, tensors=7, tensors_out="t"),
    "inputs too short": request_text(inputs="inputs", samples=2),
    "inputs too long": request_text(inputs="inputs", samples=0),
}
FAILURES = {
    "check": (12, "model_invalid", "the model is broken"),
    "allocate": (14, "allocation_failed", "allocation failed in an arena of 1048576 bytes"),
    "invoke": (15, "invoke_failed", "an operator failed"),
}


def run(images: Images, folder: Path, request: bytes | str | None, **model: object) -> Boot:
    data = small_model(**model)
    done = boot(images(HOST), HOST, folder, request, {"model": data, "inputs": INPUT})
    assert "Sanitizer" not in done.console
    assert "runtime error" not in done.console
    return done


@pytest.mark.parametrize("request_", BAD_REQUESTS.values(), ids=BAD_REQUESTS.keys())
def test_bad_requests(images: Images, tmp_path: Path, request_: str) -> None:
    done = run(images, tmp_path, request_)
    assert (done.code, done.report.status) == (10, "request_invalid")
    assert done.report.message
    assert f"message={done.report.message}\n" in done.console


def test_request_that_cannot_be_read(images: Images, tmp_path: Path) -> None:
    done = run(images, tmp_path, None)
    assert (done.code, done.report.status) == (11, "io_failed")
    assert done.report.other["phase"] == "request"


@pytest.mark.parametrize("key", ["model", "inputs", "outputs"])
def test_files_that_cannot_be_opened(images: Images, tmp_path: Path, key: str) -> None:
    request = f"tflopt_request=1\n{'' if key == 'model' else 'model=model'}\n".replace("\n\n", "\n")
    done = run(images, tmp_path, request + f"{key}=no/such/file\n")
    assert (done.code, done.report.status) == (11, "io_failed")
    assert "no/such/file" in done.report.message


@pytest.mark.parametrize("where", FAILURES)
def test_failures_of_the_engine(images: Images, tmp_path: Path, where: str) -> None:
    code, status, message = FAILURES[where]
    done = run(images, tmp_path, request_text(), fails=where)
    assert (done.code, done.report.status, done.report.message) == (code, status, message)
    assert done.report.other["phase"] == where


def test_unknown_operator(images: Images, tmp_path: Path) -> None:
    done = run(images, tmp_path, request_text(), lacks="SVDF")
    assert (done.code, done.report.status) == (13, "unknown_op")
    assert done.report.message == "the library lacks SVDF"


def test_arena_too_small(images: Images, tmp_path: Path) -> None:
    done = run(images, tmp_path, request_text(arena_bytes=999), arena=1000)
    assert (done.code, done.report.status) == (14, "allocation_failed")
    done = run(images, tmp_path, request_text(arena_bytes=1000), arena=1000)
    assert done.report.status == "ok"
    assert done.report.other["arena_bytes"] == "1000"


@pytest.mark.parametrize(("kind", "code"), [("undefined", 16), ("loop", 18), ("abort", 19)])
def test_traps(images: Images, tmp_path: Path, kind: str, code: int) -> None:
    done = run(images, tmp_path, request_text(time_limit_ms=100), trap=kind)
    assert done.code == code


@pytest.mark.parametrize("needed", [208, 1000, 1008, 1009, 65536])
def test_least_arena(images: Images, tmp_path: Path, needed: int) -> None:
    request = request_text(least_arena=1, inputs="inputs")
    report = run(images, tmp_path, request, arena=needed).report
    assert report.least_arena_bytes == -(-needed // 16) * 16
    report = run(images, tmp_path, request_text(least_arena=1, samples=0), arena=needed).report
    assert report.least_arena_bytes == -(-needed // 16) * 16


def test_tensors(images: Images, tmp_path: Path) -> None:
    keys = {"inputs": "inputs", "preserve": 1, "tensors": "2,0", "tensors_out": "tensors"}
    done = run(images, tmp_path, request_text(**keys))
    assert done.files["tensors"] == bytes(value + 1 for value in INPUT) + INPUT
    assert "outputs" not in done.files


def test_zero_inputs(images: Images, tmp_path: Path) -> None:
    done = run(images, tmp_path, request_text(samples=2, outputs="out"))
    assert done.files["out"] == b"\1" * 16 + b"\2" * 16


def test_log_keeps_both_ends(images: Images, tmp_path: Path) -> None:
    done = run(images, tmp_path, request_text(), says="50 % of\tthis")
    assert done.report.log == ("50 % of this",)


@pytest.mark.parametrize("seed", range(3))
def test_random_requests(images: Images, tmp_path: Path, seed: int) -> None:
    """Whatever the request says: a whole report, and no sanitizer's."""
    rng = random.Random(seed)
    keys = {"inputs": "inputs", "outputs": "out", "preserve": 1, "tensors": "0,1", "plan": 1}
    good = request_text(**keys, tensors_out="tensors", profile=1).encode()
    for _ in range(25):
        data = bytearray(good)
        for _ in range(rng.randint(1, 4)):
            data[rng.randrange(len(data))] = rng.choice(b"\n\0=,09a\xff")
        done = run(images, tmp_path, bytes(data))
        assert done.report.status in ("ok", "request_invalid", "io_failed")


def test_documented_codes_are_those_of_the_source() -> None:
    source = (SOURCES / "src" / "status.h").read_text()
    values = dict(re.findall(r"(k\w+) = (\d+),", source))
    names = dict(re.findall(r"case Status::(k\w+):\s+return \"(\w+)\"", source))
    protocol = (SOURCES / "PROTOCOL.md").read_text().partition("## Status")[2]
    documented = dict(re.findall(r"^\| `(\w+)` \| (\d+) \|", protocol, re.MULTILINE))
    assert documented == {names[key]: value for key, value in values.items()}
