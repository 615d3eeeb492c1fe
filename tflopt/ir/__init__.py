"""The intermediate representation: a typed view of a TFLite model with use-def chains."""

from tflopt.ir.model import Graph, Metadata, Model, Ports, Signature
from tflopt.ir.node import Buffer, Op, OperatorCode, OpExtra, Use, Value, ValueExtra
from tflopt.ir.opcodes import OpCode
from tflopt.ir.options import Options
from tflopt.ir.origin import Origin
from tflopt.ir.quantization import Quantization, same_quantization
from tflopt.ir.record import Record
from tflopt.ir.types import Activation, DType, Padding

__all__ = [
    "Activation",
    "Buffer",
    "DType",
    "Graph",
    "Metadata",
    "Model",
    "Op",
    "OpCode",
    "OpExtra",
    "OperatorCode",
    "Options",
    "Origin",
    "Padding",
    "Ports",
    "Quantization",
    "Record",
    "Signature",
    "Use",
    "Value",
    "ValueExtra",
    "same_quantization",
]
