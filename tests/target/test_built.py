"""The target that build attributes name."""

from __future__ import annotations

import pytest

from tflopt.errors import UsageError
from tflopt.io.build_attributes import BuildAttributes
from tflopt.target.built import target_built_for

pytestmark = pytest.mark.unit
PLAIN, DSP = BuildAttributes(), BuildAttributes(dsp=True)
MVE = BuildAttributes(dsp=True, mve=True)


@pytest.mark.parametrize(
    ("cpu", "attributes", "target"),
    [
        ("Cortex-M4", [DSP], "cortex-m4"),
        ("7E-M", [DSP], "cortex-m4"),
        ("6S-M", [PLAIN], "cortex-m0"),
        ("cortex-m55", [DSP, MVE, PLAIN], "cortex-m55"),
        ("cortex-m55", [DSP], "cortex-m55+nomve"),
        ("cortex-m33", [PLAIN], "cortex-m33+nodsp"),
        ("cortex-m7", [PLAIN], "cortex-m7"),  # its DSP extension is always there
    ],
)
def test_the_best_instructions_of_any_object(
    cpu: str, attributes: list[BuildAttributes], target: str
) -> None:
    assert str(target_built_for(cpu, attributes)) == target


def test_a_core_that_nothing_is_known_of() -> None:
    with pytest.raises(UsageError, match="unknown target"):
        target_built_for("cortex-a9", [PLAIN])
