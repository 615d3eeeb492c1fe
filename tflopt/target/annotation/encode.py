"""Writing an annotation, packed: at most 64 bytes, and three for each operator with scratch.

Little-endian; a text is its length in a byte and its characters, a varint has seven bits in each
byte, the lowest first, the top bit set in all but the last::

    2 bytes   "TO"
    1 byte    the format, 2 or 3
    1 byte    bits 0 and 1 the ISA (scalar, DSP, MVE), bit 2: the plan's overlaps are for it alone;
              bits 3 to 6: the plan is right on CMSIS-NN's scalar, DSP and MVE kernels and on TFLM's
              own, bit 7: that is told
    text      the target without its "cortex-m"
    text      the CMSIS-NN version
    text      in format 3: TFLM's commit, a comma, and how it was built
    3 bytes   tflopt's version
    8 bytes   how the source's SHA-256 begins
    varints   the arena's head, its tail, and what its least size is above their sum
    text      a bit for each rule that was applied, by the rule's ``number``
    words     the operators with scratch, to the end

A word is a byte and a number of two bytes. The byte's low seven bits are how many operators lie
between this one and the last; the number is the scratch's size, in bytes or, with the top bit set,
in units of 16; a zero in units of 16 means that the size isn't known. 127 between is another word:
with the top bit clear as many operators are skipped, or, where the number's own top bit is set,
subgraphs; with the top bit set the number is the upper half of the next word's.

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
    Annotation,
    OperatorMemory,
)
from tflopt.target.cortex_m import Isa
from tflopt.target.kernel_sets import KernelSet

MAGIC = b"TO"
ISAS = (Isa.SCALAR, Isa.DSP, Isa.MVE)
KERNELS = {KernelSet.SCALAR: 8, KernelSet.DSP: 16, KernelSet.MVE: 32, KernelSet.REFERENCE: 64}
TOLD = 128
TARGET_PREFIX = "cortex-m"
MOST_TEXT_BYTES = 23
MOST_RULES = 8 * 0xFF
MOST_BYTES = 0xFFFFFFFF
MOST_OPERATORS = 0xFFFFFF
ESCAPE, TOP, MOST_SKIPPED = 0x7F, 0x80, 0x7FFF


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
        raise _error(f"a digest of {len(annotation.source_sha256)} bytes")
    return b"".join(
        (
            MAGIC,
            bytes([LIBRARY_FORMAT if annotation.library else FORMAT, _flags(annotation)]),
            _text(annotation.target.removeprefix(TARGET_PREFIX)),
            _text(annotation.cmsis_nn),
            _text(annotation.library) if annotation.library else b"",
            _version(annotation.tool),
            annotation.source_sha256[:DIGEST_BYTES],
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


def _text(text: str) -> bytes:
    if not (text.isascii() and text.isprintable()) or len(text) > MOST_TEXT_BYTES:
        raise _error(f"{text!r} is not printable ASCII of at most {MOST_TEXT_BYTES} characters")
    return bytes([len(text)]) + text.encode("ascii")


def _version(text: str) -> bytes:
    numbers = re.fullmatch(r"(\d{1,3})\.(\d{1,3})\.(\d{1,3})", text)
    if numbers is None or any(int(each) > 0xFF for each in numbers.groups()):
        raise _error(f"version {text!r} is not three numbers below 256")
    return bytes(int(each) for each in numbers.groups())


def _varint(number: int) -> bytes:
    if not 0 <= number <= MOST_BYTES:
        raise _error(f"{number} is beyond the format's {MOST_BYTES}")
    rest, low = number >> 7, number & 0x7F
    return bytes([low | TOP]) + _varint(rest) if rest else bytes([low])


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
    size = (bits.bit_length() + 7) // 8
    return bytes([size]) + bits.to_bytes(size, "little")


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
        yield _word(gap | TOP, 0)
    elif size <= 0xFFFF:
        yield _word(gap, size)
    elif size % 16 == 0 and size // 16 <= 0xFFFF:
        yield _word(gap | TOP, size // 16)
    elif size <= MOST_BYTES:
        yield _word(ESCAPE | TOP, size >> 16)
        yield _word(gap, size & 0xFFFF)
    else:
        raise _error(f"scratch {size} is beyond the format's {MOST_BYTES}")


def _word(first: int, number: int) -> bytes:
    return bytes([first, number & 0xFF, number >> 8])
