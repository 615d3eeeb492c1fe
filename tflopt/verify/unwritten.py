"""Outputs that a kernel leaves unwritten in part: what lies there is what lay there before."""

from __future__ import annotations

from collections.abc import Sequence

from tflopt.ir import Model
from tflopt.run.samples import Array

DETECTION = "TFLite_Detection_PostProcess"
COUNTED = 3
"""Boxes, classes and scores; the fourth output says how many of them there are. With fast NMS
TFLM's kernel writes no more (``detection_postprocess.cc``, tflite-micro 90b983c)."""


def written(model: Model, outputs: Sequence[Array]) -> list[Array]:
    """Outputs of one invocation, without the entries that no kernel has written."""
    places = {value: index for index, value in enumerate(model.main.outputs)}
    arrays = list(outputs)
    for op in model.main.ops:
        if op.opcode.custom_code != DETECTION or len(op.outputs) <= COUNTED:
            continue
        place = places.get(op.outputs[COUNTED])
        if place is None or not outputs[place].size:
            continue
        count = int(outputs[place].reshape(-1)[0])
        for value in op.outputs[:COUNTED]:
            if value in places and outputs[places[value]].ndim > 1:
                arrays[places[value]] = outputs[places[value]][:, : max(0, count)]
    return arrays
