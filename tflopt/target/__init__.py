"""What the device is: its core and ISA, CMSIS-NN's choice of function, and its memory."""

from tflopt.target.cortex_m import Cpu, Isa, Target, all_targets, predicted_targets

__all__ = ["Cpu", "Isa", "Target", "all_targets", "predicted_targets"]
