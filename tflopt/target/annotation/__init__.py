"""The annotation that tflopt leaves in a model for its firmware, and its bytes."""

from tflopt.target.annotation.decode import decode
from tflopt.target.annotation.encode import encode
from tflopt.target.annotation.record import FORMAT, METADATA_NAME, Annotation, OperatorMemory

__all__ = ["FORMAT", "METADATA_NAME", "Annotation", "OperatorMemory", "decode", "encode"]
