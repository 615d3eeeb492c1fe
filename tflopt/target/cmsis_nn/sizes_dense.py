"""Buffer sizes of ``arm_fully_connected_*``, ``arm_avgpool_*`` and ``arm_svdf_s8``.

Source: Source/{FullyConnected,Pooling,SVD}Functions/*_get_buffer_sizes_*.c.
"""

from __future__ import annotations

from tflopt.target.cmsis_nn.structs import Dims
from tflopt.target.cortex_m import Isa

_INT32 = 4


def fully_connected_s8_get_buffer_size(filter_: Dims, isa: Isa) -> int:
    """``arm_fully_connected_s8_get_buffer_size``: MVE's sum of the weights of each output."""
    return filter_.c * _INT32 if isa is Isa.MVE else 0


def fully_connected_s16_get_buffer_size(filter_: Dims, isa: Isa) -> int:
    """``arm_fully_connected_s16_get_buffer_size``: none."""
    del filter_, isa
    return 0


def avgpool_s8_get_buffer_size(output_w: int, input_c: int, isa: Isa) -> int:
    """``arm_avgpool_s8_get_buffer_size``: DSP's int32 accumulators, whatever the width."""
    del output_w
    return input_c * _INT32 if isa is Isa.DSP else 0


def avgpool_s16_get_buffer_size(output_w: int, input_c: int, isa: Isa) -> int:
    """``arm_avgpool_s16_get_buffer_size``: as the s8 function's."""
    return avgpool_s8_get_buffer_size(output_w, input_c, isa)


def svdf_s8_get_buffer_size(weights_feature: Dims, isa: Isa) -> int:
    """``arm_svdf_s8_get_buffer_size``: MVE's sum of the weights of each filter."""
    return weights_feature.n * _INT32 if isa is Isa.MVE else 0
