"""Writing an annotation as tflopt 0.1 did: a FlatBuffer of ``schema/tflopt.fbs``."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import flatbuffers

from tests.support.annotation_table import _generated as fb
from tflopt.errors import UnsupportedError
from tflopt.target.annotation import Annotation, OperatorMemory
from tflopt.target.annotation.encode import ISAS
from tflopt.target.annotation.table import TABLE_FORMAT, UNKNOWN_SCRATCH


def encode_table(annotation: Annotation) -> bytes:
    """The annotation's bytes, the same for equal annotations.

    Raises:
        UnsupportedError: more operators, subgraphs or kernels than the format can number, text
            that is not printable ASCII, or a number that does not fit 32 bits.
    """
    _check(annotation)
    builder = flatbuffers.Builder(256)
    kernels = list(dict.fromkeys(op.kernel for op in annotation.operators))
    names = _strings(builder, kernels, fb.AnnotationStartKernelsVector)
    rules = _strings(builder, annotation.rule_names, fb.AnnotationStartRulesVector)
    operators = _operators(builder, annotation.operators, kernels)
    texts = [builder.CreateString(t) for t in _texts(annotation)]
    fb.AnnotationStart(builder)
    fb.AnnotationAddFormat(builder, TABLE_FORMAT)
    fb.AnnotationAddIsa(builder, ISAS.index(annotation.isa))
    fb.AnnotationAddIsaSpecificOverlap(builder, annotation.isa_specific_overlap)
    fb.AnnotationAddArenaHeadBytes(builder, annotation.arena_head_bytes)
    fb.AnnotationAddArenaTailBytes(builder, annotation.arena_tail_bytes)
    fb.AnnotationAddArenaTotalBytes(builder, annotation.arena_total_bytes)
    digest = fb.CreateSha256(builder, annotation.source_sha256)
    fb.AnnotationAddSourceSha256(builder, digest)
    for add, text in zip(
        (fb.AnnotationAddTool, fb.AnnotationAddTarget, fb.AnnotationAddCmsisNn), texts, strict=True
    ):
        add(builder, text)
    fb.AnnotationAddKernels(builder, names)
    fb.AnnotationAddOperators(builder, operators)
    fb.AnnotationAddRules(builder, rules)
    builder.Finish(fb.AnnotationEnd(builder), file_identifier=b"TFLO")
    return bytes(builder.Output())


def _texts(annotation: Annotation) -> tuple[str, str, str]:
    return annotation.tool, annotation.target, annotation.cmsis_nn


def _strings(
    builder: flatbuffers.Builder,
    texts: Sequence[str],
    start: Callable[[flatbuffers.Builder, int], int],
) -> int:
    offsets = [builder.CreateString(text) for text in texts]
    start(builder, len(offsets))
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return int(builder.EndVector())


def _operators(
    builder: flatbuffers.Builder, operators: Sequence[OperatorMemory], kernels: list[str]
) -> int:
    numbers = {name: number for number, name in enumerate(kernels)}
    fb.AnnotationStartOperatorsVector(builder, len(operators))
    for op in reversed(operators):
        scratch = UNKNOWN_SCRATCH if op.scratch_bytes is None else op.scratch_bytes
        fb.CreateOperator(
            builder, op.index, op.subgraph, numbers[op.kernel], scratch, op.persistent_bytes or 0
        )
    return int(builder.EndVector())


def _check(annotation: Annotation) -> None:
    if len(annotation.source_sha256) != 32:
        raise UnsupportedError("a SHA-256 digest has 32 bytes", "annotation")
    limits = [("arena", n, UNKNOWN_SCRATCH) for n in _arena(annotation)]
    for op in annotation.operators:
        limits += [("operator", op.index, 0xFFFF), ("subgraph", op.subgraph, 0xFF)]
        limits += [("scratch", op.scratch_bytes or 0, UNKNOWN_SCRATCH - 1)]
        limits += [("persistent", op.persistent_bytes or 0, UNKNOWN_SCRATCH)]
    limits += [("kernels", len({op.kernel for op in annotation.operators}), 0x100)]
    for what, number, limit in limits:
        if not 0 <= number <= limit:
            raise UnsupportedError(f"{what} {number} is beyond the format's {limit}", "annotation")
    kernels = (op.kernel for op in annotation.operators)
    for text in (*_texts(annotation), *annotation.rule_names, *kernels):
        if not (text.isascii() and text.isprintable()):
            raise UnsupportedError(f"{text!r} is not printable ASCII", "annotation")


def _arena(annotation: Annotation) -> tuple[int, int, int]:
    head, tail = annotation.arena_head_bytes, annotation.arena_tail_bytes
    return head, tail, annotation.arena_total_bytes
