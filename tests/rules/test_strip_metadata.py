"""``strip-metadata``: what the converter says of itself goes, what others read stays."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.check_rule import apply, check_leaves_alone, check_rule
from tests.support.everything import archive
from tests.support.flash import Layers, real_model, relu_chain
from tflopt.config import Config, Strip
from tflopt.facts.offline_plan import PLAN_NAME
from tflopt.io import read_bytes, write_bytes
from tflopt.ir import Model
from tflopt.product.optimize import Settings, optimize_file_bytes
from tflopt.report.notes import notes
from tflopt.rules.flash.strip_metadata import CONVERSION, StripMetadata

pytestmark = pytest.mark.runtime
RULE = StripMetadata()
ALL = StripMetadata(everything=True, archive=True)
ENTRIES = {
    "min_runtime_version": b"1.5.0\0",
    "TFLITE_METADATA": b"labels",
    "CONVERSION_METADATA": b"converted",
    PLAN_NAME: np.array([1, 0, 3, -1, -1, -1], "<i4").tobytes(),
    "mine": b"mine",
}


def described(*names: str) -> Layers:
    n = relu_chain("a", "b")
    n.metadata(**{name: ENTRIES[name] for name in names})
    n.model.metadata_buffers = [entry.buffer for entry in n.model.metadata or ()]
    return n


def left(model: Model) -> list[tuple[str | None, bytes]]:
    entries = model.metadata or ()
    return [(e.name, b"" if e.buffer.data is None else e.buffer.data.tobytes()) for e in entries]


def test_what_the_converter_says_goes_and_the_order_of_the_rest_stays() -> None:
    copy = check_rule(described(*ENTRIES).model, RULE, hits=1)
    kept = ["TFLITE_METADATA", PLAN_NAME, "mine"]
    assert left(copy) == [(name, ENTRIES[name]) for name in kept]


def test_all_keeps_the_plan_alone() -> None:
    assert left(check_rule(described(*ENTRIES).model, ALL)) == [(PLAN_NAME, ENTRIES[PLAN_NAME])]


@pytest.mark.parametrize("rule", [RULE, ALL])
def test_keep_protects_an_entry(rule: StripMetadata) -> None:
    kept = StripMetadata(rule.everything, rule.archive, frozenset({"CONVERSION_METADATA"}))
    copy = check_rule(described(*ENTRIES).model, kept)
    assert "CONVERSION_METADATA" in dict(left(copy))


@pytest.mark.parametrize("name", sorted(CONVERSION))
def test_every_known_entry_goes_and_its_buffer_with_it(name: str) -> None:
    n = relu_chain("a", "b")
    n.metadata(**{name: b"words"})
    copy = check_rule(n.model, RULE)
    assert (copy.metadata, copy.metadata_buffers) == (None, None)
    assert [buffer.size_bytes for buffer in copy.buffers] == [0]


def test_an_empty_list_goes() -> None:
    n = relu_chain("a", "b")
    n.model.metadata = []
    assert check_rule(n.model, RULE).metadata is None


def test_an_archive_behind_the_model_stays_until_all_goes() -> None:
    n = described("mine")
    n.model.trailing = np.frombuffer(archive(), np.uint8)
    check_leaves_alone(n.model, RULE)
    assert n.model.trailing is not None
    copy = check_rule(n.model, ALL)
    assert copy.trailing is None


def test_an_entry_without_a_name_stays_by_default() -> None:
    n = described("mine")
    assert n.model.metadata is not None
    n.model.metadata[0].name = None
    check_leaves_alone(n.model, RULE)
    assert apply(n.model, ALL).counts[ALL.name] == 1


def test_leaves_alone_models_without_such_entries() -> None:
    check_leaves_alone(relu_chain("a").model, RULE)
    check_leaves_alone(relu_chain("a").model, ALL)
    check_leaves_alone(described(PLAN_NAME, "mine").model, RULE)
    check_leaves_alone(described(PLAN_NAME).model, ALL)


def test_a_real_file() -> None:
    copy = check_rule(real_model("ds_cnn"), RULE)
    assert not copy.metadata


@pytest.mark.parametrize(
    ("strip", "goes"),
    [(Strip.NONE, False), (Strip.DEFAULT, False), (Strip.METADATA_ZIP, True), (Strip.ALL, True)],
    ids=lambda each: str(each),
)
def test_an_archive_goes_where_that_is_asked_for(strip: Strip, goes: bool) -> None:
    model = relu_chain("a", "b").model
    model.trailing = np.frombuffer(b"PK\x03\x04" + bytes(96), np.uint8)
    source = write_bytes(model)
    config = Config(strip=strip, plan=None)
    result = optimize_file_bytes(read_bytes(source), source, Settings(config=config, samples=None))
    assert (b"PK\x03\x04" in result.data) is not goes
    assert any("archive" in text for text in notes(result.model, config.device)) is not goes
    if strip is Strip.METADATA_ZIP:
        names = [value.name for value in result.model.main.inputs]
        assert names == [value.name for value in model.main.inputs]
