"""C and C++ sources for firmware."""

from tflopt.emit.files import emit_files, write_files
from tflopt.emit.names import model_name
from tflopt.emit.operators import Registration, registrations
from tflopt.emit.options import EmitOptions, Language, Layout, NamedModel

__all__ = [
    "EmitOptions",
    "Language",
    "Layout",
    "NamedModel",
    "Registration",
    "emit_files",
    "model_name",
    "registrations",
    "write_files",
]
