"""Reading the packed form, which `encode` describes, with every access checked."""

from __future__ import annotations

from tflopt.errors import ModelError
from tflopt.target.annotation.encode import (
    ESCAPE,
    ISAS,
    KERNELS,
    MOST_BYTES,
    MOST_OPERATORS,
    MOST_SKIPPED,
    MOST_TEXT_BYTES,
    TARGET_PREFIX,
    TOLD,
    TOP,
)
from tflopt.target.annotation.record import (
    DIGEST_BYTES,
    FORMAT,
    LIBRARY_FORMAT,
    METADATA_NAME,
    Annotation,
    OperatorMemory,
)
from tflopt.target.kernel_sets import KernelSet


def decode_packed(data: bytes) -> Annotation:
    """The annotation in ``data``, which begins with the packed form's two letters.

    Raises:
        ModelError: broken, or of another format.
    """
    cursor = _Cursor(data, 2)
    version = cursor.byte()
    if version not in (FORMAT, LIBRARY_FORMAT):
        raise _error(f"format {version}, this tflopt reads 1 to {LIBRARY_FORMAT}")
    flags = cursor.byte()
    if flags & 3 >= len(ISAS):
        raise _error(f"flags {flags}")
    target, cmsis_nn = TARGET_PREFIX + cursor.text(), cursor.text()
    library = cursor.text() if version == LIBRARY_FORMAT else ""
    tool = ".".join(str(number) for number in cursor.take(3))
    digest = cursor.take(DIGEST_BYTES)
    head, tail, above = cursor.varint(), cursor.varint(), cursor.varint()
    if head + tail + above > MOST_BYTES:
        raise _error(f"an arena of {head + tail + above} bytes")
    return Annotation(
        tool=tool,
        source_sha256=digest,
        target=target,
        isa=ISAS[flags & 3],
        cmsis_nn=cmsis_nn,
        arena_head_bytes=head,
        arena_tail_bytes=tail,
        arena_total_bytes=head + tail + above,
        rules=_rules(cursor.take(cursor.byte())),
        operators=_operators(cursor.take(len(data) - cursor.at)),
        isa_specific_overlap=bool(flags & 4),
        trusted=_trusted(flags),
        library=library,
    )


def _trusted(flags: int) -> frozenset[KernelSet] | None:
    return frozenset(each for each, bit in KERNELS.items() if flags & bit) if flags & TOLD else None


def _error(reason: str) -> ModelError:
    return ModelError(reason, f"{METADATA_NAME} metadata")


def _rules(data: bytes) -> tuple[int, ...]:
    bits = int.from_bytes(data, "little")
    return tuple(number for number in range(8 * len(data)) if bits >> number & 1)


def _operators(data: bytes) -> tuple[OperatorMemory, ...]:
    if len(data) % 3:
        raise _error(f"{len(data)} bytes of words of 3")
    found = []
    subgraph = following = high = 0
    for at in range(0, len(data), 3):
        first, number = data[at], data[at + 1] | data[at + 2] << 8
        gap, top = first & ESCAPE, bool(first & TOP)
        if gap == ESCAPE and top:
            high = number
        elif gap == ESCAPE and number > MOST_SKIPPED:
            subgraph, following = subgraph + number - MOST_SKIPPED - 1, 0
        elif gap == ESCAPE:
            following += number
        else:
            size = (high << 16 | number) * (16 if top else 1)
            op = OperatorMemory(subgraph, following + gap, None if top and not size else size)
            if op.index > MOST_OPERATORS or subgraph > MOST_OPERATORS or size > MOST_BYTES:
                raise _error(f"operator {op.index} of subgraph {subgraph}, {size} bytes")
            found.append(op)
            following, high = op.index + 1, 0
    return tuple(found)


class _Cursor:
    """Takes bytes from the front, never beyond the end."""

    def __init__(self, data: bytes, at: int) -> None:
        self.data = data
        self.at = at

    def take(self, size: int) -> bytes:
        if size > len(self.data) - self.at:
            raise _error(f"{size} bytes at {self.at}, beyond its {len(self.data)}")
        self.at += size
        return self.data[self.at - size : self.at]

    def byte(self) -> int:
        return self.take(1)[0]

    def text(self) -> str:
        raw = self.take(self.byte())
        if len(raw) > MOST_TEXT_BYTES or any(byte < 0x20 or byte > 0x7E for byte in raw):
            raise _error(f"text that is not printable ASCII of at most {MOST_TEXT_BYTES} bytes")
        return raw.decode("ascii")

    def varint(self) -> int:
        number = 0
        for shift in range(0, 35, 7):
            byte = self.byte()
            number |= (byte & 0x7F) << shift
            if byte < TOP:
                break
        else:
            raise _error("a number of more than 5 bytes")
        if number > MOST_BYTES:
            raise _error(f"number {number}")
        return number
