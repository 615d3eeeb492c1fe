"""Sizes of TFLM's own structures, which it keeps in the arena's tail: one table per platform.

``ARM32`` was compiled with gcc for Cortex-M4 and M55, which agree, and holds for tflite-micro
90b983c. ``X86_64`` is that of the tflite-micro Python package, as far as its recording allocator
reports single items; its kernels' own data isn't known, so only the head and these items can be
predicted there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

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


_ARM32_PARAMETERS = {
    OpCode.CONV_2D: 28,
    OpCode.DEPTHWISE_CONV_2D: 28,
    OpCode.FULLY_CONNECTED: 5,
    OpCode.AVERAGE_POOL_2D: 40,
    OpCode.MAX_POOL_2D: 40,
    OpCode.L2_POOL_2D: 40,
    OpCode.RESHAPE: 36,
    OpCode.SQUEEZE: 36,
    OpCode.STRIDED_SLICE: 24,
    OpCode.TRANSPOSE_CONV: 16,
    OpCode.CONCATENATION: 8,
    OpCode.SVDF: 8,
    OpCode.GATHER: 8,
    OpCode.PACK: 8,
    OpCode.UNPACK: 8,
    OpCode.SOFTMAX: 4,
    OpCode.SPLIT: 4,
    OpCode.LEAKY_RELU: 4,
    OpCode.BATCH_MATMUL: 3,
    OpCode.ADD: 2,
    OpCode.SUB: 2,
    OpCode.MUL: 1,
    OpCode.MEAN: 1,
    OpCode.SUM: 1,
    OpCode.REDUCE_MAX: 1,
    OpCode.REDUCE_MIN: 1,
    OpCode.UNIDIRECTIONAL_SEQUENCE_LSTM: 16,
    OpCode.CAST: 2,
    OpCode.ARG_MAX: 1,
    OpCode.ARG_MIN: 1,
    OpCode.CALL_ONCE: 4,
    OpCode.CUMSUM: 2,
    OpCode.DEPTH_TO_SPACE: 4,
    OpCode.DIV: 1,
    OpCode.IF: 8,
    OpCode.L2_NORMALIZATION: 1,
    OpCode.MIRROR_PAD: 1,
    OpCode.REDUCE_ALL: 1,
    OpCode.RESIZE_BILINEAR: 2,
    OpCode.RESIZE_NEAREST_NEIGHBOR: 2,
    OpCode.SHAPE: 1,
    OpCode.SPACE_TO_DEPTH: 4,
    OpCode.SPLIT_V: 4,
    OpCode.VAR_HANDLE: 8,
    OpCode.WHILE: 8,
}

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
    parameters=_ARM32_PARAMETERS,
    # Nothing but bytes and enums that the compiler packs into bytes.
    byte_aligned_parameters=frozenset(
        {
            OpCode.FULLY_CONNECTED,
            OpCode.BATCH_MATMUL,
            OpCode.ADD,
            OpCode.SUB,
            OpCode.MUL,
            OpCode.MEAN,
            OpCode.SUM,
            OpCode.REDUCE_MAX,
            OpCode.REDUCE_MIN,
            OpCode.CAST,
            OpCode.ARG_MAX,
            OpCode.ARG_MIN,
            OpCode.CUMSUM,
            OpCode.DIV,
            OpCode.L2_NORMALIZATION,
            OpCode.MIRROR_PAD,
            OpCode.REDUCE_ALL,
            OpCode.RESIZE_BILINEAR,
            OpCode.RESIZE_NEAREST_NEIGHBOR,
            OpCode.SHAPE,
        }
    ),
)

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

PREPARE_TENSORS: Mapping[OpCode, tuple[int, ...]] = {
    OpCode.CONV_2D: (0, 1, ~0, 0, 1, 2, ~0),
    OpCode.DEPTHWISE_CONV_2D: (0, 1, ~0, 0, 1, 2, ~0),
    OpCode.TRANSPOSE_CONV: (~0, 2, 1, 2, 1, 3, ~0),
    OpCode.MEAN: (0, ~0, 1, 0, 1),
    OpCode.SUM: (0, ~0, 1, 0, 1),
    OpCode.RESHAPE: (0, ~0),
    OpCode.TANH: (0, 0, ~0),
}
"""Tensors of which a kernel's Prepare makes temporary copies: input ``i`` or output ``~i``.

They are freed together when Prepare ends, so all count, repeated ones too. Operators that aren't
listed take each of their tensors once. Sources: the ``Prepare`` functions of the CMSIS-NN
kernels, or of the reference ones where CMSIS-NN has none, tflite-micro 90b983c.
"""
