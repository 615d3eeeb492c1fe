"""Bit-exact optimizer of int8 ``.tflite`` models for TensorFlow Lite Micro with CMSIS-NN.

::

    import tflopt

    done = tflopt.optimize_file("model.tflite", "model.opt.tflite", target="cortex-m55")
    print(done, done.verdict)

That is what the command does. ``read``, ``optimize`` and ``write`` are its steps, without the
verification. Modules load when a name is first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from tflopt.version import __version__

if TYPE_CHECKING:
    from tflopt.api import (
        Inspection,
        Optimized,
        diff,
        emit_sources,
        inspect,
        optimize_file,
        validate,
    )
    from tflopt.errors import TfloptError
    from tflopt.io import read, write
    from tflopt.ir import Model
    from tflopt.product.optimize import optimize
    from tflopt.product.options import Options

__all__ = [
    "Inspection",
    "Model",
    "Optimized",
    "Options",
    "TfloptError",
    "__version__",
    "diff",
    "emit_sources",
    "inspect",
    "optimize",
    "optimize_file",
    "read",
    "validate",
    "write",
]
PLACES = {
    "TfloptError": "tflopt.errors",
    "read": "tflopt.io",
    "write": "tflopt.io",
    "Model": "tflopt.ir",
    "optimize": "tflopt.product.optimize",
    "Options": "tflopt.product.options",
}
"""Where names are, which are not in ``tflopt.api``."""


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'tflopt' has no attribute {name!r}")
    attribute: object = getattr(import_module(PLACES.get(name, "tflopt.api")), name)
    globals()[name] = attribute
    return attribute


def __dir__() -> list[str]:
    return sorted(__all__)
