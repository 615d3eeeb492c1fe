"""Bit-exact optimizer of int8 ``.tflite`` models for TensorFlow Lite Micro with CMSIS-NN.

::

    import tflopt

    model = tflopt.read("model.tflite")
    tflopt.write(tflopt.optimize(model, target="cortex-m55"), "model.opt.tflite")

``docs/python.md`` lists the modules behind the other commands.
"""

from tflopt.errors import TfloptError
from tflopt.io import read, write
from tflopt.product.optimize import optimize
from tflopt.product.validation import validate
from tflopt.version import __version__

__all__ = ["TfloptError", "__version__", "optimize", "read", "validate", "write"]
