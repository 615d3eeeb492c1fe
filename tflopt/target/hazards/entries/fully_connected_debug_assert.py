"""Debug builds stop at a dense layer with an output of rank above 2."""

from tflopt.ir import OpCode
from tflopt.target.cmsis_nn.layers import FullyConnectedLayer
from tflopt.target.hazards.hazard import Detail, Evidence, Hazard, Site

ENOUGH_REQUESTS = 4


def _meets(site: Site) -> Detail:
    layer = site.layer
    if not isinstance(layer, FullyConnectedLayer) or layer.per_channel:
        return None
    if site.use.function != "arm_convolve_1x1_s8_fast":
        return None
    earlier = site.earlier_requests()
    if earlier >= ENOUGH_REQUESTS:
        return None
    return (
        f"rank {layer.output_rank}, per-tensor weights, and only {earlier} scratch "
        f"requests before it where the assertion wants {ENOUGH_REQUESTS}"
    )


HAZARD = Hazard(
    name="fully-connected-debug-assert",
    operators=frozenset({OpCode.FULLY_CONNECTED}),
    part="TFLM",
    where="kernels/cmsis_nn/fully_connected.cc compares a scratch buffer's number with 4",
    affected="all cores, debug builds of TFLM (without NDEBUG)",
    symptom="the firmware aborts in the first inference; release builds compute the layer right",
    evidence=Evidence.EXECUTED,
    needs="a debug build",
    rule="flatten-fully-connected",
    advice="build TFLM for release",
    meets=_meets,
)
