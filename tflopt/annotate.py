"""tflopt's annotation of a model: made from the memory table, stored as a metadata entry."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from enum import Enum

import numpy as np

from tflopt.ir import Buffer, Metadata, Model
from tflopt.passes.config import Config
from tflopt.plan.describe import read_plan
from tflopt.plan.find_aliases import in_place_aliases
from tflopt.plan.lint import Severity, lint
from tflopt.report.memory import plan_findings
from tflopt.target import Target
from tflopt.target.annotation import METADATA_NAME, Annotation, OperatorMemory, decode, encode
from tflopt.target.cmsis_nn import find_version
from tflopt.target.memory import PORTABLE, Device, Memory, description_of
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
    if not model.buffers:
        model.buffers.append(Buffer())
    old = {entry.buffer for entry in model.metadata or () if entry.name == METADATA_NAME}
    kept = [entry for entry in model.metadata or () if entry.name != METADATA_NAME]
    read = {value.buffer for graph in model.graphs for value in graph.values}
    old -= {entry.buffer for entry in kept} | {buffer for buffer in read if buffer is not None}
    buffer = Buffer(np.frombuffer(annotation, dtype=np.uint8))
    model.buffers = [*(b for b in model.buffers if b not in old), buffer]
    model.metadata = [*kept, Metadata(METADATA_NAME, buffer)]


def read_annotation(model: Model) -> Annotation | None:
    """The annotation that a model carries, None without one.

    Raises:
        ModelError: it is malformed.
    """
    for entry in model.metadata or ():
        if entry.name == METADATA_NAME and entry.buffer.data is not None:
            return decode(entry.buffer.data.tobytes())
    return None


def is_for_device_only(model: Model) -> bool:
    """Whether the model's plan overlaps tensors as only its device's kernels can bear.

    Such a plan can't be run on a host. A plan that is wrong on its device too isn't one of them:
    it should be run, and fail.
    """
    annotation = read_annotation(model)
    offsets = read_plan(model)
    if annotation is None or offsets is None:
        return False
    device = Device(
        Target(Target.parse(annotation.target).cpu, annotation.isa),
        find_version(annotation.cmsis_nn),
    )
    on_host = lint(description_of(model, device), offsets, in_place_aliases(model))
    if not any(len(finding.tensors) == 2 for finding in on_host):
        return False
    return all(f.severity is not Severity.ERROR for f in plan_findings(model, device))
