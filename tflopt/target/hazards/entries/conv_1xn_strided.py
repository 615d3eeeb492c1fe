"""MVE's 1xN convolution is wrong for many strides above 1."""

from tflopt.ir import OpCode
from tflopt.target.cmsis_nn.dispatch import dispatch
from tflopt.target.cmsis_nn.dispatch_convolve import convolve_1_x_n_is_right
from tflopt.target.cmsis_nn.layers import ConvLayer, DepthwiseLayer
from tflopt.target.hazards.hazard import Detail, Evidence, Hazard, Site


def _as_convolution(site: Site) -> ConvLayer | None:
    """The layer, or the convolution that MVE makes of a depthwise layer with one channel."""
    layer = site.layer
    if isinstance(layer, ConvLayer):
        return layer
    if site.use.function != "arm_depthwise_conv_to_conv_s8":
        return None
    if not isinstance(layer, DepthwiseLayer):
        return None
    return ConvLayer(
        *(layer.batches, layer.input_h, layer.input_w, layer.input_c),
        *(layer.output_h, layer.output_w, layer.output_c),
        *(layer.kernel_h, layer.kernel_w, layer.input_c),
        *(layer.stride_h, layer.stride_w, layer.dilation_h, layer.dilation_w),
        *(layer.pad_h, layer.pad_w),
    )


def _meets(site: Site) -> Detail:
    layer = _as_convolution(site)
    if layer is None:
        return None
    version = site.device.cmsis_nn
    if version is None:
        return None
    function = dispatch(layer, site.device.setup, version).function
    if function != "arm_convolve_1_x_n_s8":
        return None
    if convolve_1_x_n_is_right(layer.params, layer.input, layer.filter, layer.output):
        return None
    return (
        f"width {layer.input_w}, kernel {layer.kernel_w}, stride {layer.stride_w}, "
        f"padding {layer.pad_w}"
    )


HAZARD = Hazard(
    name="conv-1xn-strided",
    operators=frozenset({OpCode.CONV_2D, OpCode.DEPTHWISE_CONV_2D}),
    part="CMSIS-NN",
    where="arm_convolve_1_x_n_s8.c splits the row into a left, a middle and a right part wrongly",
    affected="MVE cores, every known version of CMSIS-NN",
    symptom="the first or the last outputs of every row are wrong, or none is written at all",
    evidence=Evidence.EXECUTED,
    rule="assign-layouts",
    advice="exchange height and width, which takes another function",
    meets=_meets,
)
