"""Predicted heads against the recording allocator of the tflite-micro package, to the byte."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.plan.random_models import random_model
from tests.plan.tflm_host import Recorded, needs_tflm, record
from tflopt.facts.offline_plan import ONLINE
from tflopt.io.reading.reader import read
from tflopt.io.writing.writer import write_bytes
from tflopt.ir import Model
from tflopt.plan.describe import describe, write_plan
from tflopt.plan.find_aliases import in_place_aliases
from tflopt.plan.lifetimes import ModelDesc
from tflopt.plan.offline import plan_offline, simulate_head
from tflopt.plan.reference_kernels import reference_scratch
from tflopt.plan.tflm_sizes import X86_64

pytestmark = [pytest.mark.runtime, needs_tflm]

ROOT = Path(__file__).parents[2]
FOLDERS = (ROOT.parent / "shared" / "models", ROOT / "testdata" / "models")
PATHS = [path for folder in FOLDERS for path in sorted(folder.glob("*.tflite"))]
RANDOM_MODELS = 60


def _with_plan(model: Model, offsets: Sequence[int] | None) -> bytes:
    write_plan(model, offsets)
    return write_bytes(model)


def _any_offsets(model: ModelDesc, rng: random.Random) -> list[int]:
    """Whatever a tool might write: overlapping, partly online, with gaps, constants included."""
    choices = [ONLINE, *range(0, 512, 16)]
    return [rng.choice(choices) for _ in range(model.tensor_count)]


def _compare(predicted: Sequence[int], recorded: Sequence[Recorded | None]) -> None:
    heads = [found.head if found else None for found in recorded]
    assert list(predicted) == heads


@pytest.mark.skipif(not PATHS, reason="no model files")
def test_model_files_with_and_without_plans() -> None:
    predicted, data, names = [], [], []
    for path in PATHS:
        model = read(path)
        desc = describe(model, reference_scratch)
        for aliases in (None, [], in_place_aliases(model)):
            offsets = None if aliases is None else plan_offline(desc, aliases).offsets
            predicted.append(simulate_head(desc, offsets).head_bytes)
            data.append(path.read_bytes() if offsets is None else _with_plan(model, offsets))
            names.append(path.name)
    recorded = record(data, arena_bytes=64 << 20)
    assert recorded.count(None) < len(recorded) // 4  # TFLM can't allocate each of them
    for name, head, found in zip(names, predicted, recorded, strict=True):
        assert found is None or (name, found.head) == (name, head)


def test_random_models_with_and_without_plans() -> None:
    predicted, data = [], []
    for seed in range(RANDOM_MODELS):
        model = random_model(seed)
        desc = describe(model, reference_scratch)
        planned = plan_offline(desc, in_place_aliases(model)).offsets
        for offsets in (None, planned, _any_offsets(desc, random.Random(seed))):
            predicted.append(simulate_head(desc, offsets).head_bytes)
            data.append(_with_plan(model, offsets))
    _compare(predicted, record(data))


def test_structures_of_the_host_build() -> None:
    model = random_model(3)
    graph = describe(model, reference_scratch).subgraphs[0]
    (found,) = record([write_bytes(model)])
    assert found is not None
    tensors, nodes = len(graph.tensors), len(graph.ops)
    ports = [*graph.inputs, *graph.outputs]
    assert found.detail("TfLiteEvalTensor data")[1:] == (X86_64.eval_tensor * tensors, tensors)
    assert found.detail("NodeAndRegistration struct")[1] == X86_64.node_and_registration * nodes
    assert found.detail("Persistent TfLiteTensor data")[1] == X86_64.tensor * len(ports)
    quantization = X86_64.affine_quantization + X86_64.int_array_header + 4
    recorded = found.detail("Persistent TfLiteTensor quantization data")[1]
    assert recorded == quantization * len(ports)
    assert found.total == found.head + found.tail
