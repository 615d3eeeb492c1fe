"""Where each defect is in the sources, and what would mend it: read by a person, not measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

NEW = "tflite-micro 90b983c, CMSIS-NN 4ab83cc"
OLD = "tflite-micro 3b20912, CMSIS-NN e096196"
TFLM = "tensorflow/lite/micro/kernels"
CONVOLUTION = "CMSIS-NN Source/ConvolutionFunctions"


@dataclass(frozen=True)
class Place:
    """A file with a line, the versions it is of, and a sentence on the mend."""

    line: str
    mend: str
    versions: str = NEW


PLACES: Mapping[str, Place] = {
    "conv-1xn-strided": Place(
        f"{CONVOLUTION}/arm_convolve_1_x_n_s8.c:88-90, 148, 178-186",
        "`right_pad_num` counts `pad_x + asym_pad` as pixels of padding, whatever of them the "
        "stride leaves unread; the first window without padding is at the least x with "
        "`x * stride >= pad`.",
    ),
    "conv-s16-without-bias": Place(
        f"{TFLM}/cmsis_nn/conv.cc:67, 140, 222-237",
        "Without a bias `is_int32_bias` should be false: the reference accumulates in int64.",
    ),
    "depthwise-row-scratch": Place(
        f"{TFLM}/cmsis_nn/depthwise_conv.cc:169-172",
        "`dw_conv_params` is on the stack, and `stride` isn't set before the size is asked for.",
    ),
    "fully-connected-debug-assert": Place(
        f"{TFLM}/cmsis_nn/fully_connected.cc:309",
        "`TFLITE_DCHECK_GE(data.buffer_conv_1x1_idx, 4)` compares the handle of a scratch buffer; "
        "`> -1` is meant.",
    ),
    "fully-connected-s16-bias": Place(
        f"{TFLM}/cmsis_nn/fully_connected.cc:388-389",
        "Prepare should refuse a bias of int32, or Eval take the reference kernel, which sums in "
        "int32 then (kernels/fully_connected.cc:241).",
    ),
    "grouped-conv-scratch": Place(
        f"{CONVOLUTION}/arm_convolve_get_buffer_sizes_s8.c, the wrappers",
        "Mended by commit c01c0a14.",
        "CMSIS-NN v7.0.0 and e096196",
    ),
    "grouped-conv-without-bias": Place(
        f"{CONVOLUTION}/arm_convolve_s8.c:137, 384",
        "`bias_data_ptr += output_ch_per_group` only where `bias_data` isn't null.",
    ),
    "lstm-state": Place(
        f"{TFLM}/cmsis_nn/unidirectional_sequence_lstm.cc, and CMSIS-NN "
        "Source/LSTMFunctions/arm_lstm_unidirectional_s8.c:59",
        "The cell state is cleared at each invocation, and the hidden state isn't handed over; the "
        "reference kernel keeps both in variable tensors.",
    ),
    "maximum-of-vector": Place(
        f"{TFLM}/cmsis_nn/maximum_minimum.cc:33-41", "Mended in tflite-micro 90b983c.", OLD
    ),
    "pad-below-rank-four": Place(
        f"{TFLM}/cmsis_nn/pad.cc:52-57", "Mended in tflite-micro 90b983c.", OLD
    ),
    "pool-batches": Place(
        f"{TFLM}/cmsis_nn/pooling.cc:45, 50", "Mended in tflite-micro 90b983c.", OLD
    ),
    "resize-nearest-centers": Place(
        f"{TFLM}/resize_nearest_neighbor.cc:81", "Mended in tflite-micro 90b983c.", OLD
    ),
    "softmax-s16-single": Place(
        "CMSIS-NN Source/SoftmaxFunctions/arm_softmax_s16.c:110",
        "`output[col] = (int16_t)result` needs a clamp to 32767, as the reference has.",
    ),
    "space-to-batch-padding": Place(
        f"{TFLM}/space_to_batch_nd.cc:45",
        "`SpaceToBatchParams::output_offset` is never set; Prepare should set the zero point.",
    ),
    "svdf-for-size": Place(
        f"{TFLM}/cmsis_nn/svdf.cc:214-220, 319",
        "The scratch buffer is requested where kernel sums are needed alone, and fetched always.",
    ),
    "svdf-int8-state": Place(
        f"{TFLM}/cmsis_nn/svdf.cc, EvalIntegerSVDF",
        "An int8 state should be clamped to -128..127 before it is stored.",
    ),
    "transpose-conv-rows": Place(
        f"{CONVOLUTION}/arm_transpose_conv_s8.c:141-143",
        "`stride_y` rows are flushed wherever `skip_rows_top` is 0. Commit 4a8f5b5d (issue 230) "
        "mends most layers; where the filter is taller than the rows that are left it isn't "
        "enough.",
    ),
    "transpose-conv-s16-without-bias": Place(
        f"{TFLM}/cmsis_nn/transpose_conv.cc:134",
        "`bias->type` is read without `bias != nullptr`, which kernels/transpose_conv.cc:128 has.",
    ),
    "transpose-conv-scratch": Place(
        f"{CONVOLUTION}/arm_transpose_conv_get_buffer_sizes_s8.c:74",
        "`MAX(filter_dims->w, stride.h)` should compare with `stride.w`.",
    ),
    "transpose-identity": Place(
        "CMSIS-NN Source/TransposeFunctions/arm_transpose_s8.c:232",
        "The condition should ask for `perm[2] == 3 && perm[3] == 2`, too.",
    ),
    "transpose-rank-five": Place(
        f"{TFLM}/cmsis_nn/transpose.cc:38-52",
        "Prepare should refuse more than four dimensions, or Eval take the reference kernel.",
    ),
    "transpose-rank-two": Place(
        "CMSIS-NN Source/TransposeFunctions/arm_transpose_s8.c:193-198",
        "The permutation {0, 1} should copy.",
    ),
    "uncalled-scratch": Place(
        "tensorflow/lite/micro/micro_allocator.cc:140, CommitPlan",
        "Requests of subgraphs that aren't called should be left out of the plan, or "
        "`output_ptr` be asked for null.",
    ),
    "wide-depthwise-without-bias": Place(
        f"{CONVOLUTION}/arm_depthwise_conv_s8_opt.c:152",
        "`bias + block_offset` only where `bias` isn't null.",
    ),
}
