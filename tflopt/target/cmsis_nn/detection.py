"""TFLite_Detection_PostProcess, TFLM's custom operator: its sizes hide in its options."""

from __future__ import annotations

import struct

from tflopt.ir import Op
from tflopt.target.cmsis_nn.layers import DetectionPostprocessLayer

NAME = "TFLite_Detection_PostProcess"
MOST_OPTION_BYTES = 1 << 16
MOST = 1 << 20
BROKEN = (ValueError, IndexError, KeyError, TypeError, OverflowError, struct.error, RecursionError)


def detection_layer(op: Op) -> DetectionPostprocessLayer | None:
    """What Prepare reads of inputs and options (``detection_postprocess.cc``, tflite-micro
    90b983c); None where they aren't to be read."""
    boxes, scores = op.input(0), op.input(1)
    if boxes is None or scores is None or (len(boxes.shape), len(scores.shape)) != (3, 3):
        return None
    numbers = [_option(op, name) for name in ("num_classes", "max_detections")]
    classes, detections = numbers
    if classes is None or detections is None:
        return None
    per_box = scores.shape[2] * scores.shape[1] // max(1, boxes.shape[1])
    return DetectionPostprocessLayer(boxes.shape[1], per_box, classes, detections)


def _option(op: Op, name: str) -> int | None:
    """A number in the map of the options; absent ones are zero, as the kernel takes them."""
    raw = op.extra.custom_options
    if raw is None or not 3 <= raw.size <= MOST_OPTION_BYTES:
        return None
    from flatbuffers import flexbuffers

    try:
        options = flexbuffers.GetRoot(bytearray(raw.tobytes())).AsMap
        number = int(options[name].AsInt)
    except BROKEN:
        return None
    return number if 0 <= number < MOST else None
