"""``benchmarks/flash.py`` can fail, and ``benchmarks/run.py`` keeps the rest of the page."""

from __future__ import annotations

import pytest

from benchmarks import flash, run
from tests.support.paths import TESTDATA
from tflopt.ir import OpCode, Quantization
from tflopt.rewrite import Rewriter
from tflopt.rules.flash.strip_unread_quantization import StripUnreadQuantization
from tflopt.run.samples import SampleOptions

pytestmark = pytest.mark.unit


def row(name: str = "kws_ref_model", /, **changes: object) -> flash.Row:
    """60.7 % and 55 % of 1,000 bytes, exactly at the limits of that model."""
    form = {"file_bytes": 607, "least_bytes": 500, "least_kept_bytes": 600, "verdicts": {}}
    both = flash.Form(**{**form, **changes})  # type: ignore[arg-type]
    return flash.Row(name, 1000, both, flash.Form(550, 500, 545), 700, 100, 40)


def test_at_the_limits_nothing_is_missed() -> None:
    assert flash.failures(row()) == []
    assert flash.failures(row(verdicts={"tflm": "identical"})) == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"file_bytes": 608}, "ratio 0.6080, at most 0.607"),
        ({"least_kept_bytes": 588}, "3.23 % over the lower bound"),
        ({"least_kept_bytes": 608}, "less than the lower bound"),
        ({"verdicts": {"litert": "different: output 0"}}, "on litert: different"),
        ({"verdicts": {"tflm": "tflm is not installed"}}, "on tflm: tflm is not installed"),
    ],
)
def test_each_miss_is_named(changes: dict[str, object], reason: str) -> None:
    (found,) = flash.failures(row(**changes))
    assert reason in found


def test_a_model_without_limit_may_be_large_and_not_runnable_but_not_different() -> None:
    assert flash.failures(row("x", file_bytes=990, least_kept_bytes=980)) == []
    assert flash.failures(row("x", verdicts={"tflm": "tflm has no operator TILE"})) == []
    assert flash.failures(row("x", verdicts={"tflm": "different: output 0"})) != []


@pytest.mark.runtime
def test_a_rule_that_changes_outputs_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tflite_micro")

    def spoil(self: StripUnreadQuantization, model: object, rw: Rewriter) -> None:
        inputs = [op.inputs[1] for op in rw.model.main.ops if op.code is OpCode.CONV_2D]
        weights = next(value for value in inputs if value is not None)
        quant = weights.quant
        assert quant is not None
        assert quant.scale is not None
        rw.set_quant(weights, Quantization(quant.scale * 2, quant.zero_point, 0))

    monkeypatch.setattr(StripUnreadQuantization, "rewrite_model", spoil)
    measured = flash.measure(TESTDATA / "conv1d_stride2.tflite", SampleOptions(4))
    assert any("different" in text for text in flash.failures(measured))


def test_only_the_section_between_the_markers_changes() -> None:
    page = "# Title\n\nbefore\n\n<!-- begin: a -->\nold\n<!-- end: a -->\n\nafter\n"
    assert run.replace_section(page, "a", "new") == page.replace("old", "new")
    longer = run.replace_section(page, "b", "more")
    assert longer.startswith(page.rstrip())
    assert longer.endswith("<!-- begin: b -->\nmore\n<!-- end: b -->\n")
    with pytest.raises(ValueError, match="not both"):
        run.replace_section("<!-- begin: a -->", "a", "new")
