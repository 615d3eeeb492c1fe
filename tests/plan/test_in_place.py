"""Plans with aliasing on the real runtime: the outputs stay the same, over several invocations."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plan.random_models import random_model
from tests.plan.tflm_host import needs_tflm, outputs
from tflopt.io.reading.reader import read
from tflopt.io.writing.writer import write_bytes
from tflopt.ir import DType, Model, OpCode
from tflopt.ir.builder import Builder
from tflopt.ir.options import ReducerOptions
from tflopt.plan.describe import describe, write_plan
from tflopt.plan.find_aliases import in_place_aliases
from tflopt.plan.offline import plan_offline
from tflopt.plan.reference_kernels import reference_scratch

pytestmark = [pytest.mark.runtime, needs_tflm]

ROOT = Path(__file__).parents[2]
FOLDERS = (ROOT.parent / "shared" / "models", ROOT / "testdata" / "models")
NAMES = ("vww_96_int8", "seanet_add0", "seanet_leaky_relu0", "inception", "mobilenet_v1", "unet")


def _planned(model: Model) -> bytes:
    desc = describe(model, reference_scratch)
    write_plan(model, plan_offline(desc, in_place_aliases(model)).offsets)
    return write_bytes(model)


def test_random_models() -> None:
    models = [random_model(seed) for seed in range(40)]
    plain = [write_bytes(model) for model in models]
    assert outputs(plain) == outputs([_planned(model) for model in models])


def test_model_files() -> None:
    paths = [folder / f"{name}.tflite" for folder in FOLDERS for name in NAMES]
    models = [read(path) for path in paths if path.exists()]
    models = [m for m in models if all(v.dtype is DType.INT8 for v in m.main.inputs)]
    if not models:
        pytest.skip("no model files")
    plain = [write_bytes(model) for model in models]
    assert outputs(plain) == outputs([_planned(model) for model in models])


def test_the_comparison_notices_a_wrong_plan() -> None:
    b = Builder()
    x = b.input((1, 4, 4, 8))
    y = b.op(OpCode.RELU, [x], x.shape)
    axes = b.constant([1, 2])
    b.output(b.op(OpCode.MEAN, [y, axes], (1, 8), options=ReducerOptions()))
    plain = write_bytes(b.model)
    write_plan(b.model, [256, 0, -1, 0])  # MEAN doesn't work in place
    assert outputs([plain]) != outputs([write_bytes(b.model)])
