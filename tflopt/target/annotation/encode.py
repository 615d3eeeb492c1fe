"""Writing an annotation: printable characters, a few and three for each operator with scratch.

The model keeps it as its description where it has none of its own: of all places in a model that is
the cheapest, 9 bytes and the characters; a metadata entry takes 50 to 60. A *digit* is a character
from "0" on that stands for six bits; where digits follow each other the lowest comes first. A text
is a digit for its length and its characters, a varint has five bits in each digit, with the sixth
set in all but the last::

    7         "TFLOPT" and the format, "2" or "3"
    2 digits  bits 0 and 1 the ISA (scalar, DSP, MVE), bit 2: the plan's overlaps are for it alone;
              bits 3 to 6: the plan is right on CMSIS-NN's scalar, DSP and MVE kernels and on TFLM's
              own, bit 7: that is told
    text      the target without its "cortex-m"
    digit     the CMSIS-NN version, numbered from 1 as in ``CMSIS_NN_NAMES``; 0: a text follows
    text      in format 3: TFLM's commit, a comma, and how it was built
    3 varints tflopt's version
    8 digits  how the source's SHA-256 begins
    3 varints the arena's head, its tail, and what its least size is above their sum
    varint    how many digits follow, which have a bit for each rule that was applied, by its
              ``number``
    words     the operators with scratch, to the end

A word is three digits. Its low four bits are how many operators lie between this one and the last;
the next bit and a number of 13 bits are the scratch's size, in bytes or, with the bit set, in units
of 16; a zero in units of 16 means that the size isn't known. 15 between is another word: with the
bit clear as many operators are skipped, or, where the number's own top bit is set, subgraphs; with
the bit set the number is the upper part of the next word's, behind what such words before it say.

What a reader can derive isn't stored: each operator's kernel and what it keeps in the arena's tail
follow from the model and the CMSIS-NN version.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from tflopt.errors import UnsupportedError
from tflopt.target.annotation.record import (
    DIGEST_BYTES,
    FORMAT,
    LIBRARY_FORMAT,
    METADATA_NAME,
    Annotation,
    OperatorMemory,
)
from tflopt.target.cortex_m import Isa
from tflopt.target.kernel_sets import KernelSet

MAGIC = METADATA_NAME.encode()
CMSIS_NN_NAMES = ("7.0.0", "e096196", "4ab83cc", "99f736a", "none")
"""Only ever appended to: files that were written keep their meaning."""
ISAS = (Isa.SCALAR, Isa.DSP, Isa.MVE)
KERNELS = {KernelSet.SCALAR: 8, KernelSet.DSP: 16, KernelSet.MVE: 32, KernelSet.REFERENCE: 64}
TOLD = 128
TARGET_PREFIX = "cortex-m"
MOST_TEXT_BYTES = 23
MOST_RULES = 8 * 0xFF
MOST_BYTES = 0xFFFFFFFF
MOST_OPERATORS = 0xFFFFFF
ZERO = ord("0")
FLAG_DIGITS, DIGEST_DIGITS, WORD_DIGITS = 2, 8, 3
ESCAPE, UNITS, NUMBER_BITS = 15, 16, 13
MOST_NUMBER = (1 << NUMBER_BITS) - 1
MOST_SKIPPED = MOST_NUMBER >> 1
MOST_HIGH = MOST_BYTES >> NUMBER_BITS


def encode(annotation: Annotation) -> bytes:
    """The annotation's bytes, the same for equal annotations.

    Operators that are known to have no scratch take no bytes, and are not read back.

    Raises:
        UnsupportedError: a text that is too long or no printable ASCII, or a number beyond the
            format's.
    """
    if not annotation.target.startswith(TARGET_PREFIX):
        raise _error(f"target {annotation.target!r} is no {TARGET_PREFIX}")
    if len(annotation.source_sha256) < DIGEST_BYTES:
        raise _error(f"a digest of {len(annotation.source_sha256):,} bytes")
    return b"".join(
        (
            MAGIC,
            _digits(LIBRARY_FORMAT if annotation.library else FORMAT, 1),
            _digits(_flags(annotation), FLAG_DIGITS),
            _text(annotation.target.removeprefix(TARGET_PREFIX)),
            _cmsis_nn(annotation.cmsis_nn),
            _text(annotation.library) if annotation.library else b"",
            _version(annotation.tool),
            _digits(
                int.from_bytes(annotation.source_sha256[:DIGEST_BYTES], "little"), DIGEST_DIGITS
            ),
            *(_varint(number) for number in _arena(annotation)),
            _rules(annotation.rules),
            *_words(annotation.operators),
        )
    )


def _flags(annotation: Annotation) -> int:
    flags = ISAS.index(annotation.isa) | (4 if annotation.isa_specific_overlap else 0)
    if annotation.trusted is None:
        return flags
    return flags | TOLD | sum(KERNELS[kernels] for kernels in annotation.trusted)


def _error(reason: str) -> UnsupportedError:
    return UnsupportedError(reason, "annotation")


def _digits(number: int, count: int) -> bytes:
    return bytes(ZERO + (number >> 6 * place & 63) for place in range(count))


def _text(text: str) -> bytes:
    if not (text.isascii() and text.isprintable()) or len(text) > MOST_TEXT_BYTES:
        raise _error(f"{text!r} is not printable ASCII of at most {MOST_TEXT_BYTES} characters")
    return _digits(len(text), 1) + text.encode("ascii")


def _cmsis_nn(name: str) -> bytes:
    if name in CMSIS_NN_NAMES:
        return _digits(CMSIS_NN_NAMES.index(name) + 1, 1)
    return _digits(0, 1) + _text(name)


def _version(text: str) -> bytes:
    numbers = re.fullmatch(r"(\d{1,3})\.(\d{1,3})\.(\d{1,3})", text)
    if numbers is None or any(int(part) > 0xFF for part in numbers.groups()):
        raise _error(f"version {text!r} is not three numbers below 256")
    return b"".join(_varint(int(part)) for part in numbers.groups())


def _varint(number: int) -> bytes:
    if not 0 <= number <= MOST_BYTES:
        raise _error(f"{number} is beyond the format's {MOST_BYTES}")
    rest, low = number >> 5, number & 31
    return _digits(low | 32, 1) + _varint(rest) if rest else _digits(low, 1)


def _arena(annotation: Annotation) -> tuple[int, int, int]:
    """Head, tail, and what the least arena is above both."""
    head, tail = annotation.arena_head_bytes, annotation.arena_tail_bytes
    if annotation.arena_total_bytes > MOST_BYTES:
        raise _error(f"arena {annotation.arena_total_bytes} is beyond the format's {MOST_BYTES}")
    return head, tail, annotation.arena_total_bytes - head - tail


def _rules(numbers: Iterable[int]) -> bytes:
    bits = 0
    for number in numbers:
        if not 0 <= number < MOST_RULES:
            raise _error(f"rule {number} is beyond the format's {MOST_RULES}")
        bits |= 1 << number
    count = (bits.bit_length() + 5) // 6
    return _varint(count) + _digits(bits, count)


def _words(operators: Iterable[OperatorMemory]) -> Iterator[bytes]:
    subgraph = following = 0
    for op in sorted(operators, key=lambda op: (op.subgraph, op.index)):
        if op.scratch_bytes == 0:
            continue
        if not (op.subgraph >= 0 and 0 <= op.index <= MOST_OPERATORS):
            raise _error(f"operator {op.index} of subgraph {op.subgraph}")
        if op.subgraph > subgraph:
            yield from _skip(op.subgraph - subgraph, mark=MOST_SKIPPED + 1)
            subgraph, following = op.subgraph, 0
        gap = op.index - following
        if gap >= ESCAPE:
            yield from _skip(gap, mark=0)
            gap = 0
        yield from _size(gap, op.scratch_bytes)
        following = op.index + 1


def _skip(count: int, *, mark: int) -> Iterator[bytes]:
    for done in range(0, count, MOST_SKIPPED):
        yield _word(ESCAPE, min(count - done, MOST_SKIPPED) | mark)


def _size(gap: int, size: int | None) -> Iterator[bytes]:
    if size is None:
        yield _word(gap | UNITS, 0)
        return
    if size > MOST_BYTES:
        raise _error(f"scratch {size:,} is beyond the format's {MOST_BYTES:,}")
    first = gap
    if size > MOST_NUMBER and size % 16 == 0:
        first, size = gap | UNITS, size // 16
    for shift in (2 * NUMBER_BITS, NUMBER_BITS):
        if size >> shift:
            yield _word(ESCAPE | UNITS, size >> shift & MOST_NUMBER)
    yield _word(first, size & MOST_NUMBER)


def _word(first: int, number: int) -> bytes:
    return _digits(first | number << 5, WORD_DIGITS)
