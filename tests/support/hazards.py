"""The models of ``testdata/hazards`` for tests of the rules that route around them."""

from __future__ import annotations

from tests.support.paths import ROOT
from tflopt.io import read
from tflopt.ir import Model
from tflopt.target.cmsis_nn.versions import V4AB83CC
from tflopt.target.device import Device

FOLDER = ROOT / "testdata" / "hazards"
M4, M55 = (Device.of(name, V4AB83CC) for name in ("cortex-m4", "cortex-m55"))
"""CMSIS-NN as TFLM pins it: the one with most defects."""


def hazard_model(name: str) -> Model:
    """The model that meets the defect of that name."""
    return read(FOLDER / f"{name.replace('-', '_')}.tflite")
