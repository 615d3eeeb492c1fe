"""tflopt's annotation of a model: made from the memory table, stored as a metadata entry."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from enum import Enum

import numpy as np

from tflopt.errors import ModelError, UnsupportedError
from tflopt.ir import Buffer, Metadata, Model
from tflopt.plan.describe import read_plan
from tflopt.rules.registry import rule_types
from tflopt.target import Target
from tflopt.target.annotation import METADATA_NAME, Annotation, OperatorMemory, decode, encode
from tflopt.target.device import Device
from tflopt.target.kernel_sets import ONE_OF_EACH
from tflopt.target.kernels import KernelRow
from tflopt.target.memory import Memory, why_no_memory
from tflopt.target.plan_check import bearers, needs_cmsis_nn, needs_its_isa
from tflopt.target.setup import FOR_SPEED, NEWEST_RUNTIME
from tflopt.version import __version__

RELEASE = ".".join(__version__.split(".")[:3])
"""The version without what a build may add to it."""


class Annotate(Enum):
    """Where the annotation goes."""

    METADATA = "metadata"
    FILE = "file"
    NONE = "none"


def make_annotation(source: bytes, model: Model, memory: Memory, rules: Collection[str]) -> bytes:
    """The annotation of ``model``, to which ``rules`` made the file ``source``.

    Where no rule found anything to do, the file's own annotation still says where the model comes
    from: so optimizing twice gives the same bytes as once. Empty where a number is beyond the
    format's (16,777,216 operators, 4 GiB).
    """
    device = memory.device
    digest, numbers = hashlib.sha256(source).digest(), _numbers(rules)
    borne = bearers(model, device)
    previous = None if rules else _readable_annotation(model)
    if previous is not None:
        digest = previous.source_sha256
        numbers = previous.rules or _numbers(previous.rule_names)
    annotation = Annotation(
        tool=RELEASE,
        source_sha256=digest,
        target=str(device.target),
        isa=device.target.isa,
        cmsis_nn=device.kernels.version,
        arena_head_bytes=memory.arena.head_bytes,
        arena_tail_bytes=memory.arena.tail_bytes,
        arena_total_bytes=memory.arena.minimum_bytes,
        operators=tuple(_operator(row) for row in memory.table),
        rules=numbers,
        isa_specific_overlap=needs_its_isa(model, device, borne),
        trusted=None if read_plan(model) is None else borne,
        library=library_text(device),
    )
    try:
        return encode(annotation)
    except UnsupportedError:
        return b""


def library_text(device: Device) -> str:
    """TFLM and its build as an annotation has them; empty for the usual ones."""
    if (device.runtime, device.build) == (NEWEST_RUNTIME, FOR_SPEED):
        return ""
    return f"{device.runtime.name},{device.build}"


def _numbers(names: Collection[str]) -> tuple[int, ...]:
    """In ascending order; what isn't a rule's name has none."""
    return tuple(sorted(kind.number for kind in rule_types() if kind.name in names))


def applied_rules(annotation: Annotation) -> tuple[str, ...]:
    """The names of the rules that were applied; one of a newer tflopt is named by its number."""
    names = {kind.number: kind.name for kind in rule_types()}
    numbered = (names.get(number, f"rule-{number}") for number in annotation.rules)
    return tuple(sorted((*annotation.rule_names, *numbered)))


def _operator(row: KernelRow) -> OperatorMemory:
    known = row.use.scratch_bytes is not None
    scratch = row.use.scratch_total_bytes if known else None
    return OperatorMemory(row.subgraph, row.index, scratch)


def attach(model: Model, annotation: bytes) -> None:
    """Store the annotation in the model, in place of any that it has."""
    if not model.buffers:
        model.buffers.append(Buffer())
    detach(model)
    buffer = Buffer(np.frombuffer(annotation, dtype=np.uint8))
    model.buffers = [*model.buffers, buffer]
    model.metadata = [*(model.metadata or ()), Metadata(METADATA_NAME, buffer)]


def detach(model: Model) -> None:
    """Drop any annotation that the model has."""
    old = {entry.buffer for entry in model.metadata or () if entry.name == METADATA_NAME}
    kept = [entry for entry in model.metadata or () if entry.name != METADATA_NAME]
    read = {value.buffer for graph in model.graphs for value in graph.values}
    old -= {entry.buffer for entry in kept} | {buffer for buffer in read if buffer is not None}
    model.buffers = [b for b in model.buffers if b not in old]
    model.metadata = kept if kept or model.metadata is not None else None


def is_annotated(model: Model) -> bool:
    """Whether a model carries an annotation, readable or not."""
    return any(entry.name == METADATA_NAME for entry in model.metadata or ())


def read_annotation(model: Model) -> Annotation | None:
    """The annotation that a model carries, None without one.

    Raises:
        ModelError: it is malformed.
    """
    for entry in model.metadata or ():
        if entry.name == METADATA_NAME and entry.buffer.data is not None:
            return decode(entry.buffer.data.tobytes())
    return None


def _readable_annotation(model: Model) -> Annotation | None:
    """As `read_annotation`; a malformed one, which is about to be replaced, counts as none."""
    try:
        return read_annotation(model)
    except ModelError:
        return None


def is_for_device_only(model: Model) -> bool:
    """Whether the model's plan overlaps tensors as only its device's kernels can bear.

    The annotation says which device that is; where there is none, or one of another plan, a device
    of each ISA is asked. Such a plan can't be run on a host.
    """
    if read_plan(model) is None or why_no_memory(model):
        return False
    return any(needs_cmsis_nn(model, device) for device in _devices(model))


def _devices(model: Model) -> Iterator[Device]:
    annotation = _readable_annotation(model)
    if annotation is not None:
        target = Target(Target.parse(annotation.target).cpu, annotation.isa)
        tflm, _, build = annotation.library.partition(",")
        yield Device.of(
            target, annotation.cmsis_nn, tflm or NEWEST_RUNTIME.name, build or str(FOR_SPEED)
        )
    for name in ONE_OF_EACH.values():
        yield Device(Target.parse(name))
