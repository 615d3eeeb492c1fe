"""The firmware's report: what is read, and what is refused."""

from __future__ import annotations

import zlib

import pytest

from tflopt.run.device_report import MAX_BYTES, ReportError, parse_report

pytestmark = pytest.mark.unit
LINES = """tflopt_report=1
board=mps3-an547
core=cortex-m55
isa=mve
engine=tflm
kernels=cmsis_nn
library=library=libtensorflow-microlite.a
compiler=gcc 12.2.1
unit=instructions
input=0,0,4
arena_used=1200
head=200
tail=1000
buffer=0,16,0,1,0,tensor,0:3
buffer=1,64,1,1,16,scratch,0
buffer=2,32,1,2,80,tensor,1:0,offline
scratch=0,50,0
scratch=2,7,1
total=5001
op=0,CONV_2D,5000
op=1,CUSTOM a=b,1
stack_high_water=1424
outputs_crc32=00ff00ab
annotation=ok
log=first
log=second
status=ok
"""


def sealed(text: str) -> bytes:
    data = text.encode()
    return data + f"crc32={zlib.crc32(data):08x}\n".encode()


def test_everything_is_read() -> None:
    report = parse_report(sealed(LINES))
    assert (report.status, report.message) == ("ok", "")
    assert (report.board, report.core, report.isa) == ("mps3-an547", "cortex-m55", "mve")
    assert report.library == "library=libtensorflow-microlite.a"
    sizes = (report.arena_used_bytes, report.head_bytes, report.tail_bytes)
    assert sizes == (1200, 200, 1000)
    assert report.least_arena_bytes is None
    assert report.stack_high_water_bytes == 1424
    assert report.outputs_crc32 == 0x00FF00AB
    tensor, scratch, planned = report.buffers
    assert (tensor.size_bytes, tensor.first_use, tensor.last_use) == (16, 0, 1)
    assert (tensor.subgraph, tensor.number, tensor.is_scratch) == (0, 3, False)
    assert (scratch.offset_bytes, scratch.number, scratch.is_scratch) == (16, 0, True)
    assert (planned.subgraph, planned.is_offline, tensor.is_offline) == (1, True, False)
    requests = [(each.operator, each.size_bytes, each.subgraph) for each in report.scratch]
    assert requests == [(0, 50, 0), (2, 7, 1)]
    assert [(op.index, op.name, op.count) for op in report.operators] == [
        (0, "CONV_2D", 5000),
        (1, "CUSTOM a=b", 1),
    ]
    assert report.log == ("first", "second")
    assert report.other == {"engine": "tflm"}


def test_a_failure_is_short() -> None:
    report = parse_report(sealed("tflopt_report=1\nstatus=fault\nmessage=a=b, c\nphase=invoke\n"))
    assert (report.status, report.message) == ("fault", "a=b, c")
    assert report.other == {"phase": "invoke"}
    assert report.arena_used_bytes is None


def test_the_crc_may_be_in_upper_case_and_lines_end_anyhow() -> None:
    data = sealed("tflopt_report=1\r\nstatus=ok\r\n")
    assert parse_report(data.replace(data[-9:-1], data[-9:-1].upper())).status == "ok"


@pytest.mark.parametrize("cut", range(2, len(LINES) + 15, 7))
def test_whatever_is_cut_off_is_refused(cut: int) -> None:
    with pytest.raises(ReportError):
        parse_report(sealed(LINES)[:-cut])


@pytest.mark.parametrize("position", range(0, len(LINES), 11))
def test_a_flipped_bit_is_refused(position: int) -> None:
    data = bytearray(sealed(LINES))
    data[position] ^= 4
    with pytest.raises(ReportError):
        parse_report(bytes(data))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "^it is not a report of the firmware$"),
        ("hello\n", "^it is not a report of the firmware$"),
        ("tflopt_report=2\nstatus=ok\n", "version 2, this tflopt reads version 1"),
        ("tflopt_report=1\nboard=x\n", "it has no status"),
        ("tflopt_report=1\nstatus\n", "has no '='"),
        ("tflopt_report=1\nhead=abc\nstatus=ok\n", "'abc' is not a number"),
        ("tflopt_report=1\nop=1,CONV_2D\nstatus=ok\n", "has 2 fields, not 3"),
        ("tflopt_report=1\nbuffer=1,2,3\nstatus=ok\n", "has 3 fields, not 7"),
    ],
)
def test_what_is_no_report(text: str, reason: str) -> None:
    with pytest.raises(ReportError, match=reason):
        parse_report(sealed(text))


def test_an_empty_and_a_giant_file() -> None:
    with pytest.raises(ReportError, match="it is empty"):
        parse_report(b"")
    with pytest.raises(ReportError, match="bytes, more than"):
        parse_report(bytes(MAX_BYTES + 1))
