"""What a linked firmware says of itself, held against the prediction: its arena and its model."""

from tflopt.gate.firmware.judge import Judgement, Level, judge
from tflopt.gate.firmware.read import Firmware, Place, read_firmware

__all__ = ["Firmware", "Judgement", "Level", "Place", "judge", "read_firmware"]
