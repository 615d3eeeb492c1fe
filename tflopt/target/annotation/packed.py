"""Reading the packed form, which `encode` describes, with every access checked."""

from __future__ import annotations

from tflopt.errors import ModelError
from tflopt.target.annotation.encode import (
    CMSIS_NN_NAMES,
    DIGEST_DIGITS,
    ESCAPE,
    FLAG_DIGITS,
    ISAS,
    KERNELS,
    MAGIC,
    MOST_BYTES,
    MOST_HIGH,
    MOST_OPERATORS,
    MOST_RULES,
    MOST_SKIPPED,
    MOST_TEXT_BYTES,
    NUMBER_BITS,
    TARGET_PREFIX,
    TOLD,
    UNITS,
    WORD_DIGITS,
    ZERO,
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

MOST_FLAGS = 0xFF


def decode_packed(data: bytes) -> Annotation:
    """The annotation in ``data``, which begins with the packed form's letters.

    Raises:
        ModelError: broken, or of another format.
    """
    cursor = _Cursor(data, len(MAGIC))
    version = cursor.take(1)[0] - ZERO
    if version not in (FORMAT, LIBRARY_FORMAT):
        raise _error(f"format {version}, this tflopt reads 1 to {LIBRARY_FORMAT}")
    flags = cursor.digits(FLAG_DIGITS)
    if flags & 3 >= len(ISAS) or flags > MOST_FLAGS:
        raise _error(f"flags {flags}")
    target, cmsis_nn = TARGET_PREFIX + cursor.text(), cursor.cmsis_nn()
    library = cursor.text() if version == LIBRARY_FORMAT else ""
    numbers = [cursor.varint() for _ in range(3)]
    if max(numbers) > MOST_FLAGS:
        raise _error(f"version {numbers}")
    tool = ".".join(map(str, numbers))
    digest = cursor.digits(DIGEST_DIGITS).to_bytes(DIGEST_BYTES, "little")
    head, tail, above = cursor.varint(), cursor.varint(), cursor.varint()
    if head + tail + above > MOST_BYTES:
        raise _error(f"an arena of {head + tail + above:,} bytes")
    return Annotation(
        tool=tool,
        source_sha256=digest,
        target=target,
        isa=ISAS[flags & 3],
        cmsis_nn=cmsis_nn,
        arena_head_bytes=head,
        arena_tail_bytes=tail,
        arena_total_bytes=head + tail + above,
        rules=_rules(cursor),
        operators=_operators(cursor),
        isa_specific_overlap=bool(flags & 4),
        trusted=_trusted(flags),
        library=library,
    )


def _trusted(flags: int) -> frozenset[KernelSet] | None:
    return (
        frozenset(kernels for kernels, bit in KERNELS.items() if flags & bit)
        if flags & TOLD
        else None
    )


def _error(reason: str) -> ModelError:
    return ModelError(reason, f"{METADATA_NAME} metadata")


def _rules(cursor: _Cursor) -> tuple[int, ...]:
    count = cursor.varint()
    if 6 * count > MOST_RULES:
        raise _error(f"{6 * count} rules")
    bits = cursor.digits(count)
    return tuple(number for number in range(6 * count) if bits >> number & 1)


def _operators(cursor: _Cursor) -> tuple[OperatorMemory, ...]:
    operators = []
    subgraph = following = high = 0
    while cursor.at < len(cursor.data):
        word = cursor.digits(WORD_DIGITS)
        gap, units, number = word & ESCAPE, bool(word & UNITS), word >> 5
        if gap == ESCAPE and units:
            high = high << NUMBER_BITS | number
            if high > MOST_HIGH:
                raise _error("a size of more than 32 bits")
        elif gap == ESCAPE and number > MOST_SKIPPED:
            subgraph, following = subgraph + number - MOST_SKIPPED - 1, 0
        elif gap == ESCAPE:
            following += number
        else:
            size = (high << NUMBER_BITS | number) * (16 if units else 1)
            op = OperatorMemory(subgraph, following + gap, None if units and not size else size)
            if op.index > MOST_OPERATORS or subgraph > MOST_OPERATORS or size > MOST_BYTES:
                raise _error(f"operator {op.index} of subgraph {subgraph}, {size:,} bytes")
            operators.append(op)
            following, high = op.index + 1, 0
    return tuple(operators)


class _Cursor:
    """Takes characters from the front, never beyond the end."""

    def __init__(self, data: bytes, at: int) -> None:
        self.data = data
        self.at = at

    def take(self, size: int) -> bytes:
        if size > len(self.data) - self.at:
            raise _error(f"{size} characters at {self.at}, beyond its {len(self.data)}")
        self.at += size
        return self.data[self.at - size : self.at]

    def digits(self, count: int) -> int:
        number = 0
        for place, byte in enumerate(self.take(count)):
            if not ZERO <= byte < ZERO + 64:
                raise _error(f"character {byte:#x} is no digit")
            number |= byte - ZERO << 6 * place
        return number

    def text(self) -> str:
        raw = self.take(self.digits(1))
        if len(raw) > MOST_TEXT_BYTES or any(byte < 0x20 or byte > 0x7E for byte in raw):
            raise _error(f"text that is not printable ASCII of at most {MOST_TEXT_BYTES} bytes")
        return raw.decode("ascii")

    def cmsis_nn(self) -> str:
        number = self.digits(1)
        if number > len(CMSIS_NN_NAMES):
            raise _error(f"CMSIS-NN version {number}")
        return CMSIS_NN_NAMES[number - 1] if number else self.text()

    def varint(self) -> int:
        number = 0
        for place in range(0, 35, 5):
            digit = self.digits(1)
            number |= (digit & 31) << place
            if digit < 32:
                break
        else:
            raise _error("a number of more than 7 digits")
        if number > MOST_BYTES:
            raise _error(f"number {number}")
        return number
