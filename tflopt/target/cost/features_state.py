"""Features of resource variables and of calls.

Sources: TFLM read_variable.cc, assign_variable.cc, var_handle.cc, call_once.cc and
micro_resource_variable.cc.
"""

from __future__ import annotations

from tflopt.target.cortex_m import Isa
from tflopt.target.cost.copies import Features, memory_copies
from tflopt.target.cost.spec import LayerSpec


def read(spec: LayerSpec, isa: Isa) -> Features:
    """READ_VARIABLE: one ``memcpy`` of the variable."""
    del isa
    if not spec.outputs:
        return {}
    return memory_copies("copy", 1, spec.output.size_bytes)


def assign(spec: LayerSpec, isa: Isa) -> Features:
    """ASSIGN_VARIABLE: the same, and a loop over the dimensions for the size."""
    del isa
    new = spec.input(1)
    if new is None:
        return {}
    return memory_copies("copy", 1, new.size_bytes) | {"dimensions": len(new.shape)}


def nothing(spec: LayerSpec, isa: Isa) -> Features:
    """VAR_HANDLE, and CALL_ONCE from its second time on: the call alone."""
    del spec, isa
    return {"call": 1.0}
