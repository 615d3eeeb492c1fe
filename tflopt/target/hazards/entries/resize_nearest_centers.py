"""RESIZE_NEAREST_NEIGHBOR samples at corners where the model asks for the centers of pixels."""

from __future__ import annotations

from tflopt.ir import OpCode
from tflopt.ir.options import ResizeNearestNeighborOptions
from tflopt.target.hazards.hazard import Detail, Evidence, Hazard, Site


def _meets(site: Site) -> Detail:
    op, options = site.op, site.op.options
    if site.device.runtime.resizes_at_pixel_centers or not op.outputs:
        return None
    if not isinstance(options, ResizeNearestNeighborOptions) or not options.half_pixel_centers:
        return None
    data = op.input(0)
    if data is None or len(data.shape) != 4 or len(op.output.shape) != 4:
        return None
    pairs = list(zip(data.shape[1:3], op.output.shape[1:3], strict=True))
    if all(_same_pixels(before, after) for before, after in pairs):
        return None
    return " and ".join(f"{before} to {after}" for before, after in pairs)


def _same_pixels(before: int, after: int) -> bool:
    """Whether both samplings take the same pixels along an axis: sizes that divide evenly up."""
    return before > 0 and after % before == 0


HAZARD = Hazard(
    name="resize-nearest-centers",
    operators=frozenset({OpCode.RESIZE_NEAREST_NEIGHBOR}),
    part="TFLM",
    where="kernels/resize_nearest_neighbor.cc sets half_pixel_centers to false",
    affected="all cores, TFLM of 2025-08 and before",
    symptom="pixels beside the right ones are taken where the size is no multiple",
    evidence=Evidence.EXECUTED,
    rule=None,
    advice="resize to a multiple of the size, or take a newer TFLM",
    meets=_meets,
)
