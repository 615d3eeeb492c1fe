"""Bit-exact optimizer of int8 ``.tflite`` models for TensorFlow Lite Micro with CMSIS-NN.

::

    import tflopt

    model = tflopt.read("model.tflite")
    tflopt.write(tflopt.optimize(model, target="cortex-m55"), "model.opt.tflite")
"""

from tflopt.api import optimize
from tflopt.errors import TfloptError
from tflopt.io import read, write

__version__ = "0.1.0"
__all__ = ["TfloptError", "optimize", "read", "write"]
