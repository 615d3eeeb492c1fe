"""Which files an optimization writes."""

from __future__ import annotations

from pathlib import Path

from tflopt.annotation.annotate import Annotate
from tflopt.io.writing.output import is_stream
from tflopt.product.optimize import Result, Settings, check_verdict

ANNOTATION_SUFFIX = ".tflopt"


def results(result: Result, settings: Settings, destination: Path) -> dict[Path, list[bytes]]:
    """The annotation where that is a file, and last the model, unless the verdict forbids it.

    An annotation that would make the model larger than the original goes into a file as well.

    Raises:
        MismatchError, UnverifiedError: as :func:`check_verdict`.
    """
    check_verdict(result, settings)
    beside = annotation_path(settings, destination)
    if beside is None or result.annotates or not result.annotation:
        return {destination: [result.data]}
    return {beside: [result.annotation], destination: [result.data]}


def annotation_path(settings: Settings, destination: Path) -> Path | None:
    """The file that may be written beside the model, if any; a stream has none unless asked."""
    in_file = settings.annotate is Annotate.FILE
    may_be = settings.annotates and not is_stream(destination)
    return destination.with_suffix(ANNOTATION_SUFFIX) if in_file or may_be else None
