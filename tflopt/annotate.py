"""tflopt's annotation of a model: made from the memory table, stored as a metadata entry."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from enum import Enum

import numpy as np

from tflopt.ir import Buffer, Metadata, Model
from tflopt.passes.config import Config
from tflopt.target.annotation import METADATA_NAME, Annotation, OperatorMemory, encode
from tflopt.target.memory import PORTABLE, Memory
from tflopt.version import __version__


class Annotate(Enum):
    """Where the annotation goes."""

    METADATA = "metadata"
    FILE = "file"
    NONE = "none"


def overlap_of(config: Config) -> bool:
    """Whether the plan's overlaps are proven for one ISA alone."""
    return config.plan is not None and config.plan.overlap not in ("", PORTABLE)


def make_annotation(
    source: bytes, memory: Memory, rules: Iterable[str], isa_specific_overlap: bool
) -> bytes:
    """The annotation of a model that was optimized from the file ``source``."""
    device = memory.device
    return encode(
        Annotation(
            tool=__version__,
            source_sha256=hashlib.sha256(source).digest(),
            target=str(device.target),
            isa=device.target.isa,
            cmsis_nn=str(device.cmsis_nn),
            arena_head_bytes=memory.arena.head_bytes,
            arena_tail_bytes=memory.arena.tail_bytes,
            arena_total_bytes=memory.arena.minimum_bytes,
            operators=tuple(
                OperatorMemory(
                    subgraph=row.subgraph,
                    index=row.index,
                    kernel=row.use.function,
                    scratch_bytes=(
                        None if row.use.scratch_bytes is None else row.use.scratch_total_bytes
                    ),
                    persistent_bytes=row.use.persistent_total_bytes,
                )
                for row in memory.table
            ),
            rules=tuple(sorted(rules)),
            isa_specific_overlap=isa_specific_overlap and memory.has_plan,
        )
    )


def attach(model: Model, annotation: bytes) -> None:
    """Store the annotation in the model, in place of any that it has."""
    buffer = Buffer(np.frombuffer(annotation, dtype=np.uint8))
    if not model.buffers:
        model.buffers.append(Buffer())
    model.buffers.append(buffer)
    kept = [entry for entry in model.metadata or () if entry.name != METADATA_NAME]
    model.metadata = [*kept, Metadata(METADATA_NAME, buffer)]
