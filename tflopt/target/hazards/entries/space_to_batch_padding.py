"""SPACE_TO_BATCH_ND pads with 0 where it should pad with the zero point."""

from tflopt.ir import DType, OpCode
from tflopt.target.hazards.hazard import Detail, Evidence, Hazard, Site


def _meets(site: Site) -> Detail:
    data, paddings = site.op.input(0), site.op.input(2)
    if data is None or data.dtype is not DType.INT8 or paddings is None:
        return None
    quant, amounts = data.quant, paddings.ints()
    if quant is None or quant.zero_point is None or not quant.zero_point.any():
        return None
    if amounts is not None and not any(amounts):
        return None
    return f"zero point {int(quant.zero_point[0])}"


HAZARD = Hazard(
    name="space-to-batch-padding",
    operators=frozenset({OpCode.SPACE_TO_BATCH_ND}),
    part="TFLM",
    where="kernels/space_to_batch_nd.cc never sets the value that the reference code pads with",
    affected="all cores, every known version of TFLM",
    symptom="borders are padded with the number 0, which is not the value 0",
    evidence=Evidence.HOST,
    rule=None,
    advice="let the converter fuse the dilation, or pad with a PAD of its own",
    meets=_meets,
)
