"""The OfflineMemoryAllocation metadata: bytes from offsets, and offsets from bytes.

Little-endian int32 words: format version, number of subgraphs, number of offsets, then one offset
per tensor of all subgraphs, constants included; -1 leaves a tensor to the runtime. TFLM ignores
the first two words and demands that the third is the number of tensors. It checks nothing else,
neither range nor overlap (``micro_allocation_info.cc``, tflite-micro 90b983c); `tflopt.plan.lint`
does.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from tflopt.errors import ModelError
from tflopt.facts.offline_plan import HEADER_WORDS, OFFSET_LIMIT, ONLINE, PLAN_NAME
from tflopt.plan.lifetimes import ARENA_ALIGNMENT
from tflopt.texts import counted

FORMAT_VERSION = 1

_WORD_BYTES = 4


def encode(offsets: Sequence[int], subgraphs: int) -> bytes:
    """The metadata buffer for ``offsets``, one per tensor of all subgraphs.

    Raises ValueError for an offset that isn't -1 or a multiple of 16 in range: we never write one.
    """
    for index, offset in enumerate(offsets):
        if offset != ONLINE and (offset % ARENA_ALIGNMENT or not 0 <= offset < OFFSET_LIMIT):
            raise ValueError(f"offset {offset} of tensor {index} can't be written")
    header = (FORMAT_VERSION, subgraphs, len(offsets))
    return struct.pack(f"<{HEADER_WORDS + len(offsets)}i", *header, *offsets)


def decode(data: bytes, tensor_count: int, path: str = "") -> list[int]:
    """The offsets in a metadata buffer; words after the last offset are ignored, as TFLM does.

    Raises `ModelError` where AllocateTensors would fail or read beyond the buffer.
    """
    if len(data) < HEADER_WORDS * _WORD_BYTES:
        raise ModelError(f"{len(data):,} bytes, too short for its header", PLAN_NAME, path)
    count = struct.unpack_from("<3i", data)[2]
    if count != tensor_count:
        tensors = counted(tensor_count, "tensor")
        reason = f"{counted(count, 'offset')} for {tensors}: AllocateTensors fails"
        raise ModelError(reason, PLAN_NAME, path)
    need = (HEADER_WORDS + count) * _WORD_BYTES
    if len(data) < need:
        raise ModelError(f"{len(data):,} bytes where {need:,} are needed", PLAN_NAME, path)
    return list(struct.unpack_from(f"<{count}i", data, HEADER_WORDS * _WORD_BYTES))
