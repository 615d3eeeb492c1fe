"""FULLY_CONNECTED, BATCH_MATMUL, SVDF and LSTM: functions, kernel sums and other memory.

For TFLM built with KERNELS_OPTIMIZED_FOR_SPEED, its Makefile's default: kernel sums of constant
weights are then kept in the tail instead of being computed into scratch.
Sources: TFLM kernels/cmsis_nn/{fully_connected,batch_matmul,svdf,unidirectional_sequence_lstm}.cc.
"""

from __future__ import annotations

from tflopt.target.cmsis_nn import sizes_dense as sizes
from tflopt.target.cmsis_nn.common import (
    FLOAT_REASON,
    per_channel_arrays,
    reference_use,
    requests,
    simd_use,
)
from tflopt.target.cmsis_nn.layers import (
    BatchMatmulLayer,
    FullyConnectedLayer,
    LstmLayer,
    Num,
    SvdfLayer,
)
from tflopt.target.cmsis_nn.sizes_convolve import convolve_1x1_s8_fast_get_buffer_size
from tflopt.target.cmsis_nn.structs import Dims
from tflopt.target.cortex_m import Isa
from tflopt.target.setup import Setup
from tflopt.target.use import KernelUse, Persistent

FC_OP_DATA_BYTES = 72
BMM_OP_DATA_BYTES = 36
SVDF_OP_DATA_BYTES = 40
LSTM_OP_DATA_BYTES = 912
_LSTM_GATES = ("input", "forget", "cell", "output")


def dispatch_fully_connected(layer: FullyConnectedLayer, setup: Setup) -> KernelUse:
    """The use of one dense layer."""
    isa = setup.isa
    arrays = per_channel_arrays(layer.output_c) if layer.per_channel else ()
    if layer.activations is Num.INT16 or layer.weights is Num.INT4:
        suffix = "s16" if layer.activations is Num.INT16 else "s4"
        return simd_use(
            f"arm_fully_connected_{suffix}",
            isa,
            op_data_bytes=FC_OP_DATA_BYTES,
            persistent=arrays,
        )
    if layer.activations is not Num.INT8:
        return reference_use(
            "reference_ops::FullyConnected", FLOAT_REASON, op_data_bytes=FC_OP_DATA_BYTES
        )
    if layer.output_rank > 2 and layer.input_c % 4 == 0:
        return _as_1x1(layer, setup, arrays)
    size = sizes.fully_connected_s8_get_buffer_size(layer.filter, isa)
    if size > 0 and _keeps_sums(layer, setup):
        arrays = (*arrays, Persistent("kernel sums", size))
        size = 0
    return simd_use(
        "arm_fully_connected_per_channel_s8" if layer.per_channel else "arm_fully_connected_s8",
        isa,
        op_data_bytes=FC_OP_DATA_BYTES,
        scratch_bytes=requests(size),
        persistent=arrays,
    )


def _keeps_sums(layer: FullyConnectedLayer, setup: Setup) -> bool:
    constant_bias = layer.constant_bias or not setup.runtime.sums_need_constant_bias
    return layer.constant_weights and constant_bias and not setup.build.for_size


def _as_1x1(layer: FullyConnectedLayer, setup: Setup, arrays: tuple[Persistent, ...]) -> KernelUse:
    """Per-tensor weights get their one multiplier and shift repeated in scratch."""
    fake = () if layer.per_channel else (8 * layer.output_c,)
    pixels, armclang = Dims(layer.batches, 1, 1, layer.input_c), setup.build.armclang
    buffer = convolve_1x1_s8_fast_get_buffer_size(pixels, setup.isa, armclang=armclang)
    return simd_use(
        "arm_convolve_1x1_s8_fast",
        setup.isa,
        op_data_bytes=FC_OP_DATA_BYTES,
        scratch_bytes=fake + requests(buffer),
        persistent=arrays,
    )


def dispatch_batch_matmul(layer: BatchMatmulLayer, isa: Isa) -> KernelUse:
    """The use of one batch matmul: transposed copies of whole operands live in the tail."""
    quantized = layer.activations in {Num.INT8, Num.INT16}
    persistent = (
        *(_transposed("lhs", layer.lhs_rank, layer.lhs_bytes) if layer.adj_x else ()),
        *(() if layer.adj_y else _transposed("rhs", layer.rhs_rank, layer.rhs_bytes)),
        Persistent("output shape", 4 + 4 * layer.output_rank),
        *((Persistent("quantization", 28),) if quantized else ()),
    )
    if not quantized:
        return reference_use(
            "reference_ops::BatchMatMul",
            FLOAT_REASON,
            op_data_bytes=BMM_OP_DATA_BYTES,
            persistent=persistent,
        )
    size = 0
    if layer.activations is Num.INT8:
        size = sizes.fully_connected_s8_get_buffer_size(Dims(1, 1, 1, layer.output_c), isa)
    return simd_use(
        f"arm_batch_matmul_{'s8' if layer.activations is Num.INT8 else 's16'}",
        isa,
        op_data_bytes=BMM_OP_DATA_BYTES,
        scratch_bytes=requests(size),
        persistent=persistent,
    )


def _transposed(operand: str, rank: int, size_bytes: int) -> tuple[Persistent, ...]:
    return (
        Persistent(f"transposed {operand} tensor", 12),
        Persistent(f"transposed {operand} shape", 4 + 4 * rank),
        Persistent(f"transposed {operand}", size_bytes),
    )


def dispatch_svdf(layer: SvdfLayer, setup: Setup) -> KernelUse:
    """The use of one SVDF layer: int32 feature outputs, int32 outputs, and MVE's kernel sums."""
    isa, for_size = setup.isa, setup.build.for_size
    op_data_bytes = SVDF_OP_DATA_BYTES + (4 if for_size else 0)
    features = 4 * layer.batches * layer.filters
    if layer.activations is not Num.INT8:
        return reference_use(
            "EvalFloatSvdfReference",
            FLOAT_REASON,
            op_data_bytes=op_data_bytes,
            scratch_bytes=(features,),
        )
    sums = sizes.svdf_s8_get_buffer_size(Dims(layer.filters, 1, 1, 1), isa)
    return simd_use(
        "arm_svdf_state_s16_s8" if layer.time_weights is Num.INT16 else "arm_svdf_s8",
        isa,
        op_data_bytes=op_data_bytes,
        scratch_bytes=(
            features,
            4 * layer.batches * layer.units,
            *(requests(sums) if for_size else ()),
        ),
        persistent=(Persistent("kernel sums", sums),) if sums > 0 and not for_size else (),
    )


def dispatch_lstm(layer: LstmLayer, isa: Isa) -> KernelUse:
    """The use of one LSTM layer: three cell-sized buffers, and eight kernel sums on every ISA."""
    cells = layer.batches * layer.units
    if layer.activations not in {Num.INT8, Num.INT16} or layer.cell_state is not Num.INT16:
        return reference_use(
            "EvalLstm",
            FLOAT_REASON,
            op_data_bytes=LSTM_OP_DATA_BYTES,
            scratch_bytes=(4 * cells,) * 4,
        )
    is_int8 = layer.activations is Num.INT8
    sums = tuple(
        Persistent(f"{gate} gate {source} kernel sums", (4 if is_int8 else 8) * layer.units)
        for source in ("data", "hidden")
        for gate in _LSTM_GATES
    )
    return simd_use(
        f"arm_lstm_unidirectional_{'s8' if is_int8 else 's16'}",
        isa,
        op_data_bytes=LSTM_OP_DATA_BYTES,
        scratch_bytes=(2 * cells,) * 3,
        persistent=sums,
    )
