"""ESP-NN behind the seam: which function runs each operator, and what it keeps in the arena.

From ``esp-tflite-micro`` 1.4.0 (99f49e1), ``tensorflow/lite/micro/kernels/esp_nn``: its other
kernels and its allocator are those of tflite-micro 90b983c. And from ESP-NN 1.2.3 (d45b843), with
``NN_OPTIMIZED``, its default: vector code on ESP32-S3, plain C on ESP32.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from tflopt.ir import DType, Op, OpCode
from tflopt.target.cmsis_nn.layers import (
    ConvLayer,
    DepthwiseLayer,
    FullyConnectedLayer,
    Layer,
    Num,
    PoolLayer,
    SoftmaxLayer,
)
from tflopt.target.cmsis_nn.of_operator import maker, plain
from tflopt.target.cortex_m import Isa
from tflopt.target.esp_nn.sizes import conv_scratch_bytes, depthwise_scratch_bytes
from tflopt.target.library import Faster
from tflopt.target.setup import Setup
from tflopt.target.tflm_kernels import WHY, TflmKernels
from tflopt.target.use import KernelUse, Path

VERSION = "esp-nn-1.2.3"
"""What ``--cmsis-nn`` takes for it."""
CONV_OP_DATA_BYTES = 60
"""``NodeData``: that of TFLM's kernel and the scratch's index."""
SOFTMAX_OP_DATA_BYTES = 64
"""The same with 4 bytes behind it, as it holds a double."""
ELEMENTWISE = "arm_elementwise_"
DILATED = "dilated: TFLM's own loop; the scratch is asked for all the same"
NOT_CALLED = "TFLM calls no function of ESP-NN for it"
NOT_INT8 = "ESP-NN has int8 functions alone"
PLAIN_C = "plain C: ESP-NN has no vector code for this chip"
GROUPED = "plain C: the vector code has no groups"
ODD_CHANNELS = "plain C: TFLM asks for 4 channels at a time"
ODD_MULTIPLIER = "plain C: few channels, or a depth multiplier that is no multiple of 4"


@dataclass(frozen=True)
class EspNn:
    """ESP-NN on an ESP32-S3 (``vectors``), or on a chip that it has plain C for."""

    vectors: bool
    name: str = "ESP-NN"
    version: str = VERSION
    note: str = "d45b843, from its sources: no device ran it"

    def __str__(self) -> str:
        return f"{self.name} {self.version.removeprefix('esp-nn-')}"

    def use(self, op: Op, setup: Setup) -> KernelUse:
        """See :meth:`tflopt.target.library.KernelLibrary.use`."""
        own, make = _not_called(TflmKernels().use(op, setup)), maker(op)
        if make is not None:
            return self._of_layer(make(op), op, own)
        used = plain(op, setup.isa)
        if used is None or not used.function.startswith(ELEMENTWISE):
            return own
        if op.output.dtype is not DType.INT8:
            return replace(own, why_not_faster=NOT_INT8)
        what = "add" if op.code is OpCode.ADD else "mul"
        return self._runs(own, f"esp_nn_{what}_elementwise_s8", "ansi")

    def _of_layer(self, layer: Layer, op: Op, own: KernelUse) -> KernelUse:
        match layer:
            case ConvLayer():
                return self._conv(layer, own)
            case DepthwiseLayer():
                return self._depthwise(layer, own)
            case FullyConnectedLayer():
                return self._dense(layer, own)
            case PoolLayer():
                return self._pool(layer, own)
            case SoftmaxLayer():
                return self._softmax(layer, op, own)
        return own

    def missed(self, op: Op, isa: Isa) -> Faster | None:
        """Not known: no device says which of its functions is faster."""
        del op, isa
        return None

    def _runs(self, own: KernelUse, function: str, without: str, why: str = "") -> KernelUse:
        """``own`` with ESP-NN's function; ``why`` it is the one in C in spite of vectors."""
        if self.vectors and not why:
            return replace(
                own, function=f"{function}_esp32s3", path=Path.OPTIMIZED, why_not_faster=None
            )
        reason = why if self.vectors else PLAIN_C
        return replace(
            own, function=f"{function}_{without}", path=Path.PLAIN, why_not_faster=reason
        )

    def _conv(self, layer: ConvLayer, own: KernelUse) -> KernelUse:
        grouped = layer.filter_c != layer.input_c
        without = "ansi" if grouped and (self.vectors or not _is_point(layer)) else "opt"
        used = self._runs(own, "esp_nn_conv_s8", without, GROUPED if grouped else "")
        return self._with_scratch(layer, used, own, conv_scratch_bytes(layer))

    def _depthwise(self, layer: DepthwiseLayer, own: KernelUse) -> KernelUse:
        fits = layer.input_c > 3 if layer.depth_multiplier == 1 else layer.depth_multiplier % 4 == 0
        why = "" if fits else ODD_MULTIPLIER
        used = self._runs(own, "esp_nn_depthwise_conv_s8", "opt", why)
        return self._with_scratch(layer, used, own, depthwise_scratch_bytes(layer))

    def _with_scratch(
        self, layer: ConvLayer | DepthwiseLayer, used: KernelUse, own: KernelUse, size: int
    ) -> KernelUse:
        """Prepare asks for it where the input is int8, whichever function then runs."""
        own = replace(own, op_data_bytes=CONV_OP_DATA_BYTES)
        if layer.activations is not Num.INT8:
            return replace(own, why_not_faster=NOT_INT8)
        asked = (own.scratch_bytes or ()) + ((size,) if self.vectors else ())
        if layer.weights is not Num.INT8:
            return replace(own, scratch_bytes=asked, why_not_faster=NOT_INT8)
        if layer.dilation_h != 1 or layer.dilation_w != 1:
            return replace(own, scratch_bytes=asked, why_not_faster=DILATED)
        return replace(used, op_data_bytes=CONV_OP_DATA_BYTES, scratch_bytes=asked)

    def _dense(self, layer: FullyConnectedLayer, own: KernelUse) -> KernelUse:
        if layer.activations is not Num.INT8 or layer.weights is not Num.INT8:
            return replace(own, why_not_faster=NOT_INT8)
        infix = "per_ch_" if layer.per_channel else ""
        return self._runs(own, f"esp_nn_fully_connected_{infix}s8", "ansi")

    def _pool(self, layer: PoolLayer, own: KernelUse) -> KernelUse:
        if layer.activations is not Num.INT8:
            return replace(own, why_not_faster=NOT_INT8)
        kind = "avg" if layer.average else "max"
        why = ODD_CHANNELS if layer.channels % 4 else ""
        return self._runs(own, f"esp_nn_{kind}_pool_s8", "ansi", why)

    def _softmax(self, layer: SoftmaxLayer, op: Op, own: KernelUse) -> KernelUse:
        """Four bytes for each of the second dimension, which a vector doesn't have."""
        own = replace(own, op_data_bytes=SOFTMAX_OP_DATA_BYTES)
        if layer.input is not Num.INT8 or layer.output is not Num.INT8:
            return replace(own, why_not_faster=NOT_INT8)
        used = self._runs(own, "esp_nn_softmax_s8", "opt")
        data = op.input(0)
        if data is None or len(data.shape) < 2:
            why = "its scratch follows from a second dimension, which its input lacks"
            return replace(used, scratch_bytes=None, why_not_faster=why)
        size = 4 * data.shape[1]
        return replace(used, scratch_bytes=(size,) if size > 0 else ())


def _not_called(use: KernelUse) -> KernelUse:
    """TFLM's own kernel, and why in a firmware with ESP-NN."""
    why = use.why_not_faster or ""
    if use.path is not Path.REFERENCE or not ("CMSIS-NN" in why or why == WHY):
        return use
    return replace(use, why_not_faster=NOT_CALLED)


def _is_point(layer: ConvLayer) -> bool:
    return layer.kernel_h == layer.kernel_w == 1
