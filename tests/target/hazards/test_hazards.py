"""Every entry of the table: its model meets it where it should, and a rule avoids it."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.check_rule import check_same_outputs
from tests.support.paths import ROOT
from tests.support.runtime import installed, runtime
from tflopt.config import Config
from tflopt.facts.windows import padding_before
from tflopt.io import read, read_bytes, write_bytes
from tflopt.ir import Model, OpCode, Padding
from tflopt.rules.defects.route import RouteRule
from tflopt.rules.pipeline import RULES, run_pipeline
from tflopt.run.samples import SampleOptions, make_samples
from tflopt.target import Target
from tflopt.target.cmsis_nn.layers import TransposeConvLayer
from tflopt.target.cmsis_nn.versions import V4AB83CC, V7_0_0, V99F736A, VE096196, VERSIONS, Version
from tflopt.target.device import Device
from tflopt.target.hazards import Evidence, find_hazards, hazards
from tflopt.target.hazards.entries.transpose_conv_rows import computed_rows, expected_rows

pytestmark = pytest.mark.unit
FOLDER = ROOT / "testdata" / "hazards"
M4, M55, M0 = (Target.parse(name) for name in ("cortex-m4", "cortex-m55", "cortex-m0"))
EVERYWHERE = {(target, version) for target in (M0, M4, M55) for version in VERSIONS}
MVE = {(M55, version) for version in VERSIONS}
AFFECTED: dict[str, set[tuple[Target, Version]]] = {
    "conv-1xn-strided": MVE,
    "conv-s16-without-bias": EVERYWHERE,
    "depthwise-row-scratch": MVE,
    "fully-connected-debug-assert": EVERYWHERE,
    "fully-connected-s16-bias": EVERYWHERE,
    "grouped-conv-scratch": {(t, v) for t in (M0, M4, M55) for v in (V7_0_0, VE096196)},
    "grouped-conv-without-bias": EVERYWHERE,
    "lstm-state": EVERYWHERE,
    "softmax-s16-single": EVERYWHERE,
    "space-to-batch-padding": EVERYWHERE,
    "svdf-int8-state": EVERYWHERE,
    "transpose-conv-rows": EVERYWHERE - {(target, V99F736A) for target in (M0, M4, M55)},
    "transpose-conv-s16-without-bias": EVERYWHERE,
    "transpose-conv-scratch": EVERYWHERE,
    "transpose-identity": MVE,
    "transpose-rank-five": EVERYWHERE,
    "transpose-rank-two": EVERYWHERE,
    "uncalled-scratch": EVERYWHERE,
    "wide-depthwise-without-bias": MVE,
}
NAMES = sorted(AFFECTED)
OLDER = Device.of("cortex-m4", tflm="3b20912")
BUILDS = {
    "maximum-of-vector": OLDER,
    "pad-below-rank-four": OLDER,
    "pool-batches": OLDER,
    "resize-nearest-centers": OLDER,
    "svdf-for-size": Device.of("cortex-m4", build="size"),
}
"""Entries that the newest TFLM, built for speed, doesn't have."""


def model_of(name: str) -> Model:
    return read(FOLDER / f"{name.replace('-', '_')}.tflite")


def names_on(model: Model, target: Target, version: Version) -> list[str]:
    return [found.hazard.name for found in find_hazards(model, Device.of(target, version))]


def test_every_entry_has_its_model_and_its_row_here() -> None:
    files = {Path(path).stem.replace("_", "-") for path in FOLDER.glob("*.tflite")}
    assert {hazard.name for hazard in hazards()} == files == set(AFFECTED) | set(BUILDS)


@pytest.mark.parametrize("name", sorted(BUILDS))
def test_is_flagged_for_the_build_that_has_it_alone(name: str) -> None:
    model = model_of(name)
    assert [found.hazard.name for found in find_hazards(model, BUILDS[name])] == [name]
    for target, version in EVERYWHERE:
        assert names_on(model, target, version) == []


@pytest.mark.parametrize("name", NAMES)
def test_is_flagged_exactly_where_it_is_affected(name: str) -> None:
    model = model_of(name)
    found = {
        (target, version)
        for target, version in EVERYWHERE
        if name in names_on(model, target, version)
    }
    assert found == AFFECTED[name]


