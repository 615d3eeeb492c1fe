"""Layers that TFLM's and CMSIS-NN's kernels compute wrongly."""

from tflopt.target.hazards.hazard import Evidence, Hazard, HazardFinding, Site
from tflopt.target.hazards.table import find_hazards, hazards, hazards_at, is_routed_by

__all__ = [
    "Evidence",
    "Hazard",
    "HazardFinding",
    "Site",
    "find_hazards",
    "hazards",
    "hazards_at",
    "is_routed_by",
]
