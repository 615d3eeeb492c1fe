"""Reading an annotation of either format: the bytes may come from anywhere.

It accepts exactly what ``micro_runner/include/tflopt/annotation.h`` accepts; a test holds the two
against each other.
"""

from __future__ import annotations

from tflopt.target.annotation.encode import MAGIC
from tflopt.target.annotation.packed import decode_packed
from tflopt.target.annotation.record import Annotation
from tflopt.target.annotation.table import decode_table


def decode(data: bytes) -> Annotation:
    """The annotation in ``data``: packed, or the FlatBuffer that tflopt 0.1 wrote.

    Raises:
        ModelError: not an annotation, broken, or of another format.
    """
    return decode_packed(data) if data.startswith(MAGIC) else decode_table(data)