@pytest.mark.parametrize("name", NAMES)
def test_no_other_entry_sees_it(name: str) -> None:
    model = model_of(name)
    for target, version in EVERYWHERE:
        assert set(names_on(model, target, version)) <= {name}


@pytest.mark.parametrize("hazard", hazards(), ids=lambda hazard: hazard.name)
def test_the_text_is_complete_and_its_rule_exists(hazard: object) -> None:
    texts = [getattr(hazard, key) for key in ("where", "affected", "symptom", "advice")]
    assert all(text and not text.endswith(".") for text in texts)
    rule = getattr(hazard, "rule")  # noqa: B009
    assert rule is None or rule in {each.name for each in RULES}


@pytest.mark.parametrize("name", [h.name for h in hazards() if h.rule is not None])
def test_the_pipeline_routes_around_and_keeps_the_outputs(name: str) -> None:
    for target, version in sorted(AFFECTED[name], key=str):
        model = model_of(name)
        original = read_bytes(write_bytes(model))
        run_pipeline(model, config=Config(device=Device.of(target, version), plan=None))
        assert names_on(model, target, version) == []
        if name != "transpose-conv-s16-without-bias":  # crashes the host's kernels, too
            check_same_outputs(original, model, ["tflm"])


@pytest.mark.parametrize("name", NAMES)
def test_no_route_is_taken_where_that_is_not_wanted(name: str) -> None:
    target, version = sorted(AFFECTED[name], key=str)[0]
    config = Config(device=Device.of(target, version), plan=None, route_around=False)
    trace = run_pipeline(model_of(name), config=config)
    assert not set(trace.counts) & {rule.name for rule in RULES if isinstance(rule, RouteRule)}


@pytest.mark.parametrize("name", [h.name for h in hazards() if h.evidence is Evidence.HOST])
def test_the_host_shows_it_too(name: str) -> None:
    if set(installed()) != {"tflm", "litert"}:
        pytest.skip("needs both tflite-micro and ai-edge-litert")
    data = write_bytes(model_of(name))
    samples = make_samples(model_of(name), SampleOptions(4))
    tflm, litert = (runtime().run(runner, data, samples) for runner in ("tflm", "litert"))
    assert any(
        not np.array_equal(a, b)
        for one, two in zip(tflm, litert, strict=True)
        for a, b in zip(one, two, strict=True)
    )


SIZES = st.integers(1, 9)


@given(SIZES, SIZES, st.integers(1, 4), st.integers(0, 4), st.booleans())
def test_rows_without_padding_are_right_where_the_filter_covers_the_stride(
    rows: int, kernel: int, stride: int, more: int, partly: bool
) -> None:
    kernel = max(kernel, stride)
    layer = TransposeConvLayer(
        *(1, rows, 1, 1, (rows - 1) * stride + kernel, 1, 1, kernel, 1, stride, stride),
        pad_h=0,
    )
    assert computed_rows(layer, partly) == expected_rows(layer)
    if more and kernel > 1:
        cut = replace(layer, pad_h=1, output_h=layer.output_h - 2)
        assert expected_rows(cut) == [
            frozenset(row) for row in expected_rows(layer)[1 : 1 + cut.output_h]
        ]


def wrong_upsamplings(version: Version) -> list[tuple[int, int, int]]:
    """(rows, stride, kernel) of the SAME layers that a version computes wrongly."""
    found = []
    for rows, stride, kernel in product(range(1, 8), range(1, 4), range(1, 8)):
        out = rows * stride
        pad = padding_before(Padding.SAME, out, kernel, stride)
        layer = TransposeConvLayer(*(1, rows, 1, 1, out, 1, 1, kernel, 1, stride, 1), pad_h=pad)
        if computed_rows(layer, version.transpose_conv_rows_right) != expected_rows(layer):
            found.append((rows, stride, kernel))
    return found


def test_the_fix_leaves_few_rows_under_a_tall_filter() -> None:
    assert wrong_upsamplings(V99F736A) == [(1, 1, 5), (1, 1, 6), (1, 1, 7), (2, 1, 7)]
    assert len(wrong_upsamplings(V4AB83CC)) > 20


def test_a_model_without_defects_has_no_finding() -> None:
    model = read(ROOT / "testdata" / "models" / "ds_cnn.tflite")
    for target, version in EVERYWHERE:
        assert names_on(model, target, version) == []
    assert any(op.code is OpCode.CONV_2D for op in model.ops())
