"""What IF and WHILE cost beside the graphs that they call.

Source: TFLM if.cc, while.cc, micro_graph.cc; the numbers are measured on Cortex-M4 and Cortex-M55,
which differ by 2 %, with loops of none to ten passes and tensors of 4 to 1,024 bytes.
"""

from __future__ import annotations

from tflopt.ir import OpCode
from tflopt.target.cost.spec import LayerSpec, TensorSpec

CALL, SUBGRAPH, COPY, COPY_BYTE = 50.0, 128.0, 197.5, 0.545
"""Of the operator, of each graph that it enters, of each tensor that it copies, and for each of the
tensor's bytes."""


def call_instructions(spec: LayerSpec) -> int | None:
    """One run without what stands in the called graphs; None for other operators.

    A loop copies its tensors to the condition and to its outputs, and in each pass to the body,
    back, and to the condition. One of unknown length is taken to make one pass.
    """
    if spec.code is OpCode.WHILE:
        passes = 1 if spec.trips is None else spec.trips
        copied = _copies(spec.inputs) * (2 + 3 * passes)
        return round(CALL + SUBGRAPH * (1 + 2 * passes) + copied)
    if spec.code is OpCode.IF:
        return round(CALL + SUBGRAPH + _copies(spec.inputs[1:]) + _copies(spec.outputs))
    return None


def _copies(tensors: tuple[TensorSpec | None, ...]) -> float:
    known = [tensor for tensor in tensors if tensor is not None]
    return COPY * len(known) + COPY_BYTE * sum(tensor.size_bytes for tensor in known)
