"""CMSIS-NN as TFLM uses it: versions, buffer sizes, and the function that runs each layer."""

from tflopt.target.cmsis_nn.dispatch import dispatch
from tflopt.target.cmsis_nn.versions import NEWEST, VERSIONS, Version, find_version
from tflopt.target.use import KernelUse, Path, Persistent

__all__ = [
    "NEWEST",
    "VERSIONS",
    "KernelUse",
    "Path",
    "Persistent",
    "Version",
    "dispatch",
    "find_version",
]
