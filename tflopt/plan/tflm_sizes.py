"""Sizes of TFLM's own structures, which it keeps in the arena's tail: one table per platform.

``ARM32`` was compiled with gcc for Cortex-M4 and M55, which agree, and holds for tflite-micro
90b983c. ``X86_64`` is that of the tflite-micro Python package, as far as its recording allocator
reports single items; its kernels' own data isn't known, so only the head and these items can be
predicted there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from tflopt.facts.tflm import KERNELS
from tflopt.ir import OpCode


@dataclass(frozen=True)
class StructSizes:
    """Bytes of each structure on one platform and TFLM version.

    ``interpreter_setup`` lists what is allocated before the model is looked at: the buffer
    allocator, the memory planner, the allocator itself and the allocator of builtin data.
    ``parameters`` are those that a parser makes from an operator's builtin options.
    ``resource_variables`` is the object that holds an application's resource variables, with
    ``resource_variable`` for each of them.
    """

    platform: str
    tflm_version: str
    pointer: int
    interpreter_setup: tuple[int, ...]
    subgraph_allocations: int
    eval_tensor: int
    node_and_registration: int
    scratch_handle: int
    tensor: int
    affine_quantization: int
    scratch_request: int
    allocation_info: int
    planner_per_buffer: int = 40
    resource_variables: int = 12
    resource_variable: int = 20
    int_array_header: int = 4
    parameters: Mapping[OpCode, int] = field(default_factory=dict)
    byte_aligned_parameters: frozenset[OpCode] = frozenset()


ARM32 = StructSizes(
    platform="arm32",
    tflm_version="90b983c",
    pointer=4,
    interpreter_setup=(36, 44, 36, 8),
    subgraph_allocations=8,
    eval_tensor=12,
    node_and_registration=32,
    scratch_handle=4,
    tensor=32,
    affine_quantization=12,
    scratch_request=12,
    allocation_info=24,
    parameters={code: row.parameters for code, row in KERNELS.items() if row.parameters},
    byte_aligned_parameters=frozenset(code for code, row in KERNELS.items() if row.packed),
)

ARM32_TWO_ARENAS = replace(ARM32, interpreter_setup=(16, 32, 44, 36, 8))
"""With an allocator for each of two arenas; both are kept in the persistent one."""

X86_64 = StructSizes(
    platform="x86_64",
    tflm_version="90b983c",
    pointer=8,
    interpreter_setup=(),
    subgraph_allocations=16,
    eval_tensor=24,
    node_and_registration=64,
    scratch_handle=8,
    tensor=64,
    affine_quantization=24,
    scratch_request=16,
    allocation_info=32,
)
